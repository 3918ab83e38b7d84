"""Visual position prompts (VPP-LLaVA, arXiv 2503.15426): a ruler over the picture, and 100 object queries after it.

Global prompt: a learnable overlay, begun as a picture of axes with ticks every 0.1, mixed into a border of 30 pixels:
X' = 0.95 X + 0.05 (axes * mask). Local prompt: the 100 decoder states of a DETR that saw the same picture, through an
MLP 256 -> 1024 -> GELU -> width of the language model, as tokens after the image tokens: 576 + 100.

Both stand outside transformers' LLaVA: `image_features` makes what its `forward` takes as `mm_encoder_outputs`, and the
processor, told of 100 more tokens, makes room for them. Of a checkpoint the prompt is `vpp.safetensors`, `vpp.json` and
the detector in `vpp_detector/`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional
from transformers.modeling_outputs import BaseModelOutputWithPooling

from spatial_llava_ros.model.errors import ModelLoadError

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
WEIGHTS, DESCRIPTION, DETECTOR = "vpp.safetensors", "vpp.json", "vpp_detector"


@dataclass(frozen=True)
class VppConfig:
    """Sizes of the prompts, as published unless said otherwise.

    Attributes:
        size: side of the overlay, pixels: the vision tower's picture.
        border: pixels in which the overlay shows.
        alpha: weight of the picture.
        queries: object queries of the detector; 0 for the global prompt alone.
        query_width, hidden: of the detector and of the MLP between.
        width: of the language model.
        detector_size: side of the letterbox that the detector sees.
    """

    size: int = 336
    border: int = 30
    alpha: float = 0.95
    queries: int = 100
    query_width: int = 256
    hidden: int = 1024
    width: int = 4096
    detector_size: int = 640


def draw_axes(size: int) -> np.ndarray:
    """(size, size, 3) uint8: axes on all four edges of a white square, ticks and numbers 0.1 to 0.9 at each tenth."""
    scale = 4  # drawn large, then reduced: numbers of ten pixels stay round
    side = size * scale
    picture = np.full((side, side, 3), 255, np.uint8)
    line, tick = max(1, size // 336) * scale, round(size * 0.012) * scale
    font, height = cv2.FONT_HERSHEY_COMPLEX, size * 0.024 * scale
    letter = cv2.getFontScaleFromHeight(font, round(height), scale)
    cv2.rectangle(picture, (0, 0), (side - 1, side - 1), (0, 0, 0), 2 * line)
    for tenth in range(1, 10):
        at = round(tenth * side / 10)
        text = f"0.{tenth}"
        (w, h), _ = cv2.getTextSize(text, font, letter, scale)
        gap = tick + round(0.006 * side)
        for start, end in (
            ((at, 0), (at, tick)),
            ((at, side), (at, side - tick)),
            ((0, at), (tick, at)),
            ((side, at), (side - tick, at)),
        ):
            cv2.line(picture, start, end, (0, 0, 0), line)
        for x, y in (
            (at - w // 2, gap + h),
            (at - w // 2, side - gap),
            (gap, at + h // 2),
            (side - gap - w, at + h // 2),
        ):
            cv2.putText(picture, text, (x, y), font, letter, (0, 0, 0), scale, cv2.LINE_AA)
    return cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)


def clip_normalised(picture: np.ndarray) -> torch.Tensor:
    """(H, W, 3) uint8 to (3, H, W) float32 as CLIP's processor does."""
    values = torch.from_numpy(picture).permute(2, 0, 1).float() / 255
    return (values - torch.tensor(CLIP_MEAN)[:, None, None]) / torch.tensor(CLIP_STD)[:, None, None]


class VisualPositionPrompt(nn.Module):
    """The learnable overlay, the detector of object queries and the MLP behind it.

    Attributes:
        axes: (3, size, size) parameter, CLIP-normalised.
        projector: MLP from the detector's width to the language model's.
        detector: a transformers DETR-like model whose `last_hidden_state` is (B, queries, query_width); None without
            the local prompt.
    """

    def __init__(self, config: VppConfig, detector: nn.Module | None = None) -> None:
        super().__init__()
        self.config = config
        self.axes = nn.Parameter(clip_normalised(draw_axes(config.size)))
        self.detector = detector if config.queries else None
        if config.queries:
            self.projector = nn.Sequential(
                nn.Linear(config.query_width, config.hidden), nn.GELU(), nn.Linear(config.hidden, config.width)
            )

    def overlay(self, pixels: torch.Tensor) -> torch.Tensor:
        """Global prompt: (B, 3, H, W) normalised pixels of any size, mixed with the axes at their border."""
        height, width = pixels.shape[-2:]
        axes = self.axes.to(pixels)[None]
        if (height, width) != axes.shape[-2:]:
            axes = functional.interpolate(axes, (height, width))  # nearest, as the published model was trained
        border_y = round(self.config.border * height / self.config.size)
        border_x = round(self.config.border * width / self.config.size)
        mask = torch.ones(height, width, dtype=pixels.dtype, device=pixels.device)
        mask[border_y : height - border_y, border_x : width - border_x] = 0
        alpha = self.config.alpha
        return alpha * pixels + (1 - alpha) * axes * mask

    def query_tokens(self, pixels: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Local prompt: (B, queries, width) tokens from a letterbox as `detector_input` makes it."""
        if self.detector is None:
            raise ModelLoadError("this visual position prompt has no detector, so it has no local prompt")
        states = self.detector(pixel_values=self.overlay(pixels), pixel_mask=mask).last_hidden_state
        return self.projector(states.to(self.projector[0].weight.dtype))

    def image_features(
        self, llava: nn.Module, pixel_values: torch.Tensor, pixels: torch.Tensor | None, mask: torch.Tensor | None
    ) -> dict[str, BaseModelOutputWithPooling]:
        """What LLaVA's `forward` takes as `mm_encoder_outputs`.

        Args:
            llava: a LlavaForConditionalGeneration.
            pixel_values: (B, 3, size, size) of its processor.
            pixels, mask: of `detector_input`; None without the local prompt.
        """
        overlaid = self.overlay(pixel_values)
        seen = llava.get_image_features(pixel_values=overlaid, return_dict=True)
        features = list(seen.pooler_output)
        if self.config.queries:
            tokens = self.query_tokens(pixels, mask)
            features = [torch.cat([f, t.to(f)]) for f, t in zip(features, tokens, strict=True)]
        return {"image": BaseModelOutputWithPooling(pooler_output=features)}

    def save(self, folder: str | Path) -> None:
        """Write the prompt into a checkpoint's folder."""
        from safetensors.torch import save_file

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        own = {k: v.detach().contiguous().cpu() for k, v in self.state_dict().items() if not k.startswith("detector.")}
        save_file(own, folder / WEIGHTS)
        (folder / DESCRIPTION).write_text(json.dumps(asdict(self.config), indent=2))
        if self.detector is not None:
            self.detector.save_pretrained(folder / DETECTOR)

    @staticmethod
    def present(folder: str | Path) -> bool:
        """Whether a checkpoint brings a visual position prompt."""
        return (Path(folder) / DESCRIPTION).is_file()

    @classmethod
    def load(cls, folder: str | Path) -> VisualPositionPrompt:
        """The prompt of a checkpoint's folder.

        Raises:
            ModelLoadError: files that are missing or do not fit.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file
        from transformers import AutoModel

        folder = Path(folder)
        try:
            config = VppConfig(**json.loads((folder / DESCRIPTION).read_text()))
            detector = None
            if config.queries:
                detector = AutoModel.from_pretrained(folder / DETECTOR, local_files_only=True, use_safetensors=True)
            prompt = cls(config, detector)
            missing, unexpected = prompt.load_state_dict(load_file(folder / WEIGHTS), strict=False)
        except (OSError, ValueError, TypeError, RuntimeError, SafetensorError) as error:
            raise ModelLoadError(f"cannot load the visual position prompt of {folder}: {error}") from error
        missing = [name for name in missing if not name.startswith("detector.")]
        if missing or unexpected:
            raise ModelLoadError(f"visual position prompt of {folder}: missing {missing}, unexpected {unexpected}")
        return prompt.eval()


def detector_input(color: np.ndarray, size: int = 640) -> tuple[torch.Tensor, torch.Tensor]:
    """A picture as the detector sees it: longer side `size`, centred on a square, ImageNet-normalised.

    Args:
        color: (H, W, 3) uint8.

    Returns:
        (1, 3, size, size) float32 pixels, 0 where padded, and (1, size, size) int64 mask, 1 on the picture.
    """
    height, width = color.shape[:2]
    scale = size / max(height, width)
    rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
    small = cv2.resize(color, (columns, rows), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    values = torch.from_numpy(small).permute(2, 0, 1).float() / 255
    values = (values - torch.tensor(IMAGENET_MEAN)[:, None, None]) / torch.tensor(IMAGENET_STD)[:, None, None]
    top, left = (size - rows) // 2, (size - columns) // 2
    pixels = torch.zeros(1, 3, size, size)
    mask = torch.zeros(1, size, size, dtype=torch.long)
    pixels[0, :, top : top + rows, left : left + columns] = values
    mask[0, top : top + rows, left : left + columns] = 1
    return pixels, mask

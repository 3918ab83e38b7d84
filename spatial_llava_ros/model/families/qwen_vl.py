"""Qwen2-VL, Qwen2.5-VL and Qwen3-VL: three generations, three conventions.

Qwen2-VL writes `<|box_start|>(x1,y1),(x2,y2)<|box_end|>` with 0..1000 of each side. Qwen2.5-VL writes JSON in pixels of
the picture as its processor resized it. Qwen3-VL writes the same JSON in 0..1000 of each side again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from spatial_llava_ros.model.answer_format import BoxFormat
from spatial_llava_ros.model.canvas import Canvas, resized, whole_patches
from spatial_llava_ros.model.families.family import Family
from spatial_llava_ros.model.families.llava import CHATML

_JSON = BoxFormat(('"bbox_2d": [', 0, ", ", 1, ", ", 2, ", ", 3, "]"), opening="bbox_2d")
_PROMPT = CHATML.replace("{image}\n", "<|vision_start|>{image}<|vision_end|>")

QWEN2_VL = Family(
    name="qwen2-vl",
    model_types=("qwen2_vl",),
    format=BoxFormat(("(", 0, ",", 1, "),(", 2, ",", 3, ")"), opening="("),
    question="Detect the bounding box of <|object_ref_start|>{text}<|object_ref_end|>",
    levels=1000.0,
    prompt=_PROMPT,
    answer_prefix="<|box_start|>",
    origin="Qwen2-VL, arXiv 2409.12191",
)


@dataclass(frozen=True)
class Qwen25VL(Family):
    """Coordinates are pixels of the resized picture, so they depend on the processor's settings.

    Attributes:
        factor: pixels per merged patch (patch 14 x merge 2).
        min_pixels, max_pixels: area limits; `for_processor` takes them from a checkpoint's own.
    """

    factor: int = 28
    min_pixels: int = 56 * 56
    max_pixels: int = 28 * 28 * 1280

    def canvas(self, shape: tuple[int, int]) -> Canvas:
        return resized(shape, whole_patches(shape, self.factor, self.min_pixels, self.max_pixels))

    def for_processor(self, image_processor: object) -> Qwen25VL:
        """The same family with a processor's patch and area limits."""
        size = image_processor.size
        return replace(
            self,
            factor=image_processor.patch_size * image_processor.merge_size,
            min_pixels=size["shortest_edge"],
            max_pixels=size["longest_edge"],
        )


QWEN25_VL = Qwen25VL(
    name="qwen2.5-vl",
    model_types=("qwen2_5_vl",),
    format=_JSON,
    question='Locate {text} and output its bounding box in JSON format: {{"bbox_2d": [x1, y1, x2, y2], "label": ...}}.',
    levels=None,
    prompt=_PROMPT,
    answer_prefix="```json\n[\n\t{",
    origin="Qwen2.5-VL, arXiv 2502.13923; its spatial-understanding cookbook",
)
QWEN3_VL = Family(
    name="qwen3-vl",
    model_types=("qwen3_vl", "qwen3_vl_moe"),
    format=_JSON,
    question=QWEN25_VL.question,
    levels=1000.0,
    prompt=_PROMPT.replace("<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n", ""),
    answer_prefix=QWEN25_VL.answer_prefix,
    origin="Qwen3-VL; its 2D grounding cookbook",
)

"""Molmo 2's pictures where torchvision is missing: the three steps that it takes from there, by torch alone."""

from __future__ import annotations

from typing import Any

import torch
from transformers.models.molmo2.image_processing_molmo2 import Molmo2ImageProcessor as OnTorchvision


class Molmo2ImageProcessor(OnTorchvision):
    """Crops, patches and indices are transformers' own; saved under its name, so that either class loads it."""

    def convert_to_rgb(self, image: torch.Tensor, input_data_format: Any = None) -> torch.Tensor:
        """A frame's picture as it is: (3, H, W)."""
        return image

    def resize(
        self, image: torch.Tensor, size: Any, resample: Any = None, antialias: bool = False, **_: Any
    ) -> torch.Tensor:
        """(N, 3, h, w) float32 of (N, 3, H, W): bilinear and unsmoothed, as Molmo 2 was trained."""
        return torch.nn.functional.interpolate(image, (size.height, size.width), mode="bilinear", antialias=antialias)

    def normalize(self, image: torch.Tensor, mean: Any, std: Any, inplace: bool = False, **_: Any) -> torch.Tensor:
        """(image - mean) / std of each channel."""
        mean, std = (torch.as_tensor(v, dtype=image.dtype, device=image.device)[:, None, None] for v in (mean, std))
        return (image - mean) / std

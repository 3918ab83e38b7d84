"""Where a picture lies in the frame that a model's coordinates refer to.

Every family has its own: the picture as it is, the picture padded to a square, the picture resized so that its sides
are whole patches. Confusing them is the most reported fault of box prompting (seeds: LLaVA#606, #619, #623, #822).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.types import Box

CLIP_MEAN = (122, 116, 104)  # the mean colour of CLIP's training pictures, with which LLaVA pads


@dataclass(frozen=True)
class Canvas:
    """A picture of `shape` (H, W) scaled by (x, y) `scale` and put at (x, y) `offset` on a canvas of `size` (w, h)."""

    shape: tuple[int, int]
    size: tuple[float, float]
    scale: tuple[float, float] = (1.0, 1.0)
    offset: tuple[float, float] = (0.0, 0.0)

    def to_canvas(self, box: Box) -> tuple[float, float, float, float]:
        """Pixels of the picture to pixels of the canvas."""
        return tuple(box[i] * self.scale[i % 2] + self.offset[i % 2] for i in range(4))

    def to_picture(self, box: Box) -> Box:
        """Pixels of the canvas to pixels of the picture, clipped to the picture; may be empty."""
        limit = self.shape[1], self.shape[0]
        return tuple(
            min(max((box[i] - self.offset[i % 2]) / self.scale[i % 2], 0.0), float(limit[i % 2])) for i in range(4)
        )


def check_shape(shape: tuple[int, int]) -> None:
    """Raises InvalidInputError for a picture without pixels."""
    if min(shape) < 1:
        raise InvalidInputError(f"picture must have pixels, got {shape[1]}x{shape[0]}")


def whole(shape: tuple[int, int]) -> Canvas:
    """The picture itself."""
    check_shape(shape)
    return Canvas(shape, (float(shape[1]), float(shape[0])))


def padded_square(shape: tuple[int, int]) -> Canvas:
    """The picture in the middle of a square of its longer side, as LLaVA's `expand2square` puts it."""
    check_shape(shape)
    height, width = shape
    side = max(shape)
    return Canvas(shape, (float(side), float(side)), offset=((side - width) // 2, (side - height) // 2))


def resized(shape: tuple[int, int], to: tuple[int, int]) -> Canvas:
    """The picture stretched to another (H, W)."""
    check_shape(shape)
    return Canvas(shape, (float(to[1]), float(to[0])), scale=(to[1] / shape[1], to[0] / shape[0]))


def whole_patches(shape: tuple[int, int], factor: int, min_pixels: int, max_pixels: int) -> tuple[int, int]:
    """(H, W) of whole patches nearest to a picture's, within an area: the `smart_resize` of Qwen2-VL.

    Raises:
        InvalidInputError: a picture without pixels, or 200 times as long as wide.
    """
    check_shape(shape)
    height, width = shape
    if max(shape) > 200 * min(shape):
        raise InvalidInputError(f"picture must be less than 200 times as long as wide, got {width}x{height}")
    rows, columns = round(height / factor) * factor, round(width / factor) * factor
    if rows * columns > max_pixels:
        shrink = math.sqrt(height * width / max_pixels)
        rows = max(factor, math.floor(height / shrink / factor) * factor)
        columns = max(factor, math.floor(width / shrink / factor) * factor)
    elif rows * columns < min_pixels:
        grow = math.sqrt(min_pixels / (height * width))
        rows, columns = math.ceil(height * grow / factor) * factor, math.ceil(width * grow / factor) * factor
    return rows, columns


def pad_to_square(color: np.ndarray, fill: tuple[int, int, int] = CLIP_MEAN) -> np.ndarray:
    """(H, W, 3) uint8 to (L, L, 3), L the longer side; the same array where it is square already."""
    height, width = color.shape[:2]
    if height == width:
        return color
    side = max(height, width)
    left, top = (side - width) // 2, (side - height) // 2
    return cv2.copyMakeBorder(
        color, top, side - height - top, left, side - width - left, cv2.BORDER_CONSTANT, value=fill
    )

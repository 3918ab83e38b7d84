"""The colour of an id: the same in every picture, page, recording and marker, today and after a restart."""

from __future__ import annotations

import colorsys

Color = tuple[int, int, int]
_GOLDEN = 0.61803398875  # of the colour circle: neighbouring ids come to lie far apart


def color_of(number: int) -> Color:
    """Red, green, blue, 0..255."""
    value = (0.95, 0.78, 0.88)[number % 3]
    r, g, b = colorsys.hsv_to_rgb(number * _GOLDEN % 1, 0.72, value)
    return round(255 * r), round(255 * g), round(255 * b)

"""Molmo: it points instead of boxing, so its answer is the region that holds the point.

Molmo 1 writes `<point x="61.5" y="40.4" alt="mug">mug</point>` (or `<points x1= y1= x2= …>`) in percent of each side;
Molmo 2 writes `<points coords="1 1 615 404">mug</points>`: picture number, then (point number, x, y) in thousandths.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from spatial_llava_ros.model.answer_format import BoxFormat, Unreadable
from spatial_llava_ros.model.families.family import Family, check_box
from spatial_llava_ros.types import Box

_PERCENT = re.compile(r'\bx([0-9]*)="\s*([0-9]+(?:\.[0-9]+)?)"\s+y([0-9]*)="\s*([0-9]+(?:\.[0-9]+)?)"')
_COORDS = re.compile(r'coords="([0-9]+)((?:\s+[0-9]+ [0-9]{3,4} [0-9]{3,4})+)"')
Point = tuple[float, float]
_HALF = 0.5  # pixels around a point: by its size a box of a pixel is known as a point


@dataclass(frozen=True)
class Molmo(Family):
    """Points for boxes: `encode_box` writes a box's middle; `decode_answer` gives boxes of a pixel around points."""

    def resolution(self, shape: tuple[int, int]) -> tuple[float, float]:
        return shape[1] / 1000, shape[0] / 1000

    def encode_box(self, box: Sequence[float], shape: tuple[int, int]) -> str:
        x1, y1, x2, y2 = check_box(box, shape)
        x, y = round((x1 + x2) / 2 / shape[1] * 1000), round((y1 + y2) / 2 / shape[0] * 1000)
        if self.model_types == ("molmo",):
            return f'<point x="{x / 10:.1f}" y="{y / 10:.1f}">'
        return f'<points coords="1 1 {x:03d} {y:03d}">'

    def decode_points(self, text: str, shape: tuple[int, int]) -> list[Point] | Unreadable:
        """Every point of an answer in pixels of a picture of (H, W)."""
        if not isinstance(text, str):
            return Unreadable.of("the answer is not text", repr(text))
        points: list[Point] = []
        for first, x, second, y in _PERCENT.findall(text):
            if first != second:
                return Unreadable.of("the coordinates of a point do not pair", text)
            points.append((float(x) / 100, float(y) / 100))
        for _, triples in _COORDS.findall(text):
            numbers = [int(n) for n in triples.split()]
            points += [(x / 1000, y / 1000) for x, y in zip(numbers[1::3], numbers[2::3], strict=True)]
        if not points:
            half = "<point" in text
            return Unreadable.of("the answer has half a point" if half else "the answer has no point", text)
        if any(max(point) > 1 for point in points):
            return Unreadable.of("a point lies outside the picture", text)
        return [(x * shape[1], y * shape[0]) for x, y in points]

    def decode_answer(self, text: str, shape: tuple[int, int]) -> list[Box] | Unreadable:
        points = self.decode_points(text, shape)
        if isinstance(points, Unreadable):
            return points
        return [
            (max(x - _HALF, 0.0), max(y - _HALF, 0.0), min(x + _HALF, float(shape[1])), min(y + _HALF, float(shape[0])))
            for x, y in points
        ]


MOLMO = Molmo(
    name="molmo",
    model_types=("molmo",),
    format=BoxFormat(('<point x="', 0, '" y="', 1, '"'), decimals=1, opening="<point"),
    question="Point to {text}.",
    levels=100.0,
    points=True,
    prompt="{image}User: {question} Assistant:",
    origin="arXiv 2409.17146; runs only with remote code, so here only its answers are read",
)
MOLMO2 = Molmo(
    name="molmo2",
    model_types=("molmo2",),
    format=BoxFormat(('<points coords="1 1 ', 0, " ", 1, '"'), zeros=3, opening="<points"),
    question="Point to {text}.",
    levels=1000.0,
    points=True,
    prompt="<|im_start|>user\n{image}{question}<|im_end|>\n<|im_start|>assistant\n",
    origin="allenai/Molmo2; Molmo2ForConditionalGeneration of transformers",
)

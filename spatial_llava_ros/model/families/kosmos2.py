"""Kosmos-2: `<object><patch_index_0044><patch_index_0863></object>`, two cells of a 32 x 32 grid over the picture."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from spatial_llava_ros.model.answer_format import BoxFormat, Unreadable
from spatial_llava_ros.model.families.family import Family, check_box
from spatial_llava_ros.types import Box

SIDE = 32  # cells per side
_INDEX = re.compile(r"<patch_index_([0-9]{4})>\s*<patch_index_([0-9]{4})>")


@dataclass(frozen=True)
class CellFormat(BoxFormat):
    """Numbers 0 and 1 are the cells of the two corners, counted row by row."""

    def _numbers(self, part, known, limits):
        return _cells(0 if part == 0 else int(dict(known)[0]))


@lru_cache(maxsize=64)
def _cells(corner: int) -> tuple[frozenset[str], frozenset[str]]:
    """Cells at or below and right of one, as spelled, and all their beginnings."""
    row, column = divmod(corner, SIDE)
    allowed = frozenset(f"{n:04d}" for n in range(SIDE * SIDE) if n // SIDE >= row and n % SIDE >= column)
    return allowed, frozenset(text[:k] for text in allowed for k in range(5))


@dataclass(frozen=True)
class Kosmos2(Family):
    """A box is known to a cell, 1/32 of a side; where its corners share a row or column the cells count in full."""

    def resolution(self, shape: tuple[int, int]) -> tuple[float, float]:
        return shape[1] / SIDE, shape[0] / SIDE

    def encode_box(self, box: Sequence[float], shape: tuple[int, int]) -> str:
        x1, y1, x2, y2 = check_box(box, shape)
        height, width = shape
        left = min(math.floor(x1 / width * SIDE), SIDE - 1)
        top = min(math.floor(y1 / height * SIDE), SIDE - 1)
        right = max(math.ceil(x2 / width * SIDE) - 1, left)
        bottom = max(math.ceil(y2 / height * SIDE) - 1, top)
        return f"<object><patch_index_{top * SIDE + left:04d}><patch_index_{bottom * SIDE + right:04d}></object>"

    def decode_answer(self, text: str, shape: tuple[int, int]) -> list[Box] | Unreadable:
        if not isinstance(text, str):
            return Unreadable.of("the answer is not text", repr(text))
        pairs = _INDEX.findall(text)
        if not pairs:
            half = "<object>" in text
            return Unreadable.of("the answer has half a box" if half else "the answer has no box", text)
        if text.count("<patch_index_") != 2 * len(pairs):
            return Unreadable.of("part of the answer is no valid box", text)
        boxes = []
        for first, second in pairs:
            if max(int(first), int(second)) >= SIDE * SIDE:
                return Unreadable.of(f"a cell exceeds {SIDE * SIDE - 1}", text)
            (top, left), (bottom, right) = divmod(int(first), SIDE), divmod(int(second), SIDE)
            if top > bottom or left > right:
                return Unreadable.of("the corners of a box are swapped", text)
            inset = 0.0 if top == bottom or left == right else 0.5  # as the model's own processor reads it
            x, y = shape[1] / SIDE, shape[0] / SIDE
            boxes.append(((left + inset) * x, (top + inset) * y, (right + 1 - inset) * x, (bottom + 1 - inset) * y))
        return boxes


KOSMOS2 = Kosmos2(
    name="kosmos-2",
    model_types=("kosmos-2",),
    format=CellFormat(("<object><patch_index_", 0, "><patch_index_", 1, "></object>"), zeros=4, opening="<object>"),
    question="<grounding><phrase>{text}</phrase>",
    marks_question="{facts} Question: which of the marks {labels}, or none of them, is on {text}? Answer:",
    levels=float(SIDE),
    prompt="{image}{question}",
    origin="arXiv 2306.14824; Kosmos2Processor of transformers",
)

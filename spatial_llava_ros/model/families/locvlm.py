"""LocVLM (Ranasinghe et al., CVPR 2024, arXiv 2404.07449): coordinates as plain text, in three representations.

NFP, normalised floating point; IVB, integer-valued binning, reported best; DIGA, deviation from image-grid anchors. The
paper's bin count, grid and exact wording are not public: they are parameters and sentences of this project. The three
instruction-tuning objectives are LocPred (where is it), NegPred (where is it, of something absent) and RevLoc (what is
there).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from spatial_llava_ros.model.answer_format import BoxFormat, Unreadable
from spatial_llava_ros.model.families.family import Family, check_box, plain
from spatial_llava_ros.model.families.llava import VICUNA
from spatial_llava_ros.types import Box

ABSENT = "There is no such object in the image."
_QUESTION = "Where is the object described as {{text}} located in the image, in terms of {representation}?"
_ROUND = ("(", 0, ", ", 1, ", ", 2, ", ", 3, ")")


def nfp(decimals: int = 2) -> Family:
    """Normalised floating point: `(0.12, 0.34, 0.56, 0.78)` of each side."""
    return Family(
        name="locvlm-nfp",
        model_types=("llava",),
        format=BoxFormat(_ROUND, decimals=decimals, opening="("),
        question=_QUESTION.format(representation="x1, y1, x2, y2 from 0 to 1"),
        levels=1.0,
        prompt=VICUNA,
        origin="arXiv 2404.07449, NFP",
    )


def ivb(bins: int = 224) -> Family:
    """Integer-valued binning: the numbers of `bins` equal bins of each side, `(26, 76, 125, 174)`."""
    return Family(
        name="locvlm-ivb",
        model_types=("llava",),
        format=BoxFormat(_ROUND, opening="("),
        question=_QUESTION.format(representation=f"bins x1, y1, x2, y2 from 0 to {bins - 1}"),
        levels=float(bins),
        top=float(bins - 1),
        bins=True,
        prompt=VICUNA,
        origin="arXiv 2404.07449, IVB",
    )


_ANCHORED = re.compile(
    r"\[\s*([0-9]{1,4})\s*;\s*(-?[0-9]{1,4})\s*,\s*(-?[0-9]{1,4})\s*,\s*(-?[0-9]{1,4})\s*,\s*(-?[0-9]{1,4})\s*\]"
)


@dataclass(frozen=True)
class Diga(Family):
    """Deviation from image-grid anchors: `[anchor; dx1, dy1, dx2, dy2]`.

    Attributes:
        grid: anchors per side, counted row by row; the one whose cell holds the box's middle is used.
        bins: deviations are in this many steps of a side.
    """

    grid: int = 4
    steps: int = 224

    def resolution(self, shape: tuple[int, int]) -> tuple[float, float]:
        return shape[1] / self.steps, shape[0] / self.steps

    def _anchor(self, index: int) -> tuple[float, float]:
        """Its place, in steps."""
        row, column = divmod(index, self.grid)
        return (column + 0.5) * self.steps / self.grid, (row + 0.5) * self.steps / self.grid

    def encode_box(self, box: Sequence[float], shape: tuple[int, int]) -> str:
        x1, y1, x2, y2 = check_box(box, shape)
        column = min(int((x1 + x2) / 2 / shape[1] * self.grid), self.grid - 1)
        row = min(int((y1 + y2) / 2 / shape[0] * self.grid), self.grid - 1)
        index = row * self.grid + column
        anchor = self._anchor(index)
        n = [round(v / shape[1 - i % 2] * self.steps - anchor[i % 2]) for i, v in enumerate((x1, y1, x2, y2))]
        for low, (corner, far) in enumerate(((x1, x2), (y1, y2))):
            if n[low] == n[low + 2]:  # thinner than a step: widen to the side where the picture goes on
                at_end = (corner + far) / shape[1 - low] > 1.5
                n[low], n[low + 2] = (n[low] - 1, n[low + 2]) if at_end else (n[low], n[low + 2] + 1)
        return f"[{index}; {n[0]}, {n[1]}, {n[2]}, {n[3]}]"

    def decode_answer(self, text: str, shape: tuple[int, int]) -> list[Box] | Unreadable:
        if not isinstance(text, str):
            return Unreadable.of("the answer is not text", repr(text))
        found = _ANCHORED.findall(text)
        if not found:
            return Unreadable.of("the answer has half a box" if "[" in text else "the answer has no box", text)
        if text.count("[") > len(found):
            return Unreadable.of("part of the answer is no valid box", text)
        boxes = []
        for index, *deviations in found:
            if int(index) >= self.grid**2:
                return Unreadable.of(f"there are {self.grid**2} anchors", text)
            anchor = self._anchor(int(index))
            n = [anchor[i % 2] + int(d) for i, d in enumerate(deviations)]
            if min(n) < -0.5 or max(n) > self.steps + 0.5:
                return Unreadable.of("a box lies outside the picture", text)
            n = [min(max(v, 0.0), float(self.steps)) for v in n]
            if n[0] >= n[2] or n[1] >= n[3]:
                return Unreadable.of("the corners of a box are swapped or the same", text)
            boxes.append(tuple(v / self.steps * shape[1 - i % 2] for i, v in enumerate(n)))
        return boxes


def diga(grid: int = 4, steps: int = 224) -> Diga:
    """Deviation from a `grid` x `grid` of anchors, in `steps` per side."""
    return Diga(
        name="locvlm-diga",
        model_types=("llava",),
        format=BoxFormat(("[", 0, "; ", 1, "]")),  # its own reader and writer above; no grammar
        question=_QUESTION.format(representation=f"the nearest of {grid}x{grid} anchors and deviations from it"),
        levels=1.0,
        prompt=VICUNA,
        grid=grid,
        steps=steps,
        origin="arXiv 2404.07449, DIGA",
    )


def loc_pred(family: Family, text: str, box: Sequence[float], shape: tuple[int, int]) -> tuple[str, str]:
    """Question and answer of objective 1: where is it."""
    return family.box_question(text), family.encode_box(box, shape)


def neg_pred(family: Family, text: str) -> tuple[str, str]:
    """Question and answer of objective 2: where is it, of something that is not there."""
    return family.box_question(text), ABSENT


def rev_loc(family: Family, text: str, box: Sequence[float], shape: tuple[int, int]) -> tuple[str, str]:
    """Question and answer of objective 3: what is there; `text` is a category or a description."""
    article = "an" if text[:1].lower() in "aeiou" else "a"
    return f"Describe the object located at {family.encode_box(box, shape)}.", f"There is {article} {plain(text)}."

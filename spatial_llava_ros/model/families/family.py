"""What every family of models is asked and answers: a small codec between boxes in pixels and the family's own text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.model.answer_format import BoxFormat, Unreadable
from spatial_llava_ros.model.canvas import Canvas, pad_to_square, padded_square, whole
from spatial_llava_ros.types import Box

# The expression comes last: all before it is the same for every question about a picture, and read only once.
MARKS_QUESTION = (
    "Objects in the image carry marks, {kind} on small plates: {labels}.{facts} Answer with one mark alone, "
    'or "none" if what is asked for is not there. Which mark is on {text}?'
)


@dataclass(frozen=True)
class Family:
    """Prompt, picture geometry, coordinate convention and answer grammar of one family.

    Attributes:
        name: as users write it.
        model_types: `config.model_type` of the transformers classes that are of this family.
        format: how a box is written.
        question: asks for a box; `{text}` is the referring expression.
        levels: what the canvas' side becomes in the answer: 1.0 for 0..1, 1000 for 0..1000; None for canvas pixels.
        top: largest valid coordinate where it is not `levels` itself (999 for 0..999).
        bins: True where a number names a cell rather than a line: written by rounding down, read as the cell's middle.
        square: the picture is padded to a square before the model sees it.
        prompt: the text around a question where the processor brings no chat template; `{image}` is the image token.
        answer_prefix: what the model writes before the box, put into its mouth.
        prefix_lm: image tokens attend to the question, so nothing of a frame can be kept but its vision features.
        origin: where the conventions come from.
        graph_question: asks for a scene graph in SpaceSGG's text; empty for families that do not write it.
    """

    name: str
    model_types: tuple[str, ...]
    format: BoxFormat
    question: str
    levels: float | None
    origin: str
    top: float | None = None
    bins: bool = False
    square: bool = False
    prompt: str = "USER: {image}\n{question} ASSISTANT:"
    marks_question: str = MARKS_QUESTION
    answer_prefix: str = ""
    prefix_lm: bool = False
    points: bool = False
    graph_question: str = ""

    # The picture

    def canvas(self, shape: tuple[int, int]) -> Canvas:
        """Frame of the coordinates for a picture of (H, W)."""
        return padded_square(shape) if self.square else whole(shape)

    def prepare(self, color: np.ndarray) -> np.ndarray:
        """The (H, W, 3) uint8 picture that goes into the family's own processor."""
        return pad_to_square(color) if self.square else color

    # Boxes

    def limits(self, shape: tuple[int, int]) -> tuple[float, float]:
        """Largest valid x and y of an answer."""
        if self.levels is None:
            return self.canvas(shape).size
        top = self.levels if self.top is None else self.top
        return top, top

    def resolution(self, shape: tuple[int, int]) -> tuple[float, float]:
        """Pixels of the picture per step of the answer, in x and y."""
        canvas = self.canvas(shape)
        step = 10.0**-self.format.decimals
        return tuple(step * self._unit(canvas, i) / canvas.scale[i] for i in range(2))

    def _unit(self, canvas: Canvas, axis: int) -> float:
        """Canvas pixels per unit of the answer."""
        return 1.0 if self.levels is None else canvas.size[axis] / self.levels

    def encode_box(self, box: Sequence[float], shape: tuple[int, int]) -> str:
        """A box in pixels of a picture of (H, W) as the family writes it; never without area.

        Raises:
            InvalidInputError: not four finite numbers with x1 < x2 and y1 < y2, or wholly outside the picture.
        """
        return self.format.write(self.numbers(check_box(box, shape), shape))

    def numbers(self, box: Box, shape: tuple[int, int]) -> tuple[float, ...]:
        """A checked box as numbers on the family's grid."""
        canvas = self.canvas(shape)
        step = 10.0**-self.format.decimals
        exact = [v / self._unit(canvas, i % 2) / step for i, v in enumerate(canvas.to_canvas(box))]
        if self.bins:  # a number stands for the middle of its cell
            exact = [v - 0.5 for v in exact]
        tops = [math.floor(limit / step + 1e-9) for limit in self.limits(shape)]
        steps = [min(max(round(v), 0), tops[i % 2]) for i, v in enumerate(exact)]
        for low in (0, 1):  # a thing thinner than a step still gets a box of one step
            if steps[low] >= steps[low + 2]:
                steps[low] = min(max(math.floor(exact[low] + 1e-9), 0), tops[low] - 1)
                steps[low + 2] = steps[low] + 1
        return tuple(n * step for n in steps)

    def decode_answer(self, text: str, shape: tuple[int, int]) -> list[Box] | Unreadable:
        """Every box of an answer, in pixels of the picture of (H, W), clipped to it; or why there is none."""
        read = self.format.read(text, self.limits(shape))
        if isinstance(read, Unreadable):
            return read
        canvas = self.canvas(shape)
        half = 0.5 if self.bins else 0.0
        boxes = []
        for numbers in read:
            box = canvas.to_picture(tuple((n + half) * self._unit(canvas, i % 2) for i, n in enumerate(numbers)))
            if box[2] - box[0] <= 0 or box[3] - box[1] <= 0:
                return Unreadable.of("a box lies outside the picture", text)
            boxes.append(box)
        return boxes

    # Questions

    def box_question(self, text: str) -> str:
        """What is asked in box mode."""
        return self.question.format(text=plain(text))

    def marks_prompt(self, text: str, labels: Sequence[str], facts: str = "") -> str:
        """What is asked in marks mode; `facts` is a sentence per mark, or empty."""
        kind = "numbers" if all(label.isdigit() for label in labels) else "letters"
        facts = f" {facts}" if facts else ""
        return self.marks_question.format(text=plain(text), labels=", ".join(labels), kind=kind, facts=facts)

    @property
    def box_opening(self) -> str:
        """The part of `format.start` that stands in whole tokens: `<loc_12>` is one token, `<loc_` is none."""
        start = self.format.start
        tag = start.rfind("<")
        return start if tag < 0 or ">" in start[tag:] else start[:tag]

    @property
    def box_start(self) -> str:
        """What is put into the model's mouth in box mode: everything up to the first number or its token."""
        return self.answer_prefix + self.box_opening


def plain(text: str) -> str:
    """A user's words without what a tokenizer could take for a control token, as in `<image>`."""
    return " ".join(text.replace("<", " ").replace(">", " ").split())


def check_box(box: Sequence[float], shape: tuple[int, int]) -> Box:
    """A box clipped to a picture of (H, W).

    Raises:
        InvalidInputError: not four finite numbers with x1 < x2 and y1 < y2, or wholly outside the picture.
    """
    corners = np.asarray(box, np.float64)
    if corners.shape != (4,) or not np.isfinite(corners).all():
        raise InvalidInputError(f"box must be four finite numbers, got {box}")
    x = np.clip(corners[[0, 2]], 0, shape[1])
    y = np.clip(corners[[1, 3]], 0, shape[0])
    if not (x[0] < x[1] and y[0] < y[1]):
        raise InvalidInputError(f"box must have area inside the {shape[1]}x{shape[0]} picture, got {list(corners)}")
    return float(x[0]), float(y[0]), float(x[1]), float(y[1])

"""What the demo asks, and what it knows of the right answer: the simulator's truth, or a person's boxes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.frames.expressions import read_expressions
from spatial_llava_ros.types import Answer, Box, Status

if TYPE_CHECKING:
    from spatial_llava_ros.sim.truth import SimFrame

# Words that fit any scene, for a recording that nobody has described.
GENERAL = (
    "the nearest thing",
    "the leftmost thing",
    "the rightmost thing",
    "the biggest thing",
    "the tallest thing",
)
SAME_THING = 0.5  # overlap of boxes from which on two are the same thing (Acc@0.5 of RefCOCO)
EXPRESSION_FILES = ("expressions_plain.json", "expressions.json")


@dataclass(frozen=True, eq=False)
class Question:
    """An expression and what is known of its answer.

    Attributes:
        kind: attribute, relation, ordinal, absent, ambiguous; "" when nothing is known.
        position: (3,) true centre in the world, or None.
        box: true box in the picture, or None.
    """

    text: str
    kind: str = ""
    position: np.ndarray | None = None
    box: Box | None = None

    @property
    def has_target(self) -> bool:
        """True unless it is known that no single thing is meant."""
        return self.kind not in ("absent", "ambiguous")

    def error_mm(self, answer: Answer) -> float | None:
        """Distance of the answer's centre from the true one; None where either is missing."""
        if self.position is None or answer.object is None or answer.object.position is None:
            return None
        return float(np.linalg.norm(answer.object.position - self.position) * 1000)

    def overlap(self, answer: Answer) -> float | None:
        """Intersection over union of the answer's box with the true one; None where either is missing."""
        if self.box is None or answer.object is None:
            return None
        a, b = np.asarray(answer.object.box), np.asarray(self.box)
        sides = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None)
        shared = float(sides.prod())
        return shared / float((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - shared)

    def is_wrong(self, answer: Answer) -> bool:
        """True when a thing was found and it is known to be another one than was meant, or that none was."""
        if answer.status is not Status.FOUND:
            return False
        overlap = self.overlap(answer)
        return self.kind == "absent" or (overlap is not None and overlap < SAME_THING)


def simulated_questions(simulated: SimFrame, seed: int, count: int) -> list[Question]:
    """Generated expressions about a simulated frame: `count` that mean one thing, of all kinds in turn, and one that
    means nothing there, to see that honestly denied."""
    from spatial_llava_ros.sim import generate_expressions

    made = generate_expressions(simulated, seed, 8 * count)
    known = {thing.id: thing for thing in simulated.objects}
    left = [e for e in made if len(e.targets) == 1]
    chosen: list[Question] = []
    asked: Counter = Counter()
    while left and len(chosen) < count:
        # What has been asked least, thing first and then kind, so that the demo shows many things in many ways;
        # by shape and colour (plain) where the thing can be told apart by them.
        e = min(left, key=lambda e: (asked[e.targets[0]], not e.plain, asked[e.kind]))
        left.remove(e)
        asked.update([e.targets[0], e.kind])
        thing = known[e.targets[0]]
        chosen.append(Question(e.text, e.kind, thing.position, thing.box_visible))
    chosen += [Question(e.text, "absent") for e in made if e.plain and e.kind == "absent"][:1]
    return chosen


def folder_questions(folder: Path, count: int) -> list[Question]:
    """The expressions that lie beside a frame, or general ones where none do."""
    file = next((folder / name for name in EXPRESSION_FILES if (folder / name).is_file()), None)
    if file is None:
        return [Question(text) for text in GENERAL]
    return [Question(e.text, e.kind, box=e.box) for e in read_expressions(file)][:count]


def given_questions(texts: Sequence[str]) -> list[Question]:
    """What the user typed.

    Raises:
        InvalidInputError: an empty expression.
    """
    for text in texts:
        if not text.strip():
            raise InvalidInputError("an expression must not be empty")
    return [Question(text) for text in texts]

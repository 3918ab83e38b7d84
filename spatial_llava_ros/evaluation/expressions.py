"""Is the answer to each expression the one a person gave?

attribute, relation, ordinal: right when the status is found and the box overlaps the person's by half (Acc@0.5 of
RefCOCO). absent: right when not found. ambiguous: right when the answer says so, or when it names all that fit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from spatial_llava_ros.evaluation.proposals import box_overlap
from spatial_llava_ros.frames.expressions import KINDS, Expression
from spatial_llava_ros.pipeline import Locator
from spatial_llava_ros.types import Answer, RgbdFrame, Status

POSITIVE = ("attribute", "relation", "ordinal")


@dataclass(frozen=True, eq=False)
class Outcome:
    """One expression, what was answered and whether that is right; overlap is None where no box was due or given."""

    frame: str
    expression: Expression
    answer: Answer
    overlap: float | None
    correct: bool


def judge(expression: Expression, answer: Answer) -> tuple[bool, float | None]:
    """Whether an answer is right, and the intersection over union of its box with the person's."""
    if expression.kind == "absent":
        return answer.status is Status.NOT_FOUND, None
    if expression.kind == "ambiguous":
        return answer.status is Status.AMBIGUOUS or len(answer.candidates) >= max(2, len(expression.candidates)), None
    # A thing seen without depth is the right thing all the same; its pose is honestly missing.
    if answer.object is None or expression.box is None:
        return False, None
    overlap = float(box_overlap(answer.object.box, expression.box)[0, 0])
    return overlap >= 0.5, overlap


def evaluate_expressions(
    frames: Iterable[tuple[str, RgbdFrame, Sequence[Expression]]],
    locator: Locator,
    progress: Callable[[str], None] = lambda frame: None,
) -> list[Outcome]:
    """Ask every expression of every frame.

    Args:
        frames: name, frame and its expressions.
        progress: told the name of each frame as it begins.
    """
    outcomes = []
    for name, frame, expressions in frames:
        progress(name)
        for expression in expressions:
            answer = locator.locate(frame, expression.text)
            correct, overlap = judge(expression, answer)
            outcomes.append(Outcome(name, expression, answer, overlap, correct))
    return outcomes


def accuracy(outcomes: Sequence[Outcome], kinds: Sequence[str] = KINDS) -> tuple[int, int]:
    """(right, all) over the expressions of some kinds."""
    counted = [outcome for outcome in outcomes if outcome.expression.kind in kinds]
    return sum(outcome.correct for outcome in counted), len(counted)

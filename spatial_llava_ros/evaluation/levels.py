"""What is answered instead of the thing that was meant: a part of it, a group around it, another thing, background.

A frame is full of regions that are nearly things. This table says which kind of them is taken for the thing, so that a
wrong level (the label instead of the can, the stack instead of the book) is told from a wrong thing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from spatial_llava_ros.evaluation.expressions import POSITIVE, Outcome
from spatial_llava_ros.evaluation.proposals import box_overlap
from spatial_llava_ros.types import Box, Status

LEVELS = ("right", "part", "group", "other thing", "background", "ambiguous", "not found")
INSIDE = 0.8  # of a box: so much of it lies in another


def level_of(box: Box, meant: Box, things: Sequence[Box]) -> str:
    """What an answered box is: right, part, group, other thing, or background.

    Args:
        meant: box of the thing that was asked for.
        things: boxes of all things whose place is known; may hold `meant`.
    """
    if box_overlap(box, meant)[0, 0] >= 0.5:
        return "right"
    if len(things) and box_overlap(box, things).max() >= 0.5:
        return "other thing"
    if _share_inside(box, meant) >= INSIDE:
        return "part"
    if _share_inside(meant, box) >= INSIDE:
        return "group"
    # a part of another thing is that thing at a wrong level; what is in no thing is a scrap of the room
    if len(things) and max(_share_inside(box, thing) for thing in things) >= INSIDE:
        return "other thing"
    return "background"


def answer_levels(outcomes: Iterable[Outcome], things: Mapping[str, Sequence[Box]]) -> dict[str, float]:
    """Share in per cent of each of LEVELS among the answers to expressions that mean one thing, as named figures.

    Args:
        things: boxes of the things of each frame, by its name.
    """
    count: Counter[str] = Counter()
    for outcome in outcomes:
        meant, answer = outcome.expression.box, outcome.answer
        if outcome.expression.kind not in POSITIVE or meant is None:
            continue
        if answer.object is not None:
            count[level_of(answer.object.box, meant, things.get(outcome.frame, ()))] += 1
        else:
            count["ambiguous" if answer.status is Status.AMBIGUOUS else "not found"] += 1
    total = max(sum(count.values()), 1)
    return {f"answered: {level}, %": 100 * count[level] / total for level in LEVELS}


def _share_inside(box: Box, other: Box) -> float:
    a, b = np.asarray(box, float), np.asarray(other, float)
    shared = np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0)
    return float(np.prod(shared) / max(np.prod(a[2:] - a[:2]), 1e-9))

"""What is answered instead of the thing that was meant: a part of it, a group around it, another thing, background.

A frame is full of regions that are nearly things. This table says which kind of them is taken for the thing, so that a
wrong level (the label instead of the can, the stack instead of the book) is told from a wrong thing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from spatial_llava_ros.evaluation.proposals import box_overlap
from spatial_llava_ros.types import Answer, Box, Status

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


def level_of_answer(answer: Answer, meant: Box, things: Sequence[Box]) -> str:
    """One of LEVELS, of an answer to an expression that means one thing."""
    if answer.object is not None:
        return level_of(answer.object.box, meant, things)
    return "ambiguous" if answer.status is Status.AMBIGUOUS else "not found"


def level_table(levels: Iterable[str]) -> dict[str, float]:
    """Share in per cent of each of LEVELS."""
    count = Counter(levels)
    total = max(sum(count.values()), 1)
    return {level: 100 * count[level] / total for level in LEVELS}


def _share_inside(box: Box, other: Box) -> float:
    a, b = np.asarray(box, float), np.asarray(other, float)
    shared = np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0)
    return float(np.prod(shared) / max(np.prod(a[2:] - a[:2]), 1e-9))

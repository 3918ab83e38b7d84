"""How sure a graph has to be of a thing, from one look and from many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spatial_llava_ros.errors import InvalidInputError

WHOLE_ENOUGH = 0.25
"""A region less sure to be one whole thing is left out of a frame's graph: best F1 of the chosen set over simulated
scenes."""
DOUBTS = 2.0
"""Looks that showed nothing, with which the memory begins to believe in a thing."""
_STILL = 8


@dataclass(frozen=True)
class MemorySettings:
    """How sure is sure enough.

    Attributes:
        confirm_hits: sightings before an object is relied on, from two views at least,
        confirm_hits_still: or this many from one view.
        confirm_belief: mean certainty, 0..1, that it is one whole thing, over the frames that could have shown it:
            what `confirm_hits_still` frames in a row would put into their graphs is relied on;
        keep_belief: below this, a fifth less, a confirmed one is none any more.
        forget_after_s: seconds its place must be seen empty before a confirmed object is forgotten.
        drop_after_s: seconds in view without a sighting before a tentative one is.
        replaced_after_s: seconds in view without a sighting before one that another has taken the place of is.
        recall_s: for so long a vanished object is recognised when it turns up elsewhere.
        max_objects: beyond it the ones not seen for longest go.

    Raises:
        InvalidInputError: a number that is not positive.
    """

    confirm_hits: int = 3
    confirm_hits_still: int = _STILL
    confirm_belief: float = WHOLE_ENOUGH * _STILL / (_STILL + DOUBTS)
    keep_belief: float = 0.8 * WHOLE_ENOUGH * _STILL / (_STILL + DOUBTS)
    forget_after_s: float = 1.0
    drop_after_s: float = 1.0
    replaced_after_s: float = 2.0
    recall_s: float = 20.0
    max_objects: int = 10_000

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not (np.isfinite(value) and value > 0):
                raise InvalidInputError(f"memory setting {name} must be positive, got {value}")

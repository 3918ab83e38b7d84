"""How sure the memory of a scene has to be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spatial_llava_ros.errors import InvalidInputError


@dataclass(frozen=True)
class MemorySettings:
    """How sure is sure enough.

    Attributes:
        confirm_hits: sightings before an object is relied on, from two views at least,
        confirm_hits_still: or this many from one view.
        confirm_belief: mean certainty, 0..1, that it is one whole thing, over the frames that could have shown it;
        keep_belief: below this a confirmed one is none any more.
        forget_after_s: seconds its place must be seen empty before a confirmed object is forgotten.
        drop_after_s: seconds in view without a sighting before a tentative one is.
        replaced_after_s: seconds in view without a sighting before one that another has taken the place of is.
        recall_s: for so long a vanished object is recognised when it turns up elsewhere.
        max_objects: beyond it the ones not seen for longest go.

    Raises:
        InvalidInputError: a number that is not positive.
    """

    confirm_hits: int = 3
    confirm_hits_still: int = 8
    confirm_belief: float = 0.2
    keep_belief: float = 0.16
    forget_after_s: float = 1.0
    drop_after_s: float = 1.0
    replaced_after_s: float = 2.0
    recall_s: float = 20.0
    max_objects: int = 10_000

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not (np.isfinite(value) and value > 0):
                raise InvalidInputError(f"memory setting {name} must be positive, got {value}")

"""Which regions of a frame are its things: proposals claim the same pixels many times over, a graph may not."""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.grounding.features import mask_overlap
from spatial_llava_ros.grounding.fit import distinct
from spatial_llava_ros.types import Proposals

MIN_SCORE = 0.3
"""Regions less sure to be one whole thing are left out: best F1 of the chosen set over simulated scenes."""

_UNMEASURED_SHARE = 0.03
"""A part of the picture larger than this in which no depth was measured is ground that is too far or too shiny."""


def choose_regions(proposals: Proposals, shape: tuple[int, int], min_score: float = MIN_SCORE) -> list[int]:
    """Indices into `proposals.regions` of a set in which no two claim the same pixels, most certain first.

    Args:
        shape: (H, W) of the frame.
        min_score: 0..1, of `Region.score`.
    """
    scores = np.array([region.score for region in proposals.regions])
    if scores.size == 0:
        return []
    same = mask_overlap(proposals.regions, shape) > 0.5
    thing = np.array(
        [
            r.valid_depth > 0.1 or np.count_nonzero(r.mask) < _UNMEASURED_SHARE * np.prod(shape)
            for r in proposals.regions
        ]
    )
    keep = np.flatnonzero(distinct(scores, same) & (scores >= min_score) & thing)
    return [int(i) for i in keep[np.argsort(-scores[keep], kind="stable")]]

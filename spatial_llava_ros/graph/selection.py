"""Which regions of a frame are its things: proposals claim the same pixels many times over, a graph may not."""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.graph.settings import WHOLE_ENOUGH
from spatial_llava_ros.grounding.features import Features
from spatial_llava_ros.grounding.fit import distinct

_UNMEASURED_SHARE = 0.03
"""A part of the picture larger than this in which no depth was measured is ground that is too far or too shiny."""


def choose_regions(features: Features, shape: tuple[int, int], min_score: float = WHOLE_ENOUGH) -> list[int]:
    """Indices of a set of regions in which no two claim the same pixels, most certain first.

    Args:
        features: of all regions of a frame.
        shape: (H, W) of the frame.
        min_score: 0..1, of `Features.whole`.
    """
    measured = np.array([region.valid_depth > 0.1 for region in features.regions], bool)
    thing = measured | (features.pixels < _UNMEASURED_SHARE * np.prod(shape))
    keep = np.flatnonzero(distinct(features.whole, features.same) & (features.whole >= min_score) & thing)
    return [int(i) for i in keep[np.argsort(-features.whole[keep], kind="stable")]]

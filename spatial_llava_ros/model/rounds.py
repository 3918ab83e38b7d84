"""Marks in rounds: of more regions than fit on a picture, the best of each round meet in a final one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spatial_llava_ros.grounding.features import Features
from spatial_llava_ros.grounding.fit import distinct
from spatial_llava_ros.model.patience import Patience


def ask_in_rounds(
    features: Features, most: int, ask: Callable[[np.ndarray], tuple[np.ndarray, float]], patience: Patience
) -> tuple[np.ndarray, float]:
    """(N,) probability of each region, and of none; they sum to 1.

    Regions that repeat a better one are not marked and get 0.

    Args:
        most: regions that are marked on one picture.
        ask: of the indices of marked regions, the probability of each and of none.

    Raises:
        ModelError: as `ask`.
    """
    scores = np.zeros(len(features.regions))
    heads = np.flatnonzero(distinct(features.whole, features.same)) if len(scores) else np.zeros(0, int)
    heads = heads[np.argsort(-features.whole[heads], kind="stable")]
    if not len(heads):
        return scores, 1.0
    if len(heads) > most:
        rounds = [heads[k : k + most] for k in range(0, len(heads), most)]
        places = max(1, most // len(rounds))
        finalists = []
        for k, group in enumerate(rounds):
            patience.report(f"marks, round {k + 1} of {len(rounds)}", "")
            likely, _ = ask(group)
            finalists.extend(group[np.argsort(-likely)[:places]])
        heads = np.sort(np.array(finalists))
    patience.report("marks", "")
    scores[heads], none = ask(heads)
    return scores, none

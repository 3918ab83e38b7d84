"""How much a candidate looks like one whole thing, and which candidates to keep."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from spatial_llava_ros.perceptron import Perceptron
from spatial_llava_ros.proposals.candidates import FEATURES, Candidates

WEIGHTS = Path(__file__).with_name("weights.npz")  # written by `fitting`
MIN_OUTLINE = 0.15  # of 1: an outline that is hardly an edge of anything encloses nothing
COVERED = 0.17  # log odds that a candidate loses for each one kept that covers it: there is less left to find


@lru_cache(maxsize=1)
def network() -> Perceptron:
    return Perceptron.load(WEIGHTS)


def score_candidates(candidates: Candidates) -> np.ndarray:
    """(C,) float64 in 0..1: the chance, on the simulator, that a candidate covers a thing well."""
    if not len(candidates.node):
        return np.zeros(0)
    chance = 1 / (1 + np.exp(-network()(both_ways(candidates.features))))
    blank = candidates.features[:, FEATURES.index("outer strong")] < MIN_OUTLINE
    return np.where(blank, 0.0, chance)


def both_ways(features: np.ndarray) -> np.ndarray:
    """Features (C, F) as they are and against those of the other candidates of the frame: (C, 2F).

    Judging a frame by itself makes the score indifferent to a camera's contrast, sharpness and noise. Outliers are
    held to 4 deviations.
    """
    mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-3
    return np.hstack([features, np.clip((features - mean) / spread, -4, 4)])


def select(candidates: Candidates, score: np.ndarray, limit: int, overlap: float = 0.75) -> np.ndarray:
    """Rows of the candidates to keep, best first: greedy choice that shuns boxes that say the same.

    Args:
        score: (C,) 0..1.
        limit: most rows to keep; those with score 0 are never kept.
        overlap: intersection over union of boxes above which two candidates are one.
    """
    top = np.argsort(-score, kind="stable")[: 20 * limit]
    top = top[score[top] > 0]
    worth = np.log(score[top] / np.maximum(1 - score[top], 1e-12))
    x1, y1, x2, y2 = candidates.box[top].T.astype(np.float32)
    area = (x2 - x1) * (y2 - y1)
    kept: list[int] = []
    while len(kept) < min(limit, len(top)):
        k = int(np.argmax(worth))
        if worth[k] == -np.inf:
            break
        kept.append(int(top[k]))
        wide = np.minimum(x2[k], x2) - np.maximum(x1[k], x1)
        tall = np.minimum(y2[k], y2) - np.maximum(y1[k], y1)
        shared = np.maximum(wide, 0) * np.maximum(tall, 0)
        worth -= COVERED * shared / area
        worth[shared > overlap * (area + area[k] - shared)] = -np.inf
        worth[k] = -np.inf
    rows = np.array(kept, int)
    return rows[np.argsort(-score[rows], kind="stable")]

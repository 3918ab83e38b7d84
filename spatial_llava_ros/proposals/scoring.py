"""How much a candidate looks like one whole thing, and which candidates to keep."""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.proposals.candidates import FEATURES, Candidates


def score_candidates(candidates: Candidates) -> np.ndarray:
    """(C,) float64 in 0..1."""
    f = dict(zip(FEATURES, candidates.features.T, strict=True))
    logit = (
        1.5 * np.minimum(f["inner share"], 1.5)
        - 4 * f["inner color"]
        + 2 * f["outer color"]
        + f["outer near"]
        - f["outer far"]
        - 0.15 * (f["log area"] + 4) ** 2
        + f["cost"]
        + 0.5 * f["gap"]
        - f["border"]
        - f["on support"]
    )
    return 1 / (1 + np.exp(-2 * logit))


def select(candidates: Candidates, score: np.ndarray, limit: int, overlap: float = 0.75) -> np.ndarray:
    """Rows of the candidates to keep, best first: greedy suppression of boxes that say the same.

    Args:
        limit: most rows to keep.
        overlap: intersection over union of boxes above which two candidates are one.
    """
    order = np.argsort(-score, kind="stable")
    box = candidates.box[order].astype(np.float32)
    area = (box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1])
    free = np.ones(len(order), bool)
    kept: list[int] = []
    for k in range(len(order)):
        if not free[k]:
            continue
        kept.append(int(order[k]))
        if len(kept) == limit:
            break
        size = np.minimum(box[k, 2:], box[:, 2:]) - np.maximum(box[k, :2], box[:, :2])
        shared = np.maximum(size, 0).prod(axis=1)
        free &= shared <= overlap * (area + area[k] - shared)
    return np.array(kept, int)

"""How many of the things a person drew boxes around are among the proposals.

A box counts where at least half of its pixels have depth. It is found at a threshold if the box of any proposal
overlaps it by at least that intersection over union.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from spatial_llava_ros.proposals import propose
from spatial_llava_ros.types import Box, Proposals, RgbdFrame

MIN_VALID_DEPTH = 0.5


@dataclass(frozen=True)
class ProposalRecall:
    """Of one frame.

    Attributes:
        name: of the frame.
        overlap: best intersection over union of each counted box, by name.
        proposals: how many regions there were.
        milliseconds: time of the proposal step.
    """

    name: str
    overlap: Mapping[str, float]
    proposals: int
    milliseconds: float

    def recall(self, threshold: float) -> float:
        """Share of the counted boxes found at an overlap; NaN where there are none."""
        if not self.overlap:
            return float("nan")
        return float(np.mean([value >= threshold for value in self.overlap.values()]))


def box_overlap(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes (N, 4) with boxes (M, 4), shape (N, M)."""
    a, b = np.asarray(a, np.float64).reshape(-1, 1, 4), np.asarray(b, np.float64).reshape(1, -1, 4)
    size = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    shared = np.prod(np.maximum(size, 0), axis=-1)
    area = np.prod(a[..., 2:] - a[..., :2], axis=-1) + np.prod(b[..., 2:] - b[..., :2], axis=-1)
    return shared / np.maximum(area - shared, 1e-9)


def countable_boxes(frame: RgbdFrame, boxes: Mapping[str, Box]) -> dict[str, Box]:
    """The boxes in which at least half of the pixels have depth."""
    kept = {}
    for name, box in boxes.items():
        x1, y1, x2, y2 = (round(v) for v in box)
        inside = frame.depth[max(y1, 0) : y2, max(x1, 0) : x2]
        if inside.size and np.isfinite(inside).mean() >= MIN_VALID_DEPTH:
            kept[name] = box
    return kept


def proposal_recall(
    frames: Iterable[tuple[str, RgbdFrame, Mapping[str, Box]]],
    propose: Callable[[RgbdFrame], Proposals] = propose,
) -> list[ProposalRecall]:
    """Measure every frame.

    Args:
        frames: name, frame and its hand-drawn boxes by name.
        propose: the step to be measured.
    """
    results = []
    for name, frame, boxes in frames:
        start = time.perf_counter()
        proposals = propose(frame)
        milliseconds = 1000 * (time.perf_counter() - start)
        wanted = countable_boxes(frame, boxes)
        overlap = dict.fromkeys(wanted, 0.0)
        if wanted and proposals.regions:
            table = box_overlap(np.array(list(wanted.values())), np.array([r.box for r in proposals.regions]))
            overlap = dict(zip(wanted, table.max(axis=1).tolist(), strict=True))
        results.append(ProposalRecall(name, overlap, len(proposals.regions), milliseconds))
    return results


def overall_recall(results: Iterable[ProposalRecall], threshold: float) -> float:
    """Share of all counted boxes of all frames found at an overlap."""
    values = [value for result in results for value in result.overlap.values()]
    return float(np.mean([value >= threshold for value in values])) if values else float("nan")

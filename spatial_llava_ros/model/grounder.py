"""A model as grounder: marks mode, then box mode where the marks leave it open; each said in the explanation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from spatial_llava_ros.grounding.features import Features
from spatial_llava_ros.model.patience import Patience
from spatial_llava_ros.types import Box, Grounding, RgbdFrame, Status

RIVAL = 0.5  # a second thing this likely, relative to the best, makes the answer ambiguous
OVERLAP = 0.5  # a box names a region from this IoU on, as in RefCOCO's accuracy


class Grounder(Protocol):
    """Anything that can say which region an expression means."""

    def ground(
        self,
        frame: RgbdFrame,
        features: Features,
        text: str,
        deadline: float | None = None,
        cancelled: Callable[[], bool] = ...,
    ) -> Grounding:
        """Raises ModelError when it cannot; `deadline` is on `time.monotonic`'s clock."""


class AsksMarks(Protocol):
    """Marks mode of a back-end."""

    def score(self, frame: RgbdFrame, features: Features, text: str, patience: Patience) -> tuple[np.ndarray, float]:
        """(N,) probabilities and that of none."""


class AsksBoxes(Protocol):
    """Box mode of a back-end; one that points instead of boxing has an attribute `points` that is True."""

    def boxes(self, frame: RgbdFrame, text: str, patience: Patience) -> tuple[tuple[Box, ...], float, str]:
        """Boxes in pixels, their score 0..1, and why there are none."""


class ModelGrounder:
    """Marks first; boxes when two marks are as good, or when there is nothing to mark."""

    def __init__(self, marks: AsksMarks | None, boxes: AsksBoxes | None) -> None:
        self._marks = marks
        self._boxes = boxes

    def ground(
        self,
        frame: RgbdFrame,
        features: Features,
        text: str,
        deadline: float | None = None,
        cancelled: Callable[[], bool] = lambda: False,
        count: int = 1,
    ) -> Grounding:
        """Which regions an expression means; `count` as in `NounPhrase.count`, 0 for "the mugs"."""
        patience = Patience(deadline, cancelled)
        n = len(features.regions)
        if n == 0:
            return Grounding(Status.NOT_FOUND, np.zeros(0), 1.0, (), "nothing stands out in this picture")
        if self._marks is None:
            scores, none, why = np.full(n, 0.5 / n), 0.5, "box mode"
        else:
            scores, none = self._marks.score(frame, features, text, patience)
            why = "model, by marks"
        grounding = decide(scores, none, features.same, count, why)
        undecided = grounding.status is Status.AMBIGUOUS or self._marks is None
        if not undecided or self._boxes is None:
            return grounding
        boxes, score, problem = self._boxes.boxes(frame, text, patience)
        if not boxes:
            return decide(scores, none, features.same, count, f"{why}; its box answer cannot be used: {problem}")
        if getattr(self._boxes, "points", False):
            middles = [((box[0] + box[2]) / 2, (box[1] + box[3]) / 2) for box in boxes]
            overlap = np.max([point_overlaps(middle, features) for middle in middles], axis=0)
        else:
            overlap = np.max([box_overlaps(box, features) for box in boxes], axis=0)
        if overlap.max(initial=0) < OVERLAP:
            return decide(scores, none, features.same, count, f"{why}; its box fits no region")
        # The box is a second witness: trusted, it lies on the thing; astray, it may lie on any, or there is none.
        astray = (1 - score) / (n + 1)
        scores = scores * (score * overlap + astray)
        none = none * astray
        total = scores.sum() + none
        if total <= 0:
            scores, none, total = overlap, 0.0, overlap.sum()
        return decide(scores / total, none / total, features.same, count, f"{why}, settled by its box")


def decide(scores: np.ndarray, none: float, same: np.ndarray, count: int, why: str) -> Grounding:
    """Found, ambiguous or not found from a distribution.

    Args:
        scores: (N,) with `none` they sum to 1.
        same: (N, N) pairs of regions that repeat each other, which are no rivals.
        count: how many things are asked for, 0 for any number.
    """
    order = np.argsort(-scores, kind="stable")
    best = int(order[0])
    if none >= scores[best] or not np.isfinite(scores).all():
        return Grounding(Status.NOT_FOUND, scores, float(none), (), f"{why}: none of them ({none:.0%})")
    fitting: list[int] = []
    for i in order:
        if scores[i] >= RIVAL * scores[best] and not same[i, fitting].any():
            fitting.append(int(i))
    said = f"{why} ({scores[best]:.0%})"
    if count == 1:
        status = Status.FOUND if len(fitting) == 1 else Status.AMBIGUOUS
    else:
        status = Status.FOUND if count in (0, len(fitting)) else Status.AMBIGUOUS
    return Grounding(status, scores, float(none), tuple(fitting), said)


def box_overlaps(box: Box, features: Features) -> np.ndarray:
    """(N,) intersection over union of a box with every region's box."""
    theirs = np.array([region.box for region in features.regions], np.float64).reshape(-1, 4)
    low = np.maximum(theirs[:, :2], box[:2])
    high = np.minimum(theirs[:, 2:], box[2:])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    area = (box[2] - box[0]) * (box[3] - box[1])
    return shared / (area + (theirs[:, 2:] - theirs[:, :2]).prod(axis=1) - shared)


def point_overlaps(point: tuple[float, float], features: Features) -> np.ndarray:
    """(N,) 1 for the smallest region whose mask holds a point, 0 for the others."""
    x, y = int(point[0]), int(point[1])
    hit = [
        i
        for i, region in enumerate(features.regions)
        if region.box[0] <= x < region.box[2]
        and region.box[1] <= y < region.box[3]
        and region.mask[y - region.box[1], x - region.box[0]]
    ]
    overlap = np.zeros(len(features.regions))
    if hit:
        overlap[min(hit, key=lambda i: features.pixels[i])] = 1.0
    return overlap

"""A model as grounder: marks mode, then box mode where the marks leave it open; each said in the explanation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from spatial_llava_ros.grounding.features import Features
from spatial_llava_ros.model.errors import ModelMemoryError
from spatial_llava_ros.model.patience import PATIENT, Patience
from spatial_llava_ros.model.smaller import halved
from spatial_llava_ros.types import Box, Grounding, RgbdFrame, Status

RIVAL = 0.5  # a second thing this likely, relative to the best, makes the answer ambiguous
OVERLAP = 0.5  # a box names a region from this IoU on, as in RefCOCO's accuracy
POINT = 1.5  # pixels: a box no larger is a point, from a family that points instead of boxing
MOST_HALVINGS = 2
LEAST_SIDE = 120  # pixels: on a smaller picture nothing can be told


@dataclass(frozen=True, eq=False)
class ModelAnswer:
    """What a model says of the regions of a frame.

    Attributes:
        grounding: its distribution; with a `box` the last score is of the thing in that box.
        method: "marks" or "box", what decided.
        box: in pixels, of a thing that no region covers; None where the regions will do.
    """

    grounding: Grounding
    method: str
    box: Box | None = None


class Grounder(Protocol):
    """Anything that can say which region an expression means."""

    name: str

    def ground(
        self, frame: RgbdFrame, features: Features, text: str, patience: Patience = ..., count: int = 1
    ) -> ModelAnswer:
        """Raises ModelError when it cannot, or as `patience` says."""


class AsksMarks(Protocol):
    """Marks mode of a back-end."""

    def score(self, frame: RgbdFrame, features: Features, text: str, patience: Patience) -> tuple[np.ndarray, float]:
        """(N,) probabilities and that of none."""


class AsksBoxes(Protocol):
    """Box mode of a back-end; one that points gives boxes of a pixel."""

    def boxes(self, frame: RgbdFrame, text: str, patience: Patience) -> tuple[tuple[Box, ...], float, str]:
        """Boxes in pixels, their score 0..1, and why there are none."""


class ModelGrounder:
    """Marks first; boxes when two marks are as good, or when there is nothing to mark. Not thread-safe."""

    def __init__(self, marks: AsksMarks | None, boxes: AsksBoxes | None, name: str = "") -> None:
        """`name` is the model's, for whoever reads the answer."""
        self._marks = marks
        self._boxes = boxes
        self._halvings = 0
        self._reduced: tuple[RgbdFrame, Features, RgbdFrame, Features, int] | None = None  # whole, small, halvings
        self.name = name

    def ground(
        self, frame: RgbdFrame, features: Features, text: str, patience: Patience = PATIENT, count: int = 1
    ) -> ModelAnswer:
        """Which regions an expression means; `count` as in `NounPhrase.count`, 0 for "the mugs".

        Where the device has no memory left the question is asked again about a picture of half the size, and all
        later ones too.

        Raises:
            ModelError: it cannot answer, or as `patience` says.
        """
        n = len(features.regions)
        if n == 0:
            scores, none, why = np.zeros(0), 1.0, "nothing stands out to be marked"
        elif self._marks is None:
            scores, none, why = np.full(n, 0.5 / n), 0.5, "model, by box"
        else:
            patience.report("marks", "")
            scores, none = self._spared(lambda f, x: self._marks.score(f, x, text, patience), frame, features)
            why = "model, by marks"
        if n and self._marks is not None:
            grounding = decide(scores, none, features.same, count, why + self._note)
            if grounding.status is not Status.AMBIGUOUS or self._boxes is None:
                return ModelAnswer(grounding, "marks")
        if self._boxes is None:
            return ModelAnswer(Grounding(Status.NOT_FOUND, scores, none, (), why), "marks")
        patience.report("box", "")
        boxes, score, problem = self._spared(lambda f, _: self._boxes.boxes(f, text, patience), frame, features)
        boxes = tuple(tuple(v * 2.0**self._halvings for v in box) for box in boxes)
        why += self._note
        if not boxes:
            why = f"{why}; its box answer cannot be used: {problem}"
            method = "box" if self._marks is None or not n else "marks"
            return ModelAnswer(decide(scores, none, features.same, count, why), method)
        return _settled(boxes, score, features, scores, none, count, why)

    def _spared(self, ask: Callable[[RgbdFrame, Features], Any], frame: RgbdFrame, features: Features) -> Any:
        """Ask; again with half the picture when the device has no memory left for the whole."""
        while True:
            try:
                return ask(*self._smaller(frame, features))
            except ModelMemoryError:
                side = min(frame.intrinsics.shape) // 2 ** (self._halvings + 1)
                if self._halvings == MOST_HALVINGS or side < LEAST_SIDE:
                    raise
                self._halvings += 1

    def _smaller(self, frame: RgbdFrame, features: Features) -> tuple[RgbdFrame, Features]:
        """The frame as it is asked about: the same objects for the same frame, since back-ends keep what they read."""
        if not self._halvings:
            return frame, features
        kept = self._reduced
        if kept is None or kept[0] is not frame or kept[1] is not features or kept[4] != self._halvings:
            small = frame, features
            for _ in range(self._halvings):
                small = halved(*small)
            self._reduced = kept = (frame, features, *small, self._halvings)
        return kept[2], kept[3]

    @property
    def _note(self) -> str:
        if not self._halvings:
            return ""
        return f" on the picture at 1/{2**self._halvings} of its size, for want of memory"


def _settled(
    boxes: tuple[Box, ...], score: float, features: Features, scores: np.ndarray, none: float, count: int, why: str
) -> ModelAnswer:
    """Marks and boxes as two witnesses: trusted, a box lies on the thing; astray, it may lie on any, or there is none.

    A box on no region is on a thing of its own, for which the marks' "none of these" has spoken.
    """
    n = len(scores)
    overlap = np.max([_overlaps(box, features) for box in boxes], axis=0) if n else np.zeros(0)
    astray = (1 - score) / (n + 1)
    own = overlap.max(initial=0) < OVERLAP and not _is_point(boxes[0])
    if own:
        scores, overlap = np.append(scores, none), np.append(overlap * 0, 1.0)
        same = np.zeros((n + 1, n + 1), bool)
        same[:n, :n] = features.same
        same[n, n] = True
    else:
        same = features.same
        if overlap.max(initial=0) < OVERLAP:
            if not n:
                return ModelAnswer(Grounding(Status.NOT_FOUND, scores, 1.0, (), f"{why}; it points at nothing"), "box")
            return ModelAnswer(decide(scores, none, same, count, f"{why}; it points at no region"), "box")
    scores, none = scores * (score * overlap + astray), none * astray
    total = scores.sum() + none
    if total <= 0:
        scores, none, total = overlap, 0.0, overlap.sum()
    settled = "" if why.startswith("model, by box") else ", settled by its box"
    where = "; the box is on none of the regions" if own else ""
    grounding = decide(scores / total, none / total, same, count, f"{why}{settled}{where}")
    return ModelAnswer(grounding, "box", boxes[0] if own else None)


def _is_point(box: Box) -> bool:
    return box[2] - box[0] <= POINT and box[3] - box[1] <= POINT


def _overlaps(box: Box, features: Features) -> np.ndarray:
    if _is_point(box):
        return point_overlaps(((box[0] + box[2]) / 2, (box[1] + box[3]) / 2), features)
    return box_overlaps(box, features)


def decide(scores: np.ndarray, none: float, same: np.ndarray, count: int, why: str) -> Grounding:
    """Found, ambiguous or not found from a distribution.

    Args:
        scores: (N,) with `none` they sum to 1.
        same: (N, N) pairs of regions that repeat each other, which are no rivals.
        count: how many things are asked for, 0 for any number.
    """
    order = np.argsort(-scores, kind="stable")
    if not len(order):
        return Grounding(Status.NOT_FOUND, scores, float(none), (), why)
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
    """(N,) 1 for the likeliest whole thing of the regions whose mask holds a point, 0 for the others."""
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
        overlap[max(hit, key=lambda i: features.whole[i])] = 1.0
    return overlap

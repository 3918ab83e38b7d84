"""Pieces of a window that look like the object: to find it again, and to know what only looks like it."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from spatial_llava_ros.geometry import invert_transform, transform_points
from spatial_llava_ros.tracking.appearance import Appearance
from spatial_llava_ros.tracking.body import Body, Held
from spatial_llava_ros.tracking.window import Window

_OWN_COLOURS = 0.7  # log ratio: about twice as often the object's as its surroundings'
_MIN_PIXELS = 20
_SIZES = 0.35, 2.2  # share of the object's pixels that a piece of its size may have
_ALIKE = 0.6
_CLEARLY = 2.0  # times as far away a second piece must be for the first to be chosen
_FARTHEST = 3.5  # standard deviations
_KEPT = 12


@dataclass(frozen=True, eq=False)
class Found:
    """A piece that may be the object: (3,) where its centre would be, camera frame; and how far that is from where the
    object is expected, in standard deviations."""

    centre: np.ndarray
    away: float


def search(
    window: Window, body: Body, held: Held, appearance: Appearance, pixels: float, surface: float, spread: float,
    apart_from: np.ndarray | None = None,
) -> list[Found]:  # fmt: skip
    """Connected pieces of the object's colours and about its size, nearest to where it is expected first.

    Args:
        pixels: of the picture, that it is expected to have.
        surface: metres that its visible surface is nearer than its centre.
        spread: metres, standard deviation of where it is expected.
        apart_from: (h, w) bool, pixels that are known to be the object itself.
    """
    belongs = appearance.belongs(window.bins)
    own = window.measured & (belongs > _OWN_COLOURS)
    with np.errstate(invalid="ignore"):
        own &= held.height > held.reach
    if apart_from is not None:
        own &= cv2.dilate(apart_from.view(np.uint8), np.ones((3, 3), np.uint8)) == 0
    depth = np.where(window.measured, window.depth, np.float32(0))
    gap = np.float32(max(0.02, 0.3 * float(body.size.min())))
    smooth = cv2.dilate(depth, np.ones((3, 3), np.uint8)) - depth < gap
    mask = cv2.morphologyEx((own & smooth).view(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    found = []
    for label in np.flatnonzero(stats[:, cv2.CC_STAT_AREA] >= _MIN_PIXELS):
        if label == 0:
            continue
        piece = labels == label
        points = window.points[piece]
        middle = np.median(points, axis=0).astype(np.float64)
        near = (float(body.centre[2]) / max(float(middle[2]), 0.1)) ** 2
        share = stats[label, cv2.CC_STAT_AREA] * window.step**2 / max(pixels * near, 1.0)
        if not _SIZES[0] < share < _SIZES[1] or appearance.similarity(window.bins[piece]) < _ALIKE:
            continue
        middle *= 1 + surface / max(float(middle[2]), 0.1)
        away = float(np.linalg.norm(middle - body.centre)) / max(spread, 0.02)
        found.append(Found(middle, away))
    return sorted(found, key=lambda f: f.away)


@dataclass
class Distractors:
    """Places (3,) in the frame that is tracked in where something looked like the object while it was elsewhere."""

    places: list[np.ndarray] = field(default_factory=list)

    def clear(self) -> None:
        """The frame was redefined: places in it mean nothing any more."""
        self.places.clear()

    def remember(self, found: list[Found], camera_from_reference: np.ndarray, size: float) -> None:
        """Take note of what was found beside the object."""
        for place in _in_reference(found, camera_from_reference):
            known = [k for k, p in enumerate(self.places) if np.linalg.norm(p - place) < 0.7 * size]
            for k in reversed(known):
                del self.places[k]
            self.places.append(place)
        del self.places[:-_KEPT]

    def choose(self, found: list[Found], camera_from_reference: np.ndarray, size: float) -> np.ndarray | None:
        """Centre (3,) in the camera frame of the piece that must be the object, None when there is none or a choice."""
        places = _in_reference(found, camera_from_reference)
        fresh = [
            f
            for f, place in zip(found, places, strict=True)
            if f.away < _FARTHEST and all(np.linalg.norm(place - p) > 0.7 * size for p in self.places)
        ]
        if not fresh or (len(fresh) > 1 and fresh[1].away < _CLEARLY * fresh[0].away):
            return None
        return fresh[0].centre


def _in_reference(found: list[Found], camera_from_reference: np.ndarray) -> list[np.ndarray]:
    reference_from_camera = invert_transform(camera_from_reference)
    return [transform_points(reference_from_camera, f.centre) for f in found]

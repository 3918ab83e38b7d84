"""What is seen of an object in a window, and how its centre lies to that: learned in whole views, used in cut ones."""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.lift.covariance import depth_sigma
from spatial_llava_ros.tracking.appearance import Appearance
from spatial_llava_ros.tracking.body import Body, Held
from spatial_llava_ros.tracking.segmentation import Cut
from spatial_llava_ros.tracking.window import Window

_RATE, _COLOUR_RATE = 0.1, 0.05  # weight of a new view
_MIN_PIXELS = 30
Sides = tuple[bool, bool, bool, bool]
"""Left, top, right, bottom."""


class Looks:
    """How the object looks from where the camera was last.

    Attributes:
        appearance: its colours; None before the first view.
        fill: share of its box's outline that its pixels cover.
        margins: (4,) metres from its centre to the left, top, right and bottom of what is seen of it.
        offset: (3,) metres, from the middle of what is seen of it to its centre, camera frame.
        surface: metres that what is seen of it is nearer than its centre.
        views: whole ones so far.
    """

    def __init__(self) -> None:
        self.appearance: Appearance | None = None
        self.fill = 0.75
        self.margins = np.zeros(4)
        self.offset = np.zeros(3)
        self.surface = 0.0
        self.views = 0

    def learn(
        self, window: Window, body: Body, held: Held, cut: Cut, centre: np.ndarray, z: float, outline: float
    ) -> None:
        """Take in a whole view.

        Args:
            centre: (3,) of the object, camera frame.
            z: metres, median depth of its pixels.
            outline: pixels that its box covers.
        """
        rate = _RATE if self.views else 1.0
        self.fill += rate * (float(np.clip(cut.pixels / max(outline, 1.0), 0.2, 1.2)) - self.fill)
        self.learn_sides(window, cut, centre, z, (True,) * 4)
        self.surface += rate * (float(centre[2]) - z - self.surface)
        middle = window.points[cut.mask].mean(axis=0, dtype=np.float64)
        self.offset = self.offset + rate * (centre - middle - self.offset)
        self.learn_colours(window, body, held, cut.mask)
        self.views += 1

    def learn_colours(self, window: Window, body: Body, held: Held, mask: np.ndarray) -> None:
        """What is in the box is the object's, whatever the mask took from beyond is not: so it cannot creep."""
        with np.errstate(invalid="ignore"):
            own, around = mask & (held.outside < 0.1 * body.slack), held.outside > 0.6 * body.slack
        if np.count_nonzero(own) < _MIN_PIXELS:
            return
        if self.appearance is None:
            self.appearance = Appearance(window.bins[own], window.bins[around])
        else:
            self.appearance.learn(window.bins[own], window.bins[around], _COLOUR_RATE)

    def learn_sides(self, window: Window, cut: Cut, centre: np.ndarray, z: float, own: Sides) -> None:
        """Take in where those sides of a mask are that are the object's own."""
        x, y = _extent(window, cut, z)
        margins = np.array([centre[0] - x[0], centre[1] - y[0], x[1] - centre[0], y[1] - centre[1]])
        rate = _RATE if self.views else 1.0
        self.margins += np.where(own, rate, 0.0) * (margins - self.margins)

    def centre(
        self, window: Window, cut: Cut, body: Body, own: Sides, z: float, missing: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where the centre is by the sides of a mask that are the object's own.

        Args:
            missing: 0..1, share of the object that is not seen: the rest is not like the whole.

        Returns:
            (3,) in the camera frame; its covariance (3, 3) against the views before, and the one against the truth if
            much has changed since.
        """
        centre = body.centre.copy()
        pixel = z / window.focal
        steady, changed = np.empty(3), np.empty(3)
        for axis, (low, high) in enumerate(_extent(window, cut, z)):
            places = []
            if own[axis]:
                places.append(low + self.margins[axis])
            if own[axis + 2]:
                places.append(high - self.margins[axis + 2])
            width = float(self.margins[axis] + self.margins[axis + 2])
            unlike = (0.15 * missing * width) ** 2
            if places:
                centre[axis] = np.mean(places)
                steady[axis] = unlike + pixel**2 + (0.02 * width) ** 2
                changed[axis] = unlike + pixel**2 + (0.08 * width) ** 2
            else:
                steady[axis] = changed[axis] = unlike + (0.5 * max(width, float(body.size.max()))) ** 2
        centre[2] = z + self.surface
        deep = float(body.size[:2].max())
        unlike = (0.5 * missing * deep) ** 2
        steady[2] = unlike + (0.5 * depth_sigma(z)) ** 2 + (0.03 * deep) ** 2
        changed[2] = unlike + depth_sigma(z) ** 2 + (0.15 * deep) ** 2
        return centre, np.diag(steady), np.diag(changed)


def _extent(window: Window, cut: Cut, z: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """Left and right, top and bottom of a mask in metres at a depth, camera frame."""
    rows, columns = np.flatnonzero(cut.mask.any(axis=1)), np.flatnonzero(cut.mask.any(axis=0))
    x, y = window.rays
    half = 0.5 * z / window.focal
    return (
        (float(x[columns[0]]) * z - half, float(x[columns[-1]]) * z + half),
        (float(y[rows[0]]) * z - half, float(y[rows[-1]]) * z + half),
    )

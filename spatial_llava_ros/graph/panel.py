"""Which way a screen faces, from its shape: an upright panel, and what stands out from it lower down.

A laptop's keyboard lies before its screen, across all of it; the neck of a monitor's stand, seen below the panel, is
behind it. Where neither is seen, as of a laptop from behind or of a screen on a wall, nothing is said.
"""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.geometry import matrix_from_quaternion
from spatial_llava_ros.types import Object3D

_TALL = (0.12, 0.75)  # metres, of screens with what they stand on
_WIDE = (0.22, 1.3)
_FLAT = 0.008  # metres, deviation of a panel from its plane, with the noise of a depth camera
_LEAN = float(np.sin(np.radians(40)))  # from upright
_PANEL, _BASE, _NECK = 40, 12, 6  # points, at least
_BEHIND = (0.01, 0.08)  # metres from the plane of a panel to the neck


def front_of_screen(points: np.ndarray, obj: Object3D) -> np.ndarray | None:
    """Unit vector (3,) out of the front of a laptop or a monitor, in the frame of its box; None where none is seen.

    Args:
        points: (N, 3) of its surface, in the frame of `obj`; NaN-free.
        obj: with its place in space.
    """
    height, sides = float(obj.size[2]), obj.size[:2]
    if not (_TALL[0] < height < _TALL[1] and _WIDE[0] < sides.max() < _WIDE[1]):
        return None
    up = matrix_from_quaternion(obj.orientation)[:, 2]
    local = points - obj.position
    level = local @ up / height + 0.5  # 0 at the foot, 1 at the top
    panel = local[level > 0.5]
    if len(panel) < _PANEL:
        return None
    middle = np.median(panel, axis=0)
    spread, axes = np.linalg.eigh(np.cov((panel - middle).T))
    normal = axes[:, 0]
    if np.sqrt(max(spread[0], 0.0)) > _FLAT or abs(normal @ up) > _LEAN:
        return None
    across = np.cross(up, normal)
    across /= np.linalg.norm(across)
    ahead = np.cross(across, up)  # level, along the normal
    aside = (local - middle) @ across
    left, right = np.percentile((panel - middle) @ across, [2, 98])
    width = right - left
    if width < max(0.75 * float(sides.max()), 0.6 * height):
        return None
    aside = np.abs(aside - (left + right) / 2) / width  # 0.5 at the edges
    off = (local - middle) @ normal
    side = _base_side(level, off, aside, height) or -_neck_side(level, off, aside)
    return side * ahead if side else None


def _base_side(level: np.ndarray, off: np.ndarray, aside: np.ndarray, height: float) -> float:
    """1 or -1: the side of the panel on which something low and as wide as the panel lies; 0 for none."""
    low = (level < 0.25) & (np.abs(off) > 0.25 * height)
    if np.count_nonzero(low) < _BASE or np.percentile(aside[low], 80) < 0.3:
        return 0.0
    side = float(np.sign(np.median(off[low])))
    one_sided = np.mean(np.sign(off[low]) == side) > 0.95
    reaches = np.percentile(np.abs(off[low]), 90) > 0.45 * height
    # Between the base and the top of the panel there is nothing on that side.
    empty = np.mean(side * off[level > 0.4] > 0.2 * height) < 0.03
    return side if one_sided and reaches and empty else 0.0


def _neck_side(level: np.ndarray, off: np.ndarray, aside: np.ndarray) -> float:
    """1 or -1: the side of the panel on which the neck below it stands; 0 where none is seen."""
    outer = (aside > 0.3) & (np.abs(off) < 0.03)
    if np.count_nonzero(outer) < _PANEL // 2:
        return 0.0
    bottom = float(np.percentile(level[outer], 2))
    below = (level > 0.06) & (level < bottom - 0.03)
    neck = below & (aside < 0.2)
    if (
        not 0.12 < bottom < 0.45
        or np.count_nonzero(neck) < _NECK
        or np.count_nonzero(neck) < 0.7 * np.count_nonzero(below)
    ):
        return 0.0
    middle, spread = float(np.median(off[neck])), float(np.ptp(np.percentile(off[neck], [20, 80])))
    return float(np.sign(middle)) if _BEHIND[0] < abs(middle) < _BEHIND[1] and spread < abs(middle) else 0.0

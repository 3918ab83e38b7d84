"""Where to put names in space so that they can be read: sized by distance, none on another as the viewer sees them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_SIZE = 0.025  # of a letter, per metre of distance: 1.4 degrees
_LETTER = 0.02, 0.15  # m, least and greatest height
_ASPECT = 0.55  # width of a letter by its height
_GAP = 0.2  # between lines, by letter height


def place_labels(
    anchors: np.ndarray, texts: Sequence[str], eye: np.ndarray, up: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Raise labels off each other: the lowest stay, the others go up until they are free.

    Args:
        anchors: (N, 3) metres, the point that each label should be centred above.
        texts: one line each.
        eye: (3,) where the viewer is, in the frame of the anchors.
        up: (3,) unit vector in that frame.

    Returns:
        Centres (N, 3) and letter heights (N,) in metres.
    """
    anchors = np.asarray(anchors, np.float64).reshape(-1, 3)
    if not len(anchors):
        return anchors, np.zeros(0)
    off = anchors - eye
    ahead = off.mean(axis=0)
    ahead -= (ahead @ up) * up
    if np.linalg.norm(ahead) < 1e-6:  # straight below or above: any direction will do
        ahead = np.cross(up, np.eye(3)[np.argmin(np.abs(up))])
    ahead /= np.linalg.norm(ahead)
    right = np.cross(ahead, up)
    away = np.linalg.norm(off, axis=1)
    depth = np.maximum(np.where(off @ ahead > 0.3 * away, off @ ahead, away), 0.1)
    letters = np.clip(_SIZE * away, *_LETTER)
    # In the viewer's picture, distances by depth: left, right and bottom of each label; the bottom is what moves.
    height = letters * (1 + _GAP) / depth
    half = 0.5 * _ASPECT * letters * np.array([len(text) + 1 for text in texts]) / depth
    middle, bottom = off @ right / depth, off @ up / depth + 0.3 * height
    order = np.argsort(bottom, kind="stable")
    for n, i in enumerate(order):
        taken = order[:n]
        taken = taken[np.abs(middle[taken] - middle[i]) < half[taken] + half[i]]
        taken = taken[np.argsort(bottom[taken])]
        place, tall = float(bottom[i]), float(height[i])
        for low, top in zip(bottom[taken].tolist(), (bottom + height)[taken].tolist(), strict=True):
            if low >= place + tall:
                break
            place = max(place, top + 1e-9)
        bottom[i] = place
    rise = (bottom + 0.5 * height) * depth - off @ up
    return anchors + rise[:, None] * up, letters

"""The colours of an object against those around it.

Two histograms over CIE L*a*b*, of the object and of its surroundings; their log ratio says of each pixel whose it is
(Collins, Liu & Leordeanu, "Online selection of discriminative tracking features", PAMI 2005), and what both have
speaks for neither. Lightness is binned coarsely: it changes with the way.
"""

from __future__ import annotations

import cv2
import numpy as np

_BINS = (8, 32, 32)
_CLEAR = 3.0  # log ratio beyond which a colour is no clearer
_UNKNOWN = 0.02  # share of its fair share that a colour never seen counts as


def colour_bins(color: np.ndarray) -> np.ndarray:
    """RGB picture (H, W, 3) uint8 to histogram bins (H, W) int32."""
    lab = cv2.cvtColor(cv2.blur(color, (3, 3)), cv2.COLOR_RGB2LAB)
    bins = (lab[..., 0] >> 5).astype(np.int32)
    bins <<= 10
    bins |= (lab[..., 1] >> 3).astype(np.int32) << 5
    bins |= lab[..., 2] >> 3
    return bins


def histogram(bins: np.ndarray) -> np.ndarray:
    """(8192,) float32 shares of the bins of some pixels, each spread over its neighbours; zeros for no pixels."""
    counts = np.bincount(bins.ravel(), minlength=int(np.prod(_BINS))).astype(np.float32).reshape(_BINS)
    for axis in range(3):
        padded = np.pad(counts, [(int(k == axis),) * 2 for k in range(3)], mode="edge")
        low, high = (tuple(slice(s, s + _BINS[k]) if k == axis else slice(None) for k in range(3)) for s in (0, 2))
        counts = 0.5 * counts + 0.25 * (padded[low] + padded[high])
    return (counts / max(float(counts.sum()), 1e-9)).ravel()


class Appearance:
    """What an object and its surroundings look like, learned as it is seen.

    Args:
        own, around: bins of the pixels of each, any shape.
    """

    def __init__(self, own: np.ndarray, around: np.ndarray) -> None:
        self._own, self._around = histogram(own), histogram(around)
        self._ratio = self._compare()

    def learn(self, own: np.ndarray, around: np.ndarray, rate: float) -> None:
        """Take in a view with a weight of 0..1."""
        self._own += rate * (histogram(own) - self._own)
        self._around += rate * (histogram(around) - self._around)
        self._ratio = self._compare()

    def belongs(self, bins: np.ndarray) -> np.ndarray:
        """Log of how much more often the object has a colour than its surroundings, float32 of the same shape."""
        return self._ratio[bins]

    def similarity(self, own: np.ndarray) -> float:
        """0..1, Bhattacharyya coefficient of the colours of some pixels and those of the object."""
        return float(np.sqrt(histogram(own) * self._own).sum())

    def _compare(self) -> np.ndarray:
        floor = _UNKNOWN / 256  # an object has a few hundred colours at most
        return np.clip(np.log((self._own + floor) / (self._around + floor)), -_CLEAR, _CLEAR)

"""Colour names: what share of a region a person would call red, blue, brown …

The eleven basic terms of Berlin and Kay (1969) as soft cells of CIE LCh, in the manner of the fuzzy model of
Benavente et al. (2008), with boundaries set here by hand on the sRGB colours that carry those names. The cells are
tabulated once over 32 x 32 x 32 RGB, so naming a region is one look-up per pixel. A white balance taken from the
brightest near-grey part of each picture comes first; it moves a channel by a fifth at most, as a room can be brown.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

NAMES = ("black", "white", "grey", "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown")

# What a colour word asks for: weights on NAMES. Neighbours count in part, because light, shade and cameras move a
# colour across the border: a white mug in shadow is grey, a yellow box in shadow is brown.
WORDS: dict[str, dict[str, float]] = {
    "black": {"black": 1.0, "grey": 0.25},
    "white": {"white": 1.0, "grey": 0.4},
    "grey": {"grey": 1.0, "white": 0.2, "black": 0.25},
    "red": {"red": 1.0, "pink": 0.3, "orange": 0.25, "brown": 0.15},
    "orange": {"orange": 1.0, "red": 0.3, "yellow": 0.3, "brown": 0.2},
    "yellow": {"yellow": 1.0, "orange": 0.3, "brown": 0.25},
    "green": {"green": 1.0, "yellow": 0.15, "blue": 0.1},
    "blue": {"blue": 1.0, "purple": 0.15},
    "purple": {"purple": 1.0, "blue": 0.2, "pink": 0.3},
    "pink": {"pink": 1.0, "red": 0.2, "purple": 0.3},
    "brown": {"brown": 1.0, "orange": 0.3, "red": 0.2, "yellow": 0.2},
    "beige": {"white": 0.6, "brown": 1.0, "yellow": 0.5, "grey": 0.4},
    "cream": {"white": 1.0, "yellow": 0.6, "brown": 0.5},
    "tan": {"brown": 1.0, "orange": 0.5},
    "gold": {"yellow": 1.0, "brown": 0.7, "orange": 0.6},
    "silver": {"grey": 1.0, "white": 0.7},
    "navy": {"blue": 1.0, "black": 0.3},
    "teal": {"green": 0.8, "blue": 0.8},
    "turquoise": {"green": 0.7, "blue": 1.0},
    "cyan": {"blue": 1.0, "green": 0.5},
    "maroon": {"red": 1.0, "brown": 0.8},
    "burgundy": {"red": 1.0, "purple": 0.5, "brown": 0.5},
    "violet": {"purple": 1.0, "blue": 0.3},
    "magenta": {"pink": 1.0, "purple": 0.8},
    "olive": {"green": 1.0, "yellow": 0.4, "brown": 0.4},
    "lime": {"green": 1.0, "yellow": 0.5},
}
_ACHROMATIC = [NAMES.index(name) for name in ("black", "white", "grey")]


def _logistic(x: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(x / 2))


def _soft_band(x: np.ndarray, low: float, high: float, edge: float) -> np.ndarray:
    """1 inside (low, high), 0 outside, with logistic edges."""
    return _logistic((x - low) / edge) * _logistic((high - x) / edge)


@lru_cache(maxsize=1)
def _table() -> np.ndarray:
    """(32768, 11) float32: share of each name for every 5-bit RGB colour; rows sum to 1.

    The white balance is never exact, so the names are averaged over how far the light may be off.
    """
    level = (np.arange(32, dtype=np.float32) * 8 + 4) / 255
    rgb = np.stack(np.meshgrid(level, level, level, indexing="ij"), axis=-1).reshape(1, -1, 3)
    lights = (0.55, (1, 1, 1)), (0.2, (1.06, 1.0, 0.86)), (0.25, (0.95, 1.0, 1.14))
    return sum(share * _names(np.clip(rgb * np.float32(gains), 0, 1)) for share, gains in lights)


def _names(rgb: np.ndarray) -> np.ndarray:
    """(N, 11) float32 shares of the names for colours (1, N, 3), 0..1."""
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)[0].astype(np.float64)
    light, chroma = lab[:, 0], np.hypot(lab[:, 1], lab[:, 2])
    hue = np.degrees(np.arctan2(lab[:, 2], lab[:, 1])) % 360

    # Near black, noise alone makes chroma: the grey zone is wide there and narrows as it gets lighter. It is wider
    # towards blue, the colour of shade in daylight.
    bluish = 0.5 * (1 + np.cos(np.radians(hue - 260)))
    colourful = _logistic((chroma - (12 + 8 * np.exp(-light / 15) + 9 * bluish)) / 2.5)
    dark = _logistic((24 - light) / 4) * _logistic((26 - chroma) / 4)
    # A dark thing keeps its hue: leather and dark wood are brown or black, whichever one looks for.
    tinted = 0.6 * _logistic((chroma - 7 - 2 * bluish) / 0.8) * _logistic((light - 13) / 1.5) * (light < 40)
    dark = dark * (1 - tinted)
    colourful = np.maximum(colourful, tinted)
    # White in the shade of daylight is bluish, and light blue is no stronger: it passes for either.
    hazy = 0.45 * _soft_band(hue, 255, 305, 5) * _logistic((light - 62) / 2) * _logistic((34 - chroma) / 3)
    hazy = hazy * _logistic((chroma - 9) / 1.5)
    colourful = colourful * (1 - hazy)
    bright = np.maximum(_logistic((light - 70) / 5), 2 * hazy)
    deep = _logistic((26 - light) / 4)

    def hue_band(low: float, high: float) -> np.ndarray:
        return _soft_band((hue - low + 180) % 360 - 180, 0, (high - low) % 360, 4)

    red, orange, yellow = hue_band(12, 50), hue_band(50, 77), hue_band(77, 113)
    rose, violet = hue_band(342, 12), hue_band(302, 342)
    # Shade darkens a colour but leaves its linear saturation: pink stays paler than red, orange stronger than brown.
    linear = np.where(rgb[0] <= 0.04045, rgb[0] / 12.92, ((rgb[0] + 0.055) / 1.055) ** 2.4)
    saturation = 1 - linear.min(axis=1) / np.maximum(linear.max(axis=1), 1e-6)
    pure = _logistic((saturation - 0.955) / 0.008) * _logistic((light - 32) / 3)
    warm_dark = _logistic(((50 - 0.4 * (chroma - 40)) - light) / 4) * (1 - pure)
    olive = _logistic(((48 - 0.25 * (chroma - 40)) - light) / 4)
    dull = _logistic((38 - chroma) / 4)
    pale = _logistic((light - 62) / 4) * _logistic((62 - chroma) / 5)
    rose_pale = np.maximum(pale, _logistic((0.95 - saturation) / 0.01) * (light > 20))
    muddy = _logistic((16 - chroma) / 2) * _logistic((30 - light) / 3)  # dark dull red is brown
    cells = {
        "black": dark + (1 - dark) * (1 - colourful) * deep,
        "white": (1 - dark) * (1 - colourful) * bright,
        "grey": (1 - dark) * (1 - colourful) * (1 - bright) * (1 - deep),
        "red": colourful * (red * (1 - pale) + rose * (1 - rose_pale) * 0.7) * (1 - muddy),
        "orange": colourful * orange * (1 - warm_dark) * (1 - 0.7 * dull),
        "yellow": colourful * yellow * (1 - 0.9 * olive) * (1 - 0.3 * dull),
        "green": colourful * hue_band(113, 192),
        "blue": colourful * hue_band(192, 302),
        "purple": colourful * (violet * (1 - 0.8 * pale) + rose * (1 - rose_pale) * 0.3),
        "pink": colourful * (rose * rose_pale + red * pale * 0.9 + violet * 0.8 * pale),
        "brown": colourful * (orange * np.maximum(warm_dark, 0.7 * dull) + yellow * np.maximum(0.9 * olive, 0.3 * dull))
        + colourful * 0.7 * hue_band(34, 50) * warm_dark * _logistic((42 - chroma) / 4)
        + colourful * (red + rose) * muddy,
    }
    table = np.stack([cells[name] for name in NAMES], axis=-1) * (1 - dark[:, None])
    table[:, 0] = cells["black"]
    table /= table.sum(axis=1, keepdims=True)
    return table.astype(np.float32)


def white_balance(color: np.ndarray) -> np.ndarray:
    """Per-channel gains (3,) float32 that make the brightest near-grey part of an RGB picture grey, within 0.85–1.2."""
    sample = color[::4, ::4].reshape(-1, 3).astype(np.float32)
    high, low = sample.max(axis=1), sample.min(axis=1)
    pale = sample[(high < 250) & (high - low < 0.3 * high)]
    if len(pale) < 0.02 * len(sample):
        return np.ones(3, np.float32)
    brightness = pale.max(axis=1)
    patch = pale[brightness >= np.percentile(brightness, 90)].mean(axis=0)
    gains = patch.mean() / np.maximum(patch, 1)
    return np.clip(gains, 0.85, 1.2).astype(np.float32)


def exposure(color: np.ndarray) -> float:
    """Gain >= 1 for a dark picture: what is brightest in view passes for white (Gilchrist's anchoring)."""
    high = np.percentile(color[::4, ::4].max(axis=-1), 95)
    return float(np.clip(225 / max(high, 1.0), 1.0, 1.35))


def colour_index(color: np.ndarray) -> np.ndarray:
    """RGB picture (H, W, 3) uint8, white-balanced and reduced to (H, W) uint16 rows of the colour table."""
    levels = np.arange(256, dtype=np.float32)
    gains = white_balance(color)
    shift = (10, 5, 0)
    smooth = cv2.blur(color, (5, 5))  # dark pixels have random hues
    gains = gains * exposure(color)
    index = np.zeros(color.shape[:2], np.uint16)
    for channel in range(3):
        five_bit = (np.clip(levels * gains[channel], 0, 255).astype(np.uint16) >> 3) << shift[channel]
        index |= five_bit[smooth[..., channel]]
    return index


def name_shares(index: np.ndarray) -> np.ndarray:
    """Share of each of NAMES, (11,) float64 summing to 1, over pixels given as rows of the colour table, any shape."""
    rows = index.ravel()
    if rows.size == 0:
        return np.full(len(NAMES), 1 / len(NAMES))
    return _table()[rows].mean(axis=0, dtype=np.float64)


def colour_fit(word: str, shares: np.ndarray) -> np.ndarray:
    """How readily a person calls each region by a colour word, 0..1; 0.5 for a word that `knows` denies.

    A fifth of the surface decides: a can is red although half of it is label, shadow and highlight, and what is black,
    white or grey on a coloured thing counts half. A thing that suits another basic word better suits this one less.

    Args:
        shares: (N, 11) from `name_shares`.
    """
    if not knows(word):
        return np.full(len(shares), 0.5)
    suits = _suits(word, shares)
    best = np.max([_suits(name, shares) for name in NAMES], axis=0)
    return suits * (suits / np.maximum(best, suits)) ** 2


def _suits(word: str, shares: np.ndarray) -> np.ndarray:
    weights = np.array([WORDS[word].get(name, 0.0) for name in NAMES])
    counted = np.ones(len(NAMES))
    if weights[_ACHROMATIC].max() < 1:
        counted[_ACHROMATIC] = 0.5
    share = (shares @ weights) / np.maximum(shares @ counted, 1e-9)
    return _logistic(7 * (np.minimum(share, 1) - 0.25))


def knows(word: str) -> bool:
    """Whether a word names a colour here."""
    return word in WORDS

"""The colour words of the simulator, each with shades that people agree to call by that word."""

from __future__ import annotations

import cv2
import numpy as np

# sRGB 0..255. Shades on the border between two words (teal, maroon, beige …) are left out on purpose.
SHADES: dict[str, tuple[tuple[int, int, int], ...]] = {
    "red": ((200, 24, 30), (220, 40, 36), (176, 18, 26)),
    "orange": ((244, 126, 20), (250, 140, 40), (235, 112, 14)),
    "yellow": ((246, 208, 30), (250, 220, 70), (236, 196, 20)),
    "green": ((40, 140, 56), (70, 165, 60), (24, 112, 52), (110, 180, 70)),
    "blue": ((28, 74, 190), (40, 110, 210), (20, 52, 140), (70, 140, 220)),
    "purple": ((104, 44, 150), (126, 66, 170), (86, 36, 126)),
    "pink": ((242, 130, 172), (246, 156, 190), (236, 104, 156)),
    "brown": ((112, 68, 34), (128, 80, 44), (92, 54, 28)),
    "black": ((26, 26, 28), (34, 34, 36), (20, 20, 24)),
    "white": ((240, 240, 236), (246, 246, 246), (232, 230, 224)),
    "grey": ((128, 130, 132), (112, 114, 118), (146, 148, 150)),
}
# How far, in degrees of CIE LCh hue either way, goods stray that most people still call by the word: blue reaches
# towards teal, green towards olive and sea green (naming data: Sturges & Whitfield 1995; the xkcd survey of 2010).
_STRAYING = {"red": (8, 8), "orange": (6, 6), "yellow": (9, 8), "green": (22, 32), "blue": (45, 4), "purple": (6, 12),
             "pink": (14, 14), "brown": (8, 8)}  # fmt: skip
VIVID = ("red", "orange", "yellow", "green", "blue", "purple", "pink")
NEUTRAL = ("black", "white", "grey")


def linear_from_srgb(rgb: np.ndarray) -> np.ndarray:
    """sRGB 0..255 to linear reflectance 0..1 (IEC 61966-2-1), float32."""
    s = np.asarray(rgb, np.float32) / 255
    return np.where(s <= 0.04045, s / 12.92, ((s + 0.055) / 1.055) ** 2.4).astype(np.float32)


def shade(word: str, rng: np.random.Generator) -> np.ndarray:
    """An sRGB colour (3,) float64 0..255 that is called `word`, varied a little in lightness and strength."""
    options = SHADES[word]
    base = np.array(options[rng.integers(len(options))], np.float64)
    base += rng.uniform(0, 0.15) * (base.mean() - base)
    return np.clip(base * rng.uniform(0.93, 1.05) + rng.uniform(-3, 3, 3), 4, 252)


def faded(word: str, rng: np.random.Generator) -> np.ndarray:
    """As `shade`, over all that the word is used for on real goods: duller, and darker or paler where it stays so.

    Dark yellow is olive, dark or dull orange brown and dull red pinkish, so those change less; dark red, green, blue
    and purple keep their names.
    """
    base = shade(word, rng)
    base += rng.uniform(0, {"orange": 0.1, "red": 0.2}.get(word, 0.35)) * (base.mean() - base)
    if word in ("red", "green", "blue", "purple", "black", "grey"):
        base *= rng.uniform(0.72, 1.08)
    elif word in ("yellow", "pink"):
        base += rng.uniform(0, 0.3) * (250 - base)
    elif word == "brown":
        base *= rng.uniform(0.85, 1.5)
    elif word == "white":
        base *= rng.uniform(0.86, 1.0)
    return np.clip(_strayed(word, base, rng), 4, 252)


def _strayed(word: str, rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The colour turned in hue, with its lightness and chroma kept."""
    low, high = _STRAYING.get(word, (0, 0))
    turn = rng.spawn(1)[0].uniform(-low, high)  # of a stream of its own: what is drawn next does not depend on it
    lab = cv2.cvtColor(np.float32(np.clip(rgb, 4, 252) / 255).reshape(1, 1, 3), cv2.COLOR_RGB2LAB)[0, 0]
    sine, cosine = np.sin(np.radians(turn)), np.cos(np.radians(turn))
    lab[1:] = cosine * lab[1] - sine * lab[2], sine * lab[1] + cosine * lab[2]
    return 255 * cv2.cvtColor(lab.reshape(1, 1, 3), cv2.COLOR_LAB2RGB)[0, 0].astype(np.float64)

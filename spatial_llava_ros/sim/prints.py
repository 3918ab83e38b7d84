"""What is printed on packages: patches of several colours, a name in large letters, stripes of text, a bar code.

The first colour covers the most, so that it is the one a person would name.
"""

from __future__ import annotations

import cv2
import numpy as np

from spatial_llava_ros.sim.colors import linear_from_srgb
from spatial_llava_ros.sim.textures import WORDS, write

Rng = np.random.Generator
_LEAST = 0.45  # of a face in the first colour
_NOTED = 0.15  # of all faces: a person could name it


def _ink(color: np.ndarray) -> tuple[float, ...]:
    return tuple(float(c) for c in color)


def _patch(rng: Rng, picture: np.ndarray, color: np.ndarray) -> None:
    """A band, a panel, a disc, a slant or a photograph."""
    height, width = picture.shape[:2]
    style = rng.integers(6)
    x, y = rng.uniform(0.15, 0.85) * width, rng.uniform(0.15, 0.85) * height
    if style == 0:
        top = int(rng.choice([0, rng.uniform(0.2, 0.8) * height]))
        cv2.rectangle(picture, (0, top), (width, top + int(rng.uniform(0.1, 0.25) * height)), _ink(color), -1)
    elif style == 1:
        half = rng.uniform(0.12, 0.3, 2) * [width, height]
        corner, other = (int(x - half[0]), int(y - half[1])), (int(x + half[0]), int(y + half[1]))
        cv2.rectangle(picture, corner, other, _ink(color), -1)
    elif style == 2:
        axes = (int(rng.uniform(0.12, 0.3) * width), int(rng.uniform(0.12, 0.28) * height))
        cv2.ellipse(picture, (int(x), int(y)), axes, rng.uniform(-30, 30), 0, 360, _ink(color), -1, cv2.LINE_AA)
    elif style == 3:
        low, high = np.sort(rng.uniform(0, 0.6, 2)) * height
        corners = np.array([(0, height), (0, height - low), (width, height - high), (width, height)], np.int32)
        cv2.fillPoly(picture, [corners], _ink(color), cv2.LINE_AA)
    else:
        # A photograph: blots between the colour, a darker and a brighter one.
        small = rng.uniform(0.35, 1.35, (5, 6, 1)) * color + rng.normal(0, 26, (5, 6, 3))
        w, h = int(rng.uniform(0.25, 0.6) * width), int(rng.uniform(0.2, 0.45) * height)
        photo = np.clip(cv2.resize(small, (w, h), interpolation=cv2.INTER_CUBIC), 0, 255)
        left, top = int(rng.uniform(0, width - w)), int(rng.uniform(0, height - h))
        picture[top : top + h, left : left + w] = photo


def _small_print(rng: Rng, picture: np.ndarray, color: np.ndarray) -> None:
    height, width = picture.shape[:2]
    left, top = int(rng.uniform(0.05, 0.4) * width), int(rng.uniform(0.5, 0.8) * height)
    for k in range(int(rng.integers(2, 6))):
        end = left + int(rng.uniform(0.15, 0.5) * width)
        cv2.line(picture, (left, top + 6 * k), (end, top + 6 * k), _ink(color), 2)


def _bar_code(rng: Rng, picture: np.ndarray) -> None:
    height, width = picture.shape[:2]
    left, top = int(rng.uniform(0.05, 0.7) * width), int(rng.uniform(0.6, 0.8) * height)
    cv2.rectangle(picture, (left, top), (left + 36, top + 24), (245.0, 245.0, 245.0), -1)
    for x in range(left + 3, left + 33, 3):
        cv2.line(picture, (x, top + 3), (x, top + 20), (20.0, 20.0, 20.0), int(rng.integers(1, 3)))


def face(rng: Rng, colors: list[np.ndarray], height: int = 160, width: int = 160, busy: float = 1.0) -> np.ndarray:
    """sRGB picture (height, width, 3) uint8 of one printed face; the first of `colors` (3,) covers most."""
    for patches in (4, 3, 3, 2, 2, 1, 0):
        picture = np.empty((height, width, 3), np.uint8)
        picture[:] = np.clip(np.rint(colors[0]), 0, 255)
        plain = picture.copy()
        for _ in range(min(patches, int(rng.integers(1, 5) * busy + 0.5))):
            _patch(rng, picture, colors[int(rng.integers(1, len(colors)))])
        if rng.random() < 0.85 * busy:
            # The name stands out from the first colour.
            apart = [float(np.abs(c - colors[0]).sum()) for c in colors]
            x, y = int(rng.uniform(0.03, 0.25) * width), int(rng.uniform(0.05, 0.45) * height)
            x2 = x + int(rng.uniform(0.4, 0.72) * width)
            write(picture, str(rng.choice(WORDS)), (x, y, x2, y + height // 3), colors[int(np.argmax(apart))])
        for _ in range(int(rng.integers(0, 3))):
            _small_print(rng, picture, colors[int(rng.integers(1, len(colors)))])
        if rng.random() < 0.25:
            _bar_code(rng, picture)
        if (picture == plain).all(2).mean() >= _LEAST:
            return picture
    return plain


def carton_faces(rng: Rng, colors: list[np.ndarray]) -> np.ndarray:
    """Linear (h, 3 w, 3) float32 for the mapping "carton": the faces across x, y and z side by side."""
    front, top = face(rng, colors), face(rng, colors, busy=0.7)
    side = face(rng, colors, busy=0.4)
    faces = [front, side, top]
    return linear_from_srgb(np.concatenate([faces[k] for k in rng.permutation(3)], axis=1))


def wrapped(rng: Rng, colors: list[np.ndarray]) -> np.ndarray:
    """Linear (h, w, 3) float32 for the mapping "cylinder": two faces that join at the back."""
    return linear_from_srgb(np.concatenate([face(rng, colors), face(rng, colors, busy=0.6)], axis=1))


def flat(rng: Rng, colors: list[np.ndarray], height: int = 160, width: int = 160) -> np.ndarray:
    """Linear (h, w, 3) float32 for the mapping "face"."""
    return linear_from_srgb(face(rng, colors, height, width))


def noted(texture: np.ndarray, colors: list[np.ndarray], words: list[str]) -> tuple[str, ...]:
    """The words of `colors` after the first that cover a share of a texture which a person could notice.

    Args:
        texture: (h, w, 3) float32 linear, as the functions above give.
        colors, words: what it was printed with, sRGB, and what they are called.
    """
    inks = linear_from_srgb(np.array(colors)).reshape(-1, 1, 1, 3)
    nearest = np.square(texture[None, ::4, ::4] - inks).sum(-1).argmin(0)
    share = np.bincount(nearest.ravel(), minlength=len(colors)) / nearest.size
    return tuple(dict.fromkeys(w for w, s in zip(words[1:], share[1:], strict=True) if s > _NOTED and w != words[0]))

"""Procedural textures, drawn with OpenCV: labels, cartons, wood, cloth, tiles, screens.

Every function takes sRGB colours 0..255 and gives a (h, w, 3) float32 picture of linear reflectance.
"""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np

from spatial_llava_ros.sim.colors import linear_from_srgb

WORDS = ("NOVA", "ALTO", "MIRA", "KOBO", "ZEST", "LUNA", "TERRA", "PICO", "VELO", "ORBIT", "DELTA", "SOLE")


def plain(color: np.ndarray) -> np.ndarray:
    """One colour."""
    return linear_from_srgb(np.asarray(color)).reshape(1, 1, 3)


def _canvas(height: int, width: int, color: np.ndarray) -> np.ndarray:
    """Plain 8-bit picture, which is what OpenCV writes text on."""
    return np.broadcast_to(np.clip(np.rint(color), 0, 255).astype(np.uint8), (height, width, 3)).copy()


def _finish(picture: np.ndarray) -> np.ndarray:
    return linear_from_srgb(np.clip(picture, 0, 255))


def _noise(rng: np.random.Generator, height: int, width: int, rows: int, columns: int) -> np.ndarray:
    """Periodic smooth noise (height, width) float32, about -1..1, from a rows x columns lattice."""
    lattice = rng.standard_normal((rows, columns)).astype(np.float32)
    tiled = np.tile(lattice, (3, 3))
    big = cv2.resize(tiled, (3 * width, 3 * height), interpolation=cv2.INTER_CUBIC)
    return big[height : 2 * height, width : 2 * width]


def grain(rng: np.random.Generator, color: np.ndarray, strength: float = 6, size: int = 128) -> np.ndarray:
    """Fine mottling: cloth, plaster, paint, clay."""
    noise = rng.standard_normal((size, size)).astype(np.float32) + _noise(rng, size, size, 8, 8)
    return _finish(_canvas(size, size, color) + (strength * noise)[..., None])


def wood(rng: np.random.Generator, color: np.ndarray, boards: int = 1) -> np.ndarray:
    """Wood grain running along the columns, in `boards` boards side by side."""
    size = 256
    picture = np.empty((size, size, 3), np.float32)
    edges = np.linspace(0, size, boards + 1).astype(int)
    for top, bottom in pairwise(edges):
        height = bottom - top
        rings = _noise(rng, height, size, max(3, height // 12), 2) + 0.4 * _noise(rng, height, size, height // 2, 5)
        tone = 1 + rng.uniform(-0.1, 0.1) * (boards > 1)
        picture[top:bottom] = np.asarray(color) * tone * (1 + 0.09 * rings[..., None])
        if boards > 1:
            picture[top : top + 2] *= 0.55
            seam = rng.integers(size)
            picture[top:bottom, seam : seam + 2] *= 0.6
    return _finish(picture)


def tiles(rng: np.random.Generator, color: np.ndarray, other: np.ndarray, count: int = 2) -> np.ndarray:
    """Chequered or plain tiles with grout lines, count x count of them."""
    size = 256
    step = size // count
    picture = _canvas(size, size, color).astype(np.float32)
    for i in range(count):
        for j in range(count):
            tone = np.asarray(other if (i + j) % 2 else color) * rng.uniform(0.96, 1.03)
            picture[i * step : (i + 1) * step, j * step : (j + 1) * step] = tone
    picture = picture + 3 * _noise(rng, size, size, 24, 24)[..., None]
    for k in range(0, size, step):
        picture[k : k + 2] *= 0.75
        picture[:, k : k + 2] *= 0.75
    return _finish(picture)


def stripes(
    color: np.ndarray, other: np.ndarray, count: int = 4, share: float = 0.3, upright: bool = False
) -> np.ndarray:
    """Bands of another colour; across the rows, or upright."""
    size = 128
    phase = (np.arange(size) * count / size) % 1
    picture = _canvas(size, size, color)
    picture[phase < share] = other
    return _finish(picture.transpose(1, 0, 2).copy() if upright else picture)


def dots(color: np.ndarray, other: np.ndarray, count: int = 4) -> np.ndarray:
    """Polka dots."""
    size = 128
    picture = _canvas(size, size, color)
    step = size // count
    for i in range(count):
        for j in range(count):
            center = (j * step + step // 2, i * step + step // 2)
            cv2.circle(picture, center, step // 4, tuple(float(c) for c in other), -1, cv2.LINE_AA)
    return _finish(picture)


def write(picture: np.ndarray, word: str, box: tuple[int, int, int, int], color: np.ndarray) -> None:
    """A word that fills the box (x1, y1, x2, y2)."""
    x1, y1, x2, y2 = box
    (width, height), _ = cv2.getTextSize(word, cv2.FONT_HERSHEY_DUPLEX, 1.0, 2)
    scale = min((x2 - x1) / width, (y2 - y1) / height)
    origin = (int((x1 + x2 - width * scale) / 2), int((y1 + y2 + height * scale) / 2))
    cv2.putText(picture, word, origin, cv2.FONT_HERSHEY_DUPLEX, scale, tuple(float(c) for c in color), 2, cv2.LINE_AA)


def carton(rng: np.random.Generator, color: np.ndarray, accent: np.ndarray, text: np.ndarray) -> np.ndarray:
    """One printed face of a box: a name, a picture, small print."""
    height, width = 160, 160
    picture = _canvas(height, width, color)
    write(picture, str(rng.choice(WORDS)), (14, 14, 146, 52), text)
    center = (int(rng.integers(50, 110)), int(rng.integers(92, 112)))
    style = rng.integers(3)
    ink = tuple(float(c) for c in accent)
    if style == 0:
        cv2.circle(picture, center, 26, ink, -1, cv2.LINE_AA)
    elif style == 1:
        cv2.ellipse(picture, center, (38, 20), -20, 0, 360, ink, -1, cv2.LINE_AA)
    else:
        cv2.rectangle(picture, (18, 78), (142, 118), ink, -1)
    for k in range(2):
        cv2.line(picture, (20, 134 + 10 * k), (int(rng.integers(90, 140)), 134 + 10 * k), ink, 2)
    return _finish(picture)


def wrap_label(
    rng: np.random.Generator, color: np.ndarray, label: np.ndarray, text: np.ndarray, low: float, high: float
) -> np.ndarray:
    """Side of a can or bottle, unrolled: a label between the heights low..high (0 bottom, 1 top) with a name on it."""
    height, width = 160, 320
    picture = _canvas(height, width, color)
    top, bottom = int((1 - high) * height), int((1 - low) * height)
    picture[top:bottom] = label
    word = str(rng.choice(WORDS))
    third = (bottom - top) // 5
    for x in (10, 170):
        write(picture, word, (x, top + third, x + 130, top + 3 * third), text)
        cv2.line(picture, (x, bottom - third), (x + 90, bottom - third), tuple(float(c) for c in text), 2)
    return _finish(picture)


def book_cover(rng: np.random.Generator, color: np.ndarray, accent: np.ndarray) -> np.ndarray:
    """Front of a book: title lines and a frame or a band."""
    picture = _canvas(192, 144, color)
    ink = tuple(float(c) for c in accent)
    if rng.random() < 0.5:
        cv2.rectangle(picture, (10, 10), (133, 181), ink, 2)
    else:
        cv2.rectangle(picture, (0, 120), (143, 140), ink, -1)
    write(picture, str(rng.choice(WORDS)), (24, 36, 120, 66), accent)
    cv2.line(picture, (40, 84), (104, 84), ink, 3)
    cv2.line(picture, (52, 96), (92, 96), ink, 2)
    return _finish(picture)


def pages(rng: np.random.Generator) -> np.ndarray:
    """Edges of paper: thin lines."""
    lines = rng.normal(0, 10, (64, 1, 1)).astype(np.float32)
    return _finish(_canvas(64, 64, np.array([232, 226, 208])) + lines)


def screen(rng: np.random.Generator) -> np.ndarray:
    """A desktop with a few windows."""
    width, height = 256, 160
    tint = rng.uniform([20, 60, 90], [60, 110, 170])
    fade = np.linspace(0.7, 1.2, height)[:, None, None]
    picture = np.clip(_canvas(height, width, tint) * fade, 0, 255).astype(np.uint8)
    for _ in range(rng.integers(1, 3)):
        x, y = int(rng.integers(8, 110)), int(rng.integers(8, 50))
        w, h = int(rng.integers(90, 130)), int(rng.integers(60, 90))
        cv2.rectangle(picture, (x, y), (x + w, y + h), (238.0, 240.0, 242.0), -1)
        cv2.rectangle(picture, (x, y), (x + w, y + 9), (90.0, 110.0, 140.0), -1)
        for row in range(y + 18, y + h - 4, 8):
            cv2.line(picture, (x + 6, row), (x + int(rng.integers(20, w - 6)), row), (90.0, 90.0, 100.0), 2)
    cv2.rectangle(picture, (0, height - 9), (width - 1, height - 1), (30.0, 32.0, 40.0), -1)
    return _finish(picture)


def keys(color: np.ndarray, key: np.ndarray, columns: int = 15, rows: int = 5) -> np.ndarray:
    """Top of a keyboard."""
    width, height = 24 * columns, 24 * rows
    picture = _canvas(height, width, color)
    ink = tuple(float(c) for c in key)
    for r in range(rows):
        for c in range(columns):
            if r == rows - 1 and 4 <= c <= 9:
                continue
            cv2.rectangle(picture, (24 * c + 3, 24 * r + 3), (24 * c + 20, 24 * r + 20), ink, -1)
    cv2.rectangle(picture, (24 * 4 + 3, height - 21), (24 * 9 + 20, height - 4), ink, -1)
    return _finish(picture)


def buttons(color: np.ndarray, key: np.ndarray, accent: np.ndarray, rows: int = 8) -> np.ndarray:
    """Face of a remote control: its length runs along the columns."""
    picture = _canvas(60, 20 * (rows + 2), color)
    for r in range(1, rows + 1):
        for c in range(3):
            ink = accent if (r == rows and c == 1) else key
            cv2.circle(picture, (20 * r + 10, 12 + 18 * c), 6, tuple(float(v) for v in ink), -1, cv2.LINE_AA)
    return _finish(picture)


def drawers(rng: np.random.Generator, color: np.ndarray, count: int) -> np.ndarray:
    """Front of a chest of drawers: wood with gaps and knobs."""
    picture = wood(rng, color)
    size = len(picture)
    for k in range(count):
        top, bottom = k * size // count + 4, (k + 1) * size // count - 4
        cv2.rectangle(picture, (6, top), (size - 7, bottom), tuple(float(c) for c in 0.25 * picture.mean((0, 1))), 3)
        cv2.circle(picture, (size // 2, (top + bottom) // 2), 8, (0.08, 0.08, 0.08), -1, cv2.LINE_AA)
    return picture

"""Domain randomisation (Tobin et al., IROS 2017): a simulated frame as other things, lights and cameras would have it.

What is fitted on clean pictures leans on clean pictures. So prints and patterns are laid over things and floors, the
light is uneven, the colours are strong or faint, blurred, noisy or compressed; depth is shifted against colour,
smoothed, and missing where things are dark, shiny or far. Behind and before the things stands what a room is full of
and nobody speaks of: posts, curtains, boards, cables, cut by the border of the picture. What is a thing stays one.
"""

from __future__ import annotations

import cv2
import numpy as np

from spatial_llava_ros.types import CameraIntrinsics, RgbdFrame

MIN_PIXELS = 250  # smaller ones a person does not bother to name


def vary(
    frame: RgbdFrame, instance: np.ndarray, rng: np.random.Generator
) -> tuple[RgbdFrame, np.ndarray, dict[int, tuple[int, int, int, int]]]:
    """Another look at a simulated frame.

    Args:
        instance: (H, W) int32, thing of each pixel, 0 for none.

    Returns:
        The frame, its instances, and the boxes of those that are large enough, by id.
    """
    height, width = frame.depth.shape
    color = frame.color.astype(np.float32)
    for number in np.unique(instance).tolist():
        if rng.random() < (0.4 if number else 0.3):
            color = _decorate(color, instance == number, number == 0, rng)
    zoom = rng.choice([1.0, rng.uniform(1, 1.6), rng.uniform(1, 2.8)])
    wide, tall = int(width / zoom), int(height / zoom)
    x, y = int(rng.integers(0, width - wide + 1)), int(rng.integers(0, height - tall + 1))

    def crop(picture: np.ndarray, interpolation: int) -> np.ndarray:
        return cv2.resize(picture[y : y + tall, x : x + wide], (width, height), interpolation=interpolation)

    depth = crop(frame.depth, cv2.INTER_NEAREST)
    instance = crop(instance.astype(np.int16), cv2.INTER_NEAREST).astype(np.int32)
    k, sx, sy = frame.intrinsics, width / wide, height / tall
    intrinsics = CameraIntrinsics(
        width, height, k.fx * sx, k.fy * sy, (k.cx - x + 0.5) * sx - 0.5, (k.cy - y + 0.5) * sy - 0.5
    )
    color = np.ascontiguousarray(crop(color, cv2.INTER_LINEAR))
    for _ in range(int(rng.choice([0, rng.integers(1, 5), rng.integers(3, 9)]))):
        _add_clutter(color, depth, instance, rng)
    color = _other_camera(_other_light(color, rng), rng)
    varied = RgbdFrame(color, _other_depth(depth, instance, rng), intrinsics)
    return varied, instance, visible_boxes(instance)


def visible_boxes(instance: np.ndarray) -> dict[int, tuple[int, int, int, int]]:
    """Boxes of the instances in a label image (H, W) that are large enough for a person to bother, by id."""
    boxes = {}
    for i in np.unique(instance[instance > 0]).tolist():
        mask = instance == i
        if mask.sum() >= MIN_PIXELS:
            rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            boxes[i] = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    return boxes


def _decorate(color: np.ndarray, mask: np.ndarray, ground: bool, rng: np.random.Generator) -> np.ndarray:
    """A print on a thing, or a pattern on floor, table and walls; light and shade stay."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if len(rows) < 12 or len(columns) < 12:
        return color
    area = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    inside, old = mask[area], color[area]
    paint, where = _pattern(inside.shape, ground, rng)
    mean = old[inside].mean()
    light = old.mean(axis=2, keepdims=True) / max(mean, 1.0)
    strength = rng.uniform(0.1, 0.7) if ground else rng.uniform(0.4, 1.0)
    share = (strength * (where & inside))[..., None]
    color[area] = old * (1 - share) + share * np.clip(paint * light, 0, 255)
    return color


def _pattern(shape: tuple[int, int], ground: bool, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Colours (h, w, 3) float32 and where they are laid (h, w) bool: checks, stripes, blotches or a label."""
    height, width = shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    turn = rng.uniform(0, np.pi)
    u, v = np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * y - np.sin(turn) * x
    if ground:  # as on a floor: what is farther up is smaller
        far = y + height * rng.uniform(0.15, 1.0)
        u, v = (x - width / 2) / far * height, height**2 / far
        u, v = np.cos(turn) * u + np.sin(turn) * v, np.cos(turn) * v - np.sin(turn) * u
    period = max(5.0, rng.uniform(0.06, 0.35) * (0.5 * width if ground else max(shape)))
    palette = rng.uniform(0, 255, (4, 3)).astype(np.float32)
    kind = rng.choice(["checks", "stripes", "blotches"] if ground else ["label", "label", "blotches", "stripes"])
    if kind == "checks":
        where = (np.floor(u / period) + np.floor(v / period)) % 2 == 0
        return np.broadcast_to(palette[0], (*shape, 3)), where
    if kind == "stripes":
        return np.broadcast_to(palette[0], (*shape, 3)), np.floor(u / period) % 2 == 0
    if kind == "blotches":
        field = _field(rng, *rng.integers(2, 9, 2), shape)
        level = np.digitize(field, [-0.5, 0.3, 0.9])
        return palette[level], level > 0
    # a label: a rectangle of another colour with lines of text
    middle = rng.uniform(0.3, 0.7, 2) * (u.max() + u.min(), v.max() + v.min())
    half = rng.uniform(0.12, 0.45, 2) * (np.ptp(u), np.ptp(v))
    a, b = (u - middle[0]) / half[0], (v - middle[1]) / half[1]
    lines = int(rng.integers(2, 8))
    word = np.sin(u / max(period / 3, 2.0) + 7 * np.floor((b + 1) * lines / 2)) > -0.4
    text = (np.abs(a) < 0.85) & ((b + 1) * lines / 2 % 1 < 0.5) & word
    return np.where(text[..., None], palette[1], palette[0]), (np.abs(a) < 1) & (np.abs(b) < 1)


def _field(rng: np.random.Generator, rows: int, columns: int, shape: tuple[int, int]) -> np.ndarray:
    """Smooth noise of about unit variance over (H, W) float32, from a grid of so many rows and columns."""
    coarse = rng.standard_normal((rows, columns)).astype(np.float32)
    return cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC)


def _add_clutter(color: np.ndarray, depth: np.ndarray, instance: np.ndarray, rng: np.random.Generator) -> None:
    """One piece of a room that reaches the border, in place: mostly behind things, at times in front of them."""
    height, width = depth.shape
    known = depth[np.isfinite(depth)]
    if not len(known):
        return
    shape = _clutter_shape(height, width, rng)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    slant = 1 + rng.normal(0, 0.25) * (x / width - 0.5) + rng.normal(0, 0.25) * (y / height - 0.5)
    front = rng.random() < 0.2
    if front:
        middle = np.percentile(known, 2) * rng.uniform(0.6, 1.0)
        seen = shape
    else:
        middle = np.percentile(known, rng.uniform(50, 100)) * rng.uniform(0.75, 1.3)
        seen = shape & (instance == 0) & ~(depth < middle * slant)
    rough = _field(rng, 24, 32, depth.shape)
    there = middle * slant * (1 + rng.choice([0.0, 0.004, 0.02]) * rough)
    if rng.random() < 0.35:
        there = np.full_like(there, np.nan)
    depth[seen] = there[seen].astype(np.float32)
    instance[seen] = 0
    tone = rng.choice([rng.uniform(0, 60), rng.uniform(0, 255)]) + rng.normal(0, rng.choice([4, 40]), 3)
    paint = np.broadcast_to(tone * (1 + 0.15 * rng.normal() * rough[..., None]), color.shape)
    if rng.random() < 0.35:
        pattern, where = _pattern(depth.shape, False, rng)
        paint = np.where(where[..., None], 0.5 * pattern + 0.5 * paint, paint)
    color[seen] = np.clip(paint, 0, 255)[seen]


def _clutter_shape(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """(H, W) bool: a board, a strip, a ragged mass or a cable that begins outside the picture."""
    kind = rng.choice(["board", "strip", "mass", "cable"], p=[0.35, 0.25, 0.3, 0.1])
    size = np.array([width, height])
    side = rng.integers(4)  # it comes in from this side
    start = rng.uniform(0, 1, 2)
    start[side % 2] = (-0.05, 1.05)[side // 2]
    mask = np.zeros((height, width), np.uint8)
    if kind == "cable":
        path = start + np.cumsum(rng.normal(0, 0.12, (8, 2)), axis=0) + np.linspace(0, 1, 8)[:, None] * (0.5 - start)
        smooth = np.stack([np.interp(np.linspace(0, 7, 60), np.arange(8), path[:, k]) for k in (0, 1)], axis=1)
        cv2.polylines(mask, [(smooth * size).astype(np.int32)], False, 1, int(rng.integers(3, 12)))
    elif kind == "mass":
        field = _field(rng, 5, 6, (height, width))
        y, x = np.mgrid[:height, :width].astype(np.float32)
        reach = np.hypot(x / width - start[0], y / height - start[1]) / rng.uniform(0.15, 0.6)
        mask[field + 1.5 * (1 - reach) > 0.8] = 1
    else:
        turn = rng.choice([0.0, np.pi / 2]) + rng.normal(0, 0.1 if kind == "strip" else 0.25)
        half = np.array([rng.uniform(0.1, 0.8), rng.uniform(0.01, 0.06) if kind == "strip" else rng.uniform(0.06, 0.4)])
        along, across = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
        corners = [i * half[0] * along + j * half[1] * across for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
        cv2.fillPoly(mask, [((start + np.array(corners)) * size).astype(np.int32)], 1)
    return mask.astype(bool)


def _other_light(color: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Uneven light and the edge of a shadow."""
    height, width = color.shape[:2]
    if rng.random() < 0.6:
        field = _field(rng, 3, 4, (height, width)) * rng.uniform(0, 0.35)
        color = color * np.exp(field)[..., None]
    if rng.random() < 0.25:
        turn, soft = rng.uniform(0, 2 * np.pi), rng.uniform(1, 40)
        y, x = np.mgrid[:height, :width].astype(np.float32)
        side = np.cos(turn) * (x - rng.uniform(0, width)) + np.sin(turn) * (y - rng.uniform(0, height))
        color = color * (1 - rng.uniform(0.2, 0.6) / (1 + np.exp(-np.clip(side / soft, -30, 30))))[..., None]
    return color


def _other_camera(color: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(H, W, 3) uint8: another saturation, contrast, brightness, white balance, sharpness, noise and compression."""
    gray = color.mean(axis=2, keepdims=True)
    color = gray + (color - gray) * rng.uniform(0.2, 2.0)
    mean = color.mean()
    color = mean + (color - mean) * rng.uniform(0.5, 1.5) + rng.uniform(-40, 40)
    color = color * rng.uniform(0.9, 1.1, 3).astype(np.float32)
    if rng.random() < 0.4:
        color = cv2.GaussianBlur(color, (0, 0), rng.uniform(0.6, 1.8))
    if rng.random() < 0.6:
        noise = rng.standard_normal(color.shape, dtype=np.float32)
        color = color + cv2.GaussianBlur(noise, (0, 0), rng.uniform(0.5, 1.0)) * rng.uniform(0, 20)
    if rng.random() < 0.3:
        color = color + (color - cv2.GaussianBlur(color, (0, 0), 1.5)) * rng.uniform(0.5, 2)
    picture = np.clip(color, 0, 255).astype(np.uint8)
    if rng.random() < 0.4:
        _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 95))])
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return picture


def _other_depth(depth: np.ndarray, instance: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(H, W) float32: depth registered a little wrongly, smoothed, and lost in places."""
    if rng.random() < 0.6:
        x, y = rng.normal(0, 2.0), rng.normal(0, 0.8)
        shift = np.array([[1, 0, x], [0, 1, y]], np.float32)
        depth = cv2.warpAffine(depth, shift, depth.shape[::-1], flags=cv2.INTER_NEAREST, borderValue=float("nan"))
    if rng.random() < 0.3:
        known = np.isfinite(depth)
        smooth = cv2.medianBlur(np.where(known, depth, 0), 5)
        depth = np.where(known & (smooth > 0), smooth, np.float32(np.nan))
    lost = np.zeros(depth.shape, bool)
    if rng.random() < 0.4:  # dark, shiny and clear things
        for number in np.unique(instance[instance > 0]).tolist():
            if rng.random() < 0.15:
                lost |= instance == number
    if rng.random() < 0.12:
        lost |= _field(rng, 6, 8, depth.shape) > rng.uniform(0.8, 1.6)
    if rng.random() < 0.1:
        lost |= depth > np.nanpercentile(depth, rng.uniform(50, 95)) if np.isfinite(depth).any() else False
    if rng.random() < 0.08:
        lost |= rng.random(depth.shape) < rng.uniform(0.1, 0.6)
    return np.where(lost, np.float32(np.nan), depth)

"""Superpixels that keep to edges of colour and depth: waterpixels (Machairas et al., IEEE TIP 2015).

The gradient is regularised by a grid of bowls, so that even surfaces fall apart into even cells; every pixel then
slides down the steepest way (toboggan watershed, Fairfield 1990), all at once by pointer jumping.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from spatial_llava_ros.proposals.working import WorkingImage

CELL = 11  # working pixels
BOWL = 0.25  # height of the bowl's rim; edges of strength 1 win over it


@dataclass(frozen=True, eq=False)
class Edges:
    """Edge strengths per working pixel, (h, w) float32: about 1 on an edge a person would draw."""

    color: np.ndarray
    depth: np.ndarray


def find_edges(image: WorkingImage) -> Edges:
    """Edge strength of colour (CIE76 difference) and of inverse depth (second differences)."""
    gradient = np.zeros(image.shape, np.float32)
    for channel in cv2.split(image.lab):
        dx = cv2.Scharr(channel, cv2.CV_32F, 1, 0, scale=1 / 16)
        dy = cv2.Scharr(channel, cv2.CV_32F, 0, 1, scale=1 / 16)
        gradient += dx * dx + dy * dy
    gradient = np.sqrt(gradient)
    texture = 1.5 * float(np.median(gradient))  # noise and overall texture of this camera
    color = gradient / (6 + texture)
    return Edges(color, _depth_edges(image))


def _depth_edges(image: WorkingImage) -> np.ndarray:
    q, known = image.inverse_depth, image.valid
    bend = np.zeros(image.shape, np.float32)
    for axis in (0, 1):
        for step in (1, 2):
            if q.shape[axis] <= 2 * step:
                continue
            size = q.shape[axis]
            lower, middle, upper = (np.s_[: size - 2 * step], np.s_[step : size - step], np.s_[2 * step :])
            if axis:
                lower, middle, upper = (np.s_[:, lower], np.s_[:, middle], np.s_[:, upper])
            second = np.abs(q[upper] - 2 * q[middle] + q[lower])
            second[~(known[upper] & known[middle] & known[lower])] = 0
            bend[middle] = np.maximum(bend[middle], second)
    strength = bend / (12 * image.noise)
    return np.minimum(strength, 4)


def grow_superpixels(edges: Edges) -> tuple[np.ndarray, int]:
    """Label every working pixel.

    Returns:
        (h, w) int32 labels 0..N-1, and N.
    """
    relief = np.minimum(edges.color, 3) + np.minimum(edges.depth, 2)
    relief = cv2.GaussianBlur(relief, (3, 3), 0.8) + _bowls(relief.shape)
    height, width = relief.shape
    padded = cv2.copyMakeBorder(relief, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=float("inf"))
    lowest = relief.copy()
    index = np.arange(height * width, dtype=np.int32).reshape(height, width)
    target = index.copy()
    for dr in (-1, 0, 1):
        for dc in (-1, 0, 1):
            if dr == dc == 0:
                continue
            neighbour = padded[1 + dr : 1 + dr + height, 1 + dc : 1 + dc + width]
            lower = neighbour < lowest
            np.copyto(lowest, neighbour, where=lower)
            np.copyto(target, index + np.int32(dr * width + dc), where=lower)
    target = target.ravel()
    while True:
        further = target[target]
        if np.array_equal(further, target):
            break
        target = further
    is_root = np.zeros(height * width, bool)
    is_root[target] = True
    names = np.cumsum(is_root, dtype=np.int32) - 1
    return names[target].reshape(height, width), int(names[-1]) + 1


def _bowls(shape: tuple[int, int]) -> np.ndarray:
    """Grid of shallow bowls: the distance to the cell centre, tilted a hair so that no two pixels tie."""
    rows = (np.arange(shape[0]) % CELL - (CELL - 1) / 2).astype(np.float32) / (CELL / 2)
    columns = (np.arange(shape[1]) % CELL - (CELL - 1) / 2).astype(np.float32) / (CELL / 2)
    bowls = BOWL * (rows[:, None] ** 2 + columns**2)
    tilt = 1e-4 * (np.arange(shape[0], dtype=np.float32)[:, None] % 7 + 0.37 * (np.arange(shape[1]) % 5))
    return (bowls + tilt).astype(np.float32)

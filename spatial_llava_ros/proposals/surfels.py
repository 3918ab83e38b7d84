"""Surfels: the mean colour, place and local plane of every superpixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spatial_llava_ros.proposals.superpixels import Edges
from spatial_llava_ros.proposals.working import WorkingImage

MIN_SAMPLES = 6  # depth pixels for a plane of three unknowns to mean anything


@dataclass(frozen=True, eq=False)
class Surfels:
    """One row per superpixel.

    Attributes:
        pixels: (N,) working pixels.
        samples: (N,) working pixels with depth.
        lab: (N, 3) mean colour.
        plane: (N, 3) m of the local plane, q = m . (x, y, 1); zero where unknown.
        normal: (N, 3) unit, towards the camera; zero where unknown.
        centre: (N, 3) metres; zero where unknown.
        ray: (N, 3) mean viewing ray (x, y, 1) of the samples.
        has_depth: (N,) bool.
        moments: (N, 10) sums over samples of 1, x, y, xx, xy, yy, q, xq, yq, qq: they add up when surfels join.
        box: (N, 4) int x1, y1, x2, y2 in working pixels.
        pixel_angle: solid angle of a working pixel; times z squared it is the area that the pixel sees.
    """

    pixels: np.ndarray
    samples: np.ndarray
    lab: np.ndarray
    plane: np.ndarray
    normal: np.ndarray
    centre: np.ndarray
    ray: np.ndarray
    has_depth: np.ndarray
    moments: np.ndarray
    box: np.ndarray
    pixel_angle: float


def measure_surfels(image: WorkingImage, edges: Edges, labels: np.ndarray, count: int) -> Surfels:
    """Measure every superpixel of a label image (h, w) with `count` labels."""
    flat = labels.ravel()
    pixels = np.bincount(flat, minlength=count)
    lab = np.stack([np.bincount(flat, channel.ravel(), count) for channel in np.moveaxis(image.lab, -1, 0)], axis=1)
    lab /= np.maximum(pixels, 1)[:, None]
    has = np.bincount(flat[image.valid.ravel()], minlength=count)
    # pixels on a depth edge are mixtures of two surfaces: leave them out of the fit where enough others remain
    clean = image.valid & (edges.depth < 1.5)
    enough = np.bincount(flat[clean.ravel()], minlength=count) >= MIN_SAMPLES
    use = (clean | (image.valid & ~enough[labels])).ravel()
    moments = _moments(image, flat, use, count)
    plane = fit_planes(moments, image.noise)
    samples = moments[:, 0]
    has_depth = (samples >= MIN_SAMPLES) & (has >= 0.3 * pixels)
    plane[~has_depth] = 0
    ray = np.ones((count, 3))
    ray[:, :2] = moments[:, 1:3] / np.maximum(samples, 1)[:, None]
    q = np.einsum("ij,ij->i", plane, ray)
    has_depth &= q > 1e-3
    norm = np.linalg.norm(plane, axis=1)
    normal = -plane / np.where(norm > 0, norm, 1)[:, None]
    centre = np.where(has_depth[:, None], ray / np.where(has_depth, q, 1)[:, None], 0)
    angle = float(np.ptp(image.x) * np.ptp(image.y) / labels.size)
    return Surfels(pixels, has, lab, plane, normal, centre, ray, has_depth, moments, _boxes(labels, count), angle)


def fit_planes(moments: np.ndarray, noise: float) -> np.ndarray:
    """Least-squares planes (N, 3) in inverse depth from sums (N, 10), with a faint prior for facing the camera."""
    n = np.maximum(moments[:, 0], 1)
    mean_x, mean_y, mean_q = moments[:, 1] / n, moments[:, 2] / n, moments[:, 6] / n
    ridge = (noise / 2.0) ** 2  # slopes of a few 1/m are usual
    xx = moments[:, 3] / n - mean_x**2 + ridge / n
    xy = moments[:, 4] / n - mean_x * mean_y
    yy = moments[:, 5] / n - mean_y**2 + ridge / n
    xq = moments[:, 7] / n - mean_x * mean_q
    yq = moments[:, 8] / n - mean_y * mean_q
    determinant = np.maximum(xx * yy - xy * xy, 1e-18)
    a = (yy * xq - xy * yq) / determinant
    b = (xx * yq - xy * xq) / determinant
    return np.stack([a, b, mean_q - a * mean_x - b * mean_y], axis=1)


def _moments(image: WorkingImage, flat: np.ndarray, use: np.ndarray, count: int) -> np.ndarray:
    x = np.broadcast_to(image.x, image.shape).ravel()[use].astype(np.float64)
    y = np.broadcast_to(image.y[:, None], image.shape).ravel()[use].astype(np.float64)
    q = image.inverse_depth.ravel()[use].astype(np.float64)
    names = flat[use]
    terms = (None, x, y, x * x, x * y, y * y, q, x * q, y * q, q * q)
    return np.stack([np.bincount(names, term, count).astype(np.float64) for term in terms], axis=1)


def _boxes(labels: np.ndarray, count: int) -> np.ndarray:
    height, width = labels.shape
    box = np.empty((count, 4), np.int32)
    rows = np.repeat(np.arange(height, dtype=np.int32), width)
    columns = np.tile(np.arange(width, dtype=np.int32), height)
    flat = labels.ravel()
    # assignment keeps the last value written: write in falling order for a minimum, in rising order for a maximum
    box[flat[::-1], 1] = rows[::-1]
    box[flat, 3] = rows + 1
    by_column = labels.T.ravel()
    columns = np.repeat(np.arange(width, dtype=np.int32), height)
    box[by_column[::-1], 0] = columns[::-1]
    box[by_column, 2] = columns + 1
    return box

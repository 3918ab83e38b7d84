"""Fit the weights of the score on the simulator: python -m spatial_llava_ros.proposals.fitting [scenes]

The score is a quadratic of each feature, no products: it regresses how well a candidate covers its best object.
Prints the constants for `weights.py` and the recall on scenes that were not fitted to.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import cv2
import numpy as np

from spatial_llava_ros.evaluation.proposals import box_overlap
from spatial_llava_ros.proposals.candidates import FEATURES
from spatial_llava_ros.proposals.scoring import expand, select
from spatial_llava_ros.proposals.segmentation import Segmentation, segment
from spatial_llava_ros.sim import (
    D435,
    KINECT1,
    LAYOUTS,
    SimCamera,
    SimFrame,
    camera_path,
    default_view,
    make_scene,
    render,
)
from spatial_llava_ros.types import CameraIntrinsics, RgbdFrame

RIDGE = 50.0
GOOD, WEIGHT_OF_GOOD = 0.5, 20.0  # few candidates are any good: let them count
MIN_PIXELS = 250


def overlap_with_truth(segmentation: Segmentation, instance: np.ndarray, ids: list[int]) -> np.ndarray:
    """Mask intersection over union (C, K) of all candidates with the instances `ids` of an instance image (H, W)."""
    scale = segmentation.image.scale
    labels = segmentation.labels.repeat(scale, axis=0).repeat(scale, axis=1)[: instance.shape[0], : instance.shape[1]]
    count = len(segmentation.surfels.pixels)
    shared = np.stack([np.bincount(labels[instance == i], minlength=count) for i in ids], axis=1).astype(np.float64)
    size = np.bincount(labels.ravel(), minlength=count).astype(np.float64)
    table = np.empty((len(segmentation.candidates.node), len(ids)))
    for index, tree in enumerate(segmentation.trees):
        rows = np.flatnonzero(segmentation.candidates.tree == index)
        node = segmentation.candidates.node[rows]
        sums = tree.accumulate(np.column_stack([shared, size]))[node]
        union = sums[:, -1:] + shared.sum(axis=0) - sums[:, :-1]
        table[rows] = sums[:, :-1] / union
    return table


def fit(features: list[np.ndarray], overlaps: list[np.ndarray]) -> np.ndarray:
    """Ridge weights (2F + 1,) of the expanded features, from one array per frame.

    Args:
        features: (C, F) of each frame.
        overlaps: (C,) best overlap of each candidate with any object.
    """
    x, y = np.concatenate([expand(f) for f in features]), np.concatenate(overlaps)
    weight = np.where(y > GOOD, WEIGHT_OF_GOOD, 1.0)[:, None]
    y = np.maximum(0, y - 0.3)
    return np.linalg.solve((x * weight).T @ x + RIDGE * np.eye(x.shape[1]), (x * weight).T @ y)


def simulated(scenes: range) -> Iterator[SimFrame]:
    """Two views of every layout and seed, by two cameras."""
    for seed in scenes:
        for layout in LAYOUTS:
            scene = make_scene(layout, seed)
            for k, pose in enumerate((default_view(scene), camera_path(scene, 9)[(4 * seed + 2) % 9])):
                yield render(scene, pose, SimCamera(noise=(D435, KINECT1)[(seed + k) % 2]))


def visible_boxes(instance: np.ndarray) -> dict[int, tuple[int, int, int, int]]:
    """Boxes of the instances in a label image (H, W) that are large enough for a person to bother, by id."""
    boxes = {}
    for i in np.unique(instance[instance > 0]).tolist():
        mask = instance == i
        if mask.sum() >= MIN_PIXELS:
            rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            boxes[i] = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    return boxes


def vary(
    frame: RgbdFrame, instance: np.ndarray, rng: np.random.Generator
) -> tuple[RgbdFrame, np.ndarray, dict[int, tuple[int, int, int, int]]]:
    """The frame nearer, and as other cameras and lights would have it: contrast, saturation, blur, noise, lost depth.

    Domain randomisation (Tobin et al., IROS 2017) keeps the weights from leaning on the simulator's clean colours.
    """
    height, width = frame.depth.shape
    zoom = rng.choice([1.0, 1.0, rng.uniform(1, 2.5)])
    wide, tall = int(width / zoom), int(height / zoom)
    x, y = int(rng.integers(0, width - wide + 1)), int(rng.integers(0, height - tall + 1))

    def crop(picture: np.ndarray, interpolation: int) -> np.ndarray:
        return cv2.resize(picture[y : y + tall, x : x + wide], (width, height), interpolation=interpolation)

    color = crop(frame.color, cv2.INTER_LINEAR).astype(np.float32)
    gray = color.mean(axis=2, keepdims=True)
    color = gray + (color - gray) * rng.uniform(0.15, 1.2)
    mean = color.mean()
    color = mean + (color - mean) * rng.uniform(0.4, 1.4) + rng.uniform(-40, 30)
    color *= rng.uniform(0.9, 1.1, 3)
    if rng.random() < 0.33:
        color = cv2.GaussianBlur(color, (0, 0), rng.uniform(0.6, 1.5))
    if rng.random() < 0.5:
        noise = rng.standard_normal(color.shape).astype(np.float32)
        color += cv2.GaussianBlur(noise, (0, 0), 0.7) * rng.uniform(0, 16)
    if rng.random() < 0.25:
        color += (color - cv2.GaussianBlur(color, (0, 0), 1.5)) * rng.uniform(0.5, 2)
    depth = crop(frame.depth, cv2.INTER_NEAREST)
    if rng.random() < 0.2:
        depth = np.where(rng.random(depth.shape) < rng.uniform(0.1, 0.6), np.float32(np.nan), depth)
    instance = crop(instance.astype(np.int16), cv2.INTER_NEAREST).astype(np.int32)
    k, sx, sy = frame.intrinsics, width / wide, height / tall
    intrinsics = CameraIntrinsics(
        width, height, k.fx * sx, k.fy * sy, (k.cx - x + 0.5) * sx - 0.5, (k.cy - y + 0.5) * sy - 0.5
    )
    varied = RgbdFrame(np.clip(color, 0, 255).astype(np.uint8), depth, intrinsics)
    return varied, instance, visible_boxes(instance)


def calibrate(value: np.ndarray, good: np.ndarray) -> tuple[float, float]:
    """Slope and offset of the logistic of `value` (C,) that predicts `good` (C,) bool best (Platt 1999)."""
    x = np.column_stack([value, np.ones(len(value))])
    w = np.zeros(2)
    for _ in range(30):  # Newton's method
        p = 1 / (1 + np.exp(-(x @ w)))
        curvature = (x * (p * (1 - p) + 1e-9)[:, None]).T @ x
        w += np.linalg.solve(curvature + 1e-6 * np.eye(2), x.T @ (good - p))
    return float(w[0]), float(w[1])


def main(scenes: int = 30) -> None:
    """Fit on the first scenes, test on a quarter as many others, print the constants and the recall."""
    rng = np.random.default_rng(0)
    features, overlaps = [], []
    for shot in simulated(range(1000, 1000 + scenes)):
        frame, instance, boxes = vary(shot.frame, shot.instance, rng)
        if not boxes:
            continue
        segmentation = segment(frame)
        mask = overlap_with_truth(segmentation, instance, list(boxes))
        box = box_overlap(segmentation.candidates.box * segmentation.image.scale, np.array(list(boxes.values())))
        features.append(segmentation.candidates.features)
        overlaps.append(np.sqrt(mask * box).max(axis=1))
    weights = fit(features, overlaps)
    values = np.concatenate([expand(f) for f in features]) @ weights
    slope, offset = calibrate(values, np.concatenate(overlaps) >= 0.5)
    count = len(FEATURES)
    print("WEIGHTS = {")
    for k, name in enumerate(FEATURES):
        print(f'    "{name}": ({weights[k]:.4f}, {weights[k + count]:.4f}),')
    print(f"}}\nBIAS = {weights[-1]:.4f}\nCALIBRATION = ({slope:.2f}, {offset:.2f})")

    best: list[float] = []
    for shot in simulated(range(2000, 2000 + max(1, scenes // 4))):
        boxes = visible_boxes(shot.instance)
        segmentation = segment(shot.frame)
        value = expand(segmentation.candidates.features) @ weights
        kept = select(segmentation.candidates, 1 / (1 + np.exp(-(slope * value + offset))), 60)
        found = segmentation.candidates.box[kept] * segmentation.image.scale
        if boxes:
            best += box_overlap(np.array(list(boxes.values())), found).max(axis=1).tolist()
    recall = [np.mean(np.array(best) >= threshold) for threshold in (0.5, 0.75)]
    print(f"# recall on {len(best)} objects of other scenes: {recall[0]:.3f} at 0.5, {recall[1]:.3f} at 0.75")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))

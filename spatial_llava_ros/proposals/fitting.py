"""Fit the score on the simulator: python -m spatial_llava_ros.proposals.fitting [scenes a layout]

A candidate's score says how well it covers its best object. Rewrites `weights.npz` and prints the recall on scenes
that were not fitted to. Sixty scenes take about half an hour.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from spatial_llava_ros.evaluation.proposals import box_overlap
from spatial_llava_ros.perceptron import Perceptron, train
from spatial_llava_ros.proposals.scoring import WEIGHTS, both_ways, select
from spatial_llava_ros.proposals.segmentation import Segmentation, segment
from spatial_llava_ros.proposals.variation import vary
from spatial_llava_ros.sim import (
    LAYOUTS,
    SENSORS,
    SimFrame,
    camera_path,
    default_view,
    make_scene,
    render,
    usual_camera,
)
from spatial_llava_ros.types import RgbdFrame

HIDDEN = (64, 32)
GOOD, VERY_GOOD = 0.5, 0.7  # overlaps
WEIGHT_OF_GOOD = 5.0  # few candidates are any good: let them count
POOR, SHARE_OF_POOR = 0.3, 0.25  # of the many poor ones a quarter is enough
TRAIN_SEED, TEST_SEED = 50000, 90000


def simulated(layouts: tuple[str, ...], seeds: range) -> Iterator[SimFrame]:
    """Two views of every layout and seed, each by another camera."""
    names = list(SENSORS)
    for seed in seeds:
        for layout in layouts:
            scene = make_scene(layout, seed)
            for k, pose in enumerate((default_view(scene), camera_path(scene, 9)[(4 * seed + 2) % 9])):
                sensors = scene.sensors or (names[(3 * seed + k) % len(names)],)
                yield render(scene, pose, usual_camera(replace(scene, sensors=sensors)))


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


def covers(segmentation: Segmentation, instance: np.ndarray, boxes: dict[int, tuple[int, int, int, int]]) -> np.ndarray:
    """(C, K) how well each candidate covers each thing: geometric mean of the overlaps of masks and of boxes."""
    mask = overlap_with_truth(segmentation, instance, list(boxes))
    box = box_overlap(segmentation.candidates.box * segmentation.image.scale, np.array(list(boxes.values())))
    return np.sqrt(mask * box)


def samples(frames: Iterable[tuple[RgbdFrame, np.ndarray]], times: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Features (M, 2F) of candidates and how well they cover their best thing (M,).

    Args:
        frames: each with its instance image (H, W).
        times: each frame is varied so often.
    """
    rng = np.random.default_rng(seed)
    features, best = [], []
    for original, truth in frames:
        for _ in range(times):
            frame, instance, boxes = vary(original, truth, rng)
            if not boxes:
                continue
            segmentation = segment(frame)
            cover = covers(segmentation, instance, boxes).max(axis=1)
            kept = (cover > POOR) | (rng.random(len(cover)) < SHARE_OF_POOR)
            features.append(both_ways(segmentation.candidates.features)[kept].astype(np.float32))
            best.append(cover[kept])
    return np.concatenate(features), np.concatenate(best)


def fit(features: np.ndarray, best: np.ndarray, hidden: tuple[int, ...] = HIDDEN, epochs: int = 12) -> Perceptron:
    """What tells good candidates from poor ones, from what `samples` returns."""
    chance = ((best >= GOOD).astype(float) + (best >= VERY_GOOD)) / 2
    weight = np.where(best > POOR, 1.0, 1 / SHARE_OF_POOR) * np.where(best >= GOOD, WEIGHT_OF_GOOD, 1.0)
    return train(features, chance, weight, hidden, epochs)


def recall(network: Perceptron, frames: Iterable[tuple[RgbdFrame, np.ndarray]], seed: int) -> np.ndarray:
    """Best box overlap of each thing in varied frames with the 60 regions that a score keeps."""
    rng = np.random.default_rng(seed)
    best: list[float] = []
    for original, truth in frames:
        frame, _, boxes = vary(original, truth, rng)
        segmentation = segment(frame)
        score = 1 / (1 + np.exp(-network(both_ways(segmentation.candidates.features))))
        found = segmentation.candidates.box[select(segmentation.candidates, score, 60)] * segmentation.image.scale
        if boxes:
            best += box_overlap(np.array(list(boxes.values())), found).max(axis=1).tolist()
    return np.array(best)


def main(scenes: int = 60) -> None:
    """Fit, save, and measure on other scenes."""

    def frames(first: int, count: int) -> Iterator[tuple[RgbdFrame, np.ndarray]]:
        return ((shot.frame, shot.instance) for shot in simulated(LAYOUTS, range(first, first + count)))

    network = fit(*samples(frames(TRAIN_SEED, scenes), 2, 0))
    network.save(WEIGHTS)
    best = recall(network, frames(TEST_SEED, max(1, scenes // 10)), 1)
    values = ", ".join(f"{np.mean(best >= t):.3f} at {t}" for t in (0.5, 0.75))
    print(f"{WEIGHTS.name} written; recall on {len(best)} things of other scenes: {values}")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))

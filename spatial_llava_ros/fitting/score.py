"""The score of a proposal: how well a candidate covers its best thing, from how it and its outline look."""

from __future__ import annotations

import zlib

import numpy as np

from spatial_llava_ros.evaluation.proposals import box_overlap
from spatial_llava_ros.fitting.variation import vary
from spatial_llava_ros.perceptron import Perceptron, train
from spatial_llava_ros.proposals.candidates import FEATURES
from spatial_llava_ros.proposals.scoring import both_ways
from spatial_llava_ros.proposals.segmentation import Segmentation, segment
from spatial_llava_ros.sim import SimFrame

HIDDEN = (64, 32)
TIMES = 2  # each frame is varied so often
GOOD, VERY_GOOD = 0.5, 0.7  # overlaps
WEIGHT_OF_GOOD = 5.0  # few candidates are any good: let them count
POOR, SHARE_OF_POOR = 0.3, 0.25  # of the many poor ones a quarter is enough


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


def samples(shot: SimFrame) -> tuple[np.ndarray, np.ndarray]:
    """Features (M, 2F) of candidates of a frame, varied TIMES times, and how well they cover their best thing (M,)."""
    rng = np.random.default_rng(zlib.crc32(shot.frame.color.tobytes()))  # whatever came before
    features, best = [np.zeros((0, 2 * len(FEATURES)), np.float32)], [np.zeros(0)]
    for _ in range(TIMES):
        frame, instance, boxes = vary(shot.frame, shot.instance, rng)
        if not boxes:
            continue
        segmentation = segment(frame)
        cover = covers(segmentation, instance, boxes).max(axis=1)
        kept = (cover > POOR) | (rng.random(len(cover)) < SHARE_OF_POOR)
        features.append(both_ways(segmentation.candidates.features)[kept].astype(np.float32))
        best.append(cover[kept])
    return np.concatenate(features), np.concatenate(best)


def fit(features: np.ndarray, best: np.ndarray) -> Perceptron:
    """What tells good candidates from poor ones, from what `samples` returns."""
    chance = ((best >= GOOD).astype(float) + (best >= VERY_GOOD)) / 2
    weight = np.where(best > POOR, 1.0, 1 / SHARE_OF_POOR) * np.where(best >= GOOD, WEIGHT_OF_GOOD, 1.0)
    return train(features, chance, weight, HIDDEN)

from __future__ import annotations

import numpy as np
import pytest

from spatial_llava_ros.proposals.candidates import FEATURES
from spatial_llava_ros.proposals.scoring import select
from spatial_llava_ros.proposals.segmentation import Segmentation, segment
from spatial_llava_ros.proposals.superpixels import mutual_best, touching_pairs
from spatial_llava_ros.proposals.working import SENSOR_NOISE, reduce_frame

from .conftest import Shot, shoot


@pytest.fixture(scope="module")
def segmentation(cluttered: Shot) -> Segmentation:
    return segment(cluttered.frame)


def test_noise_is_measured() -> None:
    # a working pixel is the mean of four, which halves the noise
    assert reduce_frame(shoot([], noise=0.01).frame).noise == pytest.approx(0.005, rel=0.2)
    assert reduce_frame(shoot([], noise=0).frame).noise == SENSOR_NOISE


def test_block_edges_are_not_blurred_between_near_and_far(cluttered: Shot) -> None:
    image = reduce_frame(cluttered.frame)
    q = 1 / cluttered.frame.depth
    corners = np.stack([q[::2, ::2], q[1::2, ::2], q[::2, 1::2], q[1::2, 1::2]])
    distance = np.abs(corners - image.inverse_depth).min(axis=0)
    assert np.nanmax(distance) < 0.03 * np.nanmax(q)


def test_superpixels_keep_to_the_blocks(cluttered: Shot, segmentation: Segmentation) -> None:
    truth = cluttered.block[::2, ::2] + 1
    table = np.zeros((segmentation.labels.max() + 1, 8))
    np.add.at(table, (segmentation.labels, truth), 1)
    assert table.max(axis=1).sum() / table.sum() > 0.98
    assert len(table) <= 1000


def test_every_superpixel_is_measured(segmentation: Segmentation) -> None:
    surfels, labels = segmentation.surfels, segmentation.labels
    for index in range(0, len(surfels.pixels), 37):
        rows, columns = np.nonzero(labels == index)
        assert surfels.pixels[index] == len(rows) > 0
        assert surfels.box[index].tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert surfels.lab[index] == pytest.approx(segmentation.image.lab[rows, columns].mean(axis=0), abs=1e-3)


def test_touching_pairs() -> None:
    labels = np.array([[0, 0, 1], [2, 2, 1]], np.int32)
    pair, row, here, there = touching_pairs(labels, 3)
    assert pair.tolist() == [[0, 1], [0, 2], [1, 2]]
    assert np.bincount(row).tolist() == [1, 2, 1]
    flat = labels.ravel()
    assert (np.sort(np.stack([flat[here], flat[there]], axis=1), axis=1) == pair[row]).all()


def test_mutual_best() -> None:
    pair = np.array([[0, 1], [1, 2], [2, 3]])
    assert mutual_best(np.array([0.3, 0.1, 0.2]), pair, 4).tolist() == [1]
    assert mutual_best(np.array([0.1, 0.3, 0.2]), pair, 4).tolist() == [0, 2]
    assert mutual_best(np.array([0.1, 0.1, 0.1]), pair, 4).size >= 1


@pytest.mark.parametrize("index", [0, 1])
def test_tree_is_a_tree(segmentation: Segmentation, index: int) -> None:
    tree, count = segmentation.trees[index], len(segmentation.surfels.pixels)
    assert sorted(tree.children.ravel().tolist()) == [k for k in range(len(tree.parent)) if tree.parent[k] >= 0]
    for node, children in enumerate(tree.children, start=count):
        assert (tree.parent[children] == node).all()
        assert tree.cost[node] >= tree.cost[children].max()
    assert np.flatnonzero(tree.parent < 0).tolist() == [len(tree.parent) - 1], "one picture, one root"
    first, size = tree.spans()
    assert sorted(first[:count].tolist()) == list(range(count))
    for node, (a, b) in enumerate(tree.children, start=count):
        assert size[node] == size[a] + size[b]
        assert {first[a], first[b]} == {first[node], first[node] + size[a]}


def test_candidates_agree_with_their_masks(segmentation: Segmentation) -> None:
    candidates = segmentation.candidates
    rows = np.arange(0, len(candidates.node), 41)
    for row, parts in zip(rows, segmentation.parts(rows), strict=True):
        mask = parts[segmentation.labels]
        feature = dict(zip(FEATURES, candidates.features[row], strict=True))
        ys, xs = np.nonzero(mask)
        assert candidates.pixels[row] == len(ys)
        assert candidates.box[row].tolist() == [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
        assert feature["log area"] == pytest.approx(np.log(mask.mean()))
        assert feature["solid"] == pytest.approx(len(ys) / ((np.ptp(ys) + 1) * (np.ptp(xs) + 1)))
        outline = np.count_nonzero(mask[1:] != mask[:-1]) + np.count_nonzero(mask[:, 1:] != mask[:, :-1])
        assert 4 * np.pi * len(ys) / outline**2 >= feature["round"] - 1e-9
        assert 0 <= feature["outer strong"] <= 1 and 0 <= feature["inner strong"] <= 1


def test_candidates_differ(segmentation: Segmentation) -> None:
    parts = segmentation.parts(np.arange(len(segmentation.candidates.node)))
    assert len(np.unique(np.packbits(parts, axis=1), axis=0)) == len(parts)


def test_select_drops_look_alikes_and_zeros(segmentation: Segmentation) -> None:
    candidates = segmentation.candidates
    score = np.linspace(1, 0.1, len(candidates.node))
    score[5] = 0
    kept = select(candidates, score, 25, overlap=0.5)
    assert kept[0] == 0 and 5 not in kept and len(kept) == 25
    assert (np.diff(score[kept]) < 0).all()
    x1, y1, x2, y2 = candidates.box[kept].T
    wide = np.minimum(x2[:, None], x2) - np.maximum(x1[:, None], x1)
    tall = np.minimum(y2[:, None], y2) - np.maximum(y1[:, None], y1)
    shared = np.maximum(wide, 0) * np.maximum(tall, 0)
    area = (x2 - x1) * (y2 - y1)
    overlap = shared / (area[:, None] + area - shared)
    np.fill_diagonal(overlap, 0)
    assert overlap.max() <= 0.5

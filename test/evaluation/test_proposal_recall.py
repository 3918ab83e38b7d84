from __future__ import annotations

import numpy as np
import pytest

from spatial_llava_ros.evaluation.proposals import box_overlap, countable_boxes, overall_recall, proposal_recall
from spatial_llava_ros.types import CameraIntrinsics, Proposals, Region, RgbdFrame


@pytest.fixture
def frame() -> RgbdFrame:
    """20 x 10 pixels, depth on the left half only."""
    depth = np.full((10, 20), np.nan, np.float32)
    depth[:, :10] = 1
    return RgbdFrame(np.zeros((10, 20, 3), np.uint8), depth, CameraIntrinsics(20, 10, 20.0, 20.0, 10.0, 5.0))


def answer(*boxes: tuple[int, int, int, int]) -> Proposals:
    regions = [Region(k, b, np.ones((b[3] - b[1], b[2] - b[0]), bool), 0.5) for k, b in enumerate(boxes, start=1)]
    return Proposals(tuple(regions), (), np.array([0.0, -1.0, 0.0]))


def test_overlap_by_hand() -> None:
    table = box_overlap(np.array([[0, 0, 4, 4]]), np.array([[0, 0, 4, 4], [2, 0, 6, 4], [9, 9, 10, 10]]))
    assert table[0] == pytest.approx([1, 1 / 3, 0])


def test_only_boxes_with_depth_count(frame: RgbdFrame) -> None:
    boxes = {"measured": (0, 0, 5, 5), "half": (8, 0, 12, 4), "less": (8, 0, 13, 4), "none": (12, 0, 16, 4)}
    assert list(countable_boxes(frame, boxes)) == ["measured", "half"]


def test_recall_by_hand(frame: RgbdFrame) -> None:
    boxes = {"a": (0, 0, 5, 5), "b": (5, 5, 10, 10), "c": (0, 5, 5, 10)}
    (result,) = proposal_recall([("x", frame, boxes)], lambda _: answer((0, 0, 5, 5), (5, 5, 10, 8)))
    assert result.overlap == pytest.approx({"a": 1.0, "b": 0.6, "c": 0.0})
    assert result.recall(0.5) == pytest.approx(2 / 3)
    assert result.recall(0.75) == pytest.approx(1 / 3)
    assert result.proposals == 2
    assert overall_recall([result], 0.5) == pytest.approx(2 / 3)


def test_no_boxes_is_no_recall(frame: RgbdFrame) -> None:
    (result,) = proposal_recall([("x", frame, {})], lambda _: answer())
    assert np.isnan(result.recall(0.5)) and np.isnan(overall_recall([result], 0.5))

"""The thing inside a box: close to its true mask where depth tells, the whole box where it cannot."""

from __future__ import annotations

import numpy as np
import pytest

from spatial_llava_ros.proposals import propose
from spatial_llava_ros.proposals.boxed import with_boxed
from spatial_llava_ros.types import CameraIntrinsics, Proposals, RgbdFrame


def wall(height: int = 60, width: int = 80) -> RgbdFrame:
    """A bare wall at 1 m."""
    color = np.full((height, width, 3), 120, np.uint8)
    return RgbdFrame(
        color, np.ones((height, width), np.float32), CameraIntrinsics(width, height, 90.0, 90.0, 39.5, 29.5)
    )


NOTHING = Proposals((), (), np.array([0.0, -1.0, 0.0]))


def test_masks_of_boxes_are_close_to_the_true_ones():
    pytest.importorskip("open3d", reason="the simulator casts rays with Open3D")
    from spatial_llava_ros.evaluation.lift import true_proposals
    from spatial_llava_ros.evaluation.sources import simulated_expressions

    overlaps = []
    for _, shot, _ in simulated_expressions("sim:tabletop", 2, 1, 0):
        proposals, true = propose(shot.frame), true_proposals(shot)[0]
        for region in true.regions:
            made = with_boxed(shot.frame, proposals, region.box, 0.9).regions[-1]
            assert made.id == len(proposals.regions) + 1 and made.mask.any()
            masks = np.zeros((2, *shot.frame.depth.shape), bool)
            masks[0][region.slices], masks[1][made.slices] = region.mask, made.mask
            overlaps.append(masks.all(axis=0).sum() / masks.any(axis=0).sum())
    assert len(overlaps) > 10 and np.median(overlaps) > 0.7


def test_block_before_a_wall_is_cut_out_of_a_generous_box():
    frame = wall()
    frame.depth[20:40, 30:50] = 0.7
    region = with_boxed(frame, propose(frame), (24.0, 14.0, 56.0, 46.0), 0.5).regions[-1]
    np.testing.assert_allclose(region.box, (30, 20, 50, 40), atol=2)


@pytest.mark.parametrize("depth", [1.0, np.nan])
def test_where_depth_tells_nothing_the_box_is_the_region(depth):
    frame = wall()
    frame.depth[10:50, 10:70] = depth
    region = with_boxed(frame, propose(frame), (20.2, 20.9, 40.0, 30.5), 0.5).regions[-1]
    assert region.box == (20, 20, 40, 31) and region.mask.all()
    assert region.valid_depth == np.isfinite(depth)


@pytest.mark.parametrize("box", [(-5.0, -5.0, 0.4, 0.4), (79.9, 59.9, 90.0, 90.0), (10.0, 10.0, 10.0, 10.0)])
def test_boxes_at_the_rim_or_without_area_give_a_pixel(box):
    made = with_boxed(wall(), NOTHING, box, 0.5)
    assert made.regions[0].mask.shape == (1, 1)

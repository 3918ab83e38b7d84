from __future__ import annotations

import numpy as np
import pytest

from spatial_llava_ros.evaluation.proposals import box_overlap
from spatial_llava_ros.proposals import propose
from spatial_llava_ros.types import CameraIntrinsics, Proposals, RgbdFrame

from .conftest import Block, Shot, shoot


def check_consistent(proposals: Proposals, frame: RgbdFrame) -> None:
    """What every answer owes its readers, whatever the frame."""
    height, width = frame.intrinsics.shape
    assert len(proposals.regions) <= 60
    assert [r.id for r in proposals.regions] == list(range(1, len(proposals.regions) + 1))
    scores = [r.score for r in proposals.regions]
    assert scores == sorted(scores, reverse=True)
    assert np.isclose(np.linalg.norm(proposals.up), 1)
    for region in proposals.regions:
        x1, y1, x2, y2 = region.box
        assert 0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height
        assert region.mask.shape == (y2 - y1, x2 - x1) and region.mask.dtype == bool
        assert region.mask.any(axis=0)[[0, -1]].all() and region.mask.any(axis=1)[[0, -1]].all(), "box is not tight"
        assert 0 <= region.score <= 1
        assert region.valid_depth == pytest.approx(np.isfinite(frame.depth[region.slices])[region.mask].mean())
        assert region.plane is None or proposals.planes[region.plane].horizontal
        if region.parent is not None:
            whole = proposals.regions[region.parent - 1]
            assert whole.mask.sum() > region.mask.sum()
            seen = np.zeros((height, width), bool)
            seen[whole.slices] = whole.mask
            assert seen[region.slices][region.mask].mean() > 0.85
    for plane in proposals.planes:
        assert np.isclose(np.linalg.norm(plane.normal), 1)
        assert plane.offset > 0, "the camera is on the free side"


def best_overlap(proposals: Proposals, box: tuple[int, int, int, int]) -> float:
    return float(box_overlap(np.array([box]), np.array([r.box for r in proposals.regions])).max())


def blank(width: int, height: int, depth: float) -> RgbdFrame:
    color = np.full((height, width, 3), 120, np.uint8)
    return RgbdFrame(
        color,
        np.full((height, width), depth, np.float32),
        CameraIntrinsics(width, height, float(width), float(width), width / 2, height / 2),
    )


@pytest.mark.parametrize(
    "index, what",
    list(enumerate(["alone", "touching", "touching", "carrying", "carried", "thin", "cut by the border"])),
)
def test_finds_blocks(cluttered: Shot, cluttered_proposals: Proposals, index: int, what: str) -> None:
    assert best_overlap(cluttered_proposals, cluttered.box(index)) > 0.75, what


def test_faces_are_parts_of_their_block(cluttered: Shot, cluttered_proposals: Proposals) -> None:
    boxes = np.array([r.box for r in cluttered_proposals.regions])
    wholes = {int(box_overlap(np.array([cluttered.box(i)]), boxes).argmax()) + 1 for i in (0, 2, 3)}
    parents = [r.parent for r in cluttered_proposals.regions]
    assert sum(whole in parents for whole in wholes) >= 2


def test_answer_is_consistent(cluttered: Shot, cluttered_proposals: Proposals) -> None:
    check_consistent(cluttered_proposals, cluttered.frame)


def test_same_frame_same_answer(cluttered: Shot, cluttered_proposals: Proposals) -> None:
    first, second = cluttered_proposals, propose(cluttered.frame)
    assert [(r.box, r.score, r.parent, r.plane) for r in first.regions] == [
        (r.box, r.score, r.parent, r.plane) for r in second.regions
    ]
    assert all(np.array_equal(a.mask, b.mask) for a, b in zip(first.regions, second.regions, strict=True))


def test_frame_is_not_written_to(cluttered: Shot) -> None:
    color, depth = cluttered.frame.color.copy(), cluttered.frame.depth.copy()
    propose(cluttered.frame)
    assert np.array_equal(color, cluttered.frame.color)
    assert np.array_equal(depth, cluttered.frame.depth, equal_nan=True)


def test_block_stands_on_the_table(cluttered: Shot, cluttered_proposals: Proposals) -> None:
    proposals = cluttered_proposals
    boxes = np.array([r.box for r in proposals.regions])
    region = proposals.regions[int(box_overlap(np.array([cluttered.box(0)]), boxes).argmax())]
    assert region.plane is not None
    assert proposals.planes[region.plane].offset == pytest.approx(cluttered.height, abs=0.01)


def test_stacked_block_stands_on_what_carries_it() -> None:
    blocks = [
        Block((0.8, 0.0), (0.25, 0.3, 0.1), (120, 90, 60)),
        Block((0.8, 0.0), (0.07, 0.07, 0.1), (200, 40, 40), bottom=0.1),
    ]
    shot = shoot(blocks, noise=0.001)
    proposals = propose(shot.frame)
    boxes = np.array([r.box for r in proposals.regions])
    region = proposals.regions[int(box_overlap(np.array([shot.box(1)]), boxes).argmax())]
    assert region.plane is not None
    assert proposals.planes[region.plane].offset == pytest.approx(shot.height - 0.1, abs=0.01)


def test_colour_alone_still_proposes(cluttered: Shot) -> None:
    frame = RgbdFrame(cluttered.frame.color, np.full((480, 640), np.nan, np.float32), cluttered.frame.intrinsics)
    proposals = propose(frame)
    check_consistent(proposals, frame)
    assert proposals.planes == ()
    assert all(r.valid_depth == 0 and r.plane is None for r in proposals.regions)
    found = [best_overlap(proposals, cluttered.box(i)) > 0.5 for i in range(7)]
    assert sum(found) >= 6


def test_thing_without_depth_is_proposed_and_flagged(cluttered: Shot) -> None:
    depth = cluttered.frame.depth.copy()
    depth[cluttered.block == 0] = np.nan
    frame = RgbdFrame(cluttered.frame.color, depth, cluttered.frame.intrinsics)
    proposals = propose(frame)
    boxes = np.array([r.box for r in proposals.regions])
    overlap = box_overlap(np.array([cluttered.box(0)]), boxes)[0]
    assert overlap.max() > 0.75
    assert proposals.regions[int(overlap.argmax())].valid_depth < 0.2


@pytest.mark.parametrize("pattern", ["random", "grid"])
def test_sparse_depth(cluttered: Shot, pattern: str) -> None:
    keep = np.zeros((480, 640), bool)
    if pattern == "grid":
        keep[::3, ::3] = True
    else:
        keep = np.random.default_rng(0).random((480, 640)) < 0.13
    depth = np.where(keep, cluttered.frame.depth, np.float32(np.nan))
    frame = RgbdFrame(cluttered.frame.color, depth, cluttered.frame.intrinsics)
    proposals = propose(frame)
    check_consistent(proposals, frame)
    assert proposals.planes[0].offset == pytest.approx(cluttered.height, abs=0.01)
    assert sum(best_overlap(proposals, cluttered.box(i)) > 0.5 for i in range(7)) >= 6


def test_portrait() -> None:
    shot = shoot([Block((0.6, 0.0), (0.1, 0.1, 0.1), (200, 40, 40))], width=480, height=640)
    proposals = propose(shot.frame)
    check_consistent(proposals, shot.frame)
    assert best_overlap(proposals, shot.box(0)) > 0.75


def test_full_hd() -> None:
    shot = shoot([Block((0.6, 0.0), (0.1, 0.1, 0.1), (200, 40, 40))], width=1920, height=1080, focal=1400, noise=0.001)
    proposals = propose(shot.frame)
    check_consistent(proposals, shot.frame)
    assert best_overlap(proposals, shot.box(0)) > 0.75


@pytest.mark.parametrize("size", [(16, 16), (1, 1), (700, 3), (3, 700), (641, 479)])
@pytest.mark.parametrize("depth", [np.nan, 1.5])
def test_blank_frame_holds_nothing(size: tuple[int, int], depth: float) -> None:
    frame = blank(*size, depth)
    proposals = propose(frame)
    check_consistent(proposals, frame)
    assert proposals.regions == ()


def test_noise_is_survived() -> None:
    rng = np.random.default_rng(1)
    color = rng.integers(0, 256, (120, 160, 3), dtype=np.uint8)
    depth = rng.uniform(0.2, 5, (120, 160)).astype(np.float32)
    depth[rng.random((120, 160)) < 0.2] = np.nan
    frame = RgbdFrame(color, depth, CameraIntrinsics(160, 120, 150.0, 150.0, 80.0, 60.0))
    check_consistent(propose(frame), frame)


@pytest.mark.parametrize("value", [0.0, -1.0, np.inf, 1e-6, 1e6])
def test_absurd_depth_is_survived(cluttered: Shot, value: float) -> None:
    depth = cluttered.frame.depth.copy()
    depth[100:200, 100:300] = value
    frame = RgbdFrame(cluttered.frame.color, depth, cluttered.frame.intrinsics)
    with np.errstate(over="raise", invalid="raise"):
        check_consistent(propose(frame), frame)

"""Coloured boxes on a table, seen by an exact or a noisy camera: what proposals are held against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from spatial_llava_ros.geometry import pixel_rays
from spatial_llava_ros.proposals import propose
from spatial_llava_ros.types import CameraIntrinsics, Proposals, RgbdFrame


@dataclass(frozen=True)
class Block:
    """An upright block in the world: x forward, y left, z up, table at z = 0, camera above the origin."""

    centre: tuple[float, float]
    size: tuple[float, float, float]
    color: tuple[int, int, int]
    bottom: float = 0.0


@dataclass(frozen=True, eq=False)
class Shot:
    """A frame and the truth: block index per pixel (-1 table), visible boxes, and up in the camera frame."""

    frame: RgbdFrame
    block: np.ndarray
    up: np.ndarray
    height: float

    def box(self, index: int) -> tuple[int, int, int, int]:
        """Tight box of a block's visible pixels."""
        rows, columns = np.nonzero(self.block == index)
        return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def shoot(
    blocks: list[Block],
    *,
    width: int = 640,
    height: int = 480,
    focal: float = 525.0,
    above: float = 0.6,
    pitch: float = 40.0,
    roll: float = 0.0,
    noise: float = 0.0,
    table: tuple[int, int, int] = (170, 150, 120),
) -> Shot:
    """Cast a ray through every pixel. `noise` is the standard deviation of inverse depth in 1/m; angles in degrees."""
    p, r = np.radians(pitch), np.radians(roll)
    forward = np.array([np.cos(p), 0, -np.sin(p)])
    right, down = np.array([0.0, -1.0, 0.0]), np.array([-np.sin(p), 0, -np.cos(p)])
    right, down = right * np.cos(r) + down * np.sin(r), down * np.cos(r) - right * np.sin(r)
    world_from_optical = np.stack([right, down, forward], axis=1)
    intrinsics = CameraIntrinsics(width, height, focal, focal, (width - 1) / 2, (height - 1) / 2)
    x, y = pixel_rays(intrinsics)
    rays = np.stack(np.broadcast_arrays(x, y[:, None], np.ones((height, width))), axis=-1) @ world_from_optical.T
    with np.errstate(divide="ignore", invalid="ignore"):
        depth = np.where(rays[..., 2] < -1e-6, -above / rays[..., 2], np.inf)
        block = np.full((height, width), -1)
        shade = np.ones((height, width))
        for index, b in enumerate(blocks):
            low = np.array([b.centre[0] - b.size[0] / 2, b.centre[1] - b.size[1] / 2, b.bottom - above])
            t = np.stack([low / rays, (low + b.size) / rays])
            enter = t.min(axis=0)
            near, far = enter.max(axis=-1), t.max(axis=0).min(axis=-1)
            hit = (near < far) & (near > 0) & (near < depth)
            depth[hit], block[hit] = near[hit], index
            shade[hit] = np.array([0.75, 0.6, 1.0])[enter.argmax(axis=-1)[hit]]  # each side its own brightness
    depth[depth > 8] = np.nan
    rng = np.random.default_rng(0)
    if noise:
        depth = 1 / (1 / depth + noise * rng.standard_normal(depth.shape))
    palette = np.array([b.color for b in blocks] + [table], np.float64)
    color = palette[block] * shade[..., None] + rng.normal(0, 2 if noise else 0, (height, width, 3))
    frame = RgbdFrame(np.clip(color, 0, 255).astype(np.uint8), depth.astype(np.float32), intrinsics)
    return Shot(frame, block, world_from_optical.T @ np.array([0.0, 0.0, 1.0]), above)


@pytest.fixture(scope="session")
def cluttered() -> Shot:
    """Apart, touching, stacked, thin, and cut by the border; Kinect-like noise."""
    return shoot(
        [
            Block((0.55, 0.20), (0.08, 0.08, 0.12), (200, 40, 40)),  # 0 alone
            Block((0.60, -0.02), (0.08, 0.08, 0.10), (40, 60, 190)),  # 1 touches 2
            Block((0.60, -0.10), (0.08, 0.08, 0.16), (40, 150, 60)),  # 2
            Block((0.85, 0.10), (0.16, 0.16, 0.08), (220, 200, 60)),  # 3 carries 4
            Block((0.85, 0.10), (0.07, 0.07, 0.10), (90, 40, 120), bottom=0.08),  # 4
            Block((0.48, 0.02), (0.10, 0.14, 0.008), (235, 235, 235)),  # 5 thin
            Block((0.55, -0.36), (0.10, 0.14, 0.14), (230, 120, 40)),  # 6 cut by the border
        ],
        noise=0.001,
    )


@pytest.fixture(scope="session")
def cluttered_proposals(cluttered: Shot) -> Proposals:
    """What is proposed for it."""
    return propose(cluttered.frame)

"""A small world without pictures: boxes on a floor, seen by a perfect depth camera."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from spatial_llava_ros.geometry import invert_transform, pixel_rays, project, transform_points
from spatial_llava_ros.sim.camera import look_at
from spatial_llava_ros.types import CameraIntrinsics, Object3D, RgbdFrame, SceneObject

INTRINSICS = CameraIntrinsics(160, 120, 150.0, 150.0, 79.5, 59.5)
_CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) / 2


@dataclass(frozen=True, eq=False)
class Thing:
    """A box that stands on the floor: centre x, y, sides, a hue 0..10."""

    x: float
    y: float
    size: tuple[float, float, float] = (0.12, 0.1, 0.2)
    hue: int = 0

    @property
    def centre(self) -> np.ndarray:
        return np.array([self.x, self.y, self.size[2] / 2])


def eye(angle: float, distance: float = 1.6, height: float = 1.2) -> np.ndarray:
    """Camera pose that looks at the origin from an azimuth."""
    return look_at(np.array([-distance * np.cos(angle), distance * np.sin(angle), height]), np.array([0, 0, 0.1]))


def see(
    things: Mapping[int, Thing], pose: np.ndarray, stamp: float, noise: float = 0.0, seed: int = 0,
    stated: np.ndarray | None = None, unseen: tuple[int, ...] = (), min_pixels: int = 20,
) -> tuple[RgbdFrame, list[SceneObject]]:  # fmt: skip
    """The depth image from a pose, and a sighting of each thing whose middle is not hidden.

    Args:
        stated: the pose that is told of the frame, where it is not the true one.
        unseen: things in the depth image that the proposals miss.
    """
    rng = np.random.default_rng(seed)
    stated = pose if stated is None else stated
    columns, rows = pixel_rays(INTRINSICS)
    rays = np.ones((*INTRINSICS.shape, 3))
    rays[..., 0], rays[..., 1] = columns, rows[:, None]
    rays = rays @ pose[:3, :3].T
    origin = pose[:3, 3]
    with np.errstate(divide="ignore", invalid="ignore"):
        depth = np.where(rays[..., 2] < 0, -origin[2] / rays[..., 2], np.inf)
        owner = np.zeros(INTRINSICS.shape, int)
        for number, thing in things.items():
            half = np.array(thing.size) / 2
            a, b = (thing.centre - half - origin) / rays, (thing.centre + half - origin) / rays
            enter, leave = np.minimum(a, b).max(-1), np.maximum(a, b).min(-1)
            hit = (enter < leave) & (enter > 0) & (enter < depth)
            depth[hit], owner[hit] = enter[hit], number
    depth = np.where(depth > 8, np.nan, depth).astype(np.float32)
    frame = RgbdFrame(
        np.zeros((*INTRINSICS.shape, 3), np.uint8), depth, INTRINSICS, round(stamp * 1e9), "camera", stated, "map"
    )
    nodes = []
    for number, thing in things.items():
        pixels = np.argwhere(owner == number)
        if len(pixels) < min_pixels or number in unseen:
            continue
        centre = transform_points(stated @ invert_transform(pose), thing.centre) + rng.normal(0, noise, 3)
        seen = project(transform_points(invert_transform(pose), _CORNERS * thing.size + thing.centre), INTRINSICS)
        box = (*np.clip(seen.min(0), 0, [160, 120]), *np.clip(seen.max(0), 0, [160, 120]))
        colours = np.full(11, 0.02)
        colours[thing.hue] = 0.8
        obj = Object3D(
            number, "thing", 1.0, tuple(float(v) for v in box), "map", centre, np.array([0.0, 0, 0, 1]),
            np.array(thing.size) * (1 + rng.normal(0, noise, 3)), np.eye(6) * max(noise, 0.003) ** 2,
            np.full(3, max(noise, 0.003)), np.pi,
        )  # fmt: skip
        nodes.append(SceneObject(obj, (), (), colours))
    return frame, nodes

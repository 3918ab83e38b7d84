"""Boxes, upright cylinders and balls on a plane, ray-cast analytically: a frame with exact truth in a line."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from spatial_llava_ros.geometry import transform_points
from spatial_llava_ros.types import CameraIntrinsics, Plane, Proposals, Region, RgbdFrame

CAMERA = CameraIntrinsics(640, 480, 600.0, 600.0, 319.5, 239.5)


@dataclass(frozen=True)
class Solid:
    """A shape standing with its centre at `position` in a world whose z is up and whose floor is z = 0."""

    kind: str  # box, cylinder, ball
    position: tuple[float, float, float]
    size: tuple[float, float, float]
    yaw: float = 0.0


@dataclass(frozen=True, eq=False)
class Shot:
    """A rendered frame: the frame, instance picture (0 floor, -1 nothing, 1.. solids), and the pose."""

    frame: RgbdFrame
    instance: np.ndarray
    solids: tuple[Solid, ...]
    world_from_camera: np.ndarray
    camera_from_world: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "camera_from_world", np.linalg.inv(self.world_from_camera))

    def plane(self) -> Plane:
        normal = self.camera_from_world[:3, :3] @ [0.0, 0.0, 1.0]
        return Plane(normal, float(self.world_from_camera[2, 3]), True, 100000)

    def proposals(self, *regions: Region, planes: tuple[Plane, ...] | None = None) -> Proposals:
        plane = self.plane()
        return Proposals(regions, (plane,) if planes is None else planes, plane.normal)

    def region(self, number: int, plane: int | None = 0) -> Region:
        return region_of(self.instance == number, plane)

    def centre(self, number: int) -> np.ndarray:
        return transform_points(self.camera_from_world, np.array(self.solids[number - 1].position))


def region_of(mask: np.ndarray, plane: int | None = 0) -> Region:
    rows, columns = np.nonzero(mask)
    x1, y1, x2, y2 = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    return Region(1, (int(x1), int(y1), int(x2), int(y2)), mask[y1:y2, x1:x2].copy(), 1.0, plane)


def look(eye: tuple[float, float, float], target: tuple[float, float, float], roll: float = 0.0) -> np.ndarray:
    """world_from_camera of an optical frame at eye that looks at target, turned about its axis by roll."""
    eye, target = np.asarray(eye, float), np.asarray(target, float)
    z = (target - eye) / np.linalg.norm(target - eye)
    up = np.array([0.0, 0.0, 1.0]) if abs(z[2]) < 0.999 else np.array([0.0, 1.0, 0.0])
    x = np.cross(z, up)
    x /= np.linalg.norm(x)
    y = np.cross(z, x)
    c, s = np.cos(roll), np.sin(roll)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([c * x + s * y, c * y - s * x, z], axis=1)
    pose[:3, 3] = eye
    return pose


def shoot(
    solids: list[Solid],
    world_from_camera: np.ndarray,
    noise: float = 0.0025,
    flying: bool = False,
    seed: int = 0,
    camera: CameraIntrinsics = CAMERA,
    wall: float | None = None,
) -> Shot:
    """Ray-cast solids on the floor z = 0, before a wall at y = `wall`; depth noise is `noise * z**2`."""
    columns, rows = np.meshgrid(np.arange(camera.width), np.arange(camera.height))
    rays = np.stack([(columns - camera.cx) / camera.fx, (rows - camera.cy) / camera.fy, np.ones(camera.shape)], axis=-1)
    rays = rays @ world_from_camera[:3, :3].T
    eye = world_from_camera[:3, 3]
    depth = np.full(camera.shape, np.inf)
    instance = np.full(camera.shape, -1, np.int32)
    with np.errstate(divide="ignore", invalid="ignore"):
        layers = [(0, _hit_floor(rays, eye))]
        if wall is not None:
            layers.append((-2, np.where(rays[..., 1] > 0, (wall - eye[1]) / rays[..., 1], np.inf)))
        layers += [(i + 1, _HIT[s.kind](rays, eye, s)) for i, s in enumerate(solids)]
    for number, t in layers:
        nearer = (t > 0) & (t < depth)
        depth[nearer], instance[nearer] = t[nearer], number
    random = np.random.default_rng(seed)
    depth[np.isinf(depth)] = np.nan
    if flying:  # a stereo camera smears depth over the edge between two things
        edge = instance[:, 1:] != instance[:, :-1]
        mix = random.uniform(size=edge.shape)
        smeared = mix * depth[:, 1:] + (1 - mix) * depth[:, :-1]
        depth[:, 1:][edge] = smeared[edge]
    depth = depth + noise * depth**2 * random.standard_normal(depth.shape)
    color = np.zeros((*camera.shape, 3), np.uint8)
    frame = RgbdFrame(color, depth.astype(np.float32), camera, 0, "camera")
    return Shot(frame, instance, tuple(solids), world_from_camera)


def _hit_floor(rays: np.ndarray, eye: np.ndarray) -> np.ndarray:
    return np.where(rays[..., 2] < 0, -eye[2] / rays[..., 2], np.inf)


def _hit_box(rays: np.ndarray, eye: np.ndarray, solid: Solid) -> np.ndarray:
    c, s = np.cos(solid.yaw), np.sin(solid.yaw)
    turn = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
    d, o = rays @ turn.T, turn @ (eye - solid.position)
    half = np.array(solid.size) / 2
    a, b = (-half - o) / d, (half - o) / d
    enter, leave = np.minimum(a, b).max(axis=-1), np.maximum(a, b).min(axis=-1)
    return np.where((enter < leave) & (enter > 0), enter, np.inf)


def _hit_cylinder(rays: np.ndarray, eye: np.ndarray, solid: Solid) -> np.ndarray:
    d, o = rays, eye - solid.position
    radius, half = solid.size[0] / 2, solid.size[2] / 2
    a = (d[..., :2] ** 2).sum(-1)
    b = (d[..., :2] * o[:2]).sum(-1)
    root = np.sqrt(b**2 - a * (o[:2] @ o[:2] - radius**2))
    side = (-b - root) / a
    side = np.where(np.abs(o[2] + side * d[..., 2]) <= half, side, np.inf)
    side = np.where(np.isnan(side), np.inf, side)
    top = (half - o[2]) / d[..., 2]
    inside = ((o[:2] + top[..., None] * d[..., :2]) ** 2).sum(-1) <= radius**2
    return np.minimum(side, np.where(inside & (top > 0), top, np.inf))


def _hit_ball(rays: np.ndarray, eye: np.ndarray, solid: Solid) -> np.ndarray:
    o = eye - solid.position
    a, b = (rays**2).sum(-1), rays @ o
    root = np.sqrt(b**2 - a * (o @ o - (solid.size[0] / 2) ** 2))
    return np.where(np.isnan(root), np.inf, (-b - root) / a)


_HIT = {"box": _hit_box, "cylinder": _hit_cylinder, "ball": _hit_ball}

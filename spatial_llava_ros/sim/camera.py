"""Where the simulated camera is and what it is: poses that look at a scene, paths around it, intrinsics, noise."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from spatial_llava_ros.sim.noise import D435, ColorNoise, DepthNoise
from spatial_llava_ros.sim.scene import Scene
from spatial_llava_ros.types import CameraIntrinsics

# RealSense D435 colour stream at 640x480, to which depth is aligned: 55 x 43 degrees.
D435_INTRINSICS = CameraIntrinsics(640, 480, 615.0, 615.0, 319.5, 239.5)


@dataclass(frozen=True)
class SimCamera:
    """A camera: intrinsics, the faults of its depth, the faults of its colour."""

    intrinsics: CameraIntrinsics = D435_INTRINSICS
    noise: DepthNoise = D435
    color_noise: ColorNoise = field(default_factory=ColorNoise)


def look_at(eye: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(4, 4) world_from_camera of a level camera at `eye` (3,) whose optical axis goes through `target` (3,)."""
    forward = np.asarray(target, np.float64) - eye
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], -1)
    pose[:3, 3] = eye
    return pose


def _view(scene: Scene, azimuth: float, elevation: float, distance: float) -> np.ndarray:
    """Camera pose seen from the focus at an azimuth (0 is -x, to the left is positive), elevation and distance."""
    away = np.array([-np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)])
    return look_at(np.asarray(scene.focus) + distance * away, np.asarray(scene.focus))


def default_view(scene: Scene) -> np.ndarray:
    """world_from_camera (4, 4) of a natural first look at a scene; drawn from its seed."""
    rng = np.random.default_rng([scene.seed, 7])
    azimuth = rng.uniform(-0.6, 0.6) * scene.sweep
    return _view(scene, azimuth, rng.uniform(*scene.elevation), rng.uniform(*scene.stand_off))


def camera_path(scene: Scene, n: int) -> list[np.ndarray]:
    """n poses (4, 4) world_from_camera along an arc around the focus that rises and comes closer on its way."""
    out = []
    for t in np.linspace(0, 1, n):
        azimuth = scene.sweep * (2 * t - 1)
        low, high = scene.elevation
        near, far = scene.stand_off
        middle = (near + far) / 2
        distance = middle + 0.4 * (far - near) * np.cos(2 * np.pi * t)
        out.append(_view(scene, azimuth, low + (high - low) * (0.5 - 0.3 * np.cos(np.pi * t)), distance))
    return out

"""Whole cameras by name, and which of them a scene is seen with.

    structured light   Kinect v1, Xtion: shadows left of things, steps of disparity, nothing on dark or shiny things
    stereo             RealSense D4xx: wavy, with patches missing, near things grown at their edges
    coded light        RealSense F200, SR300: short range; depth pixels lie on a grid over the larger colour picture
    time of flight     Kinect v2, registered to colour and thinned out

Geometry is that of the makers' data sheets; colour is described by how strongly the camera processes it.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace

import numpy as np

from spatial_llava_ros.sim.camera import D435_INTRINSICS, SimCamera
from spatial_llava_ros.sim.noise import KINECT1, ColorNoise, DepthNoise
from spatial_llava_ros.sim.scene import Scene
from spatial_llava_ros.types import CameraIntrinsics

# Kinect v1 and Xtion: the infrared camera is 25 mm left of the colour camera, the projector 75 mm right of it.
XTION = replace(
    KINECT1,
    depth_eye=0.025,
    far=7.0,
    signal_floor=0.004,
    edge_jitter=1.0,
    edge_dropout=0.12,
    flying=0.03,
    holes=5e-5,
    border=(8, 10, 24, 4),
)
D4XX = DepthNoise(
    baseline=0.05, disparity_sigma=0.12, disparity_step=0.0, correlation=7.0, patchiness=0.4, near=0.28, far=6.0,
    room_light=0.3, signal_floor=0.004, edge_jitter=1.5, flying=0.03, edge_dropout=0.05, holes=1e-4,
    fatten=2, blobs=0.003,
)  # fmt: skip
F200 = DepthNoise(
    baseline=0.047, disparity_sigma=0.05, near=0.2, far=1.2, room_light=0.0, signal_floor=0.02, edge_dropout=0.5,
    depth_eye=0.026, blobs=0.01, grid=1.93,
)  # fmt: skip
SR300 = replace(F200, grid=1.0, far=1.5, signal_floor=0.035, edge_dropout=0.7, shine=1.6, blobs=0.02)
KINECT2 = DepthNoise(
    baseline=0.05, disparity_sigma=0.03, disparity_step=0.0, near=0.5, far=4.5, room_light=0.0, signal_floor=0.006,
    flying=0.2, edge_dropout=0.2, kept=0.13,
)  # fmt: skip

SOFT = ColorNoise(
    blur=0.9, shot=2e-4, read=5e-6, vignette=0.25, white_balance=0.05, saturation=0.75, contrast=0.9, jpeg=85
)
SHARP = ColorNoise(
    blur=0.7, shot=3e-4, read=6e-6, vignette=0.1, white_balance=0.05, saturation=1.2, contrast=1.35, sharpen=1.3
)
PLAIN = ColorNoise(blur=0.7, shot=1.5e-4, vignette=0.15, white_balance=0.045, contrast=1.1, sharpen=0.5, jpeg=92)
WEBCAM = ColorNoise(blur=1.1, shot=3e-4, read=5e-6, vignette=0.35, white_balance=0.07, saturation=0.9, jpeg=60)

_XTION_INTRINSICS = CameraIntrinsics(640, 480, 525.0, 525.0, 319.5, 239.5)
_KINECT2_INTRINSICS = CameraIntrinsics(640, 480, 464.0, 464.0, 319.5, 239.5)


@dataclass(frozen=True)
class Sensor:
    """A camera as it is bought; astray is the largest misalignment of its depth and colour in pixels."""

    intrinsics: CameraIntrinsics
    depth: DepthNoise
    color: ColorNoise
    astray: float = 3.0


SENSORS = {
    "kinect1 soft": Sensor(_XTION_INTRINSICS, XTION, SOFT, 5.0),
    "xtion sharp": Sensor(_XTION_INTRINSICS, XTION, SHARP, 5.0),
    "xtion": Sensor(_XTION_INTRINSICS, XTION, PLAIN, 3.0),
    "d4xx": Sensor(D435_INTRINSICS, D4XX, PLAIN, 2.0),
    "d4xx webcam": Sensor(D435_INTRINSICS, D4XX, WEBCAM, 4.0),
    "f200 grid": Sensor(D435_INTRINSICS, F200, SHARP, 3.0),
    "sr300": Sensor(D435_INTRINSICS, SR300, PLAIN, 4.0),
    "kinect2 sparse": Sensor(_KINECT2_INTRINSICS, KINECT2, PLAIN, 2.0),
}


def usual_camera(scene: Scene) -> SimCamera:
    """The camera that a scene is seen with: a D435 unless its layout names others, then one drawn from the seed.

    Exposure varies by a factor of about 1.3, the signal that depth needs by about 2; half of the cameras are out of
    alignment; a scene with `cut_off` may be seen by a camera that measures nothing beyond a distance in that range.
    """
    if not scene.sensors:
        return SimCamera()
    rng = np.random.default_rng([scene.seed, zlib.crc32(scene.layout.encode()), 13])
    sensor = SENSORS[scene.sensors[int(rng.integers(len(scene.sensors)))]]
    exposure = float(np.clip(np.exp(rng.normal(-0.05, 0.25)), 0.55, 1.7))
    angle, astray = rng.uniform(-np.pi, np.pi), rng.uniform(1, sensor.astray)
    off = (round(astray * np.cos(angle), 1), round(astray * np.sin(angle), 1)) if rng.random() < 0.5 else (0.0, 0.0)
    floor = sensor.depth.signal_floor * float(np.exp(rng.normal(0, 0.7)))
    depth = replace(sensor.depth, misaligned=off, signal_floor=floor)
    if scene.cut_off and rng.random() < 0.5:
        depth = replace(depth, far=min(depth.far, float(rng.uniform(*scene.cut_off))))
    return SimCamera(sensor.intrinsics, depth, replace(sensor.color, exposure=exposure))

"""Size and heading of what is tracked, from all the boxes it was lifted to."""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.geometry import matrix_from_quaternion
from spatial_llava_ros.types import Object3D

_SIZES, _ROOM = 0.15, 0.015  # share of a side, and metres, that the object's own box may come out wrong by


class Form:
    """A box without a place. Metres, radians, in the frame that is tracked in.

    Attributes:
        rotation: (3, 3) reference_from_box.
        yaw_var: of its heading.
        size, size_var: (3,) of its sides.
    """

    def __init__(self, target: Object3D) -> None:
        """target: with a pose."""
        self.rotation = matrix_from_quaternion(target.orientation)
        self.yaw_var = 0.05 if target.covariance is None else float(np.clip(target.covariance[5, 5], 1e-4, 3.0))
        self.size = np.maximum(np.asarray(target.size, np.float64), 0.005)
        std = 0.1 * self.size if target.size_std is None else target.size_std
        self.size_var = np.maximum(np.square(std), 1e-6)

    def fits(self, lifted: Object3D) -> bool:
        """Whether a lifted box can be the object's: else the mask has something of another thing, or lacks a part."""
        own, found = np.sort(self.size[:2]), np.sort(lifted.size[:2])
        ratio = np.append(found / own, lifted.size[2] / self.size[2])
        return bool((np.abs(ratio - 1) < _SIZES + _ROOM / np.append(own, self.size[2])).all())

    def fuse(self, lifted: Object3D, reference_from_camera: np.ndarray) -> None:
        """Take in a box that fits; which of its horizontal sides is the longer one may be a toss-up.

        Args:
            reference_from_camera: (3, 3).
        """
        found = reference_from_camera @ matrix_from_quaternion(lifted.orientation)
        angle = float(np.arctan2(self.rotation[:, 1] @ found[:, 0], self.rotation[:, 0] @ found[:, 0]))
        size, var = lifted.size, np.square(lifted.size_std) + 1e-6
        quarters = round(angle / (np.pi / 2))
        if quarters % 2:
            size, var = size[[1, 0, 2]], var[[1, 0, 2]]
        gain = np.maximum(self.size_var / (self.size_var + var), 0.02)
        self.size = self.size + gain * (size - self.size)
        self.size_var = np.maximum((1 - gain) * self.size_var, (0.02 * self.size) ** 2)
        if lifted.yaw_period > 0:
            angle -= quarters * np.pi / 2
            yaw_var = float(max(lifted.covariance[5, 5], 1e-4))
            gain = max(self.yaw_var / (self.yaw_var + yaw_var), 0.05)
            self.yaw_var = max((1 - gain) * self.yaw_var, 0.1 * yaw_var)
            c, s = np.cos(gain * angle), np.sin(gain * angle)
            self.rotation = self.rotation @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])

    @property
    def covariance(self) -> np.ndarray:
        """(3, 3) of rotations about the axes of the frame."""
        return self.rotation @ np.diag([1e-3, 1e-3, self.yaw_var]) @ self.rotation.T

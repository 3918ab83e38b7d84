"""What is true of a simulated frame: the objects as they are and as they appear, and the relations that hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spatial_llava_ros.types import Box, RgbdFrame


@dataclass(frozen=True, eq=False)
class TrueObject:
    """An object of a frame.

    Attributes:
        id: its value in `SimFrame.instance`.
        category: noun.
        color: colour word of the whole.
        also: colour words a person could use for a large part of it.
        material: material word.
        box_visible: tight box of its visible pixels.
        box_amodal: tight box of its whole silhouette; may reach outside the picture.
        visible_fraction: 0..1, share of its whole silhouette that is seen.
        pixels: visible pixels.
        world_from_object: (4, 4) pose of its upright box: z up, x along the longer horizontal side.
        size: (3,) full sides of the box, metres.
        yaw_period: turn after which the box looks the same: pi, pi/2 (square) or 0 (round).
        supporter: id of the object that carries it, 0 for table, shelf or floor.
        container: id of the object it lies in, 0 for none.
        upright: False when it lies on its side.
    """

    id: int
    category: str
    color: str
    also: tuple[str, ...]
    material: str
    box_visible: Box
    box_amodal: Box
    visible_fraction: float
    pixels: int
    world_from_object: np.ndarray
    size: np.ndarray
    yaw_period: float
    supporter: int
    container: int
    upright: bool

    @property
    def position(self) -> np.ndarray:
        """(3,) centre of the box in the world."""
        return self.world_from_object[:3, 3]

    def camera_from_object(self, world_from_camera: np.ndarray) -> np.ndarray:
        """(4, 4) pose of the box in the camera's optical frame."""
        return np.linalg.inv(world_from_camera) @ self.world_from_object

    def corners(self) -> np.ndarray:
        """(8, 3) corners of the box in the world."""
        signs = np.array([[i, j, k] for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)]) / 2
        return signs * self.size @ self.world_from_object[:3, :3].T + self.world_from_object[:3, 3]


@dataclass(frozen=True, eq=False)
class SimFrame:
    """A rendered frame with its truth.

    Attributes:
        frame: what a camera would give.
        instance: (H, W) int32, object ids; 0 for walls, floor, table or shelf.
        objects: those with at least one visible pixel, by id.
    """

    frame: RgbdFrame
    instance: np.ndarray
    objects: tuple[TrueObject, ...]

    def object(self, number: int) -> TrueObject:
        """The object with an id; KeyError when it is not in the frame."""
        for candidate in self.objects:
            if candidate.id == number:
                return candidate
        raise KeyError(number)

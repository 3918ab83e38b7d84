"""A model: the parts of one household object in its own frame, before it is put into a scene.

The model frame has z up as the thing usually stands, z = 0 at its lowest point.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spatial_llava_ros.sim.mesh import Mesh
from spatial_llava_ros.sim.surface import Surface


@dataclass(frozen=True, eq=False)
class Part:
    """A mesh and what it is painted with."""

    mesh: Mesh
    surface: Surface


@dataclass(frozen=True, eq=False)
class Cavity:
    """Where contents go: a floor at height z, open upward.

    Attributes:
        z: height of the floor in the model frame.
        profile: (K, 2) radius and z of the inner wall of a round container from the floor up; for a rectangular one
            the radius is that of the largest circle inside.
        rim: height of the rim.
    """

    z: float
    profile: np.ndarray
    rim: float


@dataclass(frozen=True, eq=False)
class Model:
    """A household object.

    Attributes:
        category: the noun for it.
        color: the colour word for the whole thing.
        also: colour words a person could use for a large part of it.
        material: the material word for the main part.
        parts: meshes with surfaces.
        round: a turn about z leaves it as it is.
        ball: radius when it is a sphere, else None.
        lies: axis to tip it about ("x" or "y") when it may lie on its side, else empty.
        carries: its top is flat and firm enough to put another thing on.
        cavity: where contents go, or None.
        faces: it has a front, towards -y of the model frame (screen, seat).
    """

    category: str
    color: str
    material: str
    parts: tuple[Part, ...]
    also: tuple[str, ...] = ()
    round: bool = False
    ball: float | None = None
    lies: str = ""
    carries: bool = False
    cavity: Cavity | None = None
    faces: bool = False

    def vertices(self) -> np.ndarray:
        """(V, 3) of all parts, model frame."""
        return np.concatenate([p.mesh.vertices for p in self.parts])

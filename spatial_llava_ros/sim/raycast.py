"""Rays against the triangles of a scene, by Embree through Open3D's RaycastingScene (CPU, no OpenGL).

The only module that imports Open3D, and only when rays are cast: it is slow to import.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spatial_llava_ros.errors import MissingDependencyError
from spatial_llava_ros.sim.mesh import Mesh


@dataclass(frozen=True, eq=False)
class Hits:
    """First hits of rays. t (…) float32 in units of the direction, inf for none; triangle (…) int64, -1 for none;
    uv (…, 2) barycentric; normal (…, 3) of the triangle."""

    t: np.ndarray
    triangle: np.ndarray
    uv: np.ndarray
    normal: np.ndarray


class RayCaster:
    """Triangles that rays can be cast at."""

    def __init__(self, mesh: Mesh) -> None:
        """
        Raises:
            MissingDependencyError: Open3D is not installed or cannot load its system libraries.
        """
        try:
            import open3d as o3d
        except (ImportError, OSError) as error:
            raise MissingDependencyError(f"the simulator needs Open3D: pip install open3d ({error})") from error
        self._tensor = o3d.core.Tensor.from_numpy
        self._scene = o3d.t.geometry.RaycastingScene()
        self._scene.add_triangles(
            self._tensor(np.ascontiguousarray(mesh.vertices, np.float32)),
            self._tensor(np.ascontiguousarray(mesh.triangles, np.uint32)),
        )

    def cast(self, rays: np.ndarray) -> Hits:
        """First hits of rays (…, 6) float32: origin, direction; directions need not be of unit length."""
        out = self._scene.cast_rays(self._tensor(rays))
        triangle = out["primitive_ids"].numpy().astype(np.int64)
        t = out["t_hit"].numpy()
        triangle[~np.isfinite(t)] = -1
        return Hits(t, triangle, out["primitive_uvs"].numpy(), out["primitive_normals"].numpy())

    def blocked(self, rays: np.ndarray) -> np.ndarray:
        """(…) bool: something lies between origin and origin + direction of rays (…, 6) float32."""
        return self._scene.test_occlusions(self._tensor(rays), tnear=0.0, tfar=1.0).numpy()


def rays_from(origins: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Rays (…, 6) float32 from origins (3,) or (…, 3) along directions (…, 3)."""
    rays = np.empty((*directions.shape[:-1], 6), np.float32)
    rays[..., :3] = origins
    rays[..., 3:] = directions
    return rays

"""Triangle meshes made by lofting rings: every shape in the simulator is rings of points, joined and capped.

A ring is an (N, 3) array of points in order; all rings of a loft have the same N. Lengths are metres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Mesh:
    """vertices (V, 3) float64 in metres; triangles (F, 3) int64, all wound the same way."""

    vertices: np.ndarray
    triangles: np.ndarray

    def moved(self, a_from_b: np.ndarray) -> Mesh:
        """The same mesh with its vertices taken through a (4, 4) affine transform."""
        return Mesh(self.vertices @ a_from_b[:3, :3].T + a_from_b[:3, 3], self.triangles)


def join(*meshes: Mesh) -> Mesh:
    """One mesh of several."""
    offsets = np.cumsum([0] + [len(m.vertices) for m in meshes[:-1]])
    return Mesh(
        np.concatenate([m.vertices for m in meshes]),
        np.concatenate([m.triangles + o for m, o in zip(meshes, offsets, strict=True)]),
    )


def loft(rings: list[np.ndarray], caps: bool = True, loop: bool = False) -> Mesh:
    """Skin over successive rings; `caps` closes both ends with a fan, `loop` joins the last ring to the first."""
    stack = np.asarray(rings, np.float64)
    count, n, _ = stack.shape
    index = np.arange(count * n).reshape(count, n)
    if loop:
        index = np.concatenate([index, index[:1]])
    a, b = index[:-1], np.roll(index[:-1], -1, axis=1)
    c, d = np.roll(index[1:], -1, axis=1), index[1:]
    triangles = [np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)]
    vertices = [stack.reshape(-1, 3)]
    if caps and not loop:
        first, last = count * n, count * n + 1
        vertices.append(np.stack([stack[0].mean(0), stack[-1].mean(0)]))
        edge = np.arange(n)
        after = np.roll(edge, -1)
        triangles.append(np.stack([np.full(n, first), after, edge], -1))
        top = (count - 1) * n
        triangles.append(np.stack([np.full(n, last), top + edge, top + after], -1))
    return _welded(np.concatenate(vertices), np.concatenate(triangles))


def _welded(vertices: np.ndarray, triangles: np.ndarray) -> Mesh:
    """Coincident vertices become one, so that normals are smooth across seams; empty triangles go."""
    _, first, inverse = np.unique(np.round(vertices, 6), axis=0, return_index=True, return_inverse=True)
    triangles = inverse.reshape(-1)[triangles]
    a, b, c = triangles.T
    return Mesh(vertices[first], triangles[(a != b) & (b != c) & (c != a)])


def circle(radius: float, z: float = 0.0, n: int = 36) -> np.ndarray:
    """Ring (n, 3) about the z axis."""
    angle = np.arange(n) * (2 * np.pi / n)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), np.full(n, z)], -1)


def lathe(profile: list[tuple[float, float]], n: int = 36, caps: bool = True) -> Mesh:
    """Surface of revolution about z of a profile of (radius, z), given from the bottom axis outward and up."""
    return loft([circle(r, z, n) for r, z in profile], caps)


def rounded_rectangle(x: float, y: float, radius: float, z: float = 0.0, corner: int = 4) -> np.ndarray:
    """Ring (4 (corner + 1), 3): a rectangle of sides x, y about the z axis with rounded corners."""
    radius = min(radius, 0.499 * min(x, y))
    angle = np.linspace(0, np.pi / 2, corner + 1)
    arc = radius * np.stack([np.cos(angle), np.sin(angle)], -1) + [x / 2 - radius, y / 2 - radius]
    flip = [-1, 1]
    ring = np.concatenate([arc, arc[::-1] * flip, -arc, (arc * flip)[::-1] * -1])
    return np.concatenate([ring, np.full((len(ring), 1), z)], -1)


def box(x: float, y: float, z: float, radius: float = 0.0) -> Mesh:
    """Box of sides x, y, z on z = 0 about the z axis; `radius` rounds its upright edges and bevels the others."""
    if radius <= 0:
        ring = np.array([[1, 1, 0], [-1, 1, 0], [-1, -1, 0], [1, -1, 0]]) * [x / 2, y / 2, 0]
        return loft([ring, ring + np.array([0, 0, z])])
    radius = min(radius, 0.45 * min(x, y, z))
    levels = [(0, 0.7), (0.3, 0.2), (1, 0)]
    insets = [(radius * h, radius * i) for h, i in levels] + [(z - radius * h, radius * i) for h, i in levels[::-1]]
    return loft([rounded_rectangle(x - 2 * i, y - 2 * i, radius, h) for h, i in insets])


def tube(path: np.ndarray, radius: float | np.ndarray, n: int = 12, flat: float = 1.0) -> Mesh:
    """Round bar along a path (K, 3), of constant or per-point radius; `flat` squashes it across the path's plane."""
    path = np.asarray(path, np.float64)
    tangent = np.gradient(path, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    # One reference direction for the whole path keeps the rings from twisting: the path's flattest axis.
    _, _, axes = np.linalg.svd(path - path.mean(0))
    side = axes[2] - tangent * (tangent @ axes[2])[:, None]
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    other = np.cross(tangent, side)
    angle = np.arange(n) * (2 * np.pi / n)
    radius = np.broadcast_to(radius, len(path))[:, None, None]
    rings = path[:, None] + radius * (
        flat * np.cos(angle)[None, :, None] * side[:, None] + np.sin(angle)[None, :, None] * other[:, None]
    )
    return loft(list(rings))


def ellipsoid(x: float, y: float, z: float, n: int = 28) -> Mesh:
    """Ellipsoid of diameters x, y, z about the origin."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, n // 2 + 1)
    return loft([circle(np.cos(a) / 2, np.sin(a) / 2, n) * [x, y, z] for a in angle])


def translation(x: float = 0.0, y: float = 0.0, z: float = 0.0) -> np.ndarray:
    """(4, 4) transform that shifts."""
    matrix = np.eye(4)
    matrix[:3, 3] = x, y, z
    return matrix


def scaling(x: float, y: float, z: float) -> np.ndarray:
    """(4, 4) transform that stretches along the axes."""
    return np.diag([x, y, z, 1.0])


def rotation(axis: str, angle: float) -> np.ndarray:
    """(4, 4) transform that turns by an angle in radians about one of the axes "x", "y", "z"."""
    i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    matrix = np.eye(4)
    matrix[i, i] = matrix[j, j] = np.cos(angle)
    matrix[i, j], matrix[j, i] = -np.sin(angle), np.sin(angle)
    return matrix


def corner_normals(mesh: Mesh, crease: float = 0.7) -> np.ndarray:
    """Normals (F, 3, 3) at the corners of each triangle, smooth unless faces meet at more than `crease` radians."""
    p = mesh.vertices[mesh.triangles]
    area = np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0])
    unit = area / np.maximum(np.linalg.norm(area, axis=1, keepdims=True), 1e-20)
    corner = np.argsort(mesh.triangles.ravel(), kind="stable")
    vertex = mesh.triangles.ravel()[corner]
    # All ordered pairs of corners that share a vertex.
    size = np.bincount(vertex, minlength=len(mesh.vertices))
    start = np.cumsum(size) - size
    repeat = size[vertex]
    left = np.repeat(np.arange(len(corner)), repeat)
    step = np.arange(len(left)) - np.repeat(np.cumsum(repeat) - repeat, repeat)
    right = start[vertex[left]] + step
    face_left, face_right = corner[left] // 3, corner[right] // 3
    near = (unit[face_left] * unit[face_right]).sum(1) > np.cos(crease)
    total = np.zeros((len(corner), 3))
    for k in range(3):
        total[:, k] = np.bincount(corner[left[near]], weights=area[face_right[near], k], minlength=len(corner))
    total /= np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-20)
    return total.reshape(-1, 3, 3)

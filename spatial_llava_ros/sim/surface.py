"""What a part is made of and painted with: a texture picture, how it is laid on, and how it takes light.

Textures are small pictures in linear reflectance, laid on in the frame of the model they belong to, so that a label
stays on its can when the can lies down.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Material:
    """Response to light. specular 0..1 strength of the highlight, gloss its Phong exponent, infrared how much of the
    depth camera's pattern comes back compared with visible light, shine how much is lost as mirror reflection."""

    name: str
    specular: float
    gloss: float
    infrared: float = 1.0
    shine: float = 0.0


MATERIALS = {
    m.name: m
    for m in (
        Material("plastic", 0.25, 40, 1.0, 0.15),
        Material("metal", 0.6, 60, 0.9, 0.7),
        Material("wood", 0.06, 15),
        Material("glass", 0.8, 120, 0.5, 0.8),
        Material("ceramic", 0.4, 80, 1.0, 0.3),
        Material("fabric", 0.0, 1),
        Material("paper", 0.03, 8),
        Material("rubber", 0.08, 10, 0.8),
        Material("plaster", 0.0, 1),
        Material("leaf", 0.1, 20, 1.2),
        Material("fruit", 0.15, 25),
        Material("screen", 0.5, 200, 0.25, 0.8),
        Material("carton", 0.12, 25, 1.0, 0.1),
        Material("tin", 0.35, 50, 1.0, 0.4),
        Material("foil", 0.5, 30, 0.9, 0.5),
        Material("window", 0.6, 200, 0.0, 1.0),
    )
}


@dataclass(frozen=True, eq=False)
class Surface:
    """A texture and its material.

    Attributes:
        texture: (h, w, 3) float32 linear reflectance 0..1; (1, 1, 3) is a plain colour.
        material: key of MATERIALS.
        mapping: "cube" lays the texture on the axis plane that faces the surface most, one copy per `scale` metres;
            "face" stretches one copy over `low`..`high` of the surface's axis plane; "carton" does the same with
            the left, middle and right third of the texture on the planes across x, y and z; "cylinder" wraps it once
            around z between the heights `low[2]` and `high[2]`, its first row on top.
        scale: metres per copy for "cube".
        low, high: (3,) the extent that "face", "carton" and "cylinder" cover, metres.
        emission: light given off, relative to a white surface in full light.
    """

    texture: np.ndarray
    material: str = "plastic"
    mapping: str = "cube"
    scale: float = 1.0
    low: tuple[float, float, float] = (0.0, 0.0, 0.0)
    high: tuple[float, float, float] = (1.0, 1.0, 1.0)
    emission: float = 0.0


def sample(surface: Surface, points: np.ndarray, normals: np.ndarray, pixel: float) -> np.ndarray:
    """Reflectance (n, 3) float32 at points (n, 3) with normals (n, 3), both in the model's frame.

    Args:
        pixel: metres that one picture element covers there; finer detail of the texture is averaged away.
    """
    texture = surface.texture
    height, width = texture.shape[:2]
    if height == 1 and width == 1:
        return np.broadcast_to(texture[0, 0], (len(points), 3))
    if surface.mapping == "cylinder":
        u = np.arctan2(points[:, 1], points[:, 0]) / np.float32(2 * np.pi) + np.float32(0.5)
        v = (surface.high[2] - points[:, 2]) / (surface.high[2] - surface.low[2])
        metres = (surface.high[2] - surface.low[2]) / height
    else:
        # Written by columns: NumPy's reductions and gathers over rows of three are several times slower.
        (x, y, z), (nx, ny, nz) = points.T, normals.T
        along_x = (np.abs(nx) >= np.abs(ny)) & (np.abs(nx) >= np.abs(nz))
        along_z = ~along_x & (np.abs(nz) > np.abs(ny))
        u, v = np.where(along_x, y, x), np.where(along_z, y, z)
        if surface.mapping in ("face", "carton"):
            low, high = np.asarray(surface.low, np.float32), np.asarray(surface.high, np.float32)
            span = np.maximum(high - low, 1e-6)
            u = (u - np.where(along_x, low[1], low[0])) / np.where(along_x, span[1], span[0])
            v = 1 - (v - np.where(along_z, low[1], low[2])) / np.where(along_z, span[1], span[2])
            # Seen from outside, writing reads from left to right on every face.
            u = np.where(np.where(along_x, nx, np.where(along_z, nz, -ny)) < 0, 1 - u, u)
            # One of the three is the depth of the picture, which may be anything.
            metres = float(np.sort(span)[1]) / max(height, width)
            if surface.mapping == "carton":
                metres *= 3
                third = np.where(along_x, np.float32(0), np.where(along_z, np.float32(2), np.float32(1)))
                u = (third + np.clip(u, 0.01, 0.99)) / 3
        else:
            u, v = u / surface.scale, v / surface.scale
            metres = surface.scale / max(height, width)
    shrink = int(pixel / metres)
    if shrink > 1:
        width, height = max(1, width // shrink), max(1, height // shrink)
        texture = cv2.resize(texture, (width, height), interpolation=cv2.INTER_AREA)
    if surface.mapping != "cube":
        v = np.clip(v, 0, 1 - 1e-4)
    return _remap(texture, u * width - 0.5, v * height - 0.5)


def _remap(texture: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Bilinear, periodic look-up; cv2.remap wants two-dimensional maps below 32768 on a side."""
    n, row = len(x), 256
    padded = -(-n // row) * row
    maps = np.zeros((2, padded), np.float32)
    maps[0, :n] = x
    maps[1, :n] = y
    maps = maps.reshape(2, -1, row)
    out = cv2.remap(texture, maps[0], maps[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return out.reshape(padded, 3)[:n]

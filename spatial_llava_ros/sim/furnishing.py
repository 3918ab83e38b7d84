"""What scenes have in common: walls and floor, lights, a table, and how things are turned when they are put down."""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.sim import textures
from spatial_llava_ros.sim.colors import shade
from spatial_llava_ros.sim.mesh import box, join, rotation, translation
from spatial_llava_ros.sim.model import Model, Part
from spatial_llava_ros.sim.scene import Light, Placed
from spatial_llava_ros.sim.surface import Surface


def walls_and_floor(
    rng: np.random.Generator, front: float, back: float, left: float, right: float, height: float
) -> list[Part]:
    """Floor, walls and skirting around x in -front..back, y in -right..left."""
    wall = shade(str(rng.choice(["white", "white", "grey"])), rng) * rng.uniform(0.85, 1.0)
    wall = np.clip(wall + rng.uniform(-14, 14, 3), 0, 245)
    style = rng.integers(3)
    if style == 0:
        floor = Surface(textures.wood(rng, shade("brown", rng) * rng.uniform(1.0, 1.5), 6), "wood", scale=0.9)
    elif style == 1:
        color = shade("grey", rng)
        floor = Surface(textures.tiles(rng, color, color * rng.uniform(0.85, 1.1)), "ceramic", scale=0.8)
    else:
        floor = Surface(textures.grain(rng, rng.uniform(90, 170) + rng.uniform(-12, 12, 3), 12), "fabric", scale=0.3)
    x, y = front + back, left + right
    cx, cy = (back - front) / 2, (left - right) / 2
    ground = box(x, y, 0.1).moved(translation(cx, cy, -0.1))
    sides = [
        box(0.1, y, height).moved(translation(back + 0.05, cy)),
        box(0.1, y, height).moved(translation(-front - 0.05, cy)),
        box(x, 0.1, height).moved(translation(cx, left + 0.05)),
        box(x, 0.1, height).moved(translation(cx, -right - 0.05)),
    ]
    skirting = [
        box(0.012, y, 0.08).moved(translation(back - 0.006, cy)),
        box(x, 0.012, 0.08).moved(translation(cx, left - 0.006)),
        box(x, 0.012, 0.08).moved(translation(cx, -right + 0.006)),
    ]
    return [
        Part(ground, floor),
        Part(join(*sides), Surface(textures.grain(rng, wall, 2), "plaster", scale=0.7)),
        Part(join(*skirting), Surface(textures.plain(np.array([225, 222, 215])), "plastic")),
    ]


def room_lights(rng: np.random.Generator, x: float, y: float, height: float) -> tuple[tuple[Light, ...], tuple]:
    """A main light with a soft edge, a weaker one, and what the room throws back; mildly tinted."""
    warm = rng.uniform(-0.06, 0.1)
    tint = np.array([1 + warm, 1, 1 - 1.2 * warm])
    angle = rng.uniform(-np.pi, np.pi)
    key = np.array([x + rng.uniform(0.3, 1.0) * np.cos(angle), y + rng.uniform(0.3, 1.0) * np.sin(angle), height])
    other = np.array([x - 1.2 * np.cos(angle), y - 1.2 * np.sin(angle), height - rng.uniform(0, 0.5)])
    power = rng.uniform(0.55, 0.8) * tint
    return (
        Light(tuple(key), rng.uniform(0.06, 0.2), tuple(power)),
        Light(tuple(other), 0.25, tuple(0.35 * power[::-1])),
    ), tuple(rng.uniform(0.3, 0.42) * tint)


def work_table(rng: np.random.Generator, width: float, depth: float, height: float) -> list[Part]:
    """Table with four legs, width along y, depth along x."""
    style = rng.integers(4)
    if style <= 1:
        color = np.array([[150, 105, 62], [196, 158, 110], [96, 62, 38]][rng.integers(3)]) * rng.uniform(0.9, 1.1)
        surface = Surface(textures.wood(rng, color), "wood", scale=0.7)
    elif style == 2:
        surface = Surface(textures.grain(rng, np.full(3, rng.uniform(185, 235)), 3), "wood", scale=0.5)
    else:
        cloth = shade(str(rng.choice(["white", "grey"])), rng)
        other = shade(str(rng.choice(["grey", "white", "blue"])), rng)
        surface = Surface(textures.tiles(rng, cloth, 0.8 * cloth + 0.2 * other, 4), "fabric", scale=0.24)
    top = box(depth, width, 0.03, 0.004).moved(translation(z=height - 0.03))
    legs = [
        box(0.05, 0.05, height - 0.03).moved(translation(i * (depth / 2 - 0.05), j * (width / 2 - 0.05)))
        for i in (-1, 1)
        for j in (-1, 1)
    ]
    return [Part(top, surface), Part(join(*legs), surface)]


def tipped(rng: np.random.Generator, model: Model, chance: float) -> np.ndarray | None:
    """Perhaps lay a thing on its side."""
    if model.lies and rng.random() < chance:
        return rotation(model.lies, np.pi / 2)
    return None


def facing(rng: np.random.Generator, model: Model, spread: float = 0.8) -> float | None:
    """Fronts look about where the viewer is (-x); what has no front is turned at random."""
    return -np.pi / 2 + rng.uniform(-spread, spread) if model.faces else None


def steady(placed: Placed) -> bool:
    """Flat on top and not so slender that nobody would put anything on it."""
    _, y, z = placed.size
    return placed.model.carries and placed.world_from_model[2, 2] > 0.9 and y > 0.45 * z

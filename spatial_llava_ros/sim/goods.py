"""Solid things of the table: box, book, ball and the rest. Each function draws one at random and returns a Model."""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.sim import textures
from spatial_llava_ros.sim.colors import VIVID, shade
from spatial_llava_ros.sim.mesh import box as box_mesh
from spatial_llava_ros.sim.mesh import ellipsoid, join, translation
from spatial_llava_ros.sim.model import Model, Part
from spatial_llava_ros.sim.surface import Surface

Rng = np.random.Generator


def _extent(mesh) -> dict[str, tuple[float, float, float]]:
    return {"low": tuple(mesh.vertices.min(0)), "high": tuple(mesh.vertices.max(0))}


def box(rng: Rng) -> Model:
    """Carton, 6 to 28 cm long, printed or plain."""
    printed = rng.random() < 0.75
    color = str(rng.choice([*VIVID, "white", "brown"] if printed else ["brown", "brown", "white", "grey", "black"]))
    sides = np.sort(rng.uniform([0.035, 0.06, 0.09], [0.08, 0.16, 0.26]))
    order = rng.permutation(3)
    mesh = box_mesh(*sides[order], 0.0015)
    paint = shade(color, rng)
    if printed:
        accent = paint * 0.6 if rng.random() < 0.5 else shade(str(rng.choice(["white", "black"])), rng)
        text = shade("black" if color in ("white", "yellow") else "white", rng)
        surface = Surface(textures.carton(rng, paint, accent, text), "paper", "face", **_extent(mesh))
    else:
        surface = Surface(textures.grain(rng, paint, 4), "paper", scale=0.15)
    return Model("box", color, "paper", (Part(mesh, surface),), carries=True)


def book(rng: Rng) -> Model:
    """Book lying flat: covers, spine and paper block, 16 to 30 cm tall as a book."""
    color = str(rng.choice([*VIVID, "black", "brown", "grey"]))
    length = rng.uniform(0.17, 0.29)
    width, thick = length * rng.uniform(0.64, 0.76), rng.uniform(0.012, 0.045)
    cover, lip = 0.0022, 0.004
    bottom = box_mesh(width, length, cover)
    top = bottom.moved(translation(z=thick - cover))
    spine = box_mesh(cover, length, thick).moved(translation(x=-width / 2 + cover / 2))
    block = box_mesh(width - lip - cover, length - 2 * lip, thick - 2 * cover).moved(
        translation(x=(cover - lip) / 2, z=cover)
    )
    paint = shade(color, rng)
    ink = shade("white" if color != "yellow" else "black", rng)
    extent = {"low": (-width / 2, -length / 2, -1.0), "high": (width / 2, length / 2, 1.0)}
    plain = Surface(textures.plain(paint), "paper")
    parts = (
        Part(join(bottom, spine), plain),
        Part(top, Surface(textures.book_cover(rng, paint, ink), "paper", "face", **extent)),
        Part(block, Surface(textures.pages(rng), "paper", scale=0.03)),
    )
    return Model("book", color, "paper", parts, carries=True)


def ball(rng: Rng) -> Model:
    """Ball, 6 to 20 cm across: plain, striped or dotted."""
    color = str(rng.choice(VIVID))
    radius = float(rng.choice([rng.uniform(0.03, 0.04), rng.uniform(0.045, 0.1)]))
    mesh = ellipsoid(2 * radius, 2 * radius, 2 * radius, 40).moved(translation(z=radius))
    paint = shade(color, rng)
    style = rng.integers(3)
    texture = textures.grain(rng, paint, 3)
    if style == 0:
        texture = textures.stripes(paint, shade("white", rng), 1, 0.18)
    surface = Surface(texture, "rubber", "cylinder" if style == 0 else "cube", 0.1, high=(0, 0, 2 * radius))
    return Model("ball", color, "rubber", (Part(mesh, surface),), round=True, ball=radius)

"""Things of the table that hold something: mug, cup, bowl, plate, bottle, can, jar, vase, pot, bin.

Each function draws one at random, with sizes of the real things, and returns a Model.
"""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.sim import textures
from spatial_llava_ros.sim.colors import NEUTRAL, VIVID, shade
from spatial_llava_ros.sim.mesh import join, lathe, tube
from spatial_llava_ros.sim.model import Cavity, Model, Part
from spatial_llava_ros.sim.surface import Surface

Rng = np.random.Generator


def _pick(rng: Rng, *words: str) -> str:
    return str(rng.choice(words))


def _contrast(rng: Rng, word: str) -> str:
    """A neutral colour that shows on `word`."""
    return "black" if word in ("white", "yellow", "grey", "pink", "orange") and rng.random() < 0.7 else "white"


def _vessel(outer: list[tuple[float, float]], wall: float, floor: float) -> tuple[list[tuple[float, float]], np.ndarray]:
    """Closed profile of a hollow vessel from its outer profile, and the profile of its inner wall (from the floor up)."""
    inner = [(max(r - wall, 1e-3), z) for r, z in outer if z > floor]
    inner_floor = float(np.interp(floor, [z for _, z in outer], [r for r, _ in outer])) - wall
    inner = [(max(inner_floor, 1e-3), floor), *inner]
    return [(0.0, outer[0][1]), *outer, *inner[::-1], (0.0, floor)], np.array(inner)


def mug(rng: Rng) -> Model:
    """Mug with a handle, 8 to 11 cm high."""
    color = _pick(rng, *VIVID, *NEUTRAL, "white")
    radius, height = rng.uniform(0.038, 0.046), rng.uniform(0.085, 0.11)
    taper = rng.uniform(0.88, 1.0)
    outer = [(radius * taper * 0.92, 0.0), (radius * taper, 0.006), (radius, height * 0.6), (radius, height)]
    profile, inner = _vessel(outer, 0.0035, 0.006)
    angle = np.linspace(-1.45, 1.45, 14)
    reach = rng.uniform(0.026, 0.034)
    arc = np.stack([radius * 0.97 + reach * np.cos(angle) - 0.004, 0 * angle, height * (0.52 + 0.33 * np.sin(angle))], -1)
    handle = tube(arc, rng.uniform(0.0045, 0.006), 10)
    paint = shade(color, rng)
    style = rng.integers(3)
    if style == 0:
        texture = textures.stripes(paint, shade(_contrast(rng, color), rng), 2, 0.15)
    elif style == 1:
        ink = shade(_contrast(rng, color), rng)
        texture = textures.wrap_label(rng, paint, paint, ink, 0.25, 0.75)
    else:
        texture = textures.plain(paint)
    body = Surface(texture, "ceramic", "cylinder", high=(0, 0, height))
    parts = (Part(lathe(profile), body), Part(handle, Surface(textures.plain(paint), "ceramic")))
    return Model("mug", color, "ceramic", parts, cavity=Cavity(0.006, inner, height))


def cup(rng: Rng) -> Model:
    """Tumbler without a handle, 8 to 13 cm high."""
    color = _pick(rng, *VIVID, "white", "black")
    bottom, top, height = rng.uniform(0.027, 0.032), rng.uniform(0.036, 0.044), rng.uniform(0.08, 0.13)
    profile, inner = _vessel([(bottom, 0.0), (top, height)], 0.002, 0.004)
    paint = shade(color, rng)
    texture = textures.plain(paint)
    if rng.random() < 0.4:
        texture = textures.stripes(paint, shade(_contrast(rng, color), rng), 3, 0.2)
    part = Part(lathe(profile), Surface(texture, "plastic", "cylinder", high=(0, 0, height)))
    return Model("cup", color, "plastic", (part,), round=True, cavity=Cavity(0.004, inner, height))


def bowl(rng: Rng) -> Model:
    """Bowl, 12 to 24 cm across."""
    color = _pick(rng, *VIVID, "white", "brown")
    radius = rng.uniform(0.06, 0.12)
    height = radius * rng.uniform(0.6, 0.8)
    foot = 0.45 * radius
    angle = np.linspace(0.12, 1.0, 9) * np.pi / 2
    outer = [(foot * 0.9, 0.0), (foot, 0.006)]
    outer += [(foot + (radius - foot) * np.sin(a), 0.006 + (height - 0.006) * (1 - np.cos(a))) for a in angle]
    profile, inner = _vessel(outer, 0.004, 0.009)
    wood = rng.random() < 0.3 or color == "brown"
    if wood:
        color = "brown"
    paint = shade(color, rng)
    surface = Surface(textures.wood(rng, paint), "wood", scale=0.3) if wood else Surface(textures.plain(paint), "ceramic")
    part = Part(lathe(profile, 48), surface)
    return Model(
        "bowl", color, "wood" if wood else "ceramic", (part,), round=True, cavity=Cavity(0.009, inner, height)
    )


def plate(rng: Rng) -> Model:
    """Plate, 17 to 27 cm across."""
    color = _pick(rng, "white", "white", "blue", "green", "yellow", "grey", "red", "pink")
    radius = rng.uniform(0.085, 0.135)
    height = rng.uniform(0.016, 0.024)
    profile = [
        (0, 0), (0.55 * radius, 0), (0.7 * radius, 0.004), (radius, height), (radius, height + 0.002),
        (0.68 * radius, 0.008), (0.6 * radius, 0.0045), (0, 0.0045),
    ]  # fmt: skip
    part = Part(lathe(profile, 48), Surface(textures.plain(shade(color, rng)), "ceramic"))
    inner = np.array([(0.58 * radius, 0.0045), (0.7 * radius, 0.009), (radius, height + 0.002)])
    return Model("plate", color, "ceramic", (part,), round=True, cavity=Cavity(0.0045, inner, height + 0.002))


def bottle(rng: Rng) -> Model:
    """Bottle with a neck and a cap, 17 to 30 cm high; plastic or glass."""
    color = _pick(rng, "green", "blue", "yellow", "white", "red", "orange", "brown", "purple", "pink")
    radius, height = rng.uniform(0.029, 0.042), rng.uniform(0.17, 0.30)
    neck = rng.uniform(0.011, 0.015)
    shoulder = height * rng.uniform(0.58, 0.68)
    angle = np.linspace(0, np.pi / 2, 7)
    curve = [(neck + (radius - neck) * np.cos(a), shoulder + 0.2 * height * np.sin(a)) for a in angle]
    top = height - 0.024
    body = lathe([(0, 0), (radius * 0.93, 0), (radius, 0.008), *curve, (neck, top), (0, top)])
    cap_radius = neck * 1.25
    cap = lathe([(0, top - 0.004), (cap_radius, top - 0.004), (cap_radius, height - 0.002), (cap_radius * 0.9, height), (0, height)])
    paint = shade(color, rng)
    label = shade(_contrast(rng, color), rng) if rng.random() < 0.6 else paint * 0.75
    ink = paint if label.mean() > 150 or label.mean() < 60 else shade("white", rng)
    low, high = 0.12, shoulder / height * 0.9
    texture = textures.wrap_label(rng, paint, label, ink, low, high if rng.random() < 0.4 else low + 0.6 * (high - low))
    material = "glass" if color in ("green", "brown") and rng.random() < 0.4 else "plastic"
    cap_color = _pick(rng, color, "white", "black")
    parts = (
        Part(body, Surface(texture, material, "cylinder", high=(0, 0, height))),
        Part(cap, Surface(textures.plain(shade(cap_color, rng)), "plastic")),
    )
    also = () if np.allclose(label, paint * 0.75) else (("white",) if label.mean() > 120 else ("black",))
    return Model("bottle", color, material, parts, also=also, round=True, lies="y")


def can(rng: Rng) -> Model:
    """Drink or food can, 8 to 16 cm high, with metal ends."""
    color = _pick(rng, *VIVID, "white", "black")
    radius, height = (0.033, 0.115) if rng.random() < 0.4 else (rng.uniform(0.033, 0.05), rng.uniform(0.08, 0.14))
    edge = 0.006
    side = lathe([(radius * 0.9, edge * 0.6), (radius, edge), (radius, height - edge), (radius * 0.9, height - edge * 0.5)])
    rim = 0.89 * radius
    ends = join(
        lathe([(0, edge * 0.6), (rim * 0.9, edge * 0.6), (rim * 0.95, 0), (rim, 0), (rim * 1.01, edge * 0.7)]),
        lathe(
            [(rim * 1.01, height - edge * 0.6), (rim, height), (rim * 0.94, height), (rim * 0.9, height - 0.003), (0, height - 0.003)]
        ),
    )
    paint = shade(color, rng)
    accent = _contrast(rng, color)
    ink = shade(accent, rng)
    if rng.random() < 0.3:
        texture = textures.wrap_label(rng, paint, ink, paint, 0.3, 0.65)
    else:
        texture = textures.wrap_label(rng, paint, paint, ink, 0.2, 0.8)
    metal = Surface(textures.plain(np.array([178, 180, 184])), "metal")
    parts = (Part(side, Surface(texture, "metal", "cylinder", high=(0, 0, height))), Part(ends, metal))
    return Model("can", color, "metal", parts, also=(accent,), round=True, lies="y", carries=True)

"""Things that hold something: mug, cup, bowl, plate, bottle, can, vase, pot, bin, basket.

Each function draws one at random, with sizes of the real things, and returns a Model.
"""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.sim import textures
from spatial_llava_ros.sim.colors import NEUTRAL, VIVID, shade
from spatial_llava_ros.sim.mesh import Mesh, join, lathe, tube
from spatial_llava_ros.sim.model import Cavity, Model, Part
from spatial_llava_ros.sim.surface import Surface

Rng = np.random.Generator


def pick(rng: Rng, *words: str) -> str:
    return str(rng.choice(words))


def contrast(rng: Rng, word: str) -> str:
    """A neutral colour that shows on `word`."""
    if word == "white":
        return "black"
    return "black" if word in ("yellow", "grey", "pink", "orange") and rng.random() < 0.7 else "white"


def _vessel(outer: list[tuple[float, float]], wall: float, floor: float, n: int = 36) -> tuple[Mesh, Mesh, Cavity]:
    """Outside, inside and cavity of a hollow vessel, from its outer profile of (radius, z)."""
    floor_radius = float(np.interp(floor, [z for _, z in outer], [r for r, _ in outer])) - wall
    inner = [(floor_radius, floor), *((r - wall, z) for r, z in outer if z > floor)]
    rim = outer[-1][1]
    outside = lathe([(0.0, outer[0][1]), *outer], n, caps=False)
    inside = lathe([outer[-1], *inner[::-1], (0.0, floor)], n, caps=False)
    return outside, inside, Cavity(floor, np.array(inner), rim)


def mug(rng: Rng) -> Model:
    """Mug with a handle, 8 to 11 cm high."""
    color = pick(rng, *VIVID, *NEUTRAL, "white")
    radius, height = rng.uniform(0.038, 0.046), rng.uniform(0.085, 0.11)
    taper = rng.uniform(0.88, 1.0)
    outer = [(radius * taper * 0.92, 0.0), (radius * taper, 0.006), (radius, height * 0.6), (radius, height)]
    outside, inside, cavity = _vessel(outer, 0.0035, 0.006)
    angle = np.linspace(-1.45, 1.45, 14)
    reach = rng.uniform(0.026, 0.034)
    arc = np.stack(
        [radius * 0.97 + reach * np.cos(angle) - 0.004, 0 * angle, height * (0.52 + 0.33 * np.sin(angle))], -1
    )
    handle = tube(arc, rng.uniform(0.0045, 0.006), 10)
    paint = shade(color, rng)
    style, accent = rng.integers(3), contrast(rng, color)
    if style == 0:
        texture = textures.stripes(paint, shade(accent, rng), 2, 0.15)
    elif style == 1:
        texture = textures.wrap_label(rng, paint, paint, shade(accent, rng), 0.25, 0.75)
    else:
        texture = textures.plain(paint)
    plain = Surface(textures.plain(paint), "ceramic")
    lining = Surface(textures.plain(shade("white", rng)), "ceramic") if rng.random() < 0.3 else plain
    parts = (
        Part(outside, Surface(texture, "ceramic", "cylinder", high=(0, 0, height))),
        Part(inside, lining),
        Part(handle, plain),
    )
    also = () if style == 2 and lining is plain else (accent, "white")
    return Model("mug", color, "ceramic", parts, also=also, cavity=cavity)


def cup(rng: Rng) -> Model:
    """Tumbler without a handle, 8 to 13 cm high."""
    color = pick(rng, *VIVID, "white", "black")
    bottom, top, height = rng.uniform(0.027, 0.032), rng.uniform(0.036, 0.044), rng.uniform(0.08, 0.13)
    outside, inside, cavity = _vessel([(bottom, 0.0), (top, height)], 0.002, 0.004)
    paint, accent, also = shade(color, rng), contrast(rng, color), ()
    texture = textures.plain(paint)
    if rng.random() < 0.4:
        texture, also = textures.stripes(paint, shade(accent, rng), 3, 0.2), (accent,)
    parts = (
        Part(outside, Surface(texture, "plastic", "cylinder", high=(0, 0, height))),
        Part(inside, Surface(textures.plain(paint), "plastic")),
    )
    return Model("cup", color, "plastic", parts, also=also, round=True, cavity=cavity)


def bowl(rng: Rng) -> Model:
    """Bowl, 12 to 24 cm across."""
    color = pick(rng, *VIVID, "white", "brown")
    radius = rng.uniform(0.06, 0.12)
    height = radius * rng.uniform(0.6, 0.8)
    foot = 0.45 * radius
    angle = np.linspace(0.12, 1.0, 9) * np.pi / 2
    outer = [(foot * 0.9, 0.0), (foot, 0.006)]
    outer += [(foot + (radius - foot) * np.sin(a), 0.006 + (height - 0.006) * (1 - np.cos(a))) for a in angle]
    outside, inside, cavity = _vessel(outer, 0.004, 0.009, 48)
    wood = rng.random() < 0.3 or color == "brown"
    if wood:
        color = "brown"
    paint = shade(color, rng)
    surface = (
        Surface(textures.wood(rng, paint), "wood", scale=0.3) if wood else Surface(textures.plain(paint), "ceramic")
    )
    parts = (Part(outside, surface), Part(inside, surface))
    return Model("bowl", color, surface.material, parts, round=True, cavity=cavity)


def plate(rng: Rng) -> Model:
    """Plate, 17 to 27 cm across."""
    color = pick(rng, "white", "white", "blue", "green", "yellow", "grey", "red", "pink")
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
    color = pick(rng, "green", "blue", "yellow", "white", "red", "orange", "brown", "purple", "pink")
    radius, height = rng.uniform(0.029, 0.042), rng.uniform(0.17, 0.30)
    neck = rng.uniform(0.011, 0.015)
    shoulder = height * rng.uniform(0.58, 0.68)
    angle = np.linspace(0, np.pi / 2, 7)
    curve = [(neck + (radius - neck) * np.cos(a), shoulder + 0.2 * height * np.sin(a)) for a in angle]
    top = height - 0.024
    body = lathe([(0, 0), (radius * 0.93, 0), (radius, 0.008), *curve, (neck, top), (0, top)])
    cap_radius = neck * 1.25
    cap = lathe(
        [
            (0, top - 4e-3),
            (cap_radius, top - 4e-3),
            (cap_radius, height - 2e-3),
            (0.9 * cap_radius, height),
            (0, height),
        ]
    )
    paint = shade(color, rng)
    label = shade(contrast(rng, color), rng) if rng.random() < 0.6 else paint * 0.75
    ink = paint if label.mean() > 150 or label.mean() < 60 else shade("white", rng)
    low, high = 0.12, shoulder / height * 0.9
    texture = textures.wrap_label(rng, paint, label, ink, low, high if rng.random() < 0.4 else low + 0.6 * (high - low))
    material = "glass" if color in ("green", "brown") and rng.random() < 0.4 else "plastic"
    cap_color = pick(rng, color, "white", "black")
    parts = (
        Part(body, Surface(texture, material, "cylinder", high=(0, 0, height))),
        Part(cap, Surface(textures.plain(shade(cap_color, rng)), "plastic")),
    )
    also = () if np.allclose(label, paint * 0.75) else (("white",) if label.mean() > 120 else ("black",))
    return Model("bottle", color, material, parts, also=also, round=True, lies="y")


def can(rng: Rng) -> Model:
    """Drink or food can, 8 to 16 cm high, with metal ends."""
    color = pick(rng, *VIVID, "white", "black")
    radius, height = (0.033, 0.115) if rng.random() < 0.4 else (rng.uniform(0.033, 0.05), rng.uniform(0.08, 0.14))
    edge = 0.006
    side = lathe(
        [(radius * 0.9, edge * 0.6), (radius, edge), (radius, height - edge), (radius * 0.9, height - edge * 0.6)],
        caps=False,
    )
    rim = 0.89 * radius
    ends = join(
        lathe(
            [(0, edge * 0.6), (rim * 0.9, edge * 0.6), (rim * 0.95, 0), (rim, 0), (radius * 0.9, edge * 0.6)],
            caps=False,
        ),
        lathe(
            [
                (radius * 0.9, height - edge * 0.6),
                (rim, height),
                (rim * 0.94, height),
                (rim * 0.9, height - 0.003),
                (0, height - 0.003),
            ],
            caps=False,
        ),
    )
    paint = shade(color, rng)
    accent = contrast(rng, color)
    ink = shade(accent, rng)
    if rng.random() < 0.3:
        texture = textures.wrap_label(rng, paint, ink, paint, 0.3, 0.65)
    else:
        texture = textures.wrap_label(rng, paint, paint, ink, 0.2, 0.8)
    metal = Surface(textures.plain(np.array([178, 180, 184])), "metal")
    parts = (Part(side, Surface(texture, "metal", "cylinder", high=(0, 0, height))), Part(ends, metal))
    return Model("can", color, "metal", parts, also=(accent, "grey"), round=True, lies="y", carries=True)


def vase(rng: Rng) -> Model:
    """Vase with a belly and a neck, 16 to 30 cm high."""
    color = pick(rng, "white", "blue", "green", "red", "purple", "yellow", "black", "pink")
    height, belly = rng.uniform(0.16, 0.3), rng.uniform(0.05, 0.075)
    neck, foot, lip = belly * rng.uniform(0.35, 0.5), belly * 0.6, belly * rng.uniform(0.55, 0.7)
    z = np.linspace(0, 1, 16)
    radius = np.interp(z, [0, 0.1, 0.38, 0.75, 0.88, 1], [foot, 1.15 * foot, belly, 1.2 * neck, neck, lip])
    radius[1:-1] = np.convolve(radius, [0.25, 0.5, 0.25], "valid")
    outside, inside, _ = _vessel(list(zip(radius, z * height, strict=True)), 0.004, 0.008)
    paint, accent, also = shade(color, rng), contrast(rng, color), ()
    texture = textures.plain(paint)
    if rng.random() < 0.5:
        texture, also = textures.stripes(paint, shade(accent, rng), 2, 0.18), (accent,)
    parts = (
        Part(outside, Surface(texture, "ceramic", "cylinder", high=(0, 0, height))),
        Part(inside, Surface(textures.plain(paint * 0.8), "ceramic")),
    )
    return Model("vase", color, "ceramic", parts, also=also, round=True)


def pot(rng: Rng) -> Model:
    """Cooking pot with two handles, 16 to 24 cm across, open."""
    color = pick(rng, "grey", "grey", "red", "black", "blue", "green")
    radius, height = rng.uniform(0.08, 0.12), rng.uniform(0.09, 0.13)
    outside, inside, cavity = _vessel([(radius * 0.96, 0), (radius, 0.01), (radius, height)], 0.003, 0.006, 48)
    material = "metal" if color == "grey" else "ceramic"
    paint = Surface(textures.plain(shade(color, rng)), material)
    angle = np.linspace(-1.3, 1.3, 10)
    arc = np.stack([radius * 0.97 + 0.032 * np.cos(angle), 0.035 * np.sin(angle), 0 * angle + height * 0.8], -1)
    handle = tube(arc, 0.006, 8)
    handles = join(handle, handle.moved(np.diag([-1.0, -1.0, 1.0, 1.0])))
    steel = Surface(textures.plain(np.array([150, 152, 156])), "metal")
    parts = (Part(outside, paint), Part(inside, steel), Part(handles, Surface(textures.plain(shade("black", rng)))))
    return Model("pot", color, material, parts, also=("grey", "black"), cavity=cavity)


def bin(rng: Rng) -> Model:
    """Waste bin of the floor, 25 to 40 cm high."""
    color = pick(rng, "black", "grey", "white", "blue", "green", "red")
    height, top = rng.uniform(0.26, 0.4), rng.uniform(0.11, 0.15)
    outer = [(top * 0.78, 0.0), (top * 0.98, height - 0.02), (top * 1.04, height - 0.018), (top * 1.04, height)]
    outside, inside, cavity = _vessel(outer, 0.006, 0.01, 40)
    paint = shade(color, rng)
    parts = (Part(outside, Surface(textures.plain(paint))), Part(inside, Surface(textures.plain(paint * 0.85))))
    return Model("bin", color, "plastic", parts, round=True, cavity=cavity)

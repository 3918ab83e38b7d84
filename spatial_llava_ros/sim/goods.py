"""Solid things of the table: box, book, ball and the rest. Each function draws one at random and returns a Model."""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.sim import textures
from spatial_llava_ros.sim.colors import VIVID, shade
from spatial_llava_ros.sim.mesh import Mesh, circle, ellipsoid, join, lathe, loft, rotation, translation, tube
from spatial_llava_ros.sim.mesh import box as box_mesh
from spatial_llava_ros.sim.model import Model, Part
from spatial_llava_ros.sim.surface import Surface

Rng = np.random.Generator


def _extent(mesh: Mesh) -> dict[str, tuple[float, float, float]]:
    return {"low": tuple(mesh.vertices.min(0)), "high": tuple(mesh.vertices.max(0))}


def box(rng: Rng) -> Model:
    """Carton, 6 to 28 cm long, printed or plain."""
    printed = rng.random() < 0.75
    color = str(rng.choice([*VIVID, "white", "brown"] if printed else ["brown", "brown", "white", "grey", "black"]))
    sides = np.sort(rng.uniform([0.035, 0.06, 0.09], [0.08, 0.16, 0.26]))
    order = rng.permutation(3)
    mesh = box_mesh(*sides[order], 0.0015)
    paint = shade(color, rng)
    also: tuple[str, ...] = ()
    if printed:
        accent = paint * 0.6
        if rng.random() < 0.4:
            also = (str(rng.choice(["white", "black"])),)
            accent = shade(also[0], rng)
        text = shade("black" if color in ("white", "yellow") else "white", rng)
        surface = Surface(textures.carton(rng, paint, accent, text), "paper", "face", **_extent(mesh))
    else:
        surface = Surface(textures.grain(rng, paint, 4), "paper", scale=0.15)
    return Model("box", color, "paper", (Part(mesh, surface),), also=also, carries=True)


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
    style = rng.integers(4)
    accent = str(rng.choice(["white", "black"])) if color in ("yellow", "orange", "pink") else "white"
    if style == 0:
        texture = textures.stripes(paint, shade(accent, rng), 2, 0.2)
    elif style == 1:
        texture = textures.stripes(paint, shade(accent, rng), 3, 0.3, upright=True)
    elif style == 2:
        texture = textures.dots(paint, shade(accent, rng), 4)
    else:
        texture = textures.grain(rng, paint, 3)
    wrapped = "cylinder" if style < 3 else "cube"
    surface = Surface(texture, "rubber", wrapped, 0.1, high=(0, 0, 2 * radius))
    also = (accent,) if style < 3 else ()
    return Model("ball", color, "rubber", (Part(mesh, surface),), also=also, round=True, ball=radius)


def tissue_box(rng: Rng) -> Model:
    """Box of tissues with one standing out of its top."""
    color = str(rng.choice([*VIVID, "white"]))
    x, y, z = rng.uniform(0.2, 0.25), rng.uniform(0.11, 0.13), rng.uniform(0.07, 0.1)
    if rng.random() < 0.35:
        x, y, z = 0.115, 0.115, 0.13
    body = box_mesh(x, y, z, 0.002)
    slot = box_mesh(0.6 * x, 0.3 * y, 0.001).moved(translation(z=z))
    # Crumpled paper: a cone whose rings wave more towards the top.
    angle = np.arange(40) * (2 * np.pi / 40)
    phase = rng.uniform(0, 2 * np.pi, 3)
    rings = []
    for t in np.linspace(0, 1, 7):
        wave = 1 + 0.5 * t * np.sin(3 * angle + phase[0]) + 0.25 * t * np.sin(7 * angle + phase[1])
        radius = (0.016 + 0.028 * t) * wave
        lift = z + 0.055 * t + 0.012 * t * np.sin(5 * angle + phase[2])
        rings.append(np.stack([1.3 * radius * np.cos(angle), 0.6 * radius * np.sin(angle), lift], -1))
    paint, ink = shade(color, rng), shade("white" if color != "white" else "blue", rng)
    texture = textures.dots(paint, 0.5 * paint + 0.5 * ink, 4) if rng.random() < 0.7 else textures.plain(paint)
    parts = (
        Part(body, Surface(texture, "paper", "cube", 0.08)),
        Part(slot, Surface(textures.plain(np.full(3, 60.0)), "paper")),
        Part(loft(rings, caps=False), Surface(textures.plain(np.full(3, 246.0)), "paper")),
    )
    return Model("tissue box", color, "paper", parts, also=("white",))


def apple(rng: Rng) -> Model:
    """Apple, 6.5 to 8.5 cm across, with its stalk."""
    color = str(rng.choice(["red", "red", "green", "yellow"]))
    radius = rng.uniform(0.033, 0.042)
    t = np.linspace(0, np.pi, 22)
    r = radius * np.sin(t) * (1 + 0.12 * np.sin(t / 2 + 0.3))
    z = -radius * 0.9 * np.cos(t) * (1 - 0.28 * np.exp(-((t - np.pi) ** 2) / 0.12) - 0.15 * np.exp(-(t**2) / 0.1))
    flesh = lathe(list(zip(r, z - z.min(), strict=True)))
    top = float(np.ptp(z))
    stalk = tube(np.array([[0, 0, top - 0.014], [0.001, 0, top - 0.004], [0.005, 0, top + 0.012]]), 0.0016, 6)
    paint = shade(color, rng)
    parts = (
        Part(flesh, Surface(textures.grain(rng, paint, 7), "fruit", scale=0.06)),
        Part(stalk, Surface(textures.plain(shade("brown", rng)), "wood")),
    )
    return Model("apple", color, "fruit", parts)


def banana(rng: Rng) -> Model:
    """Banana, 17 to 21 cm long, lying on its side."""
    length = rng.uniform(0.17, 0.21)
    bend = rng.uniform(1.0, 1.4)
    s = np.linspace(-0.5, 0.5, 22)
    big = length / bend
    path = np.stack([big * np.sin(s * bend), big * np.cos(s * bend), 0 * s], -1)
    radius = np.interp(s, [-0.5, -0.46, -0.3, 0.2, 0.36, 0.42, 0.5], np.array([2.5, 6, 16, 17, 11, 5, 4.5]) / 1000)
    skin = tube(path, radius, 6)
    skin = skin.moved(translation(z=-skin.vertices[:, 2].min()))
    x = skin.vertices[:, 0]
    ends = textures.plain(shade("yellow", rng)).repeat(64, 1).copy()
    ends[:, :2], ends[:, -2:] = 0.03, [[0.12, 0.1, 0.03]]
    surface = Surface(ends, "fruit", "face", low=(x.min(), -9, -9), high=(x.max(), 9, 9))
    return Model("banana", "yellow", "fruit", (Part(skin, surface),))


def tape(rng: Rng) -> Model:
    """Roll of sticky tape lying flat, 8 to 12 cm across."""
    color = str(rng.choice(["brown", "grey", "black", "white", "red", "blue", "yellow"]))
    outer, inner, height = rng.uniform(0.04, 0.06), rng.uniform(0.028, 0.036), rng.uniform(0.02, 0.05)
    core = inner + 0.003
    roll = loft([circle(r, z, 40) for r, z in [(core, 0), (outer, 0), (outer, height), (core, height)]], loop=True)
    rings = [(inner, 0), (core, 0), (core, height), (inner, height)]
    parts = (
        Part(roll, Surface(textures.plain(shade(color, rng)), "plastic")),
        Part(
            loft([circle(r, z, 40) for r, z in rings], loop=True),
            Surface(textures.plain(np.array([186, 160, 120])), "paper"),
        ),
    )
    return Model("tape", color, "plastic", parts, also=("brown",), round=True)


def shoe(rng: Rng) -> Model:
    """Sports shoe, 24 to 30 cm long, the toe along +x."""
    color = str(rng.choice([*VIVID, "black", "white", "grey"]))
    length = rng.uniform(0.24, 0.3)
    t = np.array([0, 0.03, 0.1, 0.25, 0.4, 0.55, 0.7, 0.82, 0.92, 0.98, 1.0])
    half = np.array([0.2, 0.62, 0.8, 0.82, 0.78, 0.86, 0.98, 1.0, 0.82, 0.5, 0.15]) * 0.17 * length
    top = np.array([0.26, 0.34, 0.36, 0.33, 0.30, 0.26, 0.2, 0.165, 0.14, 0.11, 0.08]) * length
    angle = np.arange(24) * (2 * np.pi / 24)
    sole_height = 0.028

    def ring(x: float, w: float, low: float, high: float, power: float = 0.6) -> np.ndarray:
        c, s = np.cos(angle), np.sin(angle)
        y = w * np.sign(c) * np.abs(c) ** power
        z = (low + high) / 2 + (high - low) / 2 * np.sign(s) * np.abs(s) ** power
        return np.stack([np.full(24, x), y, z], -1)

    upper = [ring(a * length, 0.93 * h, 0.015, max(b, 0.034), 0.8) for a, h, b in zip(t, half, top, strict=True)]
    sole = [
        ring(a * length * 1.02 - 0.01 * length, 1.03 * h, 0, sole_height, 0.35) for a, h in zip(t, half, strict=True)
    ]
    opening = ellipsoid(0.36 * length, 0.2 * length, 0.1 * length).moved(
        translation(0.235 * length, 0, 0.325 * length) @ rotation("y", 0.12)
    )
    laces = [
        box_mesh(0.012, 0.15 * length, 0.008, 0.003).moved(
            translation((0.46 + 0.075 * k) * length, 0, (0.283 - 0.026 * k) * length - 0.004) @ rotation("y", 0.42)
        )
        for k in range(4)
    ]
    accent = "white" if color != "white" else "black"
    parts = (
        Part(loft(upper), Surface(textures.grain(rng, shade(color, rng), 6), "fabric", scale=0.05)),
        Part(loft(sole), Surface(textures.plain(shade("white", rng)), "rubber")),
        Part(opening, Surface(textures.plain(np.full(3, 38.0)), "fabric")),
        Part(join(*laces), Surface(textures.plain(shade(accent, rng)), "fabric")),
    )
    return Model("shoe", color, "fabric", parts, also=("white", accent))


def teddy(rng: Rng) -> Model:
    """Sitting teddy bear, 18 to 30 cm high, looking towards -y."""
    color = str(rng.choice(["brown", "brown", "white", "pink", "blue"]))
    k = rng.uniform(0.18, 0.3)

    def blob(x: float, y: float, z: float, dx: float, dy: float, dz: float) -> Mesh:
        return ellipsoid(dx * k, dy * k, dz * k, 20).moved(translation(x * k, y * k, z * k))

    fur = [
        blob(0, 0, 0.3, 0.48, 0.42, 0.58),
        blob(0, -0.02, 0.73, 0.46, 0.42, 0.42),
        *(blob(s * 0.19, 0, 0.92, 0.16, 0.1, 0.16) for s in (-1, 1)),
        *(blob(s * 0.28, -0.1, 0.42, 0.17, 0.36, 0.17) for s in (-1, 1)),
        *(blob(s * 0.2, -0.27, 0.1, 0.19, 0.42, 0.2) for s in (-1, 1)),
    ]
    pale = [blob(0, -0.21, 0.67, 0.2, 0.14, 0.16), *(blob(s * 0.2, -0.46, 0.11, 0.13, 0.05, 0.14) for s in (-1, 1))]
    dark = [blob(0, -0.275, 0.7, 0.07, 0.04, 0.05), *(blob(s * 0.085, -0.21, 0.79, 0.045, 0.04, 0.05) for s in (-1, 1))]
    paint = shade(color, rng) * (1.15 if color == "brown" else 1)
    parts = (
        Part(join(*fur), Surface(textures.grain(rng, paint, 12), "fabric", scale=0.06)),
        Part(join(*pale), Surface(textures.plain(np.clip(paint * 1.5 + 30, 0, 240)), "fabric")),
        Part(join(*dark), Surface(textures.plain(np.full(3, 24.0)), "plastic")),
    )
    low = min(p.mesh.vertices[:, 2].min() for p in parts)
    parts = tuple(Part(p.mesh.moved(translation(z=-low)), p.surface) for p in parts)
    return Model("teddy bear", color, "fabric", parts, faces=True)

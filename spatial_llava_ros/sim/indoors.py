"""Things of a lived-in room: parcel, bag, backpack, slippers, printer, bookcase, office chair, leather sofa.

Each function draws one at random and returns a Model; what has a front turns it towards -y.
"""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.sim import prints, textures
from spatial_llava_ros.sim.colors import faded, linear_from_srgb, shade
from spatial_llava_ros.sim.containers import pick
from spatial_llava_ros.sim.mesh import Mesh, box, ellipsoid, join, lathe, loft, rotation, translation, tube
from spatial_llava_ros.sim.model import Model, Part
from spatial_llava_ros.sim.surface import Surface

Rng = np.random.Generator


def parcel(rng: Rng) -> Model:
    """Cardboard box, 20 to 75 cm long, with a little print and tape; sometimes a coloured or white one."""
    sides = rng.uniform([0.2, 0.15, 0.12], [0.5, 0.4, 0.45])
    if rng.random() < 0.2:
        sides = np.array([rng.uniform(0.15, 0.3), rng.uniform(0.1, 0.16), rng.uniform(0.6, 0.75)])
    color = pick(rng, *("brown",) * 6, "white", "blue", "red", "green")
    paint = np.array([176, 132, 88]) * rng.uniform(0.85, 1.1) if color == "brown" else faded(color, rng)
    inks = [paint, paint * 0.35, shade("white", rng), paint * 0.8]
    mesh = box(*sides, 0.002)
    low, high = tuple(mesh.vertices.min(0)), tuple(mesh.vertices.max(0))
    faces = [prints.face(rng, inks, busy=0.35) for _ in range(3)]
    texture = linear_from_srgb(np.concatenate(faces, axis=1))
    surface = Surface(texture, "paper", "carton", low=low, high=high)
    return Model(
        "box", color, "paper", (Part(mesh, surface),), also=() if color == "white" else ("white",), carries=True
    )


def _lump(rng: Rng, x: float, y: float, z: float, rough: float) -> Mesh:
    """Something soft that has sunk together: a blob flattened below, its rings wavy."""
    angle = np.arange(32) * (2 * np.pi / 32)
    wave = sum(rng.normal(0, rough / k) * np.sin(k * angle + rng.uniform(0, 6.3)) for k in range(2, 7))
    rings = []
    for t in np.linspace(0, 1, 12):
        width = (np.sin(np.pi * np.clip(0.18 + 0.82 * t, 0, 1)) ** 0.6) * 0.5 + 0.001
        ripple = 1 + wave * (0.4 + t) + rng.normal(0, 0.25 * rough, 32)
        lift = z * t + (0 if t in (0.0, 1.0) else z * 0.3 * rough * np.sin(3 * angle + 5 * t))
        ring = np.stack([width * x * np.cos(angle) * ripple, width * y * np.sin(angle) * ripple, 0 * angle + lift], -1)
        rings.append(ring)
    return loft(rings)


def bag(rng: Rng) -> Model:
    """Carrier bag or cloth bag, filled and sunk together, 18 to 35 cm."""
    color = pick(rng, "white", "white", "white", "blue", "green", "black", "yellow", "red")
    size = rng.uniform([0.18, 0.14, 0.12], [0.35, 0.28, 0.28])
    mesh = _lump(rng, *size, 0.12)
    paint = faded(color, rng)
    texture = prints.flat(rng, [paint, shade("blue" if color == "white" else "white", rng), paint * 0.8])
    low, high = mesh.vertices.min(0), mesh.vertices.max(0)
    surface = Surface(texture, "foil" if rng.random() < 0.5 else "fabric", "face", low=tuple(low), high=tuple(high))
    return Model("bag", color, "plastic", (Part(mesh, surface),), also=("blue" if color == "white" else "white",))


def backpack(rng: Rng) -> Model:
    """Backpack standing or sunk together, 35 to 50 cm high, its pocket in front."""
    color = pick(rng, "black", "black", "blue", "grey", "red", "green")
    x, y, z = rng.uniform([0.26, 0.15, 0.35], [0.34, 0.22, 0.5])
    body = _lump(rng, x * 1.05, y * 1.05, z, 0.03)
    pocket = box(x * 0.62, 0.05, z * 0.38, 0.018).moved(translation(0, -y * 0.47, z * 0.1))
    angle = np.linspace(0.15, np.pi - 0.15, 9)
    loop = tube(np.stack([0.05 * np.cos(angle), 0 * angle, z * 0.93 + 0.05 * np.sin(angle)], -1), 0.008, 8)
    paint = faded(color, rng)
    other = pick(rng, "grey", "black", color)
    parts = (
        Part(body, Surface(textures.grain(rng, paint, 6), "fabric", scale=0.1)),
        Part(join(pocket, loop), Surface(textures.grain(rng, faded(other, rng), 6), "fabric", scale=0.1)),
    )
    return Model("backpack", color, "fabric", parts, also=(other,) if other != color else (), faces=True)


def slipper(rng: Rng) -> Model:
    """Slipper or clog, 24 to 30 cm long, the toe along +x."""
    color = pick(rng, "blue", "grey", "brown", "black", "red", "pink")
    k = rng.uniform(0.24, 0.3)
    t = np.linspace(0, np.pi, 15)
    sole = ellipsoid(k, 0.38 * k, 0.16 * k, 28).moved(translation(z=0.05 * k))
    sole = Mesh(np.clip(sole.vertices, [-9, -9, 0], [9, 9, 0.06 * k]), sole.triangles)
    path = np.stack([np.full(15, 0.17 * k), 0.17 * k * np.cos(t), 0.04 * k + 0.17 * k * np.sin(t)], -1)
    arch = tube(path, 0.035 * k, 10).moved(np.diag([3.6, 1.0, 1.0, 1.0]) @ translation(-0.13 * k))
    arch = Mesh(np.maximum(arch.vertices, [-9, -9, 0.01]), arch.triangles)
    paint = faded(color, rng)
    parts = (
        Part(sole, Surface(textures.grain(rng, paint * 0.75, 6), "fabric", scale=0.05)),
        Part(arch, Surface(textures.grain(rng, paint, 8), "fabric", scale=0.05)),
    )
    return Model("slipper", color, "fabric", parts)


def printer(rng: Rng) -> Model:
    """Desk printer with a slot and a panel, 38 to 48 cm wide."""
    color = pick(rng, "white", "white", "grey", "black")
    x, y, z = rng.uniform([0.36, 0.32, 0.18], [0.48, 0.42, 0.32])
    paint = shade(color, rng)
    body = box(x, y, z, 0.02)
    slot = box(x * 0.66, 0.012, z * 0.22).moved(translation(0, -y / 2 + 0.002, z * 0.4))
    tray = box(x * 0.6, 0.1, 0.01).moved(translation(0, -y / 2 - 0.04, z * 0.34))
    panel = box(x * 0.22, 0.012, z * 0.2).moved(translation(x * 0.3, -y / 2 + 0.002, z * 0.72))
    dark = Surface(textures.plain(np.full(3, 45.0)), "plastic")
    parts = (Part(body, Surface(textures.plain(paint), "plastic")), Part(join(slot, panel), dark),
             Part(tray, Surface(textures.plain(paint * 0.85), "plastic")))  # fmt: skip
    return Model("printer", color, "plastic", parts, also=("black",), faces=True, carries=True)


def bookcase(rng: Rng) -> Model:
    """Open shelf of two to four boards, 40 to 90 cm wide, up to 1.5 m high."""
    color = pick(rng, "brown", "brown", "white", "black", "grey")
    x, y, levels = rng.uniform(0.4, 0.9), rng.uniform(0.26, 0.38), int(rng.integers(2, 5))
    step, thick = rng.uniform(0.3, 0.38), 0.022
    z = levels * step + thick
    boards = [box(x - 2 * thick, y - 0.01, thick).moved(translation(z=k * step)) for k in range(levels + 1)]
    sides = [box(thick, y, z).moved(translation(s * (x - thick) / 2)) for s in (-1, 1)]
    back = box(x, 0.008, z).moved(translation(0, y / 2 - 0.004))
    top = box(x, y, 0.004).moved(translation(z=z))
    paint = faded(color, rng)
    texture = textures.wood(rng, paint) if color == "brown" else textures.grain(rng, paint, 2)
    surface = Surface(texture, "wood", scale=0.6)
    return Model(
        "bookcase", color, "wood", (Part(join(*boards, *sides, back, top), surface),), carries=True, faces=True
    )


def office_chair(rng: Rng) -> Model:
    """Swivel chair on a star of five feet, seat and back of cloth or mesh."""
    color = pick(rng, "black", "black", "grey", "green", "blue", "red")
    seat, wide = rng.uniform(0.43, 0.5), rng.uniform(0.46, 0.52)
    paint = faded(color, rng)
    pad = box(wide, wide * 0.95, 0.07, 0.03).moved(translation(z=seat - 0.07))
    tall = rng.uniform(0.4, 0.55)
    rest = box(wide * 0.9, 0.05, tall, 0.024).moved(
        translation(0, wide * 0.42, seat + 0.08) @ rotation("x", -rng.uniform(0.05, 0.25))
    )
    stem = lathe([(0, 0.06), (0.03, 0.06), (0.03, seat - 0.07), (0, seat - 0.07)], 16)
    spokes = []
    for k in range(5):
        angle = 2 * np.pi * k / 5 + 0.3
        tip = np.array([0.29 * np.cos(angle), 0.29 * np.sin(angle), 0.055])
        spokes.append(tube(np.linspace([0, 0, 0.085], tip, 3), 0.018, 8))
        spokes.append(ellipsoid(0.05, 0.05, 0.05, 12).moved(translation(tip[0], tip[1], 0.025)))
    strut = tube(np.array([[0, 0.1, seat - 0.05], [0, wide * 0.5, seat - 0.02], [0, wide * 0.5, seat + 0.2]]), 0.02, 8)
    metal = pick(rng, "black", "grey")
    parts = (
        Part(join(pad, rest), Surface(textures.grain(rng, paint, 6), "fabric", scale=0.1)),
        Part(join(stem, strut, *spokes), Surface(textures.plain(shade(metal, rng)), "plastic")),
    )
    return Model("chair", color, "fabric", parts, also=(metal,) if metal != color else (), faces=True)


def leather_sofa(rng: Rng) -> Model:
    """Sofa with a low back on thin feet, of leather that shines a little."""
    color = pick(rng, "brown", "brown", "black", "white", "red")
    x, y = rng.uniform(1.3, 1.8), rng.uniform(0.72, 0.85)
    arm, seat = 0.1, rng.uniform(0.38, 0.44)
    top = seat + rng.uniform(0.28, 0.4)
    base = box(x - 2 * arm, y, seat - 0.14, 0.03).moved(translation(z=0.14))
    back = box(x - 2 * arm, 0.16, top - seat, 0.05).moved(
        translation(0, y / 2 - 0.14, seat - 0.01) @ rotation("x", -0.12)
    )
    arms = [box(arm, y, seat - 0.14 + 0.18, 0.03).moved(translation(s * (x - arm) / 2, 0, 0.14)) for s in (-1, 1)]
    feet = [lathe([(0, 0), (0.018, 0), (0.022, 0.145), (0, 0.145)], 12).moved(
        translation(i * (x / 2 - 0.08), j * (y / 2 - 0.08))) for i in (-1, 1) for j in (-1, 1)]  # fmt: skip
    paint = faded(color, rng) * (0.8 if color == "brown" else 1.0)
    parts = (
        Part(join(base, back, *arms), Surface(textures.grain(rng, paint, 4), "carton", scale=0.3)),
        Part(join(*feet), Surface(textures.plain(shade("grey", rng)), "metal")),
    )
    return Model("sofa", color, "leather", parts, also=("black",) if color == "brown" else (), faces=True)

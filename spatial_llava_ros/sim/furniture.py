"""Things of the room: chair, table, sofa, stool, cabinet, lamp, plant, cushion. Each function draws one at random.

What has a front turns it towards -y of the model frame.
"""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.sim import textures
from spatial_llava_ros.sim.colors import shade
from spatial_llava_ros.sim.containers import contrast, pick
from spatial_llava_ros.sim.mesh import Mesh, box, circle, ellipsoid, join, lathe, loft, rotation, translation, tube
from spatial_llava_ros.sim.model import Model, Part
from spatial_llava_ros.sim.surface import Surface

Rng = np.random.Generator


def _wood(rng: Rng, color: str) -> Surface:
    """Bare wood when brown, painted otherwise."""
    paint = shade(color, rng)
    if color == "brown":
        return Surface(textures.wood(rng, paint * rng.uniform(1.0, 1.25)), "wood", scale=0.5)
    return Surface(textures.grain(rng, paint, 2), "wood", scale=0.4)


def _cloth(rng: Rng, color: str) -> Surface:
    return Surface(textures.grain(rng, shade(color, rng), 7), "fabric", scale=0.12)


def _legs(x: float, y: float, height: float, side: float) -> Mesh:
    """Four square legs at the corners of a rectangle x by y."""
    return join(
        *(
            box(side, side, height).moved(translation(i * (x - side) / 2, j * (y - side) / 2))
            for i in (-1, 1)
            for j in (-1, 1)
        )
    )


def chair(rng: Rng) -> Model:
    """Chair with four legs and a back, seat at 45 cm."""
    color = pick(rng, "brown", "brown", "white", "black", "red", "green", "blue", "grey", "yellow")
    x, y, seat = rng.uniform(0.4, 0.46), rng.uniform(0.42, 0.48), rng.uniform(0.43, 0.47)
    top, thick = rng.uniform(0.82, 0.95), 0.035
    frame = [_legs(x, y, seat - thick, 0.04), box(x, y, thick, 0.012).moved(translation(z=seat - thick))]
    post = box(0.035, 0.03, top - seat)
    frame += [post.moved(translation(s * (x / 2 - 0.03), y / 2 - 0.025, seat)) for s in (-1, 1)]
    inner = x - 0.08
    if rng.random() < 0.5:
        frame += [
            box(inner, 0.018, 0.07).moved(translation(0, y / 2 - 0.025, h)) for h in (top - 0.1, top - 0.23, top - 0.36)
        ]
    else:
        frame += [box(inner, 0.022, (top - seat) * 0.7).moved(translation(0, y / 2 - 0.025, top - (top - seat) * 0.75))]
    parts = [Part(join(*frame), _wood(rng, color))]
    also: tuple[str, ...] = ()
    if rng.random() < 0.4:
        word = pick(rng, "red", "blue", "green", "grey", "black")
        also = (word,)
        pad = box(x * 0.92, y * 0.88, 0.03, 0.012).moved(translation(0, -0.01, seat))
        parts.append(Part(pad, _cloth(rng, word)))
    return Model("chair", color, "wood", tuple(parts), also=also, faces=True)


def table(rng: Rng) -> Model:
    """Side or coffee or dining table, rectangular or round, 40 to 75 cm high."""
    color = pick(rng, "brown", "brown", "brown", "white", "black", "grey")
    kind = rng.integers(3)
    surface = _wood(rng, color)
    if kind == 0:
        radius, height = rng.uniform(0.25, 0.42), rng.uniform(0.45, 0.72)
        mesh = join(
            lathe([(0, height - 0.03), (radius, height - 0.03), (radius, height), (0, height)], 48),
            lathe(
                [
                    (0, 0),
                    (radius * 0.6, 0),
                    (radius * 0.6, 0.015),
                    (0.035, 0.03),
                    (0.035, height - 0.03),
                    (0, height - 0.03),
                ]
            ),
        )
        return Model("table", color, "wood", (Part(mesh, surface),), round=True, carries=True)
    if kind == 1:
        x, y, height = rng.uniform(0.8, 1.1), rng.uniform(0.45, 0.6), rng.uniform(0.38, 0.46)
    else:
        x, y, height = rng.uniform(0.9, 1.3), rng.uniform(0.6, 0.75), rng.uniform(0.7, 0.76)
    mesh = join(
        box(x, y, 0.035, 0.006).moved(translation(z=height - 0.035)), _legs(x - 0.04, y - 0.04, height - 0.035, 0.055)
    )
    return Model("table", color, "wood", (Part(mesh, surface),), carries=True)


def sofa(rng: Rng) -> Model:
    """Sofa for two or three, with arms and seat cushions."""
    color = pick(rng, "grey", "blue", "red", "brown", "green", "white", "black", "purple", "orange")
    x, y = rng.uniform(1.4, 2.0), rng.uniform(0.8, 0.92)
    seats = 2 if x < 1.7 else 3
    arm, back = 0.18, 0.22
    inner = x - 2 * arm
    frame = [
        box(x, y, 0.26, 0.03).moved(translation(z=0.06)),
        box(x, back, 0.74, 0.05).moved(translation(0, (y - back) / 2, 0.06)),
        *(box(arm, y, 0.54, 0.05).moved(translation(s * (x - arm) / 2, 0, 0.06)) for s in (-1, 1)),
    ]
    width = inner / seats
    pads = []
    for k in range(seats):
        middle = (k - (seats - 1) / 2) * width
        pads.append(box(width - 0.012, y - back - 0.02, 0.16, 0.04).moved(translation(middle, -back / 2, 0.3)))
        lean = translation(middle, (y - back) / 2 - 0.15, 0.46) @ rotation("x", -0.12)
        pads.append(box(width - 0.02, 0.14, 0.38, 0.045).moved(lean))
    surface = _cloth(rng, color)
    soft = Surface(np.clip(surface.texture * 1.12, 0, 1).astype(np.float32), "fabric", scale=0.12)
    feet = _legs(x - 0.1, y - 0.1, 0.07, 0.05)
    parts = (Part(join(*frame), surface), Part(join(*pads), soft), Part(feet, _wood(rng, "brown")))
    return Model("sofa", color, "fabric", parts, faces=True)


def stool(rng: Rng) -> Model:
    """Round stool on splayed legs, 42 to 65 cm high."""
    color = pick(rng, "brown", "white", "black", "red", "yellow", "blue", "green")
    radius, height = rng.uniform(0.15, 0.19), rng.uniform(0.42, 0.65)
    low, high = height - 0.04, height
    seat = lathe(
        [
            (0, low),
            (radius * 0.96, low),
            (radius, low + 0.012),
            (radius, high - 0.012),
            (radius * 0.95, high),
            (0, high),
        ]
    )
    legs = []
    for k in range(4):
        a = np.pi / 4 + k * np.pi / 2
        ends = np.array(
            [[np.cos(a) * radius * r, np.sin(a) * radius * r, z] for r, z in ((1.05, 0.0), (0.62, low + 0.01))]
        )
        legs.append(tube(np.linspace(*ends, 3), 0.015, 8))
    wood = "brown" if rng.random() < 0.6 else color
    legs = join(*legs)
    legs = Mesh(np.maximum(legs.vertices, [-9, -9, 0]), legs.triangles)
    parts = (Part(seat, _wood(rng, color)), Part(legs, _wood(rng, wood)))
    return Model("stool", color, "wood", parts, also=(wood,), carries=True)


def cabinet(rng: Rng) -> Model:
    """Chest of drawers, 45 to 100 cm wide."""
    color = pick(rng, "brown", "brown", "white", "grey")
    x, y, z = rng.uniform(0.45, 1.0), rng.uniform(0.38, 0.45), rng.uniform(0.5, 0.95)
    surface = _wood(rng, color)
    body = box(x, y - 0.02, z - 0.06, 0.004).moved(translation(0, 0.01, 0.06))
    low, high = (-x / 2, -9.0, 0.08), (x / 2, 9.0, z - 0.02)
    front = box(x - 0.04, 0.02, z - 0.12).moved(translation(0, -y / 2 + 0.01, 0.09))
    fronts = Surface(
        textures.drawers(rng, shade(color, rng), int(rng.integers(2, 5))), "wood", "face", low=low, high=high
    )
    parts = (Part(body, surface), Part(front, fronts), Part(_legs(x - 0.04, y - 0.06, 0.06, 0.04), _wood(rng, "brown")))
    return Model("cabinet", color, "wood", parts, carries=True, faces=True)


def lamp(rng: Rng, height: float | None = None) -> Model:
    """Lamp with a foot, a pole and a cloth shade; a table lamp of 35 to 50 cm unless told otherwise."""
    color = pick(rng, "white", "yellow", "red", "blue", "orange", "green")
    height = rng.uniform(0.34, 0.5) if height is None else height
    k = min(1.0, height / 0.45) if height < 1 else 1.7
    low = height - 0.2 * k
    wide, narrow = 0.125 * k, 0.085 * k
    rings = [
        circle(wide, low),
        circle(narrow, height),
        circle(narrow - 0.002, height - 0.001),
        circle(wide - 0.002, low),
    ]
    cloth = loft(rings, caps=False)
    bulb = ellipsoid(0.06, 0.06, 0.09).moved(translation(z=low + 0.08 * k))
    foot = lathe(
        [
            (0, 0),
            (0.075 * k, 0),
            (0.075 * k, 0.012),
            (0.02, 0.03),
            (0.011, 0.05),
            (0.011, low + 0.05 * k),
            (0, low + 0.05 * k),
        ]
    )
    base = pick(rng, "black", "grey", "brown")
    steel = Surface(textures.plain(shade(base, rng)), "wood" if base == "brown" else "metal")
    parts = (
        Part(cloth, Surface(textures.plain(shade(color, rng)), "fabric", emission=0.25)),
        Part(bulb, Surface(textures.plain(np.full(3, 250.0)), "glass", emission=0.8)),
        Part(foot, steel),
    )
    return Model("lamp", color, "fabric", parts, also=(base,), round=True)


def floor_lamp(rng: Rng) -> Model:
    """The same lamp, standing on the floor."""
    return lamp(rng, rng.uniform(1.35, 1.65))


def plant(rng: Rng, size: float | None = None) -> Model:
    """Pot with soil and arching leaves; 20 to 40 cm high unless told otherwise."""
    color = pick(rng, "brown", "orange", "white", "grey", "red", "blue", "yellow")
    size = rng.uniform(0.2, 0.4) if size is None else size
    radius, height = 0.2 * size + 0.018, 0.33 * size
    foot = 0.72 * radius
    vessel = lathe(
        [
            (0, 0),
            (foot, 0),
            (radius, height * 0.86),
            (radius * 1.08, height * 0.86),
            (radius * 1.08, height),
            (radius * 0.95, height),
            (radius * 0.92, height * 0.9),
        ],
        caps=False,
    )
    soil = lathe([(0, height * 0.9), (radius * 0.94, height * 0.9)], caps=False)
    leaves: list[list[Mesh]] = [[], []]
    count = int(rng.integers(13, 20))
    upward = rng.uniform(0.5, 1.1)
    for k in range(count):
        t = np.linspace(0, 1, 9)
        heading = k * 2.4 + rng.uniform(-0.3, 0.3)  # the golden angle, as leaves grow
        reach = size * rng.uniform(0.25, 0.5)
        rise = (size - height) * rng.uniform(0.65, 1.0) * (0.75 + 0.25 * np.cos(k))
        path = np.stack(
            [0.1 * radius + reach * t, 0 * t, height * 0.9 + rise * (t * (1 + upward) - upward * t**2.2)], -1
        )
        width = 0.05 * size * np.sin(np.pi * np.clip(t * 0.94 + 0.05, 0, 1)) ** 0.8 + 0.001
        leaf = tube(path, width * 0.12, 6, flat=8.0)
        leaves[k % 2].append(leaf.moved(rotation("z", heading)))
    greens = [np.array([42, 120, 48]), np.array([70, 150, 62])]
    parts = [
        Part(vessel, Surface(textures.grain(rng, shade(color, rng), 4), "ceramic", scale=0.2)),
        Part(soil, Surface(textures.grain(rng, np.array([58, 42, 32]), 12), "paper", scale=0.1)),
    ]
    parts += [Part(join(*group), Surface(textures.plain(g), "leaf")) for group, g in zip(leaves, greens, strict=True)]
    return Model("plant", "green", "leaf", tuple(parts), also=(color,))


def floor_plant(rng: Rng) -> Model:
    """The same plant, 60 to 110 cm high."""
    return plant(rng, rng.uniform(0.6, 1.1))


def cushion(rng: Rng) -> Model:
    """Square cushion, 35 to 45 cm, lying flat."""
    color = pick(rng, "red", "yellow", "blue", "green", "purple", "orange", "pink", "white", "black")
    side, thick = rng.uniform(0.35, 0.45), rng.uniform(0.1, 0.14)
    angle = np.arange(48) * (2 * np.pi / 48)
    c, s = np.cos(angle), np.sin(angle)
    # A squircle whose edge is thin and whose corners are drawn out.
    outline = np.stack([np.sign(c) * np.abs(c) ** 0.45, np.sign(s) * np.abs(s) ** 0.45], -1) * side / 2
    rings = []
    for t in np.linspace(-1, 1, 13):
        grow = (1 - np.abs(t) ** 2.2) ** 0.5
        rings.append(np.concatenate([outline * max(grow, 0.02), np.full((48, 1), thick / 2 * (t + 1))], -1))
    paint = shade(color, rng)
    texture, also = textures.grain(rng, paint, 6), ()
    if rng.random() < 0.4:
        accent = contrast(rng, color)
        texture, also = textures.stripes(paint, shade(accent, rng), 1, 0.25), (accent,)
    return Model("cushion", color, "fabric", (Part(loft(rings), Surface(texture, "fabric", scale=0.1)),), also=also)

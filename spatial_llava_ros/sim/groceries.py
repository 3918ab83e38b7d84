"""Printed goods and tools: carton, milk carton, tin, canister, jug, packet, scissors, clamp, sheet, magazine.

Sizes are those of common goods (the YCB set: Calli et al., "The YCB Object and Model Set", ICAR 2015, among them). Each
function draws one at random and returns a Model; colours beside the main one are in `also` where they cover much.
"""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.sim import prints, textures
from spatial_llava_ros.sim.colors import faded, linear_from_srgb, shade
from spatial_llava_ros.sim.mesh import Mesh, box, circle, ellipsoid, join, lathe, loft, rotation, translation, tube
from spatial_llava_ros.sim.model import Model, Part
from spatial_llava_ros.sim.surface import Surface

Rng = np.random.Generator

# Grocers like red, yellow, blue and white best.
MAIN = (*("red", "yellow", "blue", "white") * 3, *("green", "brown", "orange") * 2, "black", "purple", "pink", "grey")
_ACCENT = ("white", "white", "red", "yellow", "blue", "green", "black", "orange", "brown")

# Cereal, crackers, sugar, pudding, gelatin, tea, chocolate, foam brick, parcel: metres.
_CARTONS = (
    (0.19, 0.06, 0.28), (0.16, 0.06, 0.21), (0.09, 0.045, 0.175), (0.11, 0.035, 0.09), (0.085, 0.028, 0.073),
    (0.13, 0.075, 0.085), (0.2, 0.022, 0.12), (0.078, 0.05, 0.052), (0.24, 0.16, 0.12), (0.17, 0.12, 0.09),
)  # fmt: skip


def _palette(rng: Rng, main: str, count: int = 3) -> tuple[list[np.ndarray], list[str]]:
    """A main colour with others that are not called by the same word."""
    words = [main, *(str(w) for w in rng.choice([w for w in dict.fromkeys(_ACCENT) if w != main], count - 1, False))]
    if "white" not in words and rng.random() < 0.6:
        words[-1] = "white"
    return [faded(w, rng) for w in words], words


def carton(rng: Rng) -> Model:
    """Printed carton of a common format, upright, on its edge or flat."""
    sides = np.array(_CARTONS[rng.integers(len(_CARTONS))]) * rng.uniform(0.88, 1.12, 3)
    if rng.random() < 0.5:  # flat or on its edge
        sides = sides[[0, 2, 1]] if rng.random() < 0.75 else sides[[2, 1, 0]]
    main = str(rng.choice(MAIN))
    colors, words = _palette(rng, main)
    mesh = box(*sides, 0.001)
    low, high = tuple(mesh.vertices.min(0)), tuple(mesh.vertices.max(0))
    if rng.random() < 0.12:
        surface, also = Surface(textures.grain(rng, colors[0], 4), "paper", scale=0.15), ()
    else:
        texture = prints.carton_faces(rng, colors)
        surface, also = Surface(texture, "carton", "carton", low=low, high=high), prints.noted(texture, colors, words)
    return Model("box", main, "paper", (Part(mesh, surface),), also=also, carries=True)


def milk_carton(rng: Rng) -> Model:
    """Drink carton with a gable top and a screw cap, 17 to 24 cm high."""
    side, height = rng.uniform(0.062, 0.085), rng.uniform(0.15, 0.19)
    roof, fin = rng.uniform(0.025, 0.04), 0.012
    main = str(rng.choice(["white", "white", "blue", "red", "brown", "green", "yellow"]))
    colors, words = _palette(rng, main)
    texture = prints.wrapped(rng, colors)

    def ring(x: float, y: float, z: float) -> np.ndarray:
        return np.array([[x, y, z], [-x, y, z], [-x, -y, z], [x, -y, z]]) * [0.5, 0.5, 1]

    body = loft([ring(side, side, 0), ring(side, side, height), ring(side, 0.004, height + roof),
                 ring(side, 0.004, height + roof + fin)])  # fmt: skip
    cap = lathe([(0, 0), (0.012, 0), (0.012, 0.012), (0, 0.012)], 16)
    cap = cap.moved(translation(0, -side / 4, height + roof / 2 - 0.004) @ rotation("x", np.arctan2(roof, side / 2)))
    top = height + roof + fin
    parts = (
        Part(body, Surface(texture, "carton", "cylinder", high=(0, 0, top))),
        Part(cap, Surface(textures.plain(shade(str(rng.choice(["white", "blue", "red"])), rng)))),
    )
    return Model("box", main, "paper", parts, also=prints.noted(texture, colors, words), lies="x")


def tin(rng: Rng) -> Model:
    """Flat round tin with a lid, 13 to 21 cm across."""
    radius, height = rng.uniform(0.065, 0.105), rng.uniform(0.05, 0.08)
    main = str(rng.choice(["brown", "brown", "red", "blue", "yellow", "green", "white"]))
    colors, words = _palette(rng, main)
    side = prints.wrapped(rng, colors)
    lid = height - rng.uniform(0.012, 0.02)
    body = lathe([(0, 0), (radius * 0.97, 0), (radius * 0.97, lid), (radius, lid), (radius, height)], 48, caps=False)
    top = lathe([(radius, height), (0.97 * radius, height + 0.002), (0, height + 0.002)], 48, caps=False)
    cover = Surface(prints.flat(rng, colors), "tin", "face", low=(-radius, -radius, -1), high=(radius, radius, 1))
    parts = (Part(body, Surface(side, "tin", "cylinder", high=(0, 0, height))), Part(top, cover))
    also = prints.noted(np.concatenate([side[:, :160], cover.texture]), colors, words)
    return Model("tin", main, "metal", parts, also=also, round=True, carries=True)


def canister(rng: Rng) -> Model:
    """Printed can with a plastic lid: coffee, peanuts, cocoa, stacked crisps; 9 to 24 cm high."""
    slim = rng.random() < 0.25
    radius, height = (0.037, rng.uniform(0.18, 0.24)) if slim else (rng.uniform(0.033, 0.052), rng.uniform(0.09, 0.15))
    main = str(rng.choice(MAIN))
    colors, words = _palette(rng, main)
    texture = prints.wrapped(rng, colors)
    rim = height - 0.012
    body = lathe([(0, 0), (radius, 0.001), (radius, rim)], 40, caps=False)
    lid = lathe([(radius, rim), (radius * 1.03, rim), (radius * 1.03, height), (0, height)], 40, caps=False)
    color = str(rng.choice([main, "white", "white", "grey", "red", "black"]))
    metal = color == "grey"
    parts = (
        Part(body, Surface(texture, "tin", "cylinder", high=(0, 0, rim))),
        Part(lid, Surface(textures.plain(shade(color, rng)), "metal" if metal else "plastic")),
    )
    also = tuple(dict.fromkeys((*prints.noted(texture, colors, words), *([color] if color != main else []))))
    return Model("can", main, "metal", parts, also=also, round=True, lies="y", carries=True)


def jug(rng: Rng) -> Model:
    """Flat plastic bottle for cleaner, sauce or soap, with a label and perhaps a handle; 15 to 28 cm high."""
    main = str(rng.choice(["white", "white", "yellow", "blue", "red", "green", "orange"]))
    height, wide = rng.uniform(0.15, 0.28), rng.uniform(0.065, 0.1)
    deep = wide * rng.uniform(0.55, 0.8)
    neck, shoulder = rng.uniform(0.012, 0.018), rng.uniform(0.62, 0.78) * height
    top = height - 0.03
    z = np.array([0, 0.004, 0.5 * shoulder, shoulder, 0.5 * (shoulder + top), 0.9 * top + 0.1 * shoulder, top])
    half = np.array([0.46, 0.5, 0.5 * rng.uniform(0.9, 1.0), 0.5, 0.36, 0.0, 0.0])
    rings = []
    for level, h in zip(z, half, strict=True):
        x, y = max(h * wide, neck), max(h * deep, neck)
        rings.append(circle(1.0, level, 32) * [x, y, 1])
    colors, words = _palette(rng, main)
    texture = prints.wrapped(rng, [colors[0], *colors[1:]])
    # Bare plastic below and above the label.
    texture[: int(0.4 * len(texture))] = texture[-12:] = textures.plain(colors[0])[0, 0]
    cap_word = str(rng.choice([main, "white", "blue", "red", "black"]))
    cap = lathe([(0, top - 0.004), (neck * 1.2, top - 0.004), (neck * 1.1, height), (0, height)], 20)
    body = [loft(rings)]
    if rng.random() < 0.35:
        angle = np.linspace(-1.3, 1.3, 10)
        path = np.stack(
            [0.40 * wide + 0.03 * np.cos(angle), 0 * angle, shoulder + 0.16 * height * np.sin(angle) - 0.02], -1
        )
        body.append(tube(path, 0.009, 10))
    parts = (
        Part(join(*body), Surface(texture, "plastic", "cylinder", high=(0, 0, height))),
        Part(cap, Surface(textures.plain(shade(cap_word, rng)))),
    )
    return Model("bottle", main, "plastic", parts, also=prints.noted(texture, colors, words), lies="x")


def packet(rng: Rng) -> Model:
    """Filled bag of foil or paper lying flat: crisps, sweets, coffee, tissues; 10 to 22 cm long."""
    x, y, z = rng.uniform(0.1, 0.22), rng.uniform(0.08, 0.15), rng.uniform(0.025, 0.06)
    main = str(rng.choice(MAIN))
    colors, words = _palette(rng, main)
    angle = np.arange(40) * (2 * np.pi / 40)
    c, s = np.cos(angle), np.sin(angle)
    outline = np.stack([np.sign(c) * np.abs(c) ** 0.3 * x / 2, np.sign(s) * np.abs(s) ** 0.3 * y / 2], -1)
    crumple = rng.normal(0, 0.03, (11, 40))
    crumple = (crumple + np.roll(crumple, 1, 1) + np.roll(crumple, -1, 1)) / 2
    rings = []
    for k, t in enumerate(np.linspace(-1, 1, 11)):
        inset = (1 - abs(t) ** 2.5) ** 0.5 * (1 + crumple[k])
        rings.append(np.concatenate([outline * np.maximum(inset, 0.01)[:, None], np.full((40, 1), z / 2 * (t + 1))], 1))
    texture = prints.flat(rng, colors)
    surface = Surface(texture, "foil", "face", low=(-x / 2, -y / 2, -1), high=(x / 2, y / 2, 1))
    also = prints.noted(texture, colors, words)
    return Model("packet", main, "paper", (Part(loft(rings), surface),), also=also)


def scissors(rng: Rng) -> Model:
    """Scissors lying flat, 15 to 21 cm long."""
    main = str(rng.choice(["red", "orange", "black", "blue", "yellow"]))
    k, open_ = rng.uniform(0.85, 1.15), rng.uniform(0.03, 0.2)
    blades, grips = [], []
    for side, level in ((1, 0.0), (-1, 0.0035)):
        turn = rotation("z", side * open_)
        blades.append(box(0.1, 0.014, 0.003).moved(turn @ translation(0.05, side * 0.003, 0.0025 + level)))
        angle = np.linspace(0, 2 * np.pi, 17)[:-1]
        rings = []
        for a in angle:  # a torus, squashed along the scissors
            around = np.linspace(0, 2 * np.pi, 9)[:-1]
            away = 1 + 0.22 * np.cos(around)
            rings.append(np.stack([0.027 * np.cos(a) * away, 0.019 * np.sin(a) * away, 0.0055 * np.sin(around)], -1))
        loop = loft(rings, loop=True).moved(turn @ translation(-0.062, -side * 0.012, 0.0055))
        arm = box(0.04, 0.011, 0.007).moved(turn @ translation(-0.018, -side * 0.002, 0.0005))
        grips += [loop, arm]
    scale = np.diag([k, k, 1.0, 1.0])
    parts = (
        Part(join(*grips).moved(scale), Surface(textures.plain(shade(main, rng)), "plastic")),
        Part(join(*blades).moved(scale), Surface(textures.plain(np.array([168, 170, 174])), "metal")),
    )
    return Model("scissors", main, "plastic", parts, also=("grey",))


def clamp(rng: Rng) -> Model:
    """Spring clamp lying on its side, 12 to 20 cm long."""
    main = str(rng.choice(["black", "black", "red", "blue"]))
    k = rng.uniform(0.7, 1.15)
    t = np.linspace(0, 1, 9)
    arms = []
    for s in (1, -1):
        path = np.stack([0.17 * t - 0.085, s * (0.042 - 0.032 * np.sin(np.pi * np.clip(t * 1.1, 0, 1))), 0 * t], -1)
        arms.append(tube(path, np.interp(t, [0, 0.6, 1], [0.009, 0.014, 0.009]), 10))
    hub = lathe([(0, -0.015), (0.016, -0.015), (0.016, 0.015), (0, 0.015)], 20).moved(translation(0.005))
    tips = [ellipsoid(0.026, 0.024, 0.024, 12).moved(translation(0.083, s * 0.036)) for s in (1, -1)]
    low = min(m.vertices[:, 2].min() for m in (*arms, hub, *tips))
    up = np.diag([k, k, k, 1.0]) @ translation(z=-low)
    tip_color = shade(str(rng.choice(["orange", "red", "black"])), rng)
    parts = (
        Part(join(*arms, hub).moved(up), Surface(textures.plain(shade(main, rng)), "plastic")),
        Part(join(*tips).moved(up), Surface(textures.plain(tip_color), "rubber")),
    )
    return Model("clamp", main, "plastic", parts, also=("orange", "red"))


def sheet(rng: Rng) -> Model:
    """A few sheets of paper or a leaflet, 1 to 3 mm thick, postcard to A4."""
    long = rng.uniform(0.14, 0.3)
    main = str(rng.choice(["white"] * 5 + ["yellow", "blue", "green"]))
    mesh = box(long * 0.71, long, rng.uniform(0.001, 0.003))
    return _printed_slab(rng, mesh, "paper", main, 0.5 if main == "white" else 0.25)


def magazine(rng: Rng) -> Model:
    """Magazine, notebook or folder lying flat, 4 to 12 mm thick."""
    long = rng.uniform(0.19, 0.31)
    mesh = box(long * rng.uniform(0.7, 0.78), long, rng.uniform(0.004, 0.012))
    return _printed_slab(rng, mesh, "magazine", str(rng.choice(MAIN)), 1.0)


def _printed_slab(rng: Rng, mesh: Mesh, category: str, main: str, busy: float) -> Model:
    colors, words = _palette(rng, main)
    if main == "white" and busy < 1:
        colors[1:] = [shade("grey", rng), shade("black", rng)]
        words[1:] = ["grey", "black"]
    texture = linear_from_srgb(prints.face(rng, colors, 192, 144, busy))
    low, high = mesh.vertices.min(0), mesh.vertices.max(0)
    surface = Surface(texture, "paper", "face", low=(low[0], low[1], -1.0), high=(high[0], high[1], 1.0))
    also = prints.noted(texture, colors, words)
    return Model(category, main, "paper", (Part(mesh, surface),), also=also, carries=True)

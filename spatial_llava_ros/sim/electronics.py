"""Devices: laptop, monitor, keyboard, mouse, phone, remote, drill. Each function draws one and returns a Model."""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.sim import textures
from spatial_llava_ros.sim.colors import shade
from spatial_llava_ros.sim.mesh import box, ellipsoid, join, lathe, rotation, translation
from spatial_llava_ros.sim.model import Model, Part
from spatial_llava_ros.sim.surface import Surface

Rng = np.random.Generator
_BODY = ("black", "grey", "white")


def _over(x: float, y: float) -> dict[str, tuple[float, float, float]]:
    """Extent of a "face" texture over the top of something x by y."""
    return {"low": (-x / 2, -y / 2, -1.0), "high": (x / 2, y / 2, 1.0)}


def laptop(rng: Rng) -> Model:
    """Laptop, open, 30 to 36 cm wide, its screen towards -y."""
    color = str(rng.choice(["black", "grey"]))
    paint, width = shade(color, rng), rng.uniform(0.30, 0.36)
    depth, thick, lid = width * 0.68, 0.016, width * 0.66
    base = box(width, depth, thick, 0.004)
    keys = box(width * 0.88, depth * 0.46, 0.0015).moved(translation(0, depth * 0.16, thick))
    pad = box(width * 0.28, depth * 0.26, 0.0008).moved(translation(0, -depth * 0.27, thick))
    # The lid turns about the hinge at the back edge; upright it would be at 0.
    lean = rng.uniform(0.1, 0.5)
    hinge = translation(0, depth / 2 - 0.006, thick) @ rotation("x", -lean)
    cover = box(width, 0.008, lid, 0.003).moved(hinge)
    glass = box(width * 0.94, 0.001, lid * 0.88).moved(hinge @ translation(0, -0.0045, lid * 0.07))
    low, high = glass.vertices.min(0), glass.vertices.max(0)
    key_ink = shade("black", rng) if color != "black" else np.array([70, 70, 74])
    key_texture = textures.keys(paint * 0.8, key_ink)
    parts = (
        Part(join(base, cover), Surface(textures.plain(paint), "metal" if color == "grey" else "plastic")),
        Part(
            keys,
            Surface(
                key_texture,
                "plastic",
                "face",
                low=(-width * 0.44, depth * -0.07, -1),
                high=(width * 0.44, depth * 0.39, 1),
            ),
        ),
        Part(pad, Surface(textures.plain(paint * 0.75), "plastic")),
        Part(glass, Surface(textures.screen(rng), "screen", "face", low=tuple(low), high=tuple(high), emission=0.5)),
    )
    return Model("laptop", color, "metal", parts, also=("blue", "black", "white"), faces=True)


def monitor(rng: Rng) -> Model:
    """Flat screen on a foot, 45 to 60 cm wide, towards -y."""
    color = str(rng.choice(["black", "black", "grey", "white"]))
    paint, width = shade(color, rng), rng.uniform(0.45, 0.6)
    height, raised = width * 0.58, rng.uniform(0.08, 0.13)
    panel = box(width, 0.03, height, 0.004).moved(translation(0, 0, raised))
    foot = box(width * 0.4, 0.17, 0.012, 0.004)
    neck = box(0.05, 0.02, raised + 0.1).moved(translation(0, 0.025, 0))
    glass = box(width - 0.03, 0.002, height - 0.035).moved(translation(0, -0.0155, raised + 0.02))
    low, high = glass.vertices.min(0), glass.vertices.max(0)
    parts = (
        Part(join(panel, foot, neck), Surface(textures.plain(paint), "plastic")),
        Part(glass, Surface(textures.screen(rng), "screen", "face", low=tuple(low), high=tuple(high), emission=0.5)),
    )
    return Model("monitor", color, "plastic", parts, also=("blue", "white"), faces=True)


def keyboard(rng: Rng) -> Model:
    """Keyboard, 36 to 45 cm wide."""
    color = str(rng.choice(_BODY))
    paint, width, depth = shade(color, rng), rng.uniform(0.36, 0.45), rng.uniform(0.12, 0.15)
    body = box(width, depth, 0.018, 0.005)
    top = box(width * 0.97, depth * 0.9, 0.004).moved(translation(z=0.018))
    key = np.array([60, 60, 64]) if color == "black" else shade("white" if color == "grey" else "grey", rng)
    texture = textures.keys(paint * 0.85, key)
    also = () if color == "black" else ("grey", "white")
    parts = (
        Part(body, Surface(textures.plain(paint), "plastic")),
        Part(top, Surface(texture, "plastic", "face", **_over(width * 0.97, depth * 0.9))),
    )
    return Model("keyboard", color, "plastic", parts, also=also, faces=True)


def mouse(rng: Rng) -> Model:
    """Computer mouse, 10 to 12 cm long along y."""
    color = str(rng.choice(_BODY))
    length = rng.uniform(0.1, 0.12)
    shell = ellipsoid(length * 0.6, length, 0.072)
    body = type(shell)(np.maximum(shell.vertices, [-1, -1, 0]), shell.triangles)
    paint = shade(color, rng)
    wheel = ellipsoid(0.008, 0.026, 0.016).moved(translation(0, length * 0.22, 0.0315))
    # The seam between the buttons and the one behind them.
    texture = textures.plain(paint).repeat(32, 1).repeat(64, 0).copy()
    texture[:26, 15:17], texture[25:27] = 0.25 * texture[0, 0] + 0.01, 0.25 * texture[0, 0] + 0.01
    cover = Surface(
        texture, "plastic", "face", low=(-0.3 * length, -length / 2, -1), high=(0.3 * length, length / 2, 1)
    )
    parts = (Part(body, cover), Part(wheel, Surface(textures.plain(np.full(3, 90.0)))))
    return Model("mouse", color, "plastic", parts)


def phone(rng: Rng) -> Model:
    """Mobile phone on its back, 14 to 16 cm long along y."""
    color = str(rng.choice(["black", "white", "blue", "red", "pink"]))
    length = rng.uniform(0.138, 0.162)
    width = length * 0.48
    body = box(width, length, 0.0085, 0.003)
    glass = box(width * 0.93, length * 0.95, 0.0006).moved(translation(z=0.0085))
    texture = textures.screen(rng) if rng.random() < 0.5 else textures.plain(np.array([14, 14, 18]))
    lit = 0.4 if len(texture) > 1 else 0.0
    screen = Surface(texture, "screen", "face", **_over(width, length), emission=lit)
    parts = (Part(body, Surface(textures.plain(shade(color, rng)), "metal")), Part(glass, screen))
    return Model("phone", "black", "glass", parts, also=(color, "blue", "white") if lit else (color,))


def remote(rng: Rng) -> Model:
    """Remote control, 15 to 21 cm long along x."""
    color = str(rng.choice(["black", "black", "grey", "white"]))
    length, width = rng.uniform(0.15, 0.21), rng.uniform(0.042, 0.05)
    paint = shade(color, rng)
    key = np.array([120, 122, 126]) if color == "black" else np.array([50, 50, 54])
    body = box(length, width, 0.02, 0.006)
    top = box(length * 0.95, width * 0.86, 0.001).moved(translation(z=0.02))
    face = Surface(
        textures.buttons(paint, key, shade("red", rng)), "plastic", "face", **_over(length * 0.95, width * 0.86)
    )
    return Model("remote", color, "plastic", (Part(body, Surface(textures.plain(paint))), Part(top, face)), lies="")


def drill(rng: Rng) -> Model:
    """Cordless drill standing on its battery, 20 to 25 cm high, the bit along +x."""
    color = str(rng.choice(["orange", "yellow", "green", "red", "blue"]))
    k = rng.uniform(0.92, 1.12)
    turn = rotation("y", np.pi / 2)
    barrel = lathe([(0, -0.085), (0.026, -0.085), (0.031, -0.06), (0.031, 0.04), (0.026, 0.055)]).moved(turn)
    chuck = lathe([(0.024, 0.055), (0.024, 0.075), (0.012, 0.1), (0, 0.1)]).moved(turn)
    bit = lathe([(0.0035, 0.1), (0.0035, 0.15), (0, 0.158)], 10).moved(turn)
    grip = box(0.042, 0.032, 0.12, 0.012).moved(translation(-0.05, 0, -0.135) @ rotation("y", 0.15))
    battery = box(0.105, 0.07, 0.045, 0.008).moved(translation(-0.045, 0, -0.172))
    trigger = box(0.014, 0.016, 0.035, 0.004).moved(translation(-0.02, 0, -0.065))
    dark = Surface(textures.plain(shade("black", rng)), "rubber")
    scale = np.diag([k, k, k, 1.0])
    up = scale @ translation(z=0.172)
    paint = Surface(textures.plain(shade(color, rng)), "plastic")
    steel = Surface(textures.plain(np.array([150, 152, 156])), "metal")
    parts = (
        Part(barrel.moved(up), paint),
        Part(grip.moved(up), paint if rng.random() < 0.6 else dark),
        Part(join(battery, trigger, chuck).moved(up), dark),
        Part(bit.moved(up), steel),
    )
    return Model("drill", color, "plastic", parts, also=("black",))

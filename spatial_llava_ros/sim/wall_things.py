"""What hangs on a wall: pictures, posters, whiteboards, notes; and windows, which a depth camera looks through."""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.sim import prints, textures
from spatial_llava_ros.sim.colors import faded, linear_from_srgb, shade
from spatial_llava_ros.sim.groceries import MAIN
from spatial_llava_ros.sim.mesh import box, join, translation
from spatial_llava_ros.sim.model import Model, Part
from spatial_llava_ros.sim.scene import Arranger, rest_pose
from spatial_llava_ros.sim.surface import Surface

Rng = np.random.Generator


def _panel(rng: Rng, width: float, height: float, thick: float, colors: list[np.ndarray], material: str) -> Part:
    """A printed board, its face towards -y of the model frame."""
    mesh = box(width, thick, height)
    rows = int(np.clip(160 * height / width, 60, 240))
    texture = linear_from_srgb(prints.face(rng, colors, rows, 160))
    low, high = (-width / 2, -1.0, 0.0), (width / 2, 1.0, height)
    return Part(mesh, Surface(texture, material, "face", low=low, high=high))


def poster(rng: Rng) -> Model:
    """Poster, calendar or note, 10 to 60 cm high, less than a millimetre thick."""
    height = rng.uniform(0.1, 0.6)
    main = str(rng.choice(MAIN))
    colors = [faded(main, rng), faded("white", rng), faded("black", rng)]
    part = _panel(rng, height * rng.uniform(0.65, 1.3), height, 0.0008, colors, "paper")
    return Model("poster", main, "paper", (part,), also=("white", "black"), faces=True)


def picture(rng: Rng) -> Model:
    """Framed picture, 20 to 60 cm wide."""
    width, height = rng.uniform(0.2, 0.6), rng.uniform(0.2, 0.5)
    frame = str(rng.choice(["black", "brown", "white", "grey"]))
    rim = rng.uniform(0.012, 0.03)
    outer = join(
        *(box(rim, 0.02, height).moved(translation(s * (width - rim) / 2, 0, 0)) for s in (-1, 1)),
        *(box(width - 2 * rim, 0.02, rim).moved(translation(0, 0, z)) for z in (0, height - rim)),
    )
    main = str(rng.choice(MAIN))
    inner = _panel(
        rng, width - 2 * rim, height - 2 * rim, 0.006, [faded(w, rng) for w in (main, "white", "brown")], "carton"
    )
    inner = Part(inner.mesh.moved(translation(0, 0.006, rim)), inner.surface)
    also = tuple(dict.fromkeys(w for w in (main, "white", "brown") if w != frame))
    parts = (Part(outer, Surface(textures.plain(shade(frame, rng)), "wood")), inner)
    return Model("picture", frame, "wood", parts, also=also, faces=True)


def whiteboard(rng: Rng) -> Model:
    """Whiteboard or pin board, 60 to 140 cm wide."""
    width, height = rng.uniform(0.6, 1.4), rng.uniform(0.45, 0.9)
    panel = _panel(rng, width, height, 0.015, [shade("white", rng), faded("grey", rng)], "ceramic")
    tray = box(width * 0.9, 0.05, 0.012).moved(translation(0, -0.02, -0.0))
    parts = (panel, Part(tray, Surface(textures.plain(shade("grey", rng)), "metal")))
    return Model("whiteboard", "white", "plastic", parts, also=("grey",), faces=True)


HANGING = {"poster": poster, "picture": picture, "whiteboard": whiteboard}


def hang(
    rng: Rng, arranger: Arranger, wall: float, y: tuple[float, float], z: tuple[float, float], count: int,
    names: tuple[str, ...] = ("poster", "poster", "picture", "whiteboard", "window"),
) -> list[Part]:  # fmt: skip
    """Hang things on the wall whose face is at world x = wall, apart from each other.

    Args:
        y, z: ends between which their middles and lower edges lie.

    Returns:
        The windows: parts of the room rather than things.
    """
    windows = []
    for _ in range(count):
        name = str(rng.choice(names))
        if name == "window":
            windows += _window(rng, arranger, wall, rng.uniform(*y), rng.uniform(*z))
            continue
        model = HANGING[name](rng)
        rest, size, turn = rest_pose(model)
        middle, low = rng.uniform(*y), rng.uniform(*z)
        x = wall - size[1] / 2 - 0.0005
        if arranger.is_free(
            (x - size[1] / 2, wall), (middle - size[0] / 2, middle + size[0] / 2), (low, low + size[2])
        ):
            arranger.add(model, rest, size, x, middle, low, -np.pi / 2 - turn)
    return windows


def _window(rng: Rng, arranger: Arranger, wall: float, y: float, z: float) -> list[Part]:
    """Bright glass in a frame; nothing comes back to a depth camera."""
    width, height = rng.uniform(0.5, 1.1), rng.uniform(0.5, 0.9)
    if not arranger.is_free((wall - 0.03, wall), (y - width / 2, y + width / 2), (z, z + height)):
        return []
    arranger.block((wall - 0.03, wall), (y - width / 2, y + width / 2), (z, z + height))
    bright = Surface(
        textures.plain(rng.uniform(170, 245) + rng.uniform(-10, 10, 3)), "window", emission=rng.uniform(1.5, 4)
    )
    glass = box(0.004, width, height).moved(translation(wall - 0.004, y, z))
    rim = join(
        *(box(0.03, 0.04, height).moved(translation(wall - 0.015, y + s * width / 2, z)) for s in (-1, 0, 1)),
        *(box(0.03, width, 0.04).moved(translation(wall - 0.015, y, z + h)) for h in (0, height - 0.04)),
    )
    return [Part(glass, bright), Part(rim, Surface(textures.plain(shade("white", rng)), "plastic"))]

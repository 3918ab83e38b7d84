"""What stands around a table and nobody speaks of: chairs, shelves, desks with screens, people, curtains, cables.

Most pictures of a table show half a room behind it, cut by the border and often beyond the reach of the depth camera.
It is drawn from a stream of its own, so that the things on the table stay what they are.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spatial_llava_ros.sim import catalogue, prints, textures
from spatial_llava_ros.sim.colors import faded, linear_from_srgb, shade
from spatial_llava_ros.sim.furnishing import facing, tipped
from spatial_llava_ros.sim.mesh import Mesh, box, ellipsoid, join, loft, translation, tube
from spatial_llava_ros.sim.model import Model, Part
from spatial_llava_ros.sim.scene import Arranger, Placed, Support, top_of
from spatial_llava_ros.sim.surface import Surface
from spatial_llava_ros.sim.wall_things import hang

Rng = np.random.Generator
_WORDS = ("black", "grey", "white", "brown", "blue", "red", "green", "yellow")


def _paint(rng: Rng) -> np.ndarray:
    return faded(str(rng.choice(_WORDS[:5] if rng.random() < 0.7 else _WORDS)), rng)


def person(rng: Rng) -> Model:
    """Somebody standing: two legs in shoes, a body, arms; the head is above most pictures."""
    trousers, shirt, shoes = (Surface(textures.grain(rng, _paint(rng), 5), "fabric", scale=0.3) for _ in range(3))
    gap = rng.uniform(0.07, 0.16)
    legs, feet, arms = [], [], []
    for side in (-1, 1):
        knee = [side * gap + rng.normal(0, 0.02), rng.normal(0, 0.03), 0.48]
        legs.append(tube([[side * gap, 0, 0.05], knee, [side * 0.09, 0, 0.92]], np.array([0.055, 0.065, 0.09])))
        feet.append(ellipsoid(0.1, 0.27, 0.1, 16).moved(translation(side * gap, -0.05, 0.05)))
        hand = [side * (0.24 + rng.uniform(0, 0.15)), rng.uniform(-0.35, 0.05), rng.uniform(0.75, 1.2)]
        arms.append(tube([[side * 0.19, 0, 1.36], [side * 0.25, 0.02, 1.1], hand], 0.045))
    body = loft([
        np.column_stack([0.5 * x * np.cos(a), 0.5 * y * np.sin(a), np.full(24, z)])
        for x, y, z in ((0.33, 0.22, 0.88), (0.34, 0.24, 1.1), (0.42, 0.24, 1.35), (0.2, 0.14, 1.48))
        for a in (np.arange(24) * (2 * np.pi / 24),)
    ])  # fmt: skip
    head = ellipsoid(0.16, 0.2, 0.24, 16).moved(translation(0, 0, 1.6))
    skin = Surface(textures.plain(np.array([196, 150, 120]) * rng.uniform(0.5, 1.1)), "fruit")
    parts = (Part(join(*legs), trousers), Part(join(*feet), shoes), Part(join(body, *arms), shirt), Part(head, skin))
    return Model("person", "black", "fabric", parts, faces=True)


def curtain(rng: Rng) -> Model:
    """Cloth in folds, 0.4 to 1.4 m wide, from the ceiling to the floor or to a sill."""
    width, low = rng.uniform(0.4, 1.4), float(rng.choice([0.03, rng.uniform(0.5, 1.0)]))
    x = np.linspace(-width / 2, width / 2, 60)
    fold = 0.03 * np.sin(x * rng.uniform(35, 80) + rng.uniform(0, 6)) + 0.015 * np.sin(x * rng.uniform(11, 25))
    outline = np.concatenate([np.column_stack([x, fold]), np.column_stack([x[::-1], fold[::-1] + 0.006])])
    mesh = loft([np.column_stack([outline, np.full(len(outline), z)]) for z in (low, 2.4)])
    color, other = _paint(rng), _paint(rng)
    texture = textures.stripes(other, color, 4, upright=True) if rng.random() < 0.3 else textures.grain(rng, color, 4)
    return Model("curtain", "grey", "fabric", (Part(mesh, Surface(texture, "fabric", scale=0.4)),), faces=True)


def computer(rng: Rng) -> Model:
    """The case of a computer or a rack of instruments, with slots, a panel and lamps in front."""
    x, y, z = rng.uniform([0.17, 0.35, 0.35], [0.5, 0.5, 0.6])
    color = shade(str(rng.choice(["black", "black", "grey", "white"])), rng)
    inks = [color, color * 0.5, 0.5 * color + 90, shade("blue", rng)]
    mesh = box(x, y, z, 0.004)
    low, high = tuple(mesh.vertices.min(0)), tuple(mesh.vertices.max(0))
    surface = Surface(linear_from_srgb(prints.face(rng, inks, 200, 160)), "metal", "face", low=low, high=high)
    return Model("computer", "black", "metal", (Part(mesh, surface),), carries=True, faces=True)


def _cable(rng: Rng, start: np.ndarray, end: np.ndarray, floor: float) -> Mesh:
    """A cord that hangs or lies between two points (3,), nowhere below the floor."""
    t = np.linspace(0, 1, 40)[:, None]
    wander = sum(rng.normal(0, 0.12 / k, 3) * np.sin(np.pi * k * t) for k in range(1, 5))
    path = start * (1 - t) + end * t + wander - np.array([0, 0, rng.uniform(0, 0.4)]) * np.sin(np.pi * t)
    path[:, 2] = np.maximum(path[:, 2], floor + 0.006)
    return tube(path, rng.uniform(0.002, 0.006), 6)


_STANDING: tuple[tuple[Callable[[Rng], Model] | str, float], ...] = (
    ("office chair", 3), ("chair", 3), (person, 2), ("cabinet", 2), ("bookcase", 2), ("table", 3), ("floor plant", 1),
    ("parcel", 2), ("bin", 1), (computer, 2), ("floor lamp", 1), ("sofa", 0.7), ("backpack", 1), ("bag", 1),
    ("stool", 1),
)  # fmt: skip


def _draw(rng: Rng) -> Model:
    chance = np.array([weight for _, weight in _STANDING])
    what = _STANDING[rng.choice(len(_STANDING), p=chance / chance.sum())][0]
    return catalogue.BUILDERS[what](rng) if isinstance(what, str) else what(rng)


def open_room(
    rng: Rng, table: tuple[float, float, float], room: tuple[float, float, float]
) -> tuple[float, tuple[Placed, ...], list[Part]]:
    """Two of three times a room that is deep and full behind the table, else as it was.

    Args:
        table, room: as `surround` takes them.

    Returns:
        Where the wall at the back is then, and what `surround` returns.
    """
    own = rng.spawn(1)[0]
    if own.random() > 0.65:
        return room[0], (), []
    back = room[0] + own.uniform(0.3, 2.5)
    return back, *surround(own, table, (back, *room[1:]))


def surround(
    rng: Rng, table: tuple[float, float, float], room: tuple[float, float, float]
) -> tuple[tuple[Placed, ...], list[Part]]:
    """Furnish the room around a table whose middle is at x = y = 0.

    Args:
        table: its width along y, depth along x and height, metres.
        room: where the walls are: x = back, y = left, y = -right.

    Returns:
        What stands there, all with id 0, and parts of the room.
    """
    (width, depth, height), (back, left, right) = table, room
    arranger = Arranger(rng)
    arranger.block((-depth / 2 - 2.0, depth / 2 + 0.03), (-width / 2 - 0.03, width / 2 + 0.03), (0.0, 2.5))
    structure = hang(rng, arranger, back, (-right + 0.4, left - 0.4), (height + 0.1, height + 0.9),
                     int(rng.integers(0, 4)))  # fmt: skip
    for _ in range(int(rng.choice([0, 0, 1, 2]))):
        model = curtain(rng)
        y = rng.uniform(-right + 0.5, left - 0.5)
        arranger.put_at(Support(back - 0.2, 0.0, 0.0, 0.4, 4.0), model, None, back - 0.12, y, -np.pi / 2)
    behind = Support((depth / 2 + back) / 2, (left - right) / 2, 0.0, back - depth / 2, left + right - 0.1)
    for _ in range(int(rng.integers(2, 9))):
        model = _draw(rng)
        number = 0
        if rng.random() < 0.35:  # close to the table, as chairs and people are
            near = Support(depth / 2 + 0.4, 0.0, 0.0, 0.8, width + 0.6)
            number = arranger.put_on(near, model, None, 0.01, facing(rng, model, 2.5), tries=15)
        number = number or arranger.put_on(behind, model, None, 0.01, facing(rng, model, 2.5), tries=25)
        if number and model.category in ("table", "cabinet", "bookcase", "computer"):
            _load(rng, arranger, top_of(arranger.objects[number - 1]))
    cord = Surface(textures.plain(shade(str(rng.choice(["black", "black", "white", "grey"])), rng)), "rubber")
    for _ in range(int(rng.choice([0, 0, 1, 3]))):
        ends = rng.uniform([depth / 2, -right + 0.1, 0.0], [max(back - 0.1, depth / 2 + 0.01), left - 0.1, 1.2], (2, 3))
        structure.append(Part(_cable(rng, *ends, 0.0), cord))
    return _nameless(arranger), structure


def around_tote(rng: Rng, x: float, y: float, height: float) -> tuple[tuple[Placed, ...], list[Part]]:
    """Goods, tools and cords on the table beside a tote of sides x, y.

    Returns:
        As `surround`.
    """
    arranger = Arranger(rng)
    arranger.block((-x / 2 - 0.01, x / 2 + 0.01), (-y / 2 - 0.01, y / 2 + 0.01), (0.0, 3.0))
    top = Support(0.0, 0.0, height, 0.76, 1.26)
    _load(rng, arranger, top, int(rng.integers(3, 10)))
    cord = Surface(textures.plain(shade("black", rng)), "rubber")
    parts = []
    for _ in range(int(rng.integers(0, 4))):
        ends = rng.uniform([x / 2 + 0.03, -0.6, height], [x / 2 + 0.15, 0.6, height + 0.1], (2, 3))
        ends *= [rng.choice([-1, 1]), 1, 1]
        ends[:, 2] = height + 0.02
        cable = _cable(rng, *ends, height)
        cable.vertices[:, 0] = np.sign(ends[0, 0]) * np.maximum(np.abs(cable.vertices[:, 0]), x / 2 + 0.01)
        parts.append(Part(cable, cord))
    return _nameless(arranger), parts


def _load(rng: Rng, arranger: Arranger, top: Support, count: int | None = None) -> None:
    """Screens, machines and goods on a surface, some on one another."""
    if top.z > 1.3:
        return
    for _ in range(int(rng.integers(0, 6)) if count is None else count):
        model = catalogue.BUILDERS[str(rng.choice(["monitor", "laptop", "printer", "lamp", "keyboard"]))](rng)
        if rng.random() < 0.7:
            model = catalogue.draw(rng, str(rng.choice(["desk", "shelf", "crowd"])))
        carriers = [o.id for o in arranger.objects if o.supporter == top.owner and o.model.carries and top.owner]
        done = 0
        if carriers and rng.random() < 0.3:
            done = arranger.put_on_top(int(rng.choice(carriers)), model)
        if not done:
            arranger.put_on(top, model, tipped(rng, model, 0.2), 0.005, facing(rng, model, 1.0), tries=15)


def _nameless(arranger: Arranger) -> tuple[Placed, ...]:
    return tuple(Placed(0, o.model, o.world_from_model, o.world_from_object, o.size) for o in arranger.objects)

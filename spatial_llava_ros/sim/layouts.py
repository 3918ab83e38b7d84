"""The rooms: make_scene(layout, seed) furnishes one and puts things into it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.sim import catalogue, corner, crowded, mixed, textures
from spatial_llava_ros.sim.colors import shade
from spatial_llava_ros.sim.furnishing import facing, room_lights, steady, tipped, walls_and_floor, work_table
from spatial_llava_ros.sim.mesh import box, join, rotation, translation
from spatial_llava_ros.sim.model import Part
from spatial_llava_ros.sim.scene import Arranger, Scene, Support, rest_pose, top_of
from spatial_llava_ros.sim.scenery import around_tote
from spatial_llava_ros.sim.surface import Surface


def make_scene(layout: str, seed: int) -> Scene:
    """A furnished scene; the same layout and seed always give the same one.

    Args:
        layout: one of LAYOUTS.
        seed: any non-negative whole number.

    Raises:
        InvalidInputError: unknown layout or negative seed.
    """
    if layout not in _BUILDERS:
        raise InvalidInputError(f"layout must be one of {', '.join(_BUILDERS)}, got {layout!r}")
    if seed < 0:
        raise InvalidInputError(f"seed must not be negative, got {seed}")
    rng = np.random.default_rng([list(_BUILDERS).index(layout), seed])
    return _BUILDERS[layout](rng, seed)


def _fill(
    rng: np.random.Generator, arranger: Arranger, support: Support, count: int, place: str = "table",
    lying: float = 0.2, spacing: float = 0.05,
) -> None:  # fmt: skip
    """About `count` things on a surface: most stand free, some touch, some are stacked, some lie in bowls."""
    first = len(arranger.objects)
    for _ in range(count):
        here = [o for o in arranger.objects[first:] if not o.container]
        taken = {o.supporter for o in arranger.objects}
        carriers = [o.id for o in here if steady(o) and o.id not in taken]
        hollow = [o.id for o in here if o.model.category in ("bowl", "bin", "plate") and o.id not in taken]
        level = [o.id for o in here if o.supporter == support.owner]
        model = catalogue.draw(rng, place)
        tip = tipped(rng, model, lying)
        how = rng.random()
        done = 0
        if how < 0.16 and hollow:
            done = arranger.put_in(int(rng.choice(hollow)), catalogue.draw(rng, "small"))
        elif how < 0.4 and carriers:
            below = int(rng.choice(carriers))
            for _ in range(3):
                done = arranger.put_on_top(below, model, tip, support.clearance)
                if done:
                    break
                model = catalogue.draw(rng, place)
                tip = tipped(rng, model, lying)
        elif how < 0.54 and level and not model.faces:
            done = arranger.put_against(int(rng.choice(level)), support, model, tip)
        if not done:
            arranger.put_on(support, model, tip, rng.uniform(0.2 * spacing, spacing), facing(rng, model))


def _office(rng: np.random.Generator, arranger: Arranger, support: Support) -> None:
    """A laptop, or a monitor with keyboard and mouse, at the far side of a table."""
    back = support.x + support.width / 2
    y = support.y + rng.uniform(-0.15, 0.15)
    yaw = -np.pi / 2 + rng.uniform(-0.25, 0.25)
    if rng.random() < 0.5:
        model = catalogue.BUILDERS["laptop"](rng)
        arranger.put_at(support, model, None, back - rng.uniform(0.17, 0.3), y, yaw)
        return
    arranger.put_at(support, catalogue.BUILDERS["monitor"](rng), None, back - 0.12, y, yaw)
    x = back - rng.uniform(0.34, 0.42)
    arranger.put_at(support, catalogue.BUILDERS["keyboard"](rng), None, x, y, -np.pi / 2 + rng.uniform(-0.1, 0.1))
    arranger.put_at(support, catalogue.BUILDERS["mouse"](rng), None, x, y - 0.32, -np.pi / 2 + rng.uniform(-0.3, 0.3))


def _book_row(rng: np.random.Generator, arranger: Arranger, support: Support) -> None:
    """Books standing side by side, spines to the viewer; the last may lean on its neighbour."""
    stand = rotation("x", np.pi / 2)
    y = support.y + rng.uniform(-0.3, 0.15) * support.depth
    x = support.x + rng.uniform(-0.02, 0.02)
    count, last_height = int(rng.integers(3, 7)), 0.0
    for k in range(count):
        model = catalogue.BUILDERS["book"](rng)
        tip = stand
        height, thick = np.ptp(model.vertices()[:, 1]), np.ptp(model.vertices()[:, 2])
        if k == count - 1 and height < last_height and rng.random() < 0.6:
            # Its top edge rests against the flat side of the book before it.
            lean = rng.uniform(0.12, 0.3)
            tip = rotation("x", lean) @ stand
            thick = height * np.sin(lean) + thick * np.cos(lean)
        if not arranger.put_at(support, model, tip, x, y + thick / 2, 0.0):
            return
        y += thick + 0.0004
        last_height = height


def tabletop(rng: np.random.Generator, seed: int) -> Scene:
    """A table with 6 to 14 things, seen from a chair or by a standing person."""
    width, depth, height = rng.uniform(1.1, 1.6), rng.uniform(0.7, 0.85), rng.uniform(0.7, 0.76)
    back = depth / 2 + rng.uniform(0.02, 1.6)
    structure = walls_and_floor(rng, 2.2, back, rng.uniform(1.2, 2.5), rng.uniform(1.2, 2.5), 2.6)
    structure += work_table(rng, width, depth, height)
    arranger = Arranger(rng)
    support = Support(0.0, 0.0, height, depth - 0.06, min(width - 0.06, 1.0))
    if rng.random() < 0.35:
        _office(rng, arranger, support)
    _fill(rng, arranger, support, int(rng.integers(6, 15)))
    lights, ambient = room_lights(rng, 0.0, 0.0, 2.4)
    return Scene(
        "tabletop", seed, tuple(arranger.objects), tuple(structure), lights, ambient,
        focus=(0.0, 0.0, height + 0.04), stand_off=(0.85, 1.2), elevation=(0.45, 0.85), sweep=0.7,
    )  # fmt: skip


def shelf(rng: np.random.Generator, seed: int) -> Scene:
    """An open bookcase of three or four boards, seen from in front."""
    width, depth, levels = rng.uniform(0.9, 1.2), rng.uniform(0.3, 0.36), int(rng.integers(3, 5))
    step, bottom, thick = rng.uniform(0.33, 0.4), 0.08, 0.022
    height = bottom + levels * step
    structure = walls_and_floor(rng, 2.6, depth / 2 + 0.03, rng.uniform(1.2, 2.0), rng.uniform(1.2, 2.0), 2.6)
    word = str(rng.choice(["brown", "brown", "white", "grey"]))
    color = np.clip(shade(word, rng) * rng.uniform(0.95, 1.25), 0, 240)
    texture = textures.wood(rng, color) if word == "brown" else textures.grain(rng, color, 2)
    surface = Surface(texture, "wood", scale=0.6)
    boards = [bottom + k * step for k in range(levels + 1)]
    planks = [box(depth, width, thick).moved(translation(z=z - thick)) for z in boards]
    sides = [box(depth, thick, height).moved(translation(0, s * (width + thick) / 2)) for s in (-1, 1)]
    panel = box(0.01, width + 2 * thick, height).moved(translation(depth / 2 + 0.005))
    structure += [Part(join(*planks, *sides), surface), Part(panel, surface)]
    arranger = Arranger(rng)
    for s in (-1, 1):
        inner, outer = sorted((s * width / 2, s * (width / 2 + 1)))
        arranger.block((-1, 1), (inner, outer), (0, height))
    arranger.block((depth / 2, depth), (-width, width), (0, 3))
    for z in boards[:-1]:
        support = Support(0.0, 0.0, z, depth - 0.02, width - 0.02, step - thick - 0.01)
        if rng.random() < 0.4:
            _book_row(rng, arranger, support)
        _fill(rng, arranger, support, int(rng.integers(3, 7)), "shelf", 0.1)
    top = Support(0.0, 0.0, boards[-1], depth - 0.02, width - 0.02, 0.6)
    _fill(rng, arranger, top, int(rng.integers(0, 3)), "shelf", 0.0)
    lights, ambient = room_lights(rng, -1.3, 0.0, 2.4)
    return Scene(
        "shelf", seed, tuple(arranger.objects), tuple(structure), lights, ambient,
        focus=(0.0, 0.0, bottom + height * 0.52), stand_off=(1.35, 1.9), elevation=(0.05, 0.35), sweep=0.45,
    )  # fmt: skip


def room(rng: np.random.Generator, seed: int) -> Scene:
    """A living room: sofa, tables, chairs and what is on and around them, seen from standing height."""
    back, left, right = rng.uniform(1.6, 2.4), rng.uniform(1.8, 2.4), rng.uniform(1.8, 2.4)
    structure = walls_and_floor(rng, 3.8, back, left, right, 2.6)
    arranger = Arranger(rng)
    floor = Support((back - 1.6) / 2, (left - right) / 2, 0.0, back + 1.2, left + right - 0.3)

    def along_wall(name: str) -> None:
        model = catalogue.BUILDERS[name](rng)
        _, size, _ = rest_pose(model)
        free = (left + right - size[0]) / 2 - 0.1
        for _ in range(8):
            y = (left - right) / 2 + rng.uniform(-free, free)
            if arranger.put_at(floor, model, None, back - size[1] / 2 - 0.03, y, -np.pi / 2):
                return

    along_wall("sofa" if rng.random() < 0.75 else "cabinet")
    along_wall("cabinet" if rng.random() < 0.6 else "floor lamp")
    more = ("table", "chair", "chair", "stool", "floor lamp", "bin", "cabinet")
    names = ["table", "chair", "floor plant", *rng.choice(more, 4)]
    for name in names[: int(rng.integers(4, 8))]:
        model = catalogue.BUILDERS[str(name)](rng)
        arranger.put_on(floor, model, None, 0.1, facing(rng, model, 1.3))
    for placed in list(arranger.objects):
        if placed.model.category in ("table", "cabinet"):
            _fill(rng, arranger, top_of(placed), int(rng.integers(1, 5)), "table", 0.1)
    for _ in range(int(rng.integers(2, 6))):
        model = catalogue.draw(rng, "floor")
        arranger.put_on(floor, model, tipped(rng, model, 0.2), 0.06, facing(rng, model))
    lights, ambient = room_lights(rng, -0.3, 0.0, 2.5)
    return Scene(
        "room", seed, tuple(arranger.objects), tuple(structure), lights, ambient,
        focus=(0.3, (left - right) / 2, 0.45), stand_off=(2.7, 3.6), elevation=(0.25, 0.5), sweep=0.4,
    )  # fmt: skip


def floor(rng: np.random.Generator, seed: int) -> Scene:
    """Things on the floor, as a low robot sees them."""
    back = rng.uniform(0.9, 2.2)
    structure = walls_and_floor(rng, 2.6, back, rng.uniform(1.3, 2.2), rng.uniform(1.3, 2.2), 2.6)
    arranger = Arranger(rng)
    support = Support(-0.1, 0.0, 0.0, 1.4, 1.5)
    if rng.random() < 0.5:
        model = catalogue.BUILDERS[str(rng.choice(["chair", "stool", "floor plant"]))](rng)
        arranger.put_on(support, model, None, 0.05, facing(rng, model))
    _fill(rng, arranger, support, int(rng.integers(5, 11)), "floor", 0.3)
    lights, ambient = room_lights(rng, 0.0, 0.0, 2.5)
    return Scene(
        "floor", seed, tuple(arranger.objects), tuple(structure), lights, ambient,
        focus=(-0.1, 0.0, 0.1), stand_off=(1.4, 1.9), elevation=(0.4, 0.75), sweep=0.5,
    )  # fmt: skip


def tote(rng: np.random.Generator, seed: int) -> Scene:
    """A picking tote with a jumble of goods, seen from above by a robot's hand."""
    x, y, deep, wall, height = rng.uniform(0.4, 0.46), rng.uniform(0.56, 0.66), rng.uniform(0.15, 0.22), 0.012, 0.75
    structure = walls_and_floor(rng, 2.2, 1.4, 1.6, 1.6, 2.6) + work_table(rng, 1.3, 0.8, height)
    color = shade(str(rng.choice(["red", "blue", "grey", "black"])), rng)
    sides = [box(wall, y, deep).moved(translation(s * (x - wall) / 2, 0, height)) for s in (-1, 1)]
    sides += [box(x, wall, deep).moved(translation(0, s * (y - wall) / 2, height)) for s in (-1, 1)]
    sides += [box(x, y, 0.008).moved(translation(z=height))]
    scenery, around = around_tote(rng.spawn(1)[0], x, y, height)
    structure += around
    structure.append(Part(join(*sides), Surface(textures.plain(color), "plastic")))
    arranger = Arranger(rng)
    for s in (-1, 1):
        near, far = sorted((s * (x / 2 - wall), s * x))
        arranger.block((near, far), (-y, y), (height, height + deep))
        near, far = sorted((s * (y / 2 - wall), s * y))
        arranger.block((-x, x), (near, far), (height, height + deep))
    support = Support(0.0, 0.0, height + 0.008, x - 2 * wall - 0.004, y - 2 * wall - 0.004, 0.3)
    _fill(rng, arranger, support, int(rng.integers(12, 22)), "tote", 0.8, 0.01)
    lights, ambient = room_lights(rng, 0.0, 0.0, 2.4)
    return Scene(
        "tote", seed, tuple(arranger.objects), tuple(structure), lights, ambient,
        focus=(0.0, 0.0, height + 0.05), stand_off=(0.75, 0.95), elevation=(1.0, 1.35), sweep=0.6, scenery=scenery,
    )  # fmt: skip


_BUILDERS: dict[str, Callable[[np.random.Generator, int], Scene]] = {
    "tabletop": tabletop,
    "shelf": shelf,
    "room": room,
    "floor": floor,
    "tote": tote,
    "desk": crowded.desk,
    "crowd": crowded.crowd,
    "corner": corner.corner,
    "mixed": mixed.mixed,
}
LAYOUTS = tuple(_BUILDERS)

"""The layout "corner": a corner of a lived-in room or office, seen by a standing or a driving robot."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spatial_llava_ros.sim import catalogue, textures
from spatial_llava_ros.sim.colors import faded, shade
from spatial_llava_ros.sim.crowded import pile_up
from spatial_llava_ros.sim.furnishing import facing, room_lights, tipped, walls_and_floor
from spatial_llava_ros.sim.mesh import box, translation
from spatial_llava_ros.sim.model import Part
from spatial_llava_ros.sim.scene import Arranger, Scene, Support, rest_pose, top_of
from spatial_llava_ros.sim.surface import Surface
from spatial_llava_ros.sim.wall_things import hang

Rng = np.random.Generator
_ALONG_WALL = ("sofa", "leather sofa", "cabinet", "cabinet", "bookcase", "bookcase", "table", "leather sofa")
_AROUND = ("table", "chair", "chair", "office chair", "stool", "bin", "floor plant", "floor lamp", "parcel", "backpack")
_SMALL = ("parcel", "parcel", "backpack", "bag", "bin", "ball", "shoe", "slipper", "box", "cushion")


def corner(rng: Rng, seed: int) -> Scene:
    """Furniture along two walls, things on it and on the floor, pictures and a door on the wall."""
    low = rng.random() < 0.45
    back = rng.uniform(0.7, 1.4) if low else rng.uniform(1.2, 2.4)
    left = rng.uniform(0.7, 1.6) if low else rng.uniform(1.3, 2.2)
    right = rng.uniform(1.8, 2.6)
    if rng.random() < 0.5:
        left, right = right, left
    structure = walls_and_floor(rng, 4.0, back, left, right, 2.6)
    arranger = Arranger(rng)
    structure += hang(rng, arranger, back, (-right + 0.5, left - 0.5), (0.9, 1.5), int(rng.integers(1, 5)),
                      ("picture", "picture", "poster", "whiteboard", "window"))  # fmt: skip
    if rng.random() < 0.4:
        structure += _door(rng, arranger, back, rng.uniform(-right + 0.6, left - 0.6))
    middle = (left - right) / 2
    front = 0.5 if low else 1.1
    floor = Support((back - front) / 2, middle, 0.0, back + front, left + right - 0.1)
    _along_walls(rng, arranger, floor, back, left, right, int(rng.integers(1, 4)))
    # What stands free stands where the robot looks.
    wide = min(left + right - 0.1, 1.9 if low else 3.2)
    seen = replace(floor, depth=wide)
    if not low and rng.random() < 0.5:
        _dining(rng, arranger, seen)
    for name in rng.choice(_AROUND, int(rng.integers(1, 3) if low else rng.integers(3, 7))):
        model = catalogue.BUILDERS[str(name)](rng)
        arranger.put_on(seen, model, None, 0.04, facing(rng, model, 1.6))
    for placed in list(arranger.objects):
        if placed.model.category in ("table", "cabinet", "bookcase") and rng.random() < 0.85:
            _furnish_top(rng, arranger, placed.id)
    _clutter(rng, arranger, seen, low)
    lights, ambient = room_lights(rng, -0.5, middle, 2.4)
    if low:
        focus, stand_off, elevation = (0.1 * back, middle + rng.uniform(-0.3, 0.3), 0.25), (1.1, 1.8), (0.08, 0.4)
    else:
        focus, stand_off, elevation = (0.25 * back, middle + rng.uniform(-0.5, 0.5), 0.45), (2.2, 3.3), (0.15, 0.42)
    # The camera stays inside the side walls.
    room = min(left - focus[1], focus[1] + right) - 0.3
    sweep = float(np.arcsin(np.clip(room / stand_off[1], 0.05, 0.78)))
    return Scene(
        "corner", seed, tuple(arranger.objects), tuple(structure), lights, ambient, focus, stand_off, elevation,
        sweep, cut_off=(3.0, 4.5),
        sensors=(*("d4xx", "xtion") * 4, "d4xx webcam", "xtion sharp", "kinect1 soft", "kinect2 sparse"),
    )  # fmt: skip


def _door(rng: Rng, arranger: Arranger, wall: float, y: float) -> list[Part]:
    """A closed door; part of the room."""
    ends = (y - 0.45, y + 0.45)
    if not arranger.is_free((wall - 0.06, wall), ends, (0.0, 2.05)):
        return []
    arranger.block((wall - 0.06, wall), ends, (0.0, 2.05))
    paint = faded(str(rng.choice(["brown", "white", "grey"])), rng)
    leaf = box(0.04, 0.84, 2.0).moved(translation(wall - 0.02, y))
    knob = box(0.05, 0.12, 0.025, 0.01).moved(translation(wall - 0.06, y + 0.34, 1.02))
    return [
        Part(leaf, Surface(textures.wood(rng, paint), "wood", scale=0.9)),
        Part(knob, Surface(textures.plain(shade("grey", rng)), "metal")),
    ]


def _along_walls(
    rng: Rng, arranger: Arranger, floor: Support, back: float, left: float, right: float, count: int
) -> None:
    """Large furniture with its back to the far wall or to a side wall."""
    for _ in range(count):
        model = catalogue.BUILDERS[str(rng.choice(_ALONG_WALL))](rng)
        _, size, _ = rest_pose(model)
        side = int(rng.choice([0, 0, 1, -1]))
        for _ in range(8):
            if side == 0:
                free = max((left + right - size[0]) / 2 - 0.1, 0)
                x, y = back - size[1] / 2 - 0.03, (left - right) / 2 + rng.uniform(-free, free)
                yaw = -np.pi / 2
            else:
                x = rng.uniform(-0.3, max(back - size[0] / 2 - 0.05, -0.2))
                y = left - size[1] / 2 - 0.03 if side > 0 else -right + size[1] / 2 + 0.03
                yaw = np.pi if side > 0 else 0.0
            if arranger.put_at(floor, model, None, x, y, yaw):
                break


def _dining(rng: Rng, arranger: Arranger, floor: Support) -> None:
    """A table with chairs of one kind about it."""
    model = catalogue.BUILDERS["table"](rng)
    number = arranger.put_on(floor, model, None, 0.3)
    if not number:
        return
    table = arranger.objects[number - 1]
    source, state = str(rng.choice(["chair", "chair", "office chair"])), rng.integers(2**32)
    for side in rng.permutation(4)[: int(rng.integers(2, 5))]:
        chair = catalogue.BUILDERS[source](np.random.default_rng(state))
        _, size, _ = rest_pose(chair)
        normal = table.world_from_object[:2, side % 2] * (1 if side < 2 else -1)
        spot = table.world_from_object[:2, 3] + normal * (table.size[side % 2] / 2 + size[1] / 2 + 0.06)
        # The front of a chair is -y of its model frame; it looks at the table.
        yaw = float(np.arctan2(-normal[1], -normal[0])) + np.pi / 2 + rng.normal(0, 0.2)
        arranger.put_at(floor, chair, None, *spot, yaw)


def _furnish_top(rng: Rng, arranger: Arranger, number: int) -> None:
    """A printer or a lamp, and goods."""
    top = top_of(arranger.objects[number - 1])
    if top.z > 1.2:
        return
    if rng.random() < 0.3:
        model = catalogue.BUILDERS[str(rng.choice(["printer", "monitor", "lamp", "laptop"]))](rng)
        arranger.put_on(top, model, None, 0.02, facing(rng, model, 0.4))
    models = [catalogue.draw(rng, "desk") for _ in range(int(rng.integers(1, 6)))]
    pile_up(rng, arranger, top, models, 0.2, 0.2, 0.15)


def _clutter(rng: Rng, arranger: Arranger, floor: Support, low: bool) -> None:
    """Boxes on the floor, some stacked, one with a bag on it; a backpack; a pair of slippers."""
    boxes = []
    for name in rng.choice(_SMALL, int(rng.integers(4, 9))):
        model = catalogue.BUILDERS[str(name)](rng)
        done = 0
        if name in ("parcel", "bag", "box") and boxes and rng.random() < 0.55:
            done = arranger.put_on_top(int(rng.choice(boxes)), model, None, 2.0, 0.4, 0.05, 0.6)
        done = done or arranger.put_on(floor, model, tipped(rng, model, 0.15), 0.02, facing(rng, model))
        if name == "parcel" and done and arranger.objects[done - 1].size[2] < 0.6:
            boxes.append(done)
        if name == "slipper" and done:
            # The other of the pair stands beside it.
            pose = arranger.objects[done - 1].world_from_object
            heading = np.arctan2(pose[1, 0], pose[0, 0])
            spot = pose[:2, 3] + 0.13 * np.array([-np.sin(heading), np.cos(heading)])
            arranger.put_at(floor, model, None, *spot, heading + rng.normal(0, 0.1))
    if boxes and low and rng.random() < 0.5:
        carried = {o.supporter for o in arranger.objects}
        free = [b for b in boxes if b not in carried]
        if free:
            arranger.put_on_top(int(rng.choice(free)), catalogue.BUILDERS["bag"](rng), None, 2.0, 0.4, 0.03, 0.6)

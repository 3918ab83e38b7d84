"""Tables with things close together: the layouts "crowd" (goods in piles) and "desk" (an office or kitchen desk)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spatial_llava_ros.sim import catalogue, textures
from spatial_llava_ros.sim.colors import faded, shade
from spatial_llava_ros.sim.furnishing import facing, steady, tipped, walls_and_floor
from spatial_llava_ros.sim.mesh import box, join, rotation, translation
from spatial_llava_ros.sim.model import Model, Part
from spatial_llava_ros.sim.scene import Arranger, Light, Scene, Support
from spatial_llava_ros.sim.scenery import open_room
from spatial_llava_ros.sim.surface import Surface
from spatial_llava_ros.sim.wall_things import hang

Rng = np.random.Generator
_REPEATED = ("carton", "carton", "carton", "mug", "canister", "can", "book", "cup", "bowl", "jug", "packet")
_BACKGROUND = ("chair", "office chair", "office chair", "parcel", "cabinet", "bookcase", "floor plant", "bin", "stool")


def _top(rng: Rng) -> Surface:
    """Bare wood, painted, chequered or covered with a patterned cloth."""
    style = rng.integers(6)
    if style <= 1:
        tone = np.array(
            [[205, 186, 165], [150, 118, 88], [96, 70, 52], [222, 208, 194], [172, 156, 140]][rng.integers(5)]
        )
        return Surface(textures.wood(rng, tone * rng.uniform(0.9, 1.1), int(rng.choice([1, 1, 5]))), "wood", scale=0.9)
    if style == 2:
        return Surface(textures.grain(rng, rng.uniform(120, 235) + rng.uniform(-8, 8, 3), 3), "wood", scale=0.5)
    if style == 3:
        light, dark = faded("white", rng), faded(str(rng.choice(["brown", "brown", "black", "blue"])), rng)
        return Surface(textures.tiles(rng, light, dark), "wood", scale=rng.uniform(0.1, 0.18))
    cloth, other = faded(str(rng.choice(["white", "red", "blue", "green", "grey"])), rng), faded("white", rng)
    if style == 4:
        return Surface(textures.tiles(rng, cloth, 0.5 * cloth + 0.5 * other, 4), "fabric", scale=rng.uniform(0.12, 0.3))
    return Surface(textures.dots(other, cloth, 4) if rng.random() < 0.5 else textures.stripes(other, cloth, 4),
                   "fabric", scale=rng.uniform(0.15, 0.3))  # fmt: skip


def bare_table(rng: Rng, width: float, depth: float, height: float) -> list[Part]:
    surface = _top(rng)
    top = box(depth, width, 0.025, 0.004).moved(translation(z=height - 0.025))
    legs = [
        box(0.045, 0.045, height - 0.025).moved(translation(i * (depth / 2 - 0.06), j * (width / 2 - 0.06)))
        for i in (-1, 1)
        for j in (-1, 1)
    ]
    return [Part(top, surface), Part(join(*legs), Surface(textures.plain(shade("grey", rng)), "metal"))]


def side_light(rng: Rng, height: float) -> tuple[tuple[Light, ...], tuple[float, float, float]]:
    """Lamps overhead, or a window to one side: large, so that shadows are soft, and bluish against warm lamps."""
    warm = rng.uniform(-0.12, 0.14)
    tint = np.array([1 + warm, 1, 1 - 1.2 * warm])
    side = rng.choice([-1, 1])
    if rng.random() < 0.5:
        key, radius = (rng.uniform(-1.2, 0.6), side * rng.uniform(1.2, 2.0), height + rng.uniform(0.4, 1.2)), 0.4
        power = rng.uniform(0.6, 0.95)
    else:
        key, radius = (rng.uniform(-0.8, 0.5), side * rng.uniform(0.1, 1.0), height + rng.uniform(1.2, 1.7)), 0.2
        power = rng.uniform(0.45, 0.75)
    fill = (rng.uniform(-1.5, 0), -side * rng.uniform(0.5, 1.5), height + 1.5)
    lights = Light(key, radius, tuple(power * tint)), Light(fill, 0.3, tuple(rng.uniform(0.08, 0.3) * tint[::-1]))
    return lights, tuple(rng.uniform(0.22, 0.42) * tint)


def bottom_first(rng: Rng, models: list[Model]) -> list[Model]:
    """In the order in which a pile is made: what is large and flat comes to lie at the bottom, mostly."""
    return sorted(models, key=lambda m: -np.prod(np.sort(np.ptp(m.vertices(), axis=0))[1:]) * rng.uniform(0.2, 1.0))


def pile_up(
    rng: Rng, arranger: Arranger, support: Support, models: list[Model], on_top: float, against: float, lying: float,
    spread: float = 0.0,
) -> None:  # fmt: skip
    """Put models down one after another: on what is there, against it, leaning on it, or free but close by.

    Args:
        on_top, against, lying: how often each is tried.
        spread: how far beyond the support things may go when it is full, relative to 24 by 40 cm.
    """
    first = len(arranger.objects)
    for model in models:
        tip = tipped(rng, model, lying)
        here = arranger.objects[first:]
        level = [o.id for o in here if o.supporter == support.owner and not o.container]
        carriers = [o.id for o in here if steady(o) and o.size[:2].min() > 0.05]
        hollow = [o.id for o in here if o.model.category in ("bowl", "plate")]
        small = np.ptp(model.vertices(), axis=0).max() < 0.11
        how, done = rng.random(), 0
        if small and hollow and rng.random() < 0.3:
            done = arranger.put_in(int(rng.choice(hollow)), model)
        if not done and rng.random() < 0.4:
            done = _lean(rng, arranger, support, model, level)
        if not done and how < on_top and carriers:
            for below in rng.permutation(carriers)[:3]:
                done = arranger.put_on_top(int(below), model, tip, support.clearance, 0.5, 0.03, 0.62)
                if done:
                    break
        elif not done and how < on_top + against and level and not model.faces:
            done = arranger.put_against(int(rng.choice(level)), support, model, tip)
        for step in range(3 if not done else 0):  # nearby, and farther out when that is full
            grown = replace(
                support, width=support.width + 0.12 * step * spread, depth=support.depth + 0.2 * step * spread
            )
            if arranger.put_on(grown, model, tip, rng.uniform(0.004, 0.04), facing(rng, model)):
                break


def _lean(rng: Rng, arranger: Arranger, support: Support, model: Model, level: list[int]) -> int:
    """Against a box that is high enough: standing goods by a little, flat ones steeply propped up."""
    x, y, z = np.ptp(model.vertices(), axis=0)
    boxes = [k for k in level if arranger.objects[k - 1].model.category in ("box", "book")]
    if model.category not in ("box", "book", "magazine", "paper", "packet") or not boxes:
        return 0
    for neighbour in rng.permutation(boxes)[:4]:
        angle = rng.uniform(0.7, 1.25) if z < 0.35 * min(x, y) else rng.uniform(0.12, 0.5)
        done = arranger.lean_on(int(neighbour), support, model, angle)
        if done:
            return done
    return 0


def _of_a_kind(rng: Rng, place: str, count: int) -> list[Model]:
    """Models of a place among which some occur two or three times, often in the same colour."""
    models = [catalogue.draw(rng, place) for _ in range(count)]
    for _ in range(int(rng.integers(1, 4))):
        source, wanted = str(rng.choice(_REPEATED)), ""
        for _ in range(int(rng.integers(1, 4))):
            draws = (catalogue.BUILDERS[source](rng) for _ in range(5))
            model = next(m for k, m in enumerate(draws) if m.color == wanted or not wanted or k == 4)
            wanted = model.color if rng.random() < 0.6 else ""
            models[int(rng.integers(count))] = model
    return models


def crowd(rng: Rng, seed: int) -> Scene:
    """10 to 16 household goods close together on a bare table, in piles two and three high."""
    width, depth, height = rng.uniform(1.3, 2.0), rng.uniform(0.8, 1.4), rng.uniform(0.7, 0.78)
    back = depth / 2 + rng.uniform(0.02, 2.0)
    left, right = rng.uniform(2.2, 3.0), rng.uniform(2.2, 3.0)
    back, scenery, around = open_room(rng, (width, depth, height), (back, left, right))
    structure = walls_and_floor(rng, 2.2, back, left, right, 2.6) + around
    structure += bare_table(rng, width, depth, height)
    arranger = Arranger(rng)
    if not scenery:
        _background(rng, arranger, width, depth, height, back)
    x = rng.uniform(-0.1, 0.1) - 0.1
    support = Support(x, 0.0, height, rng.uniform(0.42, 0.62), rng.uniform(0.55, 0.85))
    models = _of_a_kind(rng, "crowd", int(rng.integers(10, 17)))
    models = bottom_first(rng, models)
    pile_up(rng, arranger, support, models, rng.uniform(0.35, 0.7), rng.uniform(0.15, 0.3), 0.35, 1.0)
    lights, ambient = side_light(rng, height)
    focus = (x + rng.uniform(-0.1, 0.15), rng.uniform(-0.1, 0.1), height + 0.05)
    return Scene(
        "crowd", seed, tuple(arranger.objects), tuple(structure), lights, ambient, focus,
        stand_off=(0.68, 1.05), elevation=(0.4, 0.95), sweep=0.8, cut_off=(1.2, 1.8),
        sensors=(*("kinect1 soft", "xtion", "xtion sharp") * 4, "d4xx", "d4xx webcam", "sr300", "f200 grid"),
        scenery=scenery,
    )  # fmt: skip


def desk(rng: Rng, seed: int) -> Scene:
    """A desk against a wall with a screen, books, papers, mugs and goods; things hang on the wall."""
    width, depth, height = rng.uniform(1.2, 1.8), rng.uniform(0.65, 0.85), rng.uniform(0.7, 0.76)
    back = depth / 2 + (rng.uniform(0.01, 0.05) if rng.random() < 0.6 else rng.uniform(0.5, 2.0))
    left, right = rng.uniform(2.2, 3.0), rng.uniform(2.2, 3.0)
    scenery, around = (), []
    if back > depth / 2 + 0.1:
        back, scenery, around = open_room(rng, (width, depth, height), (back, left, right))
    structure = walls_and_floor(rng, 2.2, back, left, right, 2.6) + around
    structure += bare_table(rng, width, depth, height)
    arranger = Arranger(rng)
    if not scenery:
        _background(rng, arranger, width, depth, height, back)
    support = Support(0.0, 0.0, height, depth - 0.04, min(width - 0.06, 1.3))
    structure += hang(rng, arranger, back, (-0.75, 0.75), (height + 0.2, height + 0.9), int(rng.integers(0, 4)))
    _equip(rng, arranger, support)
    if rng.random() < 0.5:
        _book_row(rng, arranger, support)
    papers = [catalogue.BUILDERS["paper"](rng) for _ in range(int(rng.integers(0, 4)))]
    for model in papers:
        arranger.put_on(support, model, None, 0.002)
    models = _of_a_kind(rng, "desk", int(rng.integers(6, 13)))
    models = bottom_first(rng, models)
    pile_up(rng, arranger, support, models, rng.uniform(0.25, 0.55), rng.uniform(0.15, 0.35), 0.25)
    lights, ambient = side_light(rng, height)
    focus = (rng.uniform(-0.15, 0.15), rng.uniform(-0.3, 0.3), height + rng.uniform(0.0, 0.15))
    return Scene(
        "desk", seed, tuple(arranger.objects), tuple(structure), lights, ambient, focus,
        stand_off=(0.6, 1.35), elevation=(0.35, 0.95), sweep=0.7, cut_off=(1.1, 2.0),
        sensors=(*("kinect1 soft", "xtion", "xtion sharp", "d4xx") * 3, "d4xx webcam", "sr300", "f200 grid",
                 "kinect2 sparse"),
        scenery=scenery,
    )  # fmt: skip


def _background(rng: Rng, arranger: Arranger, width: float, depth: float, height: float, back: float) -> None:
    """Chairs and boxes behind and beside the table, which is closed off for them."""
    arranger.block((-depth / 2, depth / 2), (-width / 2, width / 2), (0.0, height - 0.001))
    behind = back - depth / 2
    spots = [Support((depth / 2 + back) / 2, 0.0, 0.0, behind, 3.5)] if behind > 0.5 else []
    spots += [Support(back - 0.5, s * (width / 2 + 0.45), 0.0, 0.9, 0.8) for s in (-1, 1)]
    for _ in range(int(rng.integers(0, 4))):
        model = catalogue.BUILDERS[str(rng.choice(_BACKGROUND))](rng)
        spot = spots[int(rng.integers(len(spots)))]
        arranger.put_on(spot, model, None, 0.02, facing(rng, model, 2.0))


def _equip(rng: Rng, arranger: Arranger, support: Support) -> None:
    """A laptop, one or two monitors with keyboard and mouse, or nothing."""
    back, style = support.x + support.width / 2, rng.random()
    y = support.y + rng.uniform(-0.3, 0.3)
    yaw = -np.pi / 2 + rng.uniform(-0.35, 0.35)
    if style < 0.25:
        return
    if style < 0.55:
        arranger.put_at(support, catalogue.BUILDERS["laptop"](rng), None, back - rng.uniform(0.2, 0.35), y, yaw)
        return
    arranger.put_at(support, catalogue.BUILDERS["monitor"](rng), None, back - 0.13, y, yaw)
    if style > 0.85:
        arranger.put_at(
            support, catalogue.BUILDERS["monitor"](rng), None, back - 0.13, y + rng.choice([-0.62, 0.62]), yaw
        )
    x = back - rng.uniform(0.36, 0.46)
    arranger.put_at(support, catalogue.BUILDERS["keyboard"](rng), None, x, y, -np.pi / 2 + rng.normal(0, 0.15))
    aside = y - rng.uniform(0.28, 0.34)
    arranger.put_at(support, catalogue.BUILDERS["mouse"](rng), None, x, aside, -np.pi / 2 + rng.normal(0, 0.3))


def _book_row(rng: Rng, arranger: Arranger, support: Support) -> None:
    """Books standing side by side at the back."""
    stand = rotation("x", np.pi / 2)
    x, y = support.x + support.width / 2 - rng.uniform(0.12, 0.16), support.y + rng.uniform(-0.6, 0.45)
    for _ in range(int(rng.integers(3, 8))):
        model = catalogue.BUILDERS["book"](rng)
        thick = np.ptp(model.vertices()[:, 2])
        if not arranger.put_at(support, model, stand, x, y + thick / 2, 0.0):
            return
        y += thick + 0.0004

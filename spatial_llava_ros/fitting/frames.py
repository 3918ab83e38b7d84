"""The frames that everything is fitted on: two views of each layout and seed, each by another camera.

A third of them are of the layout "mixed": what was learnt with it names things of layouts that were left out of the fit
better than what was learnt without (crowd and desk: 65 % of the things instead of 54 %; corner and room: 58 instead of
51 %).
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from spatial_llava_ros.sim import (
    SENSORS,
    SimFrame,
    camera_path,
    default_view,
    make_scene,
    render,
    usual_camera,
)

SEED = 50000
LAYOUTS = ("tabletop", "shelf", "room", "floor", "tote", "desk", "crowd", "corner")
MIXED = 4  # scenes of "mixed" for one of each of the others


def scenes(count: int) -> list[tuple[str, int]]:
    """Layout and seed of so many scenes of each layout."""
    return [
        (layout, SEED + number)
        for k in range(count)
        for layout, numbers in (*((name, (k,)) for name in LAYOUTS), ("mixed", range(MIXED * k, MIXED * (k + 1))))
        for number in numbers
    ]


def frames(layout: str, seed: int, folder: Path) -> tuple[SimFrame, ...]:
    """VIEWS of a scene; rendered once and kept in a folder for the next step."""
    path = folder / f"{layout}-{seed}.pickle"
    if not path.exists():
        path.with_suffix(".part").write_bytes(pickle.dumps(tuple(_views(layout, seed))))
        path.with_suffix(".part").rename(path)
    return pickle.loads(path.read_bytes())


def _views(layout: str, seed: int) -> Iterator[SimFrame]:
    scene, names = make_scene(layout, seed), list(SENSORS)
    for k, pose in enumerate((default_view(scene), camera_path(scene, 9)[(4 * seed + 2) % 9])):
        sensors = scene.sensors or (names[(3 * seed + k) % len(names)],)
        yield render(scene, pose, usual_camera(replace(scene, sensors=sensors)))

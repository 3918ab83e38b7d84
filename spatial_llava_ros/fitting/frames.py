"""The frames that everything is fitted on: two views of each layout and seed, each by another camera."""

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
VIEWS = 2
LAYOUTS = ("tabletop", "shelf", "room", "floor", "tote", "desk", "crowd", "corner")


def frames(scenes: int, folder: Path) -> Iterator[tuple[str, SimFrame]]:
    """Layout and frame of so many scenes of each layout; rendered once and kept in a folder for the next step."""
    for seed in range(SEED, SEED + scenes):
        for layout in LAYOUTS:
            path = folder / f"{layout}-{seed}.pickle"
            if not path.exists():
                shots = tuple(_views(layout, seed))
                path.with_suffix(".part").write_bytes(pickle.dumps(shots))
                path.with_suffix(".part").rename(path)
            for shot in pickle.loads(path.read_bytes()):
                yield layout, shot


def _views(layout: str, seed: int) -> Iterator[SimFrame]:
    scene, names = make_scene(layout, seed), list(SENSORS)
    for k, pose in enumerate((default_view(scene), camera_path(scene, 9)[(4 * seed + 2) % 9])):
        sensors = scene.sensors or (names[(3 * seed + k) % len(names)],)
        yield render(scene, pose, usual_camera(replace(scene, sensors=sensors)))

"""What stands around a table is seen, is nobody's answer, and leaves the table alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spatial_llava_ros.sim import default_view, make_scene, render, usual_camera
from spatial_llava_ros.sim.scenery import surround

TABLE, ROOM = (1.4, 0.8, 0.75), (2.5, 1.8, 1.8)


def test_most_tables_stand_in_a_room_that_is_full() -> None:
    scenes = [make_scene("crowd", seed) for seed in range(12)]
    assert 4 <= sum(bool(scene.scenery) for scene in scenes) <= 11
    assert len({o.model.category for scene in scenes for o in scene.scenery}) >= 6


def test_nothing_of_it_reaches_over_the_table_or_through_a_wall() -> None:
    for seed in range(6):
        things, _ = surround(np.random.default_rng(seed), TABLE, ROOM)
        for o in things:
            points = o.model.vertices() @ o.world_from_model[:3, :3].T + o.world_from_model[:3, 3]
            x, y, z = points.T
            assert not ((np.abs(x) < 0.38) & (np.abs(y) < 0.68) & (z > 0.74)).any(), o.model.category
            assert x.max() < 2.55 and np.abs(y).max() < 1.9 and z.min() > -1e-6, o.model.category
            assert o.id == 0


def test_it_is_drawn_from_a_stream_of_its_own() -> None:
    one, two = (surround(np.random.default_rng(3), TABLE, ROOM)[0] for _ in range(2))
    assert [o.world_from_model.tolist() for o in one] == [o.world_from_model.tolist() for o in two]


def test_it_is_in_the_picture_but_not_among_the_things() -> None:
    pytest.importorskip("open3d")
    scene = next(s for s in (make_scene("crowd", seed) for seed in range(1000, 1020)) if len(s.scenery) > 4)
    camera = usual_camera(scene)
    full = render(scene, default_view(scene), camera)
    empty = render(replace(scene, scenery=(), cache={}), default_view(scene), camera)
    assert set(np.unique(full.instance)) <= {0, *(o.id for o in scene.objects)}
    assert (full.instance == empty.instance).mean() > 0.95, "at most before or around the things, not among them"
    changed = (np.abs(full.frame.color.astype(int) - empty.frame.color).max(axis=2) > 40) & (full.instance == 0)
    assert changed.mean() > 0.01

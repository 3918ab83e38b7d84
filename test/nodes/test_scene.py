from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spatial_llava_ros.errors import InvalidInputError, MemoryFileError, UnknownObjectError
from spatial_llava_ros.nodes.scene import Scene
from spatial_llava_ros.types import ObjectState

SECOND = 1_000_000_000


def shown(simulated, number: int, **changes):
    """The simulated picture, as the `number`-th of a 5 Hz camera."""
    return replace(simulated.frame, stamp=(100 + number) * SECOND // 5, **changes)


@pytest.fixture(scope="module")
def seen(simulated, tmp_path_factory):
    """A file with the memory of the simulated table."""
    scene = Scene()
    for number in range(9):
        scene.integrate(shown(simulated, number))
    file = tmp_path_factory.mktemp("memory") / "table.json"
    assert scene.save(str(file)) >= 3
    return file


@pytest.fixture
def scene(seen) -> Scene:
    made = Scene()
    made.load(str(seen))
    return made


def ids(nodes) -> list[int]:
    return [node.object.id for node in nodes]


@pytest.mark.parametrize(("world_frame", "pose_in"), [("", "base_link"), ("map", "odom"), ("", "")])
def test_a_pose_that_is_no_place_in_the_map_gives_the_graph_of_the_picture(simulated, world_frame, pose_in):
    scene = Scene(world_frame)
    pose = simulated.frame.world_from_camera if pose_in else None
    graphs = [scene.integrate(shown(simulated, k, world_from_camera=pose, world_frame_id=pose_in)) for k in range(2)]
    assert [graph.revision for graph in graphs] == [1, 2]
    assert graphs[0].frame_id == pose_in or graphs[0].frame_id == simulated.frame.frame_id
    assert {node.state for node in graphs[1].objects} == {ObjectState.OBSERVED}
    assert ids(scene.objects()) == ids(graphs[1].objects)
    assert scene.frame_id == ""
    with pytest.raises(InvalidInputError, match="nothing is remembered"):
        scene.save("/tmp/x")


def test_a_named_frame_may_be_any(simulated):
    scene = Scene("base_link")
    scene.integrate(shown(simulated, 0, world_frame_id="base_link"))
    assert scene.frame_id == "base_link" and scene.memory.tracks


def test_a_picture_without_its_pose_leaves_the_memory_alone(simulated, scene):
    before = scene.graph
    assert scene.integrate(shown(simulated, 1, world_from_camera=None, world_frame_id="")) is None
    assert scene.integrate(shown(simulated, 2, world_frame_id="odom")) is None
    assert scene.graph is before


def test_what_is_loaded_is_recognised(simulated, scene):
    before = ids(scene.objects())
    graph = scene.integrate(shown(simulated, 20))
    assert ids(graph.objects) == before
    assert all(node.last_seen == graph.stamp for node in graph.objects)


def test_edits_show_in_the_next_graph_and_refusals_change_nothing(scene):
    first, second, *rest = ids(scene.objects())
    before = scene.graph
    for wrong in (lambda: scene.forget([first, 999]), lambda: scene.relabel(999, "cup")):
        with pytest.raises(UnknownObjectError, match="999"):
            wrong()
    for wrong in (lambda: scene.forget([]), lambda: scene.relabel(first, " ")):
        with pytest.raises(InvalidInputError):
            wrong()
    assert scene.graph is before
    scene.relabel(first, "cup")
    assert scene.relabel(first, "bowl") == "cup"  # who speaks last is right
    assert scene.forget([], "bowl") == [first]
    assert scene.forget([second]) == [second]
    assert scene.graph.removed == (second,) and scene.graph.revision > before.revision
    assert scene.clear() == len(rest)
    assert (scene.graph.objects, scene.graph.revision) == ((), 1)
    assert set(scene.graph.removed) == set(rest)


def test_after_clear_another_frame_may_be_chosen_and_ids_are_new(simulated, scene):
    used = max(ids(scene.objects()))
    scene.clear()
    for number in range(9):
        graph = scene.integrate(shown(simulated, number, world_frame_id="odom"))
    assert graph.frame_id == "odom"
    assert graph.objects and min(ids(graph.objects)) > used


def test_a_file_of_another_frame_is_refused_where_one_is_wanted(seen):
    scene = Scene("odom")
    with pytest.raises(MemoryFileError, match=r"'map'.*'odom'"):
        scene.load(str(seen))
    with pytest.raises(MemoryFileError, match="empty"):
        scene.load(" ")
    assert scene.graph is None


def test_far_things_are_remembered_and_not_shown(simulated, scene):
    everything = ids(scene.objects())
    away = simulated.frame.world_from_camera.copy()
    away[:3, 3] += (50.0, 0.0, 0.0)
    blank = np.full_like(simulated.frame.depth, np.nan)
    graph = scene.integrate(shown(simulated, 30, world_from_camera=away, depth=blank))
    assert not graph.objects and not graph.removed
    assert ids(scene.objects()) == ids(scene.everything().objects) == everything

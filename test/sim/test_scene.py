from __future__ import annotations

import numpy as np
import pytest

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.sim import LAYOUTS, make_scene
from spatial_llava_ros.sim.catalogue import BUILDERS
from spatial_llava_ros.sim.scene import Arranger, Support, gap, rest_pose
from spatial_llava_ros.sim.wall_things import hang


@pytest.mark.parametrize(("layout", "seed", "said"), [("kitchen", 0, "kitchen"), ("tabletop", -1, "-1")])
def test_what_cannot_be_made_is_named(layout: str, seed: int, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        make_scene(layout, seed)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layout_and_seed_decide_the_scene(layout: str) -> None:
    one, two, other = make_scene(layout, 5), make_scene(layout, 5), make_scene(layout, 6)
    assert [o.model.category for o in one.objects] == [o.model.category for o in two.objects]
    for a, b in zip(one.objects, two.objects, strict=True):
        np.testing.assert_array_equal(a.world_from_model, b.world_from_model)
        for p, q in zip(a.model.parts, b.model.parts, strict=True):
            np.testing.assert_array_equal(p.surface.texture, q.surface.texture)
    assert [o.world_from_model.tolist() for o in one.objects] != [o.world_from_model.tolist() for o in other.objects]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_populated_and_varied(layout: str) -> None:
    scenes = [make_scene(layout, seed) for seed in range(8)]
    assert all(len(scene.objects) >= 3 for scene in scenes)
    assert len({o.model.category for scene in scenes for o in scene.objects}) >= 8


def test_stacks_and_contents_occur() -> None:
    objects = [o for seed in range(12) for o in make_scene("tabletop", seed).objects]
    assert sum(o.supporter > 0 and not o.container for o in objects) >= 5
    assert sum(o.container > 0 for o in objects) >= 3
    assert any(o.world_from_model[2, 2] < 0.1 for o in objects), "nothing lies on its side"


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("seed", range(3))
def test_boxes_enclose_their_things_tightly(layout: str, seed: int) -> None:
    for o in make_scene(layout, seed).objects:
        world = o.model.vertices() @ o.world_from_model[:3, :3].T + o.world_from_model[:3, 3]
        local = (world - o.world_from_object[:3, 3]) @ o.world_from_object[:3, :3]
        np.testing.assert_allclose(local.max(0), o.size / 2, atol=1e-6)
        np.testing.assert_allclose(local.min(0), -o.size / 2, atol=1e-6)
        np.testing.assert_allclose(o.world_from_object[:3, 2], [0, 0, 1], atol=1e-12)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("seed", range(3))
def test_things_stand_on_what_carries_them_and_nothing_is_inside_another(layout: str, seed: int) -> None:
    o3d = pytest.importorskip("open3d")
    scene = make_scene(layout, seed)
    world = {o.id: o.model.vertices() @ o.world_from_model[:3, :3].T + o.world_from_model[:3, 3] for o in scene.objects}
    for o in scene.objects:
        if o.supporter and not o.container:
            assert world[o.id][:, 2].min() == pytest.approx(world[o.supporter][:, 2].max(), abs=0.003)
        others = np.concatenate([p for k, p in world.items() if k != o.id]).astype(np.float32)
        near = ((others > world[o.id].min(0)) & (others < world[o.id].max(0))).all(1)
        if not near.any():
            continue
        points = o3d.core.Tensor(others[near])
        for part in o.model.parts:
            mesh = part.mesh.moved(o.world_from_model)
            edges = np.sort(mesh.triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
            if (np.unique(edges, axis=0, return_counts=True)[1] != 2).any():
                continue  # an open sheet has no inside
            caster = o3d.t.geometry.RaycastingScene()
            caster.add_triangles(mesh.vertices.astype(np.float32), mesh.triangles.astype(np.uint32))
            inside = caster.compute_occupancy(points, nsamples=3).numpy() > 0.5
            deep = caster.compute_distance(points).numpy() > 0.0015
            assert not (inside & deep).any(), f"something is inside the {o.model.category} {o.id}"


def test_crowds_are_piled_high_and_things_lean() -> None:
    scenes = [make_scene("crowd", seed) for seed in range(12)]
    highest, tilted, same = [], 0, 0
    for scene in scenes:
        height = {0: 0}
        for o in scene.objects:
            height[o.id] = height[o.supporter] + 1
        highest.append(max(height.values()))
        tilted += sum(0.3 < abs(o.world_from_model[2, 2]) < 0.995 for o in scene.objects)
        looks = [(o.model.category, o.model.color) for o in scene.objects]
        same += len(looks) > len(set(looks))
    assert np.mean(np.array(highest) >= 3) > 0.4
    assert tilted >= 3
    assert same >= 8, "things that can only be told apart by where they are"


def test_what_leans_touches_what_it_leans_on() -> None:
    done = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        arranger = Arranger(rng)
        support = Support(0, 0, 0.7, 3, 3)
        rest, size, _ = rest_pose(big := BUILDERS["parcel"](rng))
        arranger.add(big, rest, size, 0.1, 0.2, 0.7, rng.uniform(-3, 3))
        flat = seed % 2
        thing = BUILDERS["magazine" if flat else "carton"](rng)
        number = arranger.lean_on(1, support, thing, rng.uniform(0.7, 1.2) if flat else 0.3)
        if not number:
            continue
        done += 1
        box, leaning = arranger.objects[0], arranger.objects[1]
        points = thing.vertices() @ leaning.world_from_model[:3, :3].T + leaning.world_from_model[:3, 3]
        assert points[:, 2].min() == pytest.approx(0.7, abs=1e-9)
        local = (points - box.world_from_object[:3, 3]) @ box.world_from_object[:3, :3]
        # The face of the box that the whole thing is in front of.
        faces = [sign * local[:, k] - box.size[k] / 2 for k in (0, 1) for sign in (-1, 1)]
        away = max(faces, key=lambda d: d.min())
        assert 0 <= away.min() < 0.001
        upper = points[:, 2] > points[:, 2].min() + 0.5 * np.ptp(points[:, 2])
        assert away[upper].min() == pytest.approx(away.min(), abs=1e-9), "its upper part does the leaning"
    assert done >= 10


def test_things_hang_flat_on_the_wall_and_apart() -> None:
    rng = np.random.default_rng(3)
    arranger = Arranger(rng)
    hang(rng, arranger, 2.0, (-2, 2), (0.5, 1.5), 12, ("poster", "picture", "whiteboard"))
    assert len(arranger.objects) >= 4
    boxes = []
    for o in arranger.objects:
        low, high = (
            o.world_from_object[:3, 3] - o.size[[1, 0, 2]] / 2,
            o.world_from_object[:3, 3] + o.size[[1, 0, 2]] / 2,
        )
        assert high[0] == pytest.approx(2.0, abs=0.001)
        assert all((low[1:] > b[1][1:]).any() or (high[1:] < b[0][1:]).any() for b in boxes)
        boxes.append((low, high))


def test_gap_between_squares() -> None:
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1.0]])
    moved = {shift: square + np.array(shift) for shift in ((1.5, 0), (0.75, 0), (1.3, 1.4))}
    assert gap(square, moved[1.5, 0]) == pytest.approx(0.5)
    assert gap(square, moved[0.75, 0]) == pytest.approx(-0.25)
    assert 0 < gap(square, moved[1.3, 1.4]) <= 0.5

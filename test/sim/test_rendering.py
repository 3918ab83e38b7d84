from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spatial_llava_ros.geometry import back_project, invert_transform, pixel_rays, project, transform_points
from spatial_llava_ros.sim import LAYOUTS, SimCamera, SimFrame, default_view, look_at, make_scene, render
from spatial_llava_ros.sim.colors import SHADES, VIVID
from spatial_llava_ros.sim.mesh import box, rotation, translation
from spatial_llava_ros.sim.model import Model, Part
from spatial_llava_ros.sim.scene import Arranger, Light, Scene, rest_pose
from spatial_llava_ros.sim.surface import Surface, sample
from spatial_llava_ros.sim.textures import plain
from spatial_llava_ros.sim.wall_things import hang
from spatial_llava_ros.types import CameraIntrinsics

from .conftest import PERFECT, SMALL, perfect_shot


def small_world(*boxes: tuple[float, float, float, float, float, float, float]) -> Scene:
    """Boxes (x, y, z, size x, size y, size z, yaw) on a floor of 20 x 20 m."""
    arranger = Arranger(np.random.default_rng(0))
    for x, y, z, sx, sy, sz, yaw in boxes:
        model = Model("box", "red", "paper", (Part(box(sx, sy, sz), Surface(plain(np.array([200, 20, 20])))),))
        rest, size, turn = rest_pose(model)
        arranger.add(model, rest, size, x, y, z, yaw - turn)
    floor = Part(box(20, 20, 0.1).moved(translation(z=-0.1)), Surface(plain(np.full(3, 200.0))))
    light = Light((-1.0, 1.0, 3.0), 0.1, (0.7, 0.7, 0.7))
    return Scene(
        "test", 0, tuple(arranger.objects), (floor,), (light,), (0.3, 0.3, 0.3), (0, 0, 0), (1, 1), (0.5, 0.5), 0.0
    )


def test_depth_without_noise_is_the_distance_to_a_box_and_a_plane() -> None:
    sides, yaw, place = np.array([0.3, 0.2, 0.25]), 0.6, np.array([0.1, -0.05, 0.0])
    scene = small_world((*place, *sides, yaw))
    pose = look_at(np.array([-1.0, 0.3, 0.8]), np.zeros(3))
    depth = render(scene, pose, PERFECT).frame.depth

    columns, rows = pixel_rays(SMALL)
    rays = np.stack([*np.meshgrid(columns, rows), np.ones(SMALL.shape)], -1) @ pose[:3, :3].T
    plane = -pose[2, 3] / rays[..., 2]
    object_from_world = invert_transform(translation(*place) @ rotation("z", yaw) @ translation(z=sides[2] / 2))
    eye = transform_points(object_from_world, pose[:3, 3])
    local = rays @ object_from_world[:3, :3].T
    with np.errstate(divide="ignore"):
        a, b = (-sides / 2 - eye) / local, (sides / 2 - eye) / local
    near, far = np.minimum(a, b).max(-1), np.maximum(a, b).min(-1)
    expected = np.where(near < far, near, plane)
    # Rays that graze an edge may fall on either side of it.
    wrong = np.abs(depth - expected) > 1e-4
    assert wrong.mean() < 1e-3
    assert (near < far).mean() > 0.02


def test_frame_is_what_the_types_promise_and_seeded() -> None:
    scene, camera = make_scene("tabletop", 4), SimCamera(SMALL)
    pose = default_view(scene)
    one, two = render(scene, pose, camera, 7), render(make_scene("tabletop", 4), pose, camera, 7)
    assert one.frame.color.tobytes() == two.frame.color.tobytes()
    assert one.frame.depth.tobytes() == two.frame.depth.tobytes()
    assert one.frame.world_frame_id == "map" and one.frame.stamp == 7
    later = render(scene, pose, camera, 8)
    assert (one.frame.color != later.frame.color).any(), "noise must differ from frame to frame"
    np.testing.assert_array_equal(one.instance, later.instance)


def test_visible_boxes_are_those_of_the_instance_mask(shot: SimFrame) -> None:
    assert [o.id for o in shot.objects] == sorted(set(np.unique(shot.instance)) - {0})
    for o in shot.objects:
        rows, columns = np.nonzero(shot.instance == o.id)
        assert o.box_visible == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert o.pixels == len(rows)


def test_projected_boxes_hold_the_masks(shot: SimFrame) -> None:
    world_from_camera = shot.frame.world_from_camera
    for o in shot.objects:
        corners = transform_points(invert_transform(world_from_camera), o.corners())
        if (corners[:, 2] < 0.05).any():
            continue
        pixels = project(corners, SMALL)
        (x1, y1), (x2, y2) = pixels.min(0), pixels.max(0)
        v1, w1, v2, w2 = o.box_visible
        assert x1 - 1 <= v1 and y1 - 1 <= w1 and v2 <= x2 + 2 and w2 <= y2 + 2
        a1, b1, a2, b2 = o.box_amodal
        assert a1 - 1 <= v1 and b1 - 1 <= w1 and v2 <= a2 + 1 and w2 <= b2 + 1
        assert x1 - 1 <= a1 and y1 - 1 <= b1 and a2 <= x2 + 2 and b2 <= y2 + 2


def test_points_of_an_instance_lie_in_its_box(shot: SimFrame) -> None:
    frame = shot.frame
    points = back_project(frame.depth, frame.intrinsics)
    for o in shot.objects:
        camera_from_object = o.camera_from_object(frame.world_from_camera)
        local = transform_points(invert_transform(camera_from_object), points[shot.instance == o.id])
        assert (np.abs(local) <= o.size / 2 + 0.002).all()


def test_visible_fraction_is_the_share_of_the_whole_silhouette() -> None:
    tiny = CameraIntrinsics(160, 120, 150.0, 150.0, 79.5, 59.5)
    # A wide picture of the same focal length shows what the picture's border cuts off.
    wide = CameraIntrinsics(480, 360, 150.0, 150.0, 239.5, 179.5)
    scene = make_scene("tabletop", 13)
    pose = default_view(scene)
    together = render(scene, pose, replace(PERFECT, intrinsics=tiny))
    assert min(o.visible_fraction for o in together.objects) < 0.9
    for o in together.objects:
        lonely = replace(scene, objects=(scene.objects[o.id - 1],), structure=(), cache={})
        whole = (render(lonely, pose, replace(PERFECT, intrinsics=wide)).instance == o.id).sum()
        assert o.visible_fraction == pytest.approx(o.pixels / whole, abs=0.03 + 3 / np.sqrt(whole))


def test_a_box_that_hides_another_hides_it() -> None:
    scene = small_world((0, 0, 0, 0.2, 0.4, 0.3, 0), (0.4, 0, 0, 0.1, 0.1, 0.1, 0), (0, 0.6, 0, 0.1, 0.1, 0.1, 0))
    seen = render(scene, look_at(np.array([-1.5, 0, 0.15]), np.array([0, 0, 0.1])), PERFECT)
    assert [o.id for o in seen.objects] == [1, 3]
    assert all(o.visible_fraction == pytest.approx(1, abs=0.02) for o in seen.objects)


def test_shadows_fall_away_from_the_light() -> None:
    scene = small_world((0, 0, 0, 0.2, 0.2, 0.4, 0))
    pose = look_at(np.array([-0.5, 0, 2.5]), np.zeros(3))
    seen = render(scene, pose, PERFECT)
    brightness = seen.frame.color.mean(-1)

    def at(x: float, y: float) -> float:
        u, v = project(transform_points(invert_transform(pose), np.array([[x, y, 0.0]])), SMALL)[0].round().astype(int)
        assert seen.instance[v, u] == 0
        return float(brightness[v, u])

    # The light is at x = -1, y = 1.
    assert at(0.17, -0.17) < 0.75 * at(-0.25, 0.25)


def test_depth_cameras_see_nothing_in_a_window() -> None:
    rng = np.random.default_rng(1)
    (glass, _), scene = hang(rng, Arranger(rng), 1.0, (0, 0), (0.2, 0.2), 1, ("window",)), small_world()
    wall = Part(box(0.1, 6, 3).moved(translation(1.05)), Surface(plain(np.full(3, 180.0)), "plaster"))
    scene = replace(scene, structure=(*scene.structure, wall, glass))
    pose = look_at(np.array([-1.0, 0, 0.6]), np.array([1.0, 0, 0.6]))
    middle = (slice(110, 130), slice(150, 170))
    seen = render(scene, pose, SimCamera(SMALL)).frame
    assert np.isnan(seen.depth[middle]).all() and np.isfinite(seen.depth[:, :20]).mean() > 0.8
    assert seen.color[middle].mean() > 200


def test_each_side_of_a_carton_has_a_picture_of_its_own() -> None:
    colors = np.zeros((8, 24, 3), np.float32)
    for k in range(3):
        colors[:, 8 * k : 8 * k + 8, k] = 0.8
    mesh = box(0.2, 0.3, 0.4)
    surface = Surface(colors, "paper", "carton", low=tuple(mesh.vertices.min(0)), high=tuple(mesh.vertices.max(0)))
    for axis in range(3):
        normal = np.eye(3, dtype=np.float32)[axis][None]
        seen = sample(surface, np.array([[0.02, 0.03, 0.2]], np.float32), normal, 0.001)
        assert seen.argmax() == axis


@pytest.mark.parametrize("layout", LAYOUTS)
def test_pictures_show_the_colours_that_the_truth_names(layout: str) -> None:
    """Most strongly coloured pixels of a vivid thing are nearest in chroma to a shade of the word for it.

    Dull red has the chroma of pink; the two are told apart by lightness, which is left out here."""
    chroma = {w: [np.array(s) / np.sum(s) for s in SHADES[w]] for w in VIVID}
    right = total = 0
    for seed in (1, 2):
        shot = perfect_shot(layout, seed)
        for o in shot.objects:
            pixels = shot.frame.color[shot.instance == o.id].astype(float)
            pixels = pixels[np.ptp(pixels, axis=1) > 0.35 * pixels.max(axis=1)]
            if o.color not in VIVID or len(pixels) < 100 or o.visible_fraction < 0.4 or o.category == "plant":
                continue
            seen = pixels / pixels.sum(1, keepdims=True)
            away = [np.min([np.linalg.norm(seen - c, axis=1) for c in chroma[w]], axis=0) for w in VIVID]
            nearest = VIVID[np.bincount(np.argmin(away, axis=0)).argmax()]
            right += nearest == o.color or {nearest, o.color} == {"red", "pink"}
            total += 1
    assert total >= 3
    assert right >= 0.8 * total

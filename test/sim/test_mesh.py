from __future__ import annotations

import numpy as np
import pytest

from spatial_llava_ros.sim.mesh import Mesh, box, corner_normals, ellipsoid, join, lathe, rotation, translation, tube


def volume(mesh: Mesh) -> float:
    """By the divergence theorem: positive when all triangles are wound outward."""
    a, b, c = np.moveaxis(mesh.vertices[mesh.triangles], 1, 0)
    return float((np.cross(a, b) * c).sum() / 6)


@pytest.mark.parametrize(
    ("mesh", "expected"),
    [
        (box(0.2, 0.3, 0.4), 0.024),
        (ellipsoid(0.2, 0.2, 0.4, 64), np.pi / 6 * 0.016),
        (lathe([(0, 0), (0.1, 0), (0.1, 0.5), (0, 0.5)], 64), np.pi * 0.01 * 0.5),
        (lathe([(0.1, 0), (0.1, 0.5)], 64), np.pi * 0.01 * 0.5),
        (tube(np.array([[0, 0, 0], [0, 0, 0.5], [0, 0, 1.0]]), 0.1, 64), np.pi * 0.01),
    ],
    ids=["box", "ellipsoid", "lathe", "capped lathe", "tube"],
)
def test_solids_have_the_volume_of_the_shape(mesh: Mesh, expected: float) -> None:
    assert abs(volume(mesh)) == pytest.approx(expected, rel=0.01)


def test_rounded_box_keeps_its_sides() -> None:
    mesh = box(0.3, 0.2, 0.1, 0.02)
    np.testing.assert_allclose(np.ptp(mesh.vertices, axis=0), [0.3, 0.2, 0.1], atol=1e-9)
    assert 0.9 * 0.006 < abs(volume(mesh)) < 0.006


def test_normals_are_radial_on_a_ball_and_square_on_a_box() -> None:
    ball = ellipsoid(2, 2, 2, 48)
    outward = ball.vertices[ball.triangles]
    assert (np.abs((corner_normals(ball) * outward).sum(-1)) > 0.99).all()
    np.testing.assert_allclose(np.sort(np.abs(corner_normals(box(1, 2, 3))), axis=-1)[..., 2], 1, atol=1e-9)


def test_moving_and_joining_leave_shapes_alone() -> None:
    moved = box(0.1, 0.2, 0.3).moved(translation(1, 2, 3) @ rotation("z", 0.7) @ rotation("x", 0.3))
    both = join(moved, ellipsoid(0.1, 0.1, 0.1, 64))
    assert abs(volume(moved)) == pytest.approx(0.006)
    assert len(both.vertices) == both.triangles.max() + 1


@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_rotation_is_right_handed(axis: str) -> None:
    turned = rotation(axis, np.pi / 2)[:3, :3]
    k = "xyz".index(axis)
    np.testing.assert_allclose(turned @ np.eye(3)[(k + 1) % 3], np.eye(3)[(k + 2) % 3], atol=1e-12)

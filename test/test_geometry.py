import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spatial_llava_ros import geometry
from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.types import CameraIntrinsics, Object3D, RgbdFrame

INTRINSICS = CameraIntrinsics(64, 48, 60.0, 62.0, 31.0, 24.5)
quaternions = arrays(float, 4, elements=st.floats(-1, 1)).filter(lambda q: np.linalg.norm(q) > 0.1)
vectors = arrays(float, 3, elements=st.floats(-5, 5))


@given(quaternions)
def test_quaternion_and_matrix_say_the_same_turn(quaternion):
    rotation = geometry.matrix_from_quaternion(quaternion)
    assert np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)
    assert np.isclose(np.linalg.det(rotation), 1)
    assert np.allclose(geometry.matrix_from_quaternion(geometry.quaternion_from_matrix(rotation)), rotation, atol=1e-7)


@given(quaternions, vectors, vectors)
def test_inverse_transform_brings_points_back(quaternion, translation, point):
    a_from_b = geometry.transform_matrix(translation, quaternion)
    moved = geometry.transform_points(a_from_b, point)
    assert np.allclose(geometry.transform_points(geometry.invert_transform(a_from_b), moved), point, atol=1e-7)


@given(arrays(np.float32, (48, 64), elements=st.floats(np.float32(0.1), np.float32(10), width=32)))
def test_projection_undoes_back_projection(depth):
    pixels = geometry.project(geometry.back_project(depth, INTRINSICS).astype(float), INTRINSICS)
    columns, rows = np.meshgrid(np.arange(64), np.arange(48))
    assert np.allclose(pixels[..., 0], columns, atol=1e-3)
    assert np.allclose(pixels[..., 1], rows, atol=1e-3)


def test_missing_depth_stays_missing():
    depth = np.full((48, 64), np.nan, np.float32)
    assert np.isnan(geometry.back_project(depth, INTRINSICS)).all()


@pytest.mark.parametrize("up", [[0, -1, 0], [0, -0.7, -0.7], [0.3, -1, -0.2], [0, 0, -1], [0, 0, 1]])
def test_viewer_frame_is_level_and_looks_ahead(up):
    viewer = geometry.viewer_from_camera(np.array(up, float))
    assert np.allclose(viewer @ viewer.T, np.eye(3), atol=1e-9)
    assert np.isclose(np.linalg.det(viewer), 1)
    assert np.allclose(viewer @ (np.array(up) / np.linalg.norm(up)), [0, 0, 1], atol=1e-9)


def test_what_the_camera_sees_on_its_left_is_on_the_left_of_the_viewer():
    viewer = geometry.viewer_from_camera(np.array([0.0, -1.0, 0.0]))
    assert np.allclose(viewer @ [-1, 0, 0], [0, 1, 0])
    assert np.allclose(viewer @ [0, 0, 1], [1, 0, 0])


@given(quaternions, quaternions, vectors, arrays(float, 3, elements=st.floats(0.01, 2)))
def test_a_moved_box_keeps_its_size_and_its_corners(turn, orientation, translation, size):
    orientation = orientation / np.linalg.norm(orientation)
    covariance = np.diag([1.0, 2, 3, 4, 5, 6])
    obj = Object3D(1, "box", 1.0, (0, 0, 1, 1), "b", np.array([1.0, 2, 3]), orientation, size, covariance)
    a_from_b = geometry.transform_matrix(translation, turn)
    moved = geometry.transform_object(obj, a_from_b, "a")
    corner = size / 2
    in_b = geometry.matrix_from_quaternion(obj.orientation) @ corner + obj.position
    in_a = geometry.matrix_from_quaternion(moved.orientation) @ corner + moved.position
    assert moved.frame_id == "a"
    assert np.allclose(moved.size, size)
    assert np.allclose(geometry.transform_points(a_from_b, in_b), in_a, atol=1e-6)
    assert np.isclose(np.trace(moved.covariance[:3, :3]), 6)
    assert np.all(np.linalg.eigvalsh(moved.covariance) > 0)


@pytest.mark.parametrize("quaternion", [[0, 0, 0, 0], [np.nan, 0, 0, 1]])
def test_impossible_quaternion_is_refused(quaternion):
    with pytest.raises(InvalidInputError, match="quaternion"):
        geometry.matrix_from_quaternion(np.array(quaternion, float))


@pytest.mark.parametrize(("field", "value"), [("fx", -1.0), ("fy", np.nan), ("cx", np.inf), ("width", 0)])
def test_camera_that_cannot_be_is_refused_by_name_and_value(field, value):
    camera = {"width": 64, "height": 48, "fx": 60.0, "fy": 60.0, "cx": 32.0, "cy": 24.0} | {field: value}
    with pytest.raises(InvalidInputError, match=f"{field}.*{value}"):
        CameraIntrinsics(**camera)


def test_frame_refuses_pictures_that_do_not_match_the_camera():
    color, depth = np.zeros((48, 64, 3), np.uint8), np.zeros((48, 64), np.float32)
    with pytest.raises(InvalidInputError, match="colour"):
        RgbdFrame(color[:, :10], depth, INTRINSICS)
    with pytest.raises(InvalidInputError, match="depth"):
        RgbdFrame(color, depth.astype(np.uint16), INTRINSICS)
    with pytest.raises(InvalidInputError, match="world_from_camera"):
        RgbdFrame(color, depth, INTRINSICS, world_from_camera=np.full((4, 4), np.nan))

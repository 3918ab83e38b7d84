from __future__ import annotations

import numpy as np
from visualization_msgs.msg import Marker

from spatial_llava_ros.geometry import matrix_from_quaternion
from spatial_llava_ros.nodes.markers import DEVIATIONS, answer_markers
from spatial_llava_ros.nodes.messages import answer_message
from spatial_llava_ros.types import Answer, Object3D, Status


def thing(number: int, covariance: np.ndarray) -> Object3D:
    return Object3D(
        number, "mug", 0.9, (0, 0, 5, 5), "map", np.array([1.0, 2.0, 3.0]), np.array([0.0, 0.0, 0.0, 1.0]),
        np.array([0.1, 0.2, 0.4]), covariance, np.zeros(3),
    )  # fmt: skip


def markers(answer: Answer) -> list[Marker]:
    return answer_markers(answer_message(answer, 5, "map", "camera")).markers


def test_the_box_has_twelve_edges_of_its_sizes():
    made = markers(Answer("q", Status.FOUND, "", thing(1, np.eye(6))))
    assert made[0].action == Marker.DELETEALL
    box = next(m for m in made if m.ns == "box")
    points = np.array([(p.x, p.y, p.z) for p in box.points]).reshape(-1, 2, 3)
    lengths = np.sort(np.linalg.norm(points[:, 1] - points[:, 0], axis=1))
    np.testing.assert_allclose(lengths, [0.1] * 4 + [0.2] * 4 + [0.4] * 4)
    assert box.header.frame_id == "map"


def test_the_ellipsoid_spans_the_covariance():
    rng = np.random.default_rng(1)
    spread = rng.normal(size=(3, 3)) * 0.1
    covariance = np.eye(6)
    covariance[:3, :3] = spread @ spread.T
    ball = next(m for m in markers(Answer("q", Status.FOUND, "", thing(1, covariance))) if m.ns == "uncertainty")
    q = ball.pose.orientation
    axes = matrix_from_quaternion(np.array([q.x, q.y, q.z, q.w]))
    radii = np.array([ball.scale.x, ball.scale.y, ball.scale.z]) / 2 / DEVIATIONS
    np.testing.assert_allclose(axes @ np.diag(radii**2) @ axes.T, covariance[:3, :3], atol=1e-9)


def test_candidates_are_shown_and_nothing_found_shows_nothing():
    ambiguous = markers(Answer("q", Status.AMBIGUOUS, "", None, (thing(1, np.eye(6)), thing(2, np.eye(6)))))
    assert sum(m.ns == "box" for m in ambiguous) == 2
    assert len({(m.ns, m.id) for m in ambiguous[1:]}) == len(ambiguous) - 1
    assert len(markers(Answer("q", Status.NOT_FOUND, ""))) == 1

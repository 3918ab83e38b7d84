"""An answer as RViz and Foxglove markers: the oriented box, its label, its axes, and the position's uncertainty."""

from __future__ import annotations

import numpy as np
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

from spatial_llava_ros.geometry import matrix_from_quaternion, principal_axes
from spatial_llava_ros.msg import ReferredObject, SceneObject
from spatial_llava_ros.nodes.label_places import place_labels

FOUND = ColorRGBA(r=0.1, g=0.9, b=0.2, a=1.0)
CANDIDATE = ColorRGBA(r=1.0, g=0.7, b=0.0, a=1.0)
DEVIATIONS = 2.0  # the ellipsoid holds the centre with 74 % probability in 3D

# Pairs of corners that differ in one axis: the twelve edges of a box.
CORNERS = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
EDGES = [(i, j) for i in range(8) for j in range(i + 1, 8) if np.count_nonzero(CORNERS[i] != CORNERS[j]) == 1]


def answer_markers(message: ReferredObject, lifetime_s: float = 0.0) -> MarkerArray:
    """Markers of an answer, after one that deletes those of the answer before. Empty of boxes where nothing was found.

    Args:
        lifetime_s: 0 keeps them until the next answer.
    """
    array = MarkerArray(markers=[Marker(header=message.header, action=Marker.DELETEALL)])
    shown = [(message.object, FOUND, "")] if message.object.has_pose else []
    shown += [(c, CANDIDATE, f"{n}: ") for n, c in enumerate(message.candidates, 1) if c.has_pose]
    for number, ((obj, color, _), label) in enumerate(zip(shown, _labels(shown), strict=True)):
        made = [_box(obj, color), label]
        if color is FOUND:
            made += [ellipsoid(obj)]
        for marker in made:
            marker.header = message.header
            marker.id = number
            marker.lifetime = Duration(sec=int(lifetime_s), nanosec=int(lifetime_s % 1 * 1e9))
            array.markers.append(marker)
    return array


def rotation_of(obj: SceneObject) -> np.ndarray:
    """(3, 3) whose columns are the axes of the object's box; the last one points up."""
    q = obj.pose.pose.orientation
    return matrix_from_quaternion(np.array([q.x, q.y, q.z, q.w]))


def as_points(array: np.ndarray) -> list[Point]:
    """Rows (N, 3) as messages."""
    return [Point(x=float(x), y=float(y), z=float(z)) for x, y, z in array]


def text_marker(namespace: str, number: int, text: str, centre: np.ndarray, letter: float, color: ColorRGBA) -> Marker:
    """Text that faces the viewer; `letter` is the height of its letters in metres."""
    marker = Marker(ns=namespace, id=number, type=Marker.TEXT_VIEW_FACING, color=color, text=text)
    marker.pose.position = as_points(centre[None])[0]
    marker.pose.orientation.w = 1.0
    marker.scale.z = float(letter)
    return marker


def _box(obj: SceneObject, color: ColorRGBA) -> Marker:
    size = np.array([obj.size.x, obj.size.y, obj.size.z])
    corners = as_points(CORNERS * size)
    marker = Marker(ns="box", type=Marker.LINE_LIST, pose=obj.pose.pose, color=color)
    marker.scale.x = 0.004
    marker.points = [corners[k] for edge in EDGES for k in edge]
    return marker


def _labels(shown: list[tuple[SceneObject, ColorRGBA, str]]) -> list[Marker]:
    """Names with scores, above the things as whoever stands at the frame's origin sees them."""
    if not shown:
        return []
    up = rotation_of(shown[0][0])[:, 2]
    texts = [f"{prefix}{obj.label} {obj.score:.2f}" for obj, _, prefix in shown]
    places = [obj.pose.pose.position for obj, *_ in shown]
    tops = np.array([[p.x, p.y, p.z] for p in places]) + np.array([[obj.size.z / 2] for obj, *_ in shown]) * up
    centres, letters = place_labels(tops, texts, np.zeros(3), up)
    rows = zip(texts, centres, letters, shown, strict=True)
    return [text_marker("label", 0, text, centre, letter, color) for text, centre, letter, (_, color, _) in rows]


def ellipsoid(obj: SceneObject) -> Marker:
    """Where the centre lies, `DEVIATIONS` standard deviations along the principal axes of its covariance."""
    marker = Marker(ns="uncertainty", type=Marker.SPHERE, color=ColorRGBA(r=0.2, g=0.5, b=1.0, a=0.5))
    deviations, turn = principal_axes(np.reshape(obj.pose.covariance, (6, 6)))
    marker.pose.position = obj.pose.pose.position
    o, s = marker.pose.orientation, marker.scale
    o.x, o.y, o.z, o.w = (float(v) for v in turn)
    s.x, s.y, s.z = (max(0.004, 2 * DEVIATIONS * float(v)) for v in deviations)
    return marker

"""An answer as RViz and Foxglove markers: the oriented box, its label, its axes, and the position's uncertainty."""

from __future__ import annotations

import numpy as np
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from spatial_llava_ros.geometry import principal_axes
from spatial_llava_ros.msg import ReferredObject, SceneObject

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
    shown = [(message.object, FOUND)] if message.object.has_pose else []
    shown += [(c, CANDIDATE) for c in message.candidates if c.has_pose]
    for number, (obj, color) in enumerate(shown):
        made = [_box(obj, color), _label(obj, color)]
        if color is FOUND:
            made += [ellipsoid(obj)]
        for marker in made:
            marker.header = message.header
            marker.id = number
            marker.lifetime = Duration(sec=int(lifetime_s), nanosec=int(lifetime_s % 1 * 1e9))
            array.markers.append(marker)
    return array


def _box(obj: SceneObject, color: ColorRGBA) -> Marker:
    size = np.array([obj.size.x, obj.size.y, obj.size.z])
    corners = [Point(x=float(x), y=float(y), z=float(z)) for x, y, z in CORNERS * size]
    marker = Marker(ns="box", type=Marker.LINE_LIST, pose=obj.pose.pose, color=color)
    marker.scale.x = 0.004
    marker.points = [corners[k] for edge in EDGES for k in edge]
    return marker


def _label(obj: SceneObject, color: ColorRGBA) -> Marker:
    marker = Marker(ns="label", type=Marker.TEXT_VIEW_FACING, color=color)
    marker.pose.position = Point(
        x=obj.pose.pose.position.x,
        y=obj.pose.pose.position.y,
        z=obj.pose.pose.position.z + obj.size.z / 2 + 0.04,
    )
    marker.pose.orientation.w = 1.0
    marker.scale.z = 0.05
    marker.text = f"{obj.label} {obj.score:.2f}"
    return marker


def ellipsoid(obj: SceneObject) -> Marker:
    """Where the centre lies, `DEVIATIONS` standard deviations along the principal axes of its covariance."""
    marker = Marker(ns="uncertainty", type=Marker.SPHERE, color=ColorRGBA(r=0.2, g=0.5, b=1.0, a=0.5))
    deviations, turn = principal_axes(np.reshape(obj.pose.covariance, (6, 6)))
    marker.pose.position = obj.pose.pose.position
    o, s = marker.pose.orientation, marker.scale
    o.x, o.y, o.z, o.w = (float(v) for v in turn)
    s.x, s.y, s.z = (max(0.004, 2 * DEVIATIONS * float(v)) for v in deviations)
    return marker


def deleted(header: Header) -> MarkerArray:
    """The array that takes every marker of this topic away."""
    return MarkerArray(markers=[Marker(header=header, action=Marker.DELETEALL)])

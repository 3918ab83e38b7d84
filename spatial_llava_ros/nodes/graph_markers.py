"""A scene graph as RViz and Foxglove markers: boxes, labels, relation arrows and uncertainty, colours stable per id."""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import Point
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

from spatial_llava_ros.geometry import matrix_from_quaternion
from spatial_llava_ros.msg import SceneGraph, SceneObject
from spatial_llava_ros.nodes.markers import CORNERS, EDGES, ellipsoid
from spatial_llava_ros.output.colors import color_of

SHOWN = 200  # objects, and as many relations: more cannot be read, and RViz slows down
_FADED = {SceneObject.STATE_OCCLUDED: 0.45, SceneObject.STATE_MISSING: 0.2}
_GREY = ColorRGBA(r=0.8, g=0.8, b=0.8, a=0.7)


def graph_markers(graph: SceneGraph) -> MarkerArray:
    """Markers of a graph, after one that deletes those of the graph before. Hidden objects are pale."""
    placed = [obj for obj in graph.objects if obj.has_pose][:SHOWN]
    at = {obj.id: obj for obj in placed}
    markers = [Marker(action=Marker.DELETEALL), _boxes(placed)]
    for obj in placed:
        markers += [_label(obj), ellipsoid(obj)]
        for marker in markers[-2:]:
            marker.id = obj.id & 0x7FFFFFFF  # a marker's is signed
    stated = [r for r in graph.relations if r.subject in at and r.object in at][:SHOWN]
    for number, relation in enumerate(stated):
        ends = _point(at[relation.subject]), _point(at[relation.object])
        markers += [_arrow(number, *ends), _words(number, *ends, relation.predicate.replace("_", " "))]
    for marker in markers:
        marker.header = graph.header
    return MarkerArray(markers=markers)


def marker_color(number: int, alpha: float = 1.0) -> ColorRGBA:
    """The colour that an id always has."""
    r, g, b = (channel / 255 for channel in color_of(number))
    return ColorRGBA(r=r, g=g, b=b, a=alpha)


def _boxes(objects: list[SceneObject]) -> Marker:
    """All edges in one marker: a renderer takes it at once."""
    marker = Marker(ns="box", type=Marker.LINE_LIST)
    marker.scale.x = 0.005
    marker.pose.orientation.w = 1.0
    for obj in objects:
        q, size = obj.pose.pose.orientation, np.array([obj.size.x, obj.size.y, obj.size.z])
        rotation = matrix_from_quaternion(np.array([q.x, q.y, q.z, q.w]))
        corners = _point(obj) + (CORNERS * size) @ rotation.T
        points = [Point(x=float(x), y=float(y), z=float(z)) for x, y, z in corners]
        marker.points += [points[k] for edge in EDGES for k in edge]
        marker.colors += [marker_color(obj.id, _FADED.get(obj.state, 1.0))] * (2 * len(EDGES))
    if not objects:
        marker.action = Marker.DELETE
    return marker


def _label(obj: SceneObject) -> Marker:
    marker = Marker(ns="label", type=Marker.TEXT_VIEW_FACING, color=marker_color(obj.id, _FADED.get(obj.state, 1.0)))
    x, y, z = _point(obj)
    marker.pose.position = Point(x=x, y=y, z=z + obj.size.z / 2 + 0.03)
    marker.pose.orientation.w = 1.0
    marker.scale.z = 0.035
    marker.text = f"{obj.label} {obj.id}"
    return marker


def _arrow(number: int, start: np.ndarray, end: np.ndarray) -> Marker:
    marker = Marker(ns="relation", id=number, type=Marker.ARROW, color=_GREY)
    marker.pose.orientation.w = 1.0
    marker.points = [Point(x=float(x), y=float(y), z=float(z)) for x, y, z in (start, end)]
    marker.scale.x, marker.scale.y, marker.scale.z = 0.004, 0.012, 0.02  # shaft, head, head's length
    return marker


def _words(number: int, start: np.ndarray, end: np.ndarray, text: str) -> Marker:
    """Nearer to the subject than to the object, so that "left of" and its answer do not lie on each other."""
    marker = Marker(ns="predicate", id=number, type=Marker.TEXT_VIEW_FACING, color=_GREY, text=text)
    x, y, z = (float(v) for v in start + 0.4 * (end - start))
    marker.pose.position = Point(x=x, y=y, z=z + 0.01)
    marker.pose.orientation.w = 1.0
    marker.scale.z = 0.02
    return marker


def _point(obj: SceneObject) -> np.ndarray:
    p = obj.pose.pose.position
    return np.array([p.x, p.y, p.z])

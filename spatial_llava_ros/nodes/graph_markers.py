"""A scene graph as RViz and Foxglove markers, by namespace:

    box           oriented boxes, in colours that an id keeps
    label         names, with a line (leader) to things that they had to be raised from
    relation      one arrow for each pair, from subject to object; predicate: all that is said of the pair
    uncertainty   2 standard deviations of each centre
    layer         footprints from near (red) to far (blue), by depth layer of the view

Text is sized by distance and kept off other text as the viewer of the graph sees it.
"""

from __future__ import annotations

import colorsys

import numpy as np
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

from spatial_llava_ros.msg import SceneGraph, SceneObject, SceneRelation
from spatial_llava_ros.nodes.label_places import place_labels
from spatial_llava_ros.nodes.markers import CORNERS, EDGES, as_points, ellipsoid, rotation_of, text_marker
from spatial_llava_ros.output.colors import color_of
from spatial_llava_ros.output.wording import KINDS, kind_of

SHOWN = 200  # objects, and as many relations: more cannot be read, and RViz slows down
_FADED = {SceneObject.STATE_OCCLUDED: 0.45, SceneObject.STATE_MISSING: 0.2}
_ARROWS = {
    "support": ColorRGBA(r=0.95, g=0.5, b=0.2, a=0.9),
    "viewer": ColorRGBA(r=0.4, g=0.65, b=1.0, a=0.9),
    "world": ColorRGBA(r=0.75, g=0.75, b=0.75, a=0.7),
}


def graph_markers(graph: SceneGraph) -> MarkerArray:
    """Markers of a graph, after one that deletes those of the graph before. Hidden objects are pale."""
    placed = [obj for obj in graph.objects if obj.has_pose][:SHOWN]
    at = {obj.id: obj for obj in placed}
    markers = [Marker(action=Marker.DELETEALL)]
    if placed:
        stated = [r for r in graph.relations if r.subject in at and r.object in at][:SHOWN]
        pairs = _pairs(stated)
        markers += [_boxes(placed), _layers(placed), *(ellipsoid(obj) for obj in placed)]
        for marker, obj in zip(markers[3:], placed, strict=True):
            marker.id = obj.id & 0x7FFFFFFF  # a marker's is signed
        markers += [_arrow(n, at[said[0].subject], at[said[0].object], said) for n, said in enumerate(pairs)]
        markers += _texts(graph, placed, at, pairs)
    for marker in markers:
        marker.header = graph.header
    return MarkerArray(markers=markers)


def marker_color(number: int, alpha: float = 1.0) -> ColorRGBA:
    """The colour that an id always has."""
    r, g, b = (channel / 255 for channel in color_of(number))
    return ColorRGBA(r=r, g=g, b=b, a=alpha)


def _pairs(relations: list[SceneRelation]) -> list[list[SceneRelation]]:
    """Relations by the pair they are of; the weightiest of each first, whose direction the arrow takes."""
    pairs: dict[frozenset[int], list[SceneRelation]] = {}
    for relation in relations:
        pairs.setdefault(frozenset((relation.subject, relation.object)), []).append(relation)
    return [sorted(said, key=lambda r: KINDS.index(_kind(r))) for said in pairs.values()]


def _kind(relation: SceneRelation) -> str:
    return kind_of(relation.predicate, relation.reference == SceneRelation.REFERENCE_VIEWER)


def _boxes(objects: list[SceneObject]) -> Marker:
    """All edges in one marker: a renderer takes it at once."""
    marker = Marker(ns="box", type=Marker.LINE_LIST)
    marker.scale.x = 0.005
    marker.pose.orientation.w = 1.0
    for obj in objects:
        corners = as_points(_corners(obj))
        marker.points += [corners[k] for edge in EDGES for k in edge]
        marker.colors += [marker_color(obj.id, _FADED.get(obj.state, 1.0))] * (2 * len(EDGES))
    return marker


def _layers(objects: list[SceneObject]) -> Marker:
    """Footprints, just above what carries the things so that a floor does not hide them."""
    marker = Marker(ns="layer", type=Marker.TRIANGLE_LIST)
    marker.scale.x = marker.scale.y = marker.scale.z = 1.0
    marker.pose.orientation.w = 1.0
    last = max((obj.layer for obj in objects), default=0)
    for obj in objects:
        if obj.layer:
            # Corners 0, 2, 4, 6 are the lower ones; 0, 4, 6, 2 go round.
            a, b, c, d = as_points(_corners(obj)[[0, 4, 6, 2]] + 0.002 * rotation_of(obj)[:, 2])
            marker.points += [a, b, c, a, c, d]
            r, g, blue = colorsys.hsv_to_rgb(0.62 * (obj.layer - 1) / max(last - 1, 1), 0.8, 0.95)
            marker.colors += [ColorRGBA(r=r, g=g, b=blue, a=0.5)] * 6
    if not marker.points:
        marker.action = Marker.DELETE
    return marker


def _arrow(number: int, subject: SceneObject, other: SceneObject, said: list[SceneRelation]) -> Marker:
    marker = Marker(ns="relation", id=number, type=Marker.ARROW, color=_ARROWS[_kind(said[0])])
    marker.pose.orientation.w = 1.0
    marker.points = as_points(np.array([_centre(subject), _centre(other)]))
    marker.scale.x, marker.scale.y, marker.scale.z = 0.004, 0.012, 0.02  # shaft, head, head's length
    return marker


def _texts(
    graph: SceneGraph, placed: list[SceneObject], at: dict[int, SceneObject], pairs: list[list[SceneRelation]]
) -> list[Marker]:
    """Names and what is said, placed together so that none lies on another."""
    up = rotation_of(placed[0])[:, 2]  # boxes stand upright: their z axis is the frame's up
    eye = np.array([graph.viewer.position.x, graph.viewer.position.y, graph.viewer.position.z])
    names = [f"{obj.label} {obj.id}" for obj in placed]
    tops = [_centre(obj) + obj.size.z / 2 * up for obj in placed]
    phrases = [", ".join(_phrase(r, said[0].subject) for r in said) for said in pairs]
    # Nearer to the subject than to the object: that is who it is said of.
    ways = [0.6 * _centre(at[said[0].subject]) + 0.4 * _centre(at[said[0].object]) for said in pairs]
    centres, letters = place_labels(np.array(tops + ways), names + phrases, eye, up)
    made = []
    leader = Marker(ns="leader", type=Marker.LINE_LIST)
    leader.scale.x = 0.002
    leader.pose.orientation.w = 1.0
    for obj, name, top, centre, letter in zip(placed, names, tops, centres, letters, strict=False):
        color = marker_color(obj.id, _FADED.get(obj.state, 1.0))
        made.append(text_marker("label", obj.id & 0x7FFFFFFF, name, centre, letter, color))
        if (centre - top) @ up > 2 * letter:
            leader.points += as_points(np.array([top, centre - 0.6 * letter * up]))
            leader.colors += [color] * 2
    for number, said in enumerate(pairs):
        k = len(placed) + number
        color = _ARROWS[_kind(said[0])]
        made.append(text_marker("predicate", number, phrases[number], centres[k], 0.8 * letters[k], color))
    return [*made, leader] if leader.points else made


def _phrase(relation: SceneRelation, subject: int) -> str:
    back = "" if relation.subject == subject else "< "
    number = f" {relation.value:.2f} {relation.unit}".rstrip() if np.isfinite(relation.value) else ""
    other = f" this and {relation.second_object}" if relation.second_object else ""
    return f"{back}{relation.predicate.replace('_', ' ')}{other}{number}"


def _corners(obj: SceneObject) -> np.ndarray:
    """(8, 3) of the oriented box, in the order of `CORNERS`."""
    return _centre(obj) + CORNERS * [obj.size.x, obj.size.y, obj.size.z] @ rotation_of(obj).T


def _centre(obj: SceneObject) -> np.ndarray:
    p = obj.pose.pose.position
    return np.array([p.x, p.y, p.z])

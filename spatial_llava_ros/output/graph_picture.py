"""A scene graph to look at: the picture with its things and relations, a map from above, and the relations in words."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from spatial_llava_ros.geometry import invert_transform, project, transform_points, viewer_from_camera
from spatial_llava_ros.output.colors import Color, color_of
from spatial_llava_ros.output.lettering import Lettering, Tags, printable
from spatial_llava_ros.output.wireframe import box_corners, projected_edges
from spatial_llava_ros.output.wording import kind_of_relation, measured, numbered, statement
from spatial_llava_ros.types import Relation, RgbdFrame, SceneGraph

_DARK: Color = (18, 20, 24)
_GROUND: Color = (246, 247, 249)
_GRID: Color = (218, 222, 228)
_INK: Color = (40, 44, 52)
_PALE: Color = (236, 238, 242)
_HEIGHT = 720  # pixels of the two panels; the picture is enlarged or reduced to it
_STEPS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)  # metres between lines of the grid
_ARROWS: dict[str, Color] = {"support": (214, 92, 40), "viewer": (40, 96, 200), "world": (110, 120, 132)}
_LISTED = 60


def draw_graph(frame: RgbdFrame, graph: SceneGraph) -> np.ndarray:
    """Picture and map side by side, the relations in words below.

    In both, arrows go from the subject of a relation to its object: orange for what carries, blue for the viewer's
    left, right and behind, grey for the rest. The map looks down; the viewer is at its bottom and looks up; dark
    ellipses are the uncertainty of the places (2 standard deviations).

    Args:
        frame: the one the graph is of.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    view = _view(frame, graph)
    top = np.hstack([view, np.full((_HEIGHT, 4, 3), _DARK, np.uint8), _map(graph, _HEIGHT)])
    return np.vstack([top, _words(graph, top.shape[1])])


def _ink_on(ground: Color) -> Color:
    return _DARK if np.dot(ground, (0.3, 0.59, 0.11)) > 110 else _PALE


def _view(frame: RgbdFrame, graph: SceneGraph) -> np.ndarray:
    scale = _HEIGHT / frame.color.shape[0]
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    picture = cv2.resize(frame.color, (round(frame.color.shape[1] * scale), _HEIGHT), interpolation=way)
    camera_from_frame = invert_transform(graph.frame_from_camera)
    middles: dict[int, np.ndarray] = {}
    for node in graph.objects:
        obj, color = node.object, color_of(node.object.id)
        edges = np.clip(projected_edges(obj, frame) * scale, -4 * _HEIGHT, 4 * _HEIGHT)
        for ink, width in ((_DARK, 3), (color, 2)):
            for a, b in np.rint(edges).astype(int):
                cv2.line(picture, a.tolist(), b.tolist(), ink, width, cv2.LINE_AA)
        if obj.position is None:
            x1, y1, x2, y2 = (round(v * scale) for v in obj.box)
            cv2.rectangle(picture, (x1, y1), (x2, y2), color, 1)
        middle = np.array([obj.box[0] + obj.box[2], obj.box[1] + obj.box[3]]) / 2 * scale
        if obj.position is not None:
            seen = project(transform_points(camera_from_frame, obj.position), frame.intrinsics) * scale
            middle = seen if np.isfinite(seen).all() else middle
        middles[obj.id] = middle
    tags = Tags(picture, Lettering(11), lines=_arrows(picture, graph.relations, middles))
    for node in graph.objects:
        x1, y1, x2, y2 = (v * scale for v in node.object.box)
        if (x2 - x1) * (y2 - y1) < 0.012 * _HEIGHT**2:  # a small thing is not to be covered by a name
            inset = 0.15 * (x2 - x1), 0.15 * (y2 - y1)
            tags.taken.append((round(x1 + inset[0]), round(y1 + inset[1]), round(x2 - inset[0]), round(y2 - inset[1])))
    for node in sorted(
        graph.objects, key=lambda n: (n.object.box[3] - n.object.box[1]) * (n.object.box[2] - n.object.box[0])
    ):
        color = color_of(node.object.id)
        _tag(tags, printable(numbered(node)), [v * scale for v in node.object.box], color, middles[node.object.id])
    return picture


def _tag(tags: Tags, text: str, box: Sequence[float], color: Color, anchor: np.ndarray) -> None:
    """A label, with a line to its thing where it had to be put away from it."""
    tags.put(text, box, color, _ink_on(color))
    x1, y1, x2, y2 = tags.taken[-1]
    near = np.clip(anchor, (x1, y1), (x2, y2))
    x1b, y1b, x2b, y2b = box
    touches = x1 <= x2b + 4 and x2 >= x1b - 4 and y1 <= y2b + 4 and y2 >= y1b - 4
    if not touches:
        cv2.line(
            tags.picture,
            np.rint(near).astype(int).tolist(),
            np.rint(anchor).astype(int).tolist(),
            color,
            1,
            cv2.LINE_AA,
        )


def _arrows(
    picture: np.ndarray, relations: Sequence[Relation], middles: dict[int, np.ndarray]
) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """One arrow for each pair: what carries before the viewer's words before the rest. Returns both ends of each."""
    limit = 4 * max(picture.shape)
    order = [*_ARROWS]
    drawn, lines = set(), []
    for relation in sorted(relations, key=lambda r: order.index(kind_of_relation(r))):
        pair = frozenset((relation.subject, relation.object))
        if pair in drawn:
            continue
        drawn.add(pair)
        if relation.subject not in middles or relation.object not in middles:
            continue
        a, b = (np.clip(middles[n], -limit, limit) for n in (relation.subject, relation.object))
        color = _ARROWS[kind_of_relation(relation)]
        length = float(np.linalg.norm(b - a))
        if length < 6:
            continue
        ends = [tuple(np.rint(p).astype(int).tolist()) for p in (a, b)]
        lines.append((ends[0], ends[1]))
        tip = min(10 / length, 0.3)
        cv2.arrowedLine(picture, *ends, (255, 255, 255), 4, cv2.LINE_AA, tipLength=tip)
        cv2.arrowedLine(picture, *ends, color, 2, cv2.LINE_AA, tipLength=tip)
    return lines


def _map(graph: SceneGraph, side: int) -> np.ndarray:
    """The things from above, as the viewer has them: forward is up, left is left."""
    picture = np.full((side, side, 3), _GROUND, np.uint8)
    camera = graph.frame_from_camera
    viewer = viewer_from_camera(camera[:3, :3].T @ graph.up) @ camera[:3, :3].T
    prints = {}
    for node in graph.objects:
        corners = box_corners(node.object)
        if corners is not None:
            local = (corners - camera[:3, 3]) @ viewer.T
            prints[node.object.id] = local
    everything = np.vstack([p[:, :2] for p in prints.values()]) if prints else np.array([[1.0, 0.5], [1.0, -0.5]])
    forward = (min(0.0, everything[:, 0].min()), everything[:, 0].max())
    aside = (everything[:, 1].min(), everything[:, 1].max())
    # Things that are all far away are shown without the empty floor before them.
    near = everything[:, 0].min()
    if near > 0.4 * forward[1]:
        forward = (near - 0.15 * (forward[1] - near) - 0.05, forward[1])
    span = max(forward[1] - forward[0], aside[1] - aside[0], 0.2)
    scale = (side - 110) / span
    centre = np.array([sum(forward) / 2, sum(aside) / 2])

    def pixel(points: np.ndarray) -> np.ndarray:
        """Viewer x, y (…, 2) to columns and rows."""
        off = (np.asarray(points) - centre) * scale
        return np.stack([side / 2 - off[..., 1], side / 2 - off[..., 0]], axis=-1)

    step = next((s for s in _STEPS if s * scale >= 45), _STEPS[-1])
    _grid(picture, pixel, centre, side / scale, step)
    middles = {}
    by_area = sorted(prints, key=lambda n: -float(np.prod(np.ptp(prints[n][:, :2], axis=0))))
    for number in by_area:
        outline = cv2.convexHull(pixel(prints[number][:, :2]).astype(np.float32)).round().astype(np.int32)
        color = color_of(number)
        layer = picture.copy()
        cv2.fillPoly(layer, [outline], color)
        cv2.addWeighted(layer, 0.35, picture, 0.65, 0, picture)
        cv2.polylines(picture, [outline], True, color, 2, cv2.LINE_AA)
        middles[number] = pixel(prints[number][:, :2].mean(axis=0))
    for node in graph.objects:
        if node.object.id in prints:
            _spread(picture, viewer @ node.object.covariance[:3, :3] @ viewer.T, middles[node.object.id], scale)
    tags = Tags(picture, Lettering(10), lines=_arrows(picture, graph.relations, middles))
    eye = pixel(np.zeros(2))
    if (eye > 0).all() and (eye < side).all():
        cv2.circle(picture, np.rint(eye).astype(int).tolist(), 5, _INK, -1, cv2.LINE_AA)
        for turn in (-0.5, 0.5):
            reach = pixel(np.array([np.cos(turn), np.sin(turn)]) * 40 / scale)
            cv2.line(
                picture, np.rint(eye).astype(int).tolist(), np.rint(reach).astype(int).tolist(), _INK, 1, cv2.LINE_AA
            )
        tags.put("viewer", (*(eye + 8), *(eye + 9)), _INK, _PALE)
    tags.put(f"grid {step:g} m, from above; the viewer looks up", (8, side - 8, 9, side - 8), _GROUND, _INK)
    small = [n for n in by_area if np.prod(np.ptp(pixel(prints[n][:, :2]), axis=0)) < 6000]
    for number in small:  # a label must not hide what it names
        outline = pixel(prints[number][:, :2]).round().astype(int)
        tags.taken.append((*outline.min(axis=0).tolist(), *outline.max(axis=0).tolist()))
    for number in reversed(by_area):
        node = next(n for n in graph.objects if n.object.id == number)
        outline = pixel(prints[number][:, :2])
        box = (*outline.min(axis=0), *outline.max(axis=0))
        _tag(tags, printable(numbered(node)), box, color_of(number), middles[number])
    return picture


def _spread(picture: np.ndarray, covariance: np.ndarray, middle: np.ndarray, scale: float) -> None:
    """The ellipse of 2 standard deviations of a place; x of `covariance` is up in the picture, y is left."""
    variances, axes = np.linalg.eigh(np.nan_to_num(covariance[:2, :2]))
    half = np.clip(2 * scale * np.sqrt(np.maximum(variances, 0)), 1, 2000)
    turn = np.degrees(np.arctan2(-axes[0, 0], -axes[1, 0]))
    centre = np.rint(middle).astype(int).tolist()
    cv2.ellipse(picture, centre, np.rint(half).astype(int).tolist(), turn, 0, 360, _INK, 1, cv2.LINE_AA)


def _grid(picture: np.ndarray, pixel, centre: np.ndarray, extent: float, step: float) -> None:
    side = picture.shape[0]
    for axis in (0, 1):
        first = np.ceil((centre[axis] - extent / 2) / step) * step
        for value in np.arange(first, centre[axis] + extent / 2, step):
            at = pixel(np.array([value, centre[1]]) if axis == 0 else np.array([centre[0], value]))
            place = round(float(at[1 - axis]))
            ends = ((0, place), (side, place)) if axis == 0 else ((place, 0), (place, side))
            cv2.line(picture, *ends, _GRID, 1)


def _words(graph: SceneGraph, width: int) -> np.ndarray:
    """Every relation as a line, in columns."""
    letters = Lettering(11)
    names = {node.object.id: printable(numbered(node)) for node in graph.objects}
    rows = [printable(f"{statement(r, names)}  {measured(r)}") for r in graph.relations[:_LISTED]]
    if len(graph.relations) > _LISTED:
        rows.append(f"and {len(graph.relations) - _LISTED} more")
    rows = rows or ["no relations"]
    margin = 2 * letters.pad
    widest = max(letters.width(row) for row in rows) + 2 * margin
    columns = max(1, width // widest)
    lines = -(-len(rows) // columns)
    strip = np.full((2 * margin + lines * letters.line, width, 3), _DARK, np.uint8)
    for k, row in enumerate(rows):
        column, line = divmod(k, lines)
        letters.put(strip, row, margin + column * (width // columns), margin + line * letters.line, _PALE)
    return strip

"""Scene graphs as text: the relation conversation of ASMv2 (Wang et al. 2024) with the depth layers of LLaVA-SpaceSGG.

    Layer 1: <ref>mug</ref><box>[[412, 380, 470, 455]]</box>
    Layer 2: <ref>book</ref><box>[[501, 402, 688, 560]]</box>
    The mug is <pred>left of</pred><box>[[412, 380, 470, 455]]</box><box>[[501, 402, 688, 560]]</box> the book.

Coordinates are whole numbers 0–999 on the picture padded to a square, the picture in its middle. A node is known by
its box: the box of a relation repeats one that a `<ref>` introduced, digit by digit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.types import Box, Object3D, Relation, SceneGraph, SceneObject

GRID = 999
GridBox = tuple[int, int, int, int]
Triplet = tuple[GridBox, str, GridBox]
UNKNOWN = "Unknown"
_TAGS = re.compile(r"<(ref|box|pred)>(.*?)</\1>|Layer\s+(\d+)\s*:", re.DOTALL)
_MAX_TEXT = 1_000_000


@dataclass(frozen=True)
class GraphText:
    """What a text says.

    Attributes:
        labels: box -> name, in the order of their first mention; UNKNOWN for boxes that no `<ref>` introduced.
        triplets: (subject box, predicate phrase, object box), in order.
        layers: for each layer, near to far, its boxes.
        well_formed: False when boxes of a predicate could not be paired or were not numbers.
        groups: for each `<pred>` the indices of its triplets.
    """

    labels: dict[GridBox, str]
    triplets: tuple[Triplet, ...]
    layers: tuple[tuple[GridBox, ...], ...]
    well_formed: bool
    groups: tuple[tuple[int, ...], ...] = ()


def to_grid(box: Sequence[float], shape: tuple[int, int]) -> GridBox:
    """A box in pixels of a picture of (H, W) to the grid of its padded square; clipped to the picture.

    Raises:
        InvalidInputError: a box that is not four finite numbers, or a picture without pixels.
    """
    height, width = shape
    if height < 1 or width < 1:
        raise InvalidInputError(f"picture must have pixels, got {width}x{height}")
    corners = np.asarray(box, np.float64)
    if corners.shape != (4,) or not np.isfinite(corners).all():
        raise InvalidInputError(f"box must be four finite numbers, got {list(np.ravel(corners))}")
    side = max(shape)
    pad = np.array([(side - width) // 2, (side - height) // 2] * 2)
    clipped = np.clip(corners, 0, [width, height, width, height])
    return tuple(int(v) for v in np.rint((clipped + pad) * GRID / side))


def from_grid(box: GridBox, shape: tuple[int, int]) -> Box:
    """Back to pixels of the picture of (H, W); clipped to it."""
    height, width = shape
    side = max(shape)
    pad = np.array([(side - width) // 2, (side - height) // 2] * 2)
    pixels = np.array(box) * side / GRID - pad
    return tuple(float(v) for v in np.clip(pixels, 0, [width, height, width, height]))


def write_graph(graph: SceneGraph, shape: tuple[int, int]) -> str:
    """A graph as text.

    Args:
        shape: (H, W) of the picture that the objects' boxes are in.
    """
    boxes = _distinct_boxes([node.object.box for node in graph.objects], shape)
    index = {node.object.id: k for k, node in enumerate(graph.objects)}
    lines = []
    for number in sorted({node.layer for node in graph.objects}):  # 0, no layer, comes before the first heading
        members = ", ".join(
            f"<ref>{_plain(node.object.label)}</ref><box>{_list(boxes[k])}</box>"
            for k, node in enumerate(graph.objects)
            if node.layer == number
        )
        lines.append(f"Layer {number}: {members}" if number else members)
    for relation in graph.relations:
        landmarks = [relation.object] + ([relation.second_object] if relation.second_object else [])
        if not all(number in index for number in (relation.subject, *landmarks)):
            continue
        names = " and ".join(f"the {_plain(graph.objects[index[number]].object.label)}" for number in landmarks)
        subject = index[relation.subject]
        lines.append(
            f"The {_plain(graph.objects[subject].object.label)} is <pred>{relation.predicate.replace('_', ' ')}</pred>"
            f"<box>{_list(boxes[subject])}</box><box>{_list(*(boxes[index[n]] for n in landmarks))}</box> {names}."
        )
    return "\n".join(lines)


def read_text(text: str) -> GraphText:
    """Read such a text, however a model wrote it; never fails on its content.

    The rules are those of ASMv2's evaluation: boxes after a `<ref>` get its name; the boxes after a `<pred>` are taken
    in pairs, one against many is repeated; an odd number or unequal lists make the text ill-formed; what is not JSON is
    skipped.

    Raises:
        InvalidInputError: not text, or more than a million characters.
    """
    if not isinstance(text, str) or len(text) > _MAX_TEXT:
        raise InvalidInputError(f"graph text must be a string of at most {_MAX_TEXT} characters")
    labels: dict[GridBox, str] = {}
    triplets: list[Triplet] = []
    groups: list[tuple[int, ...]] = []
    layers: dict[int, list[GridBox]] = {}
    well_formed, layer = True, 0
    kind, name, pending = "", "", []

    def pair_up() -> None:
        nonlocal well_formed, pending
        if kind == "pred":
            well_formed &= len(pending) % 2 == 0 and len(pending) > 0
            for subjects, objects in zip(pending[::2], pending[1::2], strict=False):
                if len(subjects) != len(objects) and 1 not in (len(subjects), len(objects)):
                    well_formed = False
                    continue
                count = max(len(subjects), len(objects))
                pairs = zip(subjects * (count // len(subjects)), objects * (count // len(objects)), strict=True)
                first = len(triplets)
                triplets.extend((a, name, b) for a, b in pairs)
                groups.append(tuple(range(first, len(triplets))))
        pending = []

    for match in _TAGS.finditer(text):
        tag, content, number = match.groups()
        if tag == "box":
            boxes = _boxes(content)
            if not boxes:
                well_formed = False
            elif kind == "ref":
                for box in boxes:
                    labels[box] = name
                    if layer and box not in layers.setdefault(layer, []):
                        layers[layer].append(box)
            elif kind == "pred":
                pending.append(boxes)
            continue
        pair_up()
        if number is not None:
            layer, kind = int(number), ""
        else:
            kind, name = tag, " ".join(content.split())
    pair_up()
    for subject, _, other in triplets:
        labels.setdefault(subject, UNKNOWN)
        labels.setdefault(other, UNKNOWN)
    return GraphText(
        labels, tuple(triplets), tuple(tuple(layers[k]) for k in sorted(layers)), well_formed, tuple(groups)
    )


def read_graph(text: str, shape: tuple[int, int], frame_id: str = "", stamp: int = 0) -> SceneGraph:
    """A text as a graph of nodes that have boxes in the picture and no place in space; its source is "model".

    Args:
        shape: (H, W) of the picture.

    Raises:
        InvalidInputError: as `read_text`.
    """
    said = read_text(text)
    ids = {box: k for k, box in enumerate(said.labels, 1)}
    layer_of = {box: k for k, boxes in reversed(list(enumerate(said.layers, 1))) for box in boxes}
    nodes = tuple(
        SceneObject(
            Object3D(ids[box], label, 1.0, from_grid(box, shape), frame_id), layer=layer_of.get(box, 0), source="model"
        )
        for box, label in said.labels.items()
    )
    relations = []
    for group in said.groups:
        members = [said.triplets[k] for k in group]
        if members and members[0][1] == "between" and len(members) == 2 and members[0][0] == members[1][0]:
            subject, _, first = members[0]
            relations.append(_read_relation(ids[subject], "between", ids[first], ids[members[1][2]]))
        else:
            relations += [_read_relation(ids[a], name, ids[b]) for a, name, b in members]
    return SceneGraph(frame_id, stamp, nodes, tuple(relations), np.eye(4), np.array([0.0, -1.0, 0.0]))


def _read_relation(subject: int, phrase: str, other: int, second: int = 0) -> Relation:
    predicate = "_".join(phrase.lower().split())
    viewer = predicate in ("left_of", "right_of", "behind", "in_front_of")
    reference = "viewer" if viewer else "world"
    return Relation(subject, predicate, other, float("nan"), "", reference, 1.0, second, "model")


def _distinct_boxes(boxes: Sequence[Box], shape: tuple[int, int]) -> list[GridBox]:
    """Grid boxes, no two the same: a box is the only name of a node, so twins are moved by a step of the grid."""
    taken: set[GridBox] = set()
    out = []
    for box in boxes:
        grid = np.array(to_grid(box, shape))
        step = 0
        while tuple(int(v) for v in grid) in taken:
            step += 1
            side = step % 4
            grid[side] = np.clip(grid[side] + (1 if grid[side] < GRID else -1) * (1 + step // 4), 0, GRID)
        out.append(tuple(int(v) for v in grid))
        taken.add(out[-1])
    return out


def _boxes(content: str) -> list[GridBox]:
    """The boxes of a `<box>`; one alone may lack the outer brackets. Empty unless it is JSON of four numbers each."""
    try:
        value = json.loads(content)
    except (json.JSONDecodeError, RecursionError):
        return []
    if not isinstance(value, list):
        return []
    if len(value) == 4 and not any(isinstance(v, list) for v in value):
        value = [value]
    boxes = []
    for item in value:
        numeric = isinstance(item, list) and len(item) == 4 and all(type(v) in (int, float) for v in item)
        if not numeric or not all(abs(v) <= 10 * GRID for v in item):
            return []
        boxes.append(tuple(int(min(max(round(v), 0), GRID)) for v in item))
    return boxes


def _list(*boxes: GridBox) -> str:
    return json.dumps([list(box) for box in boxes])


def _plain(label: str) -> str:
    """A label cannot hold tags or line breaks."""
    return " ".join(label.replace("<", " ").replace(">", " ").split()) or "thing"

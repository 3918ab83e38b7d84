"""What a model says of a picture, joined with what geometry measured in it.

The model names things and states relations in SpaceSGG's text (`graph.spacesgg`). Each of its boxes is matched with a
thing that was measured; a box on none becomes a thing of its own, lifted from the depth in it. Names and relations that
contradict the measurements are left out, and every name and relation says whose it is: "geometry", "model" or "both".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from spatial_llava_ros.geometry import transform_object
from spatial_llava_ros.graph.frame_graph import relate
from spatial_llava_ros.graph.pruning import HOLDS
from spatial_llava_ros.graph.spacesgg import UNKNOWN, read_graph, read_text
from spatial_llava_ros.graph.statements import INVERSE, SYMMETRIC, Statements, judge, layout_in_view, unit_of
from spatial_llava_ros.grounding import nouns
from spatial_llava_ros.lift import lift_all
from spatial_llava_ros.proposals.boxed import with_boxed
from spatial_llava_ros.types import Box, Proposals, Relation, RgbdFrame, SceneGraph, SceneObject

OVERLAP = 0.5  # a box of the model is on a measured thing from this IoU on, as in PSG's evaluation
_ABSURD = 0.02  # a noun that fits a size less is refused: it is off by seven spreads of the prior
_WORD = 0.5  # how sure a name is that only the model's text vouches for; text has no probability
_MOST = 40  # things that are taken over from the model alone
_SYNONYMS = {
    "on_top_of": "on", "in": "inside", "within": "inside", "beneath": "under", "underneath": "under", "over": "above",
    "to_the_left_of": "left_of", "to_the_right_of": "right_of", "left": "left_of", "right": "right_of",
    "in_back_of": "behind", "beside": "next_to", "by": "next_to", "adjacent_to": "next_to", "close_to": "near",
    "larger_than": "bigger_than", "leaning_against": "leaning_on", "attached": "attached_to",
}  # fmt: skip


@dataclass(frozen=True)
class Heard:
    """What became of a model's text.

    Attributes:
        named: things whose name is the model's; added: those of them that geometry had not proposed.
        refused: statements that the measurements contradict, in words.
        well_formed: False where parts of the text could not be read.
    """

    named: int
    added: int
    refused: tuple[str, ...]
    well_formed: bool = True


def with_said(
    graph: SceneGraph, text: str, frame: RgbdFrame, proposals: Proposals, everything: bool = False
) -> tuple[SceneGraph, Heard]:
    """Join a model's text with the graph of the same frame.

    Args:
        graph: of `frame_graph(frame, proposals)`.
        text: as the model wrote it.
        everything: as in `frame_graph`.

    Raises:
        InvalidInputError: text of more than a million characters.
    """
    said = read_graph(text, frame.color.shape[:2])
    nodes = list(graph.objects)
    refused: list[str] = []
    next_id = 1 + max([*(n.object.id for n in nodes), *(region.id for region in proposals.regions)], default=0)
    place: dict[int, int] = {}  # id in the text -> index of the node
    named = added = 0
    for number, index in _matches(said.objects, nodes).items():
        label = said.objects[number - 1].object.label
        place[number] = index
        if label == UNKNOWN:
            continue
        if not _fits(label, nodes[index]):
            refused.append(f"{label} for #{nodes[index].object.id}: not of that size")
            continue
        nodes[index] = _named(nodes[index], label)
        named += 1
    for node in said.objects:
        if node.object.id not in place and node.object.label != UNKNOWN and added < _MOST:
            new = _lifted(node, frame, proposals, next_id + added)
            if not _fits(node.object.label, new):
                refused.append(f"{node.object.label}: what is in its box is not of that size")
                continue
            place[node.object.id] = len(nodes)
            nodes.append(new)
            named, added = named + 1, added + 1
    layout = layout_in_view([n.object for n in nodes], graph.frame_from_camera, graph.up)
    relations = relate(nodes, layout, None, everything)
    relations, contradicted = _checked(said.relations, place, nodes, relations, judge(nodes, layout))
    joined = replace(graph, objects=tuple(nodes), relations=tuple(relations))
    return joined, Heard(named, added, (*refused, *contradicted), read_text(text).well_formed)


def _matches(said: Sequence[SceneObject], nodes: Sequence[SceneObject]) -> dict[int, int]:
    """Id in the text -> index of the node that its box is on; best overlaps first, one to one."""
    if not said or not nodes:
        return {}
    overlap = np.array([[_iou(a.object.box, b.object.box) for b in nodes] for a in said])
    out: dict[int, int] = {}
    while overlap.max() >= OVERLAP:
        i, j = np.unravel_index(int(overlap.argmax()), overlap.shape)
        out[said[i].object.id] = int(j)
        overlap[i], overlap[:, j] = -1, -1
    return out


def _iou(a: Box, b: Box) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0.0) * max(height, 0.0)
    total = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    return shared / total if total > 0 else 0.0


def _fits(label: str, node: SceneObject) -> bool:
    """Whether a thing of that name may have the node's size; a name that geometry does not know may."""
    noun = next((n for n in (label.lower(), label.lower().split()[-1]) if nouns.knows(n)), None)
    if noun is None or node.object.size is None:
        return True
    kinds: dict[str, np.ndarray] = defaultdict(lambda: np.ones(1))  # size alone is held against it
    return bool(nouns.noun_fits([noun], node.object.size[None], kinds)[0, 0] >= _ABSURD)


def _named(node: SceneObject, label: str) -> SceneObject:
    same = label.lower() == node.object.label.lower()
    others = tuple((name, p) for name, p in node.labels if name.lower() != label.lower())
    named = replace(node.object, label=label)
    return replace(node, object=named, labels=((label, _WORD), *others), source="both" if same else "model")


def _lifted(said: SceneObject, frame: RgbdFrame, proposals: Proposals, number: int) -> SceneObject:
    """A thing that geometry did not propose, in the frame of the graph."""
    boxed = with_boxed(frame, proposals, said.object.box, _WORD)
    obj, _ = lift_all(frame, boxed, boxed.regions[-1:])[0]
    if frame.world_from_camera is not None:
        obj = transform_object(obj, frame.world_from_camera, frame.world_frame_id)
    obj = replace(obj, id=number, label=said.object.label, score=_WORD, box=said.object.box)
    stamps = {"first_seen": frame.stamp, "last_seen": frame.stamp}
    return SceneObject(obj, ((obj.label, _WORD),), layer=said.layer, source="model", **stamps)


def _checked(
    said: Sequence[Relation],
    place: dict[int, int],
    nodes: Sequence[SceneObject],
    relations: Sequence[Relation],
    statements: Statements,
) -> tuple[list[Relation], list[str]]:
    """What both say, what only one says and the other does not deny; and what is denied, in words."""
    out = list(relations)
    where = {relation.key: k for k, relation in enumerate(out)}
    refused = []
    for relation in said:
        predicate = _SYNONYMS.get(relation.predicate, relation.predicate)
        ends = [relation.subject, relation.object] + [relation.second_object] * (relation.second_object != 0)
        if not predicate or not all(n in place for n in ends) or len({place[n] for n in ends}) < len(ends):
            continue
        i, j, *rest = (place[n] for n in ends)
        ids = [nodes[k].object.id for k in (i, j, *rest)]
        known = next((where[key] for key in _ways_to_say(ids, predicate) if key in where), None)
        if known is not None:
            out[known] = replace(out[known], source="both")
            continue
        value, score, source = float("nan"), _WORD, "model"
        measured = nodes[i].object.position is not None and nodes[j].object.position is not None
        if predicate in statements.scores and measured:
            score, value = float(statements.scores[predicate][i, j]), float(statements.values[predicate][i, j])
            if score < HOLDS:
                refused.append(f"{nodes[i].object.label} {predicate.replace('_', ' ')} {nodes[j].object.label}")
                continue
            source = "both"
        reference = relation.reference if predicate == relation.predicate else _reference(predicate)
        second = ids[2] if rest else 0
        new = Relation(ids[0], predicate, ids[1], value, unit_of(predicate), reference, score, second, source)
        if new.key not in where:
            where[new.key] = len(out)
            out.append(new if np.isfinite(value) else replace(new, unit=""))
    return out, refused


def _reference(predicate: str) -> str:
    return "viewer" if predicate in ("left_of", "right_of", "behind", "in_front_of") else "world"


def _ways_to_say(ids: Sequence[int], predicate: str) -> list[tuple[int, str, int, int]]:
    """Keys of relations that state the same: as said, the other way round, with landmarks swapped."""
    a, b, *rest = ids
    if rest:
        return [(a, predicate, b, rest[0]), (a, predicate, rest[0], b)]
    ways = [(a, predicate, b, 0)]
    if predicate in SYMMETRIC:
        ways.append((b, predicate, a, 0))
    if predicate in INVERSE:
        ways.append((b, INVERSE[predicate], a, 0))
    return ways

"""How true are the graph and the memory: against the simulator, which knows what is where and what moved.

    python -m spatial_llava_ros.evaluation.graph --help

Things come from one of three places, to tell the faults of one step from those of another:
"true" boxes of the simulator, boxes "lifted" from its true masks, or "proposed" from the picture alone.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from spatial_llava_ros.evaluation.lift import box_iou, true_proposals
from spatial_llava_ros.evaluation.proposals import box_overlap
from spatial_llava_ros.geometry import (
    invert_transform,
    matrix_from_quaternion,
    quaternion_from_matrix,
)
from spatial_llava_ros.graph.candidates import Candidates, candidates_in, describe_things, stated_in_world, with_front
from spatial_llava_ros.graph.frame_graph import relate, things_in
from spatial_llava_ros.graph.memory import MemorySettings, SceneMemory
from spatial_llava_ros.graph.pruning import decide
from spatial_llava_ros.graph.spacesgg import read_graph, write_graph
from spatial_llava_ros.graph.statements import judge
from spatial_llava_ros.graph.track import Track
from spatial_llava_ros.lift import lift_all
from spatial_llava_ros.proposals import propose
from spatial_llava_ros.relations import Layout, layout_of
from spatial_llava_ros.sim.camera import SimCamera, camera_path
from spatial_llava_ros.sim.layouts import LAYOUTS, make_scene
from spatial_llava_ros.sim.rendering import render
from spatial_llava_ros.sim.scene import Scene
from spatial_llava_ros.sim.spatial_truth import NO, RELATIONS, YES, SpatialTruth
from spatial_llava_ros.sim.truth import SimFrame, TrueObject
from spatial_llava_ros.types import Object3D, Proposals, SceneGraph, SceneObject

MIN_PIXELS = 150
COUNTABLE_PIXELS = 400  # 20 x 20
COUNTABLE_M = 3.0  # the range that the maker of the simulated camera, a D435, calls ideal
Seen = tuple[list[SceneObject], Layout, list[int]]
"""Nodes in the camera frame, their layout, and the id of the true object of each (0 for none)."""


def true_things(shot: SimFrame, min_pixels: int = MIN_PIXELS) -> Seen:
    """The things of a frame as they are."""
    objects = [o for o in shot.objects if o.pixels >= min_pixels]
    nodes = []
    for item in objects:
        pose = item.camera_from_object(shot.frame.world_from_camera)
        obj = Object3D(
            item.id, item.category, 1.0, item.box_visible, shot.frame.frame_id, pose[:3, 3],
            quaternion_from_matrix(pose[:3, :3]), item.size, np.eye(6) * 1e-6, np.full(3, 1e-3), item.yaw_period,
            item.visible_fraction,
        )  # fmt: skip
        nodes.append(SceneObject(obj, ((item.category, 1.0),), source="model"))
    return nodes, _layout(nodes, shot), [o.id for o in objects]


def lifted_things(shot: SimFrame, min_pixels: int = MIN_PIXELS) -> Seen:
    """The things of a frame, lifted from their true masks; they keep their true names."""
    proposals, objects = true_proposals(shot, min_pixels)
    lifted = lift_all(shot.frame, proposals)
    nodes = describe_things(shot.frame, proposals, [o for o, _ in lifted], [s for _, s in lifted])
    kept = [k for k, node in enumerate(nodes) if node.object.position is not None]
    named = [
        replace(
            nodes[k],
            object=replace(nodes[k].object, label=objects[k].category),
            labels=((objects[k].category, 1.0),),
            source="model",
        )
        for k in kept
    ]
    regions = [proposals.regions[k] for k in kept]
    named = [with_front(node, region, shot.frame) for node, region in zip(named, regions, strict=True)]
    return named, _layout(named, shot), [objects[k].id for k in kept]


def proposed_things(shot: SimFrame) -> Seen:
    """The things of a frame as the whole chain finds them, each with the true object that its mask is half of."""
    proposals = propose(shot.frame)
    nodes, layout = things_in(shot.frame, proposals)
    return nodes, layout, _owners(nodes, proposals, shot)


def _owners(nodes: Sequence[SceneObject], proposals: Proposals, shot: SimFrame) -> list[int]:
    """The true object that the mask of each node is half of (IoU), 0 for none."""
    by_id = {region.id: region for region in proposals.regions}
    owners = []
    for node in nodes:
        region = by_id[node.object.id]
        ids, counts = np.unique(shot.instance[region.slices][region.mask], return_counts=True)
        best = int(ids[counts.argmax()])
        whole = sum(o.pixels for o in shot.objects if o.id == best)
        shared = int(counts.max())
        same = best > 0 and shared > 0.5 * (whole + np.count_nonzero(region.mask) - shared)
        owners.append(best if same else 0)
    return owners


SOURCES: Mapping[str, Callable[[SimFrame], Seen]] = {
    "true": true_things,
    "lifted": lifted_things,
    "proposed": proposed_things,
}


def _layout(nodes: Sequence[SceneObject], shot: SimFrame) -> Layout:
    up = invert_transform(shot.frame.world_from_camera)[:3, 2]
    return layout_of([node.object for node in nodes], up, shot.frame.intrinsics)


@dataclass
class RelationScore:
    """Right, wrong and missing statements; what the truth calls unclear counts as none of them."""

    right: int = 0
    wrong: int = 0
    missing: int = 0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; NaN where nothing was to be said."""
        total = 2 * self.right + self.wrong + self.missing
        return 2 * self.right / total if total else float("nan")


def score_relations(shots: Iterable[SimFrame], source: str) -> dict[str, RelationScore]:
    """Per predicate, every statement that holds by the graph against the truth, over the pairs that were found."""
    scores = {predicate: RelationScore() for predicate in RELATIONS}
    for shot in shots:
        nodes, layout, owners = SOURCES[source](shot)
        truth = SpatialTruth(shot)
        row = {o.id: k for k, o in enumerate(truth.objects)}
        found = [k for k, owner in enumerate(owners) if owner]
        rows = [row[owners[k]] for k in found]
        holds = decide(judge(nodes, layout), [n.object.id for n in nodes])
        for predicate, score in scores.items():
            said = holds[predicate][np.ix_(found, found)]
            known = truth.matrix(predicate)[np.ix_(rows, rows)]
            np.fill_diagonal(said, False)
            score.right += int((said & (known == YES)).sum())
            score.wrong += int((said & (known == NO)).sum())
            score.missing += int((~said & (known == YES)).sum())
    return scores


def total(scores: Mapping[str, RelationScore]) -> RelationScore:
    """All predicates together."""
    return RelationScore(*(sum(getattr(s, name) for s in scores.values()) for name in ("right", "wrong", "missing")))


@dataclass
class MapScore:
    """A memory against the true map.

    An object counts as to be remembered when three frames at least showed it fairly: COUNTABLE_PIXELS or more of it,
    no farther than COUNTABLE_M, more than half of its outline free, and none of it beyond the border of the picture.
    A remembered object is a true one, one to one, if their boxes overlap by a quarter (or their centres are as near as
    a third of its size: `fits`), or if it was seen mostly by that object's pixels (IoU of a half in most frames) and
    has its centre within that object's box: the shade of a lamp whose pole no depth camera sees is that lamp. How far
    it is off is for the errors to say.

    Attributes:
        expected, found: true objects to be remembered, and those of them that are.
        remembered, true: confirmed objects, and those of them that are one true object each.
        errors: metres between centres.
        sightings, switches: of confirmed true objects by frame, and how often their id changed.
        ids: true id -> id in the memory. missed, invented: names, for a person.
    """

    expected: int = 0
    found: int = 0
    remembered: int = 0
    true: int = 0
    errors: list[float] = field(default_factory=list)
    sightings: int = 0
    switches: int = 0
    ids: dict[int, int] = field(default_factory=dict)
    missed: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)

    @property
    def recall(self) -> float:
        """Share of the expected that is remembered."""
        return self.found / max(self.expected, 1)

    @property
    def precision(self) -> float:
        """Share of the remembered that is there."""
        return self.true / max(self.remembered, 1)


def fits(node: SceneObject, item: TrueObject) -> float:
    """How well a remembered box is a true object, 0..1: 3D overlap, or nearness for what is too small to overlap."""
    obj = node.object
    centre = item.position
    overlap = box_iou(
        centre, item.world_from_object[:3, :3], item.size, obj.position, matrix_from_quaternion(obj.orientation),
        np.maximum(obj.size, 0.01),
    )  # fmt: skip
    away = float(np.linalg.norm(obj.position - centre))
    near = max(0.0, 1 - away / (0.02 + 0.35 * float(item.size.max())))
    return max(overlap, near)


def match_map(
    nodes: Sequence[SceneObject], objects: Sequence[TrueObject], seen_as: Mapping[int, Counter[int]] | None = None
) -> list[tuple[int, int]]:
    """Pairs (node, true object), one to one, best first; see `MapScore` for what makes a pair.

    Args:
        seen_as: id of a node -> in how many of its sightings its mask was mostly that true object's (0 for none's).
    """
    score = np.array([[fits(node, item) for item in objects] for node in nodes]).reshape(len(nodes), len(objects))
    for i, node in enumerate(nodes):
        votes = (seen_as or {}).get(node.object.id, Counter())
        for j, item in enumerate(objects):
            share = votes[item.id] / max(votes.total(), 1)
            if share > 0.5 and (score[i, j] >= 0.25 or _holds(item, node.object.position)):
                score[i, j] = 1 + share  # pixels tell an apple from the plate that it lies in
    pairs = []
    while score.size and score.max() >= 0.25:
        i, j = np.unravel_index(int(score.argmax()), score.shape)
        pairs.append((int(i), int(j)))
        score[i, :] = score[:, j] = -1
    return pairs


def _holds(item: TrueObject, point: np.ndarray) -> bool:
    """Whether a point lies within an object's box, give or take 3 cm."""
    local = (point - item.position) @ item.world_from_object[:3, :3]
    return bool((np.abs(local) <= item.size / 2 + 0.03).all())


def to_map(nodes: Sequence[SceneObject], shot: SimFrame) -> list[SceneObject]:
    """Nodes of a frame stated in the world."""
    frame = shot.frame
    return [stated_in_world(node, frame.world_from_camera, frame.world_frame_id) for node in nodes]


def sightings(shot: SimFrame, source: str) -> tuple[Candidates | list[SceneObject], list[int]]:
    """What a memory takes in of a frame, in the world, and the true object of each; see SOURCES."""
    if source != "proposed":
        nodes, _, owners = SOURCES[source](shot)
        return to_map(nodes, shot), owners
    proposals = propose(shot.frame)
    candidates = candidates_in(shot.frame, proposals).stated_in(shot.frame)
    return candidates, _owners(candidates.objects, proposals, shot)


def run_memory(
    shots: Iterable[SimFrame], source: str, memory: SceneMemory | None = None, score: MapScore | None = None
) -> tuple[SceneMemory, MapScore]:
    """Feed frames to a memory and count, at the end, what it holds."""
    memory = memory or SceneMemory(settings=MemorySettings())
    score = score or MapScore()
    shown: Counter[int] = Counter()
    votes: dict[Track, Counter[int]] = {}
    truth: dict[int, TrueObject] = {}
    for shot in shots:
        seen, owners = sightings(shot, source)
        memory.update(shot.frame, seen)
        truth |= {item.id: item for item in shot.objects}
        shown.update(item.id for item in shot.objects if _is_countable(item, shot))
        _vote(votes, memory, seen, owners, shot)
        now = [n for n in memory.objects() if n.last_seen == shot.frame.stamp]
        for i, j in match_map(now, shot.objects, _by_id(votes)):
            number, item = now[i].object.id, shot.objects[j]
            score.sightings += 1
            score.switches += score.ids.get(item.id, number) != number
            score.ids[item.id] = number
    objects = list(truth.values())
    expected = {number for number, count in shown.items() if count >= 3}
    nodes = memory.objects()
    pairs = match_map(nodes, objects, _by_id(votes))
    found = {objects[j].id for _, j in pairs}
    score.expected, score.found = score.expected + len(expected), score.found + len(found & expected)
    score.remembered, score.true = score.remembered + len(nodes), score.true + len(pairs)
    score.errors += [float(np.linalg.norm(nodes[i].object.position - objects[j].position)) for i, j in pairs]
    score.missed += [f"{truth[n].category} {n}" for n in sorted(expected - found)]
    matched = {i for i, _ in pairs}
    score.invented += [f"{n.object.id} {n.object.label}" for i, n in enumerate(nodes) if i not in matched]
    return memory, score


def _vote(
    votes: dict[Track, Counter[int]], memory: SceneMemory, seen: Candidates | Sequence[SceneObject],
    owners: Sequence[int], shot: SimFrame,
) -> None:  # fmt: skip
    """Note for each track of what the sighting was that it took in; a track keeps the box of that sighting."""
    nodes = seen.objects if isinstance(seen, Candidates) else seen
    owner = {node.object.box: number for node, number in zip(nodes, owners, strict=True)}
    for track in memory.tracks.values():
        if track.last_seen == shot.frame.stamp and track.box in owner:
            votes.setdefault(track, Counter())[owner[track.box]] += 1


def _by_id(votes: Mapping[Track, Counter[int]]) -> dict[int, Counter[int]]:
    return {track.id: count for track, count in votes.items()}


def _is_countable(item: TrueObject, shot: SimFrame) -> bool:
    away = np.linalg.norm(item.position - shot.frame.world_from_camera[:3, 3])
    enough = item.pixels >= COUNTABLE_PIXELS and item.visible_fraction > 0.5 and away <= COUNTABLE_M
    return enough and not _at_border(item, shot)


def _at_border(item: TrueObject, shot: SimFrame) -> bool:
    height, width = shot.instance.shape
    x1, y1, x2, y2 = item.box_amodal
    return x1 < 0 or y1 < 0 or x2 > width or y2 > height


def shots_along(
    scene: Scene, poses: Sequence[np.ndarray], camera: SimCamera, start_s: float = 1.0, step_s: float = 0.2
) -> Iterable[SimFrame]:
    """Render a scene from one pose after the other."""
    for k, pose in enumerate(poses):
        yield render(scene, pose, camera, round((start_s + k * step_s) * 1e9))


def without(scene: Scene, number: int) -> Scene:
    """The scene with one object taken away."""
    return replace(scene, objects=tuple(o for o in scene.objects if o.id != number), cache={})


def shifted(scene: Scene, number: int, step: np.ndarray) -> Scene:
    """The scene with one object moved by a step (3,) in the world."""
    motion = np.eye(4)
    motion[:3, 3] = step
    objects = tuple(
        replace(o, world_from_model=motion @ o.world_from_model, world_from_object=motion @ o.world_from_object)
        if o.id == number
        else o
        for o in scene.objects
    )
    return replace(scene, objects=objects, cache={})


Named = tuple[str, tuple[float, float, float, float], str, str, tuple[float, float, float, float]]
"""A triplet of a picture: subject name and box, predicate, object name and box."""


@dataclass(frozen=True)
class TripletRecall:
    """Panoptic scene graph recall (Yang et al. 2022, as ASMv2 counts it).

    Attributes:
        at: K -> share of true triplets among the first K said.
        mean_at: K -> the same, averaged over predicates.
        said, true: how many triplets there are.
    """

    at: dict[int, float]
    mean_at: dict[int, float]
    said: int
    true: int


def triplet_recall(
    frames: Iterable[tuple[Sequence[Named], Sequence[Named]]], at: Sequence[int] = (20, 50, 100)
) -> TripletRecall:
    """Recall of true triplets: names and predicate the same, both boxes with IoU of at least a half.

    Args:
        frames: for each picture what was said, most certain first, and what is true.
    """
    hits = {k: 0 for k in at}
    by_predicate: dict[str, dict[int, int]] = {}
    counts: dict[str, int] = {}
    said_total = true_total = 0
    for said, true in frames:
        said_total, true_total = said_total + len(said), true_total + len(true)
        if said and true:
            subject = box_overlap(np.array([s[1] for s in said]), np.array([t[1] for t in true])) >= 0.5
            other = box_overlap(np.array([s[4] for s in said]), np.array([t[4] for t in true])) >= 0.5
            words = np.array([[(s[0], s[2], s[3]) == (t[0], t[2], t[3]) for t in true] for s in said])
            match = subject & other & words
        else:
            match = np.zeros((len(said), len(true)), bool)
        for column, triplet in enumerate(true):
            counts[triplet[2]] = counts.get(triplet[2], 0) + 1
            for k in at:
                hit = bool(match[:k, column].any())
                hits[k] += hit
                row = by_predicate.setdefault(triplet[2], dict.fromkeys(at, 0))
                row[k] += hit
    mean = {k: float(np.mean([by_predicate[p][k] / counts[p] for p in counts])) if counts else float("nan") for k in at}
    return TripletRecall(
        {k: hits[k] / true_total if true_total else float("nan") for k in at}, mean, said_total, true_total
    )


def text_round_trip(shots: Iterable[SimFrame], source: str) -> TripletRecall:
    """Graphs written as SpaceSGG text and read back, against the graph of the true boxes."""
    frames = []
    for shot in shots:
        graphs = []
        for kind in (source, "true"):
            nodes, layout, owners = SOURCES[kind](shot)
            names = {o.id: o.category for o in shot.objects}
            nodes = [
                replace(n, object=replace(n.object, label=names.get(owner, "thing")))
                for n, owner in zip(nodes, owners, strict=True)
            ]
            relations = sorted(relate(nodes, layout), key=lambda r: -r.score)
            up = invert_transform(shot.frame.world_from_camera)[:3, 2]
            graphs.append(SceneGraph(shot.frame.frame_id, 0, tuple(nodes), tuple(relations), np.eye(4), up))
        shape = shot.frame.depth.shape
        frames.append((named_triplets(read_graph(write_graph(graphs[0], shape), shape)), named_triplets(graphs[1])))
    return triplet_recall(frames)


def named_triplets(graph: SceneGraph) -> list[Named]:
    """The relations of a graph as names, boxes and predicates, in order; "between" gives one for each landmark."""
    node = {n.object.id: (n.object.label, n.object.box) for n in graph.objects}
    return [
        (*node[r.subject], r.predicate, *node[other])
        for r in graph.relations
        for other in (r.object, r.second_object)
        if other
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure relations, text and map on simulated scenes and print one JSON object per layout and source."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--layouts", nargs="+", default=["tabletop", "room"], choices=LAYOUTS)
    parser.add_argument("--sources", nargs="+", default=list(SOURCES), choices=list(SOURCES))
    parser.add_argument("--scenes", type=int, default=3, help="scenes per layout")
    parser.add_argument("--seed", type=int, default=0, help="of the first scene")
    parser.add_argument("--frames", type=int, default=40, help="frames of each camera path, spread over 20 s")
    args = parser.parse_args(argv)
    for layout in args.layouts:
        scenes = [make_scene(layout, seed) for seed in range(args.seed, args.seed + args.scenes)]
        shots = [
            list(shots_along(s, camera_path(s, args.frames), SimCamera(), step_s=20 / args.frames)) for s in scenes
        ]
        some = [shot for path in shots for shot in path[:: max(1, args.frames // 4)]]
        for source in args.sources:
            relations, text, score = score_relations(some, source), text_round_trip(some, source), MapScore()
            for path in shots:
                run_memory(path, source, score=_next_scene(score))
            result = {
                "layout": layout,
                "source": source,
                "relation_f1": round(total(relations).f1, 4),
                "relation_f1_by_predicate": {p: round(s.f1, 3) for p, s in relations.items() if s.right + s.missing},
                "text_recall": {k: round(v, 4) for k, v in text.at.items()},
                "text_mean_recall": {k: round(v, 4) for k, v in text.mean_at.items()},
                "map_recall": round(score.recall, 4),
                "map_precision": round(score.precision, 4),
                "id_switches": round(score.switches / max(score.sightings, 1), 4),
                "position_error_median_m": round(float(np.median(score.errors)), 4) if score.errors else None,
                "missed": score.missed,
                "invented": score.invented,
            }
            print(json.dumps(result), flush=True)
    return 0


def _next_scene(score: MapScore) -> MapScore:
    """The same score, ready for another scene, whose ids are others."""
    score.ids.clear()
    return score


if __name__ == "__main__":
    raise SystemExit(main())

"""From all that holds to what a person would say.

A person relates things to their neighbours, and what lies on another thing through that thing. So: each thing first
to what carries it; then, among things with the same carrier, only pairs in the relative neighbourhood graph (Toussaint
1980: no third thing is nearer to both), which is what is left of "left of" once transitive steps are dropped; and per
pair one direction, one nearness. The smaller thing is told by the larger, never both ways.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from spatial_llava_ros.geometry import matrix_from_quaternion
from spatial_llava_ros.graph.statements import INVERSE, PREDICATES, SYMMETRIC, Statements, reference_of, unit_of
from spatial_llava_ros.relations import Layout, between
from spatial_llava_ros.types import Relation, SceneObject

HOLDS = 0.5
DEAD_BAND = 0.12
"""What was said stays said down to HOLDS - DEAD_BAND; what was denied must reach HOLDS + DEAD_BAND."""

Key = tuple[int, str, int, int]
_DIRECTIONS = ("left_of", "right_of", "behind", "in_front_of")
_STACKED = 0.5  # of the smaller footprint: what shares more ground than that does not stand beside the other
_STRAIGHT = float(np.cos(np.radians(135)))  # beyond an eighth of a turn off the line nobody says between
_NEARNESS = ("next_to", "near", "far_from")
_COMPARISONS = ("taller_than", "shorter_than", "bigger_than", "smaller_than", "wider_than", "narrower_than")


@dataclass(frozen=True)
class Before:
    """What an earlier graph said: the keys of its relations and the ids of its objects."""

    said: Collection[Key] = frozenset()
    ids: Collection[int] = frozenset()

    def thresholds(self, predicate: str, ids: Sequence[int]) -> np.ndarray:
        """(N, N) score from which "i <predicate> j" is said."""
        index = {number: k for k, number in enumerate(ids)}
        known = np.array([number in self.ids for number in ids], bool)
        level = np.where(known[:, None] & known[None, :], HOLDS + DEAD_BAND, HOLDS)
        for subject, said, other, _ in self.said:
            for a, word, b in ((subject, said, other), (other, INVERSE.get(said, said), subject)):
                stated = word == predicate and (word == said or said in INVERSE)
                if stated and (a == subject or said in SYMMETRIC or said in INVERSE) and a in index and b in index:
                    level[index[a], index[b]] = HOLDS - DEAD_BAND
        return level


def decide(statements: Statements, ids: Sequence[int], before: Before | None = None) -> dict[str, np.ndarray]:
    """Predicate -> (N, N) bool: what holds, with the dead band around what an earlier graph said."""
    before = before or Before()
    return {p: statements.scores[p] >= before.thresholds(p, ids) for p in PREDICATES}


def all_relations(statements: Statements, ids: Sequence[int], holds: dict[str, np.ndarray]) -> list[Relation]:
    """Every statement that holds, inverses included."""
    return [
        _relation(statements, ids, predicate, int(i), int(j))
        for predicate in PREDICATES
        for i, j in np.argwhere(holds[predicate])
    ]


def said_relations(
    objects: Sequence[SceneObject], statements: Statements, holds: dict[str, np.ndarray], before: Before | None = None
) -> list[Relation]:
    """What a person would say of the things: a few relations each, most basic first."""
    ids = [node.object.id for node in objects]
    said = {(a, b, c): True for a, b, c, _ in (before or Before()).said}
    carrier, chosen = _support(statements, holds)
    pairs = _neighbours(statements.layout, carrier)
    volume = np.array([0.0 if n.object.size is None else float(np.prod(n.object.size)) for n in objects])
    told = {frozenset((i, j)) for _, i, j in chosen}
    pairs = [pair for pair in pairs if frozenset(pair) not in told]
    stacked = {pair for pair in pairs if _shared_ground(objects, statements.layout, *pair) > _STACKED}
    for i, j in pairs:
        # The larger thing is the landmark; what was said one way round stays so.
        small, large = (i, j) if (volume[i], ids[j]) <= (volume[j], ids[i]) else (j, i)
        if any((ids[large], p, ids[small]) in said for p in (*_DIRECTIONS, *_NEARNESS)):
            small, large = large, small
        for family in (_DIRECTIONS,) if (i, j) in stacked else (_DIRECTIONS, _NEARNESS):
            best = _strongest(statements, holds, family, small, large, said, ids)
            if best:
                chosen.append((best, small, large))
        alike = objects[i].object.label == objects[j].object.label
        if alike and not objects[i].object.label.endswith("thing"):
            best = _strongest(statements, holds, _COMPARISONS, small, large, said, ids)
            if best:
                chosen.append((best, small, large))
        if holds["next_to"][small, large] and (i, j) not in stacked:
            best = _strongest(statements, holds, ("parallel_to", "aligned_with"), small, large, said, ids)
            if best:
                chosen.append((best, small, large))
    relations = [_relation(statements, ids, p, i, j) for p, i, j in chosen]
    beside = [pair for pair in pairs if pair not in stacked]
    return relations + _betweens(statements.layout, ids, beside, before or Before())


def _relation(statements: Statements, ids: Sequence[int], predicate: str, i: int, j: int) -> Relation:
    return Relation(
        ids[i], predicate, ids[j], float(statements.values[predicate][i, j]), unit_of(predicate),
        reference_of(predicate), float(statements.scores[predicate][i, j]),
    )  # fmt: skip


def _support(statements: Statements, holds: dict[str, np.ndarray]) -> tuple[np.ndarray, list[tuple[str, int, int]]]:
    """(N,) index of what each thing rests on or in, -1 for none; and the statements about it."""
    n = len(statements.layout.low)
    carrier, chosen = np.full(n, -1), []
    for i in range(n):
        for predicate in ("inside", "on", "leaning_on", "attached_to"):
            candidates = np.flatnonzero(holds[predicate][i])
            if not candidates.size:
                continue
            j = int(candidates[np.argmax(statements.scores[predicate][i, candidates])])
            if predicate in ("inside", "on"):
                if carrier[i] >= 0:
                    continue
                carrier[i] = j
            chosen.append((predicate, i, j))
        under = np.flatnonzero(holds["under"][i] & ~holds["on"][:, i])
        if under.size:
            chosen.append(("under", i, int(under[np.argmin(statements.layout.high[under, 2])])))
        above = np.flatnonzero(holds["above"][i] & ~holds["under"][:, i])
        # Only the next thing down, and only if nothing carries this one.
        if above.size and carrier[i] < 0:
            j = int(above[np.argmin(statements.values["above"][i, above])])
            chosen.append(("above", i, j))
    return carrier, chosen


def _neighbours(layout: Layout, carrier: np.ndarray) -> list[tuple[int, int]]:
    """Pairs of the relative neighbourhood graph on the floor plan, of things on the same carrier and level."""
    place = layout.centre[:, :2].copy()
    missing = np.isnan(place).any(axis=1)
    place[missing] = np.stack([-layout.bearing.mean(axis=1), layout.elevation[:, 0]], axis=1)[missing]
    distance = np.linalg.norm(place[:, None] - place[None, :], axis=-1)
    with np.errstate(invalid="ignore"):
        rise = np.maximum(layout.low[:, None, 2], layout.low[None, :, 2]) - np.minimum(
            layout.high[:, None, 2], layout.high[None, :, 2]
        )
    peers = (carrier[:, None] == carrier[None, :]) & ~(rise > 0.1) & (missing[:, None] == missing[None, :])
    np.fill_diagonal(peers, False)
    reach = np.where(peers, distance, np.inf)
    pairs = []
    for i, j in np.argwhere(np.triu(peers)):
        if not (np.maximum(reach[i], reach[j]) < distance[i, j] - 1e-9).any():
            pairs.append((int(i), int(j)))
    return pairs


def _shared_ground(objects: Sequence[SceneObject], layout: Layout, i: int, j: int) -> float:
    """Share of the smaller of two footprints that lies within the other's, 0..1; 0 without depth."""
    a, b = objects[i].object, objects[j].object
    if a.position is None or b.position is None or not (layout.low[i, :2] < layout.high[j, :2]).all():
        return 0.0
    if not (layout.low[j, :2] < layout.high[i, :2]).all():
        return 0.0
    sides, way = matrix_from_quaternion(a.orientation)[:, :2], matrix_from_quaternion(b.orientation)[:, 0]
    middle, (x, y) = (b.position - a.position) @ sides, way @ sides
    first = ((0.0, 0.0), tuple(map(float, a.size[:2])), 0.0)
    second = (tuple(map(float, middle)), tuple(map(float, b.size[:2])), float(np.degrees(np.arctan2(y, x))))
    corners = cv2.rotatedRectangleIntersection(first, second)[1]
    if corners is None:
        return 0.0
    smaller = min(float(np.prod(a.size[:2])), float(np.prod(b.size[:2])))
    return cv2.contourArea(cv2.convexHull(corners)) / max(smaller, 1e-9)


def _strongest(
    statements: Statements, holds: dict[str, np.ndarray], family: Sequence[str], i: int, j: int,
    said: dict[tuple[int, str, int], bool], ids: Sequence[int],
) -> str | None:  # fmt: skip
    """The predicate of a family that holds best of i and j; one said before has the dead band in its favour."""
    best, best_score = None, 0.0
    for predicate in family:
        if holds[predicate][i, j]:
            score = statements.scores[predicate][i, j] + DEAD_BAND * ((ids[i], predicate, ids[j]) in said)
            # Nearness goes from close to far: the first that holds says most.
            if best is None or (score > best_score and family is not _NEARNESS):
                best, best_score = predicate, float(score)
    return best


def _betweens(layout: Layout, ids: Sequence[int], pairs: list[tuple[int, int]], before: Before) -> list[Relation]:
    """For each thing the two neighbours that it stands most clearly between, if any."""
    near: dict[int, list[int]] = {}
    for i, j in pairs:
        near.setdefault(i, []).append(j)
        near.setdefault(j, []).append(i)
    relations = []
    for i, around in sorted(near.items()):
        if len(around) < 2:
            continue
        members = [i, *sorted(around)]
        part = Layout(*(getattr(layout, name)[members] for name in ("low", "high", "bearing", "elevation")))
        scores = np.triu(between(part)[0])
        j, k = np.unravel_index(int(scores.argmax()), scores.shape)
        first, second = sorted((members[j], members[k]), key=lambda m: ids[m])
        key = (ids[i], "between", ids[first], ids[second])
        level = HOLDS - DEAD_BAND if key in before.said else HOLDS + DEAD_BAND
        if scores[j, k] < level:
            continue
        a, b, p = (layout.centre[m, :2] for m in (first, second, i))
        way = b - a
        bend = float((a - p) @ (b - p)) / max(float(np.linalg.norm(a - p) * np.linalg.norm(b - p)), 1e-9)
        if bend > _STRAIGHT:
            continue
        off = float(abs(way[0] * (p - a)[1] - way[1] * (p - a)[0]) / max(np.linalg.norm(way), 1e-9))
        relations.append(
            Relation(ids[i], "between", ids[first], off, "m", "world", float(scores[j, k]), second_object=ids[second])
        )
    return relations

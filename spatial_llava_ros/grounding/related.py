"""How well each region stands in a stated relation to whatever landmark suits best."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spatial_llava_ros.comparisons import COMPARISONS, larger
from spatial_llava_ros.grounding import nouns
from spatial_llava_ros.grounding.features import Features
from spatial_llava_ros.grounding.fit import Fit
from spatial_llava_ros.grounding.ranking import exceeds, rank_probability
from spatial_llava_ros.language.expression import NounPhrase, Relation
from spatial_llava_ros.relations import between, gaps, pairwise


def relation_fit(
    relation: Relation, landmarks: Sequence[Fit], features: Features
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each of N regions: how well it stands so, its landmark, and the (N, k) landmarks, -1 for a surface.

    Args:
        relation: one that geometry can decide, with at least one landmark.
        landmarks: the fit of each of its landmarks.
    """
    if relation.predicate == "between":
        return _between_fit(landmarks, features)
    n = len(features.regions)
    part, there, chosen = np.ones(n), np.ones(n), np.zeros((n, 0), int)
    for phrase, landmark in zip(relation.landmarks, landmarks, strict=True):
        one, is_there, index = _related_fit(relation, phrase, landmark, features)
        part, there = part * one, there * is_there
        chosen = np.concatenate([chosen, index], axis=1)
    return part, there, chosen


def _related_fit(
    relation: Relation, phrase: NounPhrase, landmark: Fit, features: Features
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if relation.predicate in COMPARISONS:
        holds = larger(relation.predicate, features.objects)
    else:
        holds = pairwise(relation.predicate, features.layout)
    if relation.predicate != "inside":
        holds = holds * ~features.same
    if relation.adjacent:
        reach = 0.05 + 0.5 * features.layout.half[None, :, :2].max(axis=2)
        holds = holds * np.nan_to_num(np.exp(-gaps(features.layout) / reach), nan=0.3)
    relative = landmark.relative()
    links = holds * relative[None, :]
    rows = np.arange(len(links))
    if phrase.count != 1 and len(links):  # "the two mugs": it must stand so to each of them, whichever they are
        members = landmark.members(features.same)
        many = min(phrase.count or max(int((members > 0.5).sum()), 1), len(links))
        likely = np.where(features.same, -1, np.where(members > 0.1, relative, 0)[None, :])
        group = np.argsort(-likely, axis=1, kind="stable")[:, :many]
        return (
            links[rows[:, None], group].prod(axis=1),
            landmark.chance[group].min(axis=1),
            group,
        )
    best = links.argmax(axis=1) if links.size else np.zeros(len(links), int)
    part = links[rows, best]
    there = np.full(len(links), landmark.chance.max(initial=0))
    surface = _surface_fit(relation, phrase, features)
    if surface is not None:
        better = surface > part
        part, there = np.where(better, surface, part), np.where(better, 1, there)
        best = np.where(better, -1, best)
    return part, there, best[:, None]


def extreme_fit(
    relation: Relation, landmark: Fit, member: np.ndarray, features: Features
) -> tuple[np.ndarray, np.ndarray]:
    """ "closest to the lamp", "farthest from it": for each region how likely it is the one, and its (N, 1) landmark.

    Args:
        member: (N,) probability that a region belongs to the set that is compared.
    """
    layout, n = features.layout, len(features.regions)
    if not n:
        return np.zeros(0), np.zeros((0, 1), int)
    best = int(landmark.chance.argmax())
    centre = layout.centre[:, :2]
    # The free gap is what people go by; between things that touch it, how far their middles are.
    distance = gaps(layout)[:, best] + 0.1 * np.linalg.norm(centre - centre[best], axis=1)
    across = layout.bearing.mean(axis=1)
    distance = np.where(np.isnan(distance), np.abs(across - across[best]), distance)
    sign = 1 if relation.predicate == "far_from" else -1
    candidates = member * ~features.same[best]
    more = exceeds(sign * distance, 0.05 * distance.mean() + 0.01)
    part = rank_probability(more, candidates, features.same, 1) * ~features.same[best]
    return part, np.full((n, 1), best)


def _surface_fit(relation: Relation, phrase: NounPhrase, features: Features) -> np.ndarray | None:
    """ "on the table" where the table is a plane under the things and no region: (N,), or None if not said so."""
    bare = not (phrase.attributes or phrase.relations or phrase.ordinals)
    if not (bare and phrase.noun in nouns.SURFACES and relation.predicate in ("on", "above", "at_edge_of", "near")):
        return None
    planes, reach = features.proposals.planes, _reach(features)
    on = np.full(len(features.regions), 0.75)
    for i, region in enumerate(features.regions):
        if region.valid_depth < 0.1:
            on[i] = 0.6 if phrase.noun == "wall" or _could_stand(i, features, reach) else 0.1
        elif region.plane is not None:
            on[i] = 0.95 if planes[region.plane].horizontal == (phrase.noun != "wall") else 0.3
        elif phrase.noun == "wall":
            on[i] = 0.4
    return on


def _reach(features: Features) -> dict[int, float]:
    """How far away what stands on each level plane is at most, metres along the view, by index of the plane."""
    reach: dict[int, float] = {}
    for thing, region in zip(features.objects, features.regions, strict=True):
        k = region.plane
        if k is not None and thing.position is not None and features.proposals.planes[k].horizontal:
            reach[k] = max(reach.get(k, -np.inf), thing.position[2])
    return reach


def _could_stand(i: int, features: Features, reach: dict[int, float]) -> bool:
    """Whether the foot of a thing without depth lies where other things stand: on their plane, and not far beyond."""
    bearing, elevation = features.layout.bearing[i].mean(), features.layout.elevation[i, 0]
    ray = np.array([-np.tan(bearing), -np.tan(elevation), 1.0])
    for k, farthest in reach.items():
        plane = features.proposals.planes[k]
        towards = -plane.normal @ ray
        if towards > 0 and plane.offset / towards < 1.2 * farthest:
            return True
    return False


def _between_fit(landmarks: Sequence[Fit], features: Features) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    first, second = landmarks[0], landmarks[-1]
    holds = between(features.layout)
    apart = ~features.same
    holds = holds * apart[:, :, None] * apart[:, None, :] * apart[None, :, :]
    links = holds * first.relative()[None, :, None] * second.relative()[None, None, :]
    n = len(links)
    flat = links.reshape(n, -1)
    best = flat.argmax(axis=1) if flat.size else np.zeros(n, int)
    j, k = np.divmod(best, max(n, 1))
    rows = np.arange(n)
    there = np.full(n, first.chance.max(initial=0) * second.chance.max(initial=0))
    return flat[rows, best], there, np.stack([j, k], axis=1)

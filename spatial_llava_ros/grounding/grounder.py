"""Geometry mode: which region an expression means, from colour, size, shape and place alone; no model, no GPU.

Every part of a phrase (noun, each attribute, each relation) gives every region a probability that a person would say it
of that region. Their product ranks the regions; their weakest part says whether the best one fits at all, so that
"the blue mug" is absent when the only mug is red. Superlatives rank what fits the rest. Found, ambiguous and not found
follow from the two numbers ACCEPT and RIVAL, chosen on simulated scenes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from spatial_llava_ros.grounding import colour, nouns
from spatial_llava_ros.grounding.features import Features
from spatial_llava_ros.grounding.ranking import more_extreme, rank_probability
from spatial_llava_ros.language.expression import Attribute, NounPhrase, ReferringExpression, Relation
from spatial_llava_ros.language.vocabulary import basic_color
from spatial_llava_ros.relations import DECIDABLE, between, gaps, pairwise
from spatial_llava_ros.types import Grounding, Status

ACCEPT = 0.45  # a thing is meant only if its weakest part is at least this likely
RIVAL = 0.65  # a second thing this likely, relative to the best, makes the expression ambiguous

_POSITION_KEYS = {"left": "left", "right": "right", "middle": "middle", "front": "near", "back": "far"} | {
    "top": "high",
    "bottom": "low",
}
_SIZE_KEYS = {
    "big": "big", "large": "big", "huge": "big", "small": "small", "tiny": "small", "little": "small",
    "tall": "tall", "high": "tall", "short": "short", "low": "short", "long": "long", "wide": "wide",
    "thick": "wide", "narrow": "narrow", "thin": "thin",
}  # fmt: skip
_SHAPE_KINDS = {
    "round": ("sphere", "cylinder", "bowl"), "spherical": ("sphere",), "cylindrical": ("cylinder",),
    "square": ("box",), "rectangular": ("box", "flat"), "box": ("box",), "oval": ("sphere", "cylinder"),
}  # fmt: skip


@dataclass(eq=False)
class Fit:
    """How well each of N regions suits a phrase.

    Attributes:
        product: (N,) ranks the regions.
        weakest: (N,) the least likely part of each.
        landmarks: for each relation of the phrase, (N, k) index of the landmarks that explain it, -1 for a surface.
        unchecked: words that geometry could not judge.
    """

    product: np.ndarray
    weakest: np.ndarray
    landmarks: list[tuple[Relation, np.ndarray]] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)

    def require(self, part: np.ndarray) -> None:
        """Multiply in one more part, (N,) probabilities."""
        self.product = self.product * part
        self.weakest = np.minimum(self.weakest, part)


def distinct(product: np.ndarray, same: np.ndarray) -> np.ndarray:
    """(N,) bool: the best of every group of regions that claim the same pixels (greedy, best first)."""
    keep = np.zeros(len(product), bool)
    taken = np.zeros(len(product), bool)
    for i in np.argsort(-product, kind="stable"):
        if not taken[i]:
            keep[i] = True
            taken |= same[i]
    return keep


def membership(fit: Fit, same: np.ndarray) -> np.ndarray:
    """(N,) probability that each region belongs to the set a phrase names; regions that repeat a better one get 0."""
    if not len(fit.product):
        return fit.product
    relative = fit.product / max(fit.product.max(), 1e-9)
    return distinct(fit.product, same) / (1 + np.exp(-15 * (relative - 0.5)))


def fit_phrase(phrase: NounPhrase, features: Features) -> Fit:
    """Score every region on a phrase, its landmarks first, its superlatives last."""
    n = len(features.regions)
    fit = Fit(features.whole.copy(), np.ones(n))
    fit.unchecked.extend(phrase.unknown)

    if phrase.noun not in nouns.GENERIC:
        if nouns.knows(phrase.noun):
            # What a thing is called cannot be seen from its size: the noun ranks, and vetoes only the absurd.
            suits = nouns.noun_fit(phrase.noun, features.size, features.kinds)
            fit.product = fit.product * suits
            fit.weakest = np.minimum(fit.weakest, np.sqrt(suits))
        elif phrase.noun not in fit.unchecked and phrase.noun not in nouns.SURFACES:
            fit.unchecked.append(phrase.noun)
    relative_attributes = []
    for attribute in phrase.attributes:
        part = _absolute_fit(attribute, features)
        if part is not None:
            fit.require(1 - part if attribute.negated else part)
        elif attribute.value in _SIZE_KEYS or attribute.value in _POSITION_KEYS:
            relative_attributes.append(attribute)
        else:
            fit.unchecked.append(attribute.value)
    for relation in phrase.relations:
        _require_relation(fit, relation, features)
    for attribute in relative_attributes:
        _require_comparison(fit, attribute, features)
    for ordinal in phrase.ordinals:
        member = membership(fit, features.same)
        more = more_extreme(ordinal.key, features, member)
        fit.product = fit.product * np.maximum(rank_probability(more, member, features.same, ordinal.rank), 1e-4)
    return fit


def _absolute_fit(attribute: Attribute, features: Features) -> np.ndarray | None:
    """(N,) probability of an attribute that needs no comparison; None for the others."""
    if attribute.kind == "color":
        word = attribute.value if colour.knows(attribute.value) else basic_color(attribute.value)
        return colour.colour_fit(word, features.colours) if word else None
    if attribute.kind == "shape" and attribute.value in _SHAPE_KINDS:
        best = np.max([features.kinds[kind] for kind in _SHAPE_KINDS[attribute.value]], axis=0)
        return np.nan_to_num(0.1 + 0.9 * best, nan=0.4)
    if attribute.kind == "shape" and attribute.value == "flat":
        thin, middle = np.sort(features.size, axis=1)[:, :2].T
        return np.nan_to_num(1 / (1 + np.exp(10 * (thin / middle - 0.4))), nan=0.4)
    return None


def _require_comparison(fit: Fit, attribute: Attribute, features: Features) -> None:
    """ "big", "tall", "on the right": more so than most of the other things that fit the rest."""
    key = (_SIZE_KEYS | _POSITION_KEYS)[attribute.value]
    member = membership(fit, features.same)
    more = more_extreme(key, features, member)
    if attribute.kind == "position":
        part = rank_probability(more, member, features.same, 1)
        fit.product = fit.product * (0.02 + 0.98 * (1 - part if attribute.negated else part))
        return
    rivals = member[:, None] * ~features.same
    beaten = (((1 - more) * rivals).sum(axis=0) + 0.5) / (rivals.sum(axis=0) + 1)
    most = rank_probability(more, member, features.same, 1)
    part = 0.05 + 0.95 * (beaten + most) / 2
    fit.product = fit.product * (1.05 - part if attribute.negated else part)


def _require_relation(fit: Fit, relation: Relation, features: Features) -> None:
    if relation.predicate not in DECIDABLE or not relation.landmarks:
        fit.unchecked.append(relation.predicate.replace("_", " "))
        return
    n = len(features.regions)
    landmarks = [fit_phrase(phrase, features) for phrase in relation.landmarks]
    for landmark in landmarks:
        fit.unchecked.extend(landmark.unchecked)
    if relation.predicate == "between":
        part, weakest, chosen = _between_fit(landmarks, features)
    else:
        part, weakest, chosen = np.ones(n), np.ones(n), np.zeros((n, 0), int)
        for phrase, landmark in zip(relation.landmarks, landmarks, strict=True):
            one, weak, index = _related_fit(relation, phrase, landmark, features)
            part, weakest = part * one, np.minimum(weakest, weak)
            chosen = np.concatenate([chosen, index], axis=1)
    if relation.negated:
        part, weakest = 1 - part, 1 - part
    fit.product = fit.product * part
    # Boxes are half hidden, so a relation that holds poorly is no proof of absence: it counts by its root.
    fit.weakest = np.minimum(fit.weakest, np.sqrt(weakest))
    fit.landmarks.append((relation, chosen))


def _related_fit(
    relation: Relation, phrase: NounPhrase, landmark: Fit, features: Features
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each region: how well it stands so to the best landmark, the weakest link, and which (N, k) that is."""
    holds = pairwise(relation.predicate, features.layout)
    if relation.predicate != "inside":
        holds = holds * ~features.same
    if relation.adjacent:
        reach = 0.05 + 0.5 * features.layout.half[None, :, :2].max(axis=2)
        holds = holds * np.nan_to_num(np.exp(-gaps(features.layout) / reach), nan=0.3)
    relative = landmark.product / max(landmark.product.max(initial=0), 1e-9)
    links = holds * relative[None, :]
    rows = np.arange(len(links))
    if phrase.count != 1 and len(links):  # "the two mugs": it must stand so to each of them, whichever they are
        members = membership(landmark, features.same)
        many = min(phrase.count or max(int((members > 0.5).sum()), 1), len(links))
        likely = np.where(features.same, -1, np.where(members > 0.1, relative, 0)[None, :])
        group = np.argsort(-likely, axis=1, kind="stable")[:, :many]
        return (
            links[rows[:, None], group].prod(axis=1),
            np.minimum(holds[rows[:, None], group].min(axis=1), landmark.weakest[group].min(axis=1)),
            group,
        )
    best = links.argmax(axis=1) if links.size else np.zeros(len(links), int)
    part = links[rows, best]
    weakest = np.minimum(holds[rows, best], landmark.weakest[best])
    surface = _surface_fit(relation, phrase, features)
    if surface is not None:
        better = surface > part
        part, weakest = np.where(better, surface, part), np.where(better, surface, weakest)
        best = np.where(better, -1, best)
    return part, weakest, best[:, None]


def _surface_fit(relation: Relation, phrase: NounPhrase, features: Features) -> np.ndarray | None:
    """ "on the table" where the table is a plane under the things and no region: (N,), or None if not said so."""
    bare = not (phrase.attributes or phrase.relations or phrase.ordinals)
    if not (bare and phrase.noun in nouns.SURFACES and relation.predicate in ("on", "above", "at_edge_of", "near")):
        return None
    planes = features.proposals.planes
    on = np.full(len(features.regions), 0.75)
    for i, region in enumerate(features.regions):
        if region.valid_depth < 0.1:
            on[i] = 0.4
        elif region.plane is not None:
            on[i] = 0.95 if planes[region.plane].horizontal == (phrase.noun != "wall") else 0.3
        elif phrase.noun == "wall":
            on[i] = 0.4
    return on


def _between_fit(landmarks: list[Fit], features: Features) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    first, second = landmarks[0], landmarks[-1]
    holds = between(features.layout)
    apart = ~features.same
    holds = holds * apart[:, :, None] * apart[:, None, :] * apart[None, :, :]
    a = first.product / max(first.product.max(initial=0), 1e-9)
    b = second.product / max(second.product.max(initial=0), 1e-9)
    links = holds * a[None, :, None] * b[None, None, :]
    n = len(links)
    flat = links.reshape(n, -1)
    best = flat.argmax(axis=1) if flat.size else np.zeros(n, int)
    j, k = np.divmod(best, max(n, 1))
    rows = np.arange(n)
    weakest = np.minimum(holds[rows, j, k], np.minimum(first.weakest[j], second.weakest[k]))
    return flat[rows, best], weakest, np.stack([j, k], axis=1)


def ground(expression: ReferringExpression, features: Features) -> tuple[Grounding, list[tuple[Relation, list[int]]]]:
    """Which region an expression means.

    Returns:
        The distribution, and the relations of the chosen region with the landmarks (indices into the regions) that
        they were judged on, for `verify`.
    """
    groundings = [_ground_one(phrase, features) for phrase in expression.targets]
    if len(groundings) == 1:
        return groundings[0]
    chosen = tuple(dict.fromkeys(i for grounding, _ in groundings for i in grounding.chosen))
    failed = [grounding for grounding, _ in groundings if grounding.status is not Status.FOUND]
    parts = [grounding for grounding, _ in groundings]
    joint = Grounding(
        status=failed[0].status if failed else Status.FOUND,
        scores=np.mean([part.scores for part in parts], axis=0),
        none=float(np.mean([part.none for part in parts])),
        chosen=chosen,
        explanation="; ".join(part.explanation for part in parts if part.explanation),
    )
    return joint, [relation for _, relations in groundings for relation in relations]


def _ground_one(phrase: NounPhrase, features: Features) -> tuple[Grounding, list[tuple[Relation, list[int]]]]:
    n = len(features.regions)
    if n == 0:
        return Grounding(Status.NOT_FOUND, np.zeros(0), 1.0, (), "nothing stands out in this picture"), []
    fit = fit_phrase(phrase, features)
    heads = distinct(fit.product, features.same)
    # "The" presupposes that one thing fits and the others do not: odds, so that 0.9 beats 0.6 by far more than 3 to 2.
    likely = np.minimum(fit.product, 0.95)
    weight = likely / (1 - likely) * heads
    accept = 1 / (1 + np.exp(-15 * (fit.weakest - ACCEPT)))
    best = int(weight.argmax())
    none = float(1 - accept[best])
    total = weight.sum()
    scores = (1 - none) * weight / total if total > 0 else np.zeros(n)

    fitting = [int(i) for i in np.argsort(-weight) if heads[i] and fit.weakest[i] >= ACCEPT]
    fitting = [i for i in fitting if weight[i] >= RIVAL * weight[best]]
    explanation = ""
    if fit.unchecked:
        explanation = "cannot be judged without a model: " + ", ".join(dict.fromkeys(fit.unchecked))
    if best not in fitting:
        status, chosen = Status.NOT_FOUND, ()
    elif phrase.count == 1:
        status, chosen = (Status.FOUND, (best,)) if len(fitting) == 1 else (Status.AMBIGUOUS, tuple(fitting))
    elif phrase.count == 0 or len(fitting) == phrase.count:
        status, chosen = Status.FOUND, tuple(fitting)
    else:
        status, chosen = Status.AMBIGUOUS, tuple(fitting)
        explanation = f"asked for {phrase.count}, {len(fitting)} fit" + (f"; {explanation}" if explanation else "")
    relations = [(relation, [int(j) for j in index[best] if j >= 0]) for relation, index in fit.landmarks if chosen]
    return Grounding(status, scores, none, chosen, explanation), relations

"""Geometry mode: which region an expression means, from colour, size, shape and place alone; no model, no GPU.

Every part of a phrase (noun, each attribute, each relation) gives every region a probability that a person would say it
of that region (`fit`). Superlatives rank what fits the rest (`ranking`). Whether one thing is meant, several or none
follows from both (`decision`).
"""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.comparisons import COMPARISONS
from spatial_llava_ros.grounding import nouns
from spatial_llava_ros.grounding.attributes import absolute_fit, is_relative, require_comparison
from spatial_llava_ros.grounding.decision import decide
from spatial_llava_ros.grounding.features import Features
from spatial_llava_ros.grounding.fit import Fit
from spatial_llava_ros.grounding.ranking import more_extreme, rank_probability
from spatial_llava_ros.grounding.related import extreme_fit, relation_fit
from spatial_llava_ros.grounding.weights import PARTS
from spatial_llava_ros.language.expression import NounPhrase, ReferringExpression, Relation
from spatial_llava_ros.relations import DECIDABLE
from spatial_llava_ros.types import Grounding, Status


def fit_phrase(phrase: NounPhrase, features: Features) -> Fit:
    """Score every region on a phrase, its landmarks first, its superlatives last."""
    fit = Fit.blank(features)
    fit.unchecked.extend(phrase.unknown)
    if phrase.noun not in nouns.GENERIC:
        if nouns.knows(phrase.noun):
            fit.require("noun", nouns.noun_fit(phrase.noun, features.size, features.kinds, features.likely))
        elif phrase.noun not in nouns.SURFACES:
            part = nouns.likened_fit(phrase.noun, features.size, features.kinds, features.likely)
            if part is not None:
                fit.words = fit.words * part ** PARTS["noun"]  # it may rank, but refutes nobody
            if phrase.noun not in fit.unchecked:
                fit.unchecked.append(phrase.noun)
    fit.singled_out = _singles_out(phrase)
    compared = []
    for attribute in phrase.attributes:
        part = absolute_fit(attribute, features)
        if part is not None:
            fit.require("colour" if attribute.kind == "color" else "shape", 1 - part if attribute.negated else part)
        elif is_relative(attribute):
            compared.append(attribute)
        else:
            fit.unchecked.append(attribute.value)
    for relation in sorted(phrase.relations, key=lambda r: r.extreme):
        _require_relation(fit, relation, features)
    # "the big box on the right" is the rightmost of the big ones
    for attribute in sorted(compared, key=lambda a: a.kind == "position"):
        require_comparison(fit, attribute, features)
    for ordinal in phrase.ordinals:
        member = fit.members(features.same)
        more = more_extreme(ordinal.key, features, member)
        rank = rank_probability(more, member, features.same, ordinal.rank)
        fit.require("rank", 1 - rank if ordinal.negated else rank)
        fit.ranked |= not ordinal.negated
    return fit


def _singles_out(phrase: NounPhrase) -> bool:
    compared = any(is_relative(attribute) for attribute in phrase.attributes)
    marks = (landmark.noun for relation in phrase.relations for landmark in relation.landmarks)
    return compared or any(mark not in nouns.SURFACES for mark in marks)


def _require_relation(fit: Fit, relation: Relation, features: Features) -> None:
    if relation.predicate not in (*DECIDABLE, *COMPARISONS) or not relation.landmarks:
        fit.unchecked.append(relation.predicate.replace("_", " "))
        return
    landmarks = [fit_phrase(phrase, features) for phrase in relation.landmarks]
    for landmark in landmarks:
        fit.unchecked.extend(landmark.unchecked)
    if relation.extreme and relation.predicate in ("near", "far_from", "next_to"):
        part, chosen = extreme_fit(relation, landmarks[0], fit.members(features.same), features)
        fit.require("rank", part)
        fit.ranked = True
        fit.landmarks.append((relation, chosen))
        return
    part, there, chosen = relation_fit(relation, landmarks, features)
    if relation.negated:
        part = 1 - part
    fit.require("relation", part)
    fit.require("landmark", there)
    fit.landmarks.append((relation, chosen))


def ground(expression: ReferringExpression, features: Features) -> tuple[Grounding, list[tuple[Relation, list[int]]]]:
    """Which region an expression means.

    Returns:
        The distribution, and the relations of the chosen region with the landmarks (indices into the regions) that
        they were judged on, for `verify`.
    """
    answers = [_ground_one(phrase, features) for phrase in expression.targets]
    if len(answers) == 1:
        return answers[0]
    parts = [grounding for grounding, _ in answers]
    failed = [part for part in parts if part.status is not Status.FOUND]
    joint = Grounding(
        status=failed[0].status if failed else Status.FOUND,
        scores=np.mean([part.scores for part in parts], axis=0),
        none=float(np.mean([part.none for part in parts])),
        chosen=tuple(dict.fromkeys(i for part in parts for i in part.chosen)),
        explanation="; ".join(part.explanation for part in parts if part.explanation),
    )
    return joint, [relation for _, relations in answers for relation in relations]


def check(
    expression: ReferringExpression, features: Features, target: int
) -> tuple[float, list[tuple[Relation, list[int]]]]:
    """What geometry makes of somebody else's choice.

    Args:
        target: index of the region that is said to be meant.

    Returns:
        How well the region suits the words that geometry can judge, 0..1, by the weakest of them (of several things
        asked for, the one it suits best); and its relations with their landmarks, for `verify`.
    """
    best, chosen = -1.0, None
    for phrase in expression.targets:
        fit = fit_phrase(phrase, features)
        suits = float(np.sqrt(max(fit.weakest[target], 0)))  # half hidden, what is right may look as good as wrong
        if fit.ranked:
            suits = min(suits, float(np.sqrt(fit.words[target] / max(fit.words.max(), 1e-9))))
        if suits > best:
            best, chosen = suits, fit
    return best, [(relation, [int(j) for j in index[target] if j >= 0]) for relation, index in chosen.landmarks]


def _ground_one(phrase: NounPhrase, features: Features) -> tuple[Grounding, list[tuple[Relation, list[int]]]]:
    if not features.regions:
        return Grounding(Status.NOT_FOUND, np.zeros(0), 1.0, (), "nothing stands out in this picture"), []
    fit = fit_phrase(phrase, features)
    grounding = decide(fit, phrase.count, features.same)
    if not grounding.chosen:
        return grounding, []
    best = grounding.chosen[0]
    return grounding, [(relation, [int(j) for j in index[best] if j >= 0]) for relation, index in fit.landmarks]

"""Say in numbers whether the stated relations hold between the things that were chosen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spatial_llava_ros.comparisons import COMPARISONS, larger, ratios
from spatial_llava_ros.language.expression import Relation
from spatial_llava_ros.relations import Layout, between, evidence, pairwise
from spatial_llava_ros.types import Object3D

HOLDS = 0.5
_DIRECTIONS = ("left_of", "right_of", "behind", "in_front_of", "above", "below")


def verify(
    target: int, relations: Sequence[tuple[Relation, Sequence[int]]], objects: Sequence[Object3D], layout: Layout
) -> tuple[float, str]:
    """Check each relation of a target against the lifted boxes.

    Args:
        target: index of the chosen object.
        relations: each relation with the indices of its landmarks.
        layout: of `objects`.

    Returns:
        How well the worst relation holds, 0..1 (1 without relations), and the evidence in words.
    """
    worst, words = 1.0, []
    for relation, landmarks in relations:
        if not landmarks:
            continue
        name = relation.predicate.replace("_", " ")
        nouns = [phrase.noun for phrase in relation.landmarks]
        named = " and ".join(f"{nouns[min(k, len(nouns) - 1)]} #{objects[j].id}" for k, j in enumerate(landmarks))
        if relation.predicate == "between":
            holds = float(between(layout)[target, landmarks[0], landmarks[-1]])
            measured = ""
        elif relation.predicate in COMPARISONS:
            holds = float(min(larger(relation.predicate, objects)[target, j] for j in landmarks))
            step = ratios(relation.predicate, objects)[0][target, landmarks[0]]
            measured = "" if np.isnan(step) else f" ({np.exp(abs(step)):.2f} times)"
        else:
            scores = pairwise(relation.predicate, layout)
            holds = float(min(scores[target, j] for j in landmarks))
            value = evidence(relation.predicate, layout, target, landmarks[0])
            how = "by" if relation.predicate in _DIRECTIONS else "gap"
            measured = "" if np.isnan(value) else f" ({how} {round(value, 2) + 0.0:.2f} m)"
        if relation.negated:
            holds = 1 - holds
            name = f"not {name}"
        worst = min(worst, holds)
        words.append(f"{name} {named}{measured}" + ("" if holds >= HOLDS else " (doubtful)"))
    return worst, ", ".join(words)

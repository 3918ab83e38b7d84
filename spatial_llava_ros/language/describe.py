"""What was understood, in plain English."""

from __future__ import annotations

from spatial_llava_ros.language.expression import NounPhrase, Ordinal, ReferringExpression, Relation
from spatial_llava_ros.language.phrases import RANKS
from spatial_llava_ros.language.vocabulary import plural

_PREDICATES = {
    "left_of": "left of",
    "right_of": "right of",
    "at_edge_of": "at the edge of",
    "far_from": "far from",
}
_ENDS = {"left": "left", "right": "right", "high": "top", "low": "bottom"}  # ordinals that count from an end
_SUPERLATIVES = {
    "left": "leftmost", "right": "rightmost", "near": "nearest", "far": "farthest", "high": "highest", "low": "lowest",
    "tall": "tallest", "short": "shortest", "big": "biggest", "small": "smallest", "wide": "widest",
    "narrow": "narrowest", "long": "longest", "thin": "thinnest", "middle": "the middle one",
}  # fmt: skip


def describe(expression: ReferringExpression | NounPhrase) -> str:
    """ "mug, red, left of (laptop)": the noun, then all that must hold for it; brackets show what belongs together."""
    if isinstance(expression, ReferringExpression):
        return " and ".join(describe(target) for target in expression.targets)
    phrase = expression
    if phrase.count == 0:
        name = "all " + plural(phrase.noun)
    elif phrase.count > 1:
        name = f"{phrase.count} {plural(phrase.noun)}"
    else:
        name = phrase.noun
    parts = ["other " + name if phrase.other else name]
    for attribute in phrase.attributes:
        value = f"on the {attribute.value}" if attribute.kind == "position" else attribute.value
        if attribute.kind == "position" and attribute.value in ("middle", "front", "back"):
            value = f"in the {attribute.value}"
        parts.append(f"not {value}" if attribute.negated else value)
    parts.extend(_ordinal(o) for o in phrase.ordinals)
    parts.extend(_relation(r) for r in phrase.relations)
    words = [word for word in phrase.unknown if word != phrase.noun]
    if words:
        parts.append(f'"{" ".join(words)}"')
    return ", ".join(parts)


def _ordinal(ordinal: Ordinal) -> str:
    text = _SUPERLATIVES[ordinal.key]
    if ordinal.rank > 1:
        rank = RANKS[ordinal.rank - 1] if ordinal.rank <= len(RANKS) else f"{ordinal.rank}th"
        text = f"{rank} from the {_ENDS[ordinal.key]}" if ordinal.key in _ENDS else f"{rank} {text}"
    text = text if ordinal.among is None else f"{text} of {ordinal.among}"
    return f"not {text}" if ordinal.negated else text


def _relation(relation: Relation) -> str:
    words = _PREDICATES.get(relation.predicate, relation.predicate.replace("_", " "))
    if relation.extreme:
        words = "nearest to" if relation.predicate == "near" else "farthest from"
    if relation.adjacent:
        words = "directly " + words
    if relation.negated:
        words = "not " + words
    return f"{words} ({' and '.join(describe(landmark) for landmark in relation.landmarks)})"

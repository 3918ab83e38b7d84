"""Things and relations in words, as pictures, pages and recordings write them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from spatial_llava_ros.types import Relation, SceneObject

_NOT_LOOKS = frozenset({"tall", "leaning", "mounted"})
KINDS = ("support", "viewer", "world")
"""Kinds of relations, the weightiest first."""
_CARRYING = frozenset({"on", "inside", "under", "above", "below", "leaning_on", "attached_to"})


def name_of(node: SceneObject) -> str:
    """What to call a thing in few words: "red mug", "red round" for a round thing of no known kind, "red thing"."""
    label = node.object.label
    looks = next((a for a in node.attributes if not a.endswith("thing") and a not in _NOT_LOOKS), "")
    name = f"{looks} {label}" if looks and looks not in label else label
    return name if label == "thing" else name.removesuffix(" thing")


def numbered(node: SceneObject) -> str:
    """The name with the id before it: "3 red mug"."""
    return f"{node.object.id} {name_of(node)}"


def statement(relation: Relation, names: Mapping[int, str]) -> str:
    """A relation as a line: "3 red mug left of 7 box".

    Args:
        names: of things by id; one that is not there is called by its id.
    """
    landmarks = [relation.object] + [relation.second_object] * (relation.second_object != 0)
    subject, *others = (names.get(n, str(n)) for n in (relation.subject, *landmarks))
    return f"{subject} {relation.predicate.replace('_', ' ')} {' and '.join(others)}"


def measured(relation: Relation) -> str:
    """The number behind a relation with its unit: "0.24 m"; empty where nothing was measured."""
    if not np.isfinite(relation.value):
        return ""
    return f"{round(relation.value, 2) + 0.0:.2f} {relation.unit}".rstrip()  # + 0.0: never "-0.00"


def kind_of(predicate: str, for_viewer: bool) -> str:
    """One of KINDS: what carries or holds, what depends on who looks, and the rest."""
    if predicate in _CARRYING:
        return "support"
    return "viewer" if for_viewer else "world"


def kind_of_relation(relation: Relation) -> str:
    """The same for a relation."""
    return kind_of(relation.predicate, relation.reference == "viewer")

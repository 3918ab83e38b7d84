"""What a node of a graph may be called, and which words suit it: names, colours, shapes, stance."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache

import numpy as np

from spatial_llava_ros.errors import ExpressionError
from spatial_llava_ros.grounding import colour, nouns
from spatial_llava_ros.language import parse
from spatial_llava_ros.language.expression import Attribute
from spatial_llava_ros.language.vocabulary import BASIC_COLORS, basic_color, similar
from spatial_llava_ros.questions.view import View
from spatial_llava_ros.types import SceneObject

SAME_KIND = 0.7  # a cup for someone who asks for a mug, where there is no mug
_SHAPE_WORDS = {
    "round": ("round thing", "ball-shaped thing"), "spherical": ("ball-shaped thing",),
    "cylindrical": ("round thing",), "flat": ("flat thing",), "rectangular": ("box-shaped thing", "flat thing"),
    "box": ("box-shaped thing",), "square": ("box-shaped thing",),
}  # fmt: skip
_KINDS = {"box-shaped thing": "box", "round thing": "cylinder", "ball-shaped thing": "sphere", "flat thing": "flat"}


def noun_match(view: View, row: int, noun: str) -> float:
    """How well a node's names suit a canonical noun, 0..1."""
    if noun in nouns.GENERIC:
        return 1.0
    node = view.nodes[row]
    best = 0.0
    for name, weight in ((node.object.label, 1.0), *node.labels):
        candidate = canonical(name)
        if candidate == "thing":
            continue
        match = 1.0 if candidate == noun else 0.0
        if not match and similar(candidate, noun):
            match = 1.0 if _names_kind(noun) else SAME_KIND
        best = max(best, match * (1.0 if node.source != "geometry" or name == node.object.label else 0.5 * weight))
    if node.source == "geometry" and node.object.size is not None and nouns.knows(noun):
        if node.object.label == noun:
            return max(best, 0.8)
        suits, best_of_all = _shape_suits(view, noun)[row], _best_suits(view)[row]
        # Of the many nouns that a shape allows only those it suits about as well as any may be guessed.
        likely = 0.7 if suits >= 0.75 * best_of_all else 0.4
        return max(min(best, 0.8), likely * float(np.sqrt(suits)))
    return best


@lru_cache(maxsize=64)
def _shape_suits(view: View, noun: str) -> np.ndarray:
    """(N,) how well a noun suits the size and shape of each node, 0..1."""
    return nouns.noun_fit(noun, *_shapes(view))


@lru_cache(maxsize=4)
def _best_suits(view: View) -> np.ndarray:
    """(N,) how well the noun suits that suits each node best."""
    return nouns.noun_fits(nouns.known(), *_shapes(view)).max(axis=0, initial=0)


def _shapes(view: View) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Sizes (N, 3) and shape scores as `nouns` takes them; a node keeps of its shape the word alone."""
    size = np.array([np.full(3, np.nan) if n.object.size is None else n.object.size for n in view.nodes]).reshape(-1, 3)
    shapes = [next((_KINDS[word] for word in n.attributes if word in _KINDS), "") for n in view.nodes]
    kinds = ("box", "cylinder", "sphere", "flat", "bowl")
    return size, {kind: np.array([1.0 if kind == shape else 0.3 for shape in shapes]) for kind in kinds}


def surely_named(view: View, row: int, noun: str) -> bool:
    """Whether a node's name was given by a model or a person, or no name was asked for."""
    return noun in nouns.GENERIC or view.nodes[row].source != "geometry"


def _names_kind(noun: str) -> bool:
    """ "fruit", "furniture": an apple is one, without reserve."""
    return noun in (
        "fruit",
        "vegetable",
        "food",
        "tool",
        "toy",
        "animal",
        "clothes",
        "container",
        "furniture",
        "device",
    )


@lru_cache(maxsize=1024)
def canonical(name: str) -> str:
    """The canonical noun of a label ("sofa" for "couch"); the label itself where it has none."""
    try:
        return parse(name).targets[0].noun
    except (ExpressionError, IndexError):
        return name


def label_words(node: SceneObject) -> list[str]:
    """Every word of its names, in lower case."""
    return [word for name in (node.object.label, *(name for name, _ in node.labels)) for word in name.lower().split()]


def attribute_fit(view: View, attribute: Attribute) -> np.ndarray | None:
    """(N,) how well a property that needs no comparison holds, 0.5 where unknown; None for the others."""
    if attribute.kind == "color":
        word = attribute.value if colour.knows(attribute.value) else basic_color(attribute.value)
        return np.array([_color_of(node, word) for node in view.nodes]) if word else None
    if attribute.kind == "shape" and attribute.value in _SHAPE_WORDS:
        wanted = _SHAPE_WORDS[attribute.value]
        return np.array([_says(node.attributes, wanted, _KINDS) for node in view.nodes])
    if attribute.kind == "state" and attribute.value in ("lying", "upright"):
        tall = np.array(
            [
                np.nan if n.object.size is None else n.object.size[2] / max(n.object.size[:2].max(), 1e-3)
                for n in view.nodes
            ]
        )
        upright = np.nan_to_num(1 / (1 + np.exp(-6 * (tall - 1))), nan=0.5)
        return upright if attribute.value == "upright" else 1 - upright
    return None


def _color_of(node: SceneObject, word: str) -> float:
    if node.colours is not None:
        return float(colour.colour_fit(word, np.asarray(node.colours)[None])[0])
    said_colors = [a for a in node.attributes if a in BASIC_COLORS or colour.knows(a)]
    if not said_colors:
        return 0.5
    return 1.0 if word in said_colors or basic_color(word) in said_colors else 0.05


def _says(words: Sequence[str], wanted: Sequence[str], family: Collection[str]) -> float:
    if any(word in wanted for word in words):
        return 1.0
    return 0.1 if any(word in family for word in words) else 0.5

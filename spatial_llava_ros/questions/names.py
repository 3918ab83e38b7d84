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

_SOME = 0.1  # a noun that suits a shape less than this is not guessed, however badly the others suit it
SAME_KIND = 0.7  # a cup for someone who asks for a mug, where there is no mug
_SHAPE_WORDS = {
    "round": ("round thing", "ball-shaped thing"), "spherical": ("ball-shaped thing",),
    "cylindrical": ("round thing",), "flat": ("flat thing",), "rectangular": ("box-shaped thing", "flat thing"),
    "box": ("box-shaped thing",), "square": ("box-shaped thing",),
}  # fmt: skip
_KINDS = {"box-shaped thing": "box", "round thing": "cylinder", "ball-shaped thing": "sphere", "flat thing": "flat"}


def noun_match(view: View, row: int, noun: str) -> float:
    """How well a node's names suit a canonical noun, 0..1."""
    return float(noun_matches(view, noun)[row])


def noun_matches(view: View, noun: str) -> np.ndarray:
    """(N,) how well the names of each node suit a canonical noun, 0..1."""
    return view.once(("noun", noun), lambda: _noun_matches(view, noun))


def _noun_matches(view: View, noun: str) -> np.ndarray:
    nodes = view.nodes
    if noun in nouns.GENERIC:
        return np.ones(len(nodes))
    names = {name for node in nodes for name in (node.object.label, *(name for name, _ in node.labels))}
    suits = {name: _name_match(name, noun) for name in names}
    best = np.zeros(len(nodes))
    guessed = []
    for i, node in enumerate(nodes):
        sure = node.source != "geometry"
        label = node.object.label
        best[i] = suits[label]
        for name, weight in node.labels:
            if suits[name]:
                best[i] = max(best[i], suits[name] * (1.0 if sure or name == label else 0.5 * weight))
        if not sure and node.object.size is not None:
            guessed.append(i)
    if guessed and nouns.knows(noun):
        guess = np.array(guessed)
        called = np.array([nodes[i].object.label == noun for i in guessed])
        best[guess] = np.where(called, np.maximum(best[guess], 0.8), _by_shape(view, noun, guess, best[guess]))
    return best


def _name_match(name: str, noun: str) -> float:
    candidate = canonical(name)
    if candidate == "thing":
        return 0.0
    if candidate == noun:
        return 1.0
    return (1.0 if _names_kind(noun) else SAME_KIND) if similar(candidate, noun) else 0.0


def _by_shape(view: View, noun: str, rows: np.ndarray, named: np.ndarray) -> np.ndarray:
    """How well a noun suits nodes that are known by shape and size alone, given how well their guessed names do."""
    size, kinds = _shapes(view)
    size, kinds = size[rows], {kind: score[rows] for kind, score in kinds.items()}
    suits = nouns.noun_fit(noun, size, kinds)
    # Of the many nouns that a shape allows only those it suits about as well as any may be guessed.
    likely = np.full(len(rows), 0.4)
    some = np.flatnonzero(suits >= _SOME)
    if some.size:
        best = nouns.noun_fits(nouns.known(), size[some], {kind: score[some] for kind, score in kinds.items()}).max(
            axis=0
        )
        likely[some[suits[some] >= 0.75 * best]] = 0.7
    return np.maximum(np.minimum(named, 0.8), likely * np.sqrt(suits))


def _shapes(view: View) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Sizes (N, 3) and shape scores as `nouns` takes them; a node keeps of its shape the word alone."""
    unknown = np.full(3, np.nan)
    size = np.array([unknown if n.object.size is None else n.object.size for n in view.nodes]).reshape(-1, 3)
    shapes = np.array([next((_KINDS[word] for word in n.attributes if word in _KINDS), "") for n in view.nodes])
    return size, {kind: np.where(shapes == kind, 1.0, 0.3) for kind in ("box", "cylinder", "sphere", "flat", "bowl")}


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


def words_here(view: View) -> set[str]:
    """Every word of every name in the graph, in lower case."""
    names = {name for node in view.nodes for name in (node.object.label, *(name for name, _ in node.labels))}
    return {word for name in names for word in name.lower().split()}


def label_words(node: SceneObject) -> list[str]:
    """Every word of its names, in lower case."""
    return [word for name in (node.object.label, *(name for name, _ in node.labels)) for word in name.lower().split()]


def attribute_fit(view: View, attribute: Attribute) -> np.ndarray | None:
    """(N,) how well a property that needs no comparison holds, 0.5 where unknown; None for the others."""
    if attribute.kind == "color":
        word = attribute.value if colour.knows(attribute.value) else basic_color(attribute.value)
        return _color_fit(view, word) if word else None
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


def _color_fit(view: View, word: str) -> np.ndarray:
    out = np.array([0.5 if node.colours is not None else _said_color(node, word) for node in view.nodes])
    measured = [i for i, node in enumerate(view.nodes) if node.colours is not None]
    if measured:
        out[measured] = colour.colour_fit(word, np.array([view.nodes[i].colours for i in measured]))
    return out


def _said_color(node: SceneObject, word: str) -> float:
    said_colors = [a for a in node.attributes if a in BASIC_COLORS or colour.knows(a)]
    if not said_colors:
        return 0.5
    return 1.0 if word in said_colors or basic_color(word) in said_colors else 0.05


def _says(words: Sequence[str], wanted: Sequence[str], family: Collection[str]) -> float:
    if any(word in wanted for word in words):
        return 1.0
    return 0.1 if any(word in family for word in words) else 0.5

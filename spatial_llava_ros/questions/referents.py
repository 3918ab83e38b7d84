"""Which nodes of a graph the words of a question mean.

A node is known by its names, its colours and its box alone. Where its name comes from its shape only, a noun that
suits the shape may mean it, and the answer says so; nothing is guessed where two things would do as well.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from spatial_llava_ros.errors import ExpressionError
from spatial_llava_ros.grounding import nouns
from spatial_llava_ros.language import parse
from spatial_llava_ros.language.expression import NounPhrase, Ordinal, Relation
from spatial_llava_ros.language.vocabulary import (
    BASIC_COLORS,
    VIEWER_NOUNS,
    kind_of,
    plural,
)
from spatial_llava_ros.questions.answer import QuestionStatus, Unanswerable
from spatial_llava_ros.questions.names import (
    SAME_KIND,
    attribute_fit,
    canonical,
    label_words,
    noun_match,
    noun_matches,
    surely_named,
    words_here,
)
from spatial_llava_ros.questions.view import FAILS, HOLDS, SURE, VIEWER, View

ACCEPT = 0.45  # a thing is meant only if its weakest part is at least this likely, as the grounder has it
_TIED = 64  # things that may share a superlative, to either side of the one that has it
RIVAL = 0.65  # a second thing with these odds, relative to the best, makes a name ambiguous
_SIZE_ORDER = {
    "big": "big", "large": "big", "huge": "big", "small": "small", "tiny": "small", "little": "small", "tall": "tall",
    "high": "tall", "short": "short", "low": "short", "long": "long", "wide": "wide", "narrow": "narrow",
    "left": "left", "right": "right", "front": "near", "back": "far", "middle": "middle", "top": "high",
    "bottom": "low",
}  # fmt: skip
_ME = frozenset((
    "me", "us", "you", "i", "myself", "yourself", "here", "viewer", "camera", "robot", "where i am", "where i stand",
    "my position", "where you are", "current position", "my place", "this camera", "my camera", "observer",
    "this robot",
))  # fmt: skip
_PRONOUNS = frozenset(("it", "them", "they", "he", "she", "him", "itself", "themselves"))
_FLOORS = frozenset(("floor", "ground", "carpet", "rug"))
_LEVELS = _FLOORS | {"table", "desk", "counter", "bench", "workbench", "surface"}
_NUMBER = re.compile(r"(?:thing|object|item|number|no|id|node|the one with id|thing number|object number) (\d+)")


@dataclass(eq=False)
class Fit:
    """How well each of N nodes suits a phrase; the weakest part says whether it does at all.

    Attributes:
        notes: what could not be checked, in words.
        surface: the phrase means a surface under the things that is no node.
    """

    product: np.ndarray
    weakest: np.ndarray
    notes: list[str] = field(default_factory=list)

    def require(self, part: np.ndarray) -> None:
        """Multiply in one more part, (N,) probabilities."""
        self.product = self.product * part
        self.weakest = np.minimum(self.weakest, part)

    @property
    def fitting(self) -> np.ndarray:
        """Rows that suit, best first."""
        rows = np.flatnonzero(self.weakest >= ACCEPT)
        return rows[np.argsort(-self.product[rows], kind="stable")]


def phrase_of(words: str) -> NounPhrase:
    """The noun phrase of a slot.

    Raises:
        Unanswerable: nothing, or more than one thing, is named.
    """
    pronoun = next((word for word in words.split() if word in _PRONOUNS), "")
    if pronoun:
        raise Unanswerable(f'I do not know what "{pronoun}" refers to; name the thing')
    try:
        expression = parse(re.sub(r"\b(?:number|no|id|item|object|node) (\d+)\b", r"thing \1", words))
    except ExpressionError:
        raise Unanswerable("no thing is named", status=QuestionStatus.NOT_UNDERSTOOD) from None
    if len(expression.targets) != 1:
        raise Unanswerable(f'"{words}" names more than one thing; ask about one', status=QuestionStatus.NOT_UNDERSTOOD)
    return expression.targets[0]


def is_viewer(words: str) -> bool:
    """Whether a slot means the one who asks, or the camera."""
    return re.sub(r"^(the|a|my|your) ", "", words) in _ME


def refer(view: View, words: str) -> tuple[int, str]:
    """The one thing that a slot means (VIEWER for "me"), and what was assumed in finding it.

    Raises:
        Unanswerable: none, or several, or nothing that could be checked.
    """
    if is_viewer(words) and not (set(words.split()) & VIEWER_NOUNS and set(words.split()) & words_here(view)):
        return VIEWER, ""
    if number := _NUMBER.fullmatch(re.sub(r"^the ", "", words)):
        wanted = int(number[1])
        if wanted in view.ids:
            return view.ids.index(wanted), ""
        raise Unanswerable(f"there is no thing with the number {wanted}")
    return refer_phrase(view, phrase_of(words))


def refer_phrase(view: View, phrase: NounPhrase) -> tuple[int, str]:
    """`refer` for a parsed phrase."""
    if phrase.count > 1:
        raise Unanswerable(f"{phrase.count} things are meant; ask about one", status=QuestionStatus.NOT_UNDERSTOOD)
    _check_words(view, phrase)
    fit = fit_phrase(view, phrase)
    rows = fit.fitting
    if not len(rows):
        raise Unanswerable(f"I see no {said(phrase)}{_nearly(view, phrase)}")
    # "The" presupposes that one thing fits and the others do not: odds, as the grounder takes them.
    likely = np.minimum(fit.product[rows], 0.95)
    odds = likely / (1 - likely)
    rivals = [int(r) for r, o in zip(rows, odds, strict=True) if o >= RIVAL * odds[0]]
    if len(rivals) > 1:
        names = ", ".join(call(view, r, number=True) for r in rivals[:5])
        nodes = tuple(view.nodes[r] for r in rivals)
        raise Unanswerable(
            f"{len(rivals)} things could be the {said(phrase)}: {names}", nodes, QuestionStatus.AMBIGUOUS
        )
    best = rivals[0]
    assumed = list(dict.fromkeys(fit.notes))
    if not surely_named(view, best, phrase.noun):
        assumed.insert(0, f"takes {call(view, best, number=True)} for the {phrase.noun}, by its shape")
    elif noun_match(view, best, phrase.noun) < 1:
        assumed.insert(0, f"takes {call(view, best, number=True)} for the {phrase.noun}")
    return best, "; ".join(assumed)


def members(view: View, phrase: NounPhrase) -> tuple[list[int], list[int], list[str]]:
    """All things that a plural means: surely, only perhaps, and what could not be checked."""
    _check_words(view, phrase)
    fit = fit_phrase(view, phrase)
    rows = [int(r) for r in fit.fitting]
    matches = noun_matches(view, phrase.noun)
    exact = bool((matches[rows] == 1).any()) if rows else False
    sure, perhaps = [], []
    for r in rows:
        match = matches[r]
        if surely_named(view, r, phrase.noun) and match == 1 and fit.weakest[r] >= HOLDS:
            sure.append(r)
        elif not (exact and match == SAME_KIND):
            perhaps.append(r)
    # Just out of reach is neither in nor out: it keeps the number from being sure.
    perhaps += [
        int(r) for r in np.flatnonzero((fit.weakest >= FAILS) & (fit.weakest < ACCEPT)) if fit.product[r] > 0.05
    ]
    return sure, perhaps, list(dict.fromkeys(fit.notes))


def _check_words(view: View, phrase: NounPhrase) -> None:
    """Raise for words that neither the vocabulary nor a name in the graph has: no guess could be right."""
    for part in _nested(phrase):
        words = [w for w in part.unknown if w not in nouns.GENERIC]
        if words:
            known = words_here(view) | {str(number) for number in view.ids}
            words = [w for w in words if w not in known]
        if words:
            raise Unanswerable(f'I do not know what "{" ".join(words)}" is, and nothing here has that name')


def _nested(phrase: NounPhrase) -> list[NounPhrase]:
    return [phrase, *(inner for r in phrase.relations for mark in r.landmarks for inner in _nested(mark))]


def fit_phrase(view: View, phrase: NounPhrase) -> Fit:
    """Score every node on a phrase: name, properties, relations, and superlatives last."""
    n = len(view.nodes)
    fit = Fit(np.ones(n), np.ones(n))
    if phrase.noun not in nouns.GENERIC:
        fit.require(noun_matches(view, phrase.noun))
    for word in phrase.unknown:
        if word.isdigit() and phrase.noun in nouns.GENERIC:
            fit.require(np.array([float(number == int(word)) for number in view.ids]))
        elif word != phrase.noun and word not in nouns.GENERIC:
            fit.require(np.array([1.0 if word in label_words(node) else 0.1 for node in view.nodes]))
    ordered: list[Ordinal] = []
    for attribute in phrase.attributes:
        part = attribute_fit(view, attribute)
        if part is not None:
            fit.require(1 - part if attribute.negated else part)
        elif attribute.value in _SIZE_ORDER and not attribute.negated:
            ordered.append(Ordinal(_SIZE_ORDER[attribute.value]))
        else:
            fit.notes.append(f'"{attribute.value}" cannot be checked')
            fit.require(np.full(n, 0.3))
    for relation in phrase.relations:
        fit.require(_relation_fit(view, relation, fit))
    for ordinal in (*ordered, *phrase.ordinals):
        _rank(view, fit, ordinal)
    return fit


def is_surface(view: View, phrase: NounPhrase) -> bool:
    """Whether "the table" or "the floor" is the one level that everything here stands on, and no node of its own."""
    bare = not (phrase.attributes or phrase.relations or phrase.ordinals or phrase.unknown)
    if not bare or phrase.noun not in _LEVELS or not view.nodes:
        return False
    if any(surely_named(view, int(i), phrase.noun) for i in np.flatnonzero(noun_matches(view, phrase.noun) >= ACCEPT)):
        return False
    level = _levels(view)
    if level is None:
        return False
    # Furniture stands on floors.
    sizes = [n.object.size.max() for n in view.nodes if n.object.size is not None]
    floor = any(kind_of(canonical(n.object.label)) in ("seat", "table", "storage", "bed") for n in view.nodes)
    floor = floor or max(sizes, default=0) > 0.8
    return (phrase.noun in _FLOORS) == floor


def on_surface(view: View) -> np.ndarray:
    """(N,) 1 for what stands on the common level, itself or through what carries it."""
    level = _levels(view)
    low = view.layout.low[:, 2]
    if level is None:
        return np.zeros(len(low))
    rows = view.rows_near([])
    rests = np.maximum(view.scores("on", rows), view.scores("inside", rows))
    carried = np.zeros(len(low))
    carried[list(rows)] = rests.max(axis=1, initial=0) >= HOLDS
    return np.where(np.isnan(low), 0.5, np.maximum(np.abs(low - level) < 0.06, carried))


def _levels(view: View) -> float | None:
    """The height that all things which nothing carries stand on, or None where there are several."""
    low = view.layout.low[:, 2]
    rows = view.rows_near([])
    if not rows or np.isnan(low).all():
        return None
    rests = np.maximum(view.scores("on", rows), view.scores("inside", rows))
    carried = np.zeros(len(low), bool)
    carried[list(rows)] = rests.max(axis=1, initial=0) >= HOLDS
    feet = low[~carried & ~np.isnan(low)]
    if not len(feet):
        return None
    level = float(np.median(feet))
    return level if np.mean(np.abs(feet - level) < 0.06) >= 0.8 else None


def _relation_fit(view: View, relation: Relation, fit: Fit) -> np.ndarray:
    """(N,) how well each node stands as it is said to one of the landmarks."""
    n = len(view.nodes)
    if not relation.landmarks or relation.predicate in ("with", "facing", "longer_than", "thinner_than"):
        fit.notes.append(f'"{relation.predicate.replace("_", " ")}" cannot be checked')
        return np.full(n, 0.3)
    if relation.predicate == "between":
        ends = [_landmark_rows(view, mark, fit.notes) for mark in relation.landmarks]
        if len(ends) == 1:
            ends = [ends[0][:1], ends[0][1:2]]
        part = np.zeros(n)
        for a in ends[0]:
            for b in ends[1]:
                if a != b:
                    part = np.maximum(part, view.between(a, b))
        return 1 - part if relation.negated else part
    part = np.ones(n)
    for mark in relation.landmarks:
        part = np.minimum(part, _to_landmark(view, relation, mark, fit))
    return 1 - part if relation.negated else part


def _to_landmark(view: View, relation: Relation, mark: NounPhrase, fit: Fit) -> np.ndarray:
    n = len(view.nodes)
    if relation.predicate in ("on", "above") and is_surface(view, mark):
        fit.notes.append(f"takes the {mark.noun} for the surface that everything here stands on")
        return on_surface(view)
    rows = _landmark_rows(view, mark, fit.notes)
    if relation.extreme:
        if len(rows) != 1:
            raise Unanswerable(
                f"several things could be the {said(mark)}",
                tuple(view.nodes[r] for r in rows),
                QuestionStatus.AMBIGUOUS,
            )
        fit.weakest[rows[0]] = 0  # nothing is nearest to itself
        fit.product[rows[0]] = 0
        away = view.distances(rows[0])
        value = away if relation.predicate == "near" else -away
        return _extreme(value, lambda i: view.distance(i, rows[0])[1], fit, 1)
    part = np.zeros(n)
    near = view.rows_near(rows)
    scores = view.scores(relation.predicate, near)
    for row in rows:
        part[list(near)] = np.maximum(part[list(near)], scores[:, near.index(row)])
    return part


def _landmark_rows(view: View, mark: NounPhrase, notes: list[str]) -> list[int]:
    """The things that a landmark means; what was assumed in finding them goes to the notes."""
    if mark.noun == "viewer" or (mark.noun in VIEWER_NOUNS and not mark.attributes):
        return [VIEWER]
    if mark.count == 1:
        row, assumed = refer_phrase(view, mark)
        notes.extend([assumed] if assumed else [])
        return [row]
    _check_words(view, mark)
    rows = [int(r) for r in fit_phrase(view, mark).fitting]
    if not rows:
        raise Unanswerable(f"I see no {said(mark)}")
    return rows


def _extreme(value: np.ndarray, std_of: Callable[[int], float], fit: Fit, rank: int) -> np.ndarray:
    """(N,) 1 for the thing that is rank-th smallest in a value among those that fit; ties within the noise share it.

    Args:
        std_of: standard deviation of the value of a row; asked only of those that may be tied.
    """
    out = np.zeros(len(value))
    rows = np.flatnonzero((fit.weakest >= ACCEPT) & np.isfinite(value))
    # Those that only resemble the noun do not compete with those that are it.
    if rows.size:
        product = fit.product[rows]
        rows = rows[(product >= 0.8 * product.max()) | (product >= 0.95)]
    rows = rows[np.argsort(value[rows], kind="stable")]
    if len(rows) < rank:
        return out
    chosen = int(rows[rank - 1])
    out[rows] = 0.02
    out[chosen] = 1.0
    spread = np.nan_to_num(std_of(chosen))
    for way in (rows[: rank - 1][::-1], rows[rank:]):
        for r in map(int, way[:_TIED]):
            margin = SURE * np.hypot(np.nan_to_num(std_of(r)), spread) + 1e-3
            if abs(value[r] - value[chosen]) < margin:
                out[r] = 1.0
    return out


def _rank(view: View, fit: Fit, ordinal: Ordinal) -> None:
    value, std = ranking(view, ordinal.key, np.flatnonzero(fit.weakest >= ACCEPT))
    if ordinal.key == "middle":
        rows = [r for r in np.flatnonzero(fit.weakest >= ACCEPT) if np.isfinite(value[r])]
        value = np.abs(value - np.median(value[rows])) if rows else value
    part = _extreme(value, lambda row: float(std[row]), fit, ordinal.rank)
    fit.require(1 - part if ordinal.negated else part)


def ranking(view: View, key: str, rows: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """(N,) a value that is smallest for what comes first in an ordinal's order, and its standard deviation.

    Args:
        rows: of what it is wanted; NaN for all else.
    """
    n = len(view.nodes)
    value, std = np.full(n, np.nan), np.full(n, np.nan)
    for i in map(int, rows):
        if not view.has_depth(i):
            continue
        size, size_std = view.size(i)
        if key in ("left", "right", "middle"):
            value[i], std[i] = view.bearing(i)
            value[i] *= -1 if key == "left" else 1
        elif key in ("near", "far"):
            value[i], std[i] = view.distance(i, VIEWER)
            value[i] *= 1 if key == "near" else -1
        elif key in ("high", "low"):
            top = key == "high"
            value[i] = -view.layout.high[i, 2] if top else view.layout.low[i, 2]
            std[i] = np.sqrt(max(view.place_covariance(i)[2, 2], 0))
        else:
            side = {"tall": 2, "short": 2, "wide": 0, "narrow": 0, "long": 0, "thin": 1}.get(key)
            if side is None:
                value[i] = np.log(np.maximum(size, 1e-3)).sum()
                std[i] = np.linalg.norm(size_std / np.maximum(size, 1e-3))
            else:
                value[i], std[i] = size[side], size_std[side]
            value[i] *= -1 if key in ("tall", "wide", "long", "big") else 1
    return value, std


def said(phrase: NounPhrase) -> str:
    """A phrase in words, for a sentence about it: "red mug"."""
    words = [a.value for a in phrase.attributes if a.kind in ("color", "size", "material", "shape") and not a.negated]
    words += [w for w in phrase.unknown if w != phrase.noun]
    relation = ""
    if phrase.relations:
        first = phrase.relations[0]
        marks = " and ".join("the " + said(m) if m.noun != "viewer" else "me" for m in first.landmarks)
        relation = f" {first.predicate.replace('_', ' ')} {marks}"
    return " ".join([*words, phrase.noun]) + relation


def call(view: View, row: int, number: bool = False) -> str:
    """What a thing is called in an answer: its colour, where known, and its name; with "#id" to tell it apart."""
    if row == VIEWER:
        return "the viewer"
    node = view.nodes[row]
    color = next((a for a in node.attributes if a in BASIC_COLORS), "")
    name = node.object.label or "thing"
    if color and color not in name.split():
        name = f"{color} {name}"
    return f"{name} (#{node.object.id})" if number else name


def the(view: View, row: int) -> str:
    """ "the red mug", or "the red mug (#3)" where several things are called so."""
    if row == VIEWER:
        return "the viewer"
    name = call(view, row)
    calls = view.once("calls", lambda: Counter(call(view, i) for i in range(len(view.nodes))))
    return f"the {call(view, row, number=calls[name] > 1)}"


def _nearly(view: View, phrase: NounPhrase) -> str:
    """What comes near a phrase that nothing fits: " (there is a blue mug)"."""
    rows = np.flatnonzero(noun_matches(view, phrase.noun) >= SAME_KIND)
    if phrase.noun in nouns.GENERIC or not len(rows):
        return ""
    return f" (there is {', '.join('a ' + call(view, r) for r in rows[:3])})"


def several(noun: str, count: int) -> str:
    """ "1 mug", "2 mugs"."""
    return f"{count} {noun if count == 1 else plural(noun)}"

"""Referring expressions about a simulated frame whose right answer is beyond dispute.

Every phrase is a sentence fragment together with a verdict for every visible object: yes, no or unclear. A phrase is
used only when nobody is in doubt: one yes and the rest no (attribute, relation, ordinal), several (ambiguous), none
(absent). Objects that can hardly be seen count as unclear wherever they might fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spatial_llava_ros.sim.colors import SHADES
from spatial_llava_ros.sim.spatial_truth import NO, UNCLEAR, YES, SpatialTruth
from spatial_llava_ros.sim.truth import SimFrame
from spatial_llava_ros.sim.words import (
    ANYTHING,
    FURNITURE,
    NOUNS,
    PLAIN_NOUNS,
    RARER_NOUNS,
    SHAPES,
    is_color,
    is_noun,
    is_shape,
)

KINDS = ("attribute", "relation", "ordinal", "absent", "ambiguous")
MIN_VISIBLE = 0.4
MIN_PIXELS = 150

RELATION_WORDS = {
    "left_of": ("to the left of", "left of", "on the left of"),
    "right_of": ("to the right of", "right of", "on the right of"),
    "behind": ("behind",),
    "in_front_of": ("in front of",),
    "on": ("on", "on top of"),
    "under": ("under", "underneath"),
    "above": ("above",),
    "below": ("below",),
    "inside": ("in", "inside"),
    "next_to": ("next to", "beside"),
}
_COMMANDS = (
    *("{}",) * 4,
    "find {}",
    "go to {}",
    "where is {}?",
    "look at {}",
    "show me {}",
    "locate {}",
    "point at {}",
)
_HANDLE = ("pick up {}", "bring me {}", "give me {}", "grab {}", "can you get {}?", "please fetch {}", "hand me {}")


@dataclass(frozen=True)
class SimExpression:
    """A sentence and what it means.

    Attributes:
        text: what is said.
        kind: one of KINDS.
        targets: ids of the objects that are meant: one for attribute, relation and ordinal; all that fit when
            ambiguous; none when absent.
        plain: it needs no category but those that shape and size alone can bear out.
    """

    text: str
    kind: str
    targets: tuple[int, ...]
    plain: bool


@dataclass(frozen=True, eq=False)
class Phrase:
    """Words without article, and the verdict (N,) on each object. tail follows the noun."""

    words: str
    verdict: np.ndarray
    plain: bool
    tail: str = ""
    furniture: bool = False

    @property
    def text(self) -> str:
        return f"the {self.words}{self.tail}"

    @property
    def only(self) -> int | None:
        """Index of the one that is meant, when there is no doubt."""
        return int(self.verdict.argmax()) if self.is_clear and (self.verdict == YES).sum() == 1 else None

    @property
    def is_clear(self) -> bool:
        return not (self.verdict == UNCLEAR).any()


def generate_expressions(shot: SimFrame, seed: int, n: int) -> list[SimExpression]:
    """Up to n different expressions about a frame, kinds in turn; fewer where the frame has no more to say.

    The same frame, seed and n give the same list.
    """
    if not shot.objects or n <= 0:
        return []
    speaker = Speaker(shot, np.random.default_rng([seed, 11]))
    out: dict[str, SimExpression] = {}  # by phrase: the same phrase with another command is not another expression
    makers = {kind: getattr(speaker, kind) for kind in KINDS}
    # Attribute, relation and ordinal are asked for twice as often as absent and ambiguous.
    turn = ("attribute", "relation", "ordinal", "absent", "relation", "attribute", "ordinal", "ambiguous")
    failures = 0
    step = 0
    while len(out) < n and failures < 2 * len(turn):
        kind = turn[step % len(turn)]
        step += 1
        for _ in range(80):
            phrase = makers[kind]()
            if phrase is not None and phrase.text not in out:
                targets = tuple(shot.objects[k].id for k in np.flatnonzero(phrase.verdict == YES))
                out[phrase.text] = SimExpression(speaker.command(phrase), kind, targets, phrase.plain)
                failures = 0
                break
        else:
            failures += 1
    return list(out.values())


class Speaker:
    """Draws phrases about one frame; every maker gives None when the draw came to nothing."""

    def __init__(self, shot: SimFrame, rng: np.random.Generator) -> None:
        self.objects = shot.objects
        self.space = SpatialTruth(shot)
        self.rng = rng
        self.good = np.array([o.visible_fraction >= MIN_VISIBLE and o.pixels >= MIN_PIXELS for o in shot.objects])
        self.height, self.width = shot.instance.shape
        here = {o.category for o in shot.objects}
        self.nouns = [noun for noun, (sure, _) in (NOUNS | RARER_NOUNS).items() if here & set(sure)]
        self.colors = sorted({o.color for o in shot.objects})

    def pick(self, options: Sequence[Any]) -> Any:
        return options[int(self.rng.integers(len(options)))]

    def command(self, phrase: Phrase) -> str:
        forms = _COMMANDS if phrase.furniture else _COMMANDS + _HANDLE
        return str(self.pick(forms)).format(phrase.text)

    def _doubt(self, verdict: np.ndarray) -> np.ndarray:
        """What can hardly be seen is in doubt wherever it may fit."""
        return np.where(~self.good & (verdict > NO), UNCLEAR, verdict).astype(np.int8)

    def _phrase(self, noun: str, color: str = "", shape: str = "") -> Phrase:
        verdict = is_noun(self.objects, noun)
        if color:
            verdict = np.minimum(verdict, is_color(self.objects, color))
        if shape:
            verdict = np.minimum(verdict, is_shape(self.objects, shape))
        heavy = any(self.objects[k].category in FURNITURE for k in np.flatnonzero(verdict == YES)) or noun in FURNITURE
        words = " ".join(w for w in (shape, color, noun) if w)
        return Phrase(words, self._doubt(verdict), noun in PLAIN_NOUNS, furniture=heavy)

    def _any_phrase(self, bare: float = 0.35) -> Phrase:
        """A noun that something here answers to, often with a colour, sometimes with a shape."""
        noun = self.pick(self.nouns) if self.rng.random() < 0.65 else self.pick(ANYTHING)
        color = "" if self.rng.random() < bare else self.pick(self.colors)
        shape = self.pick(SHAPES) if self.rng.random() < 0.15 else ""
        return self._phrase(noun, color, shape)

    def attribute(self) -> Phrase | None:
        phrase = self._any_phrase(bare=0.25)
        if phrase.only is not None:
            return phrase
        return self._sized(phrase) if phrase.is_clear and self.rng.random() < 0.5 else None

    def _sized(self, phrase: Phrase) -> Phrase | None:
        """The big, small, tall one among those that fit."""
        sizes = (("big", "big", True), ("large", "big", True), ("small", "big", False), ("tall", "tall", True))
        word, key, up = self.pick(sizes)
        chosen = self._extreme(np.flatnonzero(phrase.verdict == YES), key, up)
        if chosen is None or phrase.words.split()[0] in SHAPES:
            return None
        return self._just(phrase, chosen, f"{word} {phrase.words}")

    def _just(self, phrase: Phrase, index: int, words: str, tail: str = "") -> Phrase:
        verdict = np.full(len(self.objects), NO, np.int8)
        verdict[index] = YES
        return Phrase(words, verdict, phrase.plain, tail, self.objects[index].category in FURNITURE)

    def _extreme(self, among: np.ndarray, key: str, up: bool) -> int | None:
        """The one of `among` that is clearly ahead in a quantity, or None."""
        if len(among) < 2:
            return None
        size, space = self.space.size[among], self.space
        # Each must exceed the runner-up by a factor, or by so many metres.
        if key == "big":
            values, ratios, steps = [size.prod(1), size.max(1)], (2.0, 1.15), (0, 0)
        elif key == "tall":
            values, ratios, steps = [size[:, 2]], (1.3,), (0.03,)
        elif key == "near":
            ahead = np.linalg.norm(np.maximum(space.low[among], 0) + np.minimum(space.high[among], 0), axis=1)
            values, ratios, steps = (
                [space.distance[among], ahead, space.center[among, 0]],
                (1, 1, 1),
                (0.08, 0.05, 0.05),
            )
        else:  # high
            values, ratios, steps = [space.low[among, 2], space.high[among, 2]], (None, None), (0.06, 0.06)
        winners = set()
        for value, ratio, step in zip(values, ratios, steps, strict=True):
            order = np.argsort(-value if up else value)
            best, next_best = value[order[0]], value[order[1]]
            larger, smaller = max(best, next_best), min(best, next_best)
            if larger - smaller < step or (ratio is not None and larger < ratio * smaller):
                return None
            winners.add(int(order[0]))
        return int(among[winners.pop()]) if len(winners) == 1 else None

    def relation(self) -> Phrase | None:
        landmark = self._landmark(depth=2 if self.rng.random() < 0.2 else 1)
        if landmark is None:
            return None
        predicate = self.pick((*RELATION_WORDS, "between", "on", "behind", "in_front_of", "next_to"))
        if predicate == "between":
            other = self._landmark(depth=1)
            if other is None or other.only == landmark.only:
                return None
            fits = self.space.between(landmark.only, other.only)
            words, plain = f"between {landmark.text} and {other.text}", landmark.plain and other.plain
        else:
            fits = self.space.matrix(predicate)[:, landmark.only]
            words, plain = f"{self.pick(RELATION_WORDS[predicate])} {landmark.text}", landmark.plain
        target = self._any_phrase(bare=0.6)
        verdict = np.minimum(target.verdict, fits)
        phrase = Phrase(target.words, verdict, target.plain and plain, f" {words}", target.furniture)
        return phrase if phrase.only is not None else None

    def _landmark(self, depth: int) -> Phrase | None:
        """A phrase that means one thing; with depth 2 itself by a relation."""
        if depth > 1:
            return self.relation_once()
        for _ in range(6):
            phrase = self._any_phrase(bare=0.4)
            if phrase.only is not None:
                return phrase
        return None

    def relation_once(self) -> Phrase | None:
        """A landmark that is itself found by a relation; "that is" says which of the two things the relation is of."""
        inner = self._landmark(depth=1)
        if inner is None:
            return None
        predicate = self.pick(("left_of", "right_of", "behind", "in_front_of", "on", "next_to"))
        target = self._any_phrase(bare=0.6)
        verdict = np.minimum(target.verdict, self.space.matrix(predicate)[:, inner.only])
        tail = f" that is {self.pick(RELATION_WORDS[predicate])} {inner.text}"
        phrase = Phrase(target.words, verdict, target.plain and inner.plain, tail, target.furniture)
        return phrase if phrase.only is not None else None

    def ordinal(self) -> Phrase | None:
        phrase = self._any_phrase(bare=0.7)
        among = np.flatnonzero(phrase.verdict == YES)
        if not phrase.is_clear or len(among) < 2:
            return None
        if self.rng.random() < 0.5:
            return self._in_row(phrase, among)
        superlatives = {
            ("near", False): ("nearest {}", "closest {}", "{} closest to you", "{} nearest to the camera"),
            ("near", True): ("farthest {}", "{} farthest from the camera", "{} farthest away"),
            ("big", True): ("biggest {}", "largest {}"),
            ("big", False): ("smallest {}",),
            ("tall", True): ("tallest {}",),
            ("tall", False): ("shortest {}",),
            ("high", True): ("highest {}", "topmost {}"),
        }
        key, up = self.pick(tuple(superlatives))
        chosen = self._extreme(among, key, up)
        if chosen is None:
            return None
        if len(among) == 2 and key in ("big", "tall") and self.rng.random() < 0.4:
            word = {"big": ("smaller", "bigger"), "tall": ("shorter", "taller")}[key][up]
            return self._just(phrase, chosen, f"{word} {phrase.words}")
        return self._just(phrase, chosen, self.pick(superlatives[key, up]).format(phrase.words))

    def _in_row(self, phrase: Phrase, among: np.ndarray) -> Phrase | None:
        """Leftmost, rightmost, second from the left, the middle one: by where they are in the picture."""
        boxes = self.space.boxes[among]
        middle = boxes[:, [0, 2]].mean(1)
        order = np.argsort(middle)
        row, width = middle[order], (boxes[:, 2] - boxes[:, 0])[order]
        if (np.diff(row) < np.maximum(18, 0.3 * np.maximum(width[:-1], width[1:]))).any():
            return None
        ranked = among[order]
        n, w = len(ranked), phrase.words
        options = [
            (0, f"leftmost {w}", ""), (0, w, " farthest to the left"), (-1, f"rightmost {w}", ""),
            (-1, w, " farthest to the right"),
        ]  # fmt: skip
        if n == 2:
            options += [(0, w, " on the left"), (-1, w, " on the right"), (0, f"left {w}", ""), (-1, f"right {w}", "")]
        if n >= 3:
            options += [(1, f"second {w} from the left", ""), (-2, f"second {w} from the right", "")] * 2
        if n >= 4:
            options += [(2, f"third {w} from the left", ""), (-3, f"third {w} from the right", "")]
        if n == 3:
            options += [(1, f"middle {w}", ""), (1, w, " in the middle")]
        position, words, tail = self.pick(options)
        return self._just(phrase, int(ranked[position]), words, tail)

    def absent(self) -> Phrase | None:
        """Something that is not there: a thing of another colour, or a thing of a kind that is not there."""
        noun = self.pick(tuple(NOUNS)) if self.rng.random() < 0.7 else self.pick(ANYTHING)
        color = self.pick(tuple(SHADES)) if noun in ANYTHING or self.rng.random() < 0.8 else ""
        phrase = self._phrase(noun, color)
        if (phrase.verdict != NO).any():
            return None
        if self.rng.random() < 0.25:
            landmark = self._landmark(depth=1)
            if landmark is not None:
                predicate = self.pick(("left_of", "right_of", "behind", "on", "next_to"))
                tail = f" {self.pick(RELATION_WORDS[predicate])} {landmark.text}"
                return Phrase(phrase.words, phrase.verdict, phrase.plain and landmark.plain, tail, phrase.furniture)
        return phrase

    def ambiguous(self) -> Phrase | None:
        phrase = self._any_phrase(bare=0.5)
        fitting = int((phrase.verdict == YES).sum())
        return phrase if phrase.is_clear and 2 <= fitting <= 6 else None

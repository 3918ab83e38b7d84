"""Referring expressions as people write them for a system that knows no brands and reads no labels.

Colour, size and shape words, plain nouns or "thing", position words, ordinals and relations to another such thing:
"the big brown thing in the middle", "the cup behind the other cup", "the highest object on the table". As in
`expressions`, a phrase is used only when its answer is beyond dispute. What can hardly be seen is in doubt, but that
matters only where it could change the answer.
"""

from __future__ import annotations

import re

import numpy as np

from spatial_llava_ros.sim.colors import SHADES, VIVID
from spatial_llava_ros.sim.expressions import RELATION_WORDS, Phrase, SimExpression, Speaker
from spatial_llava_ros.sim.spatial_truth import NO, UNCLEAR, YES
from spatial_llava_ros.sim.truth import SimFrame
from spatial_llava_ros.sim.words import FURNITURE, NOUNS, PLAIN_NOUNS, WALL_THINGS, is_noun

MIN_PIXELS = 300
_TURN = (
    "attribute", "relation", "ordinal", "relation", "attribute", "ordinal", "absent", "relation", "attribute",
    "ordinal", "ambiguous",
)  # fmt: skip
_NOUNS = tuple(n for n in NOUNS if n in PLAIN_NOUNS)
_ANY = ("thing", "object")
# Pairs of colour words between which people hesitate on some shades.
_ALIKE = (
    ("brown", "orange"), ("orange", "yellow"), ("orange", "red"), ("red", "pink"), ("red", "brown"), ("pink", "purple"),
    ("purple", "blue"), ("black", "grey"), ("white", "grey"), ("brown", "black"), ("yellow", "brown"),
    ("yellow", "white"), ("pink", "white"), ("blue", "green"), ("green", "yellow"),
)  # fmt: skip
_PREDICATES = (
    *("behind", "in_front_of") * 4, *("left_of", "right_of", "on", "next_to") * 3, *("under",) * 2, "between", "above",
)  # fmt: skip
_COMMANDS = ("find {}", "go to {}", "bring me {}", "pick up {}", "give me {}", "hand me {}")


def plain_expressions(shot: SimFrame, seed: int, n: int) -> list[SimExpression]:
    """Up to n different expressions about a frame; fewer where the frame has no more to say.

    The kinds come in the proportion 3 attribute, 3 relation, 3 ordinal, 1 absent, 1 ambiguous. The same frame, seed
    and n give the same list.
    """
    if not shot.objects or n <= 0:
        return []
    speaker = PlainSpeaker(shot, np.random.default_rng([seed, 17]))
    makers = {kind: getattr(speaker, kind) for kind in _TURN}
    out: dict[str, SimExpression] = {}
    failures, step = 0, int(speaker.rng.integers(len(_TURN)))
    while len(out) < n and failures < 2 * len(_TURN):
        kind = _TURN[step % len(_TURN)]
        step += 1
        for _ in range(400 if kind in ("relation", "ambiguous") else 80):  # those are the hardest to come by
            phrase = makers[kind]()
            if phrase is not None and _plainest(phrase.text) not in out:
                targets = tuple(shot.objects[k].id for k in np.flatnonzero(phrase.verdict == YES))
                out[_plainest(phrase.text)] = SimExpression(speaker.command(phrase), kind, targets, True)
                failures = 0
                break
        else:
            failures += 1
    return list(out.values())


_SAME = (
    *((rf"\b(?:{'|'.join(sorted(words, key=len, reverse=True))})\b", words[0]) for words in RELATION_WORDS.values()),
    (r"\bobject\b", "thing"),
    (r" on the (?:table|floor)\b", ""),
    (r"^the (.*) farthest to the (left|right)$", r"the \2most \1"),
    (r"^the (.*) farthest away$", r"the farthest \1"),
    (r"^the (.*) closest to you$", r"the nearest \1"),
    (r"\bclosest\b", "nearest"),
)


def _plainest(text: str) -> str:
    """The same for sentences that differ in nothing but synonyms."""
    for pattern, word in _SAME:
        text = re.sub(pattern, word, text)
    return text


class PlainSpeaker(Speaker):
    """Draws plain phrases about one frame; every maker gives None when the draw came to nothing."""

    def __init__(self, shot: SimFrame, rng: np.random.Generator) -> None:
        super().__init__(shot, rng)
        self.good &= np.array([o.pixels >= MIN_PIXELS for o in shot.objects])
        self.nouns = [n for n in _NOUNS if (is_noun(self.objects, n)[self.good] == YES).any()]
        self.colors = sorted({o.color for o, good in zip(shot.objects, self.good, strict=True) if good})
        bottom = np.array([o.position[2] - o.size[2] / 2 for o in shot.objects])
        hung = np.array([o.category in WALL_THINGS for o in shot.objects])
        standing = np.array([o.supporter == 0 for o in shot.objects]) & ~hung
        raised = bool(standing.any() and np.median(bottom[standing]) > 0.3)
        self.ground = "table" if raised else "floor"
        furniture = np.array([o.category in FURNITURE for o in shot.objects])
        lies = ~hung & (bottom > 0.3) if raised else standing & (bottom < 0.02) & ~furniture
        self.on_ground = np.where(lies, YES, NO).astype(np.int8)

    def command(self, phrase: Phrase) -> str:
        if self.rng.random() > 0.3:
            return phrase.text
        return str(self.pick(_COMMANDS[:2] if phrase.furniture else _COMMANDS)).format(phrase.text)

    def _color(self, word: str) -> np.ndarray:
        """(N,) verdicts: the main colour counts, others that cover much and shades near the word are in doubt."""
        alike = {a if b == word else b for a, b in _ALIKE if word in (a, b)}
        verdicts = [YES if o.color == word else UNCLEAR if word in o.also or o.color in alike else NO
                    for o in self.objects]  # fmt: skip
        return np.array(verdicts, np.int8)

    def _phrase(self, noun: str, color: str = "", shape: str = "") -> Phrase:
        phrase = super()._phrase(noun, "", shape)
        verdict = phrase.verdict
        if color:
            verdict = np.minimum(verdict, self._color(color))
        if noun in _ANY and self.ground == "table":
            # Whether the furniture around a table is a thing when things on it are spoken of is anyone's guess.
            verdict = np.minimum(verdict, np.where(self.on_ground == YES, YES, UNCLEAR))
        words = " ".join(w for w in (shape, color, noun) if w)
        return Phrase(words, self._doubt(verdict), True, furniture=phrase.furniture)

    def _any_phrase(self, bare: float = 0.35) -> Phrase:
        noun = self.pick(self.nouns) if self.nouns and self.rng.random() < 0.6 else self.pick(_ANY)
        color = self.pick(self.colors) if self.colors and self.rng.random() > bare else ""
        shape = self.pick(("round", "flat", "long")) if self.rng.random() < 0.1 else ""
        phrase = self._phrase(noun, color, shape)
        if self.rng.random() < (0.3 if noun in _ANY else 0.12):
            verdict = np.minimum(phrase.verdict, self.on_ground)
            return Phrase(phrase.words, verdict, True, f" on the {self.ground}", phrase.furniture)
        return phrase

    def attribute(self) -> Phrase | None:
        phrase = self._any_phrase(bare=0.06)
        if phrase.only is not None:
            return self._enriched(phrase)
        if not phrase.is_clear:
            return None
        return self._sized(phrase) if self.rng.random() < 0.5 else self._sided(phrase)

    def _enriched(self, phrase: Phrase) -> Phrase:
        """Sometimes with a size word that is true but not needed."""
        index = phrase.only
        if self.rng.random() > 0.25 or phrase.words.split()[0] in ("round", "flat", "long"):
            return phrase
        volume = self.space.size.prod(1)[self.good]
        x, _, z = self.space.size[index]
        rank = (volume < self.space.size[index].prod()).mean()
        word = "big" if rank > 0.75 else "small" if rank < 0.25 else "tall" if z > 1.7 * x else ""
        return Phrase(f"{word} {phrase.words}".strip(), phrase.verdict, True, phrase.tail, phrase.furniture)

    def _sized(self, phrase: Phrase) -> Phrase | None:
        sized = super()._sized(phrase)
        return sized and Phrase(sized.words, sized.verdict, True, phrase.tail, sized.furniture)

    def _sided(self, phrase: Phrase) -> Phrase | None:
        """The one on the left, on the right or in the middle of the picture, the others being clearly elsewhere."""
        among = np.flatnonzero(phrase.verdict == YES)
        if phrase.tail or len(among) < 2:
            return None
        middle = self.space.boxes[among][:, [0, 2]].mean(1) / self.width
        order = np.argsort(middle)
        row = middle[order]
        options = []
        if row[0] < 0.45 and row[1] > max(0.5, row[0] + 0.15):
            options.append((order[0], " on the left"))
        if row[-1] > 0.55 and row[-2] < min(0.5, row[-1] - 0.15):
            options.append((order[-1], " on the right"))
        central = np.flatnonzero(np.abs(middle - 0.5) < 0.12)
        if len(central) == 1 and (np.abs(np.delete(middle, central) - 0.5) > 0.25).all():
            options.append((central[0], " in the middle"))
        if not options:
            return None
        chosen, tail = self.pick(options)
        return self._just(phrase, int(among[chosen]), phrase.words, tail)

    def relation(self) -> Phrase | None:
        if self.rng.random() < 0.12:
            return self._other()
        landmark, target = self._landmark(depth=1), self._any_phrase(bare=0.3)
        if target.only is None and self.rng.random() < 0.5:
            target = self._landmark(depth=1) or target  # people often say where a thing is that they have named already
        if landmark is None or target.tail or target.only == landmark.only:
            return None
        predicate, index = self.pick(_PREDICATES), landmark.only
        if predicate == "between":
            other = self._landmark(depth=1)
            if other is None or other.only == index:
                return None
            fits, words = self.space.between(index, other.only), f"between {landmark.text} and {other.text}"
        elif predicate == "next_to" and self.rng.random() < 0.5:
            side = self.pick(("left", "right"))
            fits = np.minimum(self.space.matrix("next_to")[:, index], self.space.matrix(f"{side}_of")[:, index])
            words = f"right next to {landmark.text}, on its {side}"
        else:
            fits = self.space.matrix(predicate)[:, index]
            words = f"{self.pick(RELATION_WORDS[predicate])} {landmark.text}"
        verdict = np.minimum(target.verdict, fits)
        phrase = Phrase(target.words, verdict, True, f" {words}", target.furniture)
        return phrase if phrase.only is not None else None

    def _landmark(self, depth: int) -> Phrase | None:
        landmark = super()._landmark(depth)
        return landmark if landmark is not None and not landmark.tail else None

    def _other(self) -> Phrase | None:
        """One of exactly two, by how it stands to the other."""
        phrase = self._any_phrase(bare=0.5)
        among = np.flatnonzero(phrase.verdict == YES)
        if not phrase.is_clear or len(among) != 2 or phrase.tail:
            return None
        one, two = self.rng.permutation(among)
        predicate = self.pick(("behind", "in_front_of", "left_of", "right_of", "on", "under"))
        if self.space.matrix(predicate)[one, two] != YES:
            return None
        last = self.pick((phrase.words.split()[-1], "one"))
        return self._just(phrase, int(one), phrase.words, f" {self.pick(RELATION_WORDS[predicate])} the other {last}")

    def ordinal(self) -> Phrase | None:
        phrase = self._any_phrase(bare=0.7)
        sure, perhaps = np.flatnonzero(phrase.verdict == YES), np.flatnonzero(phrase.verdict != NO)
        if len(sure) < 2:
            return None
        kind = self.rng.random()
        if kind < 0.45:
            return self._ranked_across(phrase, perhaps)
        name = "near" if kind < 0.85 else self.pick(("high", "tall", "big"))
        up = {"near": self.rng.random() < 0.2, "high": True}.get(name, self.rng.random() < 0.6)
        chosen = self._extreme(perhaps, name, up)
        if chosen is None or phrase.verdict[chosen] != YES:
            return None
        pair = len(perhaps) == 2
        forms = {
            ("near", False): ("nearest {}",) * 3 + ("closest {}", "{}, closest to you"),
            ("near", True): ("farthest {}", "{}, farthest away"),
            ("high", True): ("highest {}",),
            ("tall", True): ("tallest {}", "taller {}" if pair else "tallest {}"),
            ("tall", False): ("shortest {}", "shorter {}" if pair else "shortest {}"),
            ("big", True): ("biggest {}", "bigger {}" if pair else "largest {}"),
            ("big", False): ("smallest {}", "smaller {}" if pair else "smallest {}"),
        }
        before, _, after = self.pick(forms[name, up]).partition("{}")
        return self._just(phrase, chosen, f"{before}{phrase.words}", after.replace(",", "") + phrase.tail)

    def _ranked_across(self, phrase: Phrase, among: np.ndarray) -> Phrase | None:
        """Leftmost, rightmost, second from either side; those in doubt must not change the count."""
        boxes = self.space.boxes[among]
        middle, wide = boxes[:, [0, 2]].mean(1), boxes[:, 2] - boxes[:, 0]
        left = self.rng.random() < 0.5
        order = np.argsort(middle if left else -middle)
        rank = 1 if len(among) > 2 and self.rng.random() < 0.15 else 0
        head = order[: rank + 2]
        room = np.maximum(15, 0.25 * np.maximum(wide[head][:-1], wide[head][1:]))
        if (np.abs(np.diff(middle[head])) < room).any() or (phrase.verdict[among[head[: rank + 1]]] != YES).any():
            return None
        side = "left" if left else "right"
        # The outermost by its middle is the outermost by its edge as well.
        edge = boxes[:, 0] if left else -boxes[:, 2]
        if rank == 0 and edge[head[0]] > edge.min() + 1:
            return None
        words, tail = (f"second {phrase.words}", f" from the {side}") if rank else self.pick(
            (((f"{side}most {phrase.words}", ""),) * 3) + ((phrase.words, f" farthest to the {side}"),)
        )  # fmt: skip
        return self._just(phrase, int(among[head[rank]]), words, tail + phrase.tail)

    def absent(self) -> Phrase | None:
        """A thing of a kind or a colour that is not there; half the time nothing has that colour."""
        noun = self.pick(_NOUNS[:-3] if self.ground == "table" else _NOUNS)
        color = self.pick(VIVID if self.rng.random() < 0.8 else tuple(SHADES))
        phrase = self._phrase(noun, color)
        if self.rng.random() < 0.5 and (self._color(color) != NO).any():
            return None
        if (phrase.verdict != NO).any():
            return None
        if self.rng.random() < 0.1 and (landmark := self._landmark(depth=1)) is not None:
            words = self.pick(RELATION_WORDS[self.pick(("behind", "next_to", "left_of"))])
            return Phrase(phrase.words, phrase.verdict, True, f" {words} {landmark.text}", phrase.furniture)
        return phrase

    def ambiguous(self) -> Phrase | None:
        phrase = self._any_phrase(bare=0.4)
        fitting = int((phrase.verdict == YES).sum())
        return phrase if phrase.is_clear and 2 <= fitting <= 6 else None

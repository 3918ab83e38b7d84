"""How a model writes a box: literal text with four numbers in it. Writing, reading, and the grammar of both.

One `BoxFormat` serves three ends. `write` puts numbers into the text, `read` finds every box in an answer or says why
there is none, and `continues` says whether a piece of text can still become a valid box, which is what decoding under
a grammar asks of every token. Reading is strict: an answer of which any part is not a valid box is `Unreadable`, for a
box that is silently wrong sends a robot to the wrong place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

_MAX_ANSWER = 20_000  # letters; a longer answer is a model that does not stop


@dataclass(frozen=True)
class Unreadable:
    """An answer that holds no box, or none that can be trusted.

    Attributes:
        reason: for a person.
        text: the answer, shortened.
    """

    reason: str
    text: str

    @staticmethod
    def of(reason: str, text: str) -> Unreadable:
        """With at most 80 letters of the answer, on one line."""
        flat = " ".join(str(text)[:200].split())
        return Unreadable(reason, flat if len(flat) <= 80 else flat[:77] + "...")

    def __str__(self) -> str:
        return f"{self.reason}: {self.text!r}"


Numbers = tuple[float, float, float, float]
Limits = tuple[float, float]


@dataclass(frozen=True)
class BoxFormat:
    """Text around four numbers, each of them a multiple of a step.

    Attributes:
        parts: literals (str) and the numbers' places (int, index into x1, y1, x2, y2), in writing order; literals and
            numbers alternate and a literal ends it.
        decimals: digits after the point; 0 for whole numbers.
        zeros: width to which whole numbers are padded with zeros, 0 for none.
        opening: text that announces a box; more of these than boxes means that one is broken.
    """

    parts: tuple[str | int, ...]
    decimals: int = 0
    zeros: int = 0
    opening: str = "["

    @property
    def start(self) -> str:
        """What comes before the first number: may be put into the model's mouth."""
        return self.parts[0]

    @property
    def end(self) -> str:
        """What closes the box: generation may stop here."""
        return self.parts[-1]

    def write(self, numbers: Sequence[float]) -> str:
        """Text of four numbers."""
        return "".join(part if isinstance(part, str) else self._spell(numbers[part])[0] for part in self.parts)

    def _spell(self, value: float) -> tuple[str, ...]:
        """Ways to write a number, the usual one first."""
        if not self.decimals:
            return (str(round(value)).zfill(self.zeros),)
        full = f"{value:.{self.decimals}f}"
        short = full.rstrip("0")
        return tuple(dict.fromkeys((full, short + "0" if short.endswith(".") else short)))

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Finds a box; blanks between the parts are free. Group i is number i."""
        number = r"[0-9]+(?:\.[0-9]+)?" if self.decimals else f"[0-9]{{{max(self.zeros, 1)},6}}"
        return re.compile(
            "".join(rf"(?P<n{part}>{number})" if isinstance(part, int) else _free_blanks(part) for part in self.parts)
        )

    def read(self, text: str, limits: Limits) -> list[Numbers] | Unreadable:
        """Every box in an answer.

        Args:
            limits: largest x and y that are valid.
        """
        if not isinstance(text, str):
            return Unreadable.of("the answer is not text", repr(text))
        if len(text) > _MAX_ANSWER:
            return Unreadable.of("the answer does not end", text)
        found = list(self.pattern.finditer(text))
        if not found:
            half = self.opening in text
            return Unreadable.of("the answer has half a box" if half else "the answer has no box", text)
        per_box = "".join(part for part in self.parts if isinstance(part, str)).count(self.opening)
        if text.count(self.opening) > per_box * len(found):
            return Unreadable.of("part of the answer is no valid box", text)
        boxes = []
        for match in found:
            numbers = tuple(float(match[f"n{i}"]) for i in range(4))
            if any(n > limits[i % 2] for i, n in enumerate(numbers)):
                return Unreadable.of(f"a coordinate exceeds {limits[0]:g} x {limits[1]:g}", text)
            if numbers[0] > numbers[2] or numbers[1] > numbers[3]:
                return Unreadable.of("the corners of a box are swapped", text)
            if numbers[0] == numbers[2] or numbers[1] == numbers[3]:
                return Unreadable.of("a box has no area", text)
            boxes.append(numbers)
        return boxes

    def continues(self, text: str, limits: Limits) -> bool:
        """Whether more text (or none) can turn this into exactly one valid box."""
        return self.scan(text, limits) is not None

    def complete(self, text: str, limits: Limits) -> bool:
        """Whether this is exactly one valid box."""
        return self.scan(text, limits) == (len(self.parts), 0)

    def scan(self, text: str, limits: Limits) -> tuple[int, int] | None:
        """How far a text has come as a box: (part, letters of it), or None where it has left the grammar."""
        known: dict[int, float] = {}
        at = 0
        for index, part in enumerate(self.parts):
            rest = text[at:]
            if isinstance(part, str):
                if not rest.startswith(part):
                    return (index, len(rest)) if part.startswith(rest) else None
                at += len(part)
                continue
            allowed, prefixes = self._numbers(part, tuple(sorted(known.items())), limits)
            digits = re.match(r"[0-9.]*", rest)[0]
            if len(digits) == len(rest):
                return (index, len(digits)) if digits in prefixes else None
            if digits not in allowed:
                return None
            known[part] = float(digits)
            at += len(digits)
        return (len(self.parts), 0) if at == len(text) else None

    def _numbers(
        self, part: int, known: tuple[tuple[int, float], ...], limits: Limits
    ) -> tuple[frozenset[str], frozenset[str]]:
        """Spellings of a number that leave the box valid, and all their beginnings."""
        before = dict(known)
        step = 10**-self.decimals
        top = limits[part % 2]
        low, high = (0.0, top - step) if part < 2 else (step, top)
        other = before.get((part + 2) % 4)
        if other is not None:
            low, high = (low, min(high, other - step)) if part < 2 else (max(low, other + step), high)
        return _spellings(self._spell, round(low / step), round(high / step), step)


@lru_cache(maxsize=512)
def _spellings(
    spell: Callable[[float], tuple[str, ...]], low: int, high: int, step: float
) -> tuple[frozenset[str], frozenset[str]]:
    allowed = frozenset(text for n in range(low, high + 1) for text in spell(n * step))
    return allowed, frozenset(text[:k] for text in allowed for k in range(len(text) + 1))


def _free_blanks(literal: str) -> str:
    """A literal as a regular expression that does not mind blanks around its punctuation."""
    pieces = [re.escape(piece) for piece in re.split(r"\s*([\[\](),:{}])\s*", literal) if piece.strip()]
    return r"\s*" + r"\s*".join(pieces) + (r"\s*" if pieces else "")

"""A claim taken apart: "the red mug on the book left of the laptop" says where one of two things is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from spatial_llava_ros.language import lexicon

_FILLERS = frozenset((
    "standing", "located", "sitting", "placed", "lying", "directly", "just", "not", "positioned", "resting", "still",
    "there", "hanging", "somewhere", "really", "stand", "lie", "sit", "hang", "actually", "currently", "is", "are",
    "that", "rest", "found", "situated",
))  # fmt: skip
_SIDES = ("left", "right", "front", "back")


@dataclass(frozen=True)
class Claim:
    """One reading: subject, what is said of it, and of which landmark.

    Attributes:
        predicate: of a noun phrase's Relation ("left_of", "between"), or "side" for a place in the view.
        landmark: words; for "side" the side.
        negated: said with "not", or of a predicate that denies another ("off").
    """

    subject: str
    predicate: str
    landmark: str
    negated: bool = False


def starts_relation(words: str) -> bool:
    """Whether words begin with a relation ("left of the laptop") rather than a name."""
    return next(_relations(words.split(), start=0, stop=1), None) is not None


def readings(words: str) -> Iterator[Claim]:
    """Ways to split a claim, the shortest subject first; none for one that says no place ("the mug red")."""
    parts = words.split()
    for at, length, kind, value in _relations(parts, start=1, stop=len(parts)):
        subject = parts[:at]
        negated = "not" in subject
        while subject and subject[-1] in _FILLERS:
            subject = subject[:-1]
        landmark = parts[at + length :]
        if not subject:
            continue
        if kind == "POS":
            if not landmark and value[0] in _SIDES:
                yield Claim(" ".join(subject), "side", value[0], negated)
        elif landmark:
            predicate = "between" if kind == "BETWEEN" else "nearest" if kind == "NEAREST" else value
            if kind == "NEAREST" and value != "near":
                predicate = "farthest"
            if predicate.startswith("not:"):
                predicate, negated = predicate[4:], not negated
            if predicate.startswith("side:"):
                side = predicate[5:]
                predicate = {"left": "left_of", "right": "right_of", "front": "in_front_of", "back": "behind",
                             "top": "on", "bottom": "under", "middle": "inside"}.get(side, side)  # fmt: skip
            yield Claim(" ".join(subject), predicate, " ".join(landmark), negated)


def _relations(words: list[str], start: int, stop: int) -> Iterator[tuple[int, int, str, object]]:
    """(place, length, type, value) of each relation phrase that begins in a range, the longest at each place."""
    table, longest = lexicon.tables()[0], lexicon.longest()
    at = start
    while at < stop:
        for length in range(min(longest, len(words) - at), 0, -1):
            kind, value = table.get(tuple(words[at : at + length]), ("", None))
            if kind in ("REL", "BETWEEN", "NEAREST", "POS"):
                yield at, length, kind, value
                at += length - 1
                break
        at += 1

"""What a handler of questions gives back, and how numbers are put into words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spatial_llava_ros.questions.answer import Evidence, Unanswerable, Verdict
from spatial_llava_ros.questions.referents import the
from spatial_llava_ros.questions.view import SURE, VIEWER, View

PHRASES = {
    "left_of": "to the left of", "right_of": "to the right of", "in_front_of": "in front of", "next_to": "next to",
    "far_from": "far from", "at_edge_of": "at the edge of", "leaning_on": "leaning on", "attached_to": "attached to",
    "inside": "inside",
}  # fmt: skip


@dataclass(frozen=True)
class Reply:
    """An answer before it is tied to its question.

    Attributes:
        rows: things of the view that it is about.
        assumed: what had to be taken for granted, in words.
    """

    text: str
    evidence: tuple[Evidence, ...] = ()
    rows: tuple[int, ...] = ()
    verdict: Verdict = Verdict.NONE
    explanation: str = ""
    assumed: tuple[str, ...] = ()


def ids(view: View, *rows: int) -> tuple[int, ...]:
    """Ids of things; the viewer has none."""
    return tuple(view.ids[row] for row in rows if row != VIEWER)


def need_depth(view: View, *rows: int) -> None:
    """Raise for things whose place is not known."""
    for row in rows:
        if not view.has_depth(row):
            raise Unanswerable(f"no depth was measured on {the(view, row)}", (view.nodes[row],))


def metres(value: float, std: float = float("nan")) -> str:
    """ "about 0.42 m (± 0.02)"; millimetres only where they are known."""
    if not np.isfinite(std):
        return f"about {value:.2f} m"
    digits = 3 if std < 0.005 else 2
    return f"about {value:.{digits}f} m (± {max(std, 0.001):.{digits}f})"


def is_rough(value: float, std: float) -> bool:
    """Whether a measure may well be off by more than a quarter of it, so that a range says it better."""
    return bool(np.isfinite(std) and SURE * std > 0.25 * abs(value))


def trusted(value: float, std: float, what: str) -> None:
    """Raise where a measure is no better than a guess: a deviation of half of it or more."""
    if np.isfinite(std) and std > 0.5 * abs(value) and std > 0.02:
        raise Unanswerable(f"{what} is only known to be {value:.2f} m ± {std:.2f}, which is too uncertain to state")


def in_words(predicate: str) -> str:
    """ "to the left of"."""
    return PHRASES.get(predicate, predicate.replace("_", " "))


def listed(parts: Sequence[str]) -> str:
    """ "a, b and c"."""
    return " and ".join(([", ".join(parts[:-1])] if len(parts) > 1 else []) + list(parts[-1:]))


def capital(text: str) -> str:
    """The text with a capital letter first."""
    return text[:1].upper() + text[1:]


def clock(bearing: float) -> int:
    """Hour of the clock face of a bearing in radians, left positive: ahead is 12, right is 3."""
    return round(-np.degrees(bearing) / 30) % 12 or 12

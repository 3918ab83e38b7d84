"""How well each region of a frame suits a phrase, and which regions belong to the set that a phrase names."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from spatial_llava_ros.grounding.features import Features
from spatial_llava_ros.grounding.weights import PARTS
from spatial_llava_ros.language.expression import Relation

_LEAST, _MOST = 1e-3, 0.97  # no part is known better than this


@dataclass(eq=False)
class Fit:
    """How well each of N regions suits a phrase.

    Attributes:
        words: (N,) probability that a person would say these words of the region, if it is one thing.
        thing: (N,) probability that it is one whole thing.
        weakest: (N,) the least likely part of each.
        landmarks: for each relation of the phrase, (N, k) index of the landmarks that explain it, -1 for a surface.
        unchecked: words that geometry could not judge.
        singled_out: the phrase has a comparison or a relation to a thing, which people add to leave one thing only.
        ranked: the phrase says which one of a set is meant ("the leftmost"), so it cannot be true of two things.
    """

    words: np.ndarray
    thing: np.ndarray
    weakest: np.ndarray
    landmarks: list[tuple[Relation, np.ndarray]] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    singled_out: bool = False
    ranked: bool = False

    @classmethod
    def blank(cls, features: Features) -> Fit:
        """Before anything is said every thing fits."""
        n = len(features.regions)
        return cls(np.ones(n), features.whole, np.ones(n))

    @property
    def chance(self) -> np.ndarray:
        """(N,) probability that the phrase is true of each region: it is a thing, and called so."""
        return np.minimum(self.words * self.thing ** PARTS["thing"], _MOST)

    def relative(self) -> np.ndarray:
        """(N,) 0..1: `chance` against the best."""
        return self.chance / max(self.chance.max(initial=0), 1e-9)

    def require(self, kind: str, part: np.ndarray) -> None:
        """Multiply in one more part, (N,) probabilities, of a kind that `weights.PARTS` lists."""
        self.words = self.words * np.maximum(part, _LEAST) ** PARTS[kind]
        if kind != "rank":  # a rank is no part of its own: the first of its kind leaves the others little
            self.weakest = np.minimum(self.weakest, part)

    def members(self, same: np.ndarray) -> np.ndarray:
        """(N,) probability that each belongs to the set the phrase names; regions that repeat a better one get 0."""
        return distinct(self.chance, same) * self.chance


def distinct(chance: np.ndarray, same: np.ndarray) -> np.ndarray:
    """(N,) bool: the best of every group of regions that claim the same pixels (greedy, best first)."""
    keep = np.zeros(len(chance), bool)
    taken = np.zeros(len(chance), bool)
    for i in np.argsort(-chance, kind="stable"):
        if not taken[i]:
            keep[i] = True
            taken |= same[i]
    return keep

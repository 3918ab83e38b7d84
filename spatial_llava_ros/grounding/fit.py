"""How well each region of a frame suits a phrase, and which regions belong to the set that a phrase names."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from spatial_llava_ros.grounding.features import Features
from spatial_llava_ros.language.expression import Relation

THING = 0.7  # exponent of `thing` beside the words: how whole a region is and how well it fits are not independent
_HALF, _STEEP = 0.5, 10.0  # a region this good relative to the best is in the set or not


@dataclass(eq=False)
class Fit:
    """How well each of N regions suits a phrase.

    Attributes:
        words: (N,) probability that a person would say these words of the region, if it is one thing.
        thing: (N,) probability that it is one whole thing.
        weakest: (N,) the least likely part of each.
        landmarks: for each relation of the phrase, (N, k) index of the landmarks that explain it, -1 for a surface.
        unchecked: words that geometry could not judge.
        singled_out: the phrase has a superlative, a comparison or a relation, which people add to leave one thing only.
    """

    words: np.ndarray
    thing: np.ndarray
    weakest: np.ndarray
    landmarks: list[tuple[Relation, np.ndarray]] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    singled_out: bool = False

    @classmethod
    def blank(cls, features: Features) -> Fit:
        """Before anything is said every thing fits."""
        n = len(features.regions)
        return cls(np.ones(n), features.whole, np.ones(n))

    @property
    def product(self) -> np.ndarray:
        """(N,) ranks the regions: a thing, and called so."""
        return self.words * self.thing**THING

    def relative(self) -> np.ndarray:
        """(N,) 0..1: `product` against the best."""
        return self.product / max(self.product.max(initial=0), 1e-9)

    def require(self, part: np.ndarray) -> None:
        """Multiply in one more part, (N,) probabilities."""
        self.words = self.words * part
        self.weakest = np.minimum(self.weakest, part)

    def members(self, same: np.ndarray) -> np.ndarray:
        """(N,) probability that each belongs to the set the phrase names; regions that repeat a better one get 0."""
        return distinct(self.product, same) / (1 + np.exp(-_STEEP * (self.relative() - _HALF)))


def distinct(product: np.ndarray, same: np.ndarray) -> np.ndarray:
    """(N,) bool: the best of every group of regions that claim the same pixels (greedy, best first)."""
    keep = np.zeros(len(product), bool)
    taken = np.zeros(len(product), bool)
    for i in np.argsort(-product, kind="stable"):
        if not taken[i]:
            keep[i] = True
            taken |= same[i]
    return keep

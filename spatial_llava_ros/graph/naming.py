"""What a person might call a thing that only its shape and colour are known of.

A depth camera cannot tell a can from a jar, so the names are a distribution over household nouns and one more answer,
"none of these"; the label is a noun only where one clearly leads, else the name of the shape.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from spatial_llava_ros.grounding import colour, nouns
from spatial_llava_ros.grounding.features import Features

CLEAR = 0.3  # a noun is used as the label from this probability on
_NONE = 1.0  # weight of "none of these": as much as one noun that fits perfectly
_CANDIDATES = 5
_SHAPE_NAMES = {
    "box": "box-shaped thing",
    "cylinder": "round thing",
    "sphere": "ball-shaped thing",
    "flat": "flat thing",
}


@lru_cache(maxsize=1)
def _nouns() -> tuple[str, ...]:
    return nouns.known()


def label_candidates(features: Features) -> list[tuple[tuple[str, float], ...]]:
    """For each row of `features` its likeliest nouns with their probabilities, best first; empty without depth."""
    fits = nouns.noun_fits(_nouns(), features.size, features.kinds, features.likely)
    probabilities = fits / (fits.sum(axis=0) + _NONE)
    measured = ~np.isnan(features.size).any(axis=1)
    best = np.argsort(-probabilities, axis=0, kind="stable")[:_CANDIDATES]
    return [
        tuple((_nouns()[k], float(probabilities[k, i])) for k in best[:, i]) if measured[i] else ()
        for i in range(len(measured))
    ]


def label_of(candidates: tuple[tuple[str, float], ...], attributes: tuple[str, ...]) -> str:
    """One name: the leading noun if it is clear, else the shape, else "thing"."""
    if candidates and candidates[0][1] >= CLEAR:
        return candidates[0][0]
    return next((attribute for attribute in attributes if attribute.endswith("thing")), "thing")


def attributes_of(features: Features) -> list[tuple[str, ...]]:
    """For each row the words that clearly apply: colour, then shape ("flat thing"), then stance."""
    colours = np.array([colour.colour_fit(name, features.colours) for name in colour.NAMES])
    words = []
    for i, size in enumerate(features.size):
        said = []
        if colours[:, i].max() > 0.6:
            said.append(colour.NAMES[int(colours[:, i].argmax())])
        kinds = {kind: features.kinds[kind][i] for kind in _SHAPE_NAMES}
        if not np.isnan(size).any():
            # A ball is also round, a sheet is also a box: the more special word first.
            special = [kind for kind in ("sphere", "flat", "cylinder", "box") if kinds[kind] > 0.6]
            said.extend(_SHAPE_NAMES[kind] for kind in special[:1])
            if size[2] > 2 * np.sqrt(size[0] * size[1]):
                said.append("tall")
        words.append(tuple(said))
    return words

"""What household nouns look like to a depth camera: size, shape and stance.

A weak prior, and meant so: a can and a jar of the same size cannot be told apart by it. It ranks candidates and vetoes
the absurd (a two-metre mug, a flat ball); only a model that recognises things can do more. Sizes are of common goods.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class NounPrior:
    """Longest side in metres (low, high), shape kinds it may have, and height over width when it stands (low, high)."""

    longest: tuple[float, float]
    kinds: tuple[str, ...]
    stance: tuple[float, float]


def _read(table: str) -> dict[str, NounPrior]:
    priors = {}
    for line in table.strip().splitlines():
        nouns, low, high, kinds, thin, tall = (cell.strip() for cell in line.split("|"))
        prior = NounPrior((float(low), float(high)), tuple(kinds.split()), (float(thin), float(tall)))
        priors.update((noun.strip(), prior) for noun in nouns.split(","))
    return priors


# noun, noun | longest side m: from | to | shape kinds | height / width: from | to
_PRIORS = _read(
    """
    mug, cup, teacup             | 0.06 | 0.15 | cylinder bowl     | 0.6 | 1.7
    glass, tumbler               | 0.07 | 0.18 | cylinder          | 0.9 | 2.5
    bowl                         | 0.09 | 0.32 | bowl cylinder     | 0.2 | 0.75
    plate, dish, saucer          | 0.12 | 0.32 | flat bowl         | 0.0 | 0.25
    can, tin                     | 0.08 | 0.20 | cylinder          | 0.8 | 2.4
    bottle                       | 0.14 | 0.36 | cylinder box      | 1.5 | 4.5
    jar, canister                | 0.07 | 0.25 | cylinder          | 0.8 | 2.2
    jug, pitcher, kettle, teapot | 0.12 | 0.35 | cylinder          | 0.7 | 2.2
    pot, pan                     | 0.12 | 0.40 | cylinder bowl     | 0.2 | 1.2
    vase                         | 0.12 | 0.45 | cylinder          | 1.0 | 4.0
    box, carton, package, packet | 0.05 | 0.80 | box               | 0.1 | 3.5
    brick, block, cube           | 0.03 | 0.30 | box               | 0.2 | 3.0
    book, magazine, notebook     | 0.14 | 0.42 | flat box          | 0.02 | 0.6
    paper, card, envelope        | 0.08 | 0.45 | flat              | 0.0 | 0.1
    ball, orange, apple, peach   | 0.05 | 0.30 | sphere            | 0.7 | 1.3
    banana                       | 0.12 | 0.25 | flat cylinder     | 0.1 | 0.6
    pear, lemon, tomato, potato  | 0.05 | 0.14 | sphere cylinder   | 0.5 | 1.7
    keyboard                     | 0.25 | 0.50 | flat box          | 0.02 | 0.2
    mouse                        | 0.07 | 0.14 | flat box sphere   | 0.2 | 0.7
    remote, phone, telephone     | 0.10 | 0.25 | flat box          | 0.05 | 0.5
    tablet                       | 0.15 | 0.30 | flat              | 0.02 | 0.2
    laptop                       | 0.25 | 0.42 | box flat          | 0.05 | 1.0
    monitor, screen              | 0.30 | 0.90 | box flat          | 0.5 | 2.0
    television, tv               | 0.50 | 1.60 | box flat          | 0.4 | 1.5
    printer, microwave           | 0.30 | 0.60 | box               | 0.3 | 1.2
    toaster                      | 0.20 | 0.40 | box               | 0.5 | 1.2
    lamp                         | 0.20 | 1.80 | cylinder          | 1.0 | 6.0
    clock                        | 0.06 | 0.40 | cylinder flat box | 0.3 | 3.0
    plant                        | 0.15 | 2.00 | cylinder sphere   | 0.7 | 3.5
    scissors, knife, fork, spoon | 0.10 | 0.35 | flat              | 0.0 | 0.3
    pen, pencil, marker, brush   | 0.10 | 0.25 | flat cylinder     | 0.0 | 0.3
    tape                         | 0.05 | 0.15 | cylinder flat     | 0.2 | 1.0
    drill                        | 0.15 | 0.30 | box               | 0.3 | 1.5
    hammer, screwdriver, clamp   | 0.12 | 0.40 | flat              | 0.05 | 0.5
    shoe, slipper, boot          | 0.20 | 0.35 | box flat          | 0.2 | 1.0
    hat, cap                     | 0.15 | 0.35 | bowl sphere       | 0.2 | 0.9
    bag, backpack                | 0.20 | 0.70 | box sphere        | 0.4 | 2.0
    suitcase                     | 0.40 | 0.85 | box               | 0.3 | 2.0
    basket, bin, bucket, can_bin | 0.18 | 0.70 | cylinder box bowl | 0.5 | 1.8
    toy, teddy, doll             | 0.05 | 0.60 | sphere box        | 0.4 | 2.5
    pillow, cushion              | 0.25 | 0.80 | box flat sphere   | 0.2 | 1.2
    towel, cloth, blanket        | 0.15 | 2.00 | flat box          | 0.0 | 0.5
    tissue                       | 0.10 | 0.30 | box               | 0.3 | 1.3
    picture, poster, mirror, painting | 0.20 | 2.00 | flat         | 0.3 | 3.0
    whiteboard, blackboard, window    | 0.50 | 3.00 | flat         | 0.3 | 2.0
    door                         | 1.50 | 2.40 | flat box          | 1.5 | 3.0
    curtain                      | 0.60 | 3.00 | flat box          | 0.5 | 4.0
    chair, armchair, stool       | 0.45 | 1.30 | box               | 0.7 | 2.5
    sofa, couch                  | 1.00 | 2.80 | box               | 0.25 | 1.0
    table, desk, counter         | 0.40 | 2.50 | box flat          | 0.2 | 1.6
    nightstand                   | 0.35 | 0.70 | box               | 0.7 | 1.8
    shelf, bookcase, cupboard, cabinet, wardrobe, dresser | 0.50 | 2.40 | box | 0.4 | 4.0
    drawer                       | 0.25 | 1.20 | box               | 0.2 | 1.5
    bed                          | 1.50 | 2.40 | box               | 0.15 | 0.8
    refrigerator, fridge         | 0.80 | 2.00 | box               | 1.2 | 3.5
    person, man, woman           | 0.80 | 2.00 | cylinder box      | 1.5 | 5.0
    rug, carpet                  | 0.50 | 4.00 | flat              | 0.0 | 0.05
    """
)

GENERIC = frozenset({"thing", "object", "item", "one", "something"})
SURFACES = frozenset({"table", "desk", "counter", "floor", "ground", "shelf", "wall", "carpet", "surface", "bed"})


def known() -> tuple[str, ...]:
    """The nouns that look different to a depth camera: of names for the same shape the first."""
    first = {id(prior): noun for noun, prior in reversed(list(_PRIORS.items()))}
    return tuple(reversed(first.values()))


def knows(noun: str) -> bool:
    """Whether geometry can say anything about a noun."""
    return noun in GENERIC or noun in _PRIORS


def noun_fit(noun: str, size: np.ndarray, kinds: dict[str, np.ndarray]) -> np.ndarray:
    """How well each thing's measured shape suits a noun, 0..1; 0.5 where nothing was measured or the noun is unknown.

    Args:
        size: (N, 3) box sides, metres, z up; NaN without depth.
        kinds: for each of box, cylinder, sphere, flat, bowl: (N,) scores 0..1; NaN without depth.
    """
    n = len(size)
    prior = _PRIORS.get(noun)
    if prior is None:
        return np.full(n, 0.5)
    longest = size.max(axis=1)
    below = np.log(prior.longest[0] / longest)
    above = np.log(longest / prior.longest[1])
    suits_size = np.exp(-0.5 * (np.maximum(np.maximum(below, above), 0) / 0.35) ** 2)
    stance = size[:, 2] / np.sqrt(size[:, 0] * size[:, 1])
    off = np.maximum(np.maximum(np.log(max(prior.stance[0], 1e-3) / stance), np.log(stance / prior.stance[1])), 0)
    # Things lie down and are seen from above, so a wrong stance lowers the score but never vetoes.
    suits_stance = 0.35 + 0.65 * np.exp(-0.5 * (off / 0.4) ** 2)
    suits_shape = 0.2 + 0.8 * np.max([kinds[kind] for kind in prior.kinds], axis=0)
    return np.nan_to_num(suits_size * suits_stance * suits_shape, nan=0.5)

"""What household nouns look like to a depth camera: size and shape.

A weak prior, and meant so: a can and a jar of the same size cannot be told apart by it. It ranks candidates and vetoes
the absurd (a two-metre mug, a flat ball); only a model that recognises things can do more. Sizes are of common goods.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class NounPrior:
    """Sides of the thing's box in metres, longest first, each as (from, to); shape kinds with how typical they are."""

    sides: np.ndarray
    kinds: dict[str, float]
    height: tuple[float, float] | None = None


# Height in metres of things that always stand the same way up.
_HEIGHT = {
    "chair": (0.7, 1.2), "armchair": (0.7, 1.2), "stool": (0.4, 0.8), "sofa": (0.6, 1.0), "table": (0.35, 0.8),
    "desk": (0.6, 0.85), "bed": (0.35, 1.1), "bowl": (0.04, 0.13), "plate": (0.01, 0.04),
}  # fmt: skip


def _read(table: str) -> dict[str, NounPrior]:
    priors = {}
    for line in table.strip().splitlines():
        nouns, *sides, kinds = (cell.strip() for cell in line.split("|"))
        ranges = np.array([[float(value) for value in side.split("-")] for side in sides]) / 100
        typical = {kind.strip("?"): 0.5 if kind.endswith("?") else 1.0 for kind in kinds.split()}
        priors.update(
            (noun.strip(), NounPrior(ranges, typical, _HEIGHT.get(noun.strip()))) for noun in nouns.split(",")
        )
    return priors


# nouns | longest | middle | shortest side in centimetres, from-to | shape kinds, ? for the less typical
_PRIORS = _read(
    """
    mug, cup, teacup             |  8-14   |  7-12  |  6-10  | cylinder bowl box?
    glass, tumbler               |  8-18   |  6-10  |  6-10  | cylinder
    bowl                         | 10-30   | 10-30  |  4-12  | bowl cylinder
    plate, dish, saucer          | 13-32   | 13-32  |  1-4   | flat bowl cylinder
    can, tin                     |  8-20   |  6-12  |  5-11  | cylinder box?
    bottle                       | 15-36   |  5-13  |  3-12  | cylinder box?
    jar, canister                |  8-25   |  6-16  |  6-16  | cylinder
    jug, pitcher, kettle, teapot | 14-35   | 10-25  |  9-20  | cylinder
    pot                          | 12-40   | 12-35  |  8-30  | cylinder bowl
    pan                          | 25-55   | 18-32  |  4-10  | cylinder bowl flat
    vase                         | 13-45   |  7-20  |  7-20  | cylinder
    box, carton, package, packet |  6-70   |  5-55  |  3-45  | box
    brick, block, cube           |  4-25   |  4-14  |  3-12  | box
    book                         | 14-36   | 10-27  |  1-6   | flat box
    magazine, notebook           | 14-36   | 10-27  | 0.2-2.5| flat box
    paper, card, envelope        |  8-42   |  5-30  | 0.1-1  | flat
    ball                         |  5-30   |  5-30  |  4-30  | sphere
    apple, orange, peach         |  6-10   |  6-10  |  5-10  | sphere
    pear, lemon, tomato, potato  |  6-12   |  5-9   |  4-9   | sphere cylinder
    banana                       | 13-25   |  3-9   |  3-5   | cylinder flat box
    keyboard                     | 26-50   | 10-20  |  1-5   | flat box
    mouse                        |  8-13   |  5-8   |  3-5   | flat box sphere
    remote                       | 13-25   |  3.5-7 |  1-4   | flat box
    phone                        | 12-18   |  6-9   | 0.6-2  | flat box
    telephone                    | 16-28   | 12-24  |  5-14  | box
    tablet                       | 17-30   | 11-22  | 0.5-2  | flat
    laptop                       | 27-42   | 20-36  |  2-30  | box flat
    monitor, screen              | 35-80   | 28-55  |  3-28  | box flat
    television, tv               | 60-160  | 35-95  |  3-35  | box flat
    printer, microwave           | 32-60   | 28-50  | 15-40  | box
    toaster                      | 22-40   | 15-25  | 12-22  | box
    lamp                         | 25-190  | 12-50  | 12-50  | cylinder box
    clock                        |  7-40   |  7-40  |  2-12  | cylinder flat box
    plant                        | 18-200  | 12-100 | 10-90  | cylinder sphere box
    scissors, knife, fork, spoon | 12-35   |  2-10  | 0.5-2.5| flat
    pen, pencil, marker, brush   | 10-25   | 0.8-3  | 0.6-3  | flat cylinder
    tape                         |  6-13   |  6-13  |  2-6   | cylinder flat
    drill                        | 15-30   | 14-25  |  5-9   | box
    hammer, screwdriver, clamp   | 12-40   |  3-14  |  2-5   | flat box
    shoe, slipper, boot          | 20-34   |  9-30  |  7-13  | box flat
    hat, cap                     | 20-36   | 17-34  | 10-20  | bowl sphere
    bag, backpack                | 22-65   | 18-45  | 10-35  | box sphere
    suitcase                     | 45-85   | 30-55  | 18-35  | box
    basket, bucket               | 20-60   | 18-50  | 12-45  | cylinder box bowl
    bin                          | 22-80   | 18-50  | 16-45  | cylinder box
    toy, doll                    |  6-50   |  5-35  |  4-30  | box sphere cylinder
    teddy                        | 12-60   | 10-40  |  8-35  | box sphere cylinder
    pillow, cushion              | 28-75   | 25-55  |  8-22  | box flat sphere
    towel, cloth, blanket        | 18-200  | 12-150 | 0.5-15 | flat box
    tissue                       | 11-26   | 10-14  |  5-14  | box
    picture, poster, mirror, painting | 20-200 | 15-150 | 0.5-6 | flat
    whiteboard, blackboard, window    | 60-300 | 45-200 | 0.5-15| flat
    door                         | 180-220 | 60-110 |  2-12  | flat box
    curtain                      | 100-300 | 40-250 |  2-30  | flat box
    chair                        | 65-120  | 40-70  | 38-65  | box
    armchair                     | 75-120  | 65-100 | 60-95  | box
    stool                        | 40-80   | 28-45  | 28-45  | box cylinder
    sofa                         | 110-280 | 70-120 | 60-100 | box
    table, desk, counter         | 40-250  | 35-120 | 30-95  | box flat cylinder
    nightstand                   | 40-70   | 35-55  | 30-45  | box
    shelf, bookcase, cupboard, cabinet, wardrobe, dresser | 60-240 | 40-200 | 22-65 | box
    drawer                       | 30-120  | 25-60  | 10-55  | box
    bed                          | 180-220 | 80-200 | 35-110 | box
    refrigerator                 | 80-200  | 50-80  | 50-75  | box
    person                       | 90-200  | 35-80  | 20-60  | cylinder box
    rug, carpet                  | 60-400  | 50-300 | 0.3-3  | flat
    """
)

GENERIC = frozenset({"thing", "object", "item", "one", "something"})
SURFACES = frozenset({"table", "desk", "counter", "floor", "ground", "shelf", "wall", "carpet", "surface", "bed"})


def known() -> tuple[str, ...]:
    """The nouns that look different to a depth camera: of names for the same shape the first."""
    first = {id(prior.sides): noun for noun, prior in reversed(list(_PRIORS.items()))}
    return tuple(reversed(first.values()))


def knows(noun: str) -> bool:
    """Whether geometry can say anything about a noun."""
    return noun in GENERIC or noun in _PRIORS


# Words that people choose first. Where one of them suits a thing better and says more, the others suit it less: a thin
# flat box is called a book.
_BASIC = (
    "mug", "bowl", "plate", "can", "bottle", "box", "book", "ball",
    "banana", "phone", "keyboard", "chair", "sofa", "table",
)  # fmt: skip


def noun_fit(noun: str, size: np.ndarray, kinds: dict[str, np.ndarray]) -> np.ndarray:
    """How well each thing's measured shape suits a noun, 0..1.

    0.25 where nothing was measured, 0.5 for a noun that is unknown here.

    Args:
        size: (N, 3) box sides, metres; NaN without depth.
        kinds: for each of box, cylinder, sphere, flat, bowl: (N,) scores 0..1; NaN without depth.
    """
    return noun_fits((noun,), size, kinds)[0]


def noun_fits(words: Sequence[str], size: np.ndarray, kinds: dict[str, np.ndarray]) -> np.ndarray:
    """`noun_fit` of several nouns at once, (M, N); what they have in common is worked out once."""
    rival = np.max([_suits(_PRIORS[word], size, kinds) / _freedom(_PRIORS[word]) for word in _BASIC], axis=0)
    fits = np.full((len(words), len(size)), 0.5)
    for row, word in zip(fits, words, strict=True):
        prior = _PRIORS.get(word)
        if prior is not None:
            suits = _suits(prior, size, kinds)
            apt = np.minimum(suits / _freedom(prior) / np.maximum(rival, 1e-9), 1)
            row[:] = np.nan_to_num(suits * (0.2 + 0.8 * apt), nan=0.25)
    return fits


def _suits(prior: NounPrior, size: np.ndarray, kinds: dict[str, np.ndarray]) -> np.ndarray:
    sides = np.log(np.maximum(np.sort(size, axis=1)[:, ::-1], 1e-3))
    low, high = np.log(prior.sides).T
    # What is hidden makes a side too short, never too long; the shorter the side, the likelier. Heavy tails, because
    # a lift that went wrong says nothing about the name.
    off = np.maximum(sides - high, 0) / 0.25 + np.maximum(low - sides, 0) / np.array([0.3, 0.5, 0.9])
    miss = (off**2).sum(axis=1)
    if prior.height is not None:
        low, high = prior.height
        height = size[:, 2]
        miss = miss + (np.log(np.maximum(np.maximum(height / high, low / np.maximum(height, 1e-3)), 1)) / 0.2) ** 2
    suits_size = 1 / (1 + miss)
    typical = np.max([weight * kinds[kind] for kind, weight in prior.kinds.items()], axis=0)
    return suits_size * (0.4 + 0.6 * typical)


def _freedom(prior: NounPrior) -> float:
    """How little a noun says about size: mean width of its ranges on a logarithmic scale; less where it is common."""
    commonness = 0.55 if "box" in prior.kinds and prior.sides[0, 1] > 10 * prior.sides[0, 0] else 1.0
    return commonness * float(np.cbrt(np.prod(np.log(prior.sides[:, 1] / prior.sides[:, 0]) + 0.3)))

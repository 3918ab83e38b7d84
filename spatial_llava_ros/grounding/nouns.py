"""What household nouns look like to a depth camera: size and shape.

What a region looks like is known as probabilities of the forms that `forms` tells apart; a noun collects those of the
forms that people call by it. For nouns beyond these there is a table of sizes of common goods. Weak, and meant so: a
can and a jar of the same size cannot be told apart; only a model that recognises things can do more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from spatial_llava_ros.grounding import forms
from spatial_llava_ros.language.vocabulary import similar


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
    box, carton, pack, package, packet |  6-70   |  5-55  |  3-45  | box
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
    teddy bear                   | 12-60   | 10-40  |  8-35  | box sphere cylinder
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

# How readily people call a form by a noun. Other nouns are held against the table of sizes alone.
_CALLED = {
    noun.strip(): {form.strip(): float(weight) for form, weight in (cell.rsplit(" ", 1) for cell in cells.split(","))}
    for nouns, cells in (
        line.split("|")
        for line in """
    mug                         | mug 1, cup 0.6
    cup, teacup                 | cup 1, mug 1, bowl 0.1
    glass, tumbler              | cup 0.9, can 0.4, vase 0.2
    bowl                        | bowl 1, plate 0.2, pot 0.2
    plate, dish, saucer         | plate 1, bowl 0.2
    can                         | can 1, tin 0.4, cup 0.1
    tin                         | tin 1, can 0.8
    bottle                      | bottle 1, vase 0.3
    jar                         | can 0.6, vase 0.5, bottle 0.4, tin 0.3
    canister                    | can 1, tin 0.6
    jug, pitcher                | bottle 0.7, vase 0.7, mug 0.3
    kettle, teapot              | pot 0.6, vase 0.5, mug 0.3
    pot                         | pot 1, plant 0.4, bowl 0.3, tin 0.2
    pan                         | plate 0.5, bowl 0.5, pot 0.5
    vase                        | vase 1, bottle 0.3
    box                         | box 1, tissue box 1, cabinet 0.4, packet 0.4, tin 0.2
    carton                      | box 1, tissue box 0.8, packet 0.4
    pack, package, packet       | packet 1, box 0.9, tissue box 0.6
    brick, block, cube          | box 0.9, tissue box 0.4, packet 0.3
    tissue                      | tissue box 1, box 0.5, paper 0.2
    book                        | book 1, magazine 0.5
    magazine, notebook          | magazine 1, book 0.8, paper 0.3
    paper, card, envelope       | paper 1, magazine 0.4, poster 0.3
    ball                        | ball 1, apple 0.4
    apple, orange, peach        | apple 1, ball 0.6
    pear, lemon, tomato, potato | apple 0.9, ball 0.4
    fruit                       | apple 1, banana 1, ball 0.3
    banana                      | banana 1
    tape                        | tape 1
    shoe, slipper, boot         | shoe 1, slipper 1
    bag, sack                   | bag 1, backpack 0.6, packet 0.2
    backpack                    | backpack 1, bag 0.5
    printer                     | printer 1, box 0.1
    bookcase, shelf             | bookcase 1, cabinet 0.4
    teddy bear                  | teddy bear 1
    toy, doll                   | teddy bear 0.9, ball 0.6
    laptop                      | laptop 1, monitor 0.3
    monitor, screen             | monitor 1, laptop 0.3
    television, tv              | monitor 0.9, picture 0.4
    keyboard                    | keyboard 1
    mouse                       | mouse 1
    phone                       | phone 1, remote 0.4
    remote                      | remote 1, phone 0.4
    tablet                      | magazine 0.5, phone 0.4, paper 0.3, book 0.4
    drill                       | drill 1
    scissors                    | scissors 1, clamp 0.3
    clamp, screwdriver, hammer  | clamp 1, scissors 0.4, drill 0.2
    lamp                        | lamp 1
    plant                       | plant 1
    chair                       | chair 1, stool 0.3
    armchair                    | sofa 0.7, chair 0.8
    table                       | table 1, cabinet 0.3, stool 0.3
    desk, counter               | table 1, cabinet 0.4
    nightstand                  | cabinet 0.8, table 0.5, stool 0.4
    sofa                        | sofa 1
    stool                       | stool 1, chair 0.3, table 0.2
    cabinet, cupboard, dresser  | cabinet 1, box 0.2
    cushion, pillow             | cushion 1
    bin, bucket, basket         | bin 1, pot 0.3
    picture, poster, painting   | picture 1, poster 1, whiteboard 0.3
    mirror, window              | picture 0.7, poster 0.4, whiteboard 0.4
    whiteboard, blackboard      | whiteboard 1, poster 0.4, picture 0.3
    """.strip().splitlines()
    )
    for noun in nouns.split(",")
}

_UNMEASURED = 0.25  # how well a noun suits where there is no depth to tell
_LIKENED = 0.2  # of a thing that looks like none of the nouns that a noun is likened to
GENERIC = frozenset({"thing", "object", "item", "one", "something"})
SURFACES = frozenset({"table", "desk", "counter", "floor", "ground", "shelf", "wall", "carpet", "surface", "bed"})


def known() -> tuple[str, ...]:
    """The nouns that look different to a depth camera: of names for the same shape the first."""
    first = {id(prior.sides): noun for noun, prior in reversed(list(_PRIORS.items()))}
    return tuple(reversed(first.values()))


def knows(noun: str) -> bool:
    """Whether geometry can say anything about a noun."""
    return noun in GENERIC or noun in _PRIORS or noun in _CALLED


# Words that people choose first. Where one of them suits a thing better and says more, the others suit it less: a thin
# flat box is called a book.
_BASIC = (
    "mug", "bowl", "plate", "can", "bottle", "box", "book", "ball",
    "banana", "phone", "keyboard", "chair", "sofa", "table",
)  # fmt: skip


def noun_fit(noun: str, size: np.ndarray, kinds: dict[str, np.ndarray], likely: np.ndarray | None = None) -> np.ndarray:
    """How well each thing's measured shape suits a noun, 0..1.

    0.25 where nothing was measured, 0.5 for a noun that is unknown here.

    Args:
        size: (N, 3) box sides, metres; NaN without depth.
        kinds: for each of box, cylinder, sphere, flat, bowl: (N,) scores 0..1; NaN without depth.
        likely: (N, K) from `forms.likeness`; None where only sizes and kinds are left of things.
    """
    return noun_fits((noun,), size, kinds, likely)[0]


@lru_cache(maxsize=256)
def likened(noun: str) -> tuple[str, ...]:
    """Nouns that a depth camera knows and that people use for one it does not: "toy" for "figurine"."""
    return tuple(known for known in _PRIORS if similar(noun, known))


def likened_fit(
    noun: str, size: np.ndarray, kinds: dict[str, np.ndarray], likely: np.ndarray | None = None
) -> np.ndarray | None:
    """`noun_fit` of a noun that `knows` denies, from its likes, and weak as that is; None where there is none."""
    words = likened(noun)
    return _LIKENED + (1 - _LIKENED) * noun_fits(words, size, kinds, likely).max(axis=0) if words else None


def noun_fits(
    words: Sequence[str], size: np.ndarray, kinds: dict[str, np.ndarray], likely: np.ndarray | None = None
) -> np.ndarray:
    """`noun_fit` of several nouns at once, (M, N); what they have in common is worked out once."""
    if likely is None:
        return _by_size(words, size, kinds)
    rest = [word for word in words if word not in _CALLED]
    fits = dict(zip(rest, _by_size(rest, size, kinds), strict=True)) if rest else {}
    return np.array([fits[word] if word in fits else _by_form(word, size, likely) for word in words])


def _by_form(noun: str, size: np.ndarray, likely: np.ndarray) -> np.ndarray:
    """The share of the forms that are called so; of a noun that is none of them only in its sizes."""
    called = _CALLED[noun]
    suits = likely @ np.array([called.get(form, 0.0) for form in forms.forms()])
    if noun not in called and noun in _PRIORS:
        suits = suits * _suits_size(_PRIORS[noun], size)
    return np.nan_to_num(suits, nan=_UNMEASURED)


def _by_size(words: Sequence[str], size: np.ndarray, kinds: dict[str, np.ndarray]) -> np.ndarray:
    rival = np.max([_suits(_PRIORS[word], size, kinds) / _freedom(_PRIORS[word]) for word in _BASIC], axis=0)
    fits = np.full((len(words), len(size)), 0.5)
    for row, word in zip(fits, words, strict=True):
        prior = _PRIORS.get(word)
        if prior is not None:
            suits = _suits(prior, size, kinds)
            apt = np.minimum(suits / _freedom(prior) / np.maximum(rival, 1e-9), 1)
            row[:] = np.nan_to_num(suits * (0.2 + 0.8 * apt), nan=_UNMEASURED)
    return fits


def _suits(prior: NounPrior, size: np.ndarray, kinds: dict[str, np.ndarray]) -> np.ndarray:
    typical = np.max([weight * kinds[kind] for kind, weight in prior.kinds.items()], axis=0)
    return _suits_size(prior, size) * (0.4 + 0.6 * typical)


def _suits_size(prior: NounPrior, size: np.ndarray) -> np.ndarray:
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
    return 1 / (1 + miss)


def _freedom(prior: NounPrior) -> float:
    """How little a noun says about size: mean width of its ranges on a logarithmic scale; less where it is common."""
    commonness = 0.55 if "box" in prior.kinds and prior.sides[0, 1] > 10 * prior.sides[0, 0] else 1.0
    return commonness * float(np.cbrt(np.prod(np.log(prior.sides[:, 1] / prior.sides[:, 0]) + 0.3)))

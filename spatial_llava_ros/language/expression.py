"""What an expression says, as types: the parser writes them, the grounder reads them."""

from __future__ import annotations

from dataclasses import dataclass

# Predicates of Relation. Viewer frame: left_of right_of in_front_of behind. World frame: the rest.
PREDICATES = (
    "left_of",
    "right_of",
    "in_front_of",
    "behind",
    "on",
    "under",
    "above",
    "below",
    "inside",
    "next_to",
    "between",
    "near",
    "far_from",
    "at_edge_of",
    "facing",
    "with",
    "bigger_than",
    "smaller_than",
    "taller_than",
    "shorter_than",
    "wider_than",
    "narrower_than",
    "longer_than",
    "thinner_than",
)

# Quantities of Ordinal, and what "first" means in each.
ORDINAL_KEYS = (
    "left",  # leftmost in the picture
    "right",
    "near",  # closest to the viewer
    "far",
    "high",  # topmost in space
    "low",
    "tall",  # by vertical extent
    "short",
    "big",  # by volume
    "small",
    "wide",  # by the larger horizontal extent
    "narrow",
    "long",
    "thin",
    "middle",  # closest to the middle of the set, from left to right
)


@dataclass(frozen=True)
class Attribute:
    """A property the thing must have ("red", "big", "round", "wooden"), or must not.

    kind is one of color, size, shape, material, position, state, pattern; value is the canonical word
    ("grey" for "gray"; vocabulary.py lists them). A shade is kept ("navy", "dark blue"; `basic_color` gives "blue").
    position values: left right middle front back top bottom ("the can on the right").
    """

    kind: str
    value: str
    negated: bool = False


@dataclass(frozen=True)
class Ordinal:
    """A superlative or rank over the things that fit the rest: rank 1 is the extreme itself.

    "the second mug from the left" is Ordinal("left", 2). among is the size the set is said to have
    ("the left one of the two": 2), or None. negated: any but that one.
    """

    key: str
    rank: int = 1
    among: int | None = None
    negated: bool = False


@dataclass(frozen=True)
class Relation:
    """How the thing stands to others: landmarks has two entries (or one plural) for between.

    adjacent: said with "just", "right", "directly", "immediately": nothing else stands between.
    extreme: "the chair closest to the door" (near) or "farthest from" it (far_from): of the things that fit the rest,
    the one of which the relation holds most.
    """

    predicate: str
    landmarks: tuple[NounPhrase, ...]
    negated: bool = False
    adjacent: bool = False
    extreme: bool = False


@dataclass(frozen=True)
class NounPhrase:
    """One thing that is spoken of.

    Attributes:
        noun: canonical head noun ("mug" for "mugs"), or "thing" where any object will do.
        attributes, ordinals, relations: all must hold; ordinals rank what is left by the others.
        count: 1 for "the mug", n for "two mugs", 0 for "all mugs" or a bare plural.
        other: True for "the other …": differs from the phrase it is said in contrast to.
        unknown: words of this phrase that the vocabulary lacks; kept, reported, never fatal.
    """

    noun: str = "thing"
    attributes: tuple[Attribute, ...] = ()
    ordinals: tuple[Ordinal, ...] = ()
    relations: tuple[Relation, ...] = ()
    count: int = 1
    other: bool = False
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReferringExpression:
    """A command, taken apart.

    Attributes:
        targets: more than one entry for "the mug and the book".
        ignored: words that were read and used for nothing (courtesies are not counted).
        corrections: spelling slips, each as (word as written, word as read).
    """

    text: str
    targets: tuple[NounPhrase, ...]
    ignored: tuple[str, ...] = ()
    corrections: tuple[tuple[str, str], ...] = ()

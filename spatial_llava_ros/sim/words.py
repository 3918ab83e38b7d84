"""What people call the simulated things: nouns, colours, shapes, each with yes, no or unclear for every object."""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.sim.colors import SHADES
from spatial_llava_ros.sim.spatial_truth import NO, UNCLEAR, YES
from spatial_llava_ros.sim.truth import TrueObject

# noun: (categories that are one, categories that someone might call one)
NOUNS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "mug": (("mug",), ("cup",)),
    "cup": (("cup", "mug"), ("bowl",)),
    "bowl": (("bowl",), ("plate", "pot")),
    "plate": (("plate",), ("bowl",)),
    "bottle": (("bottle",), ("vase",)),
    "can": (("can",), ("bin", "cup", "tin")),
    "vase": (("vase",), ("bottle",)),
    "pot": (("pot",), ("plant", "bowl")),
    "bin": (("bin",), ("cup",)),
    "box": (("box", "tissue box"), ("cabinet", "tin", "packet", "printer", "bookcase")),
    "book": (("book",), ("magazine",)),
    "ball": (("ball",), ()),
    "tissue box": (("tissue box",), ()),
    "apple": (("apple",), ("ball",)),
    "banana": (("banana",), ()),
    "fruit": (("apple", "banana"), ("ball",)),
    "roll of tape": (("tape",), ()),
    "shoe": (("shoe",), ("slipper",)),
    "teddy bear": (("teddy bear",), ()),
    "laptop": (("laptop",), ("monitor",)),
    "monitor": (("monitor",), ("laptop",)),
    "keyboard": (("keyboard",), ("laptop",)),
    "mouse": (("mouse",), ()),
    "phone": (("phone",), ()),
    "remote control": (("remote",), ("phone",)),
    "drill": (("drill",), ()),
    "lamp": (("lamp",), ()),
    "plant": (("plant",), ()),
    "chair": (("chair",), ("stool",)),
    "table": (("table",), ("cabinet", "stool")),
    "sofa": (("sofa",), ()),
    "couch": (("sofa",), ()),
    "stool": (("stool",), ("chair", "table")),
    "cabinet": (("cabinet",), ("table", "box")),
    "cushion": (("cushion",), ()),
    "pillow": (("cushion",), ()),
}
# Further nouns, for what only some layouts have; nothing is said to be absent by these.
RARER_NOUNS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "tin": (("tin",), ("can", "pot")),
    "packet": (("packet",), ("box",)),
    "pair of scissors": (("scissors",), ()),
    "clamp": (("clamp",), ()),
    "sheet of paper": (("paper",), ("magazine", "poster")),
    "magazine": (("magazine",), ("book", "paper")),
    "poster": (("poster",), ("picture", "paper")),
    "picture": (("picture",), ("poster",)),
    "whiteboard": (("whiteboard",), ()),
    "bag": (("bag",), ("backpack", "packet")),
    "backpack": (("backpack",), ("bag",)),
    "slipper": (("slipper",), ("shoe",)),
    "printer": (("printer",), ()),
    "bookcase": (("bookcase",), ("cabinet",)),
}
ANYTHING = ("thing", "object", "item")
# Nouns that shape and size alone can bear out.
PLAIN_NOUNS = frozenset(
    (*ANYTHING, "box", "can", "bottle", "bowl", "cup", "mug", "ball", "book", "chair", "sofa", "table")
)
FURNITURE = frozenset(("chair", "table", "sofa", "stool", "cabinet", "lamp", "plant", "bin", "monitor", "bookcase"))
SHAPES = ("round", "flat", "long")

WALL_THINGS = frozenset(("poster", "picture", "whiteboard"))  # nobody means them by "the thing"

_ROUND = frozenset(("ball", "bowl", "plate", "apple", "tape", "pot", "tin"))
_ROUNDISH = frozenset(
    ("can", "bottle", "mug", "cup", "vase", "lamp", "stool", "bin", "plant", "teddy bear", "table", "mouse")
)


def _verdict(yes: bool, unclear: bool) -> int:
    return YES if yes else UNCLEAR if unclear else NO


def is_noun(objects: tuple[TrueObject, ...], noun: str) -> np.ndarray:
    """(N,) int8: whether each object is called by a noun of NOUNS, RARER_NOUNS or ANYTHING."""
    if noun in ANYTHING:
        return np.array([_verdict(o.category not in WALL_THINGS, True) for o in objects], np.int8)
    sure, perhaps = NOUNS[noun] if noun in NOUNS else RARER_NOUNS[noun]
    return np.array([_verdict(o.category in sure, o.category in perhaps) for o in objects], np.int8)


def is_color(objects: tuple[TrueObject, ...], word: str) -> np.ndarray:
    """(N,) int8: whether each object is called by a colour word; white and black in poor light may pass for grey."""
    assert word in SHADES
    near_grey = ("white", "black") if word == "grey" else ("grey",) if word in ("white", "black") else ()
    return np.array([_verdict(o.color == word, word in o.also or o.color in near_grey) for o in objects], np.int8)


def is_shape(objects: tuple[TrueObject, ...], word: str) -> np.ndarray:
    """(N,) int8: whether each object is "round", "flat" or "long" (lying)."""
    out = []
    for o in objects:
        x, y, z = o.size
        if word == "round":
            out.append(_verdict(o.category in _ROUND and o.upright, o.category in _ROUND or o.category in _ROUNDISH))
        elif word == "flat":
            out.append(_verdict(z < 0.25 * y and z < 0.06, z < 0.5 * y))
        elif word == "long":
            out.append(_verdict(x > 3 * max(y, z), x > 1.8 * max(y, z) or z > 1.8 * x))
        else:
            raise KeyError(word)
    return np.array(out, np.int8)

"""All the categories, and which of them are found where."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spatial_llava_ros.sim import containers, electronics, furniture, goods, groceries, indoors, wall_things
from spatial_llava_ros.sim.model import Model

BUILDERS: dict[str, Callable[[np.random.Generator], Model]] = {
    "mug": containers.mug,
    "cup": containers.cup,
    "bowl": containers.bowl,
    "plate": containers.plate,
    "bottle": containers.bottle,
    "can": containers.can,
    "vase": containers.vase,
    "pot": containers.pot,
    "bin": containers.bin,
    "box": goods.box,
    "book": goods.book,
    "ball": goods.ball,
    "tissue box": goods.tissue_box,
    "apple": goods.apple,
    "banana": goods.banana,
    "tape": goods.tape,
    "shoe": goods.shoe,
    "teddy bear": goods.teddy,
    "laptop": electronics.laptop,
    "monitor": electronics.monitor,
    "keyboard": electronics.keyboard,
    "mouse": electronics.mouse,
    "phone": electronics.phone,
    "remote": electronics.remote,
    "drill": electronics.drill,
    "lamp": furniture.lamp,
    "plant": furniture.plant,
    "chair": furniture.chair,
    "table": furniture.table,
    "sofa": furniture.sofa,
    "stool": furniture.stool,
    "cabinet": furniture.cabinet,
    "cushion": furniture.cushion,
    "floor lamp": furniture.floor_lamp,
    "floor plant": furniture.floor_plant,
    "carton": groceries.carton,
    "milk carton": groceries.milk_carton,
    "tin": groceries.tin,
    "canister": groceries.canister,
    "jug": groceries.jug,
    "packet": groceries.packet,
    "scissors": groceries.scissors,
    "clamp": groceries.clamp,
    "paper": groceries.sheet,
    "magazine": groceries.magazine,
    "parcel": indoors.parcel,
    "bag": indoors.bag,
    "backpack": indoors.backpack,
    "slipper": indoors.slipper,
    "printer": indoors.printer,
    "bookcase": indoors.bookcase,
    "office chair": indoors.office_chair,
    "leather sofa": indoors.leather_sofa,
    **wall_things.HANGING,
}
# A floor lamp is called a lamp, a carton a box.
_CALLED_OTHERWISE = {
    "floor lamp",
    "floor plant",
    "carton",
    "milk carton",
    "canister",
    "jug",
    "parcel",
    "office chair",
    "leather sofa",
}
CATEGORIES = tuple(name for name in BUILDERS if name not in _CALLED_OTHERWISE)

# What is drawn for a place; a word twice is twice as likely.
PLACES: dict[str, tuple[str, ...]] = {
    "table": (
        *("mug", "cup", "bowl", "plate", "bottle", "can", "box", "book") * 2,
        *("mug", "bottle", "box", "box", "ball", "vase", "pot", "tissue box", "apple", "banana", "tape"),
        *("teddy bear", "mouse", "phone", "remote", "drill", "lamp", "plant"),
    ),
    "small": ("ball", "apple", "apple", "banana", "ball", "mug", "tape"),
    "shelf": (
        *("book", "box", "bottle", "can", "bowl", "mug", "vase") * 2,
        *("cup", "ball", "tissue box", "teddy bear", "plant", "lamp", "shoe", "tape", "pot", "drill", "box"),
    ),
    "crowd": (
        *("carton",) * 11,
        *("canister", "mug", "bowl", "book") * 2,
        *("can", "canister", "tin", "milk carton", "jug", "cup", "book", "packet"),
        *("bottle", "packet", "pot", "plate", "banana", "apple", "drill", "scissors", "clamp", "book", "ball", "tape"),
    ),
    "desk": (
        *("mug", "can", "carton", "book", "magazine", "tape", "canister") * 2,
        *("phone", "remote", "cup", "paper", "box", "tissue box", "scissors", "jug", "bottle", "packet", "apple"),
        *("teddy bear", "plant", "lamp", "tin", "bowl", "milk carton", "ball", "drill"),
    ),
    "floor": ("bin", "shoe", "shoe", "ball", "box", "box", "cushion", "teddy bear", "book", "drill", "bottle", "pot"),
    "tote": (
        *(
            "box",
            "box",
            "bottle",
            "can",
            "book",
            "ball",
            "banana",
            "apple",
            "remote",
            "phone",
            "drill",
            "tape",
            "shoe",
            "mug",
        ),
        *("teddy bear", "tissue box"),
    ),
}


def draw(rng: np.random.Generator, place: str) -> Model:
    """A random model of a category that is found in a place."""
    return BUILDERS[str(rng.choice(PLACES[place]))](rng)

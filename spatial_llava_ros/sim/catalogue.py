"""All the categories, and which of them are found where."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spatial_llava_ros.sim import containers, goods
from spatial_llava_ros.sim.model import Model

CATEGORIES: dict[str, Callable[[np.random.Generator], Model]] = {
    "mug": containers.mug,
    "cup": containers.cup,
    "bowl": containers.bowl,
    "plate": containers.plate,
    "bottle": containers.bottle,
    "can": containers.can,
    "box": goods.box,
    "book": goods.book,
    "ball": goods.ball,
}

# What is drawn for a place; a word twice is twice as likely.
PLACES: dict[str, tuple[str, ...]] = {
    "table": ("mug", "mug", "cup", "bowl", "bowl", "plate", "bottle", "bottle", "can", "can", "box", "box", "box", "book", "book", "ball"),
    "small": ("ball",),
}  # fmt: skip


def draw(rng: np.random.Generator, place: str) -> Model:
    """A random model of a category that is found in a place."""
    return CATEGORIES[str(rng.choice(PLACES[place]))](rng)

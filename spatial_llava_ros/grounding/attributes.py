"""What the adjectives of a phrase say of each region: colour and shape by themselves, size and place by comparison."""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.grounding import colour
from spatial_llava_ros.grounding.features import Features
from spatial_llava_ros.grounding.fit import Fit
from spatial_llava_ros.grounding.ranking import more_extreme, rank_probability
from spatial_llava_ros.language.expression import Attribute
from spatial_llava_ros.language.vocabulary import basic_color

_POSITION_KEYS = {"left": "left", "right": "right", "middle": "middle", "front": "near", "back": "far"} | {
    "top": "high",
    "bottom": "low",
}
_SIZE_KEYS = {
    "big": "big", "large": "big", "huge": "big", "small": "small", "tiny": "small", "little": "small",
    "tall": "tall", "high": "tall", "short": "short", "low": "short", "long": "long", "wide": "wide",
    "thick": "wide", "narrow": "narrow", "thin": "thin",
}  # fmt: skip
_SHAPE_KINDS = {
    "round": ("sphere", "cylinder", "bowl"), "spherical": ("sphere",), "cylindrical": ("cylinder",),
    "square": ("box",), "rectangular": ("box", "flat"), "box": ("box",), "oval": ("sphere", "cylinder"),
}  # fmt: skip


def is_relative(attribute: Attribute) -> bool:
    """Whether an attribute compares a thing with others: "big", "on the right"."""
    return attribute.value in _SIZE_KEYS or attribute.value in _POSITION_KEYS


def absolute_fit(attribute: Attribute, features: Features) -> np.ndarray | None:
    """(N,) probability of an attribute that needs no comparison; None for the others."""
    if attribute.kind == "color":
        word = attribute.value if colour.knows(attribute.value) else basic_color(attribute.value)
        return colour.colour_fit(word, features.colours) if word else None
    if attribute.kind == "shape" and attribute.value in _SHAPE_KINDS:
        suits = np.minimum(sum(features.kinds[kind] for kind in _SHAPE_KINDS[attribute.value]), 1)
        return np.nan_to_num(0.1 + 0.9 * suits, nan=0.4)
    if attribute.kind == "shape" and attribute.value == "flat":
        thin, middle = np.sort(features.size, axis=1)[:, :2].T
        return np.nan_to_num(1 / (1 + np.exp(8 * (thin / middle - 0.5))), nan=0.4)
    return None


def require_comparison(fit: Fit, attribute: Attribute, features: Features) -> None:
    """ "big", "tall", "on the right": more so than most of the other things that fit the rest."""
    key = _POSITION_KEYS[attribute.value] if attribute.kind == "position" else _SIZE_KEYS[attribute.value]
    member = fit.members(features.same)
    more = more_extreme(key, features, member)
    if attribute.kind == "position":
        part = rank_probability(more, member, features.same, 1)
        fit.require("rank", 1 - part if attribute.negated else part)
        fit.ranked = not attribute.negated
        return
    rivals = member[:, None] * ~features.same
    beaten = (((1 - more) * rivals).sum(axis=0) + 0.5) / (rivals.sum(axis=0) + 1)
    most = rank_probability(more, member, features.same, 1)
    part = 0.05 + 0.95 * (beaten + most) / 2
    fit.require("size", 1.05 - part if attribute.negated else part)

"""How sure it is that a region is one whole thing, judged against the other regions of the frame.

A proposal's score asks whether its own outline looks like that of a thing. People speak of things on one level, so the
rest of the frame counts too: a part has a better whole around it, a group has good parts inside it, what the image
border cuts or nothing carries is background more often. A small perceptron weighs these clues; `fitting.regions`
fits it on simulated scenes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from spatial_llava_ros.perceptron import Perceptron
from spatial_llava_ros.relations import Layout
from spatial_llava_ros.types import Region

WEIGHTS = Path(__file__).with_name("objectness.npz")
CLUES = (
    "odds",  # log odds of the proposal's score
    "whole",  # of the best region that it is a part of; LONE if none
    "whole ratio",  # log share of that region that it takes
    "whole colour",  # how far the colours of the two differ
    "whole parts",  # how many things that region seems to be made of
    "whole covered",  # what share of it they cover
    "part",  # log odds of the best region that is a part of it
    "part ratio",  # log share of it that this part takes
    "part colour",
    "parts",  # how many things it seems to be made of itself
    "covered",
    "rival",  # log odds of the best region that it shares pixels with, neither holding the other
    "lead",  # its log odds against those of the best in the frame
    "cut",  # how many sides of the picture it touches
    "fill",  # of its box
    "area",  # log share of the picture
    "valid",  # share of its pixels with depth
    "carried",  # whether a support plane was found under it
    "rise",  # where in the height of the smallest region around it it begins
    "colours",  # entropy of its colour names
    # in space; 0 where unknown
    "long",  # log of its longest side, metres
    "thin",  # log share of it that its shortest is
    "far",  # log distance, metres
    # against the regions of the frame, the better ones counting more
    "farther",  # log ratio of distances
    "higher",  # of its lower end, metres
    "longer",  # log ratio of longest sides
    "seen higher",  # radians
    "seen aside",
    "better valid",  # share of pixels with depth
    "good fellows",  # share of them that the same plane carries
    "room",  # to the nearest side of the picture, in hundredths of its diagonal, at most 10
)  # fmt: skip
LONE = -4.0
_PART = 0.7  # share of a region inside another that makes it a part of it


def objectness(
    regions: Sequence[Region], shape: tuple[int, int], overlap: np.ndarray, pixels: np.ndarray,
    layout: Layout, colours: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """(N,) float64 probability that each region is one whole thing.

    Args:
        shape: (H, W) of the picture.
        overlap: (N, N) shared pixels over the smaller mask.
        pixels: (N,) mask areas.
        layout: of the lifted regions.
        colours: (N, 11) shares of the basic colour names.
    """
    if not len(regions):
        return np.zeros(0)
    return 1 / (1 + np.exp(-network()(measure(regions, shape, overlap, pixels, layout, colours))))


@lru_cache(maxsize=1)
def network() -> Perceptron:
    return Perceptron.load(WEIGHTS)


def measure(
    regions: Sequence[Region], shape: tuple[int, int], overlap: np.ndarray, pixels: np.ndarray,
    layout: Layout, colours: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """(N, F) float64: the clues of `CLUES`, in that order, see `objectness`."""
    n = len(regions)
    score = np.array([region.score for region in regions])
    odds = np.log(np.maximum(score, 1e-4) / np.maximum(1 - score, 1e-4))
    box = np.array([region.box for region in regions], float).reshape(n, 4)
    cut = (box[:, :2] <= 2).sum(axis=1) + (box[:, 2:] >= np.array(shape[::-1]) - 2).sum(axis=1)
    inside = overlap * np.minimum(pixels[:, None], pixels[None, :]) / np.maximum(pixels[:, None], 1)
    holds = (inside > _PART) & (pixels[None, :] > 1.15 * pixels[:, None])  # [i, j]: i is a part of j
    crosses = (overlap > 0.2) & ~holds & ~holds.T & ~np.eye(n, dtype=bool)
    parts, covered = _good_parts(holds.T, score, pixels, overlap > 0.5)
    whole, whole_at = _best(holds, odds)
    part, part_at = _best(holds.T, odds)
    rival, _ = _best(crosses, odds)
    has_whole, has_part = whole > LONE, part > LONE
    differ = np.abs(colours[:, None] - colours[None, :]).sum(axis=2) / 2
    rows = np.arange(n)
    parent = np.where(holds, pixels[None, :], np.inf).argmin(axis=1)
    low, high = layout.low[:, 2], layout.high[:, 2]
    rise = np.clip((low - low[parent]) / np.maximum(high[parent] - low[parent], 0.01), -1, 1)
    columns = {
        "odds": odds,
        "whole": whole,
        "whole ratio": np.where(has_whole, np.log(pixels / pixels[whole_at]), 0),
        "whole colour": np.where(has_whole, differ[rows, whole_at], 0),
        "whole parts": np.where(has_whole, parts[whole_at], 0),
        "whole covered": np.where(has_whole, covered[whole_at], 0),
        "part": part,
        "part ratio": np.where(has_part, np.log(pixels[part_at] / pixels), 0),
        "part colour": np.where(has_part, differ[rows, part_at], 0),
        "parts": parts,
        "covered": covered,
        "rival": rival,
        "lead": odds - odds.max(),
        "cut": cut,
        "fill": pixels / np.maximum((box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1]), 1),
        "area": np.log(pixels / (shape[0] * shape[1])),
        "valid": [region.valid_depth for region in regions],
        "carried": [region.plane is not None for region in regions],
        "rise": np.nan_to_num(np.where(holds.any(axis=1), rise, 0)),
        "colours": -(colours * np.log(colours + 1e-6)).sum(axis=1),
    }
    columns |= _in_space(regions, score, layout)
    gap = np.minimum(box[:, :2], np.array(shape[::-1]) - box[:, 2:]).min(axis=1)
    columns["room"] = np.clip(100 * gap / np.hypot(*shape), 0, 10)
    return np.column_stack([np.asarray(columns[name], np.float64) for name in CLUES])


def _in_space(regions: Sequence[Region], score: np.ndarray, layout: Layout) -> dict[str, np.ndarray]:
    """The clues from "long" to "good fellows"."""
    share = score**2 / max((score**2).sum(), 1e-9)
    sides = np.maximum(layout.high - layout.low, 1e-3)
    known = np.isfinite(sides).all(axis=1)

    def against(values: np.ndarray) -> np.ndarray:
        there = share * np.isfinite(values)
        return values - np.nansum(there * np.where(there > 0, values, 0)) / max(there.sum(), 1e-9)

    long, thin, far, low = np.full((4, len(regions)), np.nan)
    long[known], low[known] = np.log(sides[known].max(axis=1)), layout.low[known, 2]
    thin[known] = np.log(sides[known].min(axis=1)) - long[known]
    far[known] = np.log(np.maximum(np.linalg.norm(layout.centre[known], axis=1), 0.05))
    plane = np.array([-1 if region.plane is None else region.plane for region in regions])
    columns = {
        "long": long,
        "thin": thin,
        "far": far,
        "farther": against(far),
        "higher": np.clip(against(low), -2, 2),
        "longer": against(long),
        "seen higher": against(layout.elevation.mean(axis=1)),
        "seen aside": np.abs(against(layout.bearing.mean(axis=1))),
        "better valid": against(np.array([region.valid_depth for region in regions])),
        "good fellows": ((plane[:, None] == plane[None, :]) * share).sum(axis=1),
    }
    return {name: np.nan_to_num(values) for name, values in columns.items()}


def _best(related: np.ndarray, odds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log odds of the best of the regions that each is related to, LONE if there are none, and which it is."""
    table = np.where(related, np.maximum(odds[None, :], LONE + 1e-3), LONE)
    at = table.argmax(axis=1)
    return table[np.arange(len(odds)), at], at


def _good_parts(
    contains: np.ndarray, score: np.ndarray, pixels: np.ndarray, same: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How many things each region seems to be made of, and what share of it they cover; both weighted by score."""
    number, share = np.zeros(len(score)), np.zeros(len(score))
    order = np.argsort(-score, kind="stable")
    order = order[score[order] > 0.25]
    for i in range(len(score)):
        taken = np.zeros(len(score), bool)
        for j in order[contains[i, order] & (pixels[order] > 0.08 * pixels[i])]:
            if not taken[j]:
                number[i] += score[j]
                share[i] += score[j] * pixels[j] / max(pixels[i], 1)
                taken |= same[j]
    return number, share

"""How sure it is that a region is one whole thing, judged against the other regions of the frame.

A proposal's score asks whether its own outline looks like that of a thing. People speak of things on one level, so the
rest of the frame counts too: a part has a better whole around it, a group has good parts inside it, what the image
border cuts or nothing carries is background more often. A small perceptron weighs these clues; `python -m
spatial_llava_ros.grounding.objectness` fits it on simulated scenes and rewrites `objectness.npz`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from spatial_llava_ros.perceptron import Perceptron, train
from spatial_llava_ros.relations import Layout
from spatial_llava_ros.types import Region, RgbdFrame

WEIGHTS = Path(__file__).with_name("objectness.npz")
HIDDEN = (32, 16)
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
    return 1 / (1 + np.exp(-_network()(measure(regions, shape, overlap, pixels, layout, colours))))


@lru_cache(maxsize=1)
def _network() -> Perceptron:
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
    return np.column_stack([np.asarray(columns[name], np.float64) for name in CLUES])


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


def samples(frames: Iterable[tuple[RgbdFrame, np.ndarray]], times: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Clues (M, F) of the regions of varied frames, and whether each covers its thing about as well as any (M,).

    Args:
        frames: each with its instance image (H, W).
        times: each frame is varied so often.
    """
    from spatial_llava_ros.grounding.features import extract_features
    from spatial_llava_ros.lift import lift_all
    from spatial_llava_ros.proposals import propose
    from spatial_llava_ros.proposals.variation import vary

    rng = np.random.default_rng(seed)
    clues, truth = [], []
    for original, instances in frames:
        for _ in range(times):
            frame, instance, boxes = vary(original, instances, rng)
            boxes = _mostly_seen(boxes, instance, instances, frame.intrinsics.fx / original.intrinsics.fx)
            proposals = propose(frame)
            if not boxes or not proposals.regions:
                continue
            lifted = lift_all(frame, proposals)
            features = extract_features(frame, proposals, [o for o, _ in lifted], [s for _, s in lifted])
            cover = region_cover(features.regions, instance, boxes)
            best = cover.max(axis=0)
            f = features
            clues.append(measure(f.regions, instance.shape, f.overlap, f.pixels, f.layout, f.colours))
            truth.append(((cover >= 0.5) & (cover >= best - 0.05)).any(axis=1))
    return np.concatenate(clues), np.concatenate(truth).astype(np.float64)


def _mostly_seen(boxes: dict[int, tuple], instance: np.ndarray, original: np.ndarray, zoom: float) -> dict[int, tuple]:
    """Without the things of which the border, or what was put before them, leaves less than half: nobody means them."""
    now, before = (np.bincount(labels.ravel(), minlength=max(boxes, default=0) + 1) for labels in (instance, original))
    return {i: box for i, box in boxes.items() if now[i] >= 0.5 * zoom**2 * before[i]}


def region_cover(regions: Sequence[Region], instance: np.ndarray, boxes: dict[int, tuple]) -> np.ndarray:
    """(N, K) how well each region covers each thing: geometric mean of the overlaps of masks and of boxes."""
    from spatial_llava_ros.evaluation.proposals import box_overlap

    ids = np.array(list(boxes))
    total = np.bincount(instance.ravel(), minlength=ids.max() + 1)[ids]
    shared = np.array([np.bincount(instance[r.slices][r.mask], minlength=ids.max() + 1)[ids] for r in regions])
    area = np.array([np.count_nonzero(r.mask) for r in regions])
    mask = shared / (area[:, None] + total - shared)
    return np.sqrt(mask * box_overlap([r.box for r in regions], list(boxes.values())))


def main(scenes: int = 60) -> None:
    """Fit and save."""
    from spatial_llava_ros.proposals.fitting import TRAIN_SEED, simulated
    from spatial_llava_ros.sim import LAYOUTS

    shots = simulated(LAYOUTS, range(TRAIN_SEED, TRAIN_SEED + scenes))
    clues, truth = samples(((shot.frame, shot.instance) for shot in shots), 1, 2)
    train(clues, truth, np.ones(len(truth)), HIDDEN, epochs=20, batch=256).save(WEIGHTS)


if __name__ == "__main__":
    main()

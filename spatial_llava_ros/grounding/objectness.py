"""How sure it is that a region is one whole thing, judged against the other regions of the frame.

A proposal's score asks whether its own outline looks like that of a thing. People speak of things on one level, so the
rest of the frame counts too: a part has a better whole around it, a group has good parts inside it, what the image
border cuts or nothing carries is background more often. Logistic regression; `python -m
spatial_llava_ros.grounding.objectness` fits it on simulated scenes and prints the weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spatial_llava_ros.relations import Layout
from spatial_llava_ros.types import Region

# mean and spread of each clue over simulated regions, and its weight
_CLUES: dict[str, tuple[float, float, float]] = {
    "odds": (-0.796, 1.502, 1.255),
    "whole": (0.411, 2.028, -0.648),
    "cut": (0.226, 0.580, -0.259),
    "fill": (0.636, 0.159, 0.246),
    "thin": (-2.958, 1.143, 0.327),
    "rise": (0.168, 0.318, 0.070),
    "valid": (0.874, 0.185, 0.081),
    "carried": (0.756, 0.430, 0.205),
    "parts": (0.217, 0.454, -0.184),
    "covered": (0.095, 0.195, -0.080),
    "part": (-2.032, 1.805, -0.192),
}
_BIAS = -2.005
_LONE = -3.5  # log odds of a whole, or of a part, that is not there


def objectness(
    regions: Sequence[Region], shape: tuple[int, int], overlap: np.ndarray, pixels: np.ndarray,
    size: np.ndarray, layout: Layout,
) -> np.ndarray:  # fmt: skip
    """(N,) float64 probability that each region is one whole thing.

    Args:
        shape: (H, W) of the picture.
        overlap: (N, N) shared pixels over the smaller mask.
        pixels: (N,) mask areas.
        size: (N, 3) box sides, metres; NaN without depth.
        layout: of the lifted regions.
    """
    if not len(regions):
        return np.zeros(0)
    mean, spread, weight = np.array(list(_CLUES.values())).T
    clues = measure(regions, shape, overlap, pixels, size, layout)
    return 1 / (1 + np.exp(-((clues - mean) / spread @ weight + _BIAS)))


def measure(
    regions: Sequence[Region], shape: tuple[int, int], overlap: np.ndarray, pixels: np.ndarray,
    size: np.ndarray, layout: Layout,
) -> np.ndarray:  # fmt: skip
    """(N, 11) float64: the clues of `CLUES`, in that order, see `objectness`."""
    n = len(regions)
    score = np.array([region.score for region in regions])
    odds = np.log(score / (1 - score + 1e-4) + 1e-4)
    box = np.array([region.box for region in regions], float).reshape(n, 4)
    cut = (box[:, :2] <= 2).sum(axis=1) + (box[:, 2:] >= np.array(shape[::-1]) - 2).sum(axis=1)
    inside = overlap * np.minimum(pixels[:, None], pixels[None, :]) / np.maximum(pixels[:, None], 1)
    holds = (inside > 0.7) & (pixels[None, :] > 1.15 * pixels[:, None])  # [i, j]: i is a part of j
    whole = np.where(holds, odds[None, :], -np.inf).max(axis=1, initial=-np.inf)
    part = np.where(holds.T, odds[None, :], -np.inf).max(axis=1, initial=-np.inf)
    parts, covered = _good_parts(holds.T, score, pixels, overlap > 0.5)
    parent = np.where(holds, pixels[None, :], np.inf).argmin(axis=1)
    low, high = layout.low[:, 2], layout.high[:, 2]
    rise = (low - low[parent]) / np.maximum(high[parent] - low[parent], 0.01)
    rise = np.nan_to_num(np.where(holds.any(axis=1), np.clip(rise, -1, 1), 0))
    fill = pixels / np.maximum((box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1]), 1)
    thin = np.nan_to_num(np.log(np.maximum(size.min(axis=1), 0.003)), nan=-3.0)
    valid = np.array([region.valid_depth for region in regions])
    carried = np.array([region.plane is not None for region in regions])
    lone = [np.where(np.isfinite(v), v, _LONE) for v in (whole, part)]
    return np.column_stack([odds, lone[0], cut, fill, thin, rise, valid, carried, parts, covered, lone[1]])


CLUES = ("odds", "whole", "cut", "fill", "thin", "rise", "valid", "carried", "parts", "covered", "part")


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


def fit_logistic(clues: np.ndarray, truth: np.ndarray, ridge: float = 3.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, spread and weights (with the bias last) of a ridge logistic regression, by Newton's method.

    Args:
        clues: (M, F); truth: (M,) 0 or 1.
    """
    mean, spread = clues.mean(axis=0), clues.std(axis=0) + 1e-6
    design = np.column_stack([(clues - mean) / spread, np.ones(len(clues))])
    weights = np.zeros(design.shape[1])
    for _ in range(30):
        chance = 1 / (1 + np.exp(-design @ weights))
        hessian = (design * (chance * (1 - chance))[:, None]).T @ design + ridge * np.eye(len(weights))
        weights -= np.linalg.solve(hessian, design.T @ (chance - truth) + ridge * weights)
    return mean, spread, weights


def _simulated_samples(scenes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Clues of the regions of simulated scenes, and whether each is the region that fits a true thing best."""
    from spatial_llava_ros.evaluation.proposals import box_overlap
    from spatial_llava_ros.grounding.features import mask_overlap
    from spatial_llava_ros.lift import lift
    from spatial_llava_ros.proposals import propose
    from spatial_llava_ros.relations import layout_of
    from spatial_llava_ros.sim import SimCamera, default_view, make_scene, render

    clues, truth = [], []
    for k in range(scenes):
        scene = make_scene(("tabletop", "tabletop", "room", "shelf")[k % 4], seed + k)
        shot = render(scene, default_view(scene), SimCamera())
        proposals = propose(shot.frame)
        regions = proposals.regions
        if not regions or not shot.objects:
            continue
        objects = [lift(shot.frame, region, proposals) for region in regions]
        size = np.array([np.full(3, np.nan) if o.size is None else o.size for o in objects])
        pixels = np.array([np.count_nonzero(region.mask) for region in regions], float)
        overlap = mask_overlap(regions, shot.frame.depth.shape)
        layout = layout_of(objects, proposals.up, shot.frame.intrinsics)
        clues.append(measure(regions, shot.frame.depth.shape, overlap, pixels, size, layout))
        match = box_overlap([region.box for region in regions], [thing.box_visible for thing in shot.objects])
        best = match.argmax(axis=0)
        right = np.zeros(len(regions))
        right[best[match[best, np.arange(len(best))] >= 0.5]] = 1
        truth.append(right)
    return np.concatenate(clues), np.concatenate(truth)


if __name__ == "__main__":
    mean, spread, weights = fit_logistic(*_simulated_samples(scenes=72, seed=3000))
    for name, *row in zip(CLUES, mean, spread, weights[:-1], strict=True):
        print(f'    "{name}": ({row[0]:.3f}, {row[1]:.3f}, {row[2]:.3f}),')
    print(f"_BIAS = {weights[-1]:.3f}")

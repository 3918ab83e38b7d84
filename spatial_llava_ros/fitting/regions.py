"""What is learnt of the regions of a frame: what they look like, and whether each is one whole thing.

Both come from the same look at each frame: as it is, with true outlines and with proposals, and varied.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from spatial_llava_ros.evaluation.lift import true_proposals
from spatial_llava_ros.evaluation.proposals import box_overlap
from spatial_llava_ros.fitting.variation import vary, visible_boxes
from spatial_llava_ros.grounding.features import Features, extract_features
from spatial_llava_ros.grounding.objectness import CLUES, measure
from spatial_llava_ros.lift import lift_all
from spatial_llava_ros.lift.shape import Shape
from spatial_llava_ros.perceptron import Perceptron, train
from spatial_llava_ros.proposals import propose
from spatial_llava_ros.sim import SimFrame
from spatial_llava_ros.types import Proposals, Region, RgbdFrame

HIDDEN = (48, 24)
TIMES = 2  # each frame is varied so often
LEAST_COVER = 0.5  # of a thing, for a region to stand for it
ABOUT_AS_GOOD = 0.05  # so much less than by the best region


@dataclass
class Samples:
    """Per thing that a region shows: looks (D,), what it is, in which layout; per region: clues and whole or not."""

    looks: list[np.ndarray] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    layouts: list[str] = field(default_factory=list)
    clues: list[np.ndarray] = field(default_factory=list)
    whole: list[np.ndarray] = field(default_factory=list)


def lifted_features(frame: RgbdFrame, proposals: Proposals) -> tuple[Features, list[Shape | None]]:
    """What the words are scored on, and the shapes of the regions."""
    lifted = lift_all(frame, proposals)
    shapes = [shape for _, shape in lifted]
    return extract_features(frame, proposals, [thing for thing, _ in lifted], shapes), shapes


def samples(layout: str, shot: SimFrame) -> Samples:
    """Of a frame, as it is and varied TIMES times."""
    out = Samples()
    rng = np.random.default_rng(zlib.crc32(shot.frame.color.tobytes()))  # whatever came before
    true, _ = true_proposals(shot)
    _add_looks(out, layout, shot, shot.instance, true.regions, lifted_features(shot.frame, true)[1])
    proposals = propose(shot.frame)
    if proposals.regions:
        features, shapes = lifted_features(shot.frame, proposals)
        _add_looks(out, layout, shot, shot.instance, proposals.regions, shapes)
        _add_clues(out, features, shot.instance, visible_boxes(shot.instance))
    for _ in range(TIMES):
        frame, instance, boxes = vary(shot.frame, shot.instance, rng)
        boxes = _mostly_seen(boxes, instance, shot.instance, frame.intrinsics.fx / shot.frame.intrinsics.fx)
        proposals = propose(frame)
        if proposals.regions:
            features, shapes = lifted_features(frame, proposals)
            _add_looks(out, layout, shot, instance, proposals.regions, shapes)
            _add_clues(out, features, instance, boxes)
    return out


def blank() -> Perceptron:
    """That knows nothing: what is measured before the fit needs one for as many clues as there are now."""
    count = len(CLUES)
    return Perceptron(np.zeros(count), np.ones(count), ((np.zeros((count, 1)), np.zeros(1)),))


def fit(clues: np.ndarray, whole: np.ndarray) -> Perceptron:
    """What tells whole things from other regions: clues (M, F), whole or not (M,)."""
    return train(clues, whole, np.ones(len(whole)), HIDDEN, epochs=20, batch=256)


def _add_looks(
    out: Samples, layout: str, shot: SimFrame, instance: np.ndarray, regions: Sequence[Region],
    shapes: Sequence[Shape | None],
) -> None:  # fmt: skip
    """Of the regions that show a thing rather well; `instance` is the frame's, varied or not."""
    pixels = np.bincount(instance.ravel())
    for region, shape in zip(regions, shapes, strict=True):
        covered = instance[region.slices][region.mask]
        thing = int(np.bincount(covered).argmax())
        shared = np.count_nonzero(covered == thing)
        if shape is None or not thing:
            continue
        if shared > 0.6 * (len(covered) + pixels[thing] - shared):
            out.looks.append(shape.looks)
            out.names.append(shot.object(thing).category)
            out.layouts.append(layout)


def _add_clues(out: Samples, features: Features, instance: np.ndarray, boxes: dict[int, tuple]) -> None:
    """Of all regions; a thing is shown by those that cover it about as well as any."""
    f = features
    out.clues.append(measure(f.regions, instance.shape, f.overlap, f.pixels, f.layout, f.colours))
    whole = np.zeros(len(f.regions))
    if boxes:
        cover = region_cover(f.regions, instance, boxes)
        whole[((cover >= LEAST_COVER) & (cover >= cover.max(axis=0) - ABOUT_AS_GOOD)).any(axis=1)] = 1
    out.whole.append(whole)


def _mostly_seen(boxes: dict[int, tuple], instance: np.ndarray, original: np.ndarray, zoom: float) -> dict[int, tuple]:
    """Without the things of which the border, or what was put before them, leaves less than half: nobody means them."""
    now, before = (np.bincount(labels.ravel(), minlength=max(boxes, default=0) + 1) for labels in (instance, original))
    return {i: box for i, box in boxes.items() if now[i] >= 0.5 * zoom**2 * before[i]}


def region_cover(regions: Sequence[Region], instance: np.ndarray, boxes: dict[int, tuple]) -> np.ndarray:
    """(N, K) how well each region covers each thing: geometric mean of the overlaps of masks and of boxes."""
    ids = np.array(list(boxes))
    total = np.bincount(instance.ravel(), minlength=ids.max() + 1)[ids]
    shared = np.array([np.bincount(instance[r.slices][r.mask], minlength=ids.max() + 1)[ids] for r in regions])
    area = np.array([np.count_nonzero(r.mask) for r in regions])
    mask = shared / (area[:, None] + total - shared)
    return np.sqrt(mask * box_overlap([r.box for r in regions], list(boxes.values())))

"""What the words of an expression are scored on: the regions of a frame as arrays, computed once per frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from spatial_llava_ros.grounding import forms
from spatial_llava_ros.grounding.colour import colour_index, name_shares
from spatial_llava_ros.grounding.objectness import objectness
from spatial_llava_ros.lift.shape import LOOKS, Shape
from spatial_llava_ros.relations import Layout, layout_of
from spatial_llava_ros.types import Object3D, Proposals, Region, RgbdFrame

_COLOUR_SAMPLES = 800  # pixels per region: the share of a colour is then known to 2 %


@dataclass(frozen=True, eq=False)
class Features:
    """The N regions of a frame, row by row in region order.

    Attributes:
        regions, objects: what the rows describe; objects are in the camera frame.
        proposals: where the regions come from.
        layout: boxes in the viewer frame.
        size: (N, 3) box sides, metres; NaN without depth.
        kinds: shape kind -> (N,) scores 0..1; NaN without depth.
        colours: (N, 11) shares of the basic colour names.
        whole: (N,) probability that the region is one whole thing.
        pixels: (N,) mask areas.
        overlap: (N, N) shared pixels over the smaller mask, 0..1.
        likely: (N, K) what each looks like, of `forms.forms`; NaN without depth; None if only kinds are known.
    """

    regions: tuple[Region, ...]
    objects: tuple[Object3D, ...]
    proposals: Proposals
    layout: Layout
    size: np.ndarray
    kinds: dict[str, np.ndarray]
    colours: np.ndarray
    whole: np.ndarray
    pixels: np.ndarray
    overlap: np.ndarray
    likely: np.ndarray | None = None

    @property
    def same(self) -> np.ndarray:
        """(N, N) bool: the two regions cannot both be things of their own, since one holds most of the other."""
        return self.overlap > 0.5


def mask_overlap(regions: Sequence[Region], shape: tuple[int, int]) -> np.ndarray:
    """(N, N) shared pixels over the smaller mask, measured on a picture reduced to about 160 columns."""
    n = len(regions)
    step = max(1, round(max(shape) / 160))
    height, width = -(-shape[0] // step), -(-shape[1] // step)
    flat = np.zeros((n, height, -(-width // 64) * 64), bool)
    for i, region in enumerate(regions):
        x1, y1, x2, y2 = region.box
        rows, columns = slice(-(-y1 // step), -(-y2 // step)), slice(-(-x1 // step), -(-x2 // step))
        first_row, first_column = rows.start * step - y1, columns.start * step - x1
        flat[i, rows, columns] = region.mask[first_row::step, first_column::step]
    flat = flat.reshape(n, flat.shape[1] * flat.shape[2])
    if hasattr(np, "bitwise_count"):  # NumPy 2; a matrix product waits for threads that a busy machine does not run
        words = np.packbits(flat, axis=1).view(np.uint64)
        shared = np.array([np.bitwise_count(words & one).sum(axis=1, dtype=np.float64) for one in words]).reshape(n, n)
    else:
        shared = flat.astype(np.float32) @ flat.astype(np.float32).T
    area = np.maximum(np.diag(shared), 1)
    return shared / np.minimum(area[:, None], area[None, :])


def extract_features(
    frame: RgbdFrame, proposals: Proposals, objects: Sequence[Object3D], shapes: Sequence[Shape | None]
) -> Features:
    """Arrays of everything measurable about the regions of a frame.

    Args:
        objects, shapes: one per region, in the camera frame, as `lift_all` gives them.
    """
    regions = proposals.regions
    n = len(regions)
    index = colour_index(frame.color)
    colours = np.zeros((n, 11))
    inner = np.ones((5, 5), np.uint8)
    for i, region in enumerate(regions):
        mask = region.mask
        if min(mask.shape) > 12:  # the outline is a mixture of two colours
            mask = cv2.erode(np.ascontiguousarray(mask).view(np.uint8), inner).view(bool)
            if not mask.any():
                mask = region.mask
        pixels = index[region.slices][mask]
        colours[i] = name_shares(pixels[:: max(1, pixels.size // _COLOUR_SAMPLES)])
    size = np.array([np.full(3, np.nan) if o.size is None else o.size for o in objects]).reshape(n, 3)
    unseen = np.full(len(LOOKS), np.nan)
    likely = forms.likeness(np.array([unseen if s is None else s.looks for s in shapes]).reshape(n, len(LOOKS)))
    kinds = {kind: forms.share(likely, names) for kind, names in forms.KINDS.items()}
    kinds["flat"] = np.array([np.nan if s is None else s.flat for s in shapes])
    pixels = np.array([np.count_nonzero(r.mask) for r in regions], np.float64)
    overlap = mask_overlap(regions, frame.depth.shape)
    layout = layout_of(objects, proposals.up, frame.intrinsics)
    return Features(
        regions=regions,
        objects=tuple(objects),
        proposals=proposals,
        layout=layout,
        size=size,
        kinds=kinds,
        likely=likely,
        colours=colours,
        whole=objectness(regions, frame.depth.shape, overlap, pixels, layout, colours),
        pixels=pixels,
        overlap=overlap,
    )

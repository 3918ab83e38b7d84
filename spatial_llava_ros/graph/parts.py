"""Sightings that are not things: parts of a known thing, several known things taken for one, what is cut off."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spatial_llava_ros.graph.association import Boxes, boxes_of_tracks, shared_volume, volume
from spatial_llava_ros.graph.track import Track
from spatial_llava_ros.types import RgbdFrame, SceneObject

_MOST = 0.6  # share of a box from which it counts as lying in another


def cut_off(node: SceneObject, frame: RgbdFrame) -> bool:
    """Whether a thing reaches the border of the picture, so that a part of it is not seen."""
    x1, y1, x2, y2 = node.object.box
    height, width = frame.depth.shape
    return x1 <= 1 or y1 <= 1 or x2 >= width - 1 or y2 >= height - 1


def without_parts(
    candidates: Sequence[int], sightings: Boxes, known: Sequence[Track], matches: Sequence[tuple[int, Track]]
) -> list[int]:
    """Of the sightings that may be new things those that are.

    Left out are those that are matched; those within a known thing that was not seen whole in this frame (it fell to
    pieces); and those that hold two or more known things of which none was seen (they were taken for one).

    Args:
        candidates: indices into `sightings`.
        known: confirmed tracks around.
        matches: sightings that are of known tracks.
    """
    matched = {i for i, _ in matches}
    fresh = [i for i in candidates if i not in matched]
    if not fresh or not known:
        return fresh
    tracks = boxes_of_tracks(known)
    shared = shared_volume(sightings, tracks)
    part = shared / np.maximum(volume(sightings)[:, None], 1e-9)
    whole = shared / np.maximum(volume(tracks)[None], 1e-9)
    seen_as = {track.id: i for i, track in matches}
    unseen = np.array([track.id not in seen_as for track in known])
    broken = unseen | np.array([t.id in seen_as and whole[seen_as[t.id], j] < _MOST for j, t in enumerate(known)])
    is_part = ((part > _MOST) & (whole < _MOST) & broken).any(axis=1)
    is_several = ((whole > _MOST) & unseen).sum(axis=1) > 1
    return [i for i in fresh if not (is_part[i] or is_several[i])]

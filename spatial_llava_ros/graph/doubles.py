"""Two tracks of one thing: they claim the same place and are never seen at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spatial_llava_ros.graph.association import SAME_LOOK, boxes_of_tracks, look_likelihood, shared_volume, volume
from spatial_llava_ros.graph.track import Track

_CLAIMED = 0.4  # share of the smaller box
_SHADOWED = 6  # frames in which another is seen in its place until a track is taken for a double
_SEEN_TOGETHER = 12  # frames of that which being seen at once makes up for


def doubles(present: Sequence[Track], stamp: int, replaced_after_s: float) -> list[tuple[Track, Track | None]]:
    """Tracks whose place another has taken, each with its heir: the younger track of the same thing, or None.

    Args:
        present: tracks around, already updated from the frame of `stamp`; their counts of `shadowed` are kept up.
        replaced_after_s: seconds in view without a sighting after which a track has lost its place.
    """
    fresh = [t for t in present if t.last_seen == stamp]
    if len(present) < 2 or not fresh:
        return []
    a, b = boxes_of_tracks(present), boxes_of_tracks(fresh)
    claimed = shared_volume(a, b) > _CLAIMED * np.minimum(volume(a)[:, None], volume(b)[None])
    alike = look_likelihood(a, b) > SAME_LOOK
    found = []
    for i, track in enumerate(present):
        over = [j for j in np.flatnonzero(claimed[i]) if fresh[j] is not track]
        if not over:
            continue
        if track.last_seen == stamp:
            track.shadowed = -_SEEN_TOGETHER
            continue
        track.shadowed += 1
        often = track.shadowed >= _SHADOWED and track.hits <= max(fresh[j].hits for j in over)
        lost = track.seconds_missed >= replaced_after_s and track.shadowed > 0
        if not (often or lost):
            continue
        heirs = [fresh[j] for j in over if alike[i, j] and fresh[j].id > track.id]
        found.append((track, heirs[0] if heirs and track.confirmed else None))
    return found

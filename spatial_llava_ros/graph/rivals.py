"""Of the things that one place may be taken for, the one that most looks agree on: the whole, its parts, or a group.

Proposals claim the same pixels many times over. Each claim is followed on its own; two that keep claiming the same
pixels are rivals, and only the one that is believed most is a thing. A fragment that some views show and others do not
loses to a whole that all of them show. Greedy non-maximum suppression, on evidence gathered over time instead of the
score of one picture.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spatial_llava_ros.graph.association import Boxes, boxes_of_tracks, likeness, shared_volume, volume
from spatial_llava_ros.graph.settings import MemorySettings
from spatial_llava_ros.graph.track import Track

_SAME = 0.5  # share of the smaller mask, or of the smaller box, from which two claim one place
_NEAR = 0.2  # share of the smaller box from which it is worth noting that two do not
_MOST = 8
_CONTENT, _SURE = 0.4, 0.25  # what is this small beside another and believed this much may lie in it
_LIKE = 0.95  # likeness of colours (Bhattacharyya) from which it is a part all the same: the foot of a bear
_HELD = 1.15  # how much more another must be believed to take the place of one that is relied on


def note_claims(seen: Sequence[Track | None], sightings: Boxes, overlap: np.ndarray) -> None:
    """Take down which tracks claimed the same pixels in a frame, and which stood in one place and did not.

    Args:
        seen: the track of each sighting.
        sightings: their boxes.
        overlap: (M, M) shared pixels over the smaller mask.
    """
    if len(seen) < 2:
        return
    size = volume(sightings)
    near = shared_volume(sightings, sightings) > _NEAR * np.minimum(size[:, None], size[None])
    same = overlap > _SAME
    for i, j in np.argwhere(np.triu(same | near, 1)):
        a, b = seen[i], seen[j]
        if a is None or b is None or a is b:
            continue
        tally = a.rivals.get(b, 0) + (1 if same[i, j] else -1)
        a.rivals[b] = b.rivals[a] = int(np.clip(tally, -_MOST, _MOST))


def drop_claims(track: Track) -> None:
    """A track is forgotten, by its rivals too."""
    for rival in track.rivals:
        rival.rivals.pop(track, None)
    track.rivals.clear()


def contested(tracks: Sequence[Track]) -> np.ndarray:
    """(T, T) bool: the two claim one place, by the pixels they were seen with; by their boxes if never seen at once.

    The apple in a bowl, within the outline of the bowl, is none of its parts: small, of another colour, and believed
    for itself.
    """
    boxes = boxes_of_tracks(tracks)
    size = volume(boxes)
    out = shared_volume(boxes, boxes) > _SAME * np.minimum(size[:, None], size[None])
    row = {track: i for i, track in enumerate(tracks)}
    for i, track in enumerate(tracks):
        for rival, tally in track.rivals.items():
            if rival in row:
                out[i, row[rival]] = tally > 0
    np.fill_diagonal(out, False)
    belief = np.array([track.belief for track in tracks])
    filled = np.prod(np.maximum(boxes.size, 0.01), axis=1)
    within = (filled[:, None] < _CONTENT * filled[None]) & (belief[:, None] >= _SURE)
    within &= ~(likeness(boxes, boxes) > _LIKE)
    return out & ~(within | within.T)


def settle(tracks: Sequence[Track], settings: MemorySettings, stamp: int) -> tuple[list[Track], dict[Track, Track]]:
    """Which of the tracks around are things.

    Args:
        tracks: in view now, so that there is something new to say of them.
        stamp: of the frame; tracks seen in it have it as `last_seen`.

    Returns:
        Those that are, the most believed first; and for each that lost its place to one of them, to which.
    """
    strength = np.array([_strength(track) for track in tracks])
    contest = contested(tracks) if len(tracks) > 1 else np.zeros((len(tracks), len(tracks)), bool)
    fresh = np.array([track.last_seen == stamp for track in tracks], bool)
    for i, track in enumerate(tracks):
        if track.seconds_missed < settings.replaced_after_s or np.isinf(strength[i]):
            continue
        if any(tracks[j] not in track.rivals for j in np.flatnonzero(contest[i] & fresh)):
            strength[i] = 0.0  # another thing stands in its place, and has never been seen beside it
    things: list[int] = []
    beaten: dict[Track, Track] = {}
    for i in np.argsort(-strength, kind="stable"):
        winners = [j for j in things if contest[i, j]]
        if winners and tracks[i].named_by != "user":
            beaten[tracks[i]] = tracks[winners[0]]
        elif _is_thing(tracks[i], settings):
            things.append(int(i))
    return [tracks[i] for i in things], beaten


def _strength(track: Track) -> float:
    if track.named_by == "user":
        return np.inf
    return track.belief * (_HELD if track.confirmed else 1.0)


def _is_thing(track: Track, settings: MemorySettings) -> bool:
    if track.confirmed:
        return track.named_by == "user" or track.belief >= settings.keep_belief
    enough = track.hits >= settings.confirm_hits and len(track.views) > 1
    return (enough or track.hits >= settings.confirm_hits_still) and track.belief >= settings.confirm_belief

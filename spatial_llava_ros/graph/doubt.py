"""What was not seen this time: hidden, missed, or gone? The depth image decides.

A thing is gone when the camera looked through its place for long enough. Things with holes (a chair, a rack) let rays
through while they are there: how many is learned whenever they are seen, and only more than that counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from spatial_llava_ros.graph.settings import MemorySettings
from spatial_llava_ros.graph.track import Track
from spatial_llava_ros.graph.visibility import look_at_tracks
from spatial_llava_ros.types import ObjectState, RgbdFrame

_TENTATIVE_FREE_S = 0.3  # what was hardly ever seen is hardly believed
_MIN_FRAMES = 3
_MIN_MISSES = 5


@dataclass(eq=False)
class Doubt:
    """missing: confirmed ones whose place is seen empty; gone: for long enough; dropped: tentative, not seen again.

    in_view: those that could have been seen, seen or not.
    """

    in_view: list[Track] = field(default_factory=list)
    missing: list[Track] = field(default_factory=list)
    gone: list[Track] = field(default_factory=list)
    dropped: list[Track] = field(default_factory=list)


def hold_against_depth(
    tracks: Sequence[Track], frame: RgbdFrame, matched: set[int], step: float, settings: MemorySettings,
    staring: bool = False,
) -> Doubt:  # fmt: skip
    """Update the doubts about tracks from one frame.

    Args:
        frame: with its pose in the map.
        matched: ids that were seen.
        step: seconds since the last frame.
        staring: the camera has not moved for a while.
    """
    doubt = Doubt()
    views = look_at_tracks(tracks, frame)
    for k, track in enumerate(tracks):
        inside, hidden, free = float(views.inside[k]), float(views.hidden[k]), float(views.free[k])
        if track.id in matched:
            doubt.in_view.append(track)
            if views.rays[k] and inside > 0.9 and hidden < 0.2:
                track.hollow += 0.2 * (free - track.hollow)
            continue
        if views.rays[k] == 0 or inside < 0.5:
            continue
        if hidden < 0.7 and free > 0.5 * (1 + min(track.hollow, 0.8)) * (1 - hidden):
            track.seen_free += step
            track.frames_free += 1
            waited = track.seen_free >= (settings.forget_after_s if track.confirmed else _TENTATIVE_FREE_S)
            if waited and track.frames_free >= _MIN_FRAMES:
                doubt.gone.append(track)
            elif track.confirmed:
                track.state = ObjectState.MISSING
                doubt.missing.append(track)
            continue
        track.seen_free, track.frames_free = max(track.seen_free - step, 0.0), max(track.frames_free - 1, 0)
        covered = hidden > 0.6
        if track.confirmed:
            track.state = ObjectState.OCCLUDED if covered else ObjectState.CONFIRMED
        if covered:
            continue
        doubt.in_view.append(track)
        if inside > 0.9 and hidden < 0.4:
            track.look(0.0, staring)
        track.seconds_missed += step
        track.frames_missed += 1
        missed = track.seconds_missed >= settings.drop_after_s and track.frames_missed >= _MIN_MISSES
        if missed and not track.confirmed and track.belief < settings.confirm_belief:
            doubt.dropped.append(track)
    return doubt

"""Moved, told from new: what vanished in one place and turned up in another is the same thing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np

from spatial_llava_ros.graph.association import SAME_LOOK, assign, boxes_of_tracks, look_likelihood
from spatial_llava_ros.graph.settings import MemorySettings
from spatial_llava_ros.graph.track import Track, take_place_of
from spatial_llava_ros.graph.tracks import Tracks

_MAX_LOST = 64


@dataclass(eq=False)
class Vanished:
    """Objects that were forgotten a while ago, by id."""

    lost: dict[int, Track] = field(default_factory=dict)

    def recognise(
        self, missing: Sequence[Track], tracks: Tracks, beaten: Collection[Track], settings: MemorySettings, stamp: int
    ) -> list[int]:
        """An object that is elsewhere now takes over the young track that found it there. Ids moved.

        The young one must have come after the other was last seen, look the same, and be the only one that does.

        Args:
            missing: objects whose place is seen empty now.
            tracks: where the young ones are, and the objects found again go.
            beaten: tracks that lost their place to another.
            stamp: now.
        """
        horizon = stamp - int(settings.recall_s * 1e9)
        for number, track in list(self.lost.items()):
            if track.last_seen < horizon or len(self.lost) > _MAX_LOST:
                del self.lost[number]
        tracks.grown_old(horizon)
        vacated = [track for track in missing if track.frames_free > 1]
        vacated = [*vacated, *self.lost.values()]
        young = [tracks[n] for n in tracks.young]
        young = [t for t in young if t.hits > 1 and t.belief >= settings.confirm_belief and t not in beaten]
        if not vacated or not young:
            return []
        look = look_likelihood(boxes_of_tracks(young), boxes_of_tracks(vacated))
        for a, track in enumerate(young):
            for b, old in enumerate(vacated):
                if track.id == old.id or track.first_seen < old.last_seen:
                    look[a, b] = -np.inf
        moved = []
        for a, b in assign(look, SAME_LOOK):
            if _only_one(look, a, b):
                old = vacated[b]
                tracks.forget(young[a])
                self.lost.pop(old.id, None)
                take_place_of(old, young[a], stamp)
                tracks.keep(old)
                moved.append(old.id)
        return moved


def _only_one(look: np.ndarray, a: int, b: int) -> bool:
    """Whether no other pair of this row or column is nearly as likely."""
    rivals = np.append(np.delete(look[a], b), np.delete(look[:, b], a))
    return not rivals.size or look[a, b] - rivals.max() > 1.0

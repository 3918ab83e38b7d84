"""The tracks of a memory, and everything that knows them by their ids: the floor plan, who is new, what was told.

An id above zero is given when an object is relied on; until then a track has a provisional one below zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from spatial_llava_ros.geometry import transform_points
from spatial_llava_ros.graph.rivals import drop_claims
from spatial_llava_ros.graph.spatial_hash import SpatialHash
from spatial_llava_ros.graph.track import Track
from spatial_llava_ros.types import ObjectState

_LEFT_BEHIND_NS = 30_000_000_000
_SWEPT = 64  # tentative ones looked after at each frame


class Tracks(Mapping[int, Track]):
    """Tracks by id.

    Attributes:
        next_id: the id that the next new object gets.
        young: ids of tentative ones, since they came.
    """

    def __init__(self, next_id: int = 1) -> None:
        self.next_id = next_id
        self.young: dict[int, None] = {}
        self._tracks: dict[int, Track] = {}
        self._index = SpatialHash()
        self._tentative: dict[int, None] = {}
        self._provisional = 0
        self._announced: set[int] = set()
        self._gone: set[int] = set()

    def __getitem__(self, number: int) -> Track:
        return self._tracks[number]

    def __iter__(self) -> Iterator[int]:
        return iter(self._tracks)

    def __len__(self) -> int:
        return len(self._tracks)

    @property
    def relied_on(self) -> int:
        """How many are objects."""
        return len(self._tracks) - len(self._tentative)

    def within(self, low: np.ndarray, high: np.ndarray) -> list[Track]:
        """Those on the floor plan from `low` to `high` (2 or 3,), give or take a cell, by id."""
        return [self._tracks[number] for number in self._index.within(low, high)]

    def keep(self, track: Track) -> None:
        """Put in a track under its own id."""
        self._tracks[track.id] = track
        self._gone.discard(track.id)
        self._index.put(track.id, track.position)

    def admit(self, track: Track) -> None:
        """Put in a track that was just begun, under a provisional id."""
        self._provisional -= 1
        track.id = self._provisional
        self.keep(track)
        self.young[track.id] = self._tentative[track.id] = None

    def moved(self, track: Track) -> None:
        """Its position has changed."""
        self._index.put(track.id, track.position)

    def confirm(self, track: Track) -> None:
        """A track is an object: under the id that it had when it was one before, or a new one."""
        number = track.former_id
        if not number:
            number = self.next_id
            self.next_id += 1
        self._become(track, number)

    def disown(self, track: Track) -> None:
        """It is no object after all. Its id stays its own, for when two claims change places again."""
        track.state = ObjectState.TENTATIVE
        track.former_id = track.id
        self._provisional -= 1
        self._rename(track, self._provisional)
        self._tentative[track.id] = None

    def succeed(self, old: Track, young: Track) -> None:
        """A track goes on under the id of another that was taken for the same object."""
        number = old.id
        self.disown(old)
        old.former_id = 0
        self._become(young, number)
        young.first_seen = min(old.first_seen, young.first_seen)

    def _become(self, track: Track, number: int) -> None:
        track.state, track.former_id = ObjectState.CONFIRMED, 0
        self._rename(track, number)

    def forget(self, track: Track) -> None:
        """Take a track out; its rivals forget it too."""
        self._drop(track)
        drop_claims(track)

    def shift(self, motion: np.ndarray, session: int) -> None:
        """Move what was seen since the last jump by a motion of the map (4, 4): a turn about z and a shift."""
        for track in self._tracks.values():
            if track.session != session:
                continue
            track.position = transform_points(motion, track.position)
            track.covariance = motion[:3, :3] @ track.covariance @ motion[:3, :3].T + np.eye(3) * 0.01**2
            turn = float(np.arctan2(motion[1, 0], motion[0, 0]))
            track.yaw = float((track.yaw + turn + np.pi) % (2 * np.pi) - np.pi)
            track.views, track.drift = {}, None
            track.fronts = None if track.fronts is None else motion[:3, :3] @ track.fronts
            self.moved(track)

    def grown_old(self, horizon: int) -> None:
        """Strike off the young what came before a stamp."""
        for number in list(self.young):
            if number not in self._tracks or self._tracks[number].first_seen < horizon:
                del self.young[number]

    def bound(self, stamp: int, limit: int) -> list[int]:
        """Forget tentative ones that were left behind, and what is too much. Ids removed.

        Args:
            stamp: now.
            limit: how many to remember.
        """
        removed = []
        for number in list(self._tentative)[:_SWEPT]:
            track = self._tracks[number]
            if stamp - track.last_seen > _LEFT_BEHIND_NS:
                self.forget(track)
                removed.append(number)
            else:  # to the end of the queue
                del self._tentative[number]
                self._tentative[number] = None
        surplus = len(self._tracks) - limit
        if surplus > 0:
            count = max(surplus, limit // 100)  # a few more, so as not to sort at every frame
            order = sorted(self._tracks.values(), key=lambda t: (t.named_by == "user", t.confirmed, t.last_seen, t.id))
            for track in order[:count]:
                self.forget(track)
                removed.append(track.id)
        return removed

    def told(self, ids: Iterable[int]) -> None:
        """These were shown to others, who will want to know when they go; what went has been told."""
        self._gone.clear()
        self._announced.update(ids)

    @property
    def gone(self) -> Sequence[int]:
        """Ids that others were shown and that are no more, ascending, until the next `told`."""
        return sorted(self._gone)

    def cleared(self) -> Tracks:
        """None of them; ids are not used again, and what was told is gone."""
        fresh = Tracks(self.next_id)
        fresh._gone = self._gone | self._announced
        return fresh

    def _rename(self, track: Track, number: int) -> None:
        self._drop(track)
        track.id = number
        self.keep(track)

    def _drop(self, track: Track) -> None:
        """Take a track out of everything that knows it by its id."""
        if self._tracks.pop(track.id, None) is not None:
            self._index.remove(track.id)
            if track.id in self._announced:
                self._announced.discard(track.id)
                self._gone.add(track.id)
        self._tentative.pop(track.id, None)
        self.young.pop(track.id, None)

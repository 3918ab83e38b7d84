"""The things of a map, remembered over time: what is where, what moved, what is gone.

    sightings --associate--> fuse | new | moved
    the rest  --hold against the depth image--> kept (hidden, out of view) | missing | forgotten

    memory = SceneMemory()
    for frame in frames:
        changes = memory.update(frame, frame_graph(frame))
    memory.graph(frame.world_from_camera)

An object is tentative until it was seen repeatedly and from different views, and is forgotten when its place is seen
empty. Its id is for life: it survives being hidden, pushed, carried to another place in view, and jumps of the map.
The cost of an update depends on what is near the view, not on how much is remembered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from spatial_llava_ros.errors import InvalidInputError, UnknownObjectError
from spatial_llava_ros.geometry import invert_transform, transform_points
from spatial_llava_ros.graph.anchoring import leap_between
from spatial_llava_ros.graph.association import (
    SAME_LOOK,
    Boxes,
    assign,
    boxes_of_nodes,
    boxes_of_tracks,
    look_likelihood,
    names_agree,
    pair_likelihood,
)
from spatial_llava_ros.graph.doubles import doubles
from spatial_llava_ros.graph.doubt import Doubt, hold_against_depth
from spatial_llava_ros.graph.frame_graph import relate
from spatial_llava_ros.graph.layers import depth_layers, depth_range, first_layers
from spatial_llava_ros.graph.parts import cut_off, without_parts
from spatial_llava_ros.graph.settings import MemorySettings
from spatial_llava_ros.graph.spatial_hash import SpatialHash
from spatial_llava_ros.graph.statements import layout_in_view
from spatial_llava_ros.graph.track import Track, fuse, new_track, take_place_of
from spatial_llava_ros.types import ObjectState, RgbdFrame, SceneGraph, SceneObject

_NOMINAL_S = 0.1  # between frames without stamps
_MAX_STEP_S = 0.5  # a pause counts as no more than this
_MAX_LOST = 64
_LEFT_BEHIND_NS = 30_000_000_000


@dataclass(frozen=True)
class Changes:
    """Ids that an update touched. jumped: the map leapt and the memory was moved with it."""

    new: tuple[int, ...] = ()
    seen: tuple[int, ...] = ()
    confirmed: tuple[int, ...] = ()
    moved: tuple[int, ...] = ()
    missing: tuple[int, ...] = ()
    removed: tuple[int, ...] = ()
    jumped: bool = False


@dataclass(eq=False)
class _LastLook:
    """The frame before: its stated pose, and the things seen in it (M, 3) in the camera's frame."""

    map_from_camera: np.ndarray
    places: np.ndarray


@dataclass(eq=False)
class SceneMemory:
    """Everything remembered. Not thread-safe: one caller at a time.

    Attributes:
        frame_id: the frame of every pose; empty until the first frame or file gives it.
        tracks: by id.
        revision: counts updates and edits since the last clear.
        next_id: the id that the next new object gets.
    """

    frame_id: str = ""
    settings: MemorySettings = field(default_factory=MemorySettings)
    tracks: dict[int, Track] = field(default_factory=dict)
    revision: int = 0
    next_id: int = 1
    _index: SpatialHash = field(default_factory=SpatialHash, repr=False)
    _lost: dict[int, Track] = field(default_factory=dict, repr=False)
    _young: dict[int, None] = field(default_factory=dict, repr=False)
    _tentative: dict[int, None] = field(default_factory=dict, repr=False)
    _stamp: int | None = None
    _session: int = 0
    _last: _LastLook | None = field(default=None, repr=False)
    _announced: set[int] = field(default_factory=set, repr=False)
    _gone: set[int] = field(default_factory=set, repr=False)
    _shown: SceneGraph | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.tracks)

    def update(self, frame: RgbdFrame, seen: SceneGraph | Sequence[SceneObject]) -> Changes:
        """Take in one frame.

        Args:
            frame: with its pose in the map.
            seen: the things in it, stated in the frame of the map; those without depth are left out.

        Raises:
            InvalidInputError: a frame without a pose, or things stated in another frame.
        """
        nodes = self._sightings(frame, seen)
        step = self._tick(frame.stamp)
        camera = frame.world_from_camera[:3, 3]
        sightings = boxes_of_nodes(nodes)
        around = self._around(frame, sightings)
        matches = self._match(nodes, sightings, around)
        jumped = self._follow_leap(frame, sightings, around, matches)
        if jumped:
            around = self._around(frame, sightings)
            matches = self._match(nodes, sightings, around)
        confirmed = []
        for i, track in matches:
            fuse(track, nodes[i], camera, frame.stamp, self._session, not cut_off(nodes[i], frame))
            self._index.put(track.id, track.position)
            confirmed += self._confirm(track)
        doubt = self._doubt(frame, around, {track.id for _, track in matches}, step)
        missing, removed = [t.id for t in doubt.missing], [t.id for t in (*doubt.gone, *doubt.dropped)]
        whole = [i for i, node in enumerate(nodes) if not cut_off(node, frame)]
        present = [t for t in around if t.id in self.tracks and t.confirmed]
        new = self._admit(without_parts(whole, sightings, present, matches), nodes, frame)
        moved = self._recognise(missing, frame.stamp)
        removed += self._replace(around, frame.stamp)
        removed += self._bound(frame.stamp)
        places = transform_points(invert_transform(frame.world_from_camera), sightings.centre)
        self._last = _LastLook(frame.world_from_camera, places)
        self.revision += 1
        return Changes(
            tuple(number for number in new if number in self.tracks),
            tuple(sorted(track.id for _, track in matches)),
            tuple(confirmed),
            tuple(moved),
            tuple(missing),
            tuple(number for number in dict.fromkeys(removed) if number not in self.tracks),
            jumped,
        )

    # -- what an update consists of --------------------------------------------------------------------------------

    def _sightings(self, frame: RgbdFrame, seen: SceneGraph | Sequence[SceneObject]) -> list[SceneObject]:
        if frame.world_from_camera is None:
            raise InvalidInputError("the memory needs the camera's pose in the map, and this frame has none")
        self.frame_id = self.frame_id or frame.world_frame_id
        if frame.world_frame_id != self.frame_id:
            raise InvalidInputError(f"the memory is in frame {self.frame_id!r}, got a pose in {frame.world_frame_id!r}")
        nodes = [n for n in (seen.objects if isinstance(seen, SceneGraph) else seen) if n.object.position is not None]
        for node in nodes:
            if node.object.frame_id != self.frame_id:
                raise InvalidInputError(f"objects must be in frame {self.frame_id!r}, got {node.object.frame_id!r}")
        return [n for n in nodes if np.isfinite(n.object.position).all() and np.isfinite(n.object.size).all()]

    def _tick(self, stamp: int) -> float:
        """Seconds since the last frame; when time runs backwards (a bag starts again) all clocks follow."""
        last, self._stamp = self._stamp, stamp
        if last is None or stamp == 0:
            return _NOMINAL_S
        if stamp < last:
            for track in self.tracks.values():
                track.last_seen, track.first_seen = min(track.last_seen, stamp), min(track.first_seen, stamp)
                track.last_moved = min(track.last_moved, stamp)
                track.seen_free = track.seconds_missed = 0.0
                track.frames_free = track.frames_missed = 0
            self._lost.clear()
            self._last = None
            return 0.0
        return min((stamp - last) * 1e-9, _MAX_STEP_S)

    def _around(self, frame: RgbdFrame, sightings: Boxes) -> list[Track]:
        """What is remembered in the part of the map that the frame shows."""
        k = frame.intrinsics
        depth = frame.depth[::8, ::8]
        depth = depth[np.isfinite(depth)]
        reach = float(np.percentile(depth, 99)) if depth.size else 0.5
        rim = np.array([[u, v] for u in (0, k.width) for v in (0, k.height)], np.float64)
        rays = np.column_stack([(rim[:, 0] - k.cx) / k.fx, (rim[:, 1] - k.cy) / k.fy, np.ones(4)])
        points = transform_points(frame.world_from_camera, np.vstack([np.zeros((1, 3)), rays * reach]))
        points = np.vstack([points, sightings.low, sightings.high])
        low, high = points.min(axis=0) - 0.5, points.max(axis=0) + 0.5
        return [self.tracks[number] for number in self._index.within(low, high)]

    def _match(
        self, nodes: Sequence[SceneObject], sightings: Boxes, around: Sequence[Track]
    ) -> list[tuple[int, Track]]:
        likelihood = pair_likelihood(sightings, boxes_of_tracks(around))
        for i, j in zip(*np.nonzero(np.isfinite(likelihood)), strict=True):
            if not names_agree(nodes[i], around[j]):
                likelihood[i, j] -= 4
            # What is already relied on comes before what may be a fragment.
            likelihood[i, j] += 0.5 * around[j].confirmed
        return [(i, around[j]) for i, j in assign(likelihood)]

    def _follow_leap(
        self, frame: RgbdFrame, sightings: Boxes, around: Sequence[Track], matches: list[tuple[int, Track]]
    ) -> bool:
        """Whether the map jumped; then what was seen since the last jump has been moved with it."""
        if self._last is None or len(matches) > 0.5 * min(len(sightings.centre), len(self._last.places)):
            return False
        after = transform_points(invert_transform(frame.world_from_camera), sightings.centre)
        motion = leap_between(self._last.places, after, self._last.map_from_camera, frame.world_from_camera)
        if motion is None or (np.linalg.norm(motion[:3, 3]) < 0.03 and abs(motion[1, 0]) < 0.02):
            return False
        turn = float(np.arctan2(motion[1, 0], motion[0, 0]))
        for track in self.tracks.values():
            if track.session != self._session:
                continue
            track.position = transform_points(motion, track.position)
            track.covariance = motion[:3, :3] @ track.covariance @ motion[:3, :3].T + np.eye(3) * 0.01**2
            track.yaw = float((track.yaw + turn + np.pi) % (2 * np.pi) - np.pi)
            track.views, track.drift = {}, None
            self._index.put(track.id, track.position)
        return True

    def _confirm(self, track: Track) -> list[int]:
        if track.confirmed:
            return []
        if track.misses > track.hits:  # what is proposed now and then is a trick of the light
            return []
        enough = track.hits >= self.settings.confirm_hits and len(track.views) > 1
        if not (enough or track.hits >= self.settings.confirm_hits_still):
            return []
        track.state = ObjectState.CONFIRMED
        self._tentative.pop(track.id, None)
        return [track.id]

    def _doubt(self, frame: RgbdFrame, around: Sequence[Track], matched: set[int], step: float) -> Doubt:
        """Hold what was not seen against the depth image, and forget what is gone."""
        doubt = hold_against_depth(around, frame, matched, step, self.settings)
        for track in (*doubt.gone, *doubt.dropped):
            self._forget_track(track)
        for track in doubt.gone:
            if track.confirmed:
                self._lost[track.id] = track
        return doubt

    def _admit(self, fresh: Iterable[int], nodes: Sequence[SceneObject], frame: RgbdFrame) -> list[int]:
        """Begin a tentative track for each of the sightings; their ids."""
        new = []
        for i in fresh:
            track = new_track(self.next_id, nodes[i], frame.world_from_camera[:3, 3], frame.stamp, self._session)
            self.next_id += 1
            self._keep(track)
            self._young[track.id] = self._tentative[track.id] = None
            new.append(track.id)
        return new

    def _recognise(self, missing: Sequence[int], stamp: int) -> list[int]:
        """What vanished and turned up elsewhere is the same thing, moved: it takes over the young track. Ids moved.

        The young one must have come after the other was last seen, look the same, and be the only one that does.
        """
        horizon = stamp - int(self.settings.recall_s * 1e9)
        for number, track in list(self._lost.items()):
            if track.last_seen < horizon or len(self._lost) > _MAX_LOST:
                del self._lost[number]
        for number in list(self._young):
            if number not in self.tracks or self.tracks[number].first_seen < horizon:
                del self._young[number]
        vacated = [self.tracks[n] for n in missing if n in self.tracks and self.tracks[n].frames_free > 1]
        vacated = [*vacated, *self._lost.values()]
        young = [self.tracks[n] for n in self._young if self.tracks[n].hits > 1]
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
                self._become(vacated[b], young[a], stamp)
                moved.append(vacated[b].id)
        return moved

    def _become(self, old: Track, young: Track, stamp: int) -> None:
        """An object goes on in the place of a younger track of itself, under its own id and name."""
        self._forget_track(young)
        self._lost.pop(old.id, None)
        take_place_of(old, young, stamp)
        self._keep(old)

    def _replace(self, around: Sequence[Track], stamp: int) -> list[int]:
        """Of two that claim one place and are never seen together, the one that is seen stays. Ids removed."""
        removed = []
        present = [t for t in around if t.id in self.tracks]
        for double, heir in doubles(present, stamp, self.settings.replaced_after_s):
            if heir is None or heir.id not in self.tracks:
                removed.append(double.id)
                self._forget_track(double)
            else:
                removed.append(heir.id)
                self._become(double, heir, stamp)
        return removed

    def _bound(self, stamp: int) -> list[int]:
        """Forget tentative ones that were left behind, and what is too much. Ids removed."""
        removed = []
        for number in list(self._tentative)[:8]:
            track = self.tracks[number]
            del self._tentative[number]
            if stamp - track.last_seen > _LEFT_BEHIND_NS:
                self._forget_track(track)
                removed.append(number)
            else:
                self._tentative[number] = None
        surplus = len(self.tracks) - self.settings.max_objects
        if surplus > 0:
            count = max(surplus, self.settings.max_objects // 100)  # a few more, so as not to sort at every frame
            order = sorted(self.tracks.values(), key=lambda t: (t.named_by == "user", t.confirmed, t.last_seen, t.id))
            for track in order[:count]:
                self._forget_track(track)
                removed.append(track.id)
        return removed

    def _keep(self, track: Track) -> None:
        self.tracks[track.id] = track
        self._gone.discard(track.id)
        self._index.put(track.id, track.position)

    def _forget_track(self, track: Track) -> None:
        if self.tracks.pop(track.id, None) is not None:
            self._index.remove(track.id)
            if track.id in self._announced:
                self._announced.discard(track.id)
                self._gone.add(track.id)
        self._young.pop(track.id, None)
        self._tentative.pop(track.id, None)

    # -- what others ask and edit -----------------------------------------------------------------------------------

    def objects(self, label: str = "", tentative: bool = False) -> list[SceneObject]:
        """What is remembered, by id.

        Args:
            label: only objects of this name; empty for all.
            tentative: also what was not seen often enough to be relied on.
        """
        chosen = (t for _, t in sorted(self.tracks.items()) if (tentative or t.confirmed) and label in ("", t.label))
        return [track.as_node(self.frame_id) for track in chosen]

    def graph(
        self, frame_from_camera: np.ndarray, reach: float = 8.0, limit: int = 200, everything: bool = False,
        tentative: bool = False, everywhere: bool = True,
    ) -> SceneGraph:  # fmt: skip
        """All confirmed objects, and relations among those near a viewer.

        Args:
            frame_from_camera: (4, 4) pose of the viewer's camera: whose left and right it is.
            reach: metres from the viewer within which things are related.
            limit: related at most; the nearest.
            everything, tentative: as in `frame_graph`, `objects`.
            everywhere: False for only the objects near the viewer, at a cost that does not grow with the map.
        """
        camera = frame_from_camera[:3, 3]
        near_by = sorted(self.tracks) if everywhere else self._index.within(camera - reach, camera + reach)
        nodes = [self.tracks[n].as_node(self.frame_id) for n in near_by if tentative or self.tracks[n].confirmed]
        away = np.array([np.linalg.norm(n.object.position - camera) for n in nodes])
        near = [int(i) for i in np.argsort(away, kind="stable")[:limit] if away[i] <= reach]
        near.sort()
        camera_from_frame = invert_transform(frame_from_camera)
        ranges = np.array([depth_range(nodes[i].object, camera_from_frame) for i in near]).reshape(-1, 2)
        ranges[ranges[:, 0] < 0] = np.nan  # behind the viewer's back there are no layers
        layers = dict(zip(near, first_layers(depth_layers(ranges), len(near)), strict=True))
        nodes = [replace(node, layer=layers.get(i, 0)) for i, node in enumerate(nodes)]
        related = [nodes[i] for i in near]
        up = np.array([0.0, 0.0, 1.0])
        layout = layout_in_view([n.object for n in related], frame_from_camera, up)
        relations = relate(related, layout, self._shown, everything)
        shown = SceneGraph(
            self.frame_id, self._stamp or 0, tuple(nodes), tuple(relations), frame_from_camera, up,
            tuple(sorted(self._gone)), self.revision,
        )  # fmt: skip
        if not everything and not tentative:
            self._shown = shown
            self._gone.clear()
            self._announced.update(n.object.id for n in nodes)
        return shown

    def clear(self) -> None:
        """Forget everything; ids are not used again."""
        fresh = SceneMemory(self.frame_id, self.settings, next_id=self.next_id)
        fresh._gone = self._gone | self._announced
        self.__dict__.update(fresh.__dict__)

    def restore(self, tracks: Iterable[Track], next_id: int) -> None:
        """Take over tracks that were saved, in place of what is remembered.

        Args:
            next_id: the first id that was never given.
        """
        self.clear()
        self.next_id = next_id
        for track in tracks:
            self._keep(track)

    def forget(self, ids: Iterable[int] = (), label: str = "") -> list[int]:
        """Take objects out, by id and by name; the ids that went.

        Raises:
            UnknownObjectError: an id that is not remembered; then nothing is forgotten.
        """
        chosen = dict.fromkeys(self._known(number).id for number in ids)
        if label:
            chosen |= dict.fromkeys(n for n, t in self.tracks.items() if t.label == label)
        for number in chosen:
            self._forget_track(self.tracks[number])
            self._lost.pop(number, None)
        self.revision += 1
        return sorted(chosen)

    def relabel(self, number: int, label: str) -> None:
        """Give an object the name that people use; sightings do not change it any more, the next relabel does.

        Raises:
            UnknownObjectError: an id that is not remembered.
            InvalidInputError: a name that is empty or longer than 80 characters.
        """
        track = self._known(number)
        name = " ".join(label.split()) if isinstance(label, str) else ""
        if not name or len(name) > 80:
            raise InvalidInputError(f"label must be 1 to 80 characters, got {label!r}")
        track.label, track.named_by = name, "user"
        if not track.confirmed:  # a person vouches for it
            track.state = ObjectState.CONFIRMED
            self._tentative.pop(number, None)
        self.revision += 1

    def _known(self, number: int) -> Track:
        if number not in self.tracks:
            raise UnknownObjectError(f"no object with id {number} is remembered")
        return self.tracks[number]


def _only_one(look: np.ndarray, a: int, b: int) -> bool:
    """Whether no other pair of this row or column is nearly as likely."""
    rivals = np.append(np.delete(look[a], b), np.delete(look[:, b], a))
    return not rivals.size or look[a, b] - rivals.max() > 1.0

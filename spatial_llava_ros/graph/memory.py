"""The things of a map, remembered over time: what is where, what moved, what is gone.

    sightings --associate--> fuse | new | moved
    the rest  --hold against the depth image--> kept (hidden, out of view) | missing | forgotten

    memory = SceneMemory()
    for frame in frames:
        changes = memory.update(frame, candidates_in(frame, propose(frame)).stated_in(frame))
    memory.graph(frame.world_from_camera)

Whatever a frame may show as a thing is followed; an object is what was seen repeatedly, from different views, and is
believed more than whatever else claims its place (`rivals`). It is forgotten when its place is seen empty. It has its
id for life, through being hidden, pushed, carried to another place in view, and jumps of the map; what is not relied
on yet has a number below zero.
The cost of an update depends on what is near the view, not on how much is remembered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from spatial_llava_ros.errors import InvalidInputError, UnknownObjectError
from spatial_llava_ros.geometry import invert_transform, transform_points
from spatial_llava_ros.graph.anchoring import leading, leap_between
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
from spatial_llava_ros.graph.candidates import Candidates, usable_sightings
from spatial_llava_ros.graph.doubt import Doubt, hold_against_depth
from spatial_llava_ros.graph.map_graph import map_graph
from spatial_llava_ros.graph.rivals import note_claims, settle
from spatial_llava_ros.graph.settings import MemorySettings
from spatial_llava_ros.graph.track import Track, cut_off, fuse, new_track
from spatial_llava_ros.graph.tracks import Tracks
from spatial_llava_ros.graph.vanished import Vanished
from spatial_llava_ros.types import RgbdFrame, SceneGraph, SceneObject

_NOMINAL_S = 0.1  # between frames without stamps
_MAX_STEP_S = 0.5  # a pause counts as no more than this
_STARE = 8  # frames from one place, from which on they tell no more about what is a thing
_STILL = 0.03  # metres and, about, radians


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
    """

    frame_id: str = ""
    settings: MemorySettings = field(default_factory=MemorySettings)
    tracks: Tracks = field(default_factory=Tracks)
    revision: int = 0
    _vanished: Vanished = field(default_factory=Vanished, repr=False)
    _stamp: int | None = None
    _session: int = 0
    _last: _LastLook | None = field(default=None, repr=False)
    _stared_from: np.ndarray | None = field(default=None, repr=False)
    _stared: int = 0
    _shown: SceneGraph | None = field(default=None, repr=False)

    def __len__(self) -> int:
        """Objects that are relied on."""
        return self.tracks.relied_on

    def update(self, frame: RgbdFrame, seen: Candidates | SceneGraph | Sequence[SceneObject]) -> Changes:
        """Take in one frame.

        Args:
            frame: with its pose in the map.
            seen: the things in it, or what may be things, stated in the frame of the map; the score of each is how
                sure it is that this is one whole thing. Those without depth are left out.

        Raises:
            InvalidInputError: a frame without a pose, or things stated in another frame.
        """
        if frame.world_from_camera is None:
            raise InvalidInputError("the memory needs the camera's pose in the map, and this frame has none")
        self.frame_id = self.frame_id or frame.world_frame_id
        if frame.world_frame_id != self.frame_id:
            raise InvalidInputError(f"the memory is in frame {self.frame_id!r}, got a pose in {frame.world_frame_id!r}")
        nodes, overlap = usable_sightings(seen, self.frame_id)
        step = self._tick(frame.stamp)
        camera = frame.world_from_camera[:3, 3]
        sightings = boxes_of_nodes(nodes)
        around = self._around(frame, sightings)
        matches = self._match(nodes, sightings, around)
        jumped = self._follow_leap(frame, nodes, sightings, around, matches)
        if jumped:
            around = self._around(frame, sightings)
            matches = self._match(nodes, sightings, around)
        staring = self._stares(frame.world_from_camera)
        seen_as: list[Track | None] = [None] * len(nodes)
        for i, track in matches:
            fuse(track, nodes[i], camera, frame.stamp, self._session, not cut_off(nodes[i], frame))
            track.look(nodes[i].object.score, staring)
            self.tracks.moved(track)
            seen_as[i] = track
        doubt = self._doubt(frame, around, {track.id for _, track in matches}, step, staring)
        missing, removed = [t.id for t in doubt.missing], [t.id for t in (*doubt.gone, *doubt.dropped)]
        new = []
        for i, node in enumerate(nodes):
            if seen_as[i] is None and not cut_off(node, frame):
                seen_as[i] = self._admit(node, frame)
                new.append(seen_as[i].id)
        note_claims(seen_as, sightings, overlap)
        young = [self.tracks[number] for number in new]
        confirmed, lost, beaten = self._settle([*doubt.in_view, *young], frame.stamp)
        removed += lost
        absent = [self.tracks[number] for number in missing if number in self.tracks]
        moved = self._vanished.recognise(absent, self.tracks, beaten, self.settings, frame.stamp)
        removed += self.tracks.bound(frame.stamp, self.settings.max_objects)
        if np.isfinite(frame.depth).any():  # a jump while the camera is blind shows when it sees again
            places = transform_points(invert_transform(frame.world_from_camera), sightings.centre[leading(nodes)])
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

    def _stares(self, pose: np.ndarray) -> bool:
        """Whether the camera has been where it is for so long that another look tells nothing."""
        if self._stared_from is not None:
            step = invert_transform(self._stared_from) @ pose
            if np.linalg.norm(step[:3, 3]) < _STILL and np.linalg.norm(step[:3, :3] - np.eye(3)) < _STILL * np.sqrt(2):
                self._stared += 1
                return self._stared >= _STARE
        self._stared_from, self._stared = pose, 0
        return False

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
            self._vanished.lost.clear()
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
        return self.tracks.within(low, high)

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
        self, frame: RgbdFrame, nodes: Sequence[SceneObject], sightings: Boxes, around: Sequence[Track],
        matches: list[tuple[int, Track]],
    ) -> bool:  # fmt: skip
        """Whether the map jumped; then what was seen since the last jump has been moved with it."""
        lead = leading(nodes)
        found = len({i for i, _ in matches} & set(lead.tolist()))
        if self._last is None or found > 0.5 * min(len(lead), len(self._last.places)):
            return False
        after = transform_points(invert_transform(frame.world_from_camera), sightings.centre[lead])
        motion = leap_between(self._last.places, after, self._last.map_from_camera, frame.world_from_camera)
        if motion is None or (np.linalg.norm(motion[:3, 3]) < 0.03 and abs(motion[1, 0]) < 0.02):
            return False
        self.tracks.shift(motion, self._session)
        return True

    def _settle(self, around: Sequence[Track], stamp: int) -> tuple[list[int], list[int], dict[Track, Track]]:
        """Decide which of what is in view are objects. Ids confirmed, ids given up, and who lost its place to whom."""
        around = [track for track in around if track.id in self.tracks]
        things, beaten = settle(around, self.settings, stamp)
        confirmed, lost = [], []
        for track in things:
            if track.confirmed:
                continue
            losers = [loser for loser, winner in beaten.items() if winner is track and loser.confirmed]
            heirs = [loser for loser in losers if loser.rivals.get(track, 0) > 0 or _alike(loser, track)]
            if heirs:  # the same thing, seen better
                self.tracks.succeed(max(heirs, key=lambda loser: loser.belief), track)
            else:
                self.tracks.confirm(track)
                confirmed.append(track.id)
        standing = set(things)
        for track in around:
            if track.confirmed and track not in standing:
                lost.append(track.id)
                self.tracks.disown(track)
        return confirmed, lost, beaten

    def _doubt(self, frame: RgbdFrame, around: Sequence[Track], matched: set[int], step: float, staring: bool) -> Doubt:
        """Hold what was not seen against the depth image, and forget what is gone."""
        doubt = hold_against_depth(around, frame, matched, step, self.settings, staring)
        for track in (*doubt.gone, *doubt.dropped):
            self.tracks.forget(track)
        for track in doubt.gone:
            if track.confirmed:
                self._vanished.lost[track.id] = track
        return doubt

    def _admit(self, node: SceneObject, frame: RgbdFrame) -> Track:
        """Begin to follow a sighting."""
        track = new_track(0, node, frame.world_from_camera[:3, 3], frame.stamp, self._session)
        track.look(node.object.score)
        self.tracks.admit(track)
        return track

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
        near_by = (
            [track for _, track in sorted(self.tracks.items())]
            if everywhere
            else self.tracks.within(camera - reach, camera + reach)
        )
        nodes = [track.as_node(self.frame_id) for track in near_by if tentative or track.confirmed]
        nodes, relations = map_graph(nodes, frame_from_camera, reach, limit, self._shown, everything)
        up = np.array([0.0, 0.0, 1.0])
        shown = SceneGraph(
            self.frame_id, self._stamp or 0, tuple(nodes), tuple(relations), frame_from_camera, up,
            tuple(self.tracks.gone), self.revision,
        )  # fmt: skip
        if not everything and not tentative:
            self._shown = shown
            self.tracks.told(n.object.id for n in nodes)
        return shown

    def clear(self) -> None:
        """Forget everything; ids are not used again."""
        fresh = SceneMemory(self.frame_id, self.settings, self.tracks.cleared())
        self.__dict__.update(fresh.__dict__)

    def restore(self, tracks: Iterable[Track], next_id: int) -> None:
        """Take over tracks that were saved, in place of what is remembered.

        Args:
            next_id: the first id that was never given.
        """
        self.clear()
        self.tracks.next_id = next_id
        for track in tracks:
            self.tracks.keep(track)

    def forget(self, ids: Iterable[int] = (), label: str = "") -> list[int]:
        """Take objects out, by id and by name; the ids that went.

        Raises:
            UnknownObjectError: an id that is not remembered; then nothing is forgotten.
        """
        chosen = dict.fromkeys(self._known(number).id for number in ids)
        if label:
            chosen |= dict.fromkeys(n for n, t in self.tracks.items() if t.label == label)
        for number in chosen:
            self.tracks.forget(self.tracks[number])
            self._vanished.lost.pop(number, None)
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
            self.tracks.confirm(track)
        self.revision += 1

    def _known(self, number: int) -> Track:
        if number not in self.tracks:
            raise UnknownObjectError(f"no object with id {number} is remembered")
        return self.tracks[number]


def _alike(a: Track, b: Track) -> bool:
    return float(look_likelihood(boxes_of_tracks([a]), boxes_of_tracks([b]))[0, 0]) > SAME_LOOK

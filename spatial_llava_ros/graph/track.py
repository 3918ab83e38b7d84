"""A remembered object: where it is, how sure that is, what it is called and when it was seen.

Each sighting is fused as a Kalman filter would (Kalman 1960), on position, size and yaw apart. Sightings from one side
share their error (the far side is a guess, the depth scale is off), so the k-th from the same direction counts 1/k:
going round a thing tells more than staring at it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from spatial_llava_ros.geometry import matrix_from_quaternion
from spatial_llava_ros.graph.naming import label_of
from spatial_llava_ros.graph.settings import DOUBTS
from spatial_llava_ros.types import Box, Object3D, ObjectState, RgbdFrame, SceneObject

_POSITION_FLOOR = 0.002  # metres: no camera pose is better known than this
_VIEW_STEP = np.radians(20)
_TILT_STD = 0.01
_UNKNOWN_YAW = np.pi**2 / 12  # variance of a yaw that may be anything within half a turn
_SWITCH = 1.2  # a new name needs this much more weight than the one in use
_MAX_NAMES = 16
_LOOKS = 100.0
_STARE = 10
_AGREED = 2.0  # length of the sum of fronts; that of one seen the same way each time goes to 5


@dataclass(eq=False)
class Track:
    """State of one remembered object, in the frame of the memory (z up). Metres, radians, nanoseconds.

    Attributes:
        covariance: (3, 3) of the position.
        size_var: (3,) of the sides.
        yaw_period: as `Object3D.yaw_period`; with 0 the yaw is of no account.
        votes, ballots: name -> summed probabilities of the sightings that suggested it, and how many sightings did.
        named_by: "geometry", "model" or "user"; a user's name stays.
        views: direction (azimuth, elevation step) it was seen from -> sightings.
        seen_free, frames_free: seconds and frames in which its place was seen empty since it was last seen.
        seconds_missed, frames_missed: in view and not hidden, but not proposed, since it was last seen.
        looks, evidence: frames that could have shown it, and how sure those that did were that it is one whole thing.
        rivals: other tracks -> frames in which both were seen and claimed the same pixels, less those in which not.
        hollow: share of rays that pass through its box when it is there.
        session: the run of poses without a jump that it was last seen in.
        drift: (3,) last difference that did not fit, or None.
        former_id: the one it had as an object, while it is taken for none; 0 for none.
        fronts: (3,) sum of the fronts it was seen with, the older counting less, or None.
    """

    id: int
    position: np.ndarray
    covariance: np.ndarray
    yaw: float
    yaw_var: float
    yaw_period: float
    size: np.ndarray
    size_var: np.ndarray
    colours: np.ndarray | None
    box: Box
    label: str = "thing"
    named_by: str = "geometry"
    votes: dict[str, float] = field(default_factory=dict)
    ballots: int = 0
    attributes: tuple[str, ...] = ()
    score: float = 1.0
    visible: float = 1.0
    layer: int = 0
    state: ObjectState = ObjectState.TENTATIVE
    hits: int = 0
    views: dict[tuple[int, int], int] = field(default_factory=dict)
    first_seen: int = 0
    last_seen: int = 0
    last_moved: int = 0
    seen_free: float = 0.0
    frames_free: int = 0
    seconds_missed: float = 0.0
    frames_missed: int = 0
    looks: float = 0.0
    evidence: float = 0.0
    rivals: dict[Track, int] = field(default_factory=dict)
    hollow: float = 0.2
    session: int = 0
    drift: np.ndarray | None = None
    fronts: np.ndarray | None = None
    former_id: int = 0
    _node: tuple | None = field(default=None, repr=False)

    @property
    def confirmed(self) -> bool:
        """Whether it was ever seen often enough to be relied on."""
        return self.state is not ObjectState.TENTATIVE

    @property
    def belief(self) -> float:
        """0..1: mean certainty that it is one whole thing, over all frames that could have shown it."""
        return self.evidence / (self.looks + DOUBTS)

    def look(self, certainty: float, staring: bool = False) -> None:
        """Weigh in a frame that could have shown it: 0 where it was not seen. More of the same view adds nothing."""
        if staring and self.looks >= _STARE:
            return
        self.looks += 1
        self.evidence += certainty
        if self.looks > _LOOKS:  # what was long ago counts less
            self.evidence *= _LOOKS / self.looks
            self.looks = _LOOKS

    @property
    def rotation(self) -> np.ndarray:
        """(3, 3) of its box."""
        c, s = np.cos(self.yaw), np.sin(self.yaw)
        return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])

    def as_node(self, frame_id: str) -> SceneObject:
        """The graph node for it; the same one as long as nothing has changed."""
        now = (frame_id, self.id, self.state, self.label, self.named_by, self.hits, self.looks, self.last_moved)
        if self._node is None or self._node[1] != now or self._node[2] is not self.position:
            self._node = (self._make_node(frame_id), now, self.position)
        return self._node[0]

    def _make_node(self, frame_id: str) -> SceneObject:
        covariance = np.zeros((6, 6))
        covariance[:3, :3] = self.covariance
        covariance[3:, 3:] = np.diag([_TILT_STD**2, _TILT_STD**2, self.yaw_var])
        obj = Object3D(
            self.id,
            self.label,
            self.score,
            self.box,
            frame_id,
            position=self.position.copy(),
            orientation=np.array([0.0, 0.0, np.sin(self.yaw / 2), np.cos(self.yaw / 2)]),
            size=self.size.copy(),
            covariance=covariance,
            size_std=np.sqrt(self.size_var),
            yaw_period=self.yaw_period,
            visible=self.visible,
        )
        # Votes carry probabilities: their mean over the sightings is the probability of the name.
        ballots = max(self.ballots, 1)
        names = tuple((n, w / ballots) for n, w in sorted(self.votes.items(), key=lambda v: (-v[1], v[0])))
        return SceneObject(
            obj, names[:5], self.attributes, self.colours, self.layer, self.named_by, self.state, self.hits,
            self.first_seen, self.last_seen, self.last_moved, self.front,
        )  # fmt: skip

    @property
    def front(self) -> np.ndarray | None:
        """(3,) unit vector out of its front; None where it was not seen, or differently each time."""
        length = 0.0 if self.fronts is None else float(np.linalg.norm(self.fronts))
        return self.fronts / length if length >= _AGREED else None


def yaw_of(obj: Object3D) -> tuple[float, float]:
    """Yaw of a box about the vertical and its variance; a variance of anything where it has none."""
    rotation = matrix_from_quaternion(obj.orientation)
    yaw = float(np.arctan2(rotation[1, 0], rotation[0, 0]))
    if obj.yaw_period == 0 or obj.covariance is None:
        return yaw, _UNKNOWN_YAW
    return yaw, float(np.clip(obj.covariance[5, 5], 1e-5, _UNKNOWN_YAW))


def new_track(number: int, node: SceneObject, camera: np.ndarray, stamp: int, session: int) -> Track:
    """A tentative track of a thing first seen now.

    Args:
        node: stated in the frame of the memory, with a pose.
        camera: (3,) where the camera is.
    """
    obj = node.object
    yaw, yaw_var = yaw_of(obj)
    track = Track(
        number, obj.position.astype(np.float64), _noise(obj), yaw, yaw_var, obj.yaw_period, obj.size.astype(np.float64),
        _size_var(obj), node.colours, obj.box, first_seen=stamp, session=session,
    )  # fmt: skip
    _take_note(track, node, camera, stamp, session)
    return track


def fuse(track: Track, node: SceneObject, camera: np.ndarray, stamp: int, session: int, complete: bool = True) -> None:
    """Take a sighting into a track.

    Args:
        complete: False when the thing was cut off by the border of the picture: it is there, but not all of it.
    """
    obj = node.object
    if complete:
        weight = track.views.get(view_from(obj.position, camera), 0) + 1.0
        _fuse_position(track, obj, weight)
        _fuse_box(track, obj, weight)
    _take_note(track, node, camera, stamp, session)


def take_place_of(track: Track, young: Track, stamp: int) -> None:
    """The object was moved to where a younger track found it: that one's place and look, this one's id and past."""
    for name in (
        "position", "covariance", "yaw", "yaw_var", "yaw_period", "size", "size_var", "colours", "box", "attributes",
        "score", "visible", "layer", "views", "last_seen", "hollow", "session", "drift", "looks", "evidence",
        "fronts",
    ):  # fmt: skip
        setattr(track, name, getattr(young, name))
    track.hits += young.hits
    track.last_moved = stamp
    track.state = ObjectState.CONFIRMED
    track.seen_free, track.frames_free, track.seconds_missed, track.frames_missed = 0.0, 0, 0.0, 0


def cut_off(node: SceneObject, frame: RgbdFrame) -> bool:
    """Whether a thing reaches the border of the picture, so that a part of it is not seen."""
    x1, y1, x2, y2 = node.object.box
    height, width = frame.depth.shape
    return x1 <= 1 or y1 <= 1 or x2 >= width - 1 or y2 >= height - 1


def view_from(position: np.ndarray, camera: np.ndarray) -> tuple[int, int]:
    """Step of azimuth and of elevation that a thing is seen from."""
    away = camera - position
    azimuth = np.arctan2(away[1], away[0])
    elevation = np.arctan2(away[2], np.hypot(away[0], away[1]))
    return int(azimuth // _VIEW_STEP), int(elevation // _VIEW_STEP)


def _noise(obj: Object3D) -> np.ndarray:
    covariance = np.eye(3) * 0.05**2 if obj.covariance is None else obj.covariance[:3, :3].astype(np.float64)
    return covariance + np.eye(3) * _POSITION_FLOOR**2


def _size_var(obj: Object3D) -> np.ndarray:
    std = np.full(3, 0.02) if obj.size_std is None else obj.size_std
    return np.square(std) + _POSITION_FLOOR**2


def _fuse_position(track: Track, obj: Object3D, weight: float) -> None:
    noise = _noise(obj) * weight
    step = obj.position - track.position
    total = track.covariance + noise
    if float(step @ np.linalg.solve(total, step)) > 16.3:  # beyond 99.9 % of a fit
        # Twice off in the same way is no outlier: it was pushed, so start afresh from here.
        pushed = track.drift is not None and np.linalg.norm(step - track.drift) < 0.5 * np.linalg.norm(step)
        track.drift = None if pushed else step
        if not pushed:
            return
        track.covariance = track.covariance + np.outer(step, step)
        track.views = {}
        noise, total = _noise(obj), track.covariance + _noise(obj)
    else:
        track.drift = None
    gain = np.linalg.solve(total, track.covariance).T
    track.position = track.position + gain @ step
    keep = np.eye(3) - gain
    joint = keep @ track.covariance @ keep.T + gain @ noise @ gain.T
    track.covariance = (joint + joint.T) / 2 + np.eye(3) * 1e-10


def _fuse_box(track: Track, obj: Object3D, weight: float) -> None:
    """Size and yaw; a box may come turned by a quarter with its sides swapped: which is longer can be a toss-up."""
    yaw, yaw_var = yaw_of(obj)
    size, size_var = obj.size.astype(np.float64), _size_var(obj) * weight
    quarters = 0
    if obj.yaw_period > 0 and track.yaw_period > 0:
        quarters = round((track.yaw - yaw) / (np.pi / 2))
        yaw += quarters * np.pi / 2
    if quarters % 2:
        size, size_var = size[[1, 0, 2]], size_var[[1, 0, 2]]
    gain = track.size_var / (track.size_var + size_var)
    track.size = track.size + gain * (size - track.size)
    track.size_var = np.maximum((1 - gain) * track.size_var, _POSITION_FLOOR**2)
    if obj.yaw_period == 0:
        return
    if track.yaw_period == 0:
        track.yaw, track.yaw_var, track.yaw_period = yaw, yaw_var, obj.yaw_period
        return
    yaw_var = yaw_var * weight
    gain = track.yaw_var / (track.yaw_var + yaw_var)
    track.yaw = float((track.yaw + gain * (yaw - track.yaw) + np.pi) % (2 * np.pi) - np.pi)
    track.yaw_var = float(max((1 - gain) * track.yaw_var, 1e-5))
    track.yaw_period = max(track.yaw_period, obj.yaw_period)


def _take_note(track: Track, node: SceneObject, camera: np.ndarray, stamp: int, session: int) -> None:
    """All of a sighting but its place: counts, time, names, colours."""
    track.hits += 1
    view = view_from(track.position, camera)
    track.views[view] = track.views.get(view, 0) + 1
    track.last_seen = stamp
    track.session = session
    track.seen_free, track.frames_free = 0.0, 0
    track.seconds_missed, track.frames_missed = 0.0, 0
    track.box, track.layer, track.score = node.object.box, node.layer, float(node.object.score)
    track.visible, track.attributes = node.object.visible, node.attributes
    if node.front is not None:
        track.fronts = node.front if track.fronts is None else 0.8 * track.fronts + node.front
    if node.colours is not None:
        share = 1 / min(track.hits, 20)
        track.colours = node.colours if track.colours is None else (1 - share) * track.colours + share * node.colours
    _vote(track, node)
    if track.state in (ObjectState.OCCLUDED, ObjectState.MISSING):
        track.state = ObjectState.CONFIRMED


def _vote(track: Track, node: SceneObject) -> None:
    """Weigh in the names of a sighting; a model's outweigh those of mere shape, a user's word is not voted on."""
    by_model = node.source in ("model", "both")
    if track.named_by == "geometry" and by_model:
        track.votes.clear()
        track.ballots = 0
        track.named_by, track.label = "model", node.object.label
    if track.named_by == "model" and not by_model:
        return
    names = node.labels or ((node.object.label, node.object.score),)
    for name, weight in names:
        track.votes[name] = track.votes.get(name, 0.0) + float(weight)
    if len(track.votes) > _MAX_NAMES:
        for name in sorted(track.votes, key=lambda n: (track.votes[n], n))[: len(track.votes) - _MAX_NAMES]:
            del track.votes[name]
    track.ballots += 1
    if track.named_by == "user":
        return
    leading = sorted(track.votes.items(), key=lambda vote: (-vote[1], vote[0]))
    name = label_of(tuple((n, weight / track.ballots) for n, weight in leading[:1]), track.attributes)
    if track.votes.get(name, 0.0) >= _SWITCH * track.votes.get(track.label, 0.0):
        track.label = name

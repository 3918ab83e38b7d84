"""One object followed from picture to picture: predicted, cut out of a window, lifted, filtered; or said why not.

    tracker = Tracker(answer.object)           # stated in the world, or in the camera where that is not known
    tracked = tracker.update(frame)            # for every picture
    tracked.state, tracked.object.position, tracked.explanation

The pixels near the predicted box that have the object's colours are lifted to a box like any region. What stands
before the object or touches it makes its box too small: then only the sides that are its own say where it is. What
looked like it elsewhere is remembered, so that it is not taken for the object when that hides (distractors, as in
Possegger, Mauthner & Bischof, "In defense of color-based model-free tracking", CVPR 2015).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.geometry import invert_transform, quaternion_from_matrix
from spatial_llava_ros.lift import lift
from spatial_llava_ros.lift.covariance import depth_sigma
from spatial_llava_ros.tracking.body import Body, Held, hold
from spatial_llava_ros.tracking.form import Form
from spatial_llava_ros.tracking.kalman import Kalman
from spatial_llava_ros.tracking.looks import Looks
from spatial_llava_ros.tracking.search import Distractors, search
from spatial_llava_ros.tracking.segmentation import Cut, own_sides, segment
from spatial_llava_ros.tracking.window import Window, cut_window
from spatial_llava_ros.types import Object3D, Plane, Proposals, Region, RgbdFrame

UNSURE = 0.05  # metres, standard deviation beyond which the last place means nothing
LOST_S = 0.5  # seconds that its place must be seen empty
LONG_S = 1.0  # between two pictures: what is farther apart is not one motion
MIN_PIXELS = 30
SEEN = 0.2  # share of its pixels that must be there
WHOLE = 0.7
MOVING_NOISE = 4.0  # of a moving thing the sides tell the way, and lifts only keep them from drifting off
LIFT_NOISE = 0.25  # share of a lift's variance that is new each time; the rest it has in common with the one before
ALIKE = 0.5  # similarity of colours that it must have
LOOK_ROUND, ROUND = 10, 0.4  # pictures between looks at what is around it, and metres that they reach
JUMP_SPEED = 5.0  # m/s: a camera that is faster was not moved, its frame was
JUMP = 0.3  # metres


class TrackState(str, Enum):
    """What became of a tracked object."""

    TRACKED = "tracked"
    OCCLUDED = "occluded"  # something stands before it, or it is out of view; kept where it was
    LOST = "lost"  # its place was seen empty; still looked for
    STALE = "stale"  # the pictures cannot tell: none, without depth, or without a pose


@dataclass(frozen=True, eq=False)
class Tracked:
    """Where an object is, after a picture.

    Attributes:
        object: pose, size and covariance in the frame that is tracked in; its box is that of the last sight.
        visible: 0..1, share of it that is seen now.
        seen: nanoseconds, stamp of the picture it was last seen in.
        velocity: (3,) m/s.
    """

    state: TrackState
    explanation: str
    object: Object3D
    visible: float
    stamp: int
    seen: int
    velocity: np.ndarray


class Tracker:
    """Follows one object. Not thread-safe.

    Args:
        target: with a pose, in a frame that stays where it is and whose z axis points up; or in the camera's optical
            frame, where the camera's motion is not known.

    Raises:
        InvalidInputError: an object without a pose, or with one that is not finite.
    """

    def __init__(self, target: Object3D) -> None:
        if target.position is None or target.orientation is None or target.size is None:
            raise InvalidInputError("an object without a pose cannot be tracked")
        numbers = np.concatenate([target.position, target.orientation, target.size])
        if not np.isfinite(numbers).all() or not (np.asarray(target.size) > 0).all():
            raise InvalidInputError(f"the object to be tracked has no usable pose: {numbers.round(3).tolist()}")
        self._first = target
        covariance = np.eye(3) * 0.02**2 if target.covariance is None else target.covariance[:3, :3]
        self._filter = Kalman(np.asarray(target.position, np.float64), covariance)
        self._shared = np.array(covariance, np.float64)  # error that all sightings have in common
        self._form = Form(target)
        self._looks = Looks()
        self._distractors = Distractors()
        self._frames = 0
        self._stamp = self._seen = 0
        self._empty_s = 0.0
        self._camera: np.ndarray | None = None  # reference_from_camera of the last picture
        self._box = target.box
        self._visible = target.visible
        self.state, self.explanation = TrackState.STALE, "no picture yet"

    @property
    def frame_id(self) -> str:
        """Frame that the object is tracked in."""
        return self._first.frame_id

    def update(self, frame: RgbdFrame) -> Tracked:
        """Take in a picture.

        Raises:
            InvalidInputError: a picture whose pose in the frame that is tracked in is not known.
        """
        reference_from_camera = self._pose_of(frame)
        step = min(max((frame.stamp - self._stamp) * 1e-9, 0.0), LONG_S) if self._stamp else 0.0
        self._follow_jump(reference_from_camera, step)
        self._stamp, self._camera = frame.stamp, reference_from_camera
        self._frames += 1
        self._filter.predict(step, self.state is TrackState.TRACKED)
        camera_from_reference = invert_transform(reference_from_camera)
        self._look(frame, camera_from_reference, step)
        return self.tracked()

    def tracked(self) -> Tracked:
        """How things stand after the last picture."""
        covariance = np.zeros((6, 6))
        covariance[:3, :3] = self._filter.position_covariance + self._shared
        covariance[3:, 3:] = self._form.covariance
        obj = replace(
            self._first,
            box=self._box,
            position=self._filter.position.copy(),
            orientation=quaternion_from_matrix(self._form.rotation),
            size=self._form.size.copy(),
            covariance=covariance,
            size_std=np.sqrt(self._form.size_var),
            visible=self._visible,
        )
        return Tracked(
            self.state, self.explanation, obj, self._visible, self._stamp, self._seen, self._filter.state[3:].copy()
        )

    # Where to look

    def _pose_of(self, frame: RgbdFrame) -> np.ndarray:
        if self.frame_id == frame.frame_id:
            return np.eye(4)
        if frame.world_from_camera is None or frame.world_frame_id != self.frame_id:
            known = f"'{frame.world_frame_id}'" if frame.world_from_camera is not None else "none"
            raise InvalidInputError(f"the camera's pose in '{self.frame_id}' is not known, only in {known}")
        return frame.world_from_camera

    def _follow_jump(self, now: np.ndarray, step: float) -> None:
        """A map that is corrected moves the camera and all it sees at once: what was before it still is."""
        before = self._camera
        if before is None or self.state is not TrackState.TRACKED:
            return
        moved = float(np.linalg.norm(now[:3, 3] - before[:3, 3]))
        if moved > JUMP and moved > JUMP_SPEED * step:
            motion = now @ invert_transform(before)
            self._filter.carry(motion)
            self._form.rotation = motion[:3, :3] @ self._form.rotation
            self._shared = motion[:3, :3] @ self._shared @ motion[:3, :3].T
            self._filter.covariance[:3, :3] += np.eye(3) * 0.05**2
            self._distractors.clear()

    def _body(self, camera_from_reference: np.ndarray) -> Body:
        """The box as it is predicted to stand before the camera."""
        turn, shift = camera_from_reference[:3, :3], camera_from_reference[:3, 3]
        centre = turn @ self._filter.position + shift
        spread = float(np.sqrt(max(np.linalg.eigvalsh(self._filter.position_covariance)[-1], 0.0)))
        slack = 0.008 + 0.05 * float(self._form.size.max()) + min(spread, 0.03) + 2 * depth_sigma(abs(float(centre[2])))
        return Body(turn @ self._form.rotation, centre, self._form.size, slack)

    # What is there

    def _look(self, frame: RgbdFrame, camera_from_reference: np.ndarray, step: float) -> None:
        body = self._body(camera_from_reference)
        spread = float(np.sqrt(np.trace(self._filter.position_covariance) / 3))
        reach = 0.5 * float(np.linalg.norm(body.size)) + body.slack + 0.03 + min(2 * spread, 0.6)
        window = cut_window(frame, body.centre, reach)
        outline, inside = body.outline(frame.intrinsics)
        if window is None or inside == 0:
            self._unseen(TrackState.OCCLUDED, "it is out of the camera's view", step, 0.0)
            return
        held = hold(body, window)
        cut = segment(window, body, held, self._looks.appearance, frame.intrinsics)
        if self._looks.appearance is None and cut.pixels >= MIN_PIXELS:
            self._looks.learn_colours(window, body, held, cut.mask)
            cut = segment(window, body, held, self._looks.appearance, frame.intrinsics)
        seen = self._is_seen(window, cut, outline, inside)
        if seen:
            centred = self._centred(window, body, cut)
            if centred is not None:
                body, held = centred, hold(centred, window)
                cut = segment(window, body, held, self._looks.appearance, frame.intrinsics)
                seen = self._is_seen(window, cut, *body.outline(frame.intrinsics))
        if seen:
            seen = self._take(frame, window, body, held, cut, camera_from_reference, step)
        elif self._looks.appearance is not None:
            found = search(
                window, body, held, self._looks.appearance, self._looks.fill * outline, self._looks.surface, spread
            )
            found = self._distractors.choose(found, camera_from_reference, float(self._form.size.max()))
            if found is not None:
                other = body.at(found)
                there = hold(other, window)
                new = segment(window, other, there, self._looks.appearance, frame.intrinsics)
                if self._is_seen(window, new, *other.outline(frame.intrinsics), least=0.5):
                    seen = self._take(frame, window, other, there, new, camera_from_reference, step, again=True)
        if not seen:
            self._say_why_not(cut, inside, step)

    def _is_seen(self, window: Window, cut: Cut, outline: float, inside: float, least: float = SEEN) -> bool:
        if cut.pixels < max(MIN_PIXELS, least * self._looks.fill * outline * max(inside, 0.2)):
            return False
        return self._looks.appearance is None or self._looks.appearance.similarity(window.bins[cut.mask]) > ALIKE

    def _centred(self, window: Window, body: Body, cut: Cut) -> Body | None:
        """The box shifted onto what was cut out (mean shift), None where it stands right.

        Only what is seen whole can say that it moved: a mask is also lopsided because something stands before it.
        """
        if not self._looks.views or cut.hidden > 0.1:
            return None
        middle = window.points[cut.mask].mean(axis=0, dtype=np.float64) if cut.mask.any() else body.centre
        shift = middle + self._looks.offset - body.centre
        if np.linalg.norm(shift) < 0.6 * body.slack:
            return None
        return body.at(body.centre + shift)

    def _take(
        self, frame: RgbdFrame, window: Window, body: Body, held: Held, cut: Cut, camera_from_reference: np.ndarray,
        step: float, again: bool = False,
    ) -> bool:  # fmt: skip
        """It is seen: measure where. False when it was not that after all.

        Args:
            again: it was found somewhere else than it was expected.
        """
        outline, inside = body.outline(frame.intrinsics)
        belongs = (
            np.zeros(cut.mask.shape) if self._looks.appearance is None else self._looks.appearance.belongs(window.bins)
        )
        z = float(np.median(window.depth[cut.mask]))
        jump = 4 * depth_sigma(z) + 0.15 * float(self._form.size.min()) + 3 * z / window.focal
        own = own_sides(window, cut.mask, held, belongs, jump)
        visible = min(cut.pixels / max(self._looks.fill * outline, 1.0), 1.0)
        region = _region(window, cut, frame, held.support is not None)
        turn, shift = camera_from_reference[:3, :3], camera_from_reference[:3, 3]
        whole = all(own) and inside > 0.95 and visible > WHOLE
        lifted = lift(frame, region, _surroundings(body, held, window)) if whole else None
        whole = lifted is not None and lifted.position is not None and self._form.fits(lifted)
        if again and not whole:
            return False  # found elsewhere is only what is all there
        if self._looks.views:
            centre, steady, noise = self._looks.centre(window, cut, body, own, z, 0.0 if whole else 1 - visible)
            sure = (own[0] or own[2]) and (own[1] or own[3])
            place = turn.T @ (centre - shift)
            if again or (whole and np.trace(self._filter.position_covariance) > 3 * UNSURE**2):
                self._filter.restart(place, turn.T @ noise @ turn)  # how it stood in its mask is the best guess
            elif sure and self._filter.notice(place, turn.T @ steady @ turn):
                self._filter.correct(place, turn.T @ steady @ turn, step)
            elif not whole:
                self._filter.correct(place, turn.T @ noise @ turn, step)
        if whole:
            noise = turn.T @ lifted.covariance[:3, :3] @ turn
            share = MOVING_NOISE if self._filter.moving else LIFT_NOISE
            self._filter.correct(turn.T @ (lifted.position - shift), noise * share, step)
            self._shared += 0.2 * (noise - self._shared)
            self._form.fuse(lifted, turn.T)
        centre = turn @ self._filter.position + shift
        if whole or not self._looks.views:
            self._looks.learn(window, body, held, cut, centre, z, outline)
        else:
            self._looks.learn_sides(window, cut, centre, z, own)
        self.state, self.explanation = TrackState.TRACKED, ""
        self._seen, self._visible, self._empty_s = self._stamp, visible, 0.0
        self._box = tuple(float(v) for v in region.box)
        if self._frames % LOOK_ROUND == 0 and self.frame_id != frame.frame_id:
            self._look_round(frame, body, camera_from_reference)
        return True

    def _look_round(self, frame: RgbdFrame, body: Body, camera_from_reference: np.ndarray) -> None:
        """Take note of what looks like it and is not."""
        size = float(self._form.size.max())
        window = cut_window(frame, body.centre, size + ROUND)
        if window is None or self._looks.appearance is None:
            return
        held = hold(body, window)
        own = segment(window, body, held, self._looks.appearance, frame.intrinsics)
        pixels = self._looks.fill * body.outline(frame.intrinsics)[0]
        others = search(window, body, held, self._looks.appearance, pixels, self._looks.surface, 1.0, own.mask)
        self._distractors.remember(others, camera_from_reference, size)

    # It is not seen

    def _say_why_not(self, cut: Cut, inside: float, step: float) -> None:
        if inside < 0.3:
            self._unseen(TrackState.OCCLUDED, "most of it is out of the camera's view", step, 0.0)
        elif cut.unmeasured > 0.6:
            self._unseen(TrackState.STALE, "no depth is measured where it should be", step, 0.0)
        elif cut.hidden >= cut.free:
            self._unseen(TrackState.OCCLUDED, "something stands before it", step, 0.0)
        else:
            self._unseen(TrackState.LOST, "its place was seen without it", step, step)

    def _unseen(self, state: TrackState, why: str, step: float, empty: float) -> None:
        self._visible = 0.0
        self._empty_s = self._empty_s + empty if empty else 0.0
        if state is TrackState.LOST and self._empty_s < LOST_S and self.state is not TrackState.LOST:
            if self.state is TrackState.TRACKED:
                self.state, self.explanation = TrackState.OCCLUDED, "not made out in the last pictures"
            return
        if self.state is TrackState.LOST and state is not TrackState.LOST:
            return  # it is not behind what now stands before its empty place
        self.state, self.explanation = state, why


def _region(window: Window, cut: Cut, frame: RgbdFrame, carried: bool) -> Region:
    """The mask at the resolution of the picture."""
    mask = np.repeat(np.repeat(cut.mask, window.step, axis=0), window.step, axis=1)
    height, width = frame.depth.shape
    mask = mask[: height - window.top, : width - window.left]
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    y1, y2, x1, x2 = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    box = (x1 + window.left, y1 + window.top, x2 + window.left, y2 + window.top)
    return Region(1, box, mask[y1:y2, x1:x2], 1.0, 0 if carried else None)


def _surroundings(body: Body, held: Held, window: Window) -> Proposals:
    """What the lift is told of the rest of the picture: the surface below."""
    if held.support is None:
        return Proposals((), (), body.up)
    plane = Plane(body.up, held.support, True, held.support_pixels * window.step**2)
    return Proposals((), (plane,), body.up)

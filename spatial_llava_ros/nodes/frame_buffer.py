"""Keeps the newest picture with the depth, intrinsics and pose that belong to it, as raw bytes.

A camera sends thirty pictures a second and a person asks once a minute, so nothing is decoded here: a message is
kept as the serialized bytes it came in, only its header is read, and pairing costs microseconds. Colour and depth
belong together when their stamps are less than half a frame period apart; the newest pair wins. The pose is looked
up when the pair completes, since by the time an answer is ready TF may have forgotten it.

When no pair comes, `why_not` says which topic is missing and what is known about the reason.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Condition
from time import monotonic, sleep

import numpy as np

from spatial_llava_ros.errors import InvalidInputError, SpatialLlavaError

STREAMS = ("color", "depth", "color_info", "depth_info")

# A pose is (name of the upright frame, world_from_camera (4, 4)), or None where nobody wants one.
Pose = tuple[str, np.ndarray]
PoseLookup = Callable[[str, int], "Pose | None"]

# Stamps that jump back further than this mean that the clock was set back (a bag looped, a simulator was reset).
CLOCK_SET_BACK_NS = 1_000_000_000


def read_header(data: bytes) -> tuple[int, str]:
    """Stamp (nanoseconds) and frame id of any serialized message that starts with a std_msgs/Header.

    CDR (OMG formal/02-06-51): four bytes of encapsulation, the second of which is odd for little endian, then
    int32 sec, uint32 nanosec, uint32 length of the string with its closing zero.

    Raises:
        InvalidInputError: fewer bytes than a header has.
    """
    try:
        order = "<" if data[1] & 1 else ">"
        sec, nanosec, length = struct.unpack_from(order + "iII", data, 4)
        name = data[16 : 16 + length]
        if len(name) != length:
            raise InvalidInputError(f"message of {len(data)} bytes is cut off inside its frame id")
        return sec * 1_000_000_000 + nanosec, bytes(name).rstrip(b"\0").decode("utf-8", "replace")
    except (struct.error, IndexError) as error:
        raise InvalidInputError(f"message of {len(data)} bytes is too short for a header") from error


@dataclass(frozen=True, eq=False)
class RawMessage:
    """One message as it came: header read, the rest untouched.

    Attributes:
        stamp: of the header, nanoseconds.
        arrival: seconds on the monotonic clock.
    """

    data: bytes
    stamp: int
    frame_id: str
    arrival: float


@dataclass(frozen=True, eq=False)
class RawFrame:
    """A colour picture, the depth picture taken with it, the intrinsics, and where the camera was.

    Attributes:
        stamp: of the colour picture, nanoseconds.
        offset_ns: how much later the depth stamp is.
        depth_info: None where the camera publishes none.
        pose: None when it was not wanted or not found; then `pose_error` says why it was not found.
    """

    color: RawMessage
    depth: RawMessage
    color_info: RawMessage
    depth_info: RawMessage | None
    pose: Pose | None = None
    pose_error: str = ""

    @property
    def stamp(self) -> int:
        return self.color.stamp

    @property
    def arrival(self) -> float:
        """When the pair was complete, seconds on the monotonic clock."""
        return max(self.color.arrival, self.depth.arrival)

    @property
    def offset_ns(self) -> int:
        return self.depth.stamp - self.color.stamp


@dataclass
class _Stream:
    """What is remembered of one topic: the last few messages, and the times of the last few dozen."""

    waiting: deque[RawMessage] = field(default_factory=lambda: deque(maxlen=6))
    stamps: deque[int] = field(default_factory=lambda: deque(maxlen=30))
    arrivals: deque[float] = field(default_factory=lambda: deque(maxlen=30))
    last: RawMessage | None = None
    count: int = 0

    def period_ns(self) -> float | None:
        """Median time between stamps, or None before there are two."""
        steps = np.diff(np.array(self.stamps, np.int64))
        steps = steps[steps > 0]
        return float(np.median(steps)) if len(steps) else None

    def rate_hz(self, now: float) -> float:
        """Messages per second by arrival, over the last 30 at most; 0 when it has been silent for 2 s or more."""
        if len(self.arrivals) < 2 or now - self.arrivals[-1] > max(2.0, 3 * (self.arrivals[-1] - self.arrivals[-2])):
            return 0.0
        return (len(self.arrivals) - 1) / max(self.arrivals[-1] - self.arrivals[0], 1e-6)


class FrameBuffer:
    """Pairs the four camera topics by stamp. Safe to use from several threads; `add` never blocks for long.

    Args:
        pose_at: called with (frame id, stamp) for each complete pair, outside the lock; raises SpatialLlavaError
            when the pose is wanted and not known.
        tolerance_s: largest distance between colour and depth stamps; 0 takes half the measured frame period.
        on_clock_set_back: called when stamps jump back: what is known of the time before is of another run.
    """

    def __init__(
        self,
        pose_at: PoseLookup | None = None,
        tolerance_s: float = 0.0,
        on_clock_set_back: Callable[[], None] = lambda: None,
    ) -> None:
        self._pose_at = pose_at
        self._on_clock_set_back = on_clock_set_back
        self._tolerance_ns = tolerance_s * 1e9
        self._streams = {name: _Stream() for name in STREAMS}
        self._frame: RawFrame | None = None
        self._changed = Condition()
        self._rejected: dict[str, str] = {}
        self.pairs = 0
        self.offsets_ms: deque[float] = deque(maxlen=100)

    def add(self, stream: str, data: bytes) -> None:
        """Take one serialized message of a stream; pairs it when its partner is there.

        Bytes that are no message are noted for `why_not`, not raised: a node must survive them.
        """
        try:
            stamp, frame_id = read_header(data)
        except InvalidInputError as error:
            self.reject(stream, str(error))
            return
        message = RawMessage(data, stamp, frame_id, monotonic())
        with self._changed:
            state = self._streams[stream]
            if state.last is not None and stamp < state.last.stamp - CLOCK_SET_BACK_NS:
                self._forget()
            state.last = message
            state.count += 1
            state.stamps.append(stamp)
            state.arrivals.append(message.arrival)
            if stream in ("color", "depth"):
                state.waiting.append(message)
            frame = self._pair()
        if frame is None:
            return
        frame = self._with_pose(frame)
        with self._changed:
            if self._frame is None or frame.stamp > self._frame.stamp:
                self._frame = frame
                self.pairs += 1
                self.offsets_ms.append(frame.offset_ns / 1e6)
                self._changed.notify_all()

    def latest(self) -> RawFrame | None:
        """The newest complete frame, or None."""
        with self._changed:
            return self._frame

    def wait(
        self, timeout: float, usable: Callable[[RawFrame], bool], check: Callable[[], None] = lambda: None
    ) -> RawFrame | None:
        """The newest complete frame that is usable, waiting for one up to `timeout` seconds; None if none comes.

        Args:
            check: called now and then; may raise to give up early, as when the request is cancelled.
        """
        deadline = monotonic() + timeout
        with self._changed:
            while True:
                check()
                if self._frame is not None and usable(self._frame):
                    return self._frame
                left = deadline - monotonic()
                if left <= 0:
                    return None
                self._changed.wait(min(left, 0.05))

    def resolve_pose(self, frame: RawFrame, timeout: float) -> RawFrame:
        """The frame with its pose, waiting up to `timeout` seconds for the transform: TF often comes after."""
        deadline = monotonic() + timeout
        while frame.pose_error and monotonic() < deadline:
            sleep(0.005)
            frame = self._with_pose(frame)
        return frame

    def reject(self, stream: str, reason: str) -> None:
        """Note why messages of a stream cannot be used (an encoding, a QoS mismatch); empty takes it back."""
        with self._changed:
            if reason:
                self._rejected[stream] = reason
            else:
                self._rejected.pop(stream, None)

    def rates(self) -> dict[str, float]:
        """Messages per second of each stream."""
        now = monotonic()
        with self._changed:
            return {name: state.rate_hz(now) for name, state in self._streams.items()}

    def tolerance_ns(self) -> float:
        """Largest stamp distance that still pairs."""
        if self._tolerance_ns > 0:
            return self._tolerance_ns
        periods = [p for s in ("color", "depth") if (p := self._streams[s].period_ns()) is not None]
        # Before two pictures have come: a 30 Hz camera's half period.
        return max(periods) / 2 if periods else 1e9 / 60

    def why_not(self, topics: dict[str, str], publishers: dict[str, int]) -> str:
        """One line for a person: what keeps frames from being complete; empty when they are.

        Args:
            topics: full topic name of each stream.
            publishers: how many publishers each stream has, as discovered.
        """
        now = monotonic()
        with self._changed:
            reasons = []
            for stream in ("color", "depth", "color_info"):
                state = self._streams[stream]
                if state.arrivals and now - state.arrivals[-1] < 2.0:
                    continue
                name = topics[stream]
                if stream in self._rejected:
                    reasons.append(f"{name}: {self._rejected[stream]}")
                elif state.arrivals:
                    reasons.append(f"{name} has been silent for {now - state.arrivals[-1]:.1f} s")
                elif publishers.get(stream, 0) == 0:
                    reasons.append(f"{name} has no publisher")
                else:
                    reasons.append(f"{name} has {publishers[stream]} publisher(s) but no message has arrived")
            reasons += [f"{topics[s]}: {r}" for s, r in self._rejected.items() if self._streams[s].count]
            if not reasons and self._frame is None:
                color, depth = self._streams["color"].last, self._streams["depth"].last
                if color is not None and depth is not None:
                    reasons.append(
                        f"colour and depth stamps are {abs(color.stamp - depth.stamp) / 1e6:.1f} ms apart, "
                        f"more than the {self.tolerance_ns() / 1e6:.1f} ms that may pair"
                    )
            return "; ".join(reasons)

    def _forget(self) -> None:
        self._on_clock_set_back()
        for state in self._streams.values():
            state.waiting.clear()
            state.stamps.clear()
        self._frame = None

    def _pair(self) -> RawFrame | None:
        info = self._streams["color_info"].last
        colors, depths = self._streams["color"].waiting, self._streams["depth"].waiting
        if info is None or not colors or not depths:
            return None
        tolerance = self.tolerance_ns()
        for color in reversed(colors):
            depth = min(depths, key=lambda d: abs(d.stamp - color.stamp))
            if abs(depth.stamp - color.stamp) <= tolerance:
                break
        else:
            return None
        for queue, used in ((colors, color), (depths, depth)):
            while queue and queue[0].stamp <= used.stamp:
                queue.popleft()
        return RawFrame(color, depth, info, self._streams["depth_info"].last)

    def _with_pose(self, frame: RawFrame) -> RawFrame:
        if self._pose_at is None:
            return frame
        try:
            pose, error = self._pose_at(frame.color.frame_id, frame.stamp), ""
        except SpatialLlavaError as raised:
            pose, error = None, str(raised)
        return RawFrame(frame.color, frame.depth, frame.color_info, frame.depth_info, pose, error)

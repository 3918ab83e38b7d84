"""Where one frame is in another at a given time: what tf2's buffer does, without ROS.

Used for bags and, fed from /tf and /tf_static, by the nodes. Semantics follow tf2 (Foote, "tf: The transform
library", TePRA 2013): a tree of parent-child edges, each with its own short history; a lookup at a stamp
interpolates every edge of the chain at that stamp (linear in position, slerp in rotation).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from threading import Lock

import numpy as np

from spatial_llava_ros.errors import InvalidInputError, SpatialLlavaError
from spatial_llava_ros.geometry import invert_transform, transform_matrix

# Frames whose z axis points up, by preference (REP-105): where answers are best given.
WORLD_FRAMES = ("map", "odom", "world", "base_footprint", "base_link")


class TransformError(SpatialLlavaError):
    """Two frames that are not connected, or not at the time asked for; the message says which and why."""


def slerp(start: np.ndarray, end: np.ndarray, fraction: float) -> np.ndarray:
    """Unit quaternion (4,) between two others, the short way round (Shoemake, SIGGRAPH 1985).

    Args:
        start, end: unit quaternions x, y, z, w.
        fraction: 0 gives start, 1 gives end.
    """
    cosine = float(np.dot(start, end))
    if cosine < 0:
        end, cosine = -end, -cosine
    if cosine > 0.9995:  # too close for the sine to divide by; the chord is the arc
        mixed = start + fraction * (end - start)
    else:
        angle = np.arccos(cosine)
        mixed = np.sin((1 - fraction) * angle) * start + np.sin(fraction * angle) * end
    return mixed / np.linalg.norm(mixed)


class _Edge:
    """History of one child frame in its parent; a static edge has a single sample, valid at all times."""

    def __init__(self, parent: str, static: bool) -> None:
        self.parent = parent
        self.static = static
        self.stamps: list[int] = []
        self.samples: list[tuple[np.ndarray, np.ndarray]] = []

    def insert(self, stamp: int, sample: tuple[np.ndarray, np.ndarray], cache: int) -> None:
        if self.static or (self.stamps and stamp < self.stamps[-1] - cache):
            # Older than all that is kept: the clock was turned back (a bag looped, a simulator was reset).
            self.stamps, self.samples = [], []
        at = bisect_left(self.stamps, stamp)
        if at < len(self.stamps) and self.stamps[at] == stamp:
            self.samples[at] = sample
            return
        self.stamps.insert(at, stamp)
        self.samples.insert(at, sample)
        stale = bisect_left(self.stamps, self.stamps[-1] - cache)
        if stale:
            del self.stamps[:stale], self.samples[:stale]

    def at(self, stamp: int, child: str, tolerance: int) -> np.ndarray:
        """parent_from_child (4, 4) at a stamp."""
        stamps, samples = self.stamps, self.samples
        if self.static:
            return transform_matrix(*samples[0])
        after = bisect_left(stamps, stamp)
        if after < len(stamps) and stamps[after] == stamp:
            return transform_matrix(*samples[after])
        if 0 < after < len(stamps):
            fraction = (stamp - stamps[after - 1]) / (stamps[after] - stamps[after - 1])
            (t0, q0), (t1, q1) = samples[after - 1], samples[after]
            return transform_matrix(t0 + fraction * (t1 - t0), slerp(q0, q1, fraction))
        nearest = 0 if after == 0 else len(stamps) - 1
        gap = abs(stamp - stamps[nearest])
        if gap <= tolerance:
            return transform_matrix(*samples[nearest])
        side = "before the first" if after == 0 else "after the last"
        raise TransformError(
            f"transform of '{child}' in '{self.parent}' at {stamp / 1e9:.3f} s is {gap / 1e9:.3f} s {side} one known"
        )


class TransformBuffer:
    """Remembers transforms and answers where a frame was in another at a stamp. Safe to use from several threads.

    Args:
        cache_s: seconds of history kept per frame. Longer than tf2's 10 s by default, since an answer may
            take longer than that.
    """

    def __init__(self, cache_s: float = 60.0) -> None:
        self._cache = int(cache_s * 1e9)
        self._edges: dict[str, _Edge] = {}
        self._lock = Lock()

    def add(
        self,
        parent: str,
        child: str,
        stamp: int,
        translation: Iterable[float],
        quaternion: Iterable[float],
        static: bool = False,
    ) -> None:
        """Keep one transform, parent_from_child. A new parent replaces the old one and its history.

        Args:
            stamp: nanoseconds; ignored for a static transform.
            translation: (3,) metres.
            quaternion: (4,) x, y, z, w; normalised here.

        Raises:
            InvalidInputError: numbers that are not finite, a zero quaternion, an empty or repeated frame name.
        """
        parent, child = parent.lstrip("/"), child.lstrip("/")
        if not parent or not child or parent == child:
            raise InvalidInputError(f"a transform needs two different frame names, got '{parent}' and '{child}'")
        t = np.array(translation, np.float64)
        q = np.array(quaternion, np.float64)
        norm = np.linalg.norm(q)
        if t.shape != (3,) or q.shape != (4,) or not np.isfinite(t).all() or not np.isfinite(norm) or norm < 1e-6:
            raise InvalidInputError(
                f"transform of '{child}' in '{parent}' is not a rigid one: {t.tolist()}, {q.tolist()}"
            )
        with self._lock:
            edge = self._edges.get(child)
            if edge is None or edge.parent != parent or edge.static != static:
                edge = self._edges[child] = _Edge(parent, static)
            edge.insert(0 if static else int(stamp), (t, q / norm), self._cache)

    def lookup(self, target: str, source: str, stamp: int | None = None, tolerance_s: float = 0.0) -> np.ndarray:
        """target_from_source (4, 4) float64 at a stamp: maps points of frame source into frame target.

        Args:
            stamp: nanoseconds; None takes the newest time at which every edge of the chain is known.
            tolerance_s: how far outside its history an edge may be asked, answered by its nearest sample.

        Raises:
            TransformError: unknown frame, frames in different trees, or a time outside the history.
        """
        target, source = target.lstrip("/"), source.lstrip("/")
        with self._lock:
            up, down = self._chain(target, source)
            if stamp is None:
                newest = [self._edges[f].stamps[-1] for f in up + down if not self._edges[f].static]
                stamp = min(newest, default=0)
            tolerance = int(tolerance_s * 1e9)
            return invert_transform(self._climb(down, stamp, tolerance)) @ self._climb(up, stamp, tolerance)

    def world_from(
        self, source: str, stamp: int | None = None, tolerance_s: float = 0.0, candidates: Iterable[str] = WORLD_FRAMES
    ) -> tuple[str, np.ndarray] | None:
        """The best upright frame that `source` hangs on at a stamp: (name, world_from_source (4, 4)), or None."""
        for name in candidates:
            if name == source:
                continue
            try:
                return name, self.lookup(name, source, stamp, tolerance_s)
            except TransformError:
                continue
        return None

    def newest(self, target: str, source: str) -> int | None:
        """Newest stamp (ns) at which target_from_source is known; None where no edge between them moves.

        Raises:
            TransformError: unknown frame, or frames in different trees.
        """
        with self._lock:
            up, down = self._chain(target.lstrip("/"), source.lstrip("/"))
            return min((self._edges[f].stamps[-1] for f in up + down if not self._edges[f].static), default=None)

    @property
    def frames(self) -> tuple[str, ...]:
        """Names of all frames known, sorted."""
        with self._lock:
            return tuple(sorted(self._edges.keys() | {e.parent for e in self._edges.values()}))

    def clear(self) -> None:
        """Forget all that moves, as when the clock is turned back. Static transforms stay: nobody repeats them."""
        with self._lock:
            self._edges = {child: edge for child, edge in self._edges.items() if edge.static}

    def _ancestors(self, frame: str) -> list[str]:
        line = [frame]
        while line[-1] in self._edges:
            parent = self._edges[line[-1]].parent
            if parent in line:
                raise TransformError(f"transforms go round in a circle: {' -> '.join([*line, parent])}")
            line.append(parent)
        return line

    def _chain(self, target: str, source: str) -> tuple[list[str], list[str]]:
        """Frames whose edges lead up from source, and from target, to the frame both hang from."""
        known = self._edges.keys() | {e.parent for e in self._edges.values()}
        for frame in (target, source):
            if frame not in known and target != source:
                names = ", ".join(sorted(known)[:12]) or "none"
                raise TransformError(f"frame '{frame}' is not known; known frames: {names}")
        from_source, from_target = self._ancestors(source), self._ancestors(target)
        shared = next((f for f in from_source if f in set(from_target)), None)
        if shared is None:
            raise TransformError(
                f"'{source}' and '{target}' are not connected: one hangs from '{from_source[-1]}', the other from "
                f"'{from_target[-1]}'"
            )
        return from_source[: from_source.index(shared)], from_target[: from_target.index(shared)]

    def _climb(self, frames: list[str], stamp: int, tolerance: int) -> np.ndarray:
        """root_from_first (4, 4) along a line of edges."""
        matrix = np.eye(4)
        for frame in frames:
            matrix = self._edges[frame].at(stamp, frame, tolerance) @ matrix
        return matrix

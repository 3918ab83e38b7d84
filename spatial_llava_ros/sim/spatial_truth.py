"""Which spatial relations hold in a simulated frame: yes, no, or not clear enough to ask a person.

Decided from exact poses, boxes and contacts, with margins. Independent of `spatial_llava_ros.relations` on purpose:
what is measured with must not be what is measured. Left, right, front and behind are the viewer's
(REP-103 body frame at the camera held level, x forward, y left).
"""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.geometry import invert_transform, viewer_from_camera
from spatial_llava_ros.sim.scene import gap
from spatial_llava_ros.sim.truth import SimFrame

YES, UNCLEAR, NO = 1, 0, -1
RELATIONS = ("left_of", "right_of", "in_front_of", "behind", "on", "under", "above", "below", "inside", "next_to")


class SpatialTruth:
    """Relations among the objects of a frame; indices are positions in `SimFrame.objects`."""

    def __init__(self, shot: SimFrame) -> None:
        objects = shot.objects
        world_from_camera = shot.frame.world_from_camera
        camera_from_world = invert_transform(world_from_camera)
        up = camera_from_world[:3, 2]
        viewer_from_world = viewer_from_camera(up) @ camera_from_world[:3, :3]
        corners = np.array([o.corners() for o in objects]).reshape(-1, 8, 3)
        seen = (corners - world_from_camera[:3, 3]) @ viewer_from_world.T
        self.objects = objects
        self.low, self.high = seen.min(1), seen.max(1)  # (N, 3) in the viewer frame: forward, left, up
        self.center = (self.low + self.high) / 2
        self.boxes = np.array([o.box_visible for o in objects]).reshape(-1, 4)
        self.size = np.array([o.size for o in objects]).reshape(-1, 3)
        self.distance = np.linalg.norm(self.center, axis=1)
        self._prints = corners[:, [0, 2, 6, 4], :2]
        self._matrices: dict[str, np.ndarray] = {}

    def matrix(self, predicate: str) -> np.ndarray:
        """(N, N) int8 of YES, UNCLEAR, NO: entry [a, b] says whether a stands so to b.

        Raises:
            KeyError: a predicate that is not in RELATIONS.
        """
        if predicate not in self._matrices:
            swapped = {"right_of": "left_of", "in_front_of": "behind", "below": "above"}
            if predicate in swapped:
                matrix = self.matrix(swapped[predicate]).T
            else:
                matrix = _RULES[predicate](self)
                np.fill_diagonal(matrix, NO)
            self._matrices[predicate] = matrix
        return self._matrices[predicate]

    def relations(self) -> list[tuple[int, str, int]]:
        """All that clearly hold: (subject id, predicate, object id)."""
        ids = [o.id for o in self.objects]
        return [
            (ids[a], predicate, ids[b])
            for predicate in RELATIONS
            for a, b in np.argwhere(self.matrix(predicate) == YES)
        ]

    def between(self, b: int, c: int) -> np.ndarray:
        """(N,) int8: which objects stand between b and c, seen from above."""
        ground = self.center[:, :2]
        way = ground[c] - ground[b]
        length = np.linalg.norm(way)
        along = (ground - ground[b]) @ way / length**2
        aside = np.abs((ground - ground[b]) @ np.array([-way[1], way[0]])) / length
        level = np.abs(self.low[:, 2] - (self.low[b, 2] + self.low[c, 2]) / 2) < 0.1
        out = np.full(len(self.objects), UNCLEAR, np.int8)
        out[(along > 0.25) & (along < 0.75) & (aside < 0.2 * length) & level] = YES
        out[(along < 0.05) | (along > 0.95) | (aside > 0.5 * length)] = NO
        out[[b, c]] = NO
        return out

    def _apart(self) -> np.ndarray:
        """(N, N) bool: neither carries the other, and their heights are alike, so that left or behind makes sense."""
        carried = self._carried()
        rise = np.maximum(self.low[:, None, 2], self.low[None, :, 2]) - np.minimum(
            self.high[:, None, 2], self.high[None, :, 2]
        )
        return ~carried & ~carried.T & (rise < 0.08)

    def _carried(self) -> np.ndarray:
        """(N, N) bool: b is somewhere under a in the stack."""
        index = {o.id: k for k, o in enumerate(self.objects)}
        out = np.zeros((len(self.objects),) * 2, bool)
        for k, o in enumerate(self.objects):
            below = o.supporter
            while below in index:
                out[k, index[below]] = True
                below = self.objects[index[below]].supporter
        return out

    def _left_of(self) -> np.ndarray:
        left = self.center[:, None, 1] - self.center[None, :, 1]
        ahead = np.abs(self.center[:, None, 0] - self.center[None, :, 0])
        clear = self.low[:, None, 1] - self.high[None, :, 1]  # free space between a and b
        pixels = self.boxes[None, :, 0] - self.boxes[:, None, 2]
        middle = self.boxes[:, [0, 2]].mean(1)
        wide = np.minimum(self.high - self.low, 0.2)[:, 1]
        touch = -0.15 * np.minimum(wide[:, None], wide[None])
        yes = (clear > touch) & (pixels > -8) & (left > 0.6 * ahead) & self._apart()
        no = (left < 0) & (middle[:, None] > middle[None])
        return np.where(yes, YES, np.where(no, NO, UNCLEAR)).astype(np.int8)

    def _behind(self) -> np.ndarray:
        ahead = self.center[:, None, 0] - self.center[None, :, 0]
        aside = np.abs(self.center[:, None, 1] - self.center[None, :, 1])
        clear = self.low[:, None, 0] - self.high[None, :, 0]
        farther = self.distance[:, None] - self.distance[None]
        shared = np.minimum(self.high[:, None, 1], self.high[None, :, 1]) - np.maximum(
            self.low[:, None, 1], self.low[None, :, 1]
        )
        line = (aside < 0.35 * ahead) | ((shared > 0) & (aside < 0.7 * ahead))
        yes = (clear > -0.01) & (ahead > 0.05) & (farther > 0.05) & line & self._apart()
        no = (ahead < 0) & (farther < 0)
        return np.where(yes, YES, np.where(no, NO, UNCLEAR)).astype(np.int8)

    def _on(self) -> np.ndarray:
        out = np.where(self._carried(), UNCLEAR, NO).astype(np.int8)
        index = {o.id: k for k, o in enumerate(self.objects)}
        for k, o in enumerate(self.objects):
            if o.supporter in index and (not o.container or self.objects[index[o.container]].category == "plate"):
                out[k, index[o.supporter]] = YES
        return out

    def _inside(self) -> np.ndarray:
        out = np.where(self._carried(), UNCLEAR, NO).astype(np.int8)
        index = {o.id: k for k, o in enumerate(self.objects)}
        for k, o in enumerate(self.objects):
            if o.container in index and self.objects[index[o.container]].category != "plate":
                out[k, index[o.container]] = YES
            elif o.supporter in index and not o.container:
                out[k, index[o.supporter]] = NO
        return out

    def _under(self) -> np.ndarray:
        """b stands on a, or a is wholly below the top of a table, chair or stool b."""
        out = self._on().T.copy()
        for b, o in enumerate(self.objects):
            if o.category not in ("table", "chair", "stool"):
                continue
            inner, outer = self.low[:, :2] - self.low[b, :2], self.high[b, :2] - self.high[:, :2]
            within = (np.minimum(inner, outer) > -0.02).all(1)
            touching = (np.minimum(self.high[:, :2] - self.low[b, :2], self.high[b, :2] - self.low[:, :2]) > 0).all(1)
            lower = self.high[:, 2] < self.low[b, 2] + 0.4 * self.size[b, 2] + 0.1
            out[touching & (self.low[:, 2] < self.high[b, 2] - 0.05), b] = UNCLEAR
            out[within & lower, b] = YES
        return out

    def _above(self) -> np.ndarray:
        rise = self.low[:, None, 2] - self.high[None, :, 2]
        shared = np.minimum(self.high[:, None, :2], self.high[None, :, :2]) - np.maximum(
            self.low[:, None, :2], self.low[None, :, :2]
        )
        size = np.minimum((self.high - self.low)[:, None, :2], (self.high - self.low)[None, :, :2])
        over = (shared > 0.5 * size).all(-1)
        yes = (rise > 0.03) & over & ~self._carried()
        no = (self.center[:, None, 2] - self.center[None, :, 2] < 0.01) | ((shared < -0.05).any(-1) & (rise < 0.03))
        return np.where(yes, YES, np.where(no, NO, UNCLEAR)).astype(np.int8)

    def _next_to(self) -> np.ndarray:
        n = len(self.objects)
        out = np.full((n, n), NO, np.int8)
        wide = self.size[:, :2].max(1)
        apart = self._apart()
        for a in range(n):
            for b in range(a):
                space = gap(self._prints[a], self._prints[b]) / (0.5 * (wide[a] + wide[b]))
                level = abs(self.low[a, 2] - self.low[b, 2]) < 0.03
                if space < 0.4 and apart[a, b] and level:
                    out[a, b] = out[b, a] = YES
                elif space < 1.2:
                    out[a, b] = out[b, a] = UNCLEAR
        return out


_RULES = {
    "left_of": SpatialTruth._left_of,
    "behind": SpatialTruth._behind,
    "on": SpatialTruth._on,
    "inside": SpatialTruth._inside,
    "under": SpatialTruth._under,
    "above": SpatialTruth._above,
    "next_to": SpatialTruth._next_to,
}

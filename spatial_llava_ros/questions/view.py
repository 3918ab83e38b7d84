"""A scene graph as one viewer has it before them: where things are from there, and how sure that is.

Distances are between centres unless a name says otherwise. Standard deviations follow from the covariances of the
boxes, taken as independent of each other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TypeVar

import numpy as np

from spatial_llava_ros.geometry import matrix_from_quaternion, viewer_from_camera
from spatial_llava_ros.graph.statements import INVERSE, PREDICATES, Statements, judge, layout_in_view, reference_of
from spatial_llava_ros.relations import Layout, between, pairwise
from spatial_llava_ros.types import ObjectState, SceneGraph

T = TypeVar("T")
VIEWER = -1
"""Stands for the viewer where the row of a thing is expected."""
HOLDS, FAILS = 0.6, 0.25
"""A relation is said from HOLDS on and denied below FAILS; between them nobody should be sure."""
SURE = 2.0
"""A difference counts from this many standard deviations on."""
_LARGE = 150  # things that are related to each other at most; the nearest to what is asked about


@dataclass(frozen=True)
class Judgement:
    """How well a relation holds between two things.

    Attributes:
        score: 0..1.
        value, value_std: metres (radians for angles) behind it; NaN where not measured.
        verdict: True, False, or None where it is too close to call.
        why: for None, in words.
    """

    score: float
    value: float
    value_std: float
    reference: str
    verdict: bool | None
    why: str = ""


class View:
    """The nodes of a graph in a viewer's frame: x forward, y left, z up, level."""

    def __init__(self, graph: SceneGraph, viewer_pose: np.ndarray | None = None, without: Collection[int] = ()) -> None:
        """Take up a place in a scene.

        Args:
            viewer_pose: (4, 4) camera pose in the graph's frame, optical axes; that of the graph when None.
            without: ids of things that are left out.
        """
        self.graph = graph
        self.pose = graph.frame_from_camera if viewer_pose is None else np.asarray(viewer_pose, np.float64)
        self.nodes = tuple(
            n for n in graph.objects if n.state is not ObjectState.MISSING and n.object.id not in without
        )
        self.ids = [n.object.id for n in self.nodes]
        self.viewer_from_frame = viewer_from_camera(self.pose[:3, :3].T @ graph.up) @ self.pose[:3, :3].T
        self._kept: dict[Hashable, object] = {}
        self._judge = lru_cache(maxsize=32)(self._judge_rows)

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, worked out at the first call with this key and kept as long as the view."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    @cached_property
    def layout(self) -> Layout:
        """Of the nodes, in the viewer frame."""
        return layout_in_view([n.object for n in self.nodes], self.pose, self.graph.up)

    # -- places and sizes -------------------------------------------------------------------------------------------

    def has_depth(self, row: int) -> bool:
        """Whether a thing, or the viewer, has a place in space."""
        return row == VIEWER or self.nodes[row].object.position is not None

    def place(self, row: int) -> np.ndarray:
        """(3,) centre in the viewer frame, metres from the viewer."""
        if row == VIEWER:
            return np.zeros(3)
        return self.viewer_from_frame @ (self.nodes[row].object.position - self.pose[:3, 3])

    def place_covariance(self, row: int) -> np.ndarray:
        """(3, 3) of the centre in the viewer frame; zero for the viewer."""
        if row == VIEWER:
            return np.zeros((3, 3))
        covariance = self.nodes[row].object.covariance
        if covariance is None:
            return np.full((3, 3), np.nan)
        return self.viewer_from_frame @ covariance[:3, :3] @ self.viewer_from_frame.T

    def offset(self, a: int, b: int) -> tuple[np.ndarray, np.ndarray]:
        """From b to a in the viewer frame, (3,), and its covariance (3, 3)."""
        return self.place(a) - self.place(b), self.place_covariance(a) + self.place_covariance(b)

    def distance(self, a: int, b: int, axes: Sequence[int] = (0, 1, 2)) -> tuple[float, float]:
        """Metres between centres along some of the viewer's axes, and the standard deviation."""
        step, covariance = self.offset(a, b)
        axes = list(axes)
        step, covariance = step[axes], covariance[np.ix_(axes, axes)]
        length = float(np.linalg.norm(step))
        way = step / length if length > 1e-6 else np.full(len(axes), len(axes) ** -0.5)
        return length, float(np.sqrt(max(way @ covariance @ way, 0.0)))

    def distances(self, b: int) -> np.ndarray:
        """(N,) metres between the centre of each thing and that of b; NaN without depth."""
        return np.linalg.norm(self.layout.centre - self.place(b), axis=1)

    def distance_difference_std(self, a: int, b: int, c: int) -> float:
        """Standard deviation of how much farther a is from c than b is; what is unsure of c counts once."""
        ways = []
        for row in (a, b):
            step = self.place(row) - self.place(c)
            ways.append(step / max(float(np.linalg.norm(step)), 1e-6))
        parts = ((ways[0], a), (ways[1], b), (ways[0] - ways[1], c))
        variance = sum(way @ np.nan_to_num(self.place_covariance(row), nan=4e-4) @ way for way, row in parts)
        return float(np.sqrt(max(variance, 0.0)))

    def gap(self, a: int, b: int) -> float:
        """Metres of free space between the two boxes around the things along the viewer's axes; 0 where they meet."""
        if VIEWER in (a, b):
            other = b if a == VIEWER else a
            return float(np.linalg.norm(np.maximum(np.maximum(self.layout.low[other], -self.layout.high[other]), 0)))
        clear = np.maximum(self.layout.low[a] - self.layout.high[b], self.layout.low[b] - self.layout.high[a])
        return float(np.linalg.norm(np.maximum(clear, 0)))

    def size(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        """Width (the longer), depth (the shorter horizontal side) and height, (3,) metres; and their deviations."""
        obj = self.nodes[row].object
        std = np.full(3, np.nan) if obj.size_std is None else np.asarray(obj.size_std)
        order = [0, 1, 2] if obj.size[0] >= obj.size[1] else [1, 0, 2]
        return np.asarray(obj.size)[order], std[order]

    def bearing(self, row: int) -> tuple[float, float]:
        """Angle to a thing from straight ahead, left positive, radians, and its standard deviation."""
        x, y, _ = self.place(row)
        covariance = self.place_covariance(row)[:2, :2]
        away = max(float(np.hypot(x, y)), 1e-6)
        across = np.array([-y, x]) / away
        return float(np.arctan2(y, x)), float(np.sqrt(max(across @ covariance @ across, 0.0)) / away)

    def heading(self, row: int) -> tuple[float, float] | None:
        """Direction of a box's longer side in the viewer frame from straight ahead, radians left, and its deviation.

        None where the yaw means nothing or could not be seen. Known only up to the box's `yaw_period`.
        """
        obj = self.nodes[row].object
        if obj.orientation is None or not obj.yaw_period:
            return None
        rotation = matrix_from_quaternion(obj.orientation)
        side = self.viewer_from_frame @ rotation[:, 0]
        std = np.nan
        if obj.covariance is not None:
            std = float(np.sqrt(max(rotation[:, 2] @ obj.covariance[3:, 3:] @ rotation[:, 2], 0)))
        return float(np.arctan2(side[1], side[0])), std

    # -- relations --------------------------------------------------------------------------------------------------

    def rows_near(self, rows: Sequence[int]) -> tuple[int, ...]:
        """All rows, or in a large map those nearest to some, for work that grows with the square of their number."""
        if len(self.nodes) <= _LARGE:
            return tuple(range(len(self.nodes)))
        centre = self.layout.centre
        away = np.full(len(self.nodes), np.inf)
        for row in rows or (VIEWER,):
            if self.has_depth(row):
                away = np.fmin(away, np.linalg.norm(centre - self.place(row), axis=1))
        nearest = np.argsort(np.nan_to_num(away, nan=np.inf), kind="stable")[:_LARGE]
        return tuple(sorted({int(i) for i in nearest} | {r for r in rows if r != VIEWER}))

    def _judge_rows(self, rows: tuple[int, ...]) -> Statements:
        return judge([self.nodes[i] for i in rows], self.part(rows))

    def part(self, rows: Sequence[int]) -> Layout:
        """The layout of some rows."""
        rows = list(rows)
        return Layout(*(getattr(self.layout, name)[rows] for name in ("low", "high", "bearing", "elevation")))

    def scores(self, predicate: str, rows: tuple[int, ...]) -> np.ndarray:
        """(M, M): how well "i <predicate> j" holds among some rows, 0..1."""
        if predicate == "at_edge_of":
            return pairwise(predicate, self.part(rows))
        statements = self._judge(rows)
        if predicate not in statements.scores:
            raise KeyError(predicate)
        score = statements.scores[predicate]
        # What stands on a thing is above it, what carries it is below and under it.
        also = {"above": "on", "below": "under"}.get(predicate)
        if also:
            score = np.maximum(score, statements.scores[also])
        if predicate == "under":  # what is only lower down, as on the next board of a shelf: some say so, some do not
            score = np.maximum(score, 0.45 * statements.scores["below"])
        if predicate == "on":
            score = self._carried(statements, rows)
        return score

    def _carried(self, statements: Statements, rows: tuple[int, ...]) -> np.ndarray:
        """on, and on what is on a table or the like: the mug on the book on the table is on the table."""
        direct = statements.scores["on"]
        rests = np.maximum(direct, statements.scores["inside"])
        score = direct.copy()
        wide = np.array([self.layout.half[i, :2].min() > 0.2 for i in rows])
        links = np.flatnonzero(rests.max(axis=0, initial=0) > 0.01)  # what carries something: there are few
        chain = rests[np.ix_(links, links)]
        step = rests[:, links]
        for _ in range(3):
            step = np.max(np.minimum(step[:, :, None], chain[None, :, :]), axis=1, initial=0)
            score[:, links] = np.maximum(score[:, links], step * wide[None, links])
        np.fill_diagonal(score, 0)
        return score

    def relation(self, predicate: str, a: int, b: int) -> Judgement:
        """Judge "a <predicate> b" of two things with depth."""
        # What carries the two decides too, as for things on things on a table.
        rows = self.rows_near([a, b]) if predicate == "on" else (a, b)
        i, j = rows.index(a), rows.index(b)
        score = float(self.scores(predicate, rows)[i, j])
        against = float(self.scores(INVERSE[predicate], rows)[i, j]) if predicate in INVERSE else 0.0
        value, std = self.value(predicate, a, b)
        reference = reference_of(predicate) if predicate in PREDICATES else "world"
        verdict: bool | None = None
        why = ""
        directed = predicate in ("left_of", "right_of", "behind", "in_front_of")
        if score >= HOLDS and score > against:
            verdict = True
        elif score <= FAILS or against >= HOLDS:
            verdict = False
        if directed and np.isfinite(std) and abs(value) < SURE * std:
            verdict, why = None, f"the offset of {value:.3f} m is within its uncertainty of {std:.3f} m"
        elif verdict is None:
            why = f"it is a borderline case (it holds to {100 * score:.0f} %)"
        elif directed and verdict is False and value > 0 and against < HOLDS:
            # a step to the side, but a larger one back or up: neither yes nor a plain no
            verdict, why = None, f"it is {value:.2f} m that way, but more so in another direction"
        return Judgement(score, value, std, reference, verdict, why)

    def value(self, predicate: str, a: int, b: int) -> tuple[float, float]:
        """The number behind "a <predicate> b", positive the way the predicate states, and its deviation."""
        step, covariance = self.offset(a, b)
        axis, sign = {
            "left_of": (1, 1), "right_of": (1, -1), "behind": (0, 1), "in_front_of": (0, -1),
            "above": (2, 1), "on": (2, 1), "below": (2, -1), "under": (2, -1),
        }.get(predicate, (None, 1))  # fmt: skip
        if axis is None:
            return self.gap(a, b), self.distance(a, b)[1]
        std = float(np.sqrt(max(covariance[axis, axis], 0.0)))
        if axis == 2:
            low, high = self.layout.low[:, 2], self.layout.high[:, 2]
            return float(low[a] - high[b] if sign > 0 else low[b] - high[a]), std
        return float(sign * step[axis]), std

    def between(self, a: int, b: int) -> np.ndarray:
        """(N,) how well each thing stands between two, 0..1; either may be the viewer."""
        if VIEWER in (a, b):
            return self._in_the_way(b if a == VIEWER else a)
        rows = self.rows_near([a, b])
        i, j = rows.index(a), rows.index(b)
        out = np.zeros(len(self.nodes))
        part = self.part(rows)
        if a == b:
            return out
        # Small things on a table may hide in the line of larger ones: heights must be alike.
        scores = between(part)[:, i, j]
        low = max(part.low[i, 2], part.low[j, 2]) - 0.15
        high = min(part.low[i, 2], part.low[j, 2]) + 0.15
        top, bottom = max(part.high[i, 2], part.high[j, 2]), min(low, high)
        meets = (part.high[:, 2] > bottom) & (part.low[:, 2] < top)
        out[list(rows)] = scores * meets
        for row in (a, b):
            carried = self.scores("on", rows)[:, rows.index(row)] + self.scores("on", rows)[rows.index(row)]
            out[list(rows)] *= carried < HOLDS
        return np.nan_to_num(out)

    def _in_the_way(self, goal: int) -> np.ndarray:
        """(N,) how much of the straight floor lane from the viewer to a thing each thing reaches into, as 0..1.

        The lane is half a metre wide, the width of a small robot or of a person's shoulders, or as wide as the goal
        where that is narrower; a thing counts by how deep it reaches into it.
        """
        way = self.place(goal)[:2]
        length = max(float(np.linalg.norm(way)), 1e-6)
        ahead, aside = way / length, np.array([-way[1], way[0]]) / length
        centre, half = self.layout.centre[:, :2], self.layout.half[:, :2]
        middle, reach = centre @ ahead, half @ np.abs(ahead)
        off, wide = np.abs(centre @ aside), half @ np.abs(aside)
        lane = min(0.25, max(float(half[goal] @ np.abs(aside)), 0.05))
        with np.errstate(invalid="ignore"):
            inside = 1 / (1 + np.exp(-np.clip(8 * (lane + wide - off) / lane - 2, -40, 40)))
            nearer = (middle > 0) & (middle + 0.5 * reach < length - 0.5 * half[goal] @ np.abs(ahead))
            bottom, top = self.layout.low[goal, 2] - 0.1, self.layout.high[goal, 2] + 0.1
            level = (self.layout.high[:, 2] > bottom) & (self.layout.low[:, 2] < max(top, 0))
        out = np.nan_to_num(inside * nearer * level)
        out[goal] = 0
        rows = self.rows_near([goal])
        carries = self.scores("on", rows)[rows.index(goal)] + self.scores("inside", rows)[rows.index(goal)]
        out[list(rows)] *= carries < HOLDS
        return out

    def seen_from(self, row: int, towards: np.ndarray) -> View:
        """The scene without a thing, for someone in its place who looks along a way (3,) in the graph's frame."""
        up = self.graph.up
        forward = towards - (towards @ up) * up
        forward = forward / np.linalg.norm(forward)
        pose = np.eye(4)
        pose[:3, :3] = np.stack([np.cross(forward, up), -up, forward], axis=1)
        pose[:3, 3] = self.nodes[row].object.position
        return View(self.graph, pose, without=(self.ids[row],))

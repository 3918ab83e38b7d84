"""A scene: models with poses on surfaces, walls around them, lights; and how things are put down without overlap.

World frame "map": z up, floor at z = 0, metres.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from spatial_llava_ros.sim.mesh import rotation, translation
from spatial_llava_ros.sim.model import Model, Part


@dataclass(frozen=True, eq=False)
class Placed:
    """A model in the world.

    Attributes:
        id: 1, 2, 3 …; its value in instance masks.
        world_from_model: (4, 4).
        world_from_object: (4, 4) pose of its upright box: origin in the box centre, x along the longer horizontal side.
        size: (3,) full sides of that box, metres.
        supporter: id of the object that carries it, 0 for the table, shelf or floor.
        container: id of the object that it lies in, 0 for none.
    """

    id: int
    model: Model
    world_from_model: np.ndarray
    world_from_object: np.ndarray
    size: np.ndarray
    supporter: int = 0
    container: int = 0


@dataclass(frozen=True)
class Light:
    """A glowing ball: position (3,) and radius in metres, color (3,) power relative to white at one metre."""

    position: tuple[float, float, float]
    radius: float
    color: tuple[float, float, float]


@dataclass(frozen=True)
class Support:
    """A level rectangle to put things on.

    Attributes:
        x, y, z: its centre in the world.
        width, depth: sides along x and y, before it is turned by `yaw` about its centre.
        clearance: free height above it.
        owner: id of the object whose top it is, 0 for a part of the room.
    """

    x: float
    y: float
    z: float
    width: float
    depth: float
    clearance: float = 10.0
    yaw: float = 0.0
    owner: int = 0


@dataclass(frozen=True, eq=False)
class Scene:
    """Everything there is to see. structure are parts in world coordinates that belong to no object; scenery are things
    that nobody speaks of, with id 0.

    focus is the point (3,) that cameras look at; stand_off the (nearest, farthest) distance from it, elevation the
    (lowest, highest) angle above the horizon in radians and sweep the largest azimuth to either side of -x.
    sensors are keys of `sensors.SENSORS` that it is usually seen with (none: a D435) and cut_off the (nearest,
    farthest) distance in metres beyond which some of them give no depth.
    """

    layout: str
    seed: int
    objects: tuple[Placed, ...]
    structure: tuple[Part, ...]
    lights: tuple[Light, ...]
    ambient: tuple[float, float, float]
    focus: tuple[float, float, float]
    stand_off: tuple[float, float]
    elevation: tuple[float, float]
    sweep: float
    sensors: tuple[str, ...] = ()
    cut_off: tuple[float, float] | None = None
    scenery: tuple[Placed, ...] = ()
    cache: dict = field(default_factory=dict, repr=False)


def rest_pose(model: Model, tip: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray, float]:
    """How a model rests: (4, 4) rest_from_model, its box size (3,), and the yaw of the model in the rest frame.

    The rest frame has its origin under the box centre on the ground, z up and x along the longer horizontal side.

    Args:
        tip: (4, 4) rotation that tips the model over first, or None.
    """
    matrix, yaw = np.eye(4) if tip is None else tip, 0.0
    points = model.vertices() @ matrix[:3, :3].T
    if np.ptp(points[:, 1]) > np.ptp(points[:, 0]) + 1e-6:
        yaw = -np.pi / 2
        matrix = rotation("z", yaw) @ matrix
        points = model.vertices() @ matrix[:3, :3].T
    low, high = points.min(0), points.max(0)
    shift = translation(-(low[0] + high[0]) / 2, -(low[1] + high[1]) / 2, -low[2])
    return shift @ matrix, high - low, yaw


def top_of(placed: Placed) -> Support:
    """The usable top of a table or cabinet; of a round one the square inside."""
    pose, size = placed.world_from_object, placed.size
    share = 0.7 if placed.model.round else 0.94
    yaw = float(np.arctan2(pose[1, 0], pose[0, 0]))
    x, y, z = pose[:3, 3]
    return Support(x, y, z + size[2] / 2, share * size[0], share * size[1], 1.2, yaw, placed.id)


def hull(points: np.ndarray) -> np.ndarray:
    """Convex hull (K, 2) float64 of points (N, 2) in order around."""
    return cv2.convexHull(points.astype(np.float32)).reshape(-1, 2).astype(np.float64)


def gap(a: np.ndarray, b: np.ndarray) -> float:
    """Distance between convex polygons (K, 2) and (L, 2) by separating axes; negative when they overlap.

    Never more than the true distance (it is the largest gap over edge normals)."""
    best = -np.inf
    for polygon in (a, b):
        edge = np.roll(polygon, -1, 0) - polygon
        length = np.linalg.norm(edge, axis=1)
        normal = np.stack([edge[:, 1], -edge[:, 0]], -1)[length > 1e-9] / length[length > 1e-9, None]
        pa, pb = a @ normal.T, b @ normal.T
        best = max(best, float(np.maximum(pb.min(0) - pa.max(0), pa.min(0) - pb.max(0)).max()))
    return best


class Arranger:
    """Puts models into a growing scene; every put_* returns the new id, or 0 when there is no room."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.objects: list[Placed] = []
        self._prints: list[tuple[np.ndarray, float, float]] = []  # footprint, z low, z high
        self._blocks: list[tuple[np.ndarray, float, float]] = []

    def block(self, x: tuple[float, float], y: tuple[float, float], z: tuple[float, float]) -> None:
        """Keep a part of the room, from low to high along each world axis, free of things."""
        corners = np.array([(x[0], y[0]), (x[1], y[0]), (x[1], y[1]), (x[0], y[1])])
        self._blocks.append((corners, *z))

    def is_free(self, x: tuple[float, float], y: tuple[float, float], z: tuple[float, float]) -> bool:
        """Whether nothing is within 2 cm of a block from low to high along each world axis."""
        corners = np.array([(x[0], y[0]), (x[1], y[0]), (x[1], y[1]), (x[0], y[1])])
        return self._free(corners, *z, 0.02, frozenset())

    def _free(self, outline: np.ndarray, low: float, high: float, margin: float, skip: frozenset[int]) -> bool:
        center = outline.mean(0)
        reach = np.linalg.norm(outline - center, axis=1).max()
        taken = [p for k, p in enumerate(self._prints, 1) if k not in skip]
        for other, z0, z1 in (*taken, *self._blocks):
            if low >= z1 - 1e-4 or high <= z0 + 1e-4:
                continue
            middle = other.mean(0)
            far = np.linalg.norm(center - middle) - reach - np.linalg.norm(other - middle, axis=1).max()
            if far < margin and gap(outline, other) < margin:
                return False
        return True

    def add(
        self, model: Model, rest_from_model: np.ndarray, size: np.ndarray, x: float, y: float, z: float, yaw: float,
        supporter: int = 0, container: int = 0,
    ) -> int:  # fmt: skip
        """Put a model down at a pose, whatever is there."""
        world_from_rest = translation(x, y, z) @ rotation("z", yaw)
        world_from_model = world_from_rest @ rest_from_model
        points = model.vertices() @ world_from_model[:3, :3].T + world_from_model[:3, 3]
        self._prints.append((hull(points[:, :2]), z, z + float(size[2])))
        number = len(self.objects) + 1
        pose = world_from_rest @ translation(z=size[2] / 2)
        self.objects.append(Placed(number, model, world_from_model, pose, size, supporter, container))
        return number

    def put_on(
        self, support: Support, model: Model, tip: np.ndarray | None = None, margin: float = 0.015,
        yaw: float | None = None, tries: int = 40, inset: float = 0.01,
    ) -> int:  # fmt: skip
        """Somewhere on a level surface, `margin` metres clear of everything else; yaw is that of the model."""
        rest, size, turn = rest_pose(model, tip)
        if size[2] > support.clearance:
            return 0
        outline = _outline(model, rest)
        frame = rotation("z", support.yaw)[:2, :2]
        for _ in range(tries):
            angle = (self.rng.uniform(-np.pi, np.pi) if yaw is None else yaw - turn) - support.yaw
            turned = outline @ rotation("z", angle)[:2, :2].T
            half = np.array([support.width, support.depth]) / 2 - inset
            low, high = -half - turned.min(0), half - turned.max(0)
            if (low > high).any():
                continue
            spot = self.rng.uniform(low, high)
            moved = (turned + spot) @ frame.T + [support.x, support.y]
            if self._free(moved, support.z, support.z + size[2], margin, frozenset({support.owner})):
                spot = frame @ spot + [support.x, support.y]
                return self.add(model, rest, size, *spot, support.z, angle + support.yaw, supporter=support.owner)
        return 0

    def put_at(self, support: Support, model: Model, tip: np.ndarray | None, x: float, y: float, yaw: float) -> int:
        """With the box centre at world x, y and the model at a yaw, if nothing is in the way."""
        rest, size, turn = rest_pose(model, tip)
        angle = yaw - turn
        outline = _outline(model, rest) @ rotation("z", angle)[:2, :2].T + [x, y]
        if size[2] > support.clearance:
            return 0
        if not self._free(outline, support.z, support.z + size[2], 0.0002, frozenset({support.owner})):
            return 0
        return self.add(model, rest, size, x, y, support.z, angle, supporter=support.owner)

    def put_against(self, neighbour: int, support: Support, model: Model, tip: np.ndarray | None = None) -> int:
        """On the same surface, slid along a random direction until it touches (within a millimetre) a neighbour."""
        rest, size, _ = rest_pose(model, tip)
        outline = _outline(model, rest)
        fixed = self._prints[neighbour - 1][0]
        if size[2] > support.clearance:
            return 0
        for _ in range(12):
            yaw = self.rng.uniform(-np.pi, np.pi)
            if self.rng.random() < 0.6:  # square to the neighbour, as things that are pushed together come to stand
                axis = self.objects[neighbour - 1].world_from_object[:2, 0]
                yaw = np.arctan2(axis[1], axis[0]) + self.rng.integers(4) * np.pi / 2
            turned = outline @ rotation("z", yaw)[:2, :2].T
            angle = self.rng.uniform(-np.pi, np.pi)
            direction = np.array([np.cos(angle), np.sin(angle)])
            middle = fixed.mean(0)
            near, far = 0.0, 1.5
            for _ in range(14):
                half = (near + far) / 2
                near, far = (near, half) if gap(turned + middle + half * direction, fixed) > 0.0005 else (half, far)
            spot = middle + far * direction
            back = rotation("z", -support.yaw)[:2, :2]
            moved = (turned + spot - [support.x, support.y]) @ back.T
            inside = (np.abs(moved) < np.array([support.width, support.depth]) / 2 - 0.01).all()
            free = self._free(turned + spot, support.z, support.z + size[2], 0.0004, frozenset({support.owner}))
            if inside and free:
                return self.add(model, rest, size, *spot, support.z, yaw, supporter=support.owner)
        return 0

    def lean_on(self, neighbour: int, support: Support, model: Model, angle: float) -> int:
        """On the same surface beside a box-like neighbour, tilted by `angle` radians until its upper edge rests on it.

        The neighbour must be taller than that edge."""
        base = self.objects[neighbour - 1]
        rest, size, turn = rest_pose(model, rotation("x", angle))
        points = model.vertices() @ rest[:3, :3].T + rest[:3, 3]
        # It leans towards the side on which what reaches farthest is higher up.
        edges = []
        for sign in (-1.0, 1.0):
            back = rotation("z", turn)[:2, :2] @ [0.0, sign]
            reach = points[:, :2] @ back
            edges.append((points[reach > reach.max() - 1e-4, 2].min(), reach.max(), back))
        edge, reach, back = max(edges, key=lambda e: e[0])
        flush = np.abs(base.world_from_model[2, :3]).max() > 0.999 and self._prints[neighbour - 1][1] == support.z
        if not flush or size[2] > support.clearance or edge > base.size[2] - 0.003:
            return 0
        for side in self.rng.permutation(4):
            normal = base.world_from_object[:2, side % 2] * (1 if side < 2 else -1)
            yaw = float(np.arctan2(-normal[1], -normal[0]) - np.arctan2(back[1], back[0]))
            turned = _outline(model, rest) @ rotation("z", yaw)[:2, :2].T
            along = np.array([-normal[1], normal[0]]) * self.rng.normal(0, 0.02)
            spot = base.world_from_object[:2, 3] + along + normal * (base.size[side % 2] / 2 + reach + 0.0005)
            moved = (turned + spot - [support.x, support.y]) @ rotation("z", -support.yaw)[:2, :2].T
            inside = (np.abs(moved) < np.array([support.width, support.depth]) / 2 - 0.01).all()
            if inside and self._free(turned + spot, support.z, support.z + size[2], 0.0003, frozenset({support.owner})):
                return self.add(model, rest, size, *spot, support.z, yaw, supporter=support.owner)
        return 0

    def put_on_top(
        self, below: int, model: Model, tip: np.ndarray | None = None, clearance: float = 10.0,
        turn: float = 0.25, aside: float = 0.01, share: float = 0.75,
    ) -> int:  # fmt: skip
        """On the flat top of another object, its middle well supported.

        Args:
            turn, aside: standard deviations of how it lies on it, radians and metres.
            share: of its footprint that must have something under it.
        """
        base = self.objects[below - 1]
        rest, size, _ = rest_pose(model, tip)
        outline = _outline(model, rest)
        points = base.model.vertices() @ base.world_from_model[:3, :3].T + base.world_from_model[:3, 3]
        top = points[:, 2].max()
        if top + size[2] - self._prints[below - 1][1] > clearance:
            return 0
        ground = hull(points[points[:, 2] > top - 0.004][:, :2])
        axis = base.world_from_object[:2, 0]
        for _ in range(20):
            yaw = np.arctan2(axis[1], axis[0]) + self.rng.normal(0, turn) + self.rng.integers(4) * np.pi / 2
            spot = ground.mean(0) + self.rng.normal(0, aside, 2)
            moved = outline @ rotation("z", yaw)[:2, :2].T + spot
            carried = _overlap(moved, ground) / cv2.contourArea(moved.astype(np.float32))
            if carried > share and self._free(moved, top, top + size[2], 0.003, frozenset({below})):
                return self.add(model, rest, size, *spot, top, yaw, supporter=below)
        return 0

    def put_in(self, around: int, model: Model) -> int:
        """On the floor of a container, or for a ball wherever its wall stops it."""
        base = self.objects[around - 1]
        cavity = base.model.cavity
        rest, size, _ = rest_pose(model)
        if cavity is None or base.world_from_model[2, 2] < 0.99:
            return 0
        radius, z = cavity.profile.T
        if model.ball is not None:
            r = model.ball
            if r > 0.85 * radius.max():
                return 0
            under = radius < r
            center = max(cavity.z + r, float((z[under] + np.sqrt(r**2 - radius[under] ** 2)).max(initial=0)))
            low = center - r
        else:
            half = np.linalg.norm(size[:2]) / 2
            fits = radius > half
            if not fits.any():
                return 0
            low = float(z[fits][0]) if not fits[0] else cavity.z
        # Less than half of it below the rim would look like balancing; a plate has no rim to speak of.
        if low + 0.45 * size[2] > cavity.rim > 0.04:
            return 0
        spot = base.world_from_model @ [0.0, 0.0, low, 1.0]
        yaw = self.rng.uniform(-np.pi, np.pi)
        outline = _outline(model, rest) @ rotation("z", yaw)[:2, :2].T
        if not self._free(outline + spot[:2], spot[2], spot[2] + size[2], 0.002, frozenset({around})):
            return 0
        return self.add(model, rest, size, spot[0], spot[1], spot[2], yaw, supporter=around, container=around)


def _outline(model: Model, rest: np.ndarray) -> np.ndarray:
    """Footprint of a resting model: convex polygon (K, 2) in the rest frame."""
    return hull((model.vertices() @ rest[:3, :3].T + rest[:3, 3])[:, :2])


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Area shared by two convex polygons."""
    return float(cv2.intersectConvexConvex(a.astype(np.float32), b.astype(np.float32))[0])

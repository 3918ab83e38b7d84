"""The currencies: what travels between the steps of the pipeline, each defined once.

    RgbdFrame -> Proposals (Region, Plane) -> Object3D -> Grounding -> Answer
                                                       -> SceneGraph (SceneObject, Relation)

All are frozen. Arrays inside them are shared, never copied, and must not be written to.
Units are metres, radians and seconds. The camera frame is the REP-103 optical one: x right, y down,
z forward. Image boxes are ``(x1, y1, x2, y2)`` in pixels, x2 and y2 exclusive. Quaternions are x, y, z, w.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np

from spatial_llava_ros.errors import InvalidInputError

Box = tuple[float, float, float, float]


class Status(str, Enum):
    """How a question ended. The text is what JSON carries; messages carry a number for each."""

    FOUND = "found"
    AMBIGUOUS = "ambiguous"
    NOT_FOUND = "not_found"
    NO_DEPTH = "no_depth"
    ERROR = "error"
    STALE_FRAME = "stale_frame"
    NO_TRANSFORM = "no_transform"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    MODEL_ERROR = "model_error"


@dataclass(frozen=True)
class CameraIntrinsics:
    """Pinhole model of a rectified image; pixel centres are at whole numbers.

    Raises:
        InvalidInputError: a size or focal length that is not positive and finite, or a principal
            point that is not finite.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float

    def __post_init__(self) -> None:
        for name in ("width", "height", "fx", "fy"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise InvalidInputError(f"camera {name} must be positive, got {value}")
        for name in ("cx", "cy"):
            if not np.isfinite(getattr(self, name)):
                raise InvalidInputError(f"camera {name} must be finite, got {getattr(self, name)}")

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width), as NumPy names it."""
        return self.height, self.width


@dataclass(frozen=True, eq=False)
class RgbdFrame:
    """One colour picture with its aligned depth, and where the camera was.

    Attributes:
        color: (H, W, 3) uint8, RGB.
        depth: (H, W) float32, metres along the optical axis; NaN where nothing was measured.
        intrinsics: of both pictures; depth is registered to colour.
        stamp: capture time in nanoseconds; 0 when the source has none.
        frame_id: name of the camera's optical frame.
        world_from_camera: (4, 4) float64 or None; maps camera points into `world_frame_id`, a frame
            whose z axis points up (REP-103/105: map, odom, base_link).
        world_frame_id: name of that frame; empty when the pose is unknown.

    Raises:
        InvalidInputError: shapes or dtypes other than these.
    """

    color: np.ndarray
    depth: np.ndarray
    intrinsics: CameraIntrinsics
    stamp: int = 0
    frame_id: str = "camera_color_optical_frame"
    world_from_camera: np.ndarray | None = None
    world_frame_id: str = ""

    def __post_init__(self) -> None:
        shape = self.intrinsics.shape
        if self.color.shape != (*shape, 3) or self.color.dtype != np.uint8:
            raise InvalidInputError(
                f"colour must be uint8 of shape {(*shape, 3)}, got {self.color.dtype} of shape {self.color.shape}"
            )
        if self.depth.shape != shape or self.depth.dtype != np.float32:
            raise InvalidInputError(
                f"depth must be float32 of shape {shape}, got {self.depth.dtype} of shape {self.depth.shape}"
            )
        pose = self.world_from_camera
        if pose is not None and (pose.shape != (4, 4) or not np.isfinite(pose).all()):
            raise InvalidInputError(f"world_from_camera must be a finite (4, 4) matrix, got shape {pose.shape}")


@dataclass(frozen=True, eq=False)
class Plane:
    """A flat surface in the camera frame: ``normal @ p + offset`` is the height of p above it.

    Attributes:
        normal: (3,) float64 unit vector, pointing to the free side (towards the camera).
        offset: metres.
        horizontal: True for a support surface (floor, table, shelf), False for walls and sides.
        pixels: how many depth pixels lie on it.
    """

    normal: np.ndarray
    offset: float
    horizontal: bool
    pixels: int


@dataclass(frozen=True, eq=False)
class Region:
    """A part of the image that may be a thing: the unit that marks, words and lift refer to.

    Attributes:
        id: 1, 2, 3 … in the order of `Proposals.regions`; also the mark drawn on the picture.
        box: tight whole-pixel box of the mask.
        mask: (y2 - y1, x2 - x1) bool, the region inside its box.
        score: 0..1, how sure we are that this is one whole thing.
        plane: index into `Proposals.planes` of the surface that carries it, or None.
        parent: id of the region that this one is a part of, or None.
        valid_depth: 0..1, share of the mask that has depth.
    """

    id: int
    box: tuple[int, int, int, int]
    mask: np.ndarray
    score: float
    plane: int | None = None
    parent: int | None = None
    valid_depth: float = 1.0

    @property
    def slices(self) -> tuple[slice, slice]:
        """(rows, columns) that cut the box out of a full image."""
        x1, y1, x2, y2 = self.box
        return slice(y1, y2), slice(x1, x2)


@dataclass(frozen=True, eq=False)
class Proposals:
    """Everything in a frame that an expression could mean, and what it stands on.

    Attributes:
        regions: best first, ids 1..N.
        planes: largest first.
        up: (3,) float64 unit vector, the direction against gravity in the camera frame.
    """

    regions: tuple[Region, ...]
    planes: tuple[Plane, ...]
    up: np.ndarray


@dataclass(frozen=True, eq=False)
class Object3D:
    """A thing with its place in space: an oriented box and how sure we are of it.

    The box frame has z up (the normal of what carries it), x along the longer horizontal side.

    Attributes:
        id: of the region, or of the object in a map.
        label: what it is called.
        score: 0..1.
        box: in the image, pixels.
        position: (3,) float64 centre of the box in `frame_id`, or None without depth (so are the next four).
        orientation: (4,) float64 quaternion x, y, z, w; rotates box axes into `frame_id`.
        size: (3,) float64 full side lengths along the box axes.
        covariance: (6, 6) float64 of x, y, z and rotations about the axes of `frame_id`.
        size_std: (3,) float64, standard deviation of size.
        yaw_period: the turn about z after which the box looks the same: pi for a rectangle, pi/2 for
            a square, 0 where yaw means nothing (round) or could not be seen.
        visible: 0..1, share of the thing's silhouette that is seen and has depth.
    """

    id: int
    label: str
    score: float
    box: Box
    frame_id: str
    position: np.ndarray | None = None
    orientation: np.ndarray | None = None
    size: np.ndarray | None = None
    covariance: np.ndarray | None = None
    size_std: np.ndarray | None = None
    yaw_period: float = 0.0
    visible: float = 1.0


@dataclass(frozen=True, eq=False)
class Grounding:
    """Which region an expression means, as a distribution.

    Attributes:
        status: FOUND, AMBIGUOUS or NOT_FOUND.
        scores: (N,) float64, probability of each region, in region order; with `none` they sum to 1.
        none: probability that nothing in the frame is meant.
        chosen: indices into the regions, best first: one when found (more for a plural), the
            candidates when ambiguous, empty when not found.
        explanation: why, in words for a person.
    """

    status: Status
    scores: np.ndarray
    none: float
    chosen: tuple[int, ...]
    explanation: str


@dataclass(frozen=True, eq=False)
class Answer:
    """What comes back for one expression; `answer_as_dict` is the JSON of the command line.

    Attributes:
        method: what chose: "geometry", or of a model "marks" or "box"; empty when nothing was chosen from.
        model: name of the model that chose.
        none: 0..1, probability that nothing in view is meant.
    """

    query: str
    status: Status
    explanation: str
    object: Object3D | None = None
    candidates: tuple[Object3D, ...] = ()
    timings_ms: dict[str, float] = field(default_factory=dict)
    method: str = ""
    model: str = ""
    none: float = 0.0


class ObjectState(str, Enum):
    """What is known of an object in a scene graph; `SceneObject.msg` has a number for each."""

    OBSERVED = "observed"
    TENTATIVE = "tentative"
    CONFIRMED = "confirmed"
    OCCLUDED = "occluded"
    MISSING = "missing"


@dataclass(frozen=True, eq=False)
class SceneObject:
    """A node of a scene graph: a thing in space, what it may be called, and what the memory knows of it.

    Attributes:
        object: box, pose, covariance; its label is the best name, its id that of the node.
        labels: other names and their probabilities, best first; they need not sum to 1, the rest is "none of these".
        attributes: words a person could use: colour, shape, stance.
        colours: (11,) float64 shares of the basic colour names (`grounding.colour.NAMES`), or None.
        layer: depth layer in the view, 1 = nearest, 0 = not assigned.
        source: where the label comes from: "geometry", "model", "both" or "user".
        state: OBSERVED in a graph of one frame.
        observations: frames it was seen in.
        first_seen, last_seen, last_moved: nanoseconds; 0 = never.
        front: (3,) unit vector out of its front in the object's frame, where its shape shows one (a backrest); or None.
    """

    object: Object3D
    labels: tuple[tuple[str, float], ...] = ()
    attributes: tuple[str, ...] = ()
    colours: np.ndarray | None = None
    layer: int = 0
    source: str = "geometry"
    state: ObjectState = ObjectState.OBSERVED
    observations: int = 1
    first_seen: int = 0
    last_seen: int = 0
    last_moved: int = 0
    front: np.ndarray | None = None


@dataclass(frozen=True)
class Relation:
    """ "subject predicate object", with the number behind it.

    Attributes:
        subject, object: ids of nodes.
        value: in `unit`; what it measures depends on the predicate (`graph.statements`); NaN without depth.
        unit: "m", "rad" or "" for a ratio.
        reference: whose left and right it is: "viewer" (of the graph), "object" (its own front) or "world" (no one's).
        score: 0..1, how well it holds.
        second_object: the other landmark of "between", 0 for all else.
        source: "geometry", "model" or "both".
    """

    subject: int
    predicate: str
    object: int
    value: float
    unit: str
    reference: str
    score: float
    second_object: int = 0
    source: str = "geometry"

    @property
    def key(self) -> tuple[int, str, int, int]:
        """What is stated, without the evidence."""
        return self.subject, self.predicate, self.object, self.second_object


@dataclass(frozen=True, eq=False)
class SceneGraph:
    """Things and how they stand to each other, at one moment.

    Attributes:
        frame_id: frame of every pose.
        stamp: nanoseconds, of the newest image in it.
        objects, relations: nodes and edges.
        frame_from_camera: (4, 4) pose of the camera in `frame_id`: whose left and right the viewer's relations are.
        up: (3,) unit vector against gravity in `frame_id`.
        removed: ids that were in the graph before and are gone.
        revision: counts up with each graph of a memory.
    """

    frame_id: str
    stamp: int
    objects: tuple[SceneObject, ...]
    relations: tuple[Relation, ...]
    frame_from_camera: np.ndarray
    up: np.ndarray
    removed: tuple[int, ...] = ()
    revision: int = 0


def object_as_dict(obj: Object3D) -> dict[str, Any]:
    """JSON-ready form of an object; position, orientation, size and covariance are null without depth."""

    def numbers(array: np.ndarray | None) -> list[float] | None:
        return None if array is None else [float(v) for v in np.ravel(array)]

    return {
        "id": obj.id,
        "label": obj.label,
        "score": float(obj.score),
        "box": [float(v) for v in obj.box],
        "position": numbers(obj.position),
        "orientation": numbers(obj.orientation),
        "size": numbers(obj.size),
        "covariance": numbers(obj.covariance),
        "frame_id": obj.frame_id,
    }


def answer_as_dict(answer: Answer) -> dict[str, Any]:
    """JSON-ready form of an answer, as `spatial-llava locate --json` prints it."""
    return {
        "query": answer.query,
        "status": answer.status.value,
        "explanation": answer.explanation,
        "object": None if answer.object is None else object_as_dict(answer.object),
        "candidates": [object_as_dict(c) for c in answer.candidates],
        "timings_ms": {k: round(float(v), 3) for k, v in answer.timings_ms.items()},
        "method": answer.method,
        "model": answer.model,
    }


def relation_as_dict(relation: Relation) -> dict[str, Any]:
    """JSON-ready form of a relation; the value is null where nothing was measured."""
    return {
        "subject": relation.subject,
        "predicate": relation.predicate,
        "object": relation.object,
        **({"second_object": relation.second_object} if relation.second_object else {}),
        "value": float(relation.value) if np.isfinite(relation.value) else None,
        "unit": relation.unit,
        "reference": relation.reference,
        "score": round(float(relation.score), 4),
        "source": relation.source,
    }


def graph_as_dict(graph: SceneGraph) -> dict[str, Any]:
    """JSON-ready form of a scene graph, as `spatial-llava graph --json` prints it."""
    return {
        "frame_id": graph.frame_id,
        "stamp": graph.stamp,
        "objects": [
            {
                **object_as_dict(node.object),
                "labels": [[name, round(float(score), 4)] for name, score in node.labels],
                "attributes": list(node.attributes),
                "layer": node.layer,
                "source": node.source,
                "state": node.state.value,
                "observations": node.observations,
                "last_seen": node.last_seen,
            }
            for node in graph.objects
        ],
        "relations": [relation_as_dict(relation) for relation in graph.relations],
        "removed": list(graph.removed),
    }

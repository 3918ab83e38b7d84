"""Everything that can be said of pairs of things: for each predicate how well it holds, and the number behind it.

The spatial predicates are those of `relations`, with what needs oriented boxes and kinds of things added: a pencil case
askew beside a book is not in it, a bin among the legs of a table is under it, not inside. Values, positive as stated:

    left_of, right_of            metres across the view       behind, in_front_of      metres along the view
    on, above, under, below      metres of free height        next_to, near, far_from  metres of free ground
    leaning_on, attached_to      metres between surfaces      inside                   metres from foot to foot
    bigger_than, smaller_than    ratio of volumes             between                  metres off the line
    taller_than, shorter_than, wider_than, narrower_than      metres of difference
    parallel_to, aligned_with    radians between sides
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spatial_llava_ros.geometry import matrix_from_quaternion, viewer_from_camera
from spatial_llava_ros.relations import CONTACT_M, Layout, gaps, pairwise
from spatial_llava_ros.types import Object3D, SceneObject

VIEWER = frozenset({"left_of", "right_of", "behind", "in_front_of"})
INVERSE = {
    "left_of": "right_of", "behind": "in_front_of", "above": "below", "bigger_than": "smaller_than",
    "taller_than": "shorter_than", "wider_than": "narrower_than",
}  # fmt: skip
INVERSE |= {b: a for a, b in INVERSE.items()}
SYMMETRIC = frozenset({"next_to", "near", "far_from", "parallel_to", "aligned_with"})
PREDICATES = (
    "left_of", "right_of", "behind", "in_front_of", "on", "inside", "under", "above", "below", "next_to", "near",
    "far_from", "bigger_than", "smaller_than", "taller_than", "shorter_than", "wider_than", "narrower_than",
    "parallel_to", "aligned_with", "leaning_on", "attached_to",
)  # fmt: skip
_RATIO = frozenset({"bigger_than", "smaller_than"})
_ANGLE = frozenset({"parallel_to", "aligned_with"})
STANDS_OVER = frozenset({"table", "desk", "chair", "armchair", "stool", "bed", "counter", "nightstand"})
"""Things on legs: what lies within their box is under them, or on their seat, not inside."""

HOLLOW = frozenset(
    {
        "bowl", "basket", "bin", "bucket", "box", "carton", "pot", "pan", "mug", "cup", "glass", "drawer", "shelf",
        "bookcase", "cabinet", "cupboard", "wardrobe", "bag", "backpack", "suitcase", "tote", "crate", "vase", "jar",
        "sink", "refrigerator", "fridge", "microwave", "tray", "toolbox", "plate", "dish",
    }
)  # fmt: skip
"""What can have things in it."""
ROUND = frozenset({"round thing", "ball-shaped thing"})
"""Attributes of what has no sides."""
LEANING, MOUNTED = "leaning", "mounted"
"""Attributes that a frame gives to what stands askew, and to what an upright surface carries."""

_SAMPLES = (np.stack(np.meshgrid(*[np.arange(4)] * 3, indexing="ij"), -1).reshape(-1, 3) + 0.5) / 4 - 0.5
_CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) / 2


def unit_of(predicate: str) -> str:
    """ "m", "rad", or "" for a ratio."""
    return "" if predicate in _RATIO else "rad" if predicate in _ANGLE else "m"


def reference_of(predicate: str) -> str:
    """ "viewer" or "world": whether the predicate depends on who looks."""
    return "viewer" if predicate in VIEWER else "world"


def layout_in_view(objects: Sequence[Object3D], frame_from_camera: np.ndarray, up: np.ndarray) -> Layout:
    """Layout of objects known by their boxes in space alone, such as those of a map, in or out of view.

    Args:
        frame_from_camera: (4, 4) pose of the camera in the frame of the objects.
        up: (3,) against gravity, in that frame.
    """
    viewer = viewer_from_camera(frame_from_camera[:3, :3].T @ up) @ frame_from_camera[:3, :3].T
    corners = np.full((len(objects), 8, 3), np.nan)
    placed = [i for i, obj in enumerate(objects) if obj.position is not None]
    if placed:
        place, size = (np.array([getattr(objects[i], name) for i in placed]) for name in ("position", "size"))
        turn = _rotations(np.array([objects[i].orientation for i in placed]))
        boxes = (_CORNERS * size[:, None]) @ turn.transpose(0, 2, 1) + place[:, None]
        corners[placed] = (boxes - frame_from_camera[:3, 3]) @ viewer.T
    low, high = corners.min(axis=1), corners.max(axis=1)
    bearing = np.arctan2(corners[..., 1], corners[..., 0])
    elevation = np.arctan2(corners[..., 2], np.hypot(corners[..., 0], corners[..., 1]))
    return Layout(
        low,
        high,
        np.stack([bearing.max(axis=1), bearing.min(axis=1)], axis=1),
        np.stack([elevation.min(axis=1), elevation.max(axis=1)], axis=1),
    )


def _rotations(quaternions: np.ndarray) -> np.ndarray:
    """(N, 3, 3) of quaternions (N, 4) x, y, z, w."""
    q = quaternions / np.linalg.norm(quaternions, axis=1, keepdims=True)
    axis, w = q[:, :3], q[:, 3, None, None]
    cross = np.zeros((len(q), 3, 3))
    cross[:, [2, 0, 1], [1, 2, 0]] = axis
    cross[:, [1, 2, 0], [2, 0, 1]] = -axis
    return np.eye(3) + 2 * (w * cross + cross @ cross)


@dataclass(frozen=True, eq=False)
class Statements:
    """What holds among N things.

    Attributes:
        scores: predicate -> (N, N) float64; [i, j] is how well "i <predicate> j" holds, 0..1.
        values: predicate -> (N, N) float64, NaN where not measured.
        layout: of the things.
    """

    scores: dict[str, np.ndarray]
    values: dict[str, np.ndarray]
    layout: Layout


def judge(objects: Sequence[SceneObject], layout: Layout) -> Statements:
    """Judge all predicates of PREDICATES on all pairs.

    Args:
        layout: of the same objects.
    """
    boxes = [node.object for node in objects]
    n = len(boxes)
    scores, values = {}, {}
    for predicate in ("left_of", "behind", "above", "on", "next_to", "near"):
        scores[predicate] = pairwise(predicate, layout)
    with np.errstate(invalid="ignore"):
        centre, low, high = layout.centre, layout.low, layout.high
        values["left_of"] = centre[:, None, 1] - centre[None, :, 1]
        values["behind"] = centre[:, None, 0] - centre[None, :, 0]
        values["on"] = values["above"] = low[:, None, 2] - high[None, :, 2]
        values["next_to"] = values["near"] = values["far_from"] = gaps(layout)
        outside = ~(centre[:, 0] > 0) & ~np.isnan(centre[:, 0])  # behind the viewer's back there is no left of
    # In the picture alone one can tell left from right, not what stands on what.
    flat = np.isnan(centre).any(axis=1)
    for predicate in ("above", "on", "next_to", "near"):
        scores[predicate] = scores[predicate] * ~flat[:, None] * ~flat[None, :]
    for predicate in ("left_of", "behind"):
        scores[predicate] = scores[predicate] * ~outside[:, None] * ~outside[None, :]
    legs = [_label_fit(node, STANDS_OVER) for node in objects]
    _contain(boxes, legs, [_can_hold(node) for node in objects], scores, values)
    carried = np.maximum(scores["on"], scores["inside"])
    scores["above"] = scores["above"] * (1 - carried)
    # What carries or holds a thing is not to the left of it, nor behind it, nor beside it.
    together = np.maximum.reduce([carried, carried.T, scores["under"], scores["under"].T])
    for predicate in ("left_of", "behind", "next_to"):
        scores[predicate] = scores[predicate] * (1 - together)
    # Far: not near, and twice as far as things that are just not near any more.
    with np.errstate(invalid="ignore"):
        scores["far_from"] = np.nan_to_num((1 - scores["near"]) / (1 + np.exp(-(values["near"] - 1.0) / 0.1)))
    np.fill_diagonal(scores["far_from"], 0)
    _compare(boxes, n, scores, values)
    _align(boxes, [not ROUND & set(node.attributes) for node in objects], scores, values)
    for predicate in ("left_of", "behind", "above", "bigger_than", "taller_than", "wider_than"):
        scores[INVERSE[predicate]] = scores[predicate].T
        values[INVERSE[predicate]] = values[predicate].T
    _touch(objects, layout, scores, values)
    return Statements(scores, values, layout)


def _label_fit(node: SceneObject, names: frozenset[str]) -> float:
    """Probability that a thing is one of some nouns; its own label counts fully."""
    if node.object.label in names:
        return 1.0
    return min(1.0, sum(probability for name, probability in node.labels if name in names))


def _can_hold(node: SceneObject) -> float:
    """How far a thing may have others in it: boxes that overlap are mostly two parts of one thing, unless named."""
    if node.source != "geometry":
        return float(node.object.label in HOLLOW)
    return 0.95 if _label_fit(node, HOLLOW) > 0.5 else 0.5


def _contain(
    boxes: list[Object3D], stands_over: list[float], holds_things: list[float], scores: dict[str, np.ndarray],
    values: dict[str, np.ndarray],
) -> None:  # fmt: skip
    """inside and under, from the share of each box that lies in each other one; and on, over oriented footprints."""
    n = len(boxes)
    share, over = np.zeros((n, n)), np.zeros((n, n))
    rise, drop = np.full((n, n), np.nan), np.full((n, n), np.nan)
    volume = np.array([np.nan if b.size is None else max(float(np.prod(b.size)), 1e-9) for b in boxes])
    known = np.array([i for i in range(n) if boxes[i].position is not None], int)
    if known.size:
        turn = _rotations(np.array([boxes[i].orientation for i in known]))
        place, size = np.array([boxes[i].position for i in known]), np.array([boxes[i].size for i in known])
        points = (_SAMPLES * size[:, None]) @ turn.transpose(0, 2, 1) + place[:, None]
        radius = np.linalg.norm(size, axis=1) / 2
        for j, row in enumerate(known):
            near = np.flatnonzero(np.linalg.norm((place - place[j]) @ turn[j][:, :2], axis=1) < radius + radius[j])
            within = np.abs((points[near] - place[j]) @ turn[j]) <= size[j] / 2 + 1e-3
            share[known[near], row] = within.all(axis=-1).mean(axis=1)
            over[known[near], row] = within[..., :2].all(axis=-1).mean(axis=1)
        height = np.einsum("ija,ja->ij", place[:, None] - place[None], turn[:, :, 2])
        half = (np.abs(np.einsum("ja,iab->ijb", turn[:, :, 2], turn)) * size[:, None] / 2).sum(axis=-1)
        tall = size[None, :, 2] / 2
        rise[np.ix_(known, known)] = height - half + tall  # foot of i above the foot of j
        drop[np.ix_(known, known)] = tall - (height + half)  # top of i below the top of j
    with np.errstate(invalid="ignore"):
        smaller = 1 / (1 + (volume[:, None] / volume[None, :]) ** 4)
        holds = 1 / (1 + np.exp(-12 * (share - 0.45)))
        contained = np.nan_to_num(holds * smaller)
        np.fill_diagonal(contained, 0)
        legs = np.array(stands_over)[None, :]
        # What lies in a plate lies on it; what sticks out of a bowl is in it all the same.
        height = np.array([np.nan if b.size is None else b.size[2] for b in boxes])
        width = np.array([np.nan if b.size is None else b.size[:2].min() for b in boxes])
        flat = (height < 0.25 * width)[None, :]
        nested = np.nan_to_num((over > 0.6) * (rise > -0.01) * (rise < height[None, :] - 0.002) * smaller)
        np.fill_diagonal(nested, 0)
        holding = np.array(holds_things)[None, :]
        sunk = np.where(flat, 0.0, nested * (holding > 0.9) * (rise < 0.7 * height[None, :]))
        scores["inside"] = np.where(flat, 0.0, np.maximum(contained, sunk) * holding) * (1 - legs)
        scores["on"] = np.maximum(scores["on"], np.where(flat, 0.9 * nested, 0.0))
        seat = np.nan_to_num((over > 0.6) * (rise > 0.25 * height[None]) * (rise < 0.8 * height[None]) * smaller) * legs
        np.fill_diagonal(seat, 0)
        scores["on"] = np.maximum(scores["on"], 0.9 * seat)
        beneath = np.nan_to_num((over > 0.6) * (drop > 0.02) * (rise < 0.1) * smaller)
        np.fill_diagonal(beneath, 0)
        scores["under"] = np.maximum(scores["on"].T * (1 - scores["inside"].T), beneath * legs)
        scores["on"] = scores["on"] * (1 - scores["inside"]) * (1 - beneath * legs)
    values["inside"] = rise
    values["under"] = np.where(beneath * legs > 0.5, drop, values["on"].T)


def _touch(
    objects: Sequence[SceneObject], layout: Layout, scores: dict[str, np.ndarray], values: dict[str, np.ndarray]
) -> None:
    """leaning_on and attached_to: side contact of what was seen to lean, or to hang clear of any surface."""
    with np.errstate(invalid="ignore"):
        clear = np.maximum(layout.low[:, None] - layout.high[None, :], layout.low[None, :] - layout.high[:, None])
        space = np.linalg.norm(np.maximum(clear, 0), axis=-1)
        touching = np.nan_to_num(np.exp(-((space / (1.5 * CONTACT_M)) ** 2)))
        higher = layout.high[None, :, 2] - layout.centre[:, None, 2]
        lower = np.nan_to_num(0.5 * (1 + np.tanh(higher / 0.02)))  # the logistic of higher / 0.01 m
        larger = np.nan_to_num(layout.half.prod(axis=1)[None, :] > layout.half.prod(axis=1)[:, None]).astype(float)
    np.fill_diagonal(touching, 0)
    resting = np.maximum(scores["on"], scores["inside"])
    apart = 1 - np.maximum(resting, resting.T)
    for predicate, word, more in (("leaning_on", LEANING, lower), ("attached_to", MOUNTED, larger)):
        so = np.array([word in node.attributes for node in objects], float)
        scores[predicate] = so[:, None] * touching * apart * more
        values[predicate] = space


def _compare(boxes: list[Object3D], n: int, scores: dict[str, np.ndarray], values: dict[str, np.ndarray]) -> None:
    """bigger, taller, wider: true when the difference is beyond a seventh of the larger and twice its deviation."""
    size = np.array([np.full(3, np.nan) if b.size is None else b.size for b in boxes]).reshape(n, 3)
    std = np.array([np.full(3, 0.01) if b.size_std is None else b.size_std for b in boxes]).reshape(n, 3)
    measures = {
        "taller_than": (size[:, 2], std[:, 2]),
        "wider_than": (size[:, :2].max(axis=1, initial=0), std[:, :2].max(axis=1, initial=0)),
    }
    with np.errstate(invalid="ignore", divide="ignore"):
        for predicate, (measure, deviation) in measures.items():
            step = measure[:, None] - measure[None, :]
            margin = np.maximum(
                np.maximum(measure[:, None], measure[None, :]) / 7, 2 * np.hypot(deviation[:, None], deviation[None, :])
            )
            scores[predicate] = np.nan_to_num(1 / (1 + np.exp(-np.clip(6 * (step / margin - 1), -40, 40))))
            values[predicate] = step
        log_volume = np.log(np.maximum(size, 1e-3)).sum(axis=1)
        log_std = np.sqrt(np.square(std / np.maximum(size, 1e-3)).sum(axis=1))
        step = log_volume[:, None] - log_volume[None, :]
        margin = np.maximum(0.4, 2 * np.hypot(log_std[:, None], log_std[None, :]))
        scores["bigger_than"] = np.nan_to_num(1 / (1 + np.exp(-np.clip(6 * (step / margin - 1), -40, 40))))
        values["bigger_than"] = np.exp(step)
    for predicate in ("taller_than", "wider_than", "bigger_than"):
        np.fill_diagonal(scores[predicate], 0)


def _align(
    boxes: list[Object3D], sided: list[bool], scores: dict[str, np.ndarray], values: dict[str, np.ndarray]
) -> None:
    """parallel: long sides run alike; aligned: sides are square to each other. Only where the yaw is known.

    Args:
        sided: whether each thing has sides; a mug has none, though its handle may give its box a yaw.
    """
    n = len(boxes)
    yaw, std, long = np.full(n, np.nan), np.full(n, np.nan), np.zeros(n, bool)
    for i, box in enumerate(boxes):
        if box.orientation is None or box.yaw_period == 0 or not sided[i]:
            continue
        rotation = matrix_from_quaternion(box.orientation)
        # The heading about the box's own z: in a camera frame all boxes share that axis to a degree or two.
        yaw[i] = np.arctan2(*_plan(rotation, boxes, i)[::-1])
        variance = 4e-4 if box.covariance is None else rotation[:, 2] @ box.covariance[3:, 3:] @ rotation[:, 2]
        std[i] = np.sqrt(max(variance, 0))
        long[i] = box.yaw_period > 3 and box.size[0] > 1.3 * box.size[1]
    with np.errstate(invalid="ignore"):
        step = yaw[:, None] - yaw[None, :]
        spread = np.hypot(std[:, None], std[None, :])
        for predicate, period in (("parallel_to", np.pi), ("aligned_with", np.pi / 2)):
            angle = np.abs((step + period / 2) % period - period / 2)
            fits = 1 / (1 + np.exp(-np.clip((0.12 - angle) / 0.02, -40, 40))) * (spread < 0.1)
            scores[predicate] = np.nan_to_num(fits)
            values[predicate] = angle
            np.fill_diagonal(scores[predicate], 0)
    scores["parallel_to"] = scores["parallel_to"] * (long[:, None] & long[None, :])


def _plan(rotation: np.ndarray, boxes: list[Object3D], i: int) -> np.ndarray:
    """(2,) heading of a box's x axis in a ground frame that all share: that of the first box that has a pose."""
    first = next(b for b in boxes if b.orientation is not None)
    ground = matrix_from_quaternion(first.orientation)
    return (ground.T @ rotation[:, 0])[:2]

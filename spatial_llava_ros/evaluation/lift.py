"""How right the lift is when the region is right: true masks of the simulator in, true boxes to compare with.

errors = [e for shot in shots for e in measure_lift(shot)]
print(summarise(errors))
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from spatial_llava_ros.geometry import back_project, invert_transform, matrix_from_quaternion, transform_points
from spatial_llava_ros.lift import lift
from spatial_llava_ros.sim.truth import SimFrame, TrueObject
from spatial_llava_ros.types import Object3D, Plane, Proposals, Region, RgbdFrame

CHI2_95 = 7.815
"""95 % quantile of chi-squared with three degrees of freedom."""
BOX_LIKE = frozenset({"box", "book", "laptop", "keyboard", "monitor", "bin", "table", "sofa"})


@dataclass(frozen=True)
class LiftError:
    """One thing lifted from its true mask.

    Attributes:
        distance: metres from the camera.
        visible: 0..1, share of the silhouette that is not hidden.
        centre: metres between the centres; NaN, as all below, where the lift found no depth.
        along: metres of it along the view, positive too far.
        size: (3,) relative error of the longer and shorter horizontal side and the height.
        yaw: radians, folded by the true period; NaN for round things.
        iou: 3D overlap of the boxes, 0..1.
        mahalanobis2: squared distance of the true centre by the stated covariance.
        milliseconds: what the lift took.
    """

    id: int
    category: str
    distance: float
    visible: float
    centre: float
    along: float
    size: tuple[float, float, float]
    yaw: float
    iou: float
    mahalanobis2: float
    milliseconds: float
    carried: bool


def measure_lift(shot: SimFrame, min_pixels: int = 100) -> list[LiftError]:
    """Lift every visible thing of a simulated frame from its true mask and compare.

    Args:
        min_pixels: things that show fewer pixels are left out.
    """
    proposals, objects = true_proposals(shot, min_pixels)
    errors = []
    for region, truth in zip(proposals.regions, objects, strict=True):
        start = time.perf_counter()
        lifted = lift(shot.frame, region, proposals)
        errors.append(compare(lifted, truth, shot.frame, 1e3 * (time.perf_counter() - start)))
    return errors


def true_proposals(shot: SimFrame, min_pixels: int = 100) -> tuple[Proposals, tuple[TrueObject, ...]]:
    """True masks as regions, on support planes fitted to the measured depth; and the objects, in region order.

    A thing on another of its kind is given the surface under both: to find out what it stands on is the lift's work.
    """
    frame = shot.frame
    camera_from_world = invert_transform(frame.world_from_camera)
    up = camera_from_world[:3, 2]
    heights = transform_points(frame.world_from_camera, back_project(frame.depth, frame.intrinsics))[..., 2]
    objects = tuple(o for o in shot.objects if o.pixels >= min_pixels)
    by_id = {o.id: o for o in shot.objects}
    levels: list[float] = []
    planes: list[Plane] = []
    regions = []
    for number, item in enumerate(objects, start=1):
        carrier = item
        while carrier.supporter in by_id and _footprint(by_id[carrier.supporter]) < 8 * _footprint(carrier):
            carrier = by_id[carrier.supporter]
        bottom = carrier.position[2] - carrier.size[2] / 2
        x1, y1, x2, y2 = (int(v) for v in carrier.box_visible)
        margin = max(x2 - x1, y2 - y1) // 2
        rows, columns = slice(max(y1 - margin, 0), y2 + margin), slice(max(x1 - margin, 0), x2 + margin)
        around = heights[rows, columns][shot.instance[rows, columns] == carrier.supporter]
        near = around[np.abs(around - bottom) < 0.02]
        index = None
        if near.size > 50:
            level = float(np.median(near))
            index = next((i for i, known in enumerate(levels) if abs(known - level) < 0.003), None)
            if index is None:
                index = len(levels)
                levels.append(level)
                planes.append(Plane(up, float(frame.world_from_camera[2, 3] - level), True, int(near.size)))
        mask = shot.instance == item.id
        x1, y1, x2, y2 = (int(v) for v in item.box_visible)
        cut = mask[y1:y2, x1:x2]
        valid = float(np.isfinite(frame.depth[y1:y2, x1:x2])[cut].mean())
        regions.append(Region(number, (x1, y1, x2, y2), cut, 1.0, index, None, valid))
    return Proposals(tuple(regions), tuple(planes), up), objects


def _footprint(item: TrueObject) -> float:
    """Square metres that a thing covers: a table carries what is on it as a floor does, a box does not."""
    return float(item.size[0] * item.size[1])


def compare(lifted: Object3D, truth: TrueObject, frame: RgbdFrame, milliseconds: float = np.nan) -> LiftError:
    """The errors of one lifted thing, stated in the camera frame, against its truth."""
    camera_from_object = truth.camera_from_object(frame.world_from_camera)
    true_centre = camera_from_object[:3, 3]
    distance = float(np.linalg.norm(true_centre))
    nan = float("nan")
    if lifted.position is None:
        return LiftError(
            truth.id, truth.category, distance, truth.visible_fraction, nan, nan, (nan,) * 3, nan, 0.0, nan,
            milliseconds, truth.supporter > 0,
        )  # fmt: skip
    offset = lifted.position - true_centre
    rotation = matrix_from_quaternion(lifted.orientation)
    found = np.append(np.sort(lifted.size[:2])[::-1], lifted.size[2])
    actual = np.append(np.sort(truth.size[:2])[::-1], truth.size[2])
    yaw = nan
    framed = camera_from_object[:3, :3]  # the box of a round thing is as true in any yaw: take the one that was found
    if truth.yaw_period > 0:
        x_axis = camera_from_object[:3, :3].T @ rotation[:, 0]
        yaw = float(np.arctan2(x_axis[1], x_axis[0]))
        yaw = abs((yaw + truth.yaw_period / 2) % truth.yaw_period - truth.yaw_period / 2)
    else:
        framed = rotation
    return LiftError(
        truth.id,
        truth.category,
        distance,
        truth.visible_fraction,
        float(np.linalg.norm(offset)),
        float(offset @ true_centre / distance),
        tuple(float(v) for v in np.abs(found - actual) / actual),
        yaw,
        box_iou(true_centre, framed, truth.size, lifted.position, rotation, lifted.size),
        float(offset @ np.linalg.solve(lifted.covariance[:3, :3], offset)),
        milliseconds,
        truth.supporter > 0,
    )


def box_iou(
    centre_a: np.ndarray,
    rotation_a: np.ndarray,
    size_a: np.ndarray,
    centre_b: np.ndarray,
    rotation_b: np.ndarray,
    size_b: np.ndarray,
) -> float:
    """Overlap of two boxes whose z axes agree to a few degrees: footprints intersected in the frame of the first."""
    between = rotation_a.T @ (centre_b - centre_a)
    x_axis = rotation_a.T @ rotation_b[:, 0]
    turn = float(np.rad2deg(np.arctan2(x_axis[1], x_axis[0])))
    scale = 1000.0  # OpenCV takes polygons of about a pixel for empty: work in millimetres
    first = ((0.0, 0.0), tuple(float(v) * scale for v in size_a[:2]), 0.0)
    second = (tuple(float(v) * scale for v in between[:2]), tuple(float(v) * scale for v in size_b[:2]), turn)
    _, polygon = cv2.rotatedRectangleIntersection(first, second)
    if polygon is None or len(polygon) < 3:
        return 0.0
    area = cv2.contourArea(cv2.convexHull(polygon)) / scale**2
    top = min(size_a[2] / 2, between[2] + size_b[2] / 2)
    bottom = max(-size_a[2] / 2, between[2] - size_b[2] / 2)
    shared = area * max(top - bottom, 0.0)
    return float(shared / (np.prod(size_a) + np.prod(size_b) - shared))


def summarise(errors: Iterable[LiftError], visible: float = 0.7, distance: float = 2.0) -> dict[str, float]:
    """Figures over the things at least so visible and at most so far: metres, degrees, shares of 1."""
    chosen = [e for e in errors if e.visible >= visible and e.distance <= distance]
    lifted = [e for e in chosen if np.isfinite(e.centre)]
    if not lifted:
        return {"count": len(chosen), "lifted": 0.0}
    centre = np.array([e.centre for e in lifted])
    size = np.array([e.size for e in lifted])
    yaw = np.rad2deg([e.yaw for e in lifted if np.isfinite(e.yaw) and e.category in BOX_LIKE])
    inside = np.array([e.mahalanobis2 <= CHI2_95 for e in lifted])
    return {
        "count": len(chosen),
        "lifted": len(lifted) / len(chosen),
        "centre_median_m": float(np.median(centre)),
        "centre_p95_m": float(np.percentile(centre, 95)),
        "size_median": float(np.median(size)),
        "size_p95": float(np.percentile(size, 95)),
        "yaw_median_deg": float(np.median(yaw)) if yaw.size else float("nan"),
        "yaw_p95_deg": float(np.percentile(yaw, 95)) if yaw.size else float("nan"),
        "iou_mean": float(np.mean([e.iou for e in lifted])),
        "inside_95": float(inside.mean()),
        "milliseconds_median": float(np.median([e.milliseconds for e in lifted])),
    }

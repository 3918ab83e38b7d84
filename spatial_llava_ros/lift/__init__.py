"""Lift: from a region of the picture to a thing in space, with how sure that is.

mask -> foreground points -> box that stands on its carrier -> pose with covariance
"""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.geometry import quaternion_from_matrix
from spatial_llava_ros.lift.box import BoxFit, fit_box
from spatial_llava_ros.lift.contact import find_carrier, find_contact, without_carrier
from spatial_llava_ros.lift.covariance import box_covariance, size_std
from spatial_llava_ros.lift.foreground import foreground
from spatial_llava_ros.lift.shape import Shape, describe_shape
from spatial_llava_ros.lift.sight import look
from spatial_llava_ros.types import Object3D, Proposals, Region, RgbdFrame

__all__ = ["Shape", "lift", "lift_with_shape"]


def lift(frame: RgbdFrame, region: Region, proposals: Proposals, points: np.ndarray | None = None) -> Object3D:
    """The thing in a region, in the camera frame.

    Args:
        points: accepted for callers that have the back-projected frame, and not needed: depth edges are judged on the
            depth image, and only the pixels that remain are back-projected.

    Returns:
        Position, orientation, size and covariance are None when its depth was not measured.
    """
    return lift_with_shape(frame, region, proposals, points)[0]


def lift_with_shape(
    frame: RgbdFrame, region: Region, proposals: Proposals, points: np.ndarray | None = None
) -> tuple[Object3D, Shape | None]:
    """The thing in a region, in the camera frame, and what shape it has (None without depth)."""
    box = tuple(float(v) for v in region.box)
    nothing = Object3D(region.id, "", region.score, box, frame.frame_id, visible=0.0)
    sight = look(frame, region)
    if sight is None:
        return nothing, None
    contact = find_contact(sight)
    plane = find_carrier(contact, sight, proposals.planes, region.plane) if region.plane is not None else None
    if plane is not None:
        contact = without_carrier(contact, plane, sight.sigma)
    cloud = foreground(sight, plane, proposals.planes)
    if cloud is None:
        return nothing, None
    up = plane.normal if plane is not None else proposals.up
    fit = fit_box(cloud, up, plane.offset if plane is not None else None, contact)
    rotation, size, std, period = _longer_side_first(fit)
    obj = Object3D(
        region.id,
        "",
        region.score,
        box,
        frame.frame_id,
        position=fit.position,
        orientation=quaternion_from_matrix(rotation),
        size=size,
        covariance=box_covariance(
            fit.position, fit.rotation, fit.face_std, fit.yaw_std, 0.01 if plane is not None else 0.05, cloud.noise
        ),
        size_std=std,
        yaw_period=period,
        visible=cloud.valid,
    )
    return obj, describe_shape(cloud, fit)


def _longer_side_first(fit: BoxFit) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """camera_from_box with x along the longer horizontal side, size and its std in that order, and the yaw period."""
    rotation, size, std = fit.rotation, fit.size, size_std(fit.face_std)
    if size[1] > size[0]:
        rotation = np.stack([rotation[:, 1], -rotation[:, 0], rotation[:, 2]], axis=1)
        size, std = size[[1, 0, 2]], std[[1, 0, 2]]
    if fit.yaw_std > 0.5:
        period = 0.0
    elif size[0] - size[1] < 2 * np.hypot(std[0], std[1]) and size[1] > 0.85 * size[0]:
        period = np.pi / 2
    else:
        period = np.pi
    return rotation, size, std, period

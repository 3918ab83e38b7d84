"""Lift: from a region of the picture to a thing in space, with how sure that is.

mask -> foreground points -> box that stands on its carrier -> pose with covariance
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spatial_llava_ros.geometry import quaternion_from_matrix
from spatial_llava_ros.lift.box import BoxFit, Thing, fit_boxes
from spatial_llava_ros.lift.contact import find_carrier, find_contact, without_carrier
from spatial_llava_ros.lift.covariance import box_covariance, size_std
from spatial_llava_ros.lift.foreground import foreground
from spatial_llava_ros.lift.shape import Shape, describe_shapes
from spatial_llava_ros.lift.sight import look
from spatial_llava_ros.lift.view import View, Views
from spatial_llava_ros.types import Object3D, Proposals, Region, RgbdFrame

__all__ = ["Shape", "lift", "lift_all", "lift_with_shape"]


def lift(frame: RgbdFrame, region: Region, proposals: Proposals) -> Object3D:
    """The thing in a region, in the camera frame.

    Returns:
        Position, orientation, size and covariance are None when its depth was not measured.
    """
    return lift_with_shape(frame, region, proposals)[0]


def lift_with_shape(frame: RgbdFrame, region: Region, proposals: Proposals) -> tuple[Object3D, Shape | None]:
    """The thing in a region, in the camera frame, and what shape it has (None without depth)."""
    return lift_all(frame, proposals, (region,))[0]


def lift_all(
    frame: RgbdFrame, proposals: Proposals, regions: Sequence[Region] | None = None
) -> list[tuple[Object3D, Shape | None]]:
    """The things in the regions of a frame, in a third of the time that they take one by one.

    Args:
        regions: all of the proposals unless given.
    """
    regions = proposals.regions if regions is None else regions
    views = Views(frame, regions)
    things = [_see(views.of(region), region, proposals) for region in regions]
    seen = [(region, thing) for region, thing in zip(regions, things, strict=True) if thing is not None]
    fits = fit_boxes([thing for _, thing in seen])
    shapes = describe_shapes([region for region, _ in seen], [thing.cloud for _, thing in seen], fits)
    found = iter(zip(fits, shapes, strict=True))
    lifted = []
    for region, thing in zip(regions, things, strict=True):
        if thing is None:
            lifted.append((_nothing(frame, region), None))
        else:
            fit, shape = next(found)
            lifted.append((_object(frame, region, thing, fit), shape))
    return lifted


def _see(view: View, region: Region, proposals: Proposals) -> Thing | None:
    """The points of the thing in a region and what is around them; None without depth of its own."""
    sight = look(view, region)
    if sight is None:
        return None
    contact = find_contact(sight)
    plane = find_carrier(contact, sight, proposals.planes, region.plane) if region.plane is not None else None
    if plane is not None:
        contact = without_carrier(contact, plane, sight.sigma)
    cloud = foreground(sight, plane, proposals.planes)
    if cloud is None:
        return None
    if plane is None:
        return Thing(cloud, proposals.up, None, contact)
    return Thing(cloud, plane.normal, plane.offset, contact)


def _nothing(frame: RgbdFrame, region: Region) -> Object3D:
    box = tuple(float(v) for v in region.box)
    return Object3D(region.id, "", region.score, box, frame.frame_id, visible=0.0)


def _object(frame: RgbdFrame, region: Region, thing: Thing, fit: BoxFit) -> Object3D:
    rotation, size, std, period = _longer_side_first(fit)
    tilt_std = 0.05 if thing.offset is None else 0.01
    return Object3D(
        region.id,
        "",
        region.score,
        tuple(float(v) for v in region.box),
        frame.frame_id,
        position=fit.position,
        orientation=quaternion_from_matrix(rotation),
        size=size,
        covariance=box_covariance(fit.position, fit.rotation, fit.face_std, fit.yaw_std, tilt_std, thing.cloud.noise),
        size_std=std,
        yaw_period=period,
        visible=thing.cloud.valid,
    )


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

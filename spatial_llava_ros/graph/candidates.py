"""What a frame may show: every region as a node, parts, wholes and groups alike, for a memory to make up its mind on.

regions --lift--> objects --name--> nodes, and which of them are about the same pixels
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.geometry import pixel_rays, transform_object
from spatial_llava_ros.graph.backrest import front_of_seat
from spatial_llava_ros.graph.layers import depth_layers, depth_range, first_layers
from spatial_llava_ros.graph.naming import attributes_of, label_candidates, label_of
from spatial_llava_ros.graph.panel import front_of_screen
from spatial_llava_ros.graph.selection import choose_regions
from spatial_llava_ros.graph.statements import LEANING, MOUNTED
from spatial_llava_ros.grounding.features import Features, extract_features
from spatial_llava_ros.lift import lift_all
from spatial_llava_ros.types import Object3D, Proposals, Region, RgbdFrame, SceneGraph, SceneObject

_HOPELESS = 0.1  # a sixth of the regions score less, and among them are 3 % of those that fit a simulated thing
_LEAN = np.radians([6.0, 50.0])  # from upright: less is noise, more lies


@dataclass(frozen=True, eq=False)
class Candidates:
    """Everything in a frame that may be a thing: parts, wholes and groups alike.

    Attributes:
        objects: nodes with their place in space or without; the score is how sure it is that this is one whole thing.
        overlap: (N, N) shared pixels over the smaller of two masks, 0..1.
        thing: (N,) bool, a choice from them in which no two claim the same pixels.
    """

    objects: tuple[SceneObject, ...]
    overlap: np.ndarray
    thing: np.ndarray

    def stated_in(self, frame: RgbdFrame) -> Candidates:
        """The same in the world of a frame whose pose is known; they were in its camera's."""
        pose, name = frame.world_from_camera, frame.world_frame_id
        return replace(self, objects=tuple(stated_in_world(node, pose, name) for node in self.objects))


def candidates_in(frame: RgbdFrame, proposals: Proposals) -> Candidates:
    """The regions of a frame that are worth a thought, as nodes in the camera frame, in their order."""
    proposals = replace(proposals, regions=tuple(r for r in proposals.regions if r.score >= _HOPELESS))
    lifted = lift_all(frame, proposals, proposals.regions)
    objects = [obj for obj, _ in lifted]
    features = extract_features(frame, proposals, objects, [shape for _, shape in lifted])
    scored = [replace(obj, score=float(whole)) for obj, whole in zip(objects, features.whole, strict=True)]
    nodes = _name(features, scored, frame.stamp)
    for k, region in enumerate(proposals.regions):
        extra = _stance(region, proposals, frame) if features.whole[k] >= _HOPELESS else ""
        if extra:
            nodes[k] = replace(nodes[k], attributes=(*nodes[k].attributes, extra))
        if features.whole[k] >= _HOPELESS:
            nodes[k] = with_front(nodes[k], region, frame)
    thing = np.zeros(len(nodes), bool)
    thing[choose_regions(features, frame.depth.shape)] = True
    return Candidates(tuple(nodes), features.overlap, thing)


def describe_things(
    frame: RgbdFrame, proposals: Proposals, objects: Sequence[Object3D], shapes: Sequence
) -> list[SceneObject]:
    """Name lifted objects, one per region of `proposals`, and put them into depth layers."""
    nodes = _name(extract_features(frame, proposals, objects, shapes), objects, frame.stamp)
    layers = first_layers(depth_layers(np.array([depth_range(o, np.eye(4)) for o in objects])), len(objects))
    return [replace(node, layer=layer) for node, layer in zip(nodes, layers, strict=True)]


def _name(features: Features, objects: Sequence[Object3D], stamp: int) -> list[SceneObject]:
    rows = zip(objects, label_candidates(features), attributes_of(features), features.colours, strict=True)
    return [
        SceneObject(
            replace(obj, label=label_of(candidates, attributes)), candidates, attributes, colours,
            first_seen=stamp, last_seen=stamp,
        )
        for obj, candidates, attributes, colours in rows
    ]  # fmt: skip


def usable_sightings(
    seen: Candidates | SceneGraph | Sequence[SceneObject], frame_id: str
) -> tuple[list[SceneObject], np.ndarray]:
    """What a memory can take in of a frame: nodes with a finite place, and (M, M) the pixels that two of them share.

    Raises:
        InvalidInputError: a node with a place in a frame other than `frame_id`.
    """
    nodes = list(seen.objects if isinstance(seen, Candidates | SceneGraph) else seen)
    overlap = seen.overlap if isinstance(seen, Candidates) else np.eye(len(nodes))
    placed = [i for i, node in enumerate(nodes) if node.object.position is not None]
    for i in placed:
        if nodes[i].object.frame_id != frame_id:
            raise InvalidInputError(f"objects must be in frame {frame_id!r}, got {nodes[i].object.frame_id!r}")
    finite = [
        i for i in placed if np.isfinite(nodes[i].object.position).all() and np.isfinite(nodes[i].object.size).all()
    ]
    return [nodes[i] for i in finite], overlap[np.ix_(finite, finite)]


def stated_in_world(node: SceneObject, world_from_camera: np.ndarray, world_frame_id: str) -> SceneObject:
    """A node of the camera's frame in the world."""
    front = None if node.front is None else world_from_camera[:3, :3] @ node.front
    return replace(node, object=transform_object(node.object, world_from_camera, world_frame_id), front=front)


def with_front(node: SceneObject, region: Region, frame: RgbdFrame) -> SceneObject:
    """A node with its front, where the shape of its region shows one."""
    if node.object.position is None:
        return node
    cloud = _surface(region, frame)
    for front_of in (front_of_seat, front_of_screen):
        if (front := front_of(cloud, node.object)) is not None:
            return replace(node, front=front)
    return node


def _surface(region: Region, frame: RgbdFrame) -> np.ndarray:
    """Up to about 800 points of a region (N, 3) float64, in the camera's frame."""
    step = max(1, int(np.sqrt(region.mask.size / 800)))
    rows, columns = np.nonzero(region.mask[::step, ::step])
    rows, columns = rows * step + region.box[1], columns * step + region.box[0]
    depth = frame.depth[rows, columns].astype(np.float64)
    known = np.isfinite(depth)
    x, y = pixel_rays(frame.intrinsics)
    return np.column_stack([x[columns], y[rows], np.ones(len(rows))])[known] * depth[known, None]


def _stance(region: Region, proposals: Proposals, frame: RgbdFrame) -> str:
    """Whether a thing leans (a board-like one off the upright), or is fixed to something upright."""
    if region.plane is not None and not proposals.planes[region.plane].horizontal:
        return MOUNTED
    cloud = _surface(region, frame)
    if len(cloud) < 50:
        return ""
    spread, axes = np.linalg.eigh(np.cov(cloud.T))
    if spread[0] > 0.02 * spread[1]:
        return ""  # not a board
    tilt = np.arcsin(min(1.0, abs(float(axes[:, 0] @ proposals.up))))
    return LEANING if _LEAN[0] < tilt < _LEAN[1] else ""

"""render(scene, pose, camera): the picture, the depth and the truth of one moment.

Direct light from glowing balls with soft shadows, ambient light with occlusion, Blinn-Phong highlights. Shadow and
ambient rays are spread over 4 x 4 pixel tiles (interleaved sampling: Keller, Heidrich, 2001) and then smoothed over
pixels of the same surface.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from spatial_llava_ros.geometry import pixel_rays, project, transform_points
from spatial_llava_ros.sim.camera import SimCamera
from spatial_llava_ros.sim.mesh import corner_normals, join
from spatial_llava_ros.sim.noise import expose, measure_depth
from spatial_llava_ros.sim.raycast import Hits, RayCaster, rays_from
from spatial_llava_ros.sim.scene import Placed, Scene
from spatial_llava_ros.sim.surface import MATERIALS, Surface, sample
from spatial_llava_ros.sim.textures import plain
from spatial_llava_ros.sim.truth import SimFrame, TrueObject
from spatial_llava_ros.types import CameraIntrinsics, RgbdFrame

WORLD = "map"
_TILE = 4
_LIGHT_REACH = 2.0  # metres at which a light gives its nominal power
_AMBIENT_REACH = 0.35  # metres within which neighbours darken
_INFRARED_EXTRA = 0.008  # most black dyes reflect some infrared


@dataclass(frozen=True, eq=False)
class _Baked:
    """A scene as arrays over triangles and parts. Each has one more entry, for rays that hit nothing (index -1)."""

    caster: RayCaster
    corner_normals: np.ndarray  # (F + 1, 3, 3) float32 world
    part: np.ndarray  # (F + 1,) uint16
    instance: np.ndarray  # (F + 1,) int32
    surfaces: list[Surface]
    model_from_world: np.ndarray  # (P + 1, 4, 4)


def _bake(scene: Scene) -> _Baked:
    """World-frame triangles of everything; kept with the scene, so that a moving camera pays once."""
    if "baked" in scene.cache:
        return scene.cache["baked"]
    meshes, normals, surfaces, poses, owners = [], [], [], [], []
    pieces = [(part, np.eye(4), 0) for part in scene.structure]
    pieces += [(part, o.world_from_model, o.id) for o in (*scene.objects, *scene.scenery) for part in o.model.parts]
    for part, pose, owner in pieces:
        meshes.append(part.mesh.moved(pose))
        normals.append(corner_normals(part.mesh) @ pose[:3, :3].T)
        surfaces.append(part.surface)
        poses.append(np.linalg.inv(pose))
        owners.append(owner)
    normals.append(np.broadcast_to([0.0, 0.0, 1.0], (1, 3, 3)))
    surfaces.append(Surface(plain(np.full(3, 160.0)), "plaster"))
    poses.append(np.eye(4))
    owners.append(0)
    counts = [*(len(m.triangles) for m in meshes), 1]
    baked = _Baked(
        RayCaster(join(*meshes)),
        np.concatenate(normals).astype(np.float32),
        np.repeat(np.arange(len(counts), dtype=np.uint16), counts),
        np.repeat(np.array(owners, np.int32), counts),
        surfaces,
        np.array(poses),
    )
    scene.cache["baked"] = baked
    return baked


def render(scene: Scene, world_from_camera: np.ndarray, camera: SimCamera, stamp: int = 0) -> SimFrame:
    """One frame, in world frame "map", with its truth.

    Args:
        world_from_camera: (4, 4) pose of the optical frame.
        stamp: nanoseconds; with scene and pose it also seeds the noise.

    Raises:
        MissingDependencyError: Open3D is not installed.
    """
    baked = _bake(scene)
    intrinsics = camera.intrinsics
    pose_key = np.frombuffer(np.ascontiguousarray(world_from_camera, np.float64).tobytes(), np.uint32)
    rng = np.random.default_rng([scene.seed, stamp, *pose_key.tolist()])
    columns, rows = pixel_rays(intrinsics)
    rays = np.empty((*intrinsics.shape, 3), np.float32)
    rays[..., 0], rays[..., 1], rays[..., 2] = columns, rows[:, None], 1
    directions = rays @ world_from_camera[:3, :3].T.astype(np.float32)
    eye = world_from_camera[:3, 3].astype(np.float32)
    hits = baked.caster.cast(rays_from(eye, directions))
    points, normals, cosine = _surface_points(baked, hits, eye, directions)
    albedo, material = _paint(baked, hits, points, normals, intrinsics)
    light, glare = _shade(scene, baked, hits, points, normals, directions, albedo, material)
    gain = np.array(
        [1 + rng.normal(0, camera.color_noise.white_balance), 1, 1 + rng.normal(0, camera.color_noise.white_balance)]
    )
    color = expose(_blend_edges(light, baked.part[hits.triangle]), camera.color_noise, gain, rng)
    second = None
    if camera.noise.shadow:
        second = _seen_from(
            baked, points, normals, eye, world_from_camera, camera.noise.baseline - camera.noise.depth_eye
        )
        if camera.noise.depth_eye:
            second &= _seen_from(baked, points, normals, eye, world_from_camera, -camera.noise.depth_eye)
    infrared = (albedo.mean(-1) + _INFRARED_EXTRA) * material[..., 2]
    mirror = np.clip(material[..., 3] * (0.35 + glare), 0, 1)
    depth = measure_depth(hits.t, cosine, infrared, mirror, second, camera.noise, intrinsics.fx, rng)
    instance = baked.instance[hits.triangle]
    frame = RgbdFrame(
        color, depth, intrinsics, stamp, world_from_camera=np.array(world_from_camera, np.float64), world_frame_id=WORLD
    )
    return SimFrame(frame, instance, _true_objects(scene, instance, world_from_camera, intrinsics))


def _seen_from(
    baked: _Baked, points: np.ndarray, normals: np.ndarray, eye: np.ndarray, world_from_camera: np.ndarray, aside: float
) -> np.ndarray:
    """(H, W) bool: points that an eye `aside` metres right of the camera sees as well."""
    other = eye + np.float32(aside) * world_from_camera[:3, 0].astype(np.float32)
    return ~baked.caster.blocked(rays_from(points + 1e-3 * normals, (other - points) * np.float32(0.999)))


def _surface_points(
    baked: _Baked, hits: Hits, eye: np.ndarray, directions: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """World points and smooth normals towards the viewer (H, W, 3), and the cosine of incidence (H, W), float32."""
    t = np.where(np.isfinite(hits.t), hits.t, np.float32(10))
    points = eye + t[..., None] * directions
    u, v = hits.uv[..., 0], hits.uv[..., 1]
    corners = baked.corner_normals[hits.triangle]
    normals = corners[..., 1, :] * u[..., None]
    normals += corners[..., 2, :] * v[..., None]
    normals += corners[..., 0, :] * (1 - u - v)[..., None]
    flip = _dot(hits.normal, directions) > 0
    # Winding decides the smooth normals' side, the triangle's own normal which side is seen.
    flip ^= _dot(hits.normal, normals) < 0
    normals *= (np.where(flip, np.float32(-1), np.float32(1)) / np.maximum(_length(normals), 1e-9))[..., None]
    cosine = np.abs(_dot(hits.normal, directions)) / (_length(directions) * np.maximum(_length(hits.normal), 1e-9))
    return points, normals, cosine


def _paint(
    baked: _Baked, hits: Hits, points: np.ndarray, normals: np.ndarray, intrinsics: CameraIntrinsics
) -> tuple[np.ndarray, np.ndarray]:
    """Reflectance (H, W, 3) and material (H, W, 5: specular, gloss, infrared, shine, emission) of each pixel."""
    shape = hits.triangle.shape
    part = baked.part[hits.triangle].ravel()
    order = np.argsort(part, kind="stable")
    edges = np.searchsorted(part[order], np.arange(len(baked.surfaces) + 1))
    albedo = np.zeros((part.size, 3), np.float32)
    flat_points, flat_normals = points.reshape(-1, 3), normals.reshape(-1, 3)
    table = np.zeros((len(baked.surfaces), 5), np.float32)
    z = hits.t.ravel()
    for k, surface in enumerate(baked.surfaces):
        m = MATERIALS[surface.material]
        table[k] = m.specular, m.gloss, m.infrared, m.shine, surface.emission
        pick = order[edges[k] : edges[k + 1]]
        if len(pick) == 0:
            continue
        if surface.texture.shape[:2] == (1, 1):
            albedo[pick] = surface.texture[0, 0]
            continue
        pose = baked.model_from_world[k].astype(np.float32)
        local = flat_points[pick] @ pose[:3, :3].T + pose[:3, 3]
        pixel = float(np.median(z[pick])) / intrinsics.fx
        albedo[pick] = sample(surface, local, flat_normals[pick] @ pose[:3, :3].T, pixel)
    return albedo.reshape(*shape, 3), table[part].reshape(*shape, 5)


def _shade(
    scene: Scene, baked: _Baked, hits: Hits, points: np.ndarray, normals: np.ndarray, directions: np.ndarray,
    albedo: np.ndarray, material: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Linear light (H, W, 3) and the strength of highlights (H, W)."""
    shape = hits.triangle.shape
    rays = rays_from(points + 5e-4 * normals, directions)
    start = rays[..., :3]
    pattern = np.random.default_rng(0)  # the same tile for every picture
    seen = np.empty((*shape, len(scene.lights) + 1), np.float32)
    towards = []
    for k, light in enumerate(scene.lights):
        spots = np.array(light.position) + light.radius * _ball(pattern, _TILE * _TILE)
        rays[..., 3:] = _tiled(spots.astype(np.float32), shape) - start
        seen[..., k] = ~baked.caster.blocked(rays)
        towards.append(np.asarray(light.position, np.float32) - points)
    sphere = _ball(pattern, _TILE * _TILE)
    sphere /= np.linalg.norm(sphere, axis=1, keepdims=True)
    lobe = normals + _tiled(0.98 * sphere.astype(np.float32), shape)  # cosine-weighted directions
    rays[..., 3:] = lobe * (np.float32(_AMBIENT_REACH) / np.maximum(_length(lobe), 1e-6))[..., None]
    seen[..., -1] = ~baked.caster.blocked(rays)
    seen = _smooth(seen, np.where(np.isfinite(hits.t), hits.t, np.float32(10)), baked.part[hits.triangle])

    sky = (0.82 + 0.18 * normals[..., 2]) * (0.3 + 0.7 * seen[..., -1]) + material[..., 4]
    total = sky[..., None] * np.asarray(scene.ambient, np.float32)
    glare = np.zeros(shape, np.float32)
    glossy = np.flatnonzero(material[..., 0] > 0.1)
    gloss = material.reshape(-1, material.shape[-1])[glossy, :2]
    normal = normals.reshape(-1, 3)[glossy]
    view = directions.reshape(-1, 3)[glossy]
    view = -view / _length(view)[:, None]
    highlight = np.zeros_like(view)
    for k, light in enumerate(scene.lights):
        distance = _length(towards[k])
        strength = seen[..., k] * np.square(_LIGHT_REACH / distance)
        lambert = np.maximum(_dot(normals, towards[k]), 0) / distance * strength
        color = np.asarray(light.color, np.float32)
        total += lambert[..., None] * color
        half = view + towards[k].reshape(-1, 3)[glossy] / distance.ravel()[glossy, None]
        facing = np.maximum(_dot(half, normal) / _length(half), 1e-4)
        shine = np.exp(gloss[:, 1] * np.log(facing)) * strength.ravel()[glossy]
        glare.ravel()[glossy] += shine
        highlight += (shine * gloss[:, 0])[:, None] * color
    total *= albedo
    total.reshape(-1, 3)[glossy] += highlight
    return total, glare


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(…) dot products of vectors (…, 3); written out, which NumPy does several times faster than a reduction."""
    return a[..., 0] * b[..., 0] + a[..., 1] * b[..., 1] + a[..., 2] * b[..., 2]


def _length(a: np.ndarray) -> np.ndarray:
    """(…) lengths of vectors (…, 3)."""
    return np.sqrt(_dot(a, a))


def _ball(rng: np.random.Generator, n: int) -> np.ndarray:
    """n points (n, 3) spread in the unit ball."""
    points = rng.standard_normal((n, 3))
    return points / np.linalg.norm(points, axis=1, keepdims=True) * rng.uniform(0, 1, (n, 1)) ** (1 / 3)


def _tiled(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """(16, 3) values laid out as 4 x 4 tiles over an image (H, W, 3)."""
    tile = values.reshape(_TILE, _TILE, 3)
    repeat = (-(-shape[0] // _TILE), -(-shape[1] // _TILE), 1)
    return np.tile(tile, repeat)[: shape[0], : shape[1]]


def _smooth(values: np.ndarray, depth: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Mean over pixels of the same part at a similar depth; (H, W, C).

    The weights 1 2 2 2 1 along either axis cancel a pattern that repeats every four pixels.
    """
    for axis in (0, 1):
        total, weight = values.copy(), np.ones(depth.shape, np.float32)
        for step, share in ((1, 1.0), (2, 0.5)):
            a = (slice(None, -step), slice(None)) if axis == 0 else (slice(None), slice(None, -step))
            b = (slice(step, None), slice(None)) if axis == 0 else (slice(None), slice(step, None))
            same = (part[a] == part[b]) & (np.abs(depth[a] - depth[b]) < 0.012 * step * depth[a])
            same = same * np.float32(share)
            total[a] += values[b] * same[..., None]
            total[b] += values[a] * same[..., None]
            weight[a] += same
            weight[b] += same
        values = total / weight[..., None]
    return values


def _blend_edges(light: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Pixels on the border between two parts take some of their neighbours' light, as pixels of finite size do."""
    edge = np.zeros(part.shape, bool)
    across, down = part[:, 1:] != part[:, :-1], part[1:] != part[:-1]
    edge[:, 1:] |= across
    edge[:, :-1] |= across
    edge[1:] |= down
    edge[:-1] |= down
    light[edge] = cv2.GaussianBlur(light, (3, 3), 0.8)[edge]
    return light


def _true_objects(
    scene: Scene, instance: np.ndarray, world_from_camera: np.ndarray, intrinsics: CameraIntrinsics
) -> tuple[TrueObject, ...]:
    pixels = np.bincount(instance.ravel(), minlength=len(scene.objects) + 1)
    camera_from_world = np.linalg.inv(world_from_camera)
    out = []
    for placed in scene.objects:
        if pixels[placed.id] == 0:
            continue
        rows, columns = np.nonzero(instance == placed.id)
        visible = (float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1))
        amodal, fraction = _whole(scene, placed, instance, camera_from_world, intrinsics)
        x, y = placed.size[:2]
        period = 0.0 if placed.model.round and _upright(placed) else (np.pi / 2 if x < 1.03 * y else np.pi)
        if placed.model.ball is not None:
            period = 0.0
        true = TrueObject(
            placed.id, placed.model.category, placed.model.color, placed.model.also, placed.model.material,
            visible, amodal, fraction, int(pixels[placed.id]), placed.world_from_object, placed.size, period,
            placed.supporter, placed.container, _upright(placed),
        )  # fmt: skip
        out.append(true)
    return tuple(out)


def _upright(placed: Placed) -> bool:
    return bool(placed.world_from_model[2, 2] > 0.9)


def _whole(
    scene: Scene, placed: Placed, instance: np.ndarray, camera_from_world: np.ndarray, intrinsics: CameraIntrinsics
) -> tuple[tuple[float, float, float, float], float]:
    """Box of the whole silhouette, and the share of it that is seen; by rays at this object alone."""
    key = ("alone", placed.id)
    if key not in scene.cache:
        mesh = join(*(p.mesh for p in placed.model.parts)).moved(placed.world_from_model)
        scene.cache[key] = (mesh, RayCaster(mesh))
    mesh, caster = scene.cache[key]
    points = transform_points(camera_from_world, mesh.vertices)
    pixel = project(points[points[:, 2] > 0.02], intrinsics)
    low, high = pixel.min(0), pixel.max(0)
    amodal = (
        float(np.ceil(low[0])),
        float(np.ceil(low[1])),
        float(np.floor(high[0]) + 1),
        float(np.floor(high[1]) + 1),
    )
    # At most 4096 rays, at pixel centres, so that each can be looked up in the instance mask.
    stride = max(1, int(np.ceil(np.sqrt(np.prod(high - low) / 4096))))
    u = np.arange(amodal[0], amodal[2], stride)
    v = np.arange(amodal[1], amodal[3], stride)
    grid_u, grid_v = np.meshgrid(u, v)
    x, y = (grid_u - intrinsics.cx) / intrinsics.fx, (grid_v - intrinsics.cy) / intrinsics.fy
    world_from_camera = np.linalg.inv(camera_from_world)
    rays = np.stack([x, y, np.ones_like(x)], -1) @ world_from_camera[:3, :3].T
    silhouette = np.isfinite(caster.cast(rays_from(world_from_camera[:3, 3], rays)).t)
    inside = (grid_u >= 0) & (grid_u < intrinsics.width) & (grid_v >= 0) & (grid_v < intrinsics.height)
    seen = np.zeros_like(silhouette)
    seen[inside] = instance[grid_v[inside].astype(int), grid_u[inside].astype(int)] == placed.id
    whole = int(silhouette.sum())
    return amodal, float((seen & silhouette).sum() / whole) if whole else 1.0

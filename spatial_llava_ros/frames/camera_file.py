"""camera.json of a frame folder: the calibration, the depth unit and, where known, the pose."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.frames.buffers import check_size
from spatial_llava_ros.types import CameraIntrinsics


@dataclass(frozen=True, eq=False)
class CameraFile:
    """What camera.json says.

    Attributes:
        intrinsics: of both pictures.
        depth_scale: depth units per metre.
        stamp: nanoseconds; 0 when not given.
        frame_id: of the camera's optical frame; the default of `RgbdFrame` when not given.
        world_from_camera: (4, 4) float64 or None.
        world_frame_id: empty without a pose.
    """

    intrinsics: CameraIntrinsics
    depth_scale: float
    stamp: int = 0
    frame_id: str = "camera_color_optical_frame"
    world_from_camera: np.ndarray | None = None
    world_frame_id: str = ""


def read_file(path: Path) -> bytes:
    """Bytes of a file.

    Raises:
        InvalidInputError: a file that is missing or may not be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InvalidInputError(f"{path}: file not found") from None
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be read ({error.strerror or error})") from None


def read_json(path: Path) -> Any:
    """Parsed JSON file.

    Raises:
        InvalidInputError: a file that cannot be read or is not JSON; says line and column.
    """
    data = read_file(path)
    try:
        return json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{path}: not UTF-8 text (byte {error.start})") from None
    except json.JSONDecodeError as error:
        raise InvalidInputError(f"{path}: bad JSON at line {error.lineno}, column {error.colno}: {error.msg}") from None
    except (RecursionError, ValueError) as error:  # nested too deep, or a number of too many digits
        raise InvalidInputError(f"{path}: bad JSON: {str(error).splitlines()[0]}") from None


def read_camera(path: Path) -> CameraFile:
    """Read camera.json.

    Required: width, height, fx, fy, cx, cy (pixels) and depth_scale (depth units per metre, 1000 for
    millimetres). Optional: stamp (nanoseconds), frame_id, and world_from_camera (4x4 nested list, metres)
    with world_frame_id, a frame whose z axis points up.

    Raises:
        InvalidInputError: unreadable file, missing key, or a value that no camera has.
    """
    values = read_json(path)
    if not isinstance(values, dict):
        raise InvalidInputError(f"{path}: must be a JSON object, got {_short(values)}")
    missing = [key for key in ("width", "height", "fx", "fy", "cx", "cy", "depth_scale") if key not in values]
    if missing:
        raise InvalidInputError(f"{path}: missing {', '.join(missing)}")
    width, height = (_whole(values, key, path) for key in ("width", "height"))
    check_size(height, width, f"{path}: picture")
    fx, fy, cx, cy, scale = (_number(values, key, path) for key in ("fx", "fy", "cx", "cy", "depth_scale"))
    for key, focal, side in (("fx", fx, width), ("fy", fy, height)):
        check_focal_length(focal, side, f"{path}: {key}")
    if not 1 <= scale <= 1e6:
        raise InvalidInputError(
            f"{path}: depth_scale must be depth units per metre (1000 for millimetres), got {scale:g}"
        )
    pose = values.get("world_from_camera")
    return CameraFile(
        CameraIntrinsics(width, height, fx, fy, cx, cy),
        scale,
        stamp=_whole(values, "stamp", path) if "stamp" in values else 0,
        frame_id=_text(values, "frame_id", path, CameraFile.frame_id),
        world_from_camera=None if pose is None else _rigid(pose, path),
        world_frame_id="" if pose is None else _text(values, "world_frame_id", path, "map"),
    )


def check_focal_length(focal: float, side: int, what: str) -> None:
    """Refuse focal lengths (pixels) that no pinhole lens has: fields of view beyond 0.5 to 170 degrees.

    Raises:
        InvalidInputError: says `what` and the value.
    """
    if not focal > 0:
        raise InvalidInputError(f"{what} must be positive, got {focal:g}")
    if not 0.04 < focal / side < 120:
        raise InvalidInputError(f"{what} = {focal:g} is no focal length for a picture of {side} pixels")


def _short(value: Any) -> str:
    text = json.dumps(value) if not isinstance(value, str) else repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _number(values: dict[str, Any], key: str, path: Path) -> float:
    value = values[key]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidInputError(f"{path}: {key} must be a number, got {_short(value)}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise InvalidInputError(f"{path}: {key} must be finite, got {_short(value)}")
    return number


def _whole(values: dict[str, Any], key: str, path: Path) -> int:
    number = _number(values, key, path)
    if number != int(number):
        raise InvalidInputError(f"{path}: {key} must be a whole number, got {_short(values[key])}")
    return int(values[key])


def _text(values: dict[str, Any], key: str, path: Path, default: str) -> str:
    value = values.get(key, default)
    if not isinstance(value, str) or not value:
        raise InvalidInputError(f"{path}: {key} must be text, got {_short(value)}")
    return value


def _rigid(value: Any, path: Path) -> np.ndarray:
    try:
        matrix = np.array(value, np.float64)
    except (ValueError, TypeError, OverflowError):
        matrix = np.empty(0)
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
        raise InvalidInputError(f"{path}: world_from_camera must be 4 rows of 4 numbers, got {_short(value)}")
    rotation = matrix[:3, :3]
    skewed = np.abs(rotation @ rotation.T - np.eye(3)).max() > 1e-3 or np.linalg.det(rotation) < 0
    if skewed or not np.allclose(matrix[3], [0, 0, 0, 1]):
        raise InvalidInputError(f"{path}: world_from_camera is not a rotation and a translation")
    return matrix

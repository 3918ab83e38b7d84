"""Frame folders: color.png or color.jpg, depth.png and camera.json side by side, or many such folders in one."""

from __future__ import annotations

import os
import re
from pathlib import Path

import cv2
import numpy as np

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.frames.camera_file import read_camera, read_file
from spatial_llava_ros.frames.depth import metres_from_integers
from spatial_llava_ros.frames.pictures import decode_picture
from spatial_llava_ros.frames.source import FrameSource
from spatial_llava_ros.types import RgbdFrame

COLOR_NAMES = ("color.png", "color.jpg", "color.jpeg")
_PARTS = (*COLOR_NAMES, "depth.png", "camera.json")


def is_frame_folder(folder: Path) -> bool:
    """Whether a folder holds a frame, or part of one."""
    return any((folder / part).exists() for part in _PARTS)


def read_frame(folder: Path) -> RgbdFrame:
    """Read one frame folder.

    Raises:
        InvalidInputError: a missing, unreadable or damaged file, or files that contradict each other;
            one line that names the file and the value.
    """
    color_path = next((folder / name for name in COLOR_NAMES if (folder / name).exists()), None)
    missing = [name for name in ("depth.png", "camera.json") if not (folder / name).exists()]
    if color_path is None:
        missing.insert(0, "color.png (or color.jpg)")
    if missing:
        raise InvalidInputError(f"{folder}: missing {', '.join(missing)}")

    camera = read_camera(folder / "camera.json")
    color = decode_picture(read_file(color_path), str(color_path), cv2.IMREAD_COLOR)
    _check_shape(color, camera.intrinsics.shape, color_path)
    depth_path = folder / "depth.png"
    raw = decode_picture(read_file(depth_path), str(depth_path), cv2.IMREAD_UNCHANGED)
    if raw.ndim != 2 or raw.dtype != np.uint16:
        channels = 1 if raw.ndim == 2 else raw.shape[2]
        raise InvalidInputError(
            f"{depth_path}: depth must be 16-bit with one channel, got {8 * raw.itemsize}-bit with {channels}"
        )
    _check_shape(raw, camera.intrinsics.shape, depth_path)
    return RgbdFrame(
        cv2.cvtColor(color, cv2.COLOR_BGR2RGB),
        metres_from_integers(raw, camera.depth_scale),
        camera.intrinsics,
        stamp=camera.stamp,
        frame_id=camera.frame_id,
        world_from_camera=camera.world_from_camera,
        world_frame_id=camera.world_frame_id,
    )


def _frames_below(root: Path) -> list[Path]:
    """Folders with a camera.json, through links too."""
    found: list[Path] = []
    visited: set[str] = set()
    for place, folders, files in os.walk(root, followlinks=True):
        if "camera.json" in files:
            found.append(Path(place))
        if "camera.json" in files or os.path.realpath(place) in visited:  # nothing deeper, or a link back up
            folders.clear()
        visited.add(os.path.realpath(place))
    return found


def _check_shape(picture: np.ndarray, shape: tuple[int, int], path: Path) -> None:
    height, width = picture.shape[:2]
    if (height, width) != shape:
        raise InvalidInputError(f"{path}: is {width}x{height} pixels, camera.json says {shape[1]}x{shape[0]}")


def _in_reading_order(path: Path) -> list[tuple[int, int, str]]:
    """Sort key that puts frame_10 after frame_9."""
    parts = re.split(r"(\d+)", str(path))
    return [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts]


class FolderSource(FrameSource):
    """A frame folder, or all frame folders below a folder, in natural order.

    Attributes:
        folders: where each frame lies.

    Raises:
        InvalidInputError: nothing below the folder looks like a frame.
    """

    def __init__(self, root: Path) -> None:
        self.name = str(root)
        try:
            if is_frame_folder(root):
                self.folders = [root]
            else:
                self.folders = sorted(_frames_below(root), key=_in_reading_order)
        except OSError as error:
            raise InvalidInputError(f"{root}: cannot be read ({error.strerror or error})") from None
        if not self.folders:
            raise InvalidInputError(
                f"{root}: no frame here; expected color.png (or color.jpg), depth.png and camera.json, "
                "or folders that hold them, or a rosbag2 with metadata.yaml"
            )

    def __len__(self) -> int:
        return len(self.folders)

    def __getitem__(self, index: int) -> RgbdFrame:
        return read_frame(self.folders[index])

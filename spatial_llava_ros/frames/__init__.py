"""Where frames come from: folders, bags and the simulator behind one `FrameSource`; and image buffers, decoded."""

from __future__ import annotations

from pathlib import Path

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.frames.color import decode_color
from spatial_llava_ros.frames.depth import decode_compressed_depth, decode_depth
from spatial_llava_ros.frames.folder import FolderSource, is_frame_folder
from spatial_llava_ros.frames.pictures import decode_compressed_color
from spatial_llava_ros.frames.source import FrameSource

__all__ = [
    "FrameSource",
    "decode_color",
    "decode_compressed_color",
    "decode_compressed_depth",
    "decode_depth",
    "open_source",
]

_BAG_SUFFIXES = (".mcap", ".db3")


def open_source(spec: str | Path, **topics: str | None) -> FrameSource:
    """Open what a user names as a source of frames.

    Args:
        spec: a frame folder, a folder of frame folders, a rosbag2 (its folder, an .mcap or a .db3 file), or the
            simulator as "sim[:layout[:seed]]".
        topics: for bags, `color`, `depth` and `camera_info`: topics to use instead of the detected ones.

    Raises:
        InvalidInputError: nothing there, or nothing that can be read.
        MissingDependencyError: the reader that this source needs is not installed.
    """
    text = str(spec)
    if text == "sim" or text.startswith("sim:"):
        from spatial_llava_ros.frames.simulated import SimSource  # brings Open3D, which is slow to import

        return SimSource(text)
    path = Path(text).expanduser()
    try:
        exists, is_dir = path.exists(), path.is_dir()
    except (OSError, ValueError) as error:
        raise InvalidInputError(f"{text!r}: not a usable path ({error})") from None
    if not text or not exists:
        raise InvalidInputError(f"{text or repr(text)}: no such file or folder")
    if is_dir and (is_frame_folder(path) or not _is_bag_folder(path)):
        return FolderSource(path)
    if not is_dir and path.suffix not in _BAG_SUFFIXES:
        raise InvalidInputError(f"{text}: not a source of frames; expected a folder, an .mcap or a .db3 file")
    from spatial_llava_ros.frames.bag import BagSource

    return BagSource(path, **topics)


def _is_bag_folder(path: Path) -> bool:
    return (path / "metadata.yaml").exists() or any(f.suffix in _BAG_SUFFIXES for f in path.iterdir())

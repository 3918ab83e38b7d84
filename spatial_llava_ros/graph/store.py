"""The memory on disk: one JSON file with a version, written whole or not at all.

The file is written beside its name, forced to the disk and then renamed over the old one, so that a power cut or a full
disk leaves the old file as it was (POSIX rename is atomic).
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from spatial_llava_ros.errors import MemoryFileError
from spatial_llava_ros.graph.memory import MemorySettings, SceneMemory
from spatial_llava_ros.graph.track import Track
from spatial_llava_ros.types import ObjectState

FORMAT = "spatial_llava_ros scene memory"
VERSION = 2
"""1 did not say how far an object is believed, nor where its front is."""
_ARRAYS = {"position": (3,), "covariance": (3, 3), "size": (3,), "size_var": (3,)}
_NUMBERS = ("yaw", "yaw_var", "yaw_period", "score", "visible", "hollow", "looks", "evidence")
_COUNTS = ("id", "hits", "ballots", "first_seen", "last_seen", "last_moved", "layer")


def save_memory(memory: SceneMemory, path: str | Path) -> int:
    """Write what is confirmed; how many objects that is.

    Raises:
        MemoryFileError: the file cannot be written; what was there before is still there.
    """
    path = Path(path)
    tracks = [t for _, t in sorted(memory.tracks.items()) if t.confirmed]
    content = {
        "format": FORMAT,
        "version": VERSION,
        "frame_id": memory.frame_id,
        "next_id": memory.tracks.next_id,
        "objects": [_write(track) for track in tracks],
    }
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(content, file, allow_nan=False)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except (OSError, ValueError) as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise MemoryFileError(f"cannot save the memory to {path}: {error}") from error
    return len(tracks)


def load_memory(path: str | Path, settings: MemorySettings | None = None) -> SceneMemory:
    """Read a memory that was saved.

    Raises:
        MemoryFileError: no such file, not such a file, of another version, or damaged; names what is wrong.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MemoryFileError(f"cannot read the memory from {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise MemoryFileError(f"{path} is damaged: not JSON ({error})") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise MemoryFileError(f"{path} is not a saved scene memory")
    version = content.get("version")
    if version not in range(1, VERSION + 1):
        raise MemoryFileError(f"{path} has version {version}, this program reads versions 1 to {VERSION}")
    memory = SceneMemory(settings=settings or MemorySettings())
    try:
        memory.frame_id = _text(content["frame_id"])
        tracks = [_read(item, version) for item in content["objects"]]
        next_id = int(content["next_id"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MemoryFileError(f"{path} is damaged: {type(error).__name__} {error}") from error
    ids = [track.id for track in tracks]
    if len(set(ids)) != len(ids) or min(ids, default=1) < 1 or max(ids, default=0) >= next_id:
        raise MemoryFileError(f"{path} is damaged: ids are not distinct numbers from 1 to {next_id - 1}")
    memory.restore(tracks, next_id)
    return memory


def _write(track: Track) -> dict[str, Any]:
    return {
        **{name: getattr(track, name).tolist() for name in _ARRAYS},
        **{name: float(getattr(track, name)) for name in _NUMBERS},
        **{name: int(getattr(track, name)) for name in _COUNTS},
        "box": [float(v) for v in track.box],
        "colours": None if track.colours is None else track.colours.tolist(),
        "fronts": None if track.fronts is None else track.fronts.tolist(),
        "label": track.label,
        "named_by": track.named_by,
        "votes": {name: float(weight) for name, weight in track.votes.items()},
        "attributes": list(track.attributes),
        "views": [[*view, count] for view, count in sorted(track.views.items())],
    }


def _read(item: dict[str, Any], version: int) -> Track:
    if version == 1:
        item = {**item, "looks": item["hits"], "evidence": item["hits"] * item["score"], "fronts": None}
    arrays = {name: _array(item[name], shape, name) for name, shape in _ARRAYS.items()}
    if (arrays["size"] < 0).any() or (np.linalg.eigvalsh(arrays["covariance"]) <= 0).any():
        raise ValueError("size or covariance is not positive")
    colours = item["colours"]
    box = _array(item["box"], (4,), "box")
    if item["named_by"] not in ("geometry", "model", "user"):
        raise ValueError(f"named_by {item['named_by']!r}")
    return Track(
        **arrays,
        **{name: float(_array(item[name], (), name)) for name in _NUMBERS},
        **{name: int(item[name]) for name in _COUNTS},
        box=tuple(float(v) for v in box),
        colours=None if colours is None else _array(colours, (11,), "colours"),
        fronts=None if item["fronts"] is None else _array(item["fronts"], (3,), "fronts"),
        label=_text(item["label"]),
        named_by=item["named_by"],
        votes={_text(name): float(weight) for name, weight in item["votes"].items()},
        attributes=tuple(_text(word) for word in item["attributes"]),
        views={(int(a), int(e)): int(count) for a, e, count in item["views"]},
        state=ObjectState.CONFIRMED,
        session=-1,
    )


def _array(value: Any, shape: tuple[int, ...], name: str) -> np.ndarray:
    array = np.array(value, np.float64)
    if array.shape != shape or not np.isfinite(array).all():
        raise ValueError(f"{name} must be {shape} finite numbers")
    return array


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, got {value!r}")
    return value

"""Segments of Fast DDS's shared memory that nobody owns any more: who is killed outright leaves 32 MiB in /dev/shm.

The owner of a segment holds a lock (flock) on the file beside it, `<segment>_el`, for as long as it lives; Fast DDS
tells abandoned segments by the same lock.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path


def segments_of(pid: int) -> set[Path]:
    """Segments that a process has mapped, its own and those of others that it reads; empty once it is gone."""
    try:
        words = Path(f"/proc/{pid}/maps").read_text().split()
    except OSError:
        return set()
    found = {Path(word) for word in words if word.startswith("/dev/shm/fastrtps_")}
    return {path for path in found if "port" not in path.name and not path.name.endswith("_el")}


def remove_abandoned(segments: Iterable[Path]) -> set[Path]:
    """Remove those of some segments whose owner is gone, and say which."""
    removed = set()
    for segment in segments:
        lock = segment.with_name(segment.name + "_el")
        try:
            descriptor = os.open(lock, os.O_RDONLY)
        except OSError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            segment.unlink(missing_ok=True)
            lock.unlink(missing_ok=True)
            removed.add(segment)
        except OSError:
            continue  # its owner lives
        finally:
            os.close(descriptor)
    return removed

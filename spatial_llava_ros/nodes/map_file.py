"""The file that a scene is kept in from one run of a node to the next. Nothing of ROS.

What cannot be used is never written over: it is moved aside, and the scene starts empty.
"""

from __future__ import annotations

from pathlib import Path
from time import monotonic

from spatial_llava_ros.errors import MemoryFileError
from spatial_llava_ros.nodes.scene import Scene


class MapFile:
    """Where a scene is kept; not thread-safe, as the scene.

    Args:
        path: of the file, `~` is the user's home; empty keeps nothing.
        every_s: seconds between saves while there is something new; 0 saves only when asked.

    Attributes:
        trouble: why the scene is not kept as it should be, in words; empty when it is.
    """

    def __init__(self, path: str, every_s: float) -> None:
        self.path = Path(path.strip()).expanduser() if path.strip() else None
        self.every_s = every_s
        self.trouble = ""
        self._saved_at = monotonic()
        self._saved = 0

    def load(self, scene: Scene) -> str:
        """Take up what was kept; in words what came of it, empty where there was nothing to take up."""
        if self.path is None:
            return ""
        self.path = self.path.absolute()
        if not self.path.exists():
            return ""
        try:
            count = scene.load(str(self.path))
        except MemoryFileError as error:
            aside = _free_name(self.path)
            try:
                self.path.rename(aside)
            except OSError as failure:
                self.path = None  # it must not be written over
                self.trouble = f"{error}; it cannot be moved aside ({failure.strerror}), so nothing is kept"
                return self.trouble
            self.trouble = f"{error}; it was moved to {aside}, and nothing is remembered"
            return self.trouble
        self._saved = scene.memory.revision
        return f"{count} object(s) loaded from {self.path}"

    def save_if_due(self, scene: Scene) -> str:
        """Keep what is new once it is time; in words what went wrong, empty when nothing did."""
        if self.path is None or not self.every_s or monotonic() - self._saved_at < self.every_s:
            return ""
        return self.save(scene)

    def save(self, scene: Scene) -> str:
        """Keep what is new; in words what went wrong, empty when nothing did."""
        self._saved_at = monotonic()
        if self.path is None or not scene.frame_id or scene.memory.revision == self._saved:
            return ""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            scene.save(str(self.path))
        except (MemoryFileError, OSError) as error:
            self.trouble = str(error)
            return self.trouble
        self._saved, self.trouble = scene.memory.revision, ""
        return ""


def _free_name(path: Path) -> Path:
    """A name beside a file that nothing has yet: kitchen.json.unusable, kitchen.json.unusable2 …"""
    number = 1
    while (aside := path.with_name(f"{path.name}.unusable{number if number > 1 else ''}")).exists():
        number += 1
    return aside

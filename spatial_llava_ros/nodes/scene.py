"""What the scene_graph node knows: the memory of a map, or the last picture's graph where the camera's place in one is
not known. Nothing of ROS, and not thread-safe: the node's worker is the one caller.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from spatial_llava_ros.errors import InvalidInputError, MemoryFileError
from spatial_llava_ros.graph import candidates_in, frame_graph
from spatial_llava_ros.graph.memory import SceneMemory
from spatial_llava_ros.graph.settings import MemorySettings
from spatial_llava_ros.graph.store import load_memory, save_memory
from spatial_llava_ros.proposals import propose
from spatial_llava_ros.types import RgbdFrame, SceneGraph, SceneObject

# Upright frames that stay where they are (REP-105). What hangs on the robot itself moves with it: nothing can be
# remembered there, unless the user says so (an arm on a fixed base).
STILL_FRAMES = ("map", "odom", "world")

RELATED = 100  # objects, the nearest: the time that relations take grows with the square of it


class Scene:
    """The things around the robot, frame after frame.

    Args:
        world_frame: the only frame to remember things in; empty takes the first of STILL_FRAMES that comes.
        settings: of the memory.
        reach: metres from the camera within which objects are in `graph`.

    Attributes:
        graph: the newest, or None before the first frame. Its revision counts graphs, from 1 after `clear`.
    """

    def __init__(self, world_frame: str = "", settings: MemorySettings | None = None, reach: float = 8.0) -> None:
        self.memory = SceneMemory(settings=settings or MemorySettings())
        self.reach = reach
        self.graph: SceneGraph | None = None
        self._world_frame = world_frame
        self._viewer = np.eye(4)
        self._stamp = 0
        self._revision = 0

    @property
    def frame_id(self) -> str:
        """Frame of the memory; empty while there is none."""
        return self.memory.frame_id

    def can_remember(self, world_frame_id: str) -> bool:
        """Whether a pose in this frame tells where in the memory's map the camera is."""
        wanted = self.frame_id or self._world_frame
        return world_frame_id == wanted if wanted else world_frame_id in STILL_FRAMES

    def integrate(self, frame: RgbdFrame) -> SceneGraph | None:
        """Take in a frame: into the memory where its pose allows it.

        Returns:
            The new graph: of the memory; or of this frame alone, while nothing is remembered. None for a frame
            without a usable pose when there is a memory, which such a frame neither adds to nor replaces.
        """
        remember = self.can_remember(frame.world_frame_id)
        if not remember and self.frame_id:
            return None
        self._stamp = frame.stamp
        if not remember:
            self._revision += 1
            self.graph = replace(frame_graph(frame), revision=self._revision)
            return self.graph
        self.memory.update(frame, candidates_in(frame, propose(frame)).stated_in(frame))
        self._viewer = frame.world_from_camera
        return self.renew()

    def renew(self) -> SceneGraph | None:
        """The graph as the memory has it now, after an edit; the last one where there is no memory."""
        if self.frame_id:
            self._revision += 1
            graph = self.memory.graph(self._viewer, reach=self.reach, limit=RELATED, everywhere=False)
            self.graph = replace(graph, stamp=self._stamp, revision=self._revision)
        return self.graph

    def everything(self) -> SceneGraph | None:
        """The graph with all that is known in it, however far; None before the first."""
        if self.graph is None or not self.frame_id:
            return self.graph
        return replace(self.graph, objects=tuple(self.memory.objects()))

    def objects(self, label: str = "") -> list[SceneObject]:
        """All that is known, wherever it is.

        Args:
            label: only objects of this name; empty for all.
        """
        if self.frame_id:
            return self.memory.objects(label)
        nodes = self.graph.objects if self.graph is not None else ()
        return [node for node in nodes if label in ("", node.object.label)]

    def clear(self) -> int:
        """Forget everything; ids are not used again. How many objects that were."""
        count = len(self.objects())
        self.memory.clear()
        self._revision = 0
        self.graph = self.renew()
        # Another frame may be chosen now, unless one was asked for.
        self.memory.frame_id = ""
        return count

    def forget(self, ids: Iterable[int], label: str = "") -> list[int]:
        """Take objects out, by id and by name; the ids that went.

        Raises:
            InvalidInputError: neither id nor name, or no memory.
            UnknownObjectError: an id that is not remembered; then nothing is forgotten.
        """
        self._must_remember()
        ids = list(ids)
        if not ids and not label:
            raise InvalidInputError("say which: ids, or a label")
        gone = self.memory.forget(ids, label)
        self.renew()
        return gone

    def relabel(self, number: int, label: str) -> str:
        """Give a remembered object a name; the one it had.

        Raises:
            InvalidInputError: a name that cannot be used, or no memory.
            UnknownObjectError: an id that is not remembered.
        """
        self._must_remember()
        before = self.memory.tracks[number].label if number in self.memory.tracks else ""
        self.memory.relabel(number, label)
        self.renew()
        return before

    def save(self, path: str) -> int:
        """Write the memory to a file; how many objects.

        Raises:
            InvalidInputError: no memory.
            MemoryFileError: no path, or it cannot be written.
        """
        self._must_remember()
        return save_memory(self.memory, _file(path))

    def load(self, path: str) -> int:
        """Take the memory from a file in place of what is remembered; how many objects.

        Raises:
            MemoryFileError: it cannot be used, or is of another frame; then what is remembered stays.
        """
        path = _file(path)
        loaded = load_memory(path, self.memory.settings)
        wanted = self._world_frame
        if wanted and loaded.frame_id != wanted:
            raise MemoryFileError(f"{path} is in frame '{loaded.frame_id}', and this node remembers in '{wanted}'")
        if not loaded.frame_id:
            raise MemoryFileError(f"{path} does not say in which frame it is")
        self.memory.frame_id = loaded.frame_id
        self.memory.restore(loaded.tracks.values(), max(loaded.tracks.next_id, self.memory.tracks.next_id))
        self._revision = 0
        self.renew()
        return len(self.memory)

    def _must_remember(self) -> None:
        if not self.frame_id:
            raise InvalidInputError("nothing is remembered: no picture with its pose in a map has come yet")


def _file(path: str) -> Path:
    if not path.strip():
        raise MemoryFileError("the path is empty")
    return Path(path).expanduser()

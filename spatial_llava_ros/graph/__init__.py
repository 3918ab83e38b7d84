"""Scene graphs: of one frame, and remembered in a map.

graph = frame_graph(frame)  # things, relations, layers
memory = SceneMemory()
changes = memory.update(frame, candidates_in(frame, proposals).stated_in(frame))
memory.graph(frame.world_from_camera)  # stable ids, what is hidden too
text = write_graph(graph, frame.depth.shape)  # SpaceSGG text
"""

from __future__ import annotations

from spatial_llava_ros.graph.candidates import candidates_in
from spatial_llava_ros.graph.frame_graph import frame_graph
from spatial_llava_ros.graph.memory import Changes, MemorySettings, SceneMemory
from spatial_llava_ros.graph.spacesgg import read_graph, write_graph
from spatial_llava_ros.graph.store import load_memory, save_memory

__all__ = [
    "Changes",
    "MemorySettings",
    "SceneMemory",
    "candidates_in",
    "frame_graph",
    "load_memory",
    "read_graph",
    "save_memory",
    "write_graph",
]

"""Scene graphs: of one frame, and remembered in a map.

graph = frame_graph(frame)              # nodes, relations, layers
text = write_graph(graph, frame.intrinsics)   # SpaceSGG / ASMv2 text
"""

from __future__ import annotations

from spatial_llava_ros.graph.frame_graph import frame_graph

__all__ = ["frame_graph"]

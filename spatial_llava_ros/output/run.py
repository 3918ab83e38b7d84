"""A recorded run, frame by frame: what is seen and what is known by then.

Where the camera's pose is known, the things are those of a memory that goes along, with ids that last; where it is not,
each frame stands for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.frames import FrameSource
from spatial_llava_ros.graph import SceneMemory, candidates_in, frame_graph
from spatial_llava_ros.proposals import propose
from spatial_llava_ros.types import ObjectState, Proposals, Region, RgbdFrame, SceneGraph, SceneObject

_Grapher = Callable[[RgbdFrame, Proposals], SceneGraph]


@dataclass(frozen=True, eq=False)
class Step:
    """One frame of a run.

    Attributes:
        number: of the frame in its source.
        graph: what is known by now, as the scene_graph node would publish it.
        tentative: things seen in this frame that the memory does not yet rely on; they have no relations.
        regions: id of a thing -> where it is in this picture; what is remembered and not seen now has none.
        told: what the memory noted in this frame, such as "3 moved", in words.
    """

    number: int
    frame: RgbdFrame
    graph: SceneGraph
    tentative: tuple[SceneObject, ...]
    regions: dict[int, Region]
    told: tuple[str, ...] = ()

    @property
    def things(self) -> tuple[SceneObject, ...]:
        """All of them: those of the graph, then the tentative ones."""
        return (*self.graph.objects, *self.tentative)


@dataclass(eq=False)
class Run:
    """The steps of a source, made as they are asked for; iterate over it once.

    Args:
        source, limit: frames, and how many of them at most.
        graph: (frame, proposals) -> its graph, where a model has a say in it; otherwise what is measured alone.

    Attributes:
        left_out: frames without a pose in the frame that the run is remembered in.
        memory: what is remembered; None where no pose is known.
        last: the step made last.
    """

    source: FrameSource
    limit: int
    graph: _Grapher | None = None
    left_out: int = 0
    memory: SceneMemory | None = None
    last: Step | None = None

    @property
    def numbers(self) -> list[int]:
        """Of the frames that are taken: all, or `limit` of them evenly spread from first to last."""
        count = len(self.source)
        if count == 0:
            raise InvalidInputError(f"{self.source.name}: has no frames")
        if count <= self.limit:
            return list(range(count))
        return sorted({round(n) for n in np.linspace(0, count - 1, self.limit)})

    def __iter__(self) -> Iterator[Step]:
        numbers = self.numbers
        for place, number in enumerate(numbers):
            frame = self.source[number]
            # A memory relies on nothing that it saw once: a single frame is shown as it is.
            if place == 0 and frame.world_from_camera is not None and len(numbers) > 1:
                self.memory = SceneMemory(frame.world_frame_id)
            if self.memory is None:
                self.last = _alone(number, frame, self.graph or frame_graph)
            elif frame.world_from_camera is None or frame.world_frame_id != self.memory.frame_id:
                self.left_out += 1
                continue
            else:
                self.last = _remembered(number, frame, self.memory, self.graph)
            yield self.last


def _alone(number: int, frame: RgbdFrame, graph_of: _Grapher) -> Step:
    proposals = propose(frame)
    graph = graph_of(frame, proposals)
    regions = {region.id: region for region in proposals.regions}
    return Step(number, frame, graph, (), {n.object.id: regions.get(n.object.id) or _boxed(n) for n in graph.objects})


def _boxed(node: SceneObject) -> Region:
    """Where a thing is that only a model has seen: all of its box."""
    x1, y1, x2, y2 = (round(v) for v in node.object.box)
    x2, y2 = max(x2, x1 + 1), max(y2, y1 + 1)
    return Region(node.object.id, (x1, y1, x2, y2), np.ones((y2 - y1, x2 - x1), bool), node.object.score)


def _remembered(number: int, frame: RgbdFrame, memory: SceneMemory, graph_of: _Grapher | None) -> Step:
    proposals = propose(frame)
    seen = graph_of(frame, proposals) if graph_of else candidates_in(frame, proposals).stated_in(frame)
    changes = memory.update(frame, seen)
    now = {*changes.seen, *changes.new, *changes.moved}
    # A track keeps the box of its last sighting, which is that of the region it was seen as.
    by_box = {tuple(map(float, region.box)): region for region in proposals.regions}
    regions = {n: by_box.get(tuple(map(float, memory.tracks[n].box))) for n in now if n in memory.tracks}
    graph = memory.graph(frame.world_from_camera, everywhere=False)
    tracks = (memory.tracks[n] for n in sorted(now) if n in memory.tracks)
    tentative = tuple(t.as_node(memory.frame_id) for t in tracks if t.state is ObjectState.TENTATIVE)
    told = [f"{word} {n}" for word in ("confirmed", "moved", "missing") for n in getattr(changes, word)]
    told += [f"forgotten {n}" for n in graph.removed] + ["the map jumped"] * changes.jumped
    return Step(
        number, frame, graph, tentative, {n: region for n, region in regions.items() if region is not None}, tuple(told)
    )

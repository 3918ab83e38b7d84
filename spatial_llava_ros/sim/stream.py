"""Frames of a simulated scene in a row, for whoever takes frames and does not ask for truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from spatial_llava_ros.sim.camera import SimCamera, camera_path, default_view
from spatial_llava_ros.sim.layouts import make_scene
from spatial_llava_ros.sim.rendering import render
from spatial_llava_ros.sim.truth import SimFrame
from spatial_llava_ros.types import RgbdFrame

PERIOD_NS = 100_000_000  # 10 frames a second
START_NS = 1_000_000_000  # not 0, which would mean "no stamp"


class SimStream(Sequence[RgbdFrame]):
    """n frames along the camera path of a scene, rendered when asked for; world frame "map".

    One frame is the default view; more are a path around it. `shot(i)` gives the frame with its truth.

    Raises:
        InvalidInputError: unknown layout or negative seed.
    """

    def __init__(self, layout: str = "tabletop", seed: int = 0, n: int = 1, camera: SimCamera | None = None) -> None:
        self.scene = make_scene(layout, seed)
        self.camera = camera or SimCamera()
        self.poses = [default_view(self.scene)] if n == 1 else camera_path(self.scene, n)

    def __len__(self) -> int:
        return len(self.poses)

    def shot(self, index: int) -> SimFrame:
        """The frame at an index, with truth."""
        index = range(len(self))[index]
        return render(self.scene, self.poses[index], self.camera, START_NS + index * PERIOD_NS)

    def __getitem__(self, index: int) -> RgbdFrame:
        return self.shot(index).frame

    def __iter__(self) -> Iterator[RgbdFrame]:
        return (self[i] for i in range(len(self)))


def stream(layout: str = "tabletop", seed: int = 0, n: int = 1) -> SimStream:
    """The first n frames of a scene: a sequence of RgbdFrame, each with its pose."""
    return SimStream(layout, seed, n)

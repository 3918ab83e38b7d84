"""The simulator as a source of frames."""

from __future__ import annotations

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.frames.source import FrameSource
from spatial_llava_ros.sim import camera_path, default_view, make_scene, render, usual_camera
from spatial_llava_ros.sim.truth import SimFrame
from spatial_llava_ros.types import RgbdFrame

FRAMES = 60
_PERIOD = 100_000_000  # ns
_START = 1_000_000_000  # ns; 0 would mean that there is no clock


class SimSource(FrameSource):
    """A simulated scene: frame 0 is the default view, the others follow a path around the scene, at 10 Hz.

    Args:
        spec: "sim", "sim:layout" or "sim:layout:seed".

    Raises:
        InvalidInputError: an unknown layout, or a seed that is not a whole number from 0.
    """

    def __init__(self, spec: str) -> None:
        layout, seed, *rest = [*spec.split(":")[1:], "", ""]
        if any(rest) or not (seed or "0").isdecimal() or len(seed) > 9:
            raise InvalidInputError(f"{spec}: the simulator is sim, sim:layout or sim:layout:seed")
        self.name = spec
        self.scene = make_scene(layout or "tabletop", int(seed or 0))
        self._camera = usual_camera(self.scene)
        self._poses = [default_view(self.scene), *camera_path(self.scene, FRAMES - 1)]

    def __len__(self) -> int:
        return len(self._poses)

    def __getitem__(self, index: int) -> RgbdFrame:
        return self.simulated(index).frame

    def simulated(self, index: int) -> SimFrame:
        """A frame with its truth."""
        index = range(len(self))[index]
        return render(self.scene, self._poses[index], self._camera, _START + index * _PERIOD)

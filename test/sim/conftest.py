"""Scenes and frames that several tests of the simulator look at, made once."""

from __future__ import annotations

from functools import cache

import pytest

from spatial_llava_ros.sim import LAYOUTS, NONE, ColorNoise, SimCamera, SimFrame, default_view, make_scene, render
from spatial_llava_ros.types import CameraIntrinsics

SMALL = CameraIntrinsics(320, 240, 307.5, 307.5, 159.5, 119.5)
PERFECT = SimCamera(SMALL, NONE, ColorNoise(blur=0, shot=0, read=0, vignette=0, white_balance=0))


@cache
def perfect_shot(layout: str, seed: int) -> SimFrame:
    scene = make_scene(layout, seed)
    return render(scene, default_view(scene), PERFECT)


@pytest.fixture(params=[(layout, seed) for layout in LAYOUTS for seed in (1, 2)], ids=lambda p: f"{p[0]}-{p[1]}")
def shot(request: pytest.FixtureRequest) -> SimFrame:
    """A frame without any noise, of each layout."""
    return perfect_shot(*request.param)

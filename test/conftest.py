from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from spatial_llava_ros.types import CameraIntrinsics, RgbdFrame

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


def _data_folder() -> Path:
    """Real frames are no part of the project: SPATIAL_LLAVA_DATA names their folder, else they lie by the checkout."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    return Path(os.environ.get("SPATIAL_LLAVA_DATA", beside))


@pytest.fixture(scope="session")
def real_frames() -> list[Path]:
    """Folders of real RGB-D frames, in a fixed order; skips where there are none."""
    folders = sorted(path.parent for path in (_data_folder() / "rgbd").glob("*/*/camera.json"))
    if not folders:
        pytest.skip("no real frames: set SPATIAL_LLAVA_DATA to the folder that holds rgbd/")
    return folders


@pytest.fixture
def small_frame() -> RgbdFrame:
    """64x48 picture of a red square, half a metre in front of a wall at one metre; one pixel unmeasured."""
    color = np.full((48, 64, 3), 90, np.uint8)
    depth = np.full((48, 64), 1.0, np.float32)
    color[16:32, 24:44] = (200, 30, 30)
    depth[16:32, 24:44] = 0.5
    depth[0, 0] = np.nan
    return RgbdFrame(color, depth, CameraIntrinsics(64, 48, 60.0, 60.0, 31.5, 23.5), stamp=1_700_000_000_123_456_789)

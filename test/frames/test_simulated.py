from __future__ import annotations

import numpy as np
import pytest

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.frames import open_source


def test_frames_of_a_scene_share_its_world():
    source = open_source("sim:tabletop:3")
    first, last = source[0], source[-1]
    assert (first.world_frame_id, last.stamp > first.stamp > 0) == ("map", True)
    assert not np.allclose(first.world_from_camera, last.world_from_camera)
    truth = source.simulated(0)
    np.testing.assert_array_equal(truth.frame.depth, first.depth)
    assert len(truth.objects) > 2
    with pytest.raises(IndexError):
        source[len(source)]


@pytest.mark.parametrize("rest", ["moonbase", "tabletop:-1", "tabletop:x", "tabletop:1:2", ":" + "9" * 5000])
def test_scenes_that_cannot_be_are_refused(rest):
    with pytest.raises(InvalidInputError):
        open_source(f"sim:{rest}")

"""What the node tests share: a ROS environment, a domain of their own, and a scene to look at."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import cv2
import numpy as np
import pytest

from spatial_llava_ros.nodes.environment import has_ros, use_profile

collect_ignore_glob = [] if has_ros() else ["test_*.py"]

if has_ros():
    use_profile()
    # Nobody else's nodes may be heard, nor ours by others; a fresh domain per run also keeps clear of leftovers.
    os.environ["ROS_DOMAIN_ID"] = str(random.SystemRandom().randint(1, 101))
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    if os.environ.get("ROS_DISTRO") == "humble":
        os.environ["ROS_LOCALHOST_ONLY"] = "1"


def write_folder(folder: Path, frame) -> Path:
    """A frame folder of a frame, depth in tenths of a millimetre."""
    folder.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / "color.png"), cv2.cvtColor(frame.color, cv2.COLOR_RGB2BGR))
    depth = np.nan_to_num(frame.depth * 10_000, nan=0.0).round().clip(0, 65535).astype(np.uint16)
    cv2.imwrite(str(folder / "depth.png"), depth)
    i = frame.intrinsics
    camera = {"width": i.width, "height": i.height, "fx": i.fx, "fy": i.fy, "cx": i.cx, "cy": i.cy}
    (folder / "camera.json").write_text(json.dumps(camera | {"depth_scale": 10_000}))
    return folder


@pytest.fixture(scope="session")
def simulated():
    """A simulated table-top with its truth."""
    from spatial_llava_ros.sim import SimCamera, default_view, make_scene, render

    scene = make_scene("tabletop", 3)
    return render(scene, default_view(scene), SimCamera())


@pytest.fixture(scope="session")
def scene_folder(simulated, tmp_path_factory) -> Path:
    """The simulated table-top as a frame folder."""
    return write_folder(tmp_path_factory.mktemp("scene"), simulated.frame)


@pytest.fixture(scope="session")
def understood(simulated, scene_folder):
    """(expression, answer) of a thing that the library finds in the scene by itself: the nodes must say the same."""
    from spatial_llava_ros.cli.questions import GENERAL, simulated_questions
    from spatial_llava_ros.frames import open_source
    from spatial_llava_ros.pipeline import Locator
    from spatial_llava_ros.types import Status

    frame, locator = open_source(str(scene_folder))[0], Locator()
    for text in [q.text for q in simulated_questions(simulated, 0, 6)] + list(GENERAL):
        answer = locator.locate(frame, text)
        if answer.status is Status.FOUND:
            return text, answer
    pytest.fail("the library finds nothing in the simulated scene")


@pytest.fixture
def children(tmp_path):
    """Starts node processes, and ends them."""
    from spatial_llava_ros.cli.processes import Children

    with Children(tmp_path) as running:
        yield running


@pytest.fixture
def client():
    """A node in this process."""
    import rclpy

    from spatial_llava_ros.nodes.client import Client

    rclpy.init()
    made = Client("tester")
    yield made
    made.close()

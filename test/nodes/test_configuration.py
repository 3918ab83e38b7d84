"""Files that nothing imports: launch files, camera presets, parameters, RViz, Fast DDS."""

from __future__ import annotations

import importlib.util
import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import yaml
from spatial_llava_ros.srv import Ask
from std_msgs.msg import String

from spatial_llava_ros.nodes import camera, follow, locate, scene_graph
from spatial_llava_ros.nodes.cameras import TOPICS, read_cameras, remappings
from spatial_llava_ros.nodes.environment import config_folder
from spatial_llava_ros.output.mcap_log import McapWriter

CONFIG = config_folder()
LAUNCH = CONFIG.parent / "launch"
LAUNCH_FILES = sorted(LAUNCH.glob("*.launch.py"))


def has_launch() -> bool:
    """The real `launch`; in a checkout the folder of that name would pass for a package."""
    try:
        return importlib.util.find_spec("launch_ros.actions") is not None
    except ModuleNotFoundError:
        return False


def test_fast_dds_gets_a_segment_that_holds_pictures():
    root = ElementTree.parse(CONFIG / "fastdds.xml").getroot()
    space = {"d": root.tag.split("}")[0].strip("{")}
    assert int(root.findtext(".//d:segment_size", namespaces=space)) >= 8 * 1280 * 720 * 3
    described = {e.text for e in root.findall(".//d:transport_descriptor/d:transport_id", space)}
    used = {e.text for e in root.findall(".//d:userTransports/d:transport_id", space)}
    assert used == described
    assert root.find(".//d:participant", space).get("is_default_profile") == "true"


@pytest.mark.parametrize("node", [locate, scene_graph, follow])
def test_parameter_file_states_the_defaults(node):
    name = node.__name__.split(".")[-1]
    stated = yaml.safe_load((CONFIG / f"{name}.yaml").read_text())[f"/**/{name}"]["ros__parameters"]
    defaults = {s.name: s.default for s in node.SETTINGS}
    assert stated == {name: defaults[name] for name in stated}
    # Numbers that look whole would be integers to ROS, which refuses them for a float.
    assert all(type(value) is type(defaults[name]) for name, value in stated.items())


@pytest.mark.parametrize("settings", [locate.SETTINGS, camera.SETTINGS, scene_graph.SETTINGS, follow.SETTINGS])
def test_defaults_lie_in_their_ranges(settings):
    for s in settings:
        assert s.meaning
        if s.low is not None:
            assert s.low <= s.default <= s.high
        if s.choices:
            assert s.default in s.choices


def test_every_camera_names_every_topic():
    cameras = read_cameras(CONFIG)
    assert {"realsense", "zed", "oak", "orbbec", "gazebo", "demo"} <= cameras.keys()
    for topics in cameras.values():
        assert topics.keys() == TOPICS.keys()
    assert dict(remappings(cameras["demo"])) == {own: f"/{own}" for own in TOPICS.values()}
    far = dict(remappings(cameras["realsense"], "/robot1/", "compressed", "compressedDepth"))
    assert far["rgb/image"] == "/robot1/camera/camera/color/image_raw"
    assert far["rgb/image/compressed"] == far["rgb/image"] + "/compressed"
    assert far["depth/image/compressedDepth"] == far["depth/image"] + "/compressedDepth"


DESCRIBED = locate.__doc__ + camera.__doc__ + scene_graph.__doc__ + follow.__doc__


def test_rviz_shows_topics_that_the_nodes_publish():
    text = (CONFIG / "spatial_llava.rviz").read_text()
    displays = yaml.safe_load(text)["Visualization Manager"]["Displays"]
    shown = {d["Topic"]["Value"] for d in displays if isinstance(d.get("Topic"), dict)}
    shown |= {d[key] for d in displays for key in ("Color Image Topic", "Depth Map Topic") if key in d}
    for topic in shown:
        assert topic.lstrip("/") in DESCRIBED
    assert shown >= {"/markers", "/scene_graph/markers", "/referred_pose", "/goal_pose", "/debug/image", "/rgb/image"}


def test_foxglove_shows_topics_of_robots_and_recordings():
    layout = json.loads((CONFIG / "foxglove.json").read_text())
    panels, used = layout["configById"], []

    def places(tree: object) -> None:
        if isinstance(tree, str):
            used.append(tree)
            for tab in panels[tree].get("tabs", []):
                places(tab["layout"])
        else:
            assert {"first", "second", "direction"} <= set(tree) <= {"first", "second", "direction", "splitPercentage"}
            places(tree["first"])
            places(tree["second"])

    places(layout["layout"])
    assert sorted(used) == sorted(panels)  # every panel is in one place
    named = set(re.findall(r'"(/[\w/]+)', json.dumps(panels)))
    known = DESCRIBED + McapWriter.__doc__
    assert len(named) > 10 and all(re.search(rf"(^|[\s/]){topic.lstrip('/')}\b", known) for topic in named), named
    assert "/referred_object" in named and "/answer" in named and "/diagnostics" in named
    command = panels["Publish!command"]
    assert (command["topicName"], command["datatype"]) == ("/command", "std_msgs/msg/String")
    assert set(json.loads(command["value"])) == set(String.get_fields_and_field_types())
    ask = panels["CallService!ask"]
    assert set(json.loads(ask["requestPayload"])) <= set(Ask.Request.get_fields_and_field_types())


@pytest.mark.parametrize("path", LAUNCH_FILES, ids=lambda path: path.name)
def test_launch_files_compile(path: Path):
    names = compile(path.read_text(), str(path), "exec").co_names
    assert "generate_launch_description" in names


@pytest.mark.skipif(not has_launch(), reason="launch_ros is not on PyPI; present with a ROS distribution")
@pytest.mark.parametrize("path", LAUNCH_FILES, ids=lambda path: path.name)
def test_launch_files_describe_processes(path: Path):
    from launch.launch_description_sources import PythonLaunchDescriptionSource

    from launch import LaunchContext

    description = PythonLaunchDescriptionSource(str(path)).get_launch_description(LaunchContext())
    assert len(description.entities) > 3

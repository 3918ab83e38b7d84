"""Files that nothing imports: launch files, camera presets, parameters, RViz, Fast DDS."""

from __future__ import annotations

import importlib.util
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import yaml

from spatial_llava_ros.nodes import camera, locate, scene_graph
from spatial_llava_ros.nodes.cameras import TOPICS, read_cameras, remappings
from spatial_llava_ros.nodes.environment import config_folder

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


@pytest.mark.parametrize("node", [locate, scene_graph])
def test_parameter_file_states_the_defaults(node):
    name = node.__name__.split(".")[-1]
    stated = yaml.safe_load((CONFIG / f"{name}.yaml").read_text())[f"/**/{name}"]["ros__parameters"]
    defaults = {s.name: s.default for s in node.SETTINGS}
    assert stated == {name: defaults[name] for name in stated}
    # Numbers that look whole would be integers to ROS, which refuses them for a float.
    assert all(type(value) is type(defaults[name]) for name, value in stated.items())


@pytest.mark.parametrize("settings", [locate.SETTINGS, camera.SETTINGS, scene_graph.SETTINGS])
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


def test_rviz_shows_topics_that_the_nodes_publish():
    text = (CONFIG / "spatial_llava.rviz").read_text()
    displays = yaml.safe_load(text)["Visualization Manager"]["Displays"]
    shown = {d["Topic"]["Value"] for d in displays if isinstance(d.get("Topic"), dict)}
    shown |= {d[key] for d in displays for key in ("Color Image Topic", "Depth Map Topic") if key in d}
    described = locate.__doc__ + camera.__doc__ + scene_graph.__doc__
    for topic in shown:
        assert topic.lstrip("/") in described
    assert len(shown) >= 4


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

"""The locate, scene_graph and follow nodes for a camera that runs already.

ros2 launch spatial_llava_ros locate.launch.py camera:=realsense
ros2 launch spatial_llava_ros locate.launch.py camera:=orbbec prefix:=/robot1 world_frame:=map rviz:=true
ros2 launch spatial_llava_ros locate.launch.py camera:=realsense nodes:=scene_graph
ros2 launch spatial_llava_ros locate.launch.py camera:=realsense follow:=true goal:=true
ros2 launch spatial_llava_ros locate.launch.py camera:=realsense model:=/data/Qwen2.5-VL-3B-Instruct quantization:=nf4
ros2 topic pub --once /command std_msgs/msg/String "{data: the red mug left of the laptop}"
"""

import os
from pathlib import Path

from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from launch import LaunchDescription
from spatial_llava_ros.nodes.cameras import read_cameras, remappings
from spatial_llava_ros.nodes.environment import PROFILE_VARIABLES

CONFIG = Path(__file__).resolve().parents[1] / "config"
CAMERAS = read_cameras(CONFIG)
MODEL_PARAMETERS = {"model": "model", "model_mode": "model.mode", "quantization": "model.quantization"}


def nodes(context):
    """The nodes that are wanted, with what the arguments say."""
    names = ("camera", "prefix", "color_transport", "depth_transport", "world_frame", "use_sim_time", "nodes")
    names += ("follow", "goal", *MODEL_PARAMETERS)
    value = {name: LaunchConfiguration(name).perform(context) for name in names}
    transports = value["color_transport"], value["depth_transport"]
    given = {
        "color_transport": value["color_transport"],
        "depth_transport": value["depth_transport"],
        "use_sim_time": value["use_sim_time"].lower() == "true",
        **({"world_frame": value["world_frame"]} if value["world_frame"] else {}),
    }
    model = {parameter: value[name] for name, parameter in MODEL_PARAMETERS.items() if value[name]}
    wanted = ("locate", "scene_graph") if value["nodes"] == "both" else (value["nodes"],)
    wanted += ("follow",) if value["follow"] == "true" else ()
    own = {"locate": model, "follow": {"goal.enabled": value["goal"] == "true"}}
    params = {"locate": "params", "scene_graph": "scene_graph_params", "follow": "follow_params"}
    return [
        Node(
            package="spatial_llava_ros",
            executable=name,
            name=name,
            output="screen",
            parameters=[LaunchConfiguration(params[name]), given, *([own[name]] if own.get(name) else [])],
            remappings=remappings(CAMERAS[value["camera"]], value["prefix"], *transports),
        )
        for name in wanted
    ]


def generate_launch_description():
    # Pictures through shared memory (see config/fastdds.xml), unless another profile was chosen.
    chosen = any(os.environ.get(name) for name in PROFILE_VARIABLES)
    profile = [SetEnvironmentVariable(name, str(CONFIG / "fastdds.xml")) for name in PROFILE_VARIABLES]
    return LaunchDescription(
        [
            DeclareLaunchArgument("camera", default_value="demo", choices=sorted(CAMERAS), description="topic names"),
            DeclareLaunchArgument("prefix", default_value="", description="put before the camera's topic names"),
            DeclareLaunchArgument("color_transport", default_value="raw", choices=["raw", "compressed"]),
            DeclareLaunchArgument("depth_transport", default_value="raw", choices=["raw", "compressedDepth"]),
            DeclareLaunchArgument("world_frame", default_value="", description="frame for answers; empty: see params"),
            DeclareLaunchArgument("use_sim_time", default_value="false", choices=["true", "false"]),
            DeclareLaunchArgument("nodes", default_value="both", choices=["locate", "scene_graph", "both"]),
            DeclareLaunchArgument("params", default_value=str(CONFIG / "locate.yaml"), description="YAML of locate"),
            DeclareLaunchArgument("scene_graph_params", default_value=str(CONFIG / "scene_graph.yaml")),
            DeclareLaunchArgument(
                "follow", default_value="false", choices=["true", "false"], description="track what was found"
            ),
            DeclareLaunchArgument("follow_params", default_value=str(CONFIG / "follow.yaml")),
            DeclareLaunchArgument(
                "goal", default_value="false", choices=["true", "false"], description="goal_pose, which Nav2 drives to"
            ),
            DeclareLaunchArgument(
                "model", default_value="", description="checkpoint folder, hub id or server address; empty: see params"
            ),
            DeclareLaunchArgument("model_mode", default_value="", choices=["", "both", "marks", "box"]),
            DeclareLaunchArgument("quantization", default_value="", choices=["", "nf4", "int8", "bf16", "none"]),
            DeclareLaunchArgument("rviz", default_value="false", choices=["true", "false"]),
            *([] if chosen else profile),
            OpaqueFunction(function=nodes),
            Node(
                package="rviz2",
                executable="rviz2",
                arguments=["-d", str(CONFIG / "spatial_llava.rviz")],
                condition=IfCondition(LaunchConfiguration("rviz")),
            ),
        ]
    )

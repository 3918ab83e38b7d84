"""A camera that is the simulator, a folder or a bag, and the locate and scene_graph nodes looking through it.

ros2 launch spatial_llava_ros demo.launch.py rviz:=true
ros2 launch spatial_llava_ros demo.launch.py source:=/data/my_frames rate:=5.0
ros2 topic pub --once /command std_msgs/msg/String "{data: the leftmost mug}"
"""

import os

from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from launch import LaunchDescription

HERE = os.path.dirname(os.path.realpath(__file__))


def generate_launch_description():
    # Included first: it sets the Fast DDS profile for every process that is started after it.
    locate = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(os.path.join(HERE, "locate.launch.py")),
        launch_arguments={
            "camera": "demo",
            "rviz": LaunchConfiguration("rviz"),
            "model": LaunchConfiguration("model"),
            "quantization": LaunchConfiguration("quantization"),
        }.items(),
    )
    camera = Node(
        package="spatial_llava_ros",
        executable="camera",
        name="camera",
        output="screen",
        parameters=[
            {
                "source": ParameterValue(LaunchConfiguration("source"), value_type=str),
                "rate": ParameterValue(LaunchConfiguration("rate"), value_type=float),
                "hold": ParameterValue(LaunchConfiguration("hold"), value_type=int),
            }
        ],
    )
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                "source", default_value="sim:tabletop:0", description="sim[:layout[:seed]], folder, bag"
            ),
            DeclareLaunchArgument("rate", default_value="10.0", description="frames per second"),
            DeclareLaunchArgument("hold", default_value="0", description="the one frame to repeat; -1 plays all"),
            DeclareLaunchArgument("rviz", default_value="false", choices=["true", "false"]),
            DeclareLaunchArgument("model", default_value="", description="of locate; empty: geometry alone"),
            DeclareLaunchArgument("quantization", default_value="", choices=["", "nf4", "int8", "bf16", "none"]),
            locate,
            camera,
        ]
    )

"""One node as a process: from the start of ROS to its end, with errors of the user's in one line."""

from __future__ import annotations

import sys
from collections.abc import Callable

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.lifecycle import LifecycleNode
from rclpy.node import Node

from spatial_llava_ros.errors import SpatialLlavaError
from spatial_llava_ros.nodes.environment import use_profile


def run_node(name: str, make: Callable[[], Node], args: list[str] | None = None) -> int:
    """Make a node and spin it until it is told to end; the exit code: 0, or 2 for what the user must mend.

    A lifecycle node whose parameter `autostart` is true is configured and activated first.
    """
    use_profile()
    rclpy.init(args=args)
    node = None
    try:
        node = make()
        if isinstance(node, LifecycleNode) and node.get_parameter("autostart").value:
            node.trigger_configure()
            node.trigger_activate()
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except SpatialLlavaError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 2
    finally:
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()
    return 0

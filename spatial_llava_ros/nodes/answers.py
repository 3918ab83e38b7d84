"""What the locate node sends out for an answer, on all its topics."""

from __future__ import annotations

import importlib.util

from geometry_msgs.msg import PoseWithCovarianceStamped
from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from visualization_msgs.msg import MarkerArray

from spatial_llava_ros.msg import ReferredObject
from spatial_llava_ros.nodes import messages, qos
from spatial_llava_ros.nodes.markers import answer_markers
from spatial_llava_ros.nodes.worker import Result
from spatial_llava_ros.output.picture import draw_answer


class AnswerPublishers:
    """Life-cycle publishers of a node; what is sent while the node is inactive goes nowhere.

    Args:
        node: with `marker_lifetime` declared.
    """

    def __init__(self, node: LifecycleNode) -> None:
        self._node = node
        make = node.create_lifecycle_publisher
        self._results = make(ReferredObject, "referred_object", qos.ANSWERS)
        self._poses = make(PoseWithCovarianceStamped, "referred_pose", qos.RESULT)
        self._markers = make(MarkerArray, "markers", qos.LATCHED)
        self._pictures = make(Image, "debug/image", qos.RESULT)
        self._detections = None
        if importlib.util.find_spec("vision_msgs"):
            from vision_msgs.msg import Detection3DArray

            self._detections = make(Detection3DArray, "detections", qos.RESULT)

    def close(self) -> None:
        """Take the topics away."""
        own = (self._results, self._poses, self._markers, self._pictures, self._detections)
        for publisher in own:
            if publisher is not None:
                self._node.destroy_publisher(publisher)

    def publish(self, result: Result) -> ReferredObject:
        """Send an answer out; the message that was sent."""
        message = messages.answer_message(result.answer, result.stamp, result.frame_id, result.camera_frame_id)
        self._results.publish(message)
        self._markers.publish(answer_markers(message, self._value("marker_lifetime")))
        if message.object.has_pose:
            self._poses.publish(messages.pose_message(message))
        if self._detections is not None:
            self._detections.publish(messages.detections_message(message, [message.object, *message.candidates]))
        if result.frame is not None and self._pictures.get_subscription_count() > 0:
            header = Header(stamp=message.header.stamp, frame_id=message.camera_frame_id)
            self._pictures.publish(messages.image_message(draw_answer(result.frame, result.answer), header))
        return message

    def _value(self, name: str):
        return self._node.get_parameter(name).value

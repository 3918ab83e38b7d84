"""The nodes as their users meet them: processes of their own, real DDS, real expressions about a simulated table."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from time import monotonic, sleep

import cv2
import numpy as np
import pytest
from action_msgs.msg import GoalStatus
from geometry_msgs.msg import PoseStamped, PoseWithCovarianceStamped
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from over_dds import PATIENCE, Camera, collect, until, until_done
from rclpy.action import ActionClient
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image
from spatial_llava_ros.action import Locate
from spatial_llava_ros.msg import ReferredObject
from std_msgs.msg import Header
from visualization_msgs.msg import MarkerArray

from spatial_llava_ros.cli.shared_memory import segments_of
from spatial_llava_ros.frames import open_source
from spatial_llava_ros.geometry import transform_object
from spatial_llava_ros.nodes import messages, qos
from spatial_llava_ros.nodes.client import Client

pytestmark = pytest.mark.slow


def goal_client(client: Client) -> ActionClient:
    action = ActionClient(client.node, Locate, "locate")
    until(client, action.server_is_ready)
    return action


def send(client: Client, action: ActionClient, query: str, feedback=None, **fields):
    handle = until_done(client, action.send_goal_async(Locate.Goal(query=query, **fields), feedback_callback=feedback))
    assert handle.accepted
    return handle


@pytest.fixture
def both(children, client, scene_folder):
    """Camera and locate, each a process, ready for commands."""
    children.start("camera", source=str(scene_folder), rate=10.0)
    children.start("locate")
    until(client, lambda: client.heard and client.pictures and client.ready, children)
    return client


def test_command_in_referred_object_out_with_the_stamp_of_its_picture(both, simulated, understood):
    client, (text, expected) = both, understood
    poses = collect(client, PoseWithCovarianceStamped, "referred_pose")
    shown = collect(client, MarkerArray, "markers", qos.LATCHED)
    drawn = collect(client, Image, "debug/image")
    until(client, lambda: client.node.count_publishers("debug/image"))
    client.spin(0.5)
    sent = client.node.get_clock().now().nanoseconds
    answer = client.ask(text, PATIENCE)
    assert answer is not None and answer.query == text
    stamp = messages.nanoseconds(answer.header.stamp)
    # The stamp is exactly that of a picture the camera sent, and of a recent one.
    frame = client.frame_at(stamp)
    assert frame is not None and frame.stamp == stamp
    np.testing.assert_array_equal(frame.color, simulated.frame.color)
    assert abs(sent - stamp) < 2e9
    assert answer.status == ReferredObject.FOUND, answer.explanation
    received = messages.answer_of(answer).object
    np.testing.assert_allclose(received.position, expected.object.position, atol=1e-6)
    np.testing.assert_allclose(received.orientation, expected.object.orientation, atol=1e-6)
    np.testing.assert_allclose(received.size, expected.object.size, atol=1e-6)
    np.testing.assert_allclose(received.covariance, expected.object.covariance, atol=1e-9)
    assert received.label == expected.object.label
    assert answer.camera_frame_id == frame.frame_id
    until(client, lambda: poses and drawn and any(len(m.markers) > 1 for m in shown))
    assert poses[-1].header == answer.header
    assert poses[-1].pose == answer.object.pose
    assert drawn[-1].header.stamp == answer.header.stamp
    assert drawn[-1].encoding == "rgb8" and len(drawn[-1].data) == drawn[-1].height * drawn[-1].step


def test_who_comes_late_gets_the_last_answer(both):
    answer = both.ask("the nearest thing", PATIENCE)
    late = collect(both, ReferredObject, "referred_object", qos.LATCHED)
    until(both, lambda: late)
    assert late[0] == answer


def test_bad_commands_get_a_status_and_the_node_survives_them(both):
    bad = [
        "",
        "   ",
        "word " * 2000,
        "\x07\x1b[31m",
        "🤖" * 50,
        "'; DROP TABLE objects; --",
        "the",
        "left of left of left of",
    ]
    for text in bad:
        answer = both.ask(text, PATIENCE)
        assert answer is not None, f"no answer to {text[:20]!r}"
        assert answer.status != ReferredObject.UNKNOWN
        if not text.strip() or len(text) > 5000:
            assert answer.status == ReferredObject.ERROR and answer.explanation
    flood = [f"the thing number {number}" for number in range(12)]  # more than may wait
    received = collect(both, ReferredObject, "referred_object", qos.COMMANDS)
    until(both, lambda: both.node.count_subscribers("referred_object") >= 2)
    both.spin(0.5)
    for text in flood:
        both.say(text)
    until(both, lambda: {a.query for a in received} >= set(flood))  # each is answered or refused, none is lost
    assert both.ask("the nearest thing", PATIENCE).status != ReferredObject.ERROR


def test_action_gives_feedback_and_the_answer(both, understood):
    action, stages = goal_client(both), []
    handle = send(both, action, understood[0], lambda m: stages.append(m.feedback.stage))
    outcome = until_done(both, handle.get_result_async())
    assert outcome.status == GoalStatus.STATUS_SUCCEEDED
    assert outcome.result.referred.status == ReferredObject.FOUND
    both.spin(0.3)
    assert stages[0] == "waiting for a frame"
    assert {"decode", "ground"} <= set(stages)


def test_action_is_cancelled_and_the_next_goal_is_served(children, client, scene_folder):
    children.start("locate", frame_timeout=30.0, timeout=60.0)
    action, stages = goal_client(client), []
    handle = send(client, action, "the nearest thing", lambda m: stages.append(m.feedback.stage))
    until(client, lambda: stages)  # at work: it waits for a frame, since there is no camera yet
    start = monotonic()
    reply = until_done(client, handle.cancel_goal_async())
    assert len(reply.goals_canceling) == 1
    outcome = until_done(client, handle.get_result_async())
    assert monotonic() - start < 10.0
    assert outcome.status == GoalStatus.STATUS_CANCELED
    assert outcome.result.referred.status == ReferredObject.CANCELLED
    children.start("camera", source=str(scene_folder), rate=10.0)
    outcome = until_done(client, send(client, action, "the nearest thing").get_result_async())
    assert outcome.result.referred.status not in (ReferredObject.CANCELLED, ReferredObject.STALE_FRAME)


def test_action_says_why_it_ended_without_a_place(both):
    action = goal_client(both)
    goal = {"query": "the nearest thing", "target_frame": "gripper"}
    outcome = until_done(both, send(both, action, **goal).get_result_async())
    assert outcome.status == GoalStatus.STATUS_ABORTED
    assert outcome.result.referred.status == ReferredObject.NO_TRANSFORM
    assert "gripper" in outcome.result.referred.explanation
    hurried = Locate.Goal(query="the nearest thing")
    hurried.timeout.nanosec = 1
    handle = until_done(both, action.send_goal_async(hurried))
    outcome = until_done(both, handle.get_result_async())
    assert outcome.result.referred.status == ReferredObject.TIMEOUT


def test_answers_follow_tf_to_the_frame_asked_for(children, client):
    children.start("camera", source="sim:tabletop:3", rate=5.0, hold=0, depth_encoding="16UC1")
    children.start("locate", marker_lifetime=2.0)
    goals = collect(client, PoseStamped, "goal_pose")
    topic = collect(client, ReferredObject, "referred_object", qos.ANSWERS)
    until(client, lambda: client.heard and client.pictures and client.ready, children)
    action = goal_client(client)
    in_map = until_done(client, send(client, action, "the nearest thing").get_result_async()).result.referred
    assert (in_map.status, in_map.header.frame_id) == (ReferredObject.FOUND, "map")
    camera = in_map.camera_frame_id
    handle = send(client, action, "the nearest thing", target_frame=camera)
    in_camera = until_done(client, handle.get_result_async()).result.referred
    assert in_camera.header.frame_id == camera
    until(client, lambda: len(topic) == 2)
    assert topic[-1].header.frame_id == "map"  # what others go by does not change with who asked
    frame = client.frame_at(messages.nanoseconds(in_camera.header.stamp))
    moved = transform_object(messages.answer_of(in_camera).object, frame.world_from_camera, "map")
    place = messages.answer_of(in_map).object.position  # of another picture of the same scene
    np.testing.assert_allclose(moved.position, place, atol=1e-6)
    children.start("follow", **{"goal.enabled": True, "goal.stand_off": 0.7})  # after the last answer
    until(client, lambda: goals, children)
    stand = goals[0].pose.position
    assert goals[0].header.frame_id == "map" and stand.z == 0
    assert 0.7 < np.hypot(stand.x - place[0], stand.y - place[1]) < 1.5


def test_compressed_pictures_are_read(children, client, scene_folder, understood):
    children.start("locate", color_transport="compressed", depth_transport="compressedDepth")
    color = (scene_folder / "color.png").read_bytes()
    depth = cv2.imread(str(scene_folder / "depth.png"), cv2.IMREAD_UNCHANGED)
    depth = cv2.imencode(".png", (depth / 10.0).round().astype(np.uint16))[1].tobytes()
    info = messages.camera_info_message(open_source(str(scene_folder))[0].intrinsics, Header(frame_id="optical"))
    sent = {
        "rgb/image/compressed": CompressedImage(format="rgb8; png compressed bgr8", data=color),
        "depth/image/compressedDepth": CompressedImage(format="16UC1; compressedDepth png", data=bytes(12) + depth),
        "rgb/camera_info": info,
    }
    publishers = {topic: client.node.create_publisher(type(m), topic, qos.CAMERA_OUT) for topic, m in sent.items()}

    def send_frame() -> None:
        stamp = client.node.get_clock().now().to_msg()
        for topic, message in sent.items():
            message.header = Header(stamp=stamp, frame_id="optical")
            publishers[topic].publish(message)

    timer = client.node.create_timer(0.1, send_frame)
    until(client, lambda: client.heard and client.ready, children)
    answer = client.ask(understood[0], PATIENCE)
    client.node.destroy_timer(timer)
    assert answer.status == ReferredObject.FOUND, answer.explanation
    # The same picture, its depth rounded to millimetres.
    place = messages.answer_of(answer).object.position
    np.testing.assert_allclose(place, understood[1].object.position, atol=0.005)


def test_missing_topics_are_named(children, client, simulated):
    children.start("locate", frame_timeout=0.3)
    until(client, lambda: client.heard, children)
    answer = client.ask("the nearest thing", PATIENCE)
    assert answer.status == ReferredObject.STALE_FRAME
    assert "/rgb/image has no publisher" in answer.explanation
    with Camera(client.node, simulated.frame, streams=("color", "rgb")):
        until(client, lambda: client.advice.startswith("/depth/image has no publisher"), children)
        answer = client.ask("the nearest thing", PATIENCE)
        assert answer.status == ReferredObject.STALE_FRAME
        assert answer.explanation.startswith("/depth/image has no publisher")
    with Camera(client.node, simulated.frame):
        until(client, lambda: client.ready, children)
        assert client.ask("the nearest thing", PATIENCE).status != ReferredObject.STALE_FRAME
    until(client, lambda: "silent" in client.advice, children)
    assert client.ask("the nearest thing", PATIENCE).status == ReferredObject.STALE_FRAME


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"depth__encoding": "mono8"}, "mono8"),
        ({"color__encoding": "rainbow"}, "rainbow"),
        ({"color__step": 7}, "colour picture"),
        ({"rgb__k": [0.0] * 9, "depth_info__k": [0.0] * 9}, "not calibrated"),
    ],
)
def test_pictures_that_cannot_be_used_are_explained(children, client, simulated, fields, said):
    children.start("locate")
    with Camera(client.node, simulated.frame, **fields):
        until(client, lambda: client.heard and client.ready, children)
        answer = client.ask("the nearest thing", PATIENCE)
    assert answer.status == ReferredObject.ERROR
    assert said in answer.explanation
    assert messages.nanoseconds(answer.header.stamp) > 0


def test_quality_of_service_that_does_not_match_is_told(children, client, simulated):
    children.start("locate", reliability="reliable", frame_timeout=0.3)
    best_effort = QoSProfile(depth=2, reliability=ReliabilityPolicy.BEST_EFFORT)
    with Camera(client.node, simulated.frame, profile=best_effort):
        until(client, lambda: "QoS does not match" in client.advice, children)
        answer = client.ask("the nearest thing", PATIENCE)
    assert answer.status == ReferredObject.STALE_FRAME
    assert "reliability" in answer.explanation


def test_life_cycle_can_be_gone_through_again_and_again(children, client, scene_folder):
    children.start("camera", source=str(scene_folder), rate=10.0)
    children.start("locate", autostart=False)
    service = client.node.create_client(ChangeState, "locate/change_state")
    until(client, service.service_is_ready, children)

    def go(transition: int) -> None:
        request = ChangeState.Request(transition=Transition(id=transition))
        assert until_done(client, service.call_async(request)).success

    until(client, lambda: client.advice == "unconfigured", children)
    for _ in range(2):
        go(Transition.TRANSITION_CONFIGURE)
        until(client, lambda: client.advice == "inactive", children)
        assert not client.heard
        for _ in range(2):
            go(Transition.TRANSITION_ACTIVATE)
            until(client, lambda: client.heard and client.ready, children)
            assert client.ask("the nearest thing", PATIENCE).status != ReferredObject.ERROR
            go(Transition.TRANSITION_DEACTIVATE)
            until(client, lambda: not client.heard and not client.ready, children)
        go(Transition.TRANSITION_CLEANUP)
    go(Transition.TRANSITION_UNCONFIGURED_SHUTDOWN)
    until(client, lambda: client.advice == "finalized", children)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("name", ["camera", "locate", "scene_graph"])
def test_nodes_end_quietly(name, end, scene_folder):
    parameters = ["--ros-args", "-p", f"source:='{scene_folder}'"] if name == "camera" else []
    command = [sys.executable, "-m", f"spatial_llava_ros.nodes.{name}", *parameters]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        said = [process.stdout.readline()]
        while "[INFO]" not in said[-1]:  # up and spinning
            assert said[-1], f"ended before it was up: {said}"
            said.append(process.stdout.readline())
        sleep(0.5)
        process.send_signal(end)
        said += process.communicate(timeout=PATIENCE)[0].splitlines()
    finally:
        process.kill()
    assert process.returncode == 0
    assert not [line for line in said if "Traceback" in line or "Error" in line]


@pytest.mark.parametrize(
    ("name", "parameter", "said"),
    [
        ("camera", "source:=/nowhere/at/all", "/nowhere/at/all"),
        ("camera", "rate:=-3.0", "rate"),
        ("camera", "depth_encoding:=furlongs", "furlongs"),
        ("locate", "reliability:=perhaps", "perhaps"),
        ("locate", "timeout:=soon", "timeout"),
        ("scene_graph", "rate:=0.0", "rate"),
    ],
)
def test_bad_parameters_end_a_node_with_one_line(name, parameter, said):
    command = [sys.executable, "-m", f"spatial_llava_ros.nodes.{name}", "--ros-args", "-p", parameter]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1 and said in done.stderr


def test_nothing_is_left_in_shared_memory(children, client):
    children.start("locate")
    until(client, lambda: client.heard, children)
    # Other ROS programs may run on this machine: only what our node has mapped is ours to clear away.
    mapped = segments_of(children.pids["locate"]) - segments_of(os.getpid())
    assert mapped
    children.__exit__(None, None, None)
    assert not [path for path in mapped if path.exists()]

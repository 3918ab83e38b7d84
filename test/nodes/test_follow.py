"""The follow node as its users meet it: a process of its own, real DDS, something that is pushed about before it."""

from __future__ import annotations

from dataclasses import replace
from math import atan2

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import PoseStamped, PoseWithCovarianceStamped
from nav_msgs.msg import OccupancyGrid
from over_dds import Camera, collect, until, until_done
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo
from spatial_llava_ros.msg import ReferredObject, SceneGraph, SceneObject
from tf2_msgs.msg import TFMessage

from spatial_llava_ros.evaluation.graph import shifted
from spatial_llava_ros.evaluation.tracking import candidates, first_lift
from spatial_llava_ros.geometry import invert_transform, transform_object
from spatial_llava_ros.nodes import messages, qos
from spatial_llava_ros.nodes.graph_messages import node_message
from spatial_llava_ros.sim import SimCamera, default_view, make_scene, render
from spatial_llava_ros.types import Answer, Object3D, ObjectState, Status
from spatial_llava_ros.types import SceneObject as Node

pytestmark = pytest.mark.slow

GONE = np.array([0.0, 0.0, -20.0])
STEP = np.array([0.04, 0.0, 0.0])


class Stage:
    """A simulated table with one thing on it that is followed, and what the node says of it."""

    def __init__(self, client, children, **parameters) -> None:
        self.scene = scene = make_scene("tabletop", 3)
        pose = default_view(scene)
        camera = SimCamera()
        self.target = candidates(scene, pose, camera)[0]
        self.shots = {}
        for name, step in (("here", STEP * 0), ("pushed", STEP), ("gone", GONE)):
            self.shots[name] = render(shifted(scene, self.target, step), pose, camera, 1)
        self.found = first_lift(self.shots["here"], self.target)
        self.client = client
        children.start("follow", **parameters)
        self.poses = collect(client, PoseWithCovarianceStamped, "tracked_pose", qos.RESULT)
        self.objects = collect(client, ReferredObject, "tracked_object", qos.LATCHED)
        self.transforms = collect(client, TFMessage, "/tf", qos.RESULT)
        self.goals = collect(client, PoseStamped, "goal_pose", qos.RESULT) if parameters.get("goal.enabled") else []
        self.proposals = collect(client, PoseStamped, "goal_proposal", qos.LATCHED)
        self._said = collect(client, DiagnosticArray, "/diagnostics", qos.RESULT)
        self._answers = client.node.create_publisher(ReferredObject, "referred_object", qos.ANSWERS)
        self.maps = client.node.create_publisher(OccupancyGrid, "map", qos.LATCHED)
        self.graphs = client.node.create_publisher(SceneGraph, "scene_graph", qos.LATCHED)
        until(client, lambda: self._answers.get_subscription_count(), children)

    @property
    def said(self) -> DiagnosticStatus:
        own = [s for array in self._said for s in array.status if s.name == "follow"]
        return own[-1] if own else DiagnosticStatus()

    def value(self, key: str) -> str:
        """One of the node's newest diagnostic values."""
        return next((v.value for v in self.said.values if v.key == key), "")

    def tell(self, found: Object3D | None, status: Status = Status.FOUND, frame: str = "map", stamp: int = 1) -> None:
        """Say what `locate` would."""
        answer = Answer("the thing", status, "", replace(found, id=7) if found is not None else None)
        self._answers.publish(messages.answer_message(answer, stamp, frame, "optical"))

    def show(self, camera: Camera, name: str) -> np.ndarray:
        """Let the camera see one of the pictures; where the thing truly is in it."""
        camera.frame = self.shots[name].frame
        return next((o.position for o in self.shots[name].objects if o.id == self.target), np.full(3, np.nan))

    def until_at(self, place: np.ndarray, within: float = 0.03) -> PoseWithCovarianceStamped:
        """The newest pose, once it is at a place."""
        until(self.client, lambda: self.poses and np.linalg.norm(position(self.poses[-1]) - place) < within)
        return self.poses[-1]

    def until_state(self, state: int, status: int = ReferredObject.FOUND) -> ReferredObject:
        """The newest report, once it says so."""
        until(
            self.client,
            lambda: self.objects and (self.objects[-1].object.state, self.objects[-1].status) == (state, status),
        )
        return self.objects[-1]


def position(message) -> np.ndarray:
    pose = message.pose.pose if hasattr(message.pose, "pose") else message.pose
    return np.array([pose.position.x, pose.position.y, pose.position.z])


@pytest.fixture
def stage(client, children):
    return Stage(client, children, **{"goal.enabled": True, "goal.stand_off": 0.8, "goal.robot_radius": 0.2})


@pytest.fixture
def camera(client, stage):
    with Camera(client.node, stage.shots["here"].frame, pose=stage.shots["here"].frame.world_from_camera) as running:
        yield running


def test_what_was_found_is_followed_until_it_is_gone(stage, camera):
    here = stage.show(camera, "here")
    stage.client.spin(1.0)
    assert not stage.poses and not stage.objects  # nothing was found yet
    stage.tell(stage.found)
    pose = stage.until_at(here)
    assert pose.header.frame_id == "map" and 0 < pose.pose.covariance[0] < 0.01
    moved = stage.show(camera, "pushed")
    stage.until_at(moved)
    report = stage.until_state(SceneObject.STATE_CONFIRMED)
    assert (report.object.id, report.query, report.camera_frame_id) == (7, "the thing", "optical")
    until(stage.client, lambda: [t for m in stage.transforms for t in m.transforms if t.child_frame_id != "optical"])
    frame = next(t for m in reversed(stage.transforms) for t in m.transforms if t.child_frame_id != "optical")
    assert (frame.header.frame_id, frame.child_frame_id) == ("map", "referred_object")

    stage.show(camera, "gone")
    report = stage.until_state(SceneObject.STATE_MISSING, ReferredObject.NOT_FOUND)
    assert report.explanation
    stage.client.spin(0.5)
    count = len(stage.poses)
    stage.client.spin(1.0)
    assert len(stage.poses) == count  # nobody is led on by a memory
    until(stage.client, lambda: "lost" in stage.said.message)
    assert stage.said.level == DiagnosticStatus.WARN

    stage.show(camera, "pushed")  # and it is there again
    stage.until_state(SceneObject.STATE_CONFIRMED)
    stage.until_at(moved)


def test_a_goal_faces_the_object_and_moves_only_with_it(stage, camera):
    here = stage.show(camera, "here")
    stage.tell(stage.found)
    until(stage.client, lambda: stage.goals and stage.proposals)
    goal = stage.goals[-1]
    q = goal.pose.orientation
    assert goal.header.frame_id == "map" and goal.pose.position.z == 0 and (q.x, q.y) == (0, 0)
    away = here[:2] - position(goal)[:2]
    assert 0.8 < np.linalg.norm(away) < 0.8 + 0.6 * np.linalg.norm(stage.found.size[:2])
    facing = 2 * atan2(q.z, q.w) - atan2(away[1], away[0])
    assert abs((facing + np.pi) % (2 * np.pi) - np.pi) < 0.05
    stage.client.spin(1.5)
    assert len(stage.goals) == 1  # it stays as long as the object does

    place = replace(stage.found, id=9, position=np.append(position(goal)[:2], 0.4), size=np.array([0.5, 0.5, 0.8]))
    graph = SceneGraph(objects=[node_message(Node(place, state=ObjectState.CONFIRMED))])
    graph.header.frame_id = "map"
    stage.graphs.publish(graph)  # something stands there
    until(stage.client, lambda: len(stage.goals) == 2)
    assert np.linalg.norm(position(stage.goals[-1]) - position(goal)) > 0.3

    wall = OccupancyGrid()
    wall.header.frame_id = "map"
    wall.info.resolution, wall.info.width, wall.info.height = 0.1, 100, 100
    wall.info.origin.position.x = wall.info.origin.position.y = -5.0
    wall.data = [100] * 10_000
    stage.maps.publish(wall)
    until(stage.client, lambda: stage.value("goal").startswith("obstructed"))
    count = len(stage.goals)
    for change in ({"width": 0}, {"resolution": 0.0}, {"resolution": float("nan")}):
        bad = OccupancyGrid(header=wall.header, data=wall.data)
        bad.info.resolution, bad.info.width, bad.info.height = 0.1, 100, 100
        for field, value in change.items():
            setattr(bad.info, field, value)
        stage.maps.publish(bad)
        until(stage.client, lambda: "map cannot be used" in stage.said.message)
        stage.maps.publish(wall)
        until(stage.client, lambda: "map cannot be used" not in stage.said.message)
    assert len(stage.goals) <= count + 3  # what cannot be read forbids nothing
    empty = OccupancyGrid()
    empty.info.origin.position.x = float("nan")
    stage.maps.publish(empty)
    until(stage.client, lambda: "map cannot be used" in stage.said.message)


def test_a_goal_waits_until_it_is_wanted_and_heard(client, children):
    stage = Stage(client, children, **{"goal.robot_radius": 0.2})
    with Camera(client.node, stage.shots["here"].frame, pose=stage.shots["here"].frame.world_from_camera):
        stage.tell(stage.found)
        until(client, lambda: stage.proposals)
        change = client.node.create_client(SetParameters, "follow/set_parameters")
        until(client, change.service_is_ready)
        wanted = Parameter("goal.enabled", value=True).to_parameter_msg()
        assert until_done(client, change.call_async(SetParameters.Request(parameters=[wanted]))).results[0].successful
        client.spin(1.5)  # nobody listens yet, as before Nav2 has come up
        goals = collect(client, PoseStamped, "goal_pose", qos.RESULT)
        until(client, lambda: goals)
        assert goals[0].pose == stage.proposals[-1].pose
        client.spin(1.5)
        assert len(goals) == 1


def test_bad_input_is_said_and_survived(stage, camera):
    here = stage.show(camera, "here")
    stage.tell(stage.found, frame="nowhere")
    until(stage.client, lambda: "nowhere" in stage.said.message)
    stage.tell(replace(stage.found, position=None))
    until(stage.client, lambda: "without a pose" in stage.said.message)
    stage.tell(replace(stage.found, size=np.zeros(3)))
    until(stage.client, lambda: "no usable pose" in stage.said.message)
    stage.tell(None, Status.NOT_FOUND)
    assert not stage.poses

    stage.tell(stage.found)
    stage.until_at(here)
    stage.tell(None, Status.AMBIGUOUS)  # the last thing that was found is followed still
    frame = stage.shots["here"].frame
    camera.frame = replace(frame, depth=np.full_like(frame.depth, np.nan))
    report = stage.until_state(SceneObject.STATE_OCCLUDED, ReferredObject.STALE_FRAME)
    assert "no depth" in report.explanation
    camera.frame = frame
    stage.until_state(SceneObject.STATE_CONFIRMED)

    jumped = frame.world_from_camera.copy()
    jumped[:3, 3] += (8.0, -6.0, 0.0)
    camera.pose = jumped  # the map is corrected by ten metres: the thing still stands before the camera
    stage.until_at(here + np.array([8.0, -6.0, 0.0]))

    camera.pose = None
    stage.until_state(SceneObject.STATE_OCCLUDED, ReferredObject.NO_TRANSFORM)
    camera.pose = jumped
    stage.until_state(SceneObject.STATE_CONFIRMED)
    camera.paused = True
    report = stage.until_state(SceneObject.STATE_OCCLUDED, ReferredObject.STALE_FRAME)
    assert "silent" in report.explanation or "picture" in report.explanation
    camera.paused = False
    stage.until_state(SceneObject.STATE_CONFIRMED)
    assert float(stage.value("callback p50 / p99 / max (ms)").split("/")[0]) < 5


def seen_from_camera(stage) -> Object3D:
    """What was found, stated in the camera's frame as of the picture "here"."""
    return transform_object(stage.found, invert_transform(stage.shots["here"].frame.world_from_camera), "optical")


def test_what_was_stated_before_the_camera_has_its_place_in_the_map_once_tf_comes(stage, camera):
    here, pose = stage.show(camera, "here"), camera.pose
    camera.pose = None
    stage.tell(seen_from_camera(stage), frame="optical")
    until(stage.client, lambda: stage.poses)
    assert stage.poses[-1].header.frame_id == "optical"
    stage.client.spin(2.5)
    assert not stage.proposals
    camera.pose = pose
    until(stage.client, lambda: stage.proposals)
    assert stage.proposals[-1].header.frame_id == "map"
    stage.until_at(here)
    assert stage.poses[-1].header.frame_id == "map" and stage.objects[-1].header.frame_id == "map"


def test_what_was_stated_in_the_map_is_followed_once_tf_comes(stage, camera):
    here, pose = stage.show(camera, "here"), camera.pose
    camera.pose = None
    stage.tell(stage.found)
    until(stage.client, lambda: "cannot be followed" in stage.said.message)
    camera.pose = pose
    stage.until_at(here)
    assert stage.poses[-1].header.frame_id == "map"


def test_an_answer_counts_where_the_camera_was_when_it_took_the_picture(stage, camera):
    here, pose = stage.show(camera, "here"), camera.pose
    infos = collect(stage.client, CameraInfo, "rgb/camera_info")
    until(stage.client, lambda: stage.value("pose") == "map" and infos)
    stage.client.spin(0.3)
    asked = messages.nanoseconds(infos[-1].header.stamp)
    found = seen_from_camera(stage)
    aside = pose.copy()
    aside[:3, 3] -= pose[:3, 0] * 0.15  # to the left while the answer was being made
    camera.frame, camera.pose = render(stage.scene, aside, SimCamera(), 1).frame, aside
    stage.client.spin(0.5)
    stage.tell(found, frame="optical", stamp=asked)
    stage.until_at(here)
    assert max(np.linalg.norm(position(pose) - here) for pose in stage.poses) < 0.08


def test_without_a_world_it_is_followed_before_the_camera(stage, camera):
    camera.pose = None
    shot = stage.shots["here"]
    item = next(o for o in shot.objects if o.id == stage.target)
    centre = item.camera_from_object(shot.frame.world_from_camera)[:3, 3]
    stage.tell(seen_from_camera(stage), frame="optical")
    pose = stage.until_at(centre)
    assert pose.header.frame_id == "optical"
    until(stage.client, lambda: stage.value("goal").startswith("no_upright_frame"))
    assert not stage.goals

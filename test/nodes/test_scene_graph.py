"""The scene_graph node as its users meet it: a process of its own, real DDS, a simulated table to remember."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from over_dds import Camera, collect, until, until_done
from spatial_llava_ros.msg import SceneGraph, SceneObject
from spatial_llava_ros.srv import Ask, Forget, ListObjects, MemoryFile, Relabel
from std_srvs.srv import Trigger
from visualization_msgs.msg import Marker, MarkerArray

from spatial_llava_ros.cli.processes import Children
from spatial_llava_ros.graph import candidates_in
from spatial_llava_ros.nodes import messages, qos
from spatial_llava_ros.proposals import propose

pytestmark = pytest.mark.slow

RATE = 10.0
SERVICES = {
    "ask": (Ask, "ask"),
    "clear": (Trigger, "scene_graph/clear"),
    "forget": (Forget, "scene_graph/forget"),
    "relabel": (Relabel, "scene_graph/relabel"),
    "list": (ListObjects, "scene_graph/list"),
    "save": (MemoryFile, "scene_graph/save"),
    "load": (MemoryFile, "scene_graph/load"),
}


class Listener:
    """Hears the graphs and what the node says of itself, and calls its services."""

    def __init__(self, client) -> None:
        self.client = client
        self.graphs = collect(client, SceneGraph, "scene_graph", qos.LATCHED)
        self._said = collect(client, DiagnosticArray, "/diagnostics", qos.RESULT)
        self._services = {name: client.node.create_client(*what) for name, what in SERVICES.items()}

    @property
    def said(self) -> DiagnosticStatus:
        """The newest of the node's diagnostics."""
        own = [s for array in self._said for s in array.status if s.name == "scene_graph"]
        return own[-1] if own else DiagnosticStatus()

    def call(self, name: str, **fields):
        """The response of a service."""
        service = self._services[name]
        until(self.client, service.service_is_ready)
        return until_done(self.client, service.call_async(service.srv_type.Request(**fields)))

    def next(self, count: int = 1) -> SceneGraph:
        """The newest graph, once `count` more have come."""
        known = len(self.graphs)
        until(self.client, lambda: len(self.graphs) >= known + count)
        return self.graphs[-1]

    def settled(self) -> SceneGraph:
        """The newest graph, once things are confirmed."""

        def seen_often():
            return self.graphs and sum(o.observations > 10 for o in self.graphs[-1].objects) >= 3

        until(self.client, seen_often)
        return self.next()


class HalfDepth:
    """What a driver may send and no RgbdFrame can hold: depth of half the size."""

    def __init__(self, frame) -> None:
        self.color, self.depth, self.intrinsics = frame.color, frame.depth[::2, ::2].copy(), frame.intrinsics


def ids(graph) -> set[int]:
    return {obj.id for obj in graph.objects}


def place(obj: SceneObject) -> np.ndarray:
    p = obj.pose.pose.position
    return np.array([p.x, p.y, p.z])


@pytest.fixture
def listener(children, client):
    children.start("scene_graph", rate=RATE)
    return Listener(client)


@pytest.fixture
def camera(client, simulated):
    """A camera that looks at the simulated table from a place that is known."""
    with Camera(client.node, simulated.frame, pose=simulated.frame.world_from_camera) as running:
        yield running


def test_things_are_remembered_where_they_are(listener, camera, simulated):
    shown = collect(listener.client, MarkerArray, "scene_graph/markers", qos.LATCHED)
    graph = listener.settled()
    assert graph.header.frame_id == "map"
    viewer = simulated.frame.world_from_camera[:3, 3]
    np.testing.assert_allclose([graph.viewer.position.x, graph.viewer.position.y, graph.viewer.position.z], viewer)
    confirmed = [g for g in listener.graphs if g.objects]
    assert {g.header.frame_id for g in confirmed} == {"map"}
    assert ids(confirmed[0]) <= ids(graph)  # each is the same thing as long as it is seen
    assert all(a.revision < b.revision for a, b in pairwise(confirmed))
    for obj in graph.objects:
        assert obj.has_pose and obj.state == SceneObject.STATE_CONFIRMED
        assert messages.nanoseconds(obj.first_seen) < messages.nanoseconds(obj.last_seen)
        assert 0 < obj.pose.covariance[0] < 0.01
    seen = candidates_in(simulated.frame, propose(simulated.frame)).stated_in(simulated.frame).objects
    seen = np.array([node.object.position for node in seen if node.object.position is not None])
    for obj in graph.objects:
        assert np.linalg.norm(seen - place(obj), axis=1).min() < 0.01
    assert graph.relations
    for relation in graph.relations:
        assert {relation.subject, relation.object} <= ids(graph) and relation.predicate
    late = collect(listener.client, SceneGraph, "scene_graph", qos.LATCHED)
    until(listener.client, lambda: late and shown)
    kinds = {m.ns for m in shown[-1].markers if m.action == Marker.ADD}
    assert {"box", "label", "relation", "uncertainty"} <= kinds
    answer = listener.call("ask", question="what do you see?")
    assert answer.status == Ask.Response.ANSWERED and answer.answer
    assert answer.header.frame_id == "map"
    assert ids(answer) <= ids(listener.call("list"))
    count = listener.call("ask", question="how many things are there?")
    assert (count.status, count.evidence[0].value) == (Ask.Response.ANSWERED, len(listener.graphs[-1].objects))
    seen_from = listener.call("ask", question="what do you see?", target_frame="optical")
    assert seen_from.header.frame_id == "optical"
    elsewhere = listener.call("ask", question="what do you see?", target_frame="gripper")
    assert elsewhere.status == Ask.Response.ERROR and "gripper" in elsewhere.explanation
    assert listener.call("ask", question="colourless green ideas").status == Ask.Response.NOT_UNDERSTOOD


def test_the_memory_can_be_edited_and_kept(listener, camera, tmp_path):
    graph = listener.settled()
    camera.paused = True  # so that only the edits change it
    listener.client.spin(1.0)
    before = ids(listener.call("list"))
    first, second = sorted(before)[:2]

    refused = listener.call("forget", ids=[first, 4_000_000_000])
    assert not refused.success and "4000000000" in refused.message
    assert not listener.call("forget").success
    for label in ("", "  ", "x" * 1000):
        assert not listener.call("relabel", id=first, label=label).success
    assert not listener.call("relabel", id=0, label="teapot").success
    assert ids(listener.call("list")) == before

    named = listener.call("relabel", id=first, label="teapot")
    assert named.success and named.previous_label in {o.label for o in graph.objects}
    assert ids(listener.call("list", label="teapot")) == {first}
    assert [o.id for o in listener.next(0).objects if o.label == "teapot"] == [first]
    answer = listener.call("ask", question="how tall is the teapot?")
    assert answer.status == Ask.Response.ANSWERED, answer.explanation
    assert (answer.evidence[0].objects[0], answer.evidence[0].unit) == (first, "m")

    file = tmp_path / "memory.json"
    for bad in ("", "/nowhere/at/all/memory.json", str(tmp_path)):
        assert not listener.call("save", path=bad).success
        assert not listener.call("load", path=bad).success
    saved = listener.call("save", path=str(file))
    assert (saved.success, saved.objects) == (True, len(before)), saved.message
    broken = tmp_path / "broken.json"
    broken.write_text(file.read_text()[:200])
    refused = listener.call("load", path=str(broken))
    assert not refused.success and "damaged" in refused.message

    gone = listener.call("forget", ids=[second], label="nothing is called so")
    assert (gone.success, list(gone.forgotten)) == (True, [second])
    until(listener.client, lambda: second in listener.graphs[-1].removed)
    assert listener.call("clear").success
    until(listener.client, lambda: not listener.graphs[-1].objects)
    assert set(listener.graphs[-1].removed) == before - {second}
    assert listener.graphs[-1].revision == 1

    loaded = listener.call("load", path=str(file))
    assert (loaded.success, loaded.objects) == (True, len(before))
    until(listener.client, lambda: ids(listener.graphs[-1]) == before)
    camera.paused = False  # and what is seen now is recognised
    listener.next(10)
    assert before <= ids(listener.graphs[-1])
    assert next(o.label for o in listener.graphs[-1].objects if o.id == first) == "teapot"


def test_without_a_place_in_a_map_the_graph_is_of_each_picture(listener, camera):
    camera.pose = None
    graph = listener.next(2)
    assert graph.header.frame_id == "optical"
    assert len(graph.objects) >= 3
    assert {o.state for o in graph.objects} == {SceneObject.STATE_OBSERVED}
    until(listener.client, lambda: "NO_TRANSFORM" in listener.said.message)
    assert listener.said.level == DiagnosticStatus.WARN
    assert listener.call("ask", question="what do you see?").status == Ask.Response.ANSWERED
    for service, request in (("forget", {"ids": [1]}), ("relabel", {"id": 1, "label": "x"}), ("save", {"path": "/x"})):
        response = listener.call(service, **request)
        assert not response.success and "nothing is remembered" in response.message


def test_nothing_is_lost_when_the_world_misbehaves(listener, camera, simulated):
    known = ids(listener.settled())
    kept = set(known)

    def still_there() -> None:
        graph = listener.next(5)
        assert kept <= ids(graph), f"of {kept}, {kept - ids(graph)} are gone"
        assert graph.header.frame_id == "map"

    # no depth at all
    camera.frame = replace(simulated.frame, depth=np.full_like(simulated.frame.depth, np.nan))
    still_there()
    until(listener.client, lambda: "no measurement" in listener.said.message)
    camera.frame = simulated.frame
    still_there()
    # TF stops
    camera.pose = None
    until(listener.client, lambda: "NO_TRANSFORM" in listener.said.message)
    assert kept <= ids(listener.call("list"))
    # the map jumps by ten metres
    jumped = simulated.frame.world_from_camera.copy()
    jumped[:3, 3] += (8.0, -6.0, 0.0)
    camera.pose = jumped
    graph = listener.next(10)
    assert kept <= ids(graph)
    assert np.linalg.norm(np.mean([place(o) for o in graph.objects], axis=0)[:2] - (8.0, -6.0)) < 2.0
    # the camera pauses, and a bag begins again
    camera.paused = True
    until(listener.client, lambda: listener.said.level == DiagnosticStatus.ERROR)
    camera.behind_ns = 20 * 1_000_000_000
    camera.paused = False
    still_there()
    assert messages.nanoseconds(listener.graphs[-1].header.stamp) < messages.nanoseconds(graph.header.stamp)
    # a picture of another shape than its depth
    camera.behind_ns = 0
    camera.frame = HalfDepth(simulated.frame)
    until(listener.client, lambda: "aligned" in listener.said.message)
    camera.frame = simulated.frame
    still_there()


def test_life_cycle_keeps_the_memory_until_cleaned_up(children, client, camera):
    children.start("scene_graph", rate=RATE, autostart=False)
    listener = Listener(client)
    refused = listener.call("ask", question="what do you see?")
    assert refused.status == Ask.Response.ERROR and "unconfigured" in refused.explanation
    change = client.node.create_client(ChangeState, "scene_graph/change_state")
    until(client, change.service_is_ready, children)

    def go(transition: int) -> None:
        request = ChangeState.Request(transition=Transition(id=transition))
        assert until_done(client, change.call_async(request)).success

    go(Transition.TRANSITION_CONFIGURE)
    go(Transition.TRANSITION_ACTIVATE)
    known = ids(listener.settled())
    go(Transition.TRANSITION_DEACTIVATE)
    refused = listener.call("clear")
    assert not refused.success and "inactive" in refused.message
    go(Transition.TRANSITION_ACTIVATE)
    assert known <= ids(listener.call("list"))
    assert known <= ids(listener.next(2))
    go(Transition.TRANSITION_DEACTIVATE)
    go(Transition.TRANSITION_CLEANUP)
    go(Transition.TRANSITION_CONFIGURE)
    camera.paused = True
    client.spin(0.5)
    go(Transition.TRANSITION_ACTIVATE)
    assert not ids(listener.call("list"))
    nothing = listener.call("ask", question="what do you see?")
    assert nothing.status == Ask.Response.DONT_KNOW
    go(Transition.TRANSITION_ACTIVE_SHUTDOWN)
    until(client, lambda: listener.said.message == "finalized", children)


def test_the_map_file_outlives_the_node(children, client, camera, tmp_path):
    file = tmp_path / "home.json"
    with Children(tmp_path) as first:
        first.start("scene_graph", rate=RATE, map_file=str(file))
        listener = Listener(client)
        known = ids(listener.settled())
        listener.call("relabel", id=min(known), label="teapot")
        camera.paused = True
        client.spin(1.0)
        known = ids(listener.call("list"))
    assert file.exists()

    children.start("scene_graph", rate=RATE, map_file=str(file))
    until(client, lambda: ids(listener.call("list")) >= known)
    assert ids(listener.call("list", label="teapot")) == {min(known)}


def test_a_damaged_map_file_is_moved_aside_and_the_node_lives(children, client, camera, tmp_path):
    file = tmp_path / "home.json"
    file.write_text("{ not a map")
    children.start("scene_graph", rate=RATE, map_file=str(file))
    listener = Listener(client)
    until(client, lambda: "moved to" in listener.said.message)
    assert listener.settled().objects
    assert (tmp_path / "home.json.unusable").read_text() == "{ not a map"


def test_two_hundred_things_and_contrary_words_do_not_stop_it(listener, camera, simulated):
    known = ids(listener.settled())
    chosen = min(known)
    for label in ("cup", "not a cup", "cup", "teapot"):  # the last word counts
        assert listener.call("relabel", id=chosen, label=label).success
    listener.next(3)
    assert next(o.label for o in listener.graphs[-1].objects if o.id == chosen) == "teapot"
    assert not listener.call("relabel", id=4_000_000_000, label="cup").success

    camera.frame, camera.pose = two_hundred_things(simulated.frame)
    graph = listener.next(20)
    until(listener.client, lambda: len(listener.graphs[-1].objects) >= 5)
    assert known <= ids(listener.call("list"))  # what is out of view is kept
    assert listener.call("ask", question="colourless green ideas").status == Ask.Response.NOT_UNDERSTOOD
    assert listener.call("ask", question="how many things are there?").status == Ask.Response.ANSWERED
    stamps = [messages.nanoseconds(g.header.stamp) for g in listener.graphs[-10:]]
    assert graph.header.frame_id == "map" and np.median(np.diff(stamps)) < 5e9


def two_hundred_things(like):
    """A picture, and its camera's pose, of coloured blocks on a floor, seen from above and far from everything else."""
    rng = np.random.default_rng(0)
    height, width = like.depth.shape
    depth = np.full((height, width), 1.5, np.float32)
    color = np.full((height, width, 3), 128, np.uint8)
    for y in range(8, height - 40, 46):
        for x in range(8, width - 28, 32):
            depth[y : y + 30, x : x + 20] -= np.float32(rng.uniform(0.05, 0.15))
            color[y : y + 30, x : x + 20] = rng.integers(0, 255, 3)
    depth += rng.normal(0, 0.001, depth.shape).astype(np.float32)
    pose = np.diag([1.0, -1.0, -1.0, 1.0])
    pose[:3, 3] = 30.0, 0.0, 1.5
    return replace(like, color=color, depth=depth), pose

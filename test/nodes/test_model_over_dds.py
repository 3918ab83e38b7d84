"""The locate node with a language model in its own process, as its users meet them: loading, streaming, and trouble."""

from __future__ import annotations

import json
import os
import signal
from itertools import pairwise
from pathlib import Path
from time import monotonic

import pytest
import rclpy
from action_msgs.msg import GoalStatus
from builtin_interfaces.msg import Duration
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from over_dds import PATIENCE, collect, until, until_done
from rcl_interfaces.srv import SetParameters
from rclpy.action import ActionClient
from rclpy.parameter import Parameter
from spatial_llava_ros.action import Locate
from spatial_llava_ros.msg import ReferredObject

from spatial_llava_ros.cli.processes import Children
from spatial_llava_ros.nodes.client import Client

pytest.importorskip("torch", reason="models need the extra [model]")
pytest.importorskip("transformers", reason="models need the extra [model]")
pytestmark = pytest.mark.slow

QUERY = "the nearest thing"


class Node:
    """A locate node with a small model in box mode, its camera, and a file of troubles for the model."""

    def __init__(self, client: Client, children: Children, trouble: Path, model: str) -> None:
        self.client, self.children, self._trouble, self.model = client, children, trouble, model
        self.reports = collect(client, DiagnosticArray, "/diagnostics")
        self._action = ActionClient(client.node, Locate, "locate")
        self.feedback: list[Locate.Feedback] = []

    def trouble(self, **what) -> None:
        part = self._trouble.with_suffix(".part")
        part.write_text(json.dumps(what))
        part.replace(self._trouble)

    def until(self, condition):
        return until(self.client, condition, self.children)

    def ask(self) -> ReferredObject:
        return self.client.ask(QUERY, PATIENCE, self.children.check)

    def send(self, seconds: int = 60):
        """Send a goal; its handle."""
        self.feedback.clear()
        self.until(self._action.server_is_ready)
        goal = Locate.Goal(query=QUERY, timeout=Duration(sec=seconds))
        sent = self._action.send_goal_async(goal, feedback_callback=lambda m: self.feedback.append(m.feedback))
        return until_done(self.client, sent)

    def result(self, handle):
        return until_done(self.client, handle.get_result_async())

    def model_says(self) -> str:
        """What /diagnostics says of the model."""
        for report in reversed(self.reports):
            for status in report.status:
                if status.name.endswith("locate"):
                    return {pair.key: pair.value for pair in status.values}.get("model", "")
        return ""

    def writes(self) -> list[str]:
        """What the model had written at each feedback."""
        return [f.partial_text for f in self.feedback if f.stage == "box" and f.partial_text]

    def model_pids(self) -> list[int]:
        """Processes of models that the locate node has started."""
        node = self.children.pids["locate"]
        pids = []
        for task in Path(f"/proc/{node}/task").iterdir():
            pids += [int(pid) for pid in (task / "children").read_text().split()]
        return [pid for pid in pids if "model.process" in Path(f"/proc/{pid}/cmdline").read_text()]

    def change(self, transition: int) -> None:
        service = self.client.node.create_client(ChangeState, "locate/change_state")
        self.until(service.service_is_ready)
        request = ChangeState.Request(transition=Transition(id=transition))
        assert until_done(self.client, service.call_async(request)).success

    def set(self, **parameters) -> None:
        service = self.client.node.create_client(SetParameters, "locate/set_parameters")
        self.until(service.service_is_ready)
        given = [Parameter(name, value=value).to_parameter_msg() for name, value in parameters.items()]
        reply = until_done(self.client, service.call_async(SetParameters.Request(parameters=given)))
        assert all(result.successful for result in reply.results), reply


@pytest.fixture(scope="module")
def node(tmp_path_factory, scene_folder):
    import tiny

    folder = tmp_path_factory.mktemp("model_node")
    trouble, checkpoint = folder / "trouble.json", folder / "llava"
    trouble.write_text('{"held": true}')  # until a test lets the model go
    checkpoint.mkdir()
    tiny.build("llava", checkpoint)
    rclpy.init()
    client = Client("model_tester")
    with pytest.MonkeyPatch.context() as patch, Children(folder) as children:
        injected = Path(__file__).parent / "injected"
        patch.setenv("PYTHONPATH", os.pathsep.join([str(injected), os.environ.get("PYTHONPATH", "")]))
        patch.setenv("SPATIAL_LLAVA_INJECTED", str(trouble))
        children.start("camera", source=str(scene_folder), rate=10.0)
        options = {"model.mode": "box", "model.quantization": "none", "timeout": PATIENCE}
        children.start("locate", model=str(checkpoint), **options)
        yield Node(client, children, trouble, str(checkpoint))
    client.close()


@pytest.fixture
def ready(node):
    """The node once the model is loaded, without troubles."""
    node.trouble()
    node.until(lambda: node.client.heard and node.client.pictures and node.client.ready)
    return node


def test_geometry_answers_while_the_model_loads(node):
    node.until(lambda: node.client.heard and node.client.pictures)
    answer = node.ask()
    while answer.status == ReferredObject.STALE_FRAME:  # the node has no picture yet
        answer = node.ask()
    assert answer.method == ReferredObject.METHOD_GEOMETRY and answer.model == ""
    assert "answered by geometry: the model is still loading" in answer.explanation
    node.until(lambda: "loading" in node.model_says())
    assert "geometry answers" in node.client.advice
    node.trouble()
    node.until(lambda: "ready: " in node.model_says() and "weights" in node.model_says())
    node.until(lambda: node.client.ready)


def test_model_answers_and_what_it_writes_is_streamed(ready):
    outcome = ready.result(ready.send())
    answer = outcome.result.referred
    assert answer.method == ReferredObject.METHOD_BOX and answer.model == ready.model
    assert 0 < answer.none_score < 1 and "model, by box" in answer.explanation
    ready.client.spin(0.3)
    written = ready.writes()
    assert len(written) > 3 and written[0].startswith("[")
    assert all(later.startswith(earlier) for earlier, later in pairwise(written))
    assert all(0 <= f.progress <= 1 and f.elapsed.sec + f.elapsed.nanosec > 0 for f in ready.feedback)


def test_goal_is_cancelled_while_the_model_writes(ready):
    ready.trouble(delay=0.05)
    handle = ready.send()
    ready.until(lambda: ready.writes())
    until_done(ready.client, handle.cancel_goal_async())
    outcome = ready.result(handle)
    assert outcome.status == GoalStatus.STATUS_CANCELED
    assert outcome.result.referred.status == ReferredObject.CANCELLED
    ready.trouble()
    assert ready.ask().method == ReferredObject.METHOD_BOX


def test_deadline_leaves_time_for_geometry(ready):
    ready.trouble(delay=1.0)
    outcome = ready.result(ready.send(seconds=4))
    answer = outcome.result.referred
    assert answer.method == ReferredObject.METHOD_GEOMETRY, answer.explanation
    assert "answered by geometry: the deadline passed" in answer.explanation


def test_killed_model_is_replaced_and_the_next_request_waits_for_its_successor(ready):
    ready.trouble(delay=0.3)
    handle = ready.send()
    ready.until(lambda: ready.writes())
    (pid,) = ready.model_pids()
    os.kill(pid, signal.SIGKILL)
    begun = monotonic()
    answer = ready.result(handle).result.referred
    assert monotonic() - begun < 2
    assert answer.method == ReferredObject.METHOD_GEOMETRY
    assert "answered by geometry: the model process died (signal 9)" in answer.explanation
    ready.trouble()
    again = ready.result(ready.send()).result.referred
    assert again.method == ReferredObject.METHOD_BOX and again.model == ready.model
    assert ready.model_pids() != [pid]
    assert any(f.stage == "waiting for the model" and "usually" in f.partial_text for f in ready.feedback)


def test_device_without_memory_gets_a_smaller_picture_then_geometry_answers(ready):
    ready.trouble(memory=400)
    answer = ready.ask()
    assert answer.method == ReferredObject.METHOD_BOX
    assert "1/2 of its size, for want of memory" in answer.explanation
    ready.trouble(memory=1)
    answer = ready.ask()
    assert answer.method == ReferredObject.METHOD_GEOMETRY
    assert "answered by geometry: no memory left on cpu" in answer.explanation


def test_deactivation_ends_the_models_process_and_activation_loads_it_again(ready):
    (pid,) = ready.model_pids()
    ready.change(Transition.TRANSITION_DEACTIVATE)
    ready.until(lambda: not ready.model_says())  # what was said before has been heard
    ready.until(lambda: not Path(f"/proc/{pid}").exists())
    assert ready.model_pids() == []
    ready.change(Transition.TRANSITION_ACTIVATE)
    ready.until(lambda: "loading" in ready.model_says())
    ready.until(lambda: "ready: " in ready.model_says())
    answer = ready.ask()
    assert answer.method == ReferredObject.METHOD_BOX, answer.explanation
    assert "for want of memory" not in answer.explanation


def test_model_that_cannot_be_loaded_is_named_and_geometry_may_be_ruled_out(ready):
    ready.change(Transition.TRANSITION_DEACTIVATE)
    ready.until(lambda: not ready.model_says())  # what was said before has been heard
    ready.set(model="/no/such/model", **{"model.fallback": False})
    ready.change(Transition.TRANSITION_ACTIVATE)
    ready.until(lambda: "loading" in ready.model_says())
    answer = ready.ask()
    assert answer.status == ReferredObject.MODEL_ERROR and "/no/such/model" in answer.explanation
    ready.until(lambda: "/no/such/model" in ready.client.advice)

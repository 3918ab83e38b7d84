"""The services of the scene_graph node: requests in words of ROS, done by the worker that owns the scene."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from rclpy.task import Future
from std_msgs.msg import Header
from std_srvs.srv import Trigger

from spatial_llava_ros.errors import SpatialLlavaError
from spatial_llava_ros.geometry import transform_object
from spatial_llava_ros.msg import Evidence
from spatial_llava_ros.nodes.diagnostics import Measurements
from spatial_llava_ros.nodes.graph_messages import node_message, reference_code
from spatial_llava_ros.nodes.messages import time_message
from spatial_llava_ros.nodes.scene import Scene
from spatial_llava_ros.questions import answer_question
from spatial_llava_ros.srv import Ask, Forget, ListObjects, MemoryFile, Relabel


class SceneServices:
    """Offered for the whole life of a node: who asks too early or too late is refused in words.

    Args:
        scene: the one there is; None before the node is configured.
        submit: hands a job to the worker; the reason why not, or "".
        measured: callbacks and answers are counted into it.
        lookup: (target frame, source frame, stamp) -> target_from_source (4, 4); raises SpatialLlavaError.
    """

    def __init__(
        self,
        node: Node,
        scene: Callable[[], Scene | None],
        submit: Callable[[Callable[[bool], None]], str],
        measured: Measurements,
        lookup: Callable,
    ) -> None:
        self._node, self._scene, self._submit, self._measured, self._lookup = node, scene, submit, measured, lookup
        # A service that waits for the worker must not keep pictures out.
        group = ReentrantCallbackGroup()
        for kind, name, handle in (
            (Ask, "ask", self._ask),
            (Trigger, "~/clear", self._clear),
            (Forget, "~/forget", self._forget),
            (Relabel, "~/relabel", self._relabel),
            (ListObjects, "~/list", self._list),
            (MemoryFile, "~/save", self._save),
            (MemoryFile, "~/load", self._load),
        ):
            node.create_service(kind, name, partial(self._serve, handle, name), callback_group=group)

    async def _serve(self, handle: Callable, name: str, request, response):
        """In the executor: pass the request on, and wait without holding anyone up."""
        with self._measured.callback():
            executor = self._node.executor
            done = Future(executor=executor)

            def job(run: bool) -> None:
                self._work(handle, request, response) if run else _refuse(response, "the node has stopped")
                self._measured.statuses[name.removeprefix("~/")] += 1
                done.set_result(response)
                executor.wake()

            if why := self._submit(job):
                _refuse(response, why)
                return response
        return await done

    def _work(self, handle: Callable, request, response) -> None:
        """In the worker: every outcome becomes a response."""
        try:
            handle(self._scene(), request, response)
        except SpatialLlavaError as error:
            _refuse(response, str(error))
        except Exception as error:  # the thread must outlive any single request
            self._node.get_logger().error("".join(traceback.format_exception(error)))
            _refuse(response, f"internal error: {type(error).__name__}: {error}")

    def _ask(self, scene: Scene, request, response) -> None:
        graph = scene.everything()
        if graph is None:
            response.status = Ask.Response.DONT_KNOW
            response.answer = "I don't know: I have seen nothing yet."
            response.explanation = "no picture has come yet; /diagnostics says why"
            return
        answer = answer_question(request.question, graph)
        frame_id, objects = graph.frame_id, answer.objects
        target = request.target_frame.lstrip("/")
        if target and target != frame_id:
            target_from_graph = self._lookup(target, frame_id, graph.stamp)
            frame_id = target
            objects = [replace(n, object=transform_object(n.object, target_from_graph, target)) for n in objects]
        response.header = Header(stamp=time_message(graph.stamp), frame_id=frame_id)
        response.status = getattr(Ask.Response, answer.status.name)
        response.answer, response.explanation = answer.answer, answer.explanation
        verdicts = {"yes": Ask.Response.YES, "no": Ask.Response.NO}
        response.verdict = verdicts.get(answer.verdict.value, Ask.Response.NOT_YES_NO)
        response.objects = [node_message(node) for node in objects]
        response.evidence = [
            Evidence(
                quantity=e.quantity,
                objects=list(e.objects),
                value=float(e.value),
                value_std=float(e.value_std),
                unit=e.unit,
                reference=reference_code(e.reference),
            )
            for e in answer.evidence
        ]

    def _clear(self, scene: Scene, request, response) -> None:
        response.message = f"{scene.clear()} object(s) forgotten"
        response.success = True

    def _forget(self, scene: Scene, request, response) -> None:
        response.forgotten = scene.forget(request.ids, request.label)
        response.message = f"{len(response.forgotten)} object(s) forgotten"
        response.success = True

    def _relabel(self, scene: Scene, request, response) -> None:
        response.previous_label = scene.relabel(request.id, request.label)
        response.success = True

    def _list(self, scene: Scene, request, response) -> None:
        nodes, graph = scene.objects(request.label), scene.graph
        response.objects = [node_message(node) for node in nodes]
        if graph is not None:
            response.header = Header(stamp=time_message(graph.stamp), frame_id=graph.frame_id)

    def _save(self, scene: Scene, request, response) -> None:
        response.objects = scene.save(request.path)
        response.message = f"saved to {request.path}"
        response.success = True

    def _load(self, scene: Scene, request, response) -> None:
        response.objects = scene.load(request.path)
        response.message = f"loaded from {request.path}"
        response.success = True


def _refuse(response, why: str) -> None:
    """Say in a response why it is none. A list has no words: it stays empty."""
    if isinstance(response, Ask.Response):
        response.status, response.answer, response.explanation = Ask.Response.ERROR, "", why
    elif not isinstance(response, ListObjects.Response):
        response.success, response.message = False, why

"""The node that answers: a referring expression in, the object's pose with its uncertainty out.

Topics (relative names; remap them to the camera's)
    in   rgb/image, depth/image             sensor_msgs/Image, or CompressedImage by parameter; best effort or reliable
    in   rgb/camera_info, depth/camera_info sensor_msgs/CameraInfo; the depth one is optional, and only checked
    in   command                            std_msgs/String: the referring expression
    in   /tf, /tf_static                    tf2_msgs/TFMessage
    out  referred_object                    spatial_llava_ros/ReferredObject; reliable, transient local: one for
                                            every command and every goal, whatever became of it
    out  referred_pose                      geometry_msgs/PoseWithCovarianceStamped, when there is one
    out  detections                         vision_msgs/Detection3DArray, where vision_msgs is installed
    out  markers                            visualization_msgs/MarkerArray
    out  debug/image                        sensor_msgs/Image: the answer drawn on its picture, when someone subscribes
    out  /diagnostics                       diagnostic_msgs/DiagnosticArray, once a second
    action  locate                          spatial_llava_ros/Locate: feedback of the stage and of what a model has
                                            written, cancel, timeout, target frame

Status of an answer (constants of ReferredObject)
    FOUND         one object, with its pose
    AMBIGUOUS     several fit equally well: `candidates`
    NOT_FOUND     nothing in view fits
    NO_DEPTH      found in the picture, but no depth on it
    ERROR         an empty or absurd expression, an encoding or size that cannot be used, too many requests waiting
    STALE_FRAME   no camera frame, or none recent enough: `explanation` names the topic and the reason
    NO_TRANSFORM  where the camera was at the picture's stamp is not known in the frame asked for
    TIMEOUT, CANCELLED
    MODEL_ERROR   the model cannot answer, and geometry may not (`model.fallback`)

With `model` set, a language model says which thing is meant and geometry says where it is; the answer's `method` and
`explanation` say which of them chose. The model loads while the node is active already: until then, and whenever it
fails, geometry answers.

The answer carries the stamp of the picture it was computed from, and TF is looked up at that stamp. Work is done in
one worker thread; the executor only moves messages. Parameters are the rows of SETTINGS.
"""

from __future__ import annotations

import sys
import traceback
from dataclasses import replace
from functools import partial

import numpy as np
from builtin_interfaces.msg import Duration
from rclpy.action import ActionServer, CancelResponse
from std_msgs.msg import String

from spatial_llava_ros.action import Locate
from spatial_llava_ros.errors import SpatialLlavaError
from spatial_llava_ros.geometry import invert_transform, transform_object
from spatial_llava_ros.model.background import BackgroundModel
from spatial_llava_ros.msg import ReferredObject
from spatial_llava_ros.nodes import camera_input, messages, model, qos
from spatial_llava_ros.nodes.answers import AnswerPublishers
from spatial_llava_ros.nodes.camera_input import CameraInput
from spatial_llava_ros.nodes.frame_buffer import RawFrame
from spatial_llava_ros.nodes.lifecycle import Condition, ReportingNode
from spatial_llava_ros.nodes.parameters import Setting
from spatial_llava_ros.nodes.running import run_node
from spatial_llava_ros.nodes.transforms import TransformError
from spatial_llava_ros.nodes.worker import Request, Result, Stopped, Worker
from spatial_llava_ros.pipeline import Locator
from spatial_llava_ros.types import Answer, Status

SETTINGS = (
    Setting("world_frame", "", "frame for answers, z up; empty: the best one the camera hangs from, or its own"),
    *model.SETTINGS,
    *camera_input.SETTINGS,
    Setting("max_frame_age", 1.0, "an older frame is not answered on, s", 0.05, 60.0),
    Setting("frame_timeout", 1.0, "how long to wait for a frame that is recent enough, s", 0.0, 60.0),
    Setting("transform_timeout", 0.3, "how long to wait for TF at the frame's stamp, s", 0.0, 10.0),
    Setting("timeout", 10.0, "how long an answer may take, s", 0.1, 600.0),
    Setting("marker_lifetime", 0.0, "s; 0 keeps markers until the next answer", 0.0, 3600.0),
    Setting("autostart", True, "configure and activate at the start; false under a lifecycle manager", fixed=True),
)

PROGRESS = {
    "waiting for a frame": 0.0,
    "decode": 0.05,
    "propose": 0.1,
    "lift": 0.5,
    "ground": 0.7,
    "waiting for the model": 0.7,
    "marks": 0.72,
    "box": 0.8,
    "verify": 0.95,
}
MODEL_GIVES_UP = 0.6  # seconds before the deadline, so that geometry can still answer


class LocateNode(ReportingNode):
    """Inactive: publishers only. Active: camera subscriptions, command, action, worker thread, model."""

    def __init__(self, model_in_own_process: bool = True, **options) -> None:
        super().__init__("locate", SETTINGS, **options)
        self._locator: Locator | None = None
        self._model: BackgroundModel | None = None
        self._model_in_own_process = model_in_own_process
        self._worker: Worker | None = None
        self._camera: CameraInput | None = None
        self._goals_open: dict[bytes, Request] = {}

    # Life cycle

    def _open(self) -> None:
        self._outputs = AnswerPublishers(self)

    def _close(self) -> None:
        self._outputs.close()

    def _start(self) -> None:
        self._model = model.open_model(self, self._model_in_own_process)
        self._locator = Locator(model=self._model, fallback=self._value("model.fallback"))
        self._camera = CameraInput(self, self.measured)
        self._worker = Worker(self._answer, self._failed)
        self._commands = self.create_subscription(String, "command", self._on_command, qos.COMMANDS)
        self._action = ActionServer(
            self,
            Locate,
            "locate",
            execute_callback=lambda goal: Locate.Result(),
            handle_accepted_callback=self._on_goal,
            cancel_callback=self._on_cancel,
        )
        self.get_logger().info(f"active: say a referring expression on '{self.resolve_topic_name('command')}'")

    def _stop(self) -> None:
        if self._worker is None:
            return
        self._worker.close()
        self._worker = None
        self.destroy_subscription(self._commands)
        self._camera.close()
        self._action.destroy()
        self._locator = None
        if self._model is not None:
            self._model.close()
            self._model = None

    def _examine(self) -> Condition:
        values, trouble, warning = self._camera.examine(self._value("max_frame_age"))
        values |= {"requests waiting": self._worker.waiting, "busy": self._worker.busy}
        if self._model is not None:
            also, problem, oddity = model.examine(self._model, self._value("model.fallback"))
            values, trouble, warning = values | also, trouble or problem, warning or oddity
        return values, trouble, warning

    # Callbacks: all of them only pass something on

    def _on_command(self, message: String) -> None:
        with self.measured.callback():
            self._worker.submit(Request(message.data, self._value("timeout"), on_done=self._publish))

    def _on_goal(self, goal) -> None:
        with self.measured.callback():
            asked = goal.request.timeout.sec + goal.request.timeout.nanosec * 1e-9
            request = Request(
                goal.request.query,
                asked if asked > 0 else self._value("timeout"),
                on_done=partial(self._goal_done, goal),
                on_stage=partial(self._goal_stage, goal),
                target_frame=goal.request.target_frame.lstrip("/"),
            )
            self._goals_open[bytes(goal.goal_id.uuid)] = request
            self._worker.submit(request)

    def _on_cancel(self, goal) -> CancelResponse:
        request = self._goals_open.get(bytes(goal.goal_id.uuid))
        if request is None:
            return CancelResponse.REJECT
        request.cancelled.set()
        return CancelResponse.ACCEPT

    # Work: everything below runs in the worker's thread

    def _answer(self, request: Request) -> Result:
        """From words to a place, on the newest frame."""
        request.stage("waiting for a frame", PROGRESS["waiting for a frame"])
        raw = self._wait_for_frame(request)
        if isinstance(raw, Answer):
            return Result(raw)
        camera = raw.color.frame_id
        refused = partial(Result, stamp=raw.stamp, frame_id=camera, camera_frame_id=camera)
        try:
            raw = self._camera.buffer.resolve_pose(raw, min(self._value("transform_timeout"), request.left))
            if raw.pose_error:
                return refused(Answer(request.query, Status.NO_TRANSFORM, raw.pose_error))
            target_from_world = self._target_from(request, raw)
            request.stage("decode", PROGRESS["decode"])
            frame = self._camera.decode(raw)
            answer = self._locator.locate(
                frame,
                request.query,
                request.stopped,
                lambda name, text: request.on_stage(name, PROGRESS.get(name, -1.0), text),
                request.deadline - min(MODEL_GIVES_UP, request.left / 4),
            )
            request.check()
        except TransformError as error:
            return refused(Answer(request.query, Status.NO_TRANSFORM, str(error)))
        except Stopped as stop:
            return refused(Answer(request.query, stop.status, str(stop)))
        except SpatialLlavaError as error:
            return refused(Answer(request.query, Status.ERROR, str(error)))
        return Result(answer, raw.stamp, frame.world_frame_id or frame.frame_id, camera, frame, target_from_world)

    def _wait_for_frame(self, request: Request) -> RawFrame | Answer:
        """The newest frame that is recent enough, or the answer that says why there is none."""
        limit = self._value("max_frame_age")
        patience = min(self._value("frame_timeout"), request.left)
        raw = self._camera.buffer.wait(patience, lambda frame: self._camera.age(frame)[0] <= limit, request.check)
        if raw is not None:
            return raw
        old = self._camera.buffer.latest()
        why = self._camera.why_not()
        if old is not None:
            age = f"the newest frame is {self._camera.age(old)[0]:.1f} s old, the limit is {limit:g} s"
            why = f"{age}; {why}" if why else age
        return Answer(request.query, Status.STALE_FRAME, why or "no camera frame has arrived yet")

    def _target_from(self, request: Request, raw: RawFrame) -> np.ndarray | None:
        """target_from_answer (4, 4), or None when the goal asked for no other frame than the answer's."""
        own = raw.pose[0] if raw.pose is not None else raw.color.frame_id
        if request.target_frame in ("", own):
            return None
        target_from_camera = self._camera.transforms.buffer.lookup(request.target_frame, raw.color.frame_id, raw.stamp)
        return target_from_camera if raw.pose is None else target_from_camera @ invert_transform(raw.pose[1])

    def _failed(self, request: Request, error: Exception) -> Result:
        self.get_logger().error("".join(traceback.format_exception(error)))
        return Result(Answer(request.query, Status.ERROR, f"internal error: {type(error).__name__}: {error}"))

    def _publish(self, request: Request, result: Result) -> ReferredObject:
        message = self._outputs.publish(result)
        self.measured.latencies_ms.append(request.elapsed * 1e3)
        self.measured.statuses[result.answer.status.value] += 1
        self.get_logger().info(f"'{result.answer.query[:80]}': {result.answer.status.value} in {request.elapsed:.2f} s")
        return message

    # The action: its goal handle changes state in the executor's thread only, where cancel requests do too

    def _goal_stage(self, goal, stage: str, progress: float, text: str) -> None:
        elapsed = self._goals_open[bytes(goal.goal_id.uuid)].elapsed
        seconds = int(elapsed)
        feedback = Locate.Feedback(stage=stage, progress=progress, partial_text=text)
        feedback.elapsed = Duration(sec=seconds, nanosec=int((elapsed - seconds) * 1e9))
        goal.publish_feedback(feedback)

    def _goal_done(self, goal, request: Request, result: Result) -> None:
        message = self._publish(request, result)
        if result.target_from_frame is not None:  # for this client alone: the topics keep the frame that others follow
            answer = _moved(result.answer, result.target_from_frame, request.target_frame)
            message = messages.answer_message(answer, result.stamp, request.target_frame, result.camera_frame_id)
        executor = self.executor
        if executor is not None:
            executor.create_task(partial(self._finish_goal, goal, message))

    def _finish_goal(self, goal, message: ReferredObject) -> None:
        def settle(goal) -> Locate.Result:
            self._goals_open.pop(bytes(goal.goal_id.uuid), None)
            status = messages.STATUS_NAMES[message.status]
            if goal.is_cancel_requested and status is Status.CANCELLED:
                goal.canceled()
            elif status in (Status.FOUND, Status.AMBIGUOUS, Status.NOT_FOUND, Status.NO_DEPTH):
                goal.succeed()
            else:
                goal.abort()
            return Locate.Result(referred=message)

        goal.execute(settle)


def _moved(answer: Answer, target_from_answer: np.ndarray, frame_id: str) -> Answer:
    """The same answer stated in another frame."""

    def move(obj):
        return None if obj is None else transform_object(obj, target_from_answer, frame_id)

    return replace(answer, object=move(answer.object), candidates=tuple(move(c) for c in answer.candidates))


def main(args: list[str] | None = None) -> int:
    """Entry point of `ros2 run spatial_llava_ros locate`."""
    return run_node("locate", LocateNode, args)


if __name__ == "__main__":
    sys.exit(main())

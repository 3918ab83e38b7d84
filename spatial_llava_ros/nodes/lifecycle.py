"""What every lifecycle node of the package shares: its parameters, the word for its state, and /diagnostics."""

from __future__ import annotations

import traceback
from abc import ABC, abstractmethod
from collections.abc import Mapping

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from spatial_llava_ros.nodes.diagnostics import Measurements, diagnostic
from spatial_llava_ros.nodes.parameters import Setting, declare

# What a node has to say of itself while it is active: key-value pairs, what is wrong, what is odd.
Condition = tuple[Mapping[str, object], str, str]


class ReportingNode(LifecycleNode, ABC):
    """Opens at configuration, runs while active, and says how it is once a second in every state.

    A node fills in `_open` and `_close` (publishers), `_start` and `_stop` (inputs and threads), and `_examine`.
    `_stop` is also called when nothing runs.

    Args:
        settings: declared as parameters; `autostart` is `running.run_node`'s.

    Raises:
        InvalidInputError: a parameter given at the start that cannot be used.
    """

    def __init__(self, name: str, settings: tuple[Setting, ...], **options) -> None:
        super().__init__(name, **options)
        declare(self, settings)
        self.measured = Measurements()
        self._state = "unconfigured"
        self._trouble = ""
        # Not a lifecycle publisher: whoever asks why nothing happens must hear "inactive" too.
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self._timer = self.create_timer(1.0, self._publish_diagnostics)

    @abstractmethod
    def _open(self) -> None:
        """Make what exists from configuration to clean-up."""

    @abstractmethod
    def _close(self) -> None:
        """Take away what `_open` made."""

    @abstractmethod
    def _start(self) -> None:
        """Make what exists while the node is active."""

    @abstractmethod
    def _stop(self) -> None:
        """Take away what `_start` made, if anything."""

    @abstractmethod
    def _examine(self) -> Condition:
        """How things stand; asked only while the node is active."""

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._open()
        self._state = "inactive"
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._start()
        self._state = "active"
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._stop()
        self._state = "inactive"
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._close()
        self._state = "unconfigured"
        return super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._stop()
        self._state = "finalized"
        return super().on_shutdown(state)

    def destroy_node(self) -> None:
        self._stop()
        super().destroy_node()

    def _note_failure(self, error: Exception) -> None:
        """An error of this program itself, from a thread that goes on."""
        if not self.context.ok():
            return  # the process is ending, and took the publishers away
        self._trouble = f"internal error: {type(error).__name__}: {error}"
        self.get_logger().error("".join(traceback.format_exception(error)), throttle_duration_sec=10.0)

    def _publish_diagnostics(self) -> None:
        with self.measured.callback():
            values, trouble, warning = self._examine() if self._state == "active" else ({}, "", "")
            now = self.get_clock().now().to_msg()
            name = self.get_fully_qualified_name().lstrip("/")
            self._diagnostics.publish(diagnostic(name, now, self._state, self.measured, values, trouble, warning))

    def _value(self, name: str):
        return self.get_parameter(name).value

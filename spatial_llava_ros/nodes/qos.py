"""Quality of service of every topic, in one place (REP-2003), and mismatches put into words."""

from __future__ import annotations

from collections.abc import Callable

from rclpy.qos import DurabilityPolicy, QoSPolicyKind, QoSProfile, ReliabilityPolicy

try:
    from rclpy.event_handler import SubscriptionEventCallbacks
except ImportError:  # Humble
    from rclpy.qos_event import SubscriptionEventCallbacks

# Results: reliable; the latched ones reach a subscriber that comes later.
RESULT = QoSProfile(depth=10)
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
# A burst of commands must all be heard, to be answered or refused.
COMMANDS = QoSProfile(depth=50)
# Answers are latched, but a burst of them must all arrive; who joins late asks with depth 1 for the last one.
ANSWERS = QoSProfile(depth=50, durability=DurabilityPolicy.TRANSIENT_LOCAL)
# Cameras publish reliably with a short queue; a subscriber that is best effort matches either kind of camera.
CAMERA_OUT = QoSProfile(depth=2)


def camera_in(reliability: str) -> QoSProfile:
    """For pictures and camera infos: "best_effort" matches every camera, "reliable" only reliable ones."""
    policy = ReliabilityPolicy.RELIABLE if reliability == "reliable" else ReliabilityPolicy.BEST_EFFORT
    return QoSProfile(depth=2, reliability=policy)


def on_mismatch(tell: Callable[[str], None]) -> SubscriptionEventCallbacks:
    """Event callbacks that call `tell` with a line when a publisher's QoS cannot be matched."""

    def incompatible(event) -> None:
        try:
            policy = QoSPolicyKind(event.last_policy_kind).name.lower()
        except ValueError:
            policy = f"policy {event.last_policy_kind}"
        tell(f"the publisher's QoS does not match ({policy}); set parameter reliability to best_effort")

    return SubscriptionEventCallbacks(incompatible_qos=incompatible)

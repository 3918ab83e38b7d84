"""What a person needs to know when nothing happens: rates, ages, offsets, latencies and the reason, on /diagnostics."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from std_msgs.msg import Header


@dataclass
class Measurements:
    """Counters and the last few hundred durations of a node; written from any thread, read once a second."""

    latencies_ms: deque[float] = field(default_factory=lambda: deque(maxlen=200))
    callbacks_ms: deque[float] = field(default_factory=lambda: deque(maxlen=2000))
    statuses: Counter = field(default_factory=Counter)

    @contextmanager
    def callback(self):
        """Time one executor callback."""
        start = perf_counter()
        try:
            yield
        finally:
            self.callbacks_ms.append((perf_counter() - start) * 1e3)


def percentiles(values, *ranks: float) -> list[float]:
    """The given percentiles (0..100, nearest rank) of some numbers; NaN where there are none."""
    numbers = sorted(values)  # np.percentile takes 20 ms the first time
    return [numbers[round(rank / 100 * (len(numbers) - 1))] if numbers else float("nan") for rank in ranks]


def diagnostic(
    name: str, stamp, state: str, measured: Measurements, values: Mapping[str, object], trouble: str, warning: str
) -> DiagnosticArray:
    """One status for a node: ERROR with `trouble`, else WARN with `warning`, else OK.

    Args:
        stamp: builtin_interfaces/Time of now.
        state: of the life cycle.
        values: further key-value pairs, shown as text.
    """
    level, message = DiagnosticStatus.OK, "ready"
    if state != "active":
        message = state
    elif trouble:
        level, message = DiagnosticStatus.ERROR, trouble
    elif warning:
        level, message = DiagnosticStatus.WARN, warning
    latency = percentiles(measured.latencies_ms, 50, 95)
    longest = percentiles(measured.callbacks_ms, 50, 99, 100)
    pairs = {
        "state": state,
        **values,
        "latency p50 / p95 (ms)": "{:.0f} / {:.0f}".format(*latency),
        "callback p50 / p99 / max (ms)": "{:.2f} / {:.2f} / {:.2f}".format(*longest),
        "answers": ", ".join(f"{n} {status}" for status, n in sorted(measured.statuses.items())) or "none yet",
    }
    status = DiagnosticStatus(level=level, name=name, message=message, hardware_id="")
    status.values = [KeyValue(key=k, value=str(v)) for k, v in pairs.items()]
    return DiagnosticArray(header=Header(stamp=stamp), status=[status])

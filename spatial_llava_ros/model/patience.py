"""How long a caller waits for a model: until a moment, or until told to stop; and what it hears meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from spatial_llava_ros.model.errors import ModelCancelled, ModelTimeout


def _never() -> bool:
    return False


def _nobody(stage: str, text: str) -> None:
    pass


@dataclass(frozen=True)
class Patience:
    """Asked between the steps of a model.

    Attributes:
        deadline: on `time.monotonic`'s clock; None for no limit.
        cancelled: says True once the caller has lost interest.
        report: told what the model is at, and all that it has written so far.
    """

    deadline: float | None = None
    cancelled: Callable[[], bool] = _never
    report: Callable[[str, str], None] = _nobody

    def check(self) -> None:
        """Raises ModelCancelled or ModelTimeout when it is over."""
        if self.cancelled():
            raise ModelCancelled("cancelled while the model was working")
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise ModelTimeout("the deadline passed while the model was working")

    @property
    def left(self) -> float | None:
        """Seconds until the deadline, at least 0; None for no limit."""
        return None if self.deadline is None else max(self.deadline - time.monotonic(), 0.0)


PATIENT = Patience()

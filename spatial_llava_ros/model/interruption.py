"""A forward pass that can be broken off: the caller's patience is looked at before every layer.

Reading a picture and its prompt is one call of the model, seconds long on a CPU. A hook before every module of it that
holds a matrix, vision tower included, looks whether anybody still waits, so the longest stretch without a look is one
matrix product. On a GPU the host only queues work and runs ahead of it, so there a pass that has begun is finished.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from spatial_llava_ros.model.patience import PATIENT, Patience

_EVERY = 0.005  # seconds between looks: layers of small models are shorter, and a look may cost a system call


class Interruption:
    """Hooks in torch modules that raise ModelCancelled or ModelTimeout within `of(patience)`."""

    def __init__(self, *modules: Any) -> None:
        self._patience = PATIENT
        self._next = 0.0
        for module in modules:
            for inner in module.modules():
                weight = getattr(inner, "weight", None)
                if hasattr(weight, "dim") and weight.dim() > 1:  # norms and activations are over at once
                    inner.register_forward_pre_hook(self._look)

    def _look(self, module: Any, inputs: Any) -> None:
        if self._patience is PATIENT:
            return
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _EVERY
            self._patience.check()

    @contextmanager
    def of(self, patience: Patience) -> Iterator[None]:
        """While inside, passes of the model end when `patience` does."""
        before = self._patience
        self._patience, self._next = patience, 0.0
        try:
            yield
        finally:
            self._patience = before

"""A model that loads while others work: asked once it is ready, and saying why not before.

While it loads for the first time nobody knows how long that takes, and geometry can answer at once; so a question is
refused, not kept waiting. Once it has been loaded, that time is known: after a crash a question waits where the new
process will be ready within the caller's patience.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Condition, Event, Thread
from typing import Any

from spatial_llava_ros.grounding.features import Features
from spatial_llava_ros.model.errors import ModelCancelled, ModelError, ModelMemoryError, ModelTimeout
from spatial_llava_ros.model.grounder import ModelAnswer, ModelGrounder
from spatial_llava_ros.model.patience import PATIENT, Patience
from spatial_llava_ros.types import RgbdFrame

_ATTEMPTS = 3  # at loading, before it is given up
_REPORT = 0.5  # seconds between two words about the waiting


class BackgroundModel:
    """A `Grounder` that is there at once and knows more later. One question at a time.

    Attributes:
        name: of the model.
    """

    def __init__(
        self,
        name: str,
        load: Callable[[], tuple[ModelGrounder, Any]],
        waits: bool = False,
        adapter: Callable[[], str] | None = None,
    ) -> None:
        """Starts loading and returns.

        Args:
            load: gives the grounder and the back-end behind it, as `ModelChoice.open`; called from another thread.
            waits: questions wait for the model as long as their patience lasts, even while it loads for the first time.
            adapter: name of the LoRA adapter that the next question is for, "" for none; looked at before each.
        """
        self.name = name
        self._open, self._waits, self._adapter = load, waits, adapter
        self._grounder: ModelGrounder | None = None
        self._backend: Any = None
        self._memory = ""
        self._failure: Exception | None = None
        self._ready = False
        self._begun = time.monotonic()
        self._took: float | None = None  # seconds, of the last loading
        self._changed = Condition()
        self._closing = Event()
        self._load_in_background()

    # What others see

    @property
    def state(self) -> str:
        """ "loading", "ready" or "failed"."""
        if self._failure is not None:
            return "failed"
        return "ready" if self._ready else "loading"

    def describe(self) -> str:
        """The state in a line for a person."""
        if self._failure is not None:
            return f"failed: {self._failure}"
        if self._ready:
            return "ready" + (f": {self._memory}" if self._memory else "")
        usual = "" if self._took is None else f", usually {self._took:.0f} s"
        return f"loading (for {time.monotonic() - self._begun:.0f} s{usual})"

    def ground(
        self, frame: RgbdFrame, features: Features, text: str, patience: Patience = PATIENT, count: int = 1
    ) -> ModelAnswer:
        """As `ModelGrounder.ground`.

        Raises:
            ModelError: it is still loading, could not be loaded, or failed; or as `patience` says.
        """
        self._wait_ready(patience)
        try:
            if self._adapter is not None and hasattr(self._backend, "use_adapter"):
                self._backend.use_adapter(self._adapter())
            return self._grounder.ground(frame, features, text, patience, count)
        except (ModelCancelled, ModelTimeout, ModelMemoryError):
            raise
        except ModelError:
            if not self._closing.is_set():
                self._load_in_background()  # its process may have died; if not, it is ready again at once
            raise

    def close(self) -> None:
        """End it and free its memory; a question under way fails."""
        self._closing.set()
        with self._changed:
            self._changed.notify_all()
        self._thread.join(5)
        if self._backend is not None and hasattr(self._backend, "close"):
            self._backend.close()

    # Loading

    def _wait_ready(self, patience: Patience) -> None:
        told = 0.0
        while True:
            with self._changed:
                if self._closing.is_set():
                    raise ModelError("the model was closed")
                if self._failure is not None:
                    raise ModelError(f"the model cannot be used: {self._failure}")
                if self._ready:
                    return
                if not self._waits and not self._soon(patience.left):
                    raise ModelError(f"the model is still {self.describe()}")
                self._changed.wait(0.05)
            try:
                patience.check()
            except ModelTimeout as error:
                raise ModelTimeout(f"the model is still {self.describe()}") from error
            if time.monotonic() - told > _REPORT:
                told = time.monotonic()
                patience.report("waiting for the model", self.describe())

    def _soon(self, left: float | None) -> bool:
        """Whether the model will be there in so many seconds, going by the last time."""
        if self._took is None:
            return False
        expected = 1.5 * self._took - (time.monotonic() - self._begun)
        return left is None or expected < left

    def _load_in_background(self) -> None:
        with self._changed:
            self._ready, self._begun = False, time.monotonic()
        self._thread = Thread(target=self._load, name="model-loader", daemon=True)
        self._thread.start()

    def _load(self) -> None:
        for attempt in range(_ATTEMPTS):
            try:
                self._make_ready()
                return
            except ModelCancelled:
                return  # closing
            except Exception as error:  # whatever it is, the questions must hear of it
                # A process that died has a successor that loads already; all else will not mend itself.
                died = self._backend is not None and type(error) is ModelError
                if not died or attempt == _ATTEMPTS - 1:
                    with self._changed:
                        self._failure = error
                        self._changed.notify_all()
                    return

    def _make_ready(self) -> None:
        if self._backend is None:
            self._grounder, self._backend = self._open()
        if hasattr(self._backend, "wait_ready"):
            self._memory = self._backend.wait_ready(Patience(cancelled=self._closing.is_set))
        else:
            self._memory = getattr(self._backend, "memory", "")
        with self._changed:
            elapsed = time.monotonic() - self._begun
            if self._took is None or elapsed > 0.1 * self._took:  # else it had not been gone
                self._took = elapsed
            self._ready = True
            self._changed.notify_all()

"""The model in a process of its own: its token loop never holds the caller's interpreter, its crash is only its own.

The child loads a `TransformersBackend` and answers one request after the other over a pipe. A child that dies (killed,
out of memory, a CUDA error that poisons the device) is reported as ModelError at once and started anew in the same
moment, so that the next request finds it loading. A cancel or a deadline is answered at once, whatever the child is at;
it also travels down the pipe, where it is looked for before every layer on a CPU and between passes on a GPU. The next
request waits until the child has come back; one that does not is ended.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from collections import deque
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from threading import Lock
from typing import Any

import numpy as np

from spatial_llava_ros.errors import SpatialLlavaError
from spatial_llava_ros.grounding.features import Features
from spatial_llava_ros.model import errors
from spatial_llava_ros.model.errors import ModelCancelled, ModelError, ModelLoadError, ModelTimeout
from spatial_llava_ros.model.loading import ModelOptions
from spatial_llava_ros.model.patience import PATIENT, Patience
from spatial_llava_ros.types import Box, RgbdFrame

_POLL = 0.02  # seconds between looks at the caller's cancel
_GRACE = 0.2  # seconds past the deadline that a reply may take to come
_HUNG = 15.0  # seconds that a request given up may stay unanswered before its process counts as hung and is ended
_QUICK_DEATHS = 3  # a child that dies this often before it is ready is not started again


@dataclass(eq=False)
class _Child:
    process: subprocess.Popen
    pipe: Connection
    ready: bool = False
    memory: str = ""
    given_up: tuple[int, float] | None = None  # the last request that nobody waits for any more, and since when


class ProcessBackend:
    """The same two questions as `TransformersBackend`, answered by a child process. Thread-safe, one at a time."""

    def __init__(self, options: ModelOptions, **marks: Any) -> None:
        """Starts loading and returns at once; `marks` as in `TransformersBackend`."""
        self._options, self._marks = options, marks
        self._lock = Lock()
        self._request = 0
        self._adapter: str | None = None
        self._deaths = 0
        self._failure: SpatialLlavaError | None = None
        self._sent: tuple[RgbdFrame | None, Features | None] = None, None  # once per frame: the child keeps it
        self._closed = False
        self._child = self._start()

    # The two questions

    def score(
        self, frame: RgbdFrame, features: Features, text: str, patience: Patience = PATIENT
    ) -> tuple[np.ndarray, float]:
        """Marks mode: (N,) probability of each region, and of none.

        Raises:
            ModelError: the model failed or its process died, or as `patience` says.
        """
        return self._ask("score", frame, features, text, patience)

    def boxes(self, frame: RgbdFrame, text: str, patience: Patience = PATIENT) -> tuple[tuple[Box, ...], float, str]:
        """Box mode: boxes in pixels of the frame, a score 0..1, and why there are none."""
        return self._ask("boxes", frame, None, text, patience)

    def graph_text(self, frame: RgbdFrame, text: str = "", patience: Patience = PATIENT) -> str:
        """Graph mode: the frame's scene graph in the family's text."""
        return self._ask("graph_text", frame, None, text, patience)

    def use_adapter(self, name: str) -> None:
        """Have the next requests answered by a LoRA adapter, by none with ""; they fail where it is not loaded."""
        self._adapter = name

    def wait_ready(self, patience: Patience = PATIENT) -> str:
        """Wait until the model is loaded; its memory in one line.

        Raises:
            ModelLoadError: it cannot be loaded.
        """
        with self._lock:
            self._await_ready(patience)
            return self._child.memory

    @property
    def pid(self) -> int:
        """Of the child."""
        return self._child.process.pid

    def close(self) -> None:
        """End the child and free its memory."""
        with self._lock:
            self._closed = True
            self._end(self._child)

    # Life of the child

    def _start(self) -> _Child:
        ours, theirs = multiprocessing.Pipe()
        command = [sys.executable, "-m", "spatial_llava_ros.model.process", str(theirs.fileno())]
        root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
        process = subprocess.Popen(
            command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, env=os.environ | {"PYTHONPATH": path}
        )
        theirs.close()
        ours.send((self._options, self._marks))
        self._sent = None, None
        return _Child(process, ours)

    @staticmethod
    def _end(child: _Child) -> None:
        child.pipe.close()
        child.process.terminate()
        try:
            child.process.wait(2)
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()

    def _died(self, how: str = "died") -> ModelError:
        """Start a new child in place of one that is gone."""
        child = self._child
        child.pipe.close()
        try:
            code = child.process.wait(1)
        except subprocess.TimeoutExpired:  # it has closed its pipe, but does not end
            child.process.kill()
            code = child.process.wait()
        end = f"signal {-code}" if code < 0 else f"exit code {code}"
        self._deaths = 0 if child.ready else self._deaths + 1
        if self._deaths >= _QUICK_DEATHS:
            self._failure = ModelLoadError(f"the model process died {self._deaths} times while loading ({end})")
            return self._failure
        self._options = replace(self._options, cuda_graphs=False)  # in case they were the cause
        self._child = self._start()
        return ModelError(f"the model process {how} ({end}); a new one is loading")

    def _await_ready(self, patience: Patience) -> None:
        if self._closed:
            raise ModelError("the model was closed")
        if self._failure is not None:
            raise self._failure
        while not self._child.ready:
            kind, content = self._receive(patience, None)
            if kind == "ready":
                self._child.ready, self._child.memory = True, content
            elif kind == "error":
                self._failure = _rebuilt(content)
                raise self._failure

    def _ask(self, what: str, frame: RgbdFrame, features: Features | None, text: str, patience: Patience) -> Any:
        with self._lock:
            patience.check()
            self._await_ready(patience)
            while self._child.given_up is not None:  # it reads nothing long while it is at work: a frame would block
                kind, content = self._receive(patience, None)
                self._acknowledge(kind, content[0])
            self._request += 1
            number = self._request
            try:
                if self._sent[0] is not frame or (features is not None and self._sent[1] is not features):
                    self._child.pipe.send(("frame", (frame, features)))
                    self._sent = frame, features
                self._child.pipe.send((what, (number, text, patience.left, self._adapter)))
            except OSError as error:
                raise self._died() from error
            while True:
                kind, content = self._receive(patience, number)
                if content[0] != number:
                    self._acknowledge(kind, content[0])
                    continue
                if kind in ("answer", "error"):
                    break
                patience.report(*content[1])
            if kind == "error":
                raise _rebuilt(content)
            return content[1]

    def _acknowledge(self, kind: str, number: int) -> None:
        """Note that the child has come back from a request that was given up."""
        given_up = self._child.given_up
        if given_up is not None and kind in ("answer", "error") and number >= given_up[0]:
            self._child.given_up = None

    def _receive(self, patience: Patience, number: int | None) -> tuple[str, Any]:
        """The next message of the child."""
        child = self._child
        while not wait([child.pipe], _POLL):
            if child.given_up is not None and time.monotonic() > child.given_up[1] + _HUNG:
                child.process.kill()
                raise self._died(f"did not end a request within {_HUNG:g} s")
            overdue = patience.deadline is not None and time.monotonic() > patience.deadline + _GRACE
            if patience.cancelled() or overdue:
                if number is not None:
                    child.pipe.send(("cancel", number))
                    child.given_up = child.given_up or (number, time.monotonic())
                if overdue:
                    raise ModelTimeout("the deadline passed while the model was working")
                raise ModelCancelled("cancelled while the model was working")
        try:
            return child.pipe.recv()
        except (EOFError, OSError) as error:
            raise self._died() from error


def _rebuilt(content: tuple[int, str, str]) -> SpatialLlavaError:
    """The child's error as an error of the same class here."""
    _, name, message = content
    kind = getattr(errors, name, ModelError)
    return kind(message)


class _Inbox:
    """The child's end: requests in order, cancels looked for while one is worked on."""

    def __init__(self, pipe: Connection) -> None:
        self.pipe = pipe
        self._waiting: deque[tuple[str, Any]] = deque()
        self._cancelled = 0

    def next(self) -> tuple[str, Any]:
        while True:
            kind, content = self._waiting.popleft() if self._waiting else self.pipe.recv()
            if kind == "cancel":
                self._cancelled = max(self._cancelled, content)
            else:
                return kind, content

    def cancelled(self, number: int) -> bool:
        while self.pipe.poll():
            kind, content = self.pipe.recv()
            if kind == "cancel":
                self._cancelled = max(self._cancelled, content)
            else:
                self._waiting.append((kind, content))
        return self._cancelled >= number


def serve(pipe: Connection) -> None:
    """Load a model and answer until the pipe closes."""
    options, marks = pipe.recv()
    from spatial_llava_ros.model.transformers_backend import TransformersBackend

    try:
        backend = TransformersBackend.load(options, **marks)
    except SpatialLlavaError as error:
        pipe.send(("error", (0, type(error).__name__, str(error))))
        return
    pipe.send(("ready", backend.memory))
    inbox = _Inbox(pipe)
    frame = features = None
    while True:
        kind, content = inbox.next()
        if kind == "frame":
            frame, features = content[0], content[1] if content[1] is not None else features
            continue
        number, text, left, adapter = content
        deadline = None if left is None else time.monotonic() + left
        patience = Patience(
            deadline,
            lambda number=number: inbox.cancelled(number),
            lambda stage, text, number=number: pipe.send(("report", (number, (stage, text)))),
        )
        try:
            if adapter is not None:
                backend.use_adapter(adapter)
            if kind == "score":
                answer = backend.score(frame, features, text, patience)
            elif kind == "graph_text":
                answer = backend.graph_text(frame, text, patience)
            else:
                answer = backend.boxes(frame, text, patience)
            pipe.send(("answer", (number, answer)))
        except SpatialLlavaError as error:
            pipe.send(("error", (number, type(error).__name__, str(error))))
            if "CUDA error" in str(error):  # the context is lost: only a new process has a new one
                return


def main() -> int:
    """`python -m spatial_llava_ros.model.process FD`, started by `ProcessBackend`."""
    try:
        serve(Connection(int(sys.argv[1])))
    except (EOFError, OSError, KeyboardInterrupt):
        return 0  # the caller is gone
    return 0


if __name__ == "__main__":
    sys.exit(main())

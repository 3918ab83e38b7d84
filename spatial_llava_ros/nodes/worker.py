"""One thread that does the work, so that the executor's callbacks stay short. Requests are answered in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from queue import Empty, Full, Queue
from threading import Event, Thread
from time import monotonic

import numpy as np

from spatial_llava_ros.errors import SpatialLlavaError
from spatial_llava_ros.types import Answer, Status


class Stopped(SpatialLlavaError):
    """A request that was cancelled or ran out of time; `status` says which."""

    def __init__(self, status: Status, explanation: str) -> None:
        super().__init__(explanation)
        self.status = status


@dataclass(frozen=True, eq=False)
class Result:
    """An answer and the picture it belongs to.

    Attributes:
        stamp: of the picture, nanoseconds; 0 when there was none.
        frame_id: frame of the answer's poses.
        camera_frame_id: optical frame of the picture.
        frame: the decoded picture, or None.
        target_from_frame: (4, 4) to the frame that the answer was asked for in; None when that is `frame_id`.
    """

    answer: Answer
    stamp: int = 0
    frame_id: str = ""
    camera_frame_id: str = ""
    frame: object | None = None
    target_from_frame: np.ndarray | None = None


@dataclass(eq=False)
class Request:
    """One question on its way through the worker.

    Attributes:
        timeout: seconds from now until the answer must be there.
        on_stage: told the name of each stage, the progress 0..1 and what a model has written so far, from the
            worker's thread.
        on_done: told the result, from the worker's thread; called exactly once.
    """

    query: str
    timeout: float
    on_done: Callable[[Request, Result], None]
    on_stage: Callable[[str, float, str], None] = lambda stage, progress, text: None
    target_frame: str = ""
    received: float = field(default_factory=monotonic)
    cancelled: Event = field(default_factory=Event)

    @property
    def elapsed(self) -> float:
        """Seconds since it was received."""
        return monotonic() - self.received

    @property
    def left(self) -> float:
        """Seconds until it times out; not below 0."""
        return max(0.0, self.timeout - self.elapsed)

    @property
    def deadline(self) -> float:
        """When it times out, on `time.monotonic`'s clock."""
        return self.received + self.timeout

    def stopped(self) -> bool:
        """True once nobody wants the answer any more."""
        return self.cancelled.is_set() or self.left <= 0

    def check(self) -> None:
        """
        Raises:
            Stopped: cancelled, or out of time.
        """
        if self.cancelled.is_set():
            raise Stopped(Status.CANCELLED, f"cancelled after {self.elapsed:.2f} s")
        if self.left <= 0:
            raise Stopped(Status.TIMEOUT, f"no answer within {self.timeout:g} s")

    def stage(self, name: str, progress: float) -> None:
        """Say where the work is, and stop here if nobody wants it any more."""
        self.check()
        self.on_stage(name, progress, "")


class Worker:
    """Answers requests one at a time, first come first served.

    Args:
        answer: does the work of one request; may raise Stopped.
        failed: told of any other exception, and gives the result to send instead.
        waiting: how many requests may wait before more are refused.
    """

    def __init__(
        self,
        answer: Callable[[Request], Result],
        failed: Callable[[Request, Exception], Result],
        waiting: int = 8,
    ) -> None:
        self._answer = answer
        self._failed = failed
        self._queue: Queue[Request] = Queue(waiting)
        self._closing = Event()
        self._current: Request | None = None
        self._thread = Thread(target=self._run, name="locate-worker", daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        return self._current is not None

    @property
    def waiting(self) -> int:
        """Requests that have not been started."""
        return self._queue.qsize()

    def submit(self, request: Request) -> None:
        """Take a request; its `on_done` is called in any case, at once when too many are waiting."""
        try:
            self._queue.put_nowait(request)
        except Full:
            why = f"busy: {self._queue.maxsize} requests are waiting already, ask again later"
            answer = Answer(request.query, Status.ERROR, why)
            request.on_done(request, Result(answer))

    def close(self, timeout: float = 5.0) -> None:
        """Cancel everything and end the thread."""
        self._closing.set()
        current = self._current
        if current is not None:
            current.cancelled.set()
        self._thread.join(timeout)

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                request = self._queue.get(timeout=0.1)
            except Empty:
                continue
            self._current = request
            request.on_done(request, self._result(request))
            self._current = None
        while not self._queue.empty():
            request = self._queue.get_nowait()
            request.cancelled.set()
            request.on_done(request, self._result(request))

    def _result(self, request: Request) -> Result:
        try:
            request.check()
            return self._answer(request)
        except Stopped as stop:
            return Result(Answer(request.query, stop.status, str(stop)))
        except Exception as error:  # the thread must outlive any single request
            return self._failed(request, error)

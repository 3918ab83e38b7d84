"""One thread that owns what a node makes of its frames: takes in the newest at a rate, other jobs in between."""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, Full, Queue
from threading import Event, Thread
from time import monotonic

_LOOK_AGAIN_S = 0.02  # while no new frame has come


class FrameWorker:
    """Runs from now until `close`. Frames come first once they are due: a flood of jobs cannot keep them out.

    Args:
        step: takes in the newest frame; False when there was none that is new.
        period: seconds between frames, asked before each.
        failed: told of any exception of `step`; the thread goes on.
        waiting: how many jobs may wait before more are refused.
    """

    def __init__(
        self,
        step: Callable[[], bool],
        period: Callable[[], float],
        failed: Callable[[Exception], None],
        waiting: int = 16,
    ) -> None:
        self._step, self._period, self._failed = step, period, failed
        self._queue: Queue[Callable[[bool], None]] = Queue(waiting)
        self._closing = Event()
        self._thread = Thread(target=self._run, name="frame-worker", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Jobs that have not been started."""
        return self._queue.qsize()

    def submit(self, job: Callable[[bool], None]) -> bool:
        """Take a job; False when too many wait already or the thread is ending, and then it is not called.

        Args:
            job: called once from the thread, with False when it ends before the job's turn; must not raise.
        """
        if self._closing.is_set():
            return False
        try:
            self._queue.put_nowait(job)
        except Full:
            return False
        return True

    def close(self, timeout: float = 5.0) -> None:
        """End the thread after what it is doing."""
        self._closing.set()
        self._thread.join(timeout)

    def _run(self) -> None:
        due = monotonic()
        while not self._closing.is_set():
            wait = due - monotonic()
            try:
                job = self._queue.get(timeout=wait) if wait > 0 else self._queue.get_nowait()
                job(True)
            except Empty:
                pass
            if (now := monotonic()) >= due:
                due = now + (self._period() if self._safe_step() else _LOOK_AGAIN_S)
        while not self._queue.empty():
            self._queue.get_nowait()(False)

    def _safe_step(self) -> bool:
        try:
            return self._step()
        except Exception as error:  # the thread must outlive any single frame
            self._failed(error)
            return True

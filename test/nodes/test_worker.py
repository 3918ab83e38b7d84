from __future__ import annotations

from threading import Event

import pytest

from spatial_llava_ros.nodes.worker import Request, Result, Worker
from spatial_llava_ros.types import Answer, Status


class Asker:
    """Collects what comes back."""

    def __init__(self, count: int = 1) -> None:
        self.results: list[tuple[str, Status, str]] = []
        self.stages: list[str] = []
        self._count = count
        self.done = Event()

    def request(self, query: str, timeout: float = 5.0) -> Request:
        return Request(query, timeout, self._on_done, lambda stage, progress, text: self.stages.append(stage))

    def _on_done(self, request: Request, result: Result) -> None:
        self.results.append((request.query, result.answer.status, result.answer.explanation))
        if len(self.results) == self._count:
            self.done.set()


def found(request: Request) -> Result:
    return Result(Answer(request.query, Status.FOUND, ""))


def failed(request: Request, error: Exception) -> Result:
    return Result(Answer(request.query, Status.ERROR, str(error)))


@pytest.fixture
def make_worker():
    made = []

    def make(answer, **options) -> Worker:
        made.append(Worker(answer, failed, **options))
        return made[-1]

    yield make
    for worker in made:
        worker.close()


def test_requests_are_answered_in_order(make_worker):
    asker = Asker(5)
    worker = make_worker(found)
    for k in range(5):
        worker.submit(asker.request(str(k)))
    assert asker.done.wait(5)
    assert [query for query, _, _ in asker.results] == list("01234")


def test_an_exception_becomes_an_answer_and_the_next_request_is_served(make_worker):
    def answer(request):
        if request.query == "bad":
            raise RuntimeError("boom")
        return found(request)

    asker = Asker(2)
    worker = make_worker(answer)
    worker.submit(asker.request("bad"))
    worker.submit(asker.request("good"))
    assert asker.done.wait(5)
    assert asker.results == [("bad", Status.ERROR, "boom"), ("good", Status.FOUND, "")]


def test_too_many_requests_are_refused_at_once(make_worker):
    release = Event()

    def answer(request):
        release.wait(5)
        return found(request)

    asker = Asker(5)
    worker = make_worker(answer, waiting=2)
    for k in range(5):
        worker.submit(asker.request(str(k)))
        while k == 0 and not worker.busy:
            pass
    refused = [r for r in asker.results if r[1] is Status.ERROR]
    assert len(refused) == 2 and "busy" in refused[0][2]
    release.set()
    assert asker.done.wait(5)
    assert len(asker.results) == 5


@pytest.mark.parametrize(
    ("timeout", "cancel", "status"), [(0.05, False, Status.TIMEOUT), (5.0, True, Status.CANCELLED)]
)
def test_a_request_that_nobody_wants_any_more_stops_between_stages(make_worker, timeout, cancel, status):
    started = Event()

    def answer(request):
        started.set()
        for k in range(1000):
            request.stage(f"stage {k}", k / 1000)
            request.cancelled.wait(0.01)
        return found(request)

    asker = Asker()
    request = asker.request("slow", timeout)
    make_worker(answer).submit(request)
    assert started.wait(5)
    if cancel:
        request.cancelled.set()
    assert asker.done.wait(5)
    assert asker.results[0][1] is status
    assert asker.stages[0] == "stage 0"


def test_closing_answers_everyone():
    asker = Asker(3)
    worker = Worker(lambda request: (request.cancelled.wait(5), request.check(), found(request))[-1], failed)
    for k in range(3):
        worker.submit(asker.request(str(k)))
    while not worker.busy:
        pass
    worker.close()
    assert [status for _, status, _ in asker.results] == [Status.CANCELLED] * 3

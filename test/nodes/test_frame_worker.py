from __future__ import annotations

from threading import Event
from time import monotonic, sleep

import pytest

from spatial_llava_ros.nodes.frame_worker import FrameWorker


@pytest.fixture
def start():
    made = []

    def make(step, **options) -> FrameWorker:
        made.append(
            FrameWorker(step, options.pop("period", lambda: 0.01), options.pop("failed", lambda e: None), **options)
        )
        return made[-1]

    yield make
    for worker in made:
        worker.close()


def test_frames_go_on_under_a_flood_of_jobs(start):
    steps = []
    worker = start(lambda: not steps.append(1))
    until = monotonic() + 1.0
    done = []
    while monotonic() < until:
        worker.submit(lambda run: (sleep(0.002), done.append(run)))
    assert len(steps) > 5 and len(done) > 5


def test_an_exception_of_a_frame_is_told_and_the_next_one_comes(start):
    told, again = [], Event()

    def step():
        if told:
            again.set()
            return True
        raise RuntimeError("boom")

    start(step, failed=told.append)
    assert again.wait(5)
    assert str(told[0]) == "boom"


def test_too_many_jobs_are_refused_and_closing_answers_the_rest(start):
    release, began, done = Event(), Event(), []
    worker = start(lambda: False, waiting=2)
    assert worker.submit(lambda run: (began.set(), release.wait(5)))
    assert began.wait(5)
    assert [worker.submit(done.append) for _ in range(4)] == [True, True, False, False]
    worker._closing.set()
    release.set()
    worker.close()
    assert done == [False, False]
    assert not worker.submit(done.append)

"""A model that loads in the background: refused while nobody knows how long, waited for once that is known."""

from __future__ import annotations

import time
from threading import Event

import numpy as np
import pytest

from spatial_llava_ros.errors import MissingDependencyError
from spatial_llava_ros.model.background import BackgroundModel
from spatial_llava_ros.model.errors import ModelCancelled, ModelError, ModelLoadError, ModelTimeout
from spatial_llava_ros.model.grounder import ModelAnswer
from spatial_llava_ros.model.opening import ModelChoice
from spatial_llava_ros.model.patience import Patience
from spatial_llava_ros.types import Grounding, Status

ANSWER = ModelAnswer(Grounding(Status.NOT_FOUND, np.zeros(0), 1.0, (), "model"), "marks")


class Loading:
    """Grounder and back-end in one: ready once it is let, failing with what it is told."""

    def __init__(self) -> None:
        self.let, self.closed, self.waiting = Event(), Event(), Event()
        self.failure: Exception | None = None
        self.died = 0  # times that waiting for it ends in the death of its process

    def open(self):
        return self, self

    def wait_ready(self, patience: Patience) -> str:
        self.waiting.set()
        while not self.let.wait(0.005):
            patience.check()
        if self.died:
            self.died -= 1
            raise ModelError("the model process died (signal 9); a new one is loading")
        return "2 GB"

    def ground(self, *question) -> ModelAnswer:
        if self.failure is not None:
            raise self.failure
        return ANSWER

    def close(self) -> None:
        self.closed.set()


@pytest.fixture
def loading():
    return Loading()


@pytest.fixture
def made():
    models = []

    def make(load, **options) -> BackgroundModel:
        models.append(BackgroundModel("some/model", load, **options))
        return models[-1]

    yield make
    for model in models:
        model.close()


def ask(model: BackgroundModel, seconds: float = 5.0, **patience) -> ModelAnswer:
    return model.ground(None, None, "the mug", Patience(time.monotonic() + seconds, **patience))


def until(model: BackgroundModel, state: str) -> None:
    end = time.monotonic() + 10
    while model.state != state:
        assert time.monotonic() < end, model.describe()
        time.sleep(0.005)


def test_first_loading_refuses_questions_and_says_how_long_it_takes(made, loading):
    model = made(loading.open)
    with pytest.raises(ModelError, match=r"still loading \(for \d+ s\)"):
        ask(model)
    loading.let.set()
    until(model, "ready")
    assert ask(model) is ANSWER and model.describe() == "ready: 2 GB"


def test_questions_wait_where_nobody_else_can_answer(made, loading):
    model, heard = made(loading.open, waits=True), []

    def report(stage: str, text: str) -> None:
        heard.append((stage, text))
        loading.let.set()

    assert ask(model, report=report) is ANSWER
    assert heard[0][0] == "waiting for the model" and heard[0][1].startswith("loading")
    slow = made(Loading().open, waits=True)
    with pytest.raises(ModelTimeout, match="still loading"):
        ask(slow, 0.05)
    with pytest.raises(ModelCancelled):
        ask(slow, cancelled=lambda: True)


def test_after_a_crash_a_question_waits_if_its_time_is_enough(made, loading):
    model = made(loading.open)
    time.sleep(0.2)
    loading.let.set()
    until(model, "ready")
    loading.let.clear()
    loading.failure = ModelError("the model process died (signal 9)")
    with pytest.raises(ModelError, match="signal 9"):
        ask(model)
    loading.failure = None
    with pytest.raises(ModelError, match=r"still loading .* usually \d s"):
        ask(model, 0.05)  # less than it takes
    assert ask(model, 20, report=lambda stage, text: loading.let.set()) is ANSWER


def test_a_process_that_keeps_dying_is_given_up(made, loading):
    loading.died = 2
    loading.let.set()
    until(made(loading.open), "ready")
    loading.died = 3
    model = made(loading.open)
    until(model, "failed")
    with pytest.raises(ModelError, match="cannot be used: the model process died"):
        ask(model)


@pytest.mark.parametrize(
    "error", [ModelLoadError("no model at /x"), MissingDependencyError("a model needs torch"), RuntimeError("bug")]
)
def test_what_prevents_loading_is_told_with_every_question(made, error):
    def load():
        raise error

    model = made(load, waits=True)
    until(model, "failed")
    for _ in range(2):
        with pytest.raises(ModelError, match=str(error)):
            ask(model)
    assert str(error) in model.describe()


def test_closing_ends_the_loading_and_frees_the_back_end(made, loading):
    model = made(loading.open)
    assert loading.waiting.wait(5)
    model.close()
    assert loading.closed.is_set()
    with pytest.raises(ModelError, match="closed"):
        ask(model)


@pytest.mark.parametrize("options", [{"model": ""}, {"mode": "guess"}, {"quantization": "int3"}])
def test_choice_names_what_it_does_not_know(options):
    with pytest.raises(ModelLoadError, match=next(iter(options.values())) or "empty"):
        ModelChoice(**{"model": "x"} | options)


def test_adapter_is_asked_for_before_every_question(loading, made):
    chosen, used = ["kitchen", "shelf"], []
    loading.use_adapter = used.append
    loading.let.set()
    model = made(loading.open, adapter=lambda: chosen.pop(0))
    until(model, "ready")
    for _ in range(2):
        ask(model)
    assert used == ["kitchen", "shelf"]

"""The model in its own process: the same answers, and a caller that survives whatever happens to it."""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from scenes import squares

pytest.importorskip("torch", reason="models need the extra [model]")
pytest.importorskip("transformers", reason="models need the extra [model]")

from spatial_llava_ros.model.errors import ModelCancelled, ModelError, ModelLoadError, ModelTimeout
from spatial_llava_ros.model.loading import ModelOptions
from spatial_llava_ros.model.patience import Patience
from spatial_llava_ros.model.process import ProcessBackend
from spatial_llava_ros.model.transformers_backend import TransformersBackend


@pytest.fixture(scope="module")
def options(checkpoints):
    return ModelOptions(str(checkpoints("llava")), quantization="none")


@pytest.fixture(scope="module")
def remote(options):
    backend = ProcessBackend(options, facts=True)
    yield backend
    backend.close()
    assert backend._child.process.poll() is not None


def test_answers_are_those_of_the_same_model_here(remote, options):
    frame, features = squares()
    here = TransformersBackend.load(options, facts=True)
    for text in ("the red square", "the green thing on the right"):
        scores, none = remote.score(frame, features, text)
        wanted, wanted_none = here.score(frame, features, text)
        assert np.allclose(scores, wanted, atol=1e-5) and none == pytest.approx(wanted_none, abs=1e-5)
        assert remote.boxes(frame, text)[0] == here.boxes(frame, text)[0]
        assert remote._sent == (frame, features)  # the frame travels once, so that what was read of it is kept
    assert "GB of weights on cpu" in remote.wait_ready()


def test_killed_in_mid_request_it_says_so_and_the_next_answers(remote):
    frame, features = squares()
    before = remote.score(frame, features, "the red square")
    os.kill(remote.pid, signal.SIGSTOP)  # so that the request is surely under way when it dies
    pid = remote.pid
    threading.Timer(0.3, os.kill, (pid, signal.SIGKILL)).start()
    begun = time.monotonic()
    with pytest.raises(ModelError, match="signal 9"):
        remote.score(frame, features, "the blue square")
    assert time.monotonic() - begun < 2.3
    assert remote.pid != pid and not remote._options.cuda_graphs  # they may have been the cause
    after = remote.score(frame, features, "the red square", Patience(time.monotonic() + 60))
    assert np.allclose(after[0], before[0], atol=1e-5)


def test_cancel_and_deadline_return_at_once_and_late_replies_are_dropped(remote):
    frame, features = squares()
    wanted = remote.score(frame, features, "the red square")
    pid = remote.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        with pytest.raises(ModelCancelled):
            remote.score(frame, features, "x", Patience(cancelled=lambda: time.monotonic() > begun + 0.1))
        with pytest.raises(ModelTimeout):
            remote.score(frame, features, "y", Patience(time.monotonic() + 0.1))
        assert time.monotonic() - begun < 3
    finally:
        os.kill(pid, signal.SIGCONT)
    assert np.allclose(remote.score(frame, features, "the red square")[0], wanted[0], atol=1e-5)
    assert remote.pid == pid


def test_child_that_never_comes_back_is_ended_and_replaced(options, monkeypatch):
    frame, features = squares()
    backend = ProcessBackend(options)
    try:
        wanted, _ = backend.score(frame, features, "the red square")
        monkeypatch.setattr("spatial_llava_ros.model.process._HUNG", 0.4)
        pid = backend.pid
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(ModelTimeout):
            backend.score(frame, features, "x", Patience(time.monotonic() + 0.1))
        with pytest.raises(ModelError, match=r"did not end a request within 0\.4 s"):
            backend.score(frame, features, "y", Patience(time.monotonic() + 30))
        assert backend.pid != pid
        assert np.allclose(backend.score(frame, features, "the red square")[0], wanted, atol=1e-5)
    finally:
        backend.close()


def test_what_is_written_is_told_meanwhile(remote):
    frame, features = squares()
    heard = []
    patience = Patience(report=lambda stage, text: heard.append((stage, text)))
    remote.score(frame, features, "the red square", patience)
    assert heard == [("marks", "")]
    heard.clear()
    boxes, _, _ = remote.boxes(frame, "the red square", patience)
    assert boxes and all(stage == "box" for stage, _ in heard)
    texts = [text for _, text in heard]
    assert len(texts) > 5 and all(later.startswith(text) for text, later in itertools.pairwise(texts))
    assert texts[-1].count(",") == 3


def test_model_that_cannot_be_loaded_is_told_once_and_again():
    frame, features = squares()
    backend = ProcessBackend(ModelOptions("/no/such/model"))
    try:
        for _ in range(2):
            with pytest.raises(ModelLoadError, match="/no/such/model"):
                backend.score(frame, features, "x")
    finally:
        backend.close()
    with pytest.raises(ModelError, match="closed"):
        backend.score(frame, features, "x")


def test_adapters_are_switched_also_in_a_process_that_is_anew(checkpoints, tmp_path):
    import torch

    peft = pytest.importorskip("peft")
    plain = ModelOptions(str(checkpoints("llava")), quantization="none")
    for seed, name in enumerate(("kitchen", "shelf")):
        torch.manual_seed(seed)
        config = peft.LoraConfig(r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
        peft.get_peft_model(TransformersBackend.load(plain).loaded.model, config).save_pretrained(tmp_path / name)
    options = replace(plain, adapters={name: str(tmp_path / name) for name in ("kitchen", "shelf")})
    frame, features = squares()
    here, there = TransformersBackend.load(options), ProcessBackend(options)
    try:
        answers = {}
        for name in ("kitchen", "shelf", ""):
            here.use_adapter(name)
            there.use_adapter(name)
            answers[name] = here.score(frame, features, "the red square")[0]
            assert np.allclose(there.score(frame, features, "the red square")[0], answers[name], atol=1e-5)
        assert np.abs(answers["kitchen"] - answers["shelf"]).max() > 1e-4
        assert np.allclose(TransformersBackend.load(plain).score(frame, features, "the red square")[0], answers[""])
        there.use_adapter("garden")
        with pytest.raises(ModelLoadError, match="'garden' is loaded; loaded: kitchen, shelf"):
            there.score(frame, features, "the red square")
        there.use_adapter("kitchen")
        os.kill(there.pid, signal.SIGKILL)
        with pytest.raises(ModelError, match="signal 9"):
            there.score(frame, features, "the red square")
        assert np.allclose(there.score(frame, features, "the red square")[0], answers["kitchen"], atol=1e-5)
    finally:
        there.close()

# ruff: noqa: E402
"""A pass broken off anywhere: at once, in every family, and without a trace in the next answer. And a full device."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="models need the extra [model]")
pytest.importorskip("transformers", reason="models need the extra [model]")

import tiny
from scenes import squares

from spatial_llava_ros.model import interruption
from spatial_llava_ros.model.conversation import Conversation
from spatial_llava_ros.model.errors import ModelCancelled, ModelMemoryError, ModelTimeout
from spatial_llava_ros.model.patience import Patience
from spatial_llava_ros.model.transformers_backend import TransformersBackend


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (96, 128, 3), dtype=np.uint8)


def after(looks: int) -> Patience:
    """Ends at the given look."""
    seen = []
    return Patience(cancelled=lambda: seen.append(1) or len(seen) > looks)


@pytest.mark.parametrize("name", tiny.BUILDERS)
def test_pass_broken_off_anywhere_leaves_no_trace(load, name, monkeypatch):
    monkeypatch.setattr(interruption, "_EVERY", 0.0)
    loaded = load(name)
    conversation = Conversation(loaded)
    color = loaded.family.prepare(picture())
    first, second = (conversation.prompt(loaded.family.box_question(q)) for q in ("the red mug", "what is behind it"))
    wanted = Conversation(loaded).ask(color, second).logits
    broken = 0
    for looks in range(1, 100, 11):
        conversation.forget()
        try:
            conversation.ask(color, first, (), after(looks))
        except ModelCancelled:
            broken += 1
            conversation.ask(color, first)
        try:
            conversation.ask(color, second, (), after(looks))
        except ModelCancelled:
            broken += 1
        assert torch.allclose(conversation.ask(color, second).logits, wanted, atol=1e-5)
    assert broken > 3


def test_fed_tokens_broken_off_are_not_kept(load, monkeypatch):
    monkeypatch.setattr(interruption, "_EVERY", 0.0)
    conversation = Conversation(load("qwen2-vl"))
    prompt = conversation.prompt("the mug")
    turn = conversation.ask(picture(), prompt)
    wanted = turn.feed([5, 6, 7])[-1].clone()
    turn.rewind(3)
    turn._patience = after(9)
    with pytest.raises(ModelCancelled):
        turn.feed([5, 6, 7])
    turn._patience = Patience()
    assert torch.allclose(turn.feed([5, 6, 7])[-1], wanted, atol=1e-6)


def test_question_without_end_is_left_alone(load):
    conversation = Conversation(load("llava"))
    prompt = conversation.prompt("the mug")
    with pytest.raises(ModelTimeout):
        conversation.ask(picture(), prompt, (), Patience(time.monotonic() - 1))
    conversation.ask(picture(), prompt)


def test_one_callers_patience_is_not_anothers(load):
    """A pass under no deadline, while one with a deadline long over ran before it on the same thread's model."""
    loaded = load("llava")
    conversation = Conversation(loaded)
    with loaded.interruption.of(after(0)), pytest.raises(ModelCancelled):
        loaded.model(input_ids=torch.tensor([[5, 6]]))
    assert torch.isfinite(conversation.ask(picture(), conversation.prompt("x")).logits).all()


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)"),
    ],
    ids=["cuda", "cpu", "cublas"],
)
def test_full_device_is_a_memory_error_and_forgets_its_pictures(load, monkeypatch, error):
    frame, features = squares()
    backend = TransformersBackend(load("llava"))
    wanted, _ = backend.score(frame, features, "the red square")
    other, its = squares()

    def full(*_):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(backend.conversation, "_read_anew", full)
        with pytest.raises(ModelMemoryError, match="no memory left on cpu"):
            backend.score(other, its, "the red square")
    assert not backend.conversation._pictures
    assert np.allclose(backend.score(frame, features, "the red square")[0], wanted, atol=1e-5)


def test_box_question_after_marks_is_drafted_by_the_likely_regions(load):
    frame, features = squares()
    backend = TransformersBackend(load("llava"))
    given = []
    ask = backend._boxes.ask
    backend._boxes.ask = lambda *args, drafts, **more: (given.append(list(drafts)), ask(*args, drafts=drafts, **more))[
        1
    ]
    plain = backend.boxes(frame, "the red square")
    scores, _ = backend.score(frame, features, "the red square")
    drafted = backend.boxes(frame, "the red square")
    backend.boxes(frame, "the blue square")
    assert given == [[], [features.regions[i].box for i in np.argsort(-scores)], []]
    assert drafted[0] == plain[0] and drafted[1] == pytest.approx(plain[1], rel=1e-3)


@pytest.mark.slow
def test_cancel_ends_a_long_pass_early(tmp_path):
    """A model whose one pass takes long: cancelled a tenth into it, it ends far before its end."""
    from spatial_llava_ros.model.loading import ModelOptions, load_model
    from spatial_llava_ros.model.true_sizes import build

    build("small", tmp_path, torch.float32)
    loaded = load_model(ModelOptions(str(tmp_path), quantization="none"))
    conversation = Conversation(loaded)
    color = np.zeros((336, 336, 3), np.uint8)
    prompt = conversation.prompt("the mug " * 300)
    conversation.ask(color, prompt)
    conversation.forget()
    begun = time.monotonic()
    conversation.ask(color, prompt)
    whole = time.monotonic() - begun
    conversation.forget()
    stop = threading.Event()
    threading.Timer(0.1 * whole, stop.set).start()
    begun = time.monotonic()
    with pytest.raises(ModelCancelled):
        conversation.ask(color, prompt, (), Patience(cancelled=stop.is_set))
    assert time.monotonic() - begun < 0.6 * whole

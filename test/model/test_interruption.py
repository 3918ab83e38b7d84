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
from spatial_llava_ros.model.patience import SMALLER, Patience
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


class Full:
    """Fails as a full device does, for pictures wider than a limit."""

    def __init__(self, backend, monkeypatch, limit, error):
        self.widths = []
        read = backend.conversation._read_anew

        def reading(color, *rest):
            self.widths.append(color.shape[1])
            if color.shape[1] > limit:
                raise error
            return read(color, *rest)

        monkeypatch.setattr(backend.conversation, "_read_anew", reading)


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
@pytest.mark.parametrize("name", ["llava", "qwen2.5-vl", "paligemma"])
def test_full_device_is_asked_about_half_the_picture(load, monkeypatch, name, error):
    frame, features = squares()
    backend = TransformersBackend(load(name))
    full = Full(backend, monkeypatch, 64, error)
    stages = []
    patience = Patience(report=lambda stage, text: stages.append(stage))
    scores, none = backend.score(frame, features, "the red square", patience)
    assert scores.sum() + none == pytest.approx(1) and SMALLER in stages
    assert full.widths == [128, 64]
    stages.clear()
    boxes, _, problem = backend.boxes(frame, "the red square", patience)
    assert SMALLER in stages and 128 not in full.widths[2:]  # known of this frame: not tried again
    assert problem or all(0 <= v <= (128, 96)[i % 2] for i, v in enumerate(boxes[0]))
    other, its = squares()
    backend.score(other, its, "the red square", patience)
    assert full.widths[-2:] == [128, 64]


def test_box_on_half_a_picture_is_in_pixels_of_the_whole(load):
    """A model that always answers the same text: the same part of the picture, so twice the pixels."""
    frame, _ = squares()
    backend = TransformersBackend(load("qwen2.5-vl"))
    family = backend.loaded.family

    class Said:
        boxes = tuple(family.decode_answer(family.encode_box((10, 10, 40, 30), (48, 64)), (48, 64)))
        score, problem = 0.5, ""

    backend._boxes.ask = lambda picture, shape, text, patience, drafts: Said
    (box,), _, _ = backend._ask_boxes(frame, "x", Patience(), shrink=2)
    assert box == pytest.approx([2 * v for v in Said.boxes[0]])
    assert box == pytest.approx((20, 20, 80, 60), abs=3)


def test_device_too_full_for_half_the_picture_is_a_memory_error(load, monkeypatch):
    frame, features = squares()
    backend = TransformersBackend(load("llava"))
    full = Full(backend, monkeypatch, 10, torch.OutOfMemoryError("CUDA out of memory"))
    with pytest.raises(ModelMemoryError, match="no memory left on cpu"):
        backend.score(frame, features, "the red square")
    assert full.widths == [128, 64] and not backend.conversation._pictures


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

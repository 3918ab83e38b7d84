# ruff: noqa: E402
"""Fixed steps, which CUDA would record: on any device they compute what the plain way computes."""

from __future__ import annotations

import logging

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="models need the extra [model]")
pytest.importorskip("transformers", reason="models need the extra [model]")

from spatial_llava_ros.model import replay
from spatial_llava_ros.model.box_mode import BoxMode
from spatial_llava_ros.model.conversation import Conversation
from spatial_llava_ros.model.marks_mode import MarksMode

SHAPE = (96, 128)
NAMES = ("llava", "llava-next", "llava-onevision", "internvl", "qwen2-vl", "qwen2.5-vl", "qwen3-vl", "vpp-llava")


def pictures(loaded, n):
    rng = np.random.default_rng(0)
    return [loaded.family.prepare(rng.integers(0, 255, (*SHAPE, 3), dtype=np.uint8)) for _ in range(n)]


def fixed(loaded):
    """A conversation that takes fixed steps, unrecorded; it counts them."""
    conversation, runs = Conversation(loaded), []
    conversation.replays.usable = True
    step = conversation.replays.step

    def counted(*given):
        found = step(*given)
        runs.append(found is not None)
        return found

    conversation.replays.step = counted
    return conversation, runs


@pytest.mark.parametrize("name", NAMES)
def test_steps_of_every_width_give_the_logits_of_the_plain_way(load, name):
    loaded = load(name)
    assert loaded.model.config.model_type in replay.MODEL_TYPES
    (color,) = pictures(loaded, 1)
    (steps, runs), plain = fixed(loaded), Conversation(loaded)
    prompt = plain.prompt("which")
    one, other = steps.ask(color, prompt), plain.ask(color, prompt)
    for width in (1, 2, 3, 5, 8, 11, 16, 2, 1):
        tokens, keep = list(range(5, 5 + width)), (-width, -1) if width > 1 else (-1,)
        for again in range(2):  # the first records, the second replays
            got, wanted = one.feed(tokens, keep), other.feed(tokens, keep)
            assert torch.allclose(got, wanted, atol=1e-5)
            if again:
                one.rewind(width - 1)
                other.rewind(width - 1)
    assert sum(runs) > len(runs) / 2 and steps.replays.usable


@pytest.mark.parametrize("name", ["llava", "qwen2.5-vl"])
def test_answers_are_the_same_and_steps_outlive_their_picture(load, name):
    loaded = load(name)
    (steps, runs), plain = fixed(loaded), Conversation(loaded)
    words = ("the red mug", "what lies behind the big book", "it")
    for color in pictures(loaded, 6):  # three are kept
        for text in words:
            one, other = (MarksMode(c).ask_marks(color, text, [str(k) for k in range(1, 13)]) for c in (steps, plain))
            assert one[0] == pytest.approx(other[0], abs=1e-6)
            assert BoxMode(steps).ask(color, SHAPE, text).text == BoxMode(plain).ask(color, SHAPE, text).text
    late = runs[-len(runs) // 3 :]
    assert sum(late) > 0.8 * len(late)


def test_step_that_computes_something_else_is_not_used(load, caplog, monkeypatch):
    loaded = load("llava")
    compute = replay.FixedStep.compute

    def wrong(self):
        compute(self)
        self.logits = self.logits + torch.randn(self.logits.shape)

    monkeypatch.setattr(replay.FixedStep, "compute", wrong)
    (steps, runs), plain = fixed(loaded), Conversation(loaded)
    (color,) = pictures(loaded, 1)
    with caplog.at_level(logging.WARNING):
        one, other = (c.ask(color, plain.prompt("which")) for c in (steps, plain))
        for token in (5, 6, 7):
            assert torch.allclose(one.feed([token]), other.feed([token]), atol=1e-5)
    assert not any(runs) and not steps.replays.usable
    assert "CUDA graphs are not used: logits differ" in caplog.text and caplog.text.count("\n") == 1


def test_they_are_for_cuda_and_what_can_be_recorded(load):
    from dataclasses import replace

    loaded = load("llava")
    assert not replay.may_replay(loaded)
    on_gpu = replace(loaded, device=torch.device("cuda"))
    assert replay.may_replay(on_gpu)
    for options in ({"quantization": "int8"}, {"cuda_graphs": False}):
        assert not replay.may_replay(replace(on_gpu, options=replace(loaded.options, **options)))
    assert not replay.may_replay(replace(load("paligemma"), device=torch.device("cuda")))

# ruff: noqa: E402
"""Our token loop against transformers' own `generate` with a logits processor for the same grammar."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="models need the extra [model]")
pytest.importorskip("transformers", reason="models need the extra [model]")

import tiny
from transformers import LogitsProcessor

from spatial_llava_ros.model.answer_format import Unreadable
from spatial_llava_ros.model.box_mode import MOST_TOKENS, BoxMode
from spatial_llava_ros.model.conversation import Conversation
from spatial_llava_ros.model.marks_mode import MarksMode

SHAPE = (96, 128)


class Grammar(LogitsProcessor):
    """The start that is put into the model's mouth, then only tokens that continue a box, then the end."""

    def __init__(self, mode: BoxMode, forced: list[int], end: int) -> None:
        self.mode, self.forced, self.end, self.start = mode, forced, end, None

    def __call__(self, ids, scores):
        if self.start is None:
            self.start = ids.shape[1]
        new = ids[0, self.start :].tolist()
        family = self.mode.conversation.loaded.family
        if len(new) < len(self.forced):
            allowed = [self.forced[len(new)]]
        else:
            text = family.box_opening + "".join(self.mode._texts[token] for token in new[len(self.forced) :])
            limits = family.limits(SHAPE)
            done = family.format.complete(text, limits)
            allowed = [self.end] if done else self.mode._grammar.allowed(text, limits)
        masked = torch.full_like(scores, -torch.inf)
        masked[0, allowed] = scores[0, allowed]
        return masked


@pytest.mark.parametrize("name", tiny.BUILDERS)
def test_grammar_loop_writes_what_generate_writes(load, name):
    if name == "vpp-llava":
        pytest.skip("plain generate knows nothing of its visual position prompt")
    loaded = load(name)
    conversation = Conversation(loaded)
    mode, family = BoxMode(conversation), loaded.family
    end = conversation.tokenizer.eos_token_id
    for seed, words in enumerate(("the mug", "what lies behind it")):
        color = family.prepare(np.random.default_rng(seed).integers(0, 255, (*SHAPE, 3), dtype=np.uint8))
        prompt = conversation.prompt(family.box_question(words))
        forced = conversation.start_ids(prompt, family.box_start)
        inputs, _ = conversation._tokenise(color, prompt, None)
        grammar = Grammar(mode, forced, end)
        with torch.inference_mode():
            out = loaded.model.generate(
                **inputs, logits_processor=[grammar], do_sample=False, num_beams=1, eos_token_id=end,
                max_new_tokens=MOST_TOKENS + len(forced), use_cache=True,
            )  # fmt: skip
        theirs = [token for token in out[0, grammar.start :].tolist() if token != end][len(forced) :]
        got = mode.ask(color, SHAPE, words)
        text = family.box_opening + "".join(mode._texts[token] for token in theirs)
        assert got.text == family.answer_prefix + text
        decoded = family.decode_answer(got.text, SHAPE)
        assert got.boxes == (() if isinstance(decoded, Unreadable) else tuple(decoded))


@pytest.mark.parametrize("name", ["qwen3-vl", "internvl", "smolvlm", "paligemma", "florence-2"])
def test_marks_are_the_probabilities_that_generate_sees(load, name):
    """Labels of one token: the distribution is the softmax of `generate`'s first scores over the answers."""
    loaded = load(name)
    conversation = Conversation(loaded)
    labels = ["1", "2", "3", "4", "5"]
    color = loaded.family.prepare(np.random.default_rng(3).integers(0, 255, (*SHAPE, 3), dtype=np.uint8))
    p, none = MarksMode(conversation).ask_marks(color, "the mug", labels)
    prompt = conversation.prompt(loaded.family.marks_prompt("the mug", labels))
    base, paths = conversation.answer_ids(prompt, labels)
    assert all(len(path) == 1 for path in paths)
    inputs, _ = conversation._tokenise(color, prompt, None)
    steps = len(base) + 1

    class Force(LogitsProcessor):
        start = None

        def __call__(self, ids, scores):
            self.start = ids.shape[1] if self.start is None else self.start
            at = ids.shape[1] - self.start
            if at < len(base):
                masked = torch.full_like(scores, -torch.inf)
                masked[0, base[at]] = 0.0
                return masked
            return scores

    with torch.inference_mode():
        out = loaded.model.generate(
            **inputs, logits_processor=[Force()], do_sample=False, num_beams=1, max_new_tokens=steps,
            min_new_tokens=steps, output_logits=True, return_dict_in_generate=True,
        )  # fmt: skip
    seen = torch.softmax(out.logits[-1][0].float(), dim=-1)[[path[0] for path in paths]]
    assert p / p.sum() == pytest.approx((seen / seen.sum()).numpy(), rel=1e-3)
    assert p.sum() + none == pytest.approx(1)

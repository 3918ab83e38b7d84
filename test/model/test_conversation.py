# ruff: noqa: E402
"""From picture to box and to probabilities with every family's own classes: exact codecs, exact caches, exact tries."""

from __future__ import annotations

import time

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="models need the extra [model]")
pytest.importorskip("transformers", reason="models need the extra [model]")

import tiny
from dictated import Dictated
from scenes import squares

from spatial_llava_ros.model.box_mode import BoxMode
from spatial_llava_ros.model.conversation import Conversation
from spatial_llava_ros.model.errors import ModelCancelled, ModelError, ModelTimeout
from spatial_llava_ros.model.marks_mode import (
    NONE_WORDS,
    MarksMode,
    fit_temperature,
    label_probabilities,
    largest_branch,
)
from spatial_llava_ros.model.patience import Patience

ALL = list(tiny.BUILDERS)
CAUSAL = [name for name in ALL if name not in ("florence-2", "paligemma")]


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("shape", [(96, 128), (128, 96)], ids=["landscape", "portrait"])
@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("free", [False, True], ids=["grammar", "free"])
def test_a_box_said_in_tokens_arrives_on_the_picture(load, name, shape, free):
    loaded = load(name)
    family, conversation = loaded.family, Dictated(loaded)
    box = (0.2 * shape[1], 0.3 * shape[0], 0.7 * shape[1], 0.8 * shape[0])
    answer = family.encode_box(box, shape)
    opening = answer.index(family.format.start)
    answer = family.answer_prefix + answer[opening : answer.rindex(family.format.end) + len(family.format.end)]
    if name == "kosmos-2":
        answer = family.encode_box(box, shape)
    prompt = conversation.prompt(family.box_question("the mug"))
    start = [] if free else conversation.start_ids(prompt, family.box_start)
    (whole, _), base = conversation._after(prompt, [answer, answer])
    tokens = whole[base:][len(start) :]
    conversation.say(len(start), [*tokens, conversation.tokenizer.eos_token_id])
    color = family.prepare(picture(*shape))
    got = BoxMode(conversation).ask(color, shape, "the mug", free=free)
    assert not got.problem
    assert list(got.boxes) == family.decode_answer(answer, shape)
    step = family.resolution(shape)
    if family.points:
        box, found = (tuple((b[i] + b[i + 2]) / 2 for i in (0, 1)) for b in (box, got.boxes[0]))
    else:
        found = got.boxes[0]
    assert all(abs(a - b) <= step[i % 2] for i, (a, b) in enumerate(zip(box, found, strict=True)))
    assert got.score > 0.99


@pytest.mark.parametrize("name", ["llava", "vpp-llava", "qwen2.5-vl", "internvl", "florence-2", "kosmos-2"])
def test_drafts_save_passes_and_change_nothing(load, name):
    loaded = load(name)
    family, conversation = loaded.family, Dictated(loaded)
    shape = (96, 128)
    color = family.prepare(picture(*shape))
    box, near, far = (26.0, 29.0, 90.0, 77.0), (26.0, 31.0, 88.0, 77.0), (100.0, 2.0, 120.0, 20.0)
    start = conversation.start_ids(conversation.prompt(family.box_question("x")), family.box_start)
    answer = family.encode_box(box, shape)
    prompt = conversation.prompt(family.box_question("the mug"))
    (whole, _), base = conversation._after(prompt, [family.answer_prefix + answer] * 2)
    conversation.say(len(start), whole[base:][len(start) :])
    mode, passes, answers = BoxMode(conversation), [], []
    for drafts in ((), (far,), (far, near), (far, box)):
        answers.append(mode.ask(color, shape, "the mug", drafts=drafts))
        passes.append(conversation.passes)
    # A picture that is read anew answers the first question in the pass that reads it.
    assert passes[3] <= 1 and passes[3] < passes[2] <= passes[0]
    assert {a.boxes for a in answers} == {tuple(family.decode_answer(answer, shape))}
    assert [a.score for a in answers] == pytest.approx([answers[0].score] * 4, rel=1e-3)


@pytest.mark.parametrize("name", ["llava", "qwen2.5-vl", "paligemma", "kosmos-2", "smolvlm"])
def test_drafts_do_not_change_what_random_weights_write(load, name):
    loaded = load(name)
    shape = (96, 128)
    color = loaded.family.prepare(picture(*shape))
    mode = BoxMode(Conversation(loaded))
    plain = mode.ask(color, shape, "the mug")
    rng = np.random.default_rng(0)
    for _ in range(4):
        x, y = np.sort(rng.uniform(0, 128, (2, 2)), axis=0).T
        drafted = mode.ask(color, shape, "the mug", drafts=[(x[0], y[0] * 0.7, x[1] + 1, y[1] * 0.7 + 1), *plain.boxes])
        assert drafted.text == plain.text
        assert drafted.score == pytest.approx(plain.score, rel=1e-3)


@pytest.mark.parametrize("name", ALL)
def test_random_weights_still_write_a_box_under_the_grammar(load, name):
    loaded = load(name)
    shape = (96, 128)
    got = BoxMode(Conversation(loaded)).ask(loaded.family.prepare(picture(*shape)), shape, "the mug")
    assert len(got.boxes) == 1 or "outside" in got.problem
    assert 0 < got.score < 0.5


@pytest.mark.parametrize("name", CAUSAL)
def test_second_question_about_a_picture_gives_the_logits_of_a_first(load, name):
    loaded = load(name)
    color = loaded.family.prepare(picture(96, 128))
    used, fresh = Conversation(loaded), Conversation(loaded)
    questions = [
        used.prompt(loaded.family.box_question(q)) for q in ("the red mug", "what lies behind the big blue book")
    ]
    used.ask(color, questions[0])
    reads = []
    real = used.forward_tokens
    used.forward_tokens = lambda picture, tokens, *more: (reads.append(len(tokens)), real(picture, tokens, *more))[1]
    again = used.ask(color, questions[1])
    assert len(reads) == 1 and reads[0] < len(again._picture.ids) - again._picture.image_end + 1
    first = fresh.ask(color, questions[1])
    assert torch.allclose(again.logits, first.logits, atol=1e-5)
    fed = again.feed([5, 6])[-1].clone()
    assert torch.allclose(fed, first.feed([5, 6])[-1], atol=1e-5)
    again.rewind(2)
    assert torch.allclose(again.feed([5, 6])[-1], fed, atol=1e-6)
    rows = again.feed([7, 8, 9], (-3, -2, -1))
    again.rewind(3)
    assert torch.allclose(again.feed([7, 8, 9], (-3, -1)), rows[[0, 2]], atol=1e-6)


@pytest.mark.parametrize("name", ["paligemma", "florence-2", "llava", "qwen2.5-vl"])
def test_picture_is_seen_once(load, name):
    loaded = load(name)
    colors = [loaded.family.prepare(picture(96, 128, seed)) for seed in range(2)]
    conversation, looks = Conversation(loaded), []
    core = loaded.model.model
    tower = getattr(core, "vision_tower", None) or core.visual
    hook = tower.register_forward_pre_hook(lambda *_: looks.append(1))
    for k, color in enumerate((*colors, *colors)):
        for words in ("the red mug", "what lies behind it"):
            prompt = conversation.prompt(loaded.family.box_question(words))
            fresh = Conversation(loaded).ask(color.copy(), prompt).logits
            looks.clear()
            assert torch.allclose(conversation.ask(color, prompt).logits, fresh, atol=1e-5)
            assert bool(looks) == (k < 2 and words == "the red mug")
    hook.remove()


@pytest.mark.parametrize("name", ["paligemma", "florence-2"])
def test_families_whose_picture_looks_at_the_question_are_read_anew(load, name):
    loaded = load(name)
    color = loaded.family.prepare(picture(96, 128))
    used, fresh = Conversation(loaded), Conversation(loaded)
    used.ask(color, used.prompt("detect mug"))
    prompt = used.prompt("detect the other thing")
    assert torch.allclose(used.ask(color, prompt).logits, fresh.ask(color, prompt).logits, atol=1e-5)


@pytest.mark.parametrize("name", ALL)
def test_the_picture_matters(load, name):
    conversation = Conversation(load(name))
    prepare = conversation.loaded.family.prepare
    prompt = conversation.prompt("the mug")
    one, other = (
        conversation.ask(prepare(color), prompt).logits for color in (picture(96, 128), picture(96, 128, 1) // 3)
    )
    assert (one - other).abs().max() > 1e-5


def test_kept_pictures_are_bounded(load):
    conversation = Conversation(load("llava"))
    kept = conversation.loaded.options.kept_pictures
    for seed in range(kept + 2):
        conversation.ask(picture(64, 64, seed), conversation.prompt("the mug"))
    assert len(conversation._pictures) == kept
    conversation.forget()
    assert not conversation._pictures


@pytest.mark.parametrize("name", ["llava", "qwen2.5-vl", "florence-2", "kosmos-2"])
def test_label_probabilities_are_those_of_restricted_decoding(load, name):
    """Against every label's tokens scored by themselves, one after the other."""
    loaded = load(name)
    conversation = Conversation(loaded)
    labels = [str(i + 1) for i in range(23)]
    answers = [*labels, *NONE_WORDS]
    color = loaded.family.prepare(picture(96, 128))
    mode = MarksMode(conversation)
    got, none = mode.ask_marks(color, "the mug", labels)
    assert got.sum() + none == pytest.approx(1)

    prompt = conversation.prompt(loaded.family.marks_prompt("the mug", labels))
    base, paths = conversation.answer_ids(prompt, answers)
    continuing = mode._continuing
    for i in (0, 1, 2, 8, 10, 18, 22, 23):
        p = 1.0
        for depth, token in enumerate([*paths[i], None]):
            rivals = {path[depth] if depth < len(path) else None for path in paths if path[:depth] == paths[i][:depth]}
            if len(rivals) == 1:
                continue
            turn = conversation.ask(color, prompt, [*base, *paths[i][:depth]])
            mass = torch.softmax(turn.logits, dim=-1)
            stop = torch.zeros(len(mass), dtype=torch.bool)
            stop[: len(continuing)] = continuing[: len(mass)]
            weights = {t: float(mass[~stop].sum()) if t is None else float(mass[t]) for t in rivals}
            p *= weights[token] / sum(weights.values())
        # "none" and "None" are two answers; the first of them is index 23
        if i < 23:
            assert got[i] == pytest.approx(p, rel=1e-3), labels[i]


def test_temperature_flattens_and_does_not_reorder(load):
    conversation = Conversation(load("qwen2-vl"))
    color = picture(96, 128)
    labels = ["1", "2", "3", "4"]
    cold, _ = MarksMode(conversation, temperature=0.3).ask_marks(color, "the mug", labels)
    plain, _ = MarksMode(conversation).ask_marks(color, "the mug", labels)
    warm, _ = MarksMode(conversation, temperature=5).ask_marks(color, "the mug", labels)
    assert (np.argsort(cold) == np.argsort(plain)).all() and (np.argsort(warm) == np.argsort(plain)).all()
    assert np.ptp(warm) < np.ptp(plain) < np.ptp(cold)


def test_fitted_temperature_undoes_overconfidence():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1.5, (400, 6))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truths = [int(rng.choice(6, p=row)) for row in p]
    assert fit_temperature(list(3 * logits), truths) == pytest.approx(3, rel=0.2)
    assert fit_temperature(list(logits), truths) == pytest.approx(1, rel=0.2)


def test_trie_needs_a_pass_per_branch_only(load):
    """Single digits differ in their first token; "1" and "2" of 1..20 branch."""
    conversation = Conversation(load("qwen2-vl"))
    labels = [str(i + 1) for i in range(20)]
    prompt = conversation.prompt("which")
    base, paths = conversation.answer_ids(prompt, [*labels, *NONE_WORDS])
    turn = conversation.ask(picture(96, 128), prompt, base)
    passes = []
    feed = turn.feed
    turn.feed = lambda tokens: (passes.append(tokens), feed(tokens))[1]
    mode = MarksMode(conversation)
    stop = torch.zeros(len(turn.logits), dtype=torch.bool)
    stop[: len(mode._continuing)] = mode._continuing[: len(stop)]
    apart = label_probabilities(turn, paths, stop)
    assert len(passes) == 2
    ahead = largest_branch(paths)
    turn = conversation.ask(picture(96, 128), prompt, [*base, *ahead], keep=(-1 - len(ahead), -1))
    feed, passes = turn.feed, []
    turn.feed = lambda tokens: (passes.append(tokens), feed(tokens))[1]
    assert label_probabilities(turn, paths, stop, ahead=ahead) == pytest.approx(apart, rel=1e-4)
    assert len(passes) == 1


@pytest.mark.parametrize("name", ["llava", "florence-2"])
def test_deadline_and_cancel_end_both_modes(load, name):
    loaded = load(name)
    conversation = Conversation(loaded)
    color = loaded.family.prepare(picture(96, 128))
    late, cancelled = Patience(time.monotonic() - 1), Patience(cancelled=lambda: True)
    for patience, error in ((late, ModelTimeout), (cancelled, ModelCancelled)):
        with pytest.raises(error):
            BoxMode(conversation).ask(color, (96, 128), "the mug", patience)
        with pytest.raises(error):
            MarksMode(conversation).ask_marks(color, "the mug", ["1", "2"], patience=patience)
    asked = []
    midway = Patience(cancelled=lambda: asked.append(1) or len(asked) > 3)
    with pytest.raises(ModelCancelled):
        BoxMode(conversation).ask(color, (96, 128), "the mug", midway)
    after = BoxMode(conversation).ask(color, (96, 128), "the mug")
    assert after.boxes == BoxMode(Conversation(loaded)).ask(color, (96, 128), "the mug").boxes


def test_expression_with_control_tokens_is_words(load):
    conversation = Conversation(load("llava"))
    got = BoxMode(conversation).ask(picture(64, 64), (64, 64), "the <image> mug </s> USER:")
    assert got.boxes or got.problem


def test_picture_the_processor_refuses_is_a_model_error(load):
    conversation = Conversation(load("qwen2-vl"))
    with pytest.raises(ModelError, match="1000x2"):
        conversation.ask(picture(2, 1000), conversation.prompt("the mug"))


@pytest.mark.parametrize("name", ["llava", "qwen2.5-vl", "internvl", "smolvlm"])
def test_chat_format_of_the_checkpoint_is_used_and_its_start_token_not_doubled(load, name):
    loaded = load(name)
    conversation = Conversation(loaded)
    token = conversation.image_token
    template = (
        "<s>{% for m in messages %}[{{ m.role }}]{% for c in m.content %}"
        "{% if c.type == 'image' %}" + token + "{% else %}{{ c.text }}{% endif %}{% endfor %}{% endfor %}"
        "{% if add_generation_prompt %}[answer]\n{% endif %}"
    )
    before = loaded.processor.chat_template
    loaded.processor.chat_template = template
    try:
        prompt = conversation.prompt("where is the mug")
        assert prompt == f"<s>[user]{token}where is the mug[answer]\n"
        color = loaded.family.prepare(picture(96, 128))
        first = conversation.ask(color, prompt)
        ids = list(first._picture.ids)
        assert ids.count(conversation.tokenizer.bos_token_id) == 1
        again = conversation.ask(color, prompt)
        assert again._picture.ids == ids
        got = BoxMode(conversation).ask(color, (96, 128), "the mug")
        assert got.boxes or "outside" in got.problem
    finally:
        loaded.processor.chat_template = before


def test_answer_that_would_merge_with_the_prompt_repeats_none_of_it(load):
    """A tokeniser that makes one token of a line break and an n."""
    conversation = Conversation(load("llava"))
    conversation._ids = lambda text, special: [999 if pair == "\nn" else ord(pair[0]) for pair in pairs(text)]

    def pairs(text):
        while text:
            length = 2 if text.startswith("\nn") else 1
            yield text[:length]
            text = text[length:]

    base, paths = conversation.answer_ids("mug?\n", ["ne", "x"])
    assert (base, paths) == ([], [[ord("n"), ord("e")], [ord("x")]])
    base, paths = conversation.answer_ids("mug?\n", ["7", "78"])
    assert [[*base, *path] for path in paths] == [[ord("7")], [ord("7"), ord("8")]]


class Counted(MarksMode):
    """Counts the questions; label k of any picture gets weight k, so that the last mark wins."""

    def ask_marks(self, picture, text, labels, facts="", patience=None):
        self.asked = [*getattr(self, "asked", []), (id(picture), tuple(labels), facts)]
        p = np.arange(1.0, len(labels) + 1)
        return 0.8 * p / p.sum(), 0.2


def test_many_regions_are_asked_about_in_rounds_and_a_final(load):
    frame, features = squares()
    mode = Counted(Conversation(load("llava")), most=2)
    scores, none = mode.score(frame, features, "the square")
    # Rounds {1, 2} and {3}, of each the best goes to the final: 2 against 3.
    assert [labels for _, labels, _ in mode.asked] == [("1", "2"), ("1",), ("1", "2")]
    assert scores == pytest.approx([0, 0.8 / 3, 1.6 / 3]) and none == pytest.approx(0.2)


def test_permutations_average_the_bias_of_a_label_away(load):
    frame, features = squares()
    mode = Counted(Conversation(load("llava")), permutations=60)
    scores, none = mode.score(frame, features, "the square")
    assert scores == pytest.approx([0.8 / 3] * 3, abs=0.08) and scores.sum() + none == pytest.approx(1)
    assert len({picture for picture, _, _ in mode.asked}) == 6  # one picture per order, made once


@pytest.mark.parametrize("options", [{"letters": True}, {"facts": True}, {"permutations": 2}, {"most": 2}], ids=str)
def test_options_of_marks_mode_work_with_a_model(load, options):
    frame, features = squares()
    mode = MarksMode(Conversation(load("qwen2-vl")), **options)
    scores, none = mode.score(frame, features, "the red square")
    assert scores.sum() + none == pytest.approx(1) and (scores >= 0).all()
    again, _ = mode.score(frame, features, "the red square")
    assert again == pytest.approx(scores, abs=1e-6)

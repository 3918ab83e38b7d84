# ruff: noqa: E501
"""Boxes to text and back, for every family, on pictures of every shape; and answers that are none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.model.answer_format import Unreadable
from spatial_llava_ros.model.canvas import pad_to_square, padded_square, whole_patches
from spatial_llava_ros.model.errors import ModelLoadError
from spatial_llava_ros.model.families import FAMILIES, family_of
from spatial_llava_ros.model.families.locvlm import ABSENT, diga, ivb, loc_pred, neg_pred, nfp, rev_loc

CODECS = [*FAMILIES.values(), nfp(), ivb(), ivb(100), diga()]
BOXERS = [codec for codec in CODECS if not codec.points]
GRAMMARS = [codec for codec in CODECS if codec.name != "locvlm-diga"]
SHAPES = st.sampled_from([(480, 640), (640, 480), (16, 24), (3000, 4000), (4000, 1200), (333, 777), (60, 1000)])


@st.composite
def pictures_and_boxes(draw):
    height, width = draw(SHAPES)
    x = sorted(draw(st.lists(st.integers(0, width), min_size=2, max_size=2, unique=True)))
    y = sorted(draw(st.lists(st.integers(0, height), min_size=2, max_size=2, unique=True)))
    return (height, width), (float(x[0]), float(y[0]), float(x[1]), float(y[1]))


@pytest.mark.parametrize("family", BOXERS, ids=lambda f: f.name)
@settings(max_examples=30)
@given(case=pictures_and_boxes())
def test_box_survives_the_text_within_the_familys_resolution(family, case):
    shape, box = case
    decoded = family.decode_answer(family.encode_box(box, shape), shape)
    assert not isinstance(decoded, Unreadable), decoded
    assert len(decoded) == 1
    step = family.resolution(shape)
    for i, (wanted, got) in enumerate(zip(box, decoded[0], strict=True)):
        # Half a step from rounding; more where a thin box is widened, at the far edge of 0..999, or for cells.
        thin = box[i % 2 + 2] - box[i % 2] < step[i % 2]
        assert abs(wanted - got) <= step[i % 2] * (1.501 if thin and family.bins else 1.001) + 1e-6
    x1, y1, x2, y2 = decoded[0]
    assert 0 <= x1 < x2 <= shape[1] and 0 <= y1 < y2 <= shape[0]


@pytest.mark.parametrize("family", [f for f in CODECS if f.points], ids=lambda f: f.name)
@settings(max_examples=30)
@given(case=pictures_and_boxes())
def test_point_is_the_middle_of_the_box(family, case):
    shape, box = case
    ((x, y),) = family.decode_points(family.encode_box(box, shape), shape)
    dx, dy = family.resolution(shape)
    assert abs(x - (box[0] + box[2]) / 2) <= dx / 2 + 1e-6
    assert abs(y - (box[1] + box[3]) / 2) <= dy / 2 + 1e-6


@pytest.mark.parametrize("family", BOXERS, ids=lambda f: f.name)
def test_ordinary_boxes_lose_half_a_step_at_most(family):
    shape, box = (480, 640), (100.0, 60.0, 420.0, 300.0)
    (decoded,) = family.decode_answer(family.encode_box(box, shape), shape)
    step = family.resolution(shape)
    assert all(abs(a - b) <= step[i % 2] * 0.5001 for i, (a, b) in enumerate(zip(box, decoded, strict=True)))


KNOWN = [  # (family, shape, answer as the family's own documents show it, box in the picture)
    ("llava", (480, 640), "[0.25, 0.25, 0.50, 0.75]", (160, 80, 320, 400)),
    ("llava", (640, 480), "[0.25, 0.5, 0.5, 0.75]", (80, 320, 240, 480)),
    ("vpp-llava", (480, 640), "[0.0, 0.50, 0.63, 0.75]", (0, 240, 403.2, 400)),
    ("asmv2", (999, 999), "<ref>mug</ref><box>[[10, 20, 300, 400]]</box>", (10, 20, 300, 400)),
    ("qwen2-vl", (500, 1000), "<|object_ref_start|>mug<|object_ref_end|><|box_start|>(100,200),(300,400)<|box_end|>",
     (100, 100, 300, 200)),
    ("qwen2.5-vl", (280, 560), '```json\n[\n\t{"bbox_2d": [10, 20, 300, 140], "label": "mug"}\n]\n```', (10, 20, 300, 140)),
    ("qwen3-vl", (480, 640), '{"bbox_2d": [500, 500, 1000, 1000], "label": "mug"}', (320, 240, 640, 480)),
    ("internvl", (480, 640), "<ref>mug</ref><box>[[250, 500, 500, 1000]]</box>", (160, 240, 320, 480)),
    ("paligemma", (1024, 512), "<loc0100><loc0200><loc0300><loc0400> mug", (100, 100, 200, 300)),
    ("florence-2", (1000, 2000), "mug<loc_100><loc_200><loc_300><loc_400>", (201, 200.5, 601, 400.5)),
    ("kosmos-2", (320, 320), "<phrase>mug</phrase><object><patch_index_0033><patch_index_0102></object>",
     (15, 15, 65, 35)),
    ("molmo", (1000, 1000), '<point x="61.5" y="40.4" alt="mug">mug</point>', (614.5, 403.5, 615.5, 404.5)),
    ("molmo2", (1000, 1000), '<points coords="1 1 615 404">mug</points>', (614.5, 403.5, 615.5, 404.5)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "shape", "answer", "box"), KNOWN, ids=lambda v: v if isinstance(v, str) else "")
def test_published_answers_are_read(name, shape, answer, box):
    decoded = FAMILIES[name].decode_answer(answer, shape)
    assert not isinstance(decoded, Unreadable), decoded
    assert decoded == [pytest.approx(box)]


PROSE = [
    "", " ", "The mug is on the left of the laptop.", "I cannot see it.", "马克杯在左边", "الكوب على اليسار ٠٫٢", "[", "[[", "(",
    "[0.1, 0.2", "[0.1, 0.2, 0.3", "[0.1, 0.2, 0.3, 0.4", "[nan, nan, nan, nan]", "[inf, 0, 1, 2]", "[-0.1, -5, -3, -4]",
    "[1e3, 1e3, 1e4, 1e4]", "[٠.١, ٠.٢, ٠.٣, ٠.٤]", "[0.5, 0.1, 0.2, 0.9]", "[0.1, 0.9, 0.5, 0.2]", "[0, 0, 0, 0]",
    "[99999999999999999999, 1, 2, 3]", "[0.1, 0.2, 0.3, 0.4, 0.5]", "<box>[[700, 1, 20, 400]]</box>", "<box>[[1, 2, 3]]</box>",
    "<box>[[1, 2, 3, 99999]]</box>", '"bbox_2d": [900, 2, 3, 4]', '"bbox_2d": [1, 2, 3', '{"bbox_2d": null}',
    "<|box_start|>(9,9),(3,3)<|box_end|>", "<|box_start|>(9,9)", "<loc0100><loc0200>", "<loc0300><loc0400><loc0100><loc0200>",
    "<loc_3><loc_4><loc_1>", "<loc_9><loc_9><loc_1><loc_1>", "<loc_1><loc_1><loc_5000><loc_5000>",
    "<object><patch_index_0863></object>", "<object><patch_index_0863><patch_index_0044></object>",
    "<object><patch_index_0001><patch_index_9999></object>", "<object>", '<point x="150" y="20">', '<point x="1">',
    '<points coords="1 1 615">', '<point x1="3" y2="4">', "(5, 5, 2, 2)", "(900, 900, 950, 960)", "[3; 900, 0, 0, 0]", "[77; 1, 2, 3, 4]",
    "none", "{" * 500, "[0.1, 0.2, 0.3, 0.4] and [0.5, 0.2", "x" * 30_000, "\x00\ud800", "[0.1,,0.2,0.3,0.4]",
]  # fmt: skip


@pytest.mark.parametrize("family", CODECS, ids=lambda f: f.name)
@pytest.mark.parametrize("answer", PROSE, ids=range(len(PROSE)))
def test_malformed_answer_is_no_box(family, answer):
    decoded = family.decode_answer(answer, (480, 640))
    assert isinstance(decoded, Unreadable), decoded
    assert decoded.reason and "\n" not in str(decoded) and len(str(decoded)) < 250


@pytest.mark.parametrize("family", CODECS, ids=lambda f: f.name)
@settings(max_examples=30)
@given(answer=st.text(max_size=60) | st.text('[](){}<>0123456789., loc_patchindexobjebx2d":;-', max_size=80))
def test_any_text_gives_boxes_inside_the_picture_or_a_reason(family, answer):
    decoded = family.decode_answer(answer, (300, 200))
    if not isinstance(decoded, Unreadable):
        for x1, y1, x2, y2 in decoded:
            assert all(map(math.isfinite, (x1, y1, x2, y2)))
            assert 0 <= x1 < x2 <= 200 and 0 <= y1 < y2 <= 300


@pytest.mark.parametrize("family", CODECS, ids=lambda f: f.name)
@settings(max_examples=30)
@given(case=pictures_and_boxes(), cut=st.floats(0, 1))
def test_every_cut_answer_is_half_a_box_or_the_whole(family, case, cut):
    shape, box = case
    text = family.encode_box(box, shape)
    decoded = family.decode_answer(text[: int(cut * len(text))], shape)
    assert isinstance(decoded, Unreadable) or decoded == family.decode_answer(text, shape)


@pytest.mark.parametrize("family", BOXERS, ids=lambda f: f.name)
def test_two_boxes_are_two_boxes(family):
    shape = (480, 640)
    boxes = [(30.0, 40.0, 200.0, 240.0), (320.0, 100.0, 600.0, 470.0)]
    texts = [family.encode_box(box, shape) for box in boxes]
    decoded = family.decode_answer(", ".join(texts), shape)
    assert decoded == [family.decode_answer(text, shape)[0] for text in texts]


@pytest.mark.parametrize("family", BOXERS, ids=lambda f: f.name)
@pytest.mark.parametrize("box", [(1, 2, 3), (5, 5, 5, 9), (9, 5, 5, 9), (math.nan, 0, 1, 1), (700, 0, 800, 10)])
def test_what_is_no_box_is_not_written(family, box):
    with pytest.raises(InvalidInputError):
        family.encode_box(box, (480, 640))


@pytest.mark.parametrize("family", [f for f in GRAMMARS if not f.points], ids=lambda f: f.name)
@settings(max_examples=30)
@given(case=pictures_and_boxes())
def test_grammar_accepts_every_beginning_of_every_box_written(family, case):
    shape, box = case
    text = family.encode_box(box, shape)
    text = text[text.index(family.format.start) :]
    text = text[: text.rindex(family.format.end) + len(family.format.end)]
    limits = family.limits(shape)
    assert all(family.format.continues(text[:k], limits) for k in range(len(text) + 1))
    assert family.format.complete(text, limits)
    assert not family.format.continues(text + "0", limits)


@pytest.mark.parametrize("family", [f for f in GRAMMARS if not f.points], ids=lambda f: f.name)
@settings(max_examples=30)
@given(data=st.data())
def test_whatever_the_grammar_allows_ends_in_a_box(family, data):
    shape = data.draw(SHAPES)
    limits, text = family.limits(shape), ""
    alphabet = sorted(set("0123456789." + "".join(p for p in family.format.parts if isinstance(p, str))))
    while not family.format.complete(text, limits):
        allowed = [letter for letter in alphabet if family.format.continues(text + letter, limits)]
        assert allowed, text
        text += data.draw(st.sampled_from(allowed))
    decoded = family.decode_answer(text, shape)
    outside = isinstance(decoded, Unreadable) and "outside" in decoded.reason
    assert (family.square and outside) or len(decoded) == 1


def test_padding_is_where_the_canvas_says():
    for shape in ((3, 8), (8, 3), (5, 5), (4, 7)):
        color = np.full((*shape, 3), 7, np.uint8)
        square, canvas = pad_to_square(color), padded_square(shape)
        x1, y1, x2, y2 = (round(v) for v in canvas.to_canvas((0, 0, shape[1], shape[0])))
        assert square.shape[0] == square.shape[1] == max(shape)
        assert (square[y1:y2, x1:x2] == 7).all() and (square != 7).sum() == (max(shape) ** 2 - shape[0] * shape[1]) * 3


@settings(max_examples=30)
@given(st.integers(1, 5000), st.integers(1, 5000))
def test_whole_patches_agree_with_transformers(height, width):
    image_processing = pytest.importorskip("transformers.models.qwen2_vl.image_processing_pil_qwen2_vl")
    limits = 56 * 56, 28 * 28 * 1280
    if max(height, width) > 200 * min(height, width):
        with pytest.raises(InvalidInputError):
            whole_patches((height, width), 28, *limits)
        return
    assert whole_patches((height, width), 28, *limits) == image_processing.smart_resize(height, width, 28, *limits)


@settings(max_examples=30)
@given(case=pictures_and_boxes())
def test_kosmos_boxes_agree_with_its_own_processor(case):
    kosmos = pytest.importorskip("transformers.models.kosmos2.processing_kosmos2")
    shape, box = case
    text = FAMILIES["kosmos-2"].encode_box(box, shape)
    first, second = (int(text.split("patch_index_")[i][:4]) for i in (1, 2))
    theirs = kosmos.patch_index_to_coordinate(first, second, 32)
    (ours,) = FAMILIES["kosmos-2"].decode_answer(text, shape)
    assert ours == pytest.approx([v * shape[1 - i % 2] for i, v in enumerate(theirs)])


def test_family_follows_the_class_or_the_name_given():
    assert family_of("llava").name == "llava"
    assert family_of("llava", "asmv2").name == "asmv2"
    assert family_of("qwen2_5_vl").name == "qwen2.5-vl"
    with pytest.raises(ModelLoadError, match="bert"):
        family_of("bert")
    with pytest.raises(ModelLoadError, match="clip-llava"):
        family_of("llava", "clip-llava")


@pytest.mark.parametrize("family", CODECS, ids=lambda f: f.name)
def test_questions_carry_the_words_and_no_control_tokens(family):
    question = family.box_question("the {red} <image> mug")
    assert "the {red} image mug" in question
    asked = family.marks_prompt("the mug", ["1", "2"], "1 is red.")
    assert "the mug" in asked and "1, 2" in asked and "1 is red." in asked and "{" not in asked


def test_locvlm_objectives():
    family = ivb(224)
    question, answer = loc_pred(family, "the mug", (0, 0, 112, 224), (224, 224))
    assert "the mug" in question and answer == "(0, 0, 112, 223)"
    assert neg_pred(family, "the mug") == (question, ABSENT)
    asked, told = rev_loc(family, "orange mug", (0, 0, 112, 224), (224, 224))
    assert "(0, 0, 112, 223)" in asked and told == "There is an orange mug."
    assert isinstance(family.decode_answer(ABSENT, (224, 224)), Unreadable)


@pytest.mark.parametrize("family", [f for f in CODECS if f.points], ids=lambda f: f.name)
def test_point_written_under_the_grammar_is_read(family):
    text = family.format.write((50.5, 25.0) if family.name == "molmo" else (505, 250))
    limits = family.limits((480, 640))
    assert all(family.format.continues(text[:k], limits) for k in range(len(text) + 1))
    assert family.format.complete(text, limits)
    assert family.decode_points(text, (480, 640)) == [pytest.approx((323.2, 120.0))]

"""Our codecs against supervision's, an independent reader of the same families' answers, where it is installed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial_llava_ros.model.families import FAMILIES

sv = pytest.importorskip("supervision", reason="the oracle is optional: pip install supervision")


@st.composite
def pictures_and_boxes(draw):
    height, width = draw(st.sampled_from([(480, 640), (640, 480), (120, 900), (1080, 1920)]))
    x = sorted(draw(st.lists(st.integers(0, width), min_size=2, max_size=2, unique=True)))
    y = sorted(draw(st.lists(st.integers(0, height), min_size=2, max_size=2, unique=True)))
    return (height, width), (float(x[0]), float(y[0]), float(x[1]), float(y[1]))


def wrapped(name: str, answer: str) -> str:
    if name.startswith("qwen"):
        return '```json\n[{"bbox_2d"' + answer.removeprefix('"bbox_2d"') + ', "label": "mug"}]\n```'
    return f"{answer} mug"


@pytest.mark.parametrize(
    ("name", "vlm"), [("paligemma", "paligemma"), ("qwen2.5-vl", "qwen_2_5_vl"), ("qwen3-vl", "qwen_3_vl")]
)
@settings(max_examples=40)
@given(case=pictures_and_boxes())
def test_both_read_the_same_box(name, vlm, case):
    shape, box = case
    family = FAMILIES[name]
    text = wrapped(name, family.encode_box(box, shape))
    extra = {}
    if name == "qwen2.5-vl":
        width, height = family.canvas(shape).size
        extra["input_wh"] = (int(width), int(height))
    theirs = sv.Detections.from_vlm(vlm, text, resolution_wh=(shape[1], shape[0]), **extra)
    (ours,) = family.decode_answer(text, shape)
    assert len(theirs) == 1
    # It rounds some families' boxes to whole pixels.
    assert theirs.xyxy[0] == pytest.approx(ours, abs=1.0)

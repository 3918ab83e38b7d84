"""Weights follow the answers they are fitted to."""

from __future__ import annotations

import numpy as np
import pytest
from test_grounder import ROW

from spatial_llava_ros.fitting.words import Question, begin, fit_weights, share_right
from spatial_llava_ros.grounding import weights
from spatial_llava_ros.language import parse


def about(text: str, *right: int, several: bool = False) -> Question:
    return Question(parse(text).targets[0], ROW, np.isin(np.arange(4), right), several)


@pytest.fixture
def restored(monkeypatch):
    monkeypatch.setattr(weights, "PARTS", dict(weights.PARTS))
    for name in ("NONE", "SEVERAL", "SINGLED_OUT"):
        monkeypatch.setattr(weights, name, getattr(weights, name))


def test_right_answers_count_more_than_wrong_ones():
    assert share_right([about("the red mug", 0)]) > share_right([about("the red mug", 2)]) + 0.5
    assert share_right([about("the purple mug")]) > share_right([about("the red mug")]) + 0.5
    assert share_right([about("the mug", several=True)]) > share_right([about("the red mug", several=True)])


def test_fitting_makes_more_answers_right(restored):
    asked = [about("the purple mug"), about("the red mug", 0), about("the mug", several=True), about("the sofa")]
    begin()
    weights.PARTS["colour"], weights.NONE, weights.SEVERAL = 0.2, -6.0, -6.0
    before = share_right(asked)
    fitted = fit_weights(asked, rounds=2)
    assert share_right(asked) > before + 0.05
    assert fitted["NONE"] == weights.NONE > -6.0
    assert fitted["colour"] == weights.PARTS["colour"]

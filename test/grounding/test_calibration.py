"""Weights follow the answers they are fitted to."""

from __future__ import annotations

import numpy as np
import pytest
from test_grounder import ROW

from spatial_llava_ros.grounding import weights
from spatial_llava_ros.grounding.calibration import Question, fit_weights, likelihood
from spatial_llava_ros.language import parse


def about(text: str, *right: int, several: bool = False) -> Question:
    return Question(parse(text).targets[0], ROW, np.isin(np.arange(4), right), several)


@pytest.fixture
def restored(monkeypatch):
    monkeypatch.setattr(weights, "PARTS", dict(weights.PARTS))
    for name in ("NONE", "SEVERAL", "SINGLED_OUT"):
        monkeypatch.setattr(weights, name, getattr(weights, name))


def test_right_answers_are_likelier_than_wrong_ones():
    assert likelihood([about("the red mug", 0)]) > likelihood([about("the red mug", 2)]) + 1
    assert likelihood([about("the purple mug")]) > likelihood([about("the red mug")]) + 1
    assert likelihood([about("the mug", several=True)]) > likelihood([about("the red mug", several=True)])


def test_fitting_makes_the_given_answers_likelier(restored):
    asked = [about("the purple mug"), about("the red mug", 0), about("the mug", several=True), about("the sofa")]
    weights.PARTS["colour"], weights.NONE, weights.SEVERAL = 0.2, -9.0, -9.0
    before = likelihood(asked)
    fitted = fit_weights(asked, rounds=2)
    assert likelihood(asked) > before + 0.2
    assert fitted["NONE"] == weights.NONE > -9.0
    assert fitted["colour"] == weights.PARTS["colour"]

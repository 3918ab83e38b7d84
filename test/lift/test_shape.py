"""Shape numbers of plain solids."""

from __future__ import annotations

import numpy as np
import pytest
from solids import Solid, look, shoot

from spatial_llava_ros.grounding import forms
from spatial_llava_ros.lift import lift_with_shape
from spatial_llava_ros.lift.shape import LOOKS

VIEW = look((0.3, -0.7, 0.5), (0.0, 0.0, 0.05))
SOLIDS = {
    "box": Solid("box", (0.0, 0.0, 0.06), (0.16, 0.1, 0.12), 0.5),
    "cylinder": Solid("cylinder", (0.0, 0.0, 0.08), (0.09, 0.09, 0.16)),
    "sphere": Solid("ball", (0.0, 0.0, 0.06), (0.12, 0.12, 0.12)),
    "flat": Solid("box", (0.0, 0.0, 0.01), (0.3, 0.2, 0.02), 0.4),
}


def shape_of(solid):
    shot = shoot([solid], VIEW, flying=True)
    return lift_with_shape(shot.frame, shot.region(1), shot.proposals())[1]


@pytest.mark.parametrize("kind", ["box", "cylinder", "sphere"])
def test_a_plain_solid_looks_like_household_things_of_its_kind(kind):
    likely = forms.likeness(shape_of(SOLIDS[kind]).looks[None])
    assert likely.sum() == pytest.approx(1)
    shares = {name: forms.share(likely, members)[0] for name, members in forms.KINDS.items()}
    assert shares[kind] > 0.6
    assert max(shares, key=shares.get) == kind


def test_flat_is_a_matter_of_degree():
    assert shape_of(SOLIDS["flat"]).flat > 0.9
    assert shape_of(SOLIDS["box"]).flat == 0


def test_numbers_of_a_box():
    looks = dict(zip(LOOKS, shape_of(SOLIDS["box"]).looks, strict=True))
    assert np.isfinite(list(looks.values())).all()
    assert np.exp(looks["longest"]) == pytest.approx(0.16, abs=0.015)
    assert np.exp(looks["height"]) == pytest.approx(0.12, abs=0.006)
    assert looks["off box"] < min(looks["off cylinder"], looks["off ball"])
    assert looks["roundness"] < 0
    assert looks["filled"] > 0.5


def test_numbers_of_a_cylinder():
    looks = dict(zip(LOOKS, shape_of(SOLIDS["cylinder"]).looks, strict=True))
    assert looks["roundness"] > 0
    assert looks["sunk"] > -0.5


def test_without_depth_there_is_no_shape():
    shot = shoot([SOLIDS["box"]], VIEW)
    shot.frame.depth[shot.instance == 1] = float("nan")
    assert lift_with_shape(shot.frame, shot.region(1), shot.proposals())[1] is None

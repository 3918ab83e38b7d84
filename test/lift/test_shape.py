"""Shape numbers of plain solids."""

from __future__ import annotations

import pytest
from solids import Solid, look, shoot

from spatial_llava_ros.lift import lift_with_shape

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


@pytest.mark.parametrize("kind", SOLIDS)
def test_a_plain_solid_is_what_it_is(kind):
    scores = shape_of(SOLIDS[kind]).kind_scores
    rivals = {k: v for k, v in scores.items() if k != kind and (kind, k) != ("flat", "box")}
    assert scores[kind] > 0.6
    assert scores[kind] > max(rivals.values()) + 0.2


def test_measures_of_a_box():
    shape = shape_of(SOLIDS["box"])
    assert shape.height_m == pytest.approx(0.12, abs=0.006)
    assert shape.elongation == pytest.approx(0.16 / 0.12, abs=0.1)
    assert shape.flatness == pytest.approx(0, abs=0.05)
    assert shape.height_over_carrier_m < 0.02
    assert shape.hollow < 0.3


def test_without_depth_there_is_no_shape():
    shot = shoot([SOLIDS["box"]], VIEW)
    shot.frame.depth[shot.instance == 1] = float("nan")
    assert lift_with_shape(shot.frame, shot.region(1), shot.proposals())[1] is None

"""All things of a frame at once, and large ones in a reduced picture, are lifted as any thing alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from solids import Solid, look, shoot

from spatial_llava_ros.lift import lift, lift_all, lift_with_shape
from spatial_llava_ros.lift.view import PLENTY, Views
from spatial_llava_ros.types import Proposals

VIEW = look((0.1, -0.9, 0.7), (0.0, 0.0, 0.05))
THINGS = [
    Solid("box", (-0.3, 0.0, 0.05), (0.12, 0.08, 0.1), 0.4),
    Solid("cylinder", (0.0, 0.1, 0.07), (0.08, 0.08, 0.14)),
    Solid("ball", (0.25, -0.05, 0.06), (0.12, 0.12, 0.12)),
    Solid("box", (-0.05, -0.25, 0.015), (0.2, 0.14, 0.03), 1.2),
]


def test_together_as_alone():
    shot = shoot(THINGS, VIEW, flying=True)
    depth = shot.frame.depth.copy()
    depth[shot.instance == 3] = np.nan  # one without depth in their midst
    frame = replace(shot.frame, depth=depth)
    regions = tuple(replace(shot.region(k), id=k) for k in (1, 2, 3, 4))
    proposals = shot.proposals(*regions)
    together = lift_all(frame, proposals)
    assert [obj.id for obj, _ in together] == [1, 2, 3, 4]
    assert [shape is None for _, shape in together] == [False, False, True, False]
    for region, (obj, shape) in zip(regions, together, strict=True):
        alone, its_shape = lift_with_shape(frame, region, proposals)
        if shape is None:
            assert obj.position is None and alone.position is None
            continue
        for name in ("position", "orientation", "size", "covariance", "size_std"):
            assert np.allclose(getattr(obj, name), getattr(alone, name), atol=1e-9), name
        assert shape.looks == pytest.approx(its_shape.looks, abs=1e-9)


def test_no_regions_no_things():
    shot = shoot([], VIEW)
    assert lift_all(shot.frame, Proposals((), (), shot.plane().normal)) == []


@pytest.mark.parametrize("aside", [0.0, 0.013])
def test_a_large_thing_in_a_reduced_picture(aside):
    solid = Solid("box", (aside, 0.0, 0.1), (0.4, 0.3, 0.2), 0.5)
    shot = shoot([solid], look((0.1, -0.75, 0.75), (0.0, 0.0, 0.1)), flying=True)
    region = shot.region(1)
    assert np.count_nonzero(region.mask) > 2 * PLENTY
    assert Views(shot.frame, [region]).of(region).step > 1
    obj = lift(shot.frame, region, shot.proposals())
    assert np.linalg.norm(obj.position - shot.centre(1)) < 0.012
    assert np.allclose(obj.size, solid.size, atol=0.02)

"""The frames of a fit are rendered once, and what is learnt of them hangs together."""

from __future__ import annotations

import numpy as np
import pytest

from spatial_llava_ros.fitting import frames as fitting_frames
from spatial_llava_ros.fitting import regions, score
from spatial_llava_ros.grounding.objectness import CLUES

pytest.importorskip("open3d")


@pytest.fixture(scope="module")
def shots(tmp_path_factory):
    folder = tmp_path_factory.mktemp("frames")
    first = fitting_frames.frames("tote", fitting_frames.SEED, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting_frames, "render", None)  # the second time nothing is rendered
        again = fitting_frames.frames("tote", fitting_frames.SEED, folder)
    return first, again


def test_no_scene_is_used_twice() -> None:
    scenes = fitting_frames.scenes(3)
    assert len(set(scenes)) == len(scenes) == 3 * (len(fitting_frames.LAYOUTS) + fitting_frames.MIXED)


def test_frames_are_kept(shots) -> None:
    first, again = shots
    for a, b in zip(first, again, strict=True):
        assert np.array_equal(a.frame.color, b.frame.color) and np.array_equal(a.instance, b.instance)
    assert not np.array_equal(first[0].instance, first[1].instance), "two views"


def test_every_region_is_judged_and_most_things_have_one(shots) -> None:
    for shot in shots[0]:
        seen = regions.samples("tote", shot)
        assert len(seen.clues) == len(seen.whole) == 1 + regions.TIMES
        for clues, whole in zip(seen.clues, seen.whole, strict=True):
            assert clues.shape == (len(whole), len(CLUES)) and np.isfinite(clues).all()
            assert set(whole) <= {0.0, 1.0}
        assert seen.whole[0].sum() > 0.5 * len(shot.objects)
        assert len(seen.looks) == len(seen.names) == len(seen.layouts) > len(shot.objects)


def test_few_candidates_are_good_and_the_same_frames_give_the_same(shots) -> None:
    features, best = score.samples(shots[0][0])
    again, _ = score.samples(shots[0][0])
    assert np.array_equal(features, again)
    assert 0.005 < (best > score.GOOD).mean() < 0.5
    chance = score.fit(features, best)(features)
    assert chance[best > score.VERY_GOOD].mean() > chance[best < score.POOR].mean()

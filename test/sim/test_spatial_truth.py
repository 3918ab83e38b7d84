from __future__ import annotations

import numpy as np
import pytest

from spatial_llava_ros.sim import SimFrame, SpatialTruth, look_at, render
from spatial_llava_ros.sim.spatial_truth import NO, RELATIONS, UNCLEAR, YES

from .conftest import PERFECT
from .test_rendering import small_world

# Ids in a row seen from -x: 1 is left, 2 in the middle, 3 right, 4 behind 2, 5 on 1, 6 far to the right.
ROW = [
    (0, 0.4, 0, 0.2, 0.2, 0.1, 0), (0, 0, 0, 0.1, 0.1, 0.1, 0.2), (0, -0.4, 0, 0.1, 0.1, 0.1, 0),
    (0.5, 0, 0, 0.1, 0.1, 0.2, 0), (0, 0.4, 0.1, 0.1, 0.1, 0.1, 0), (0.0, -1.2, 0, 0.1, 0.1, 0.1, 0),
]  # fmt: skip


@pytest.fixture(scope="module")
def row() -> SpatialTruth:
    shot = render(small_world(*ROW), look_at(np.array([-2.5, 0, 1.2]), np.array([0, -0.3, 0.0])), PERFECT)
    assert [o.id for o in shot.objects] == [1, 2, 3, 4, 5, 6]
    return SpatialTruth(shot)


@pytest.mark.parametrize(
    ("a", "predicate", "b"),
    [
        (1, "left_of", 2), (2, "left_of", 3), (1, "left_of", 6), (3, "right_of", 1), (4, "behind", 2),
        (2, "in_front_of", 4), (4, "right_of", 1),
    ],
)  # fmt: skip
def test_what_a_person_would_say(row: SpatialTruth, a: int, predicate: str, b: int) -> None:
    assert row.matrix(predicate)[a - 1, b - 1] == YES


@pytest.mark.parametrize(
    ("a", "predicate", "b"),
    [(2, "left_of", 1), (2, "behind", 4), (1, "next_to", 6), (2, "on", 1), (2, "inside", 1), (1, "above", 2)],
)
def test_what_nobody_would_say(row: SpatialTruth, a: int, predicate: str, b: int) -> None:
    assert row.matrix(predicate)[a - 1, b - 1] == NO


def test_between(row: SpatialTruth) -> None:
    verdict = row.between(0, 2)
    assert verdict[1] == YES
    assert verdict[3] == NO and verdict[5] == NO and verdict[0] == NO


def test_relations_are_consistent(shot: SimFrame) -> None:
    truth = SpatialTruth(shot)
    for forth, back in (("left_of", "right_of"), ("behind", "in_front_of"), ("above", "below")):
        np.testing.assert_array_equal(truth.matrix(forth), truth.matrix(back).T)
        assert not ((truth.matrix(forth) == YES) & (truth.matrix(forth).T == YES)).any()
    np.testing.assert_array_equal(truth.matrix("next_to"), truth.matrix("next_to").T)
    for predicate in RELATIONS:
        matrix = truth.matrix(predicate)
        assert set(np.unique(matrix)) <= {YES, UNCLEAR, NO}
        assert (np.diag(matrix) == NO).all(), "nothing stands in a relation to itself"
    on, under = truth.matrix("on") == YES, truth.matrix("under") == YES
    assert (under | ~on.T).all(), "what carries is under what it carries"
    height = np.array([o.position[2] for o in shot.objects])
    for a, b in np.argwhere(on):
        assert height[a] > height[b]
    side = np.array([np.mean(o.box_visible[::2]) for o in shot.objects])
    for a, b in np.argwhere(truth.matrix("left_of") == YES):
        assert side[a] < side[b], "left as seen in the picture"


def test_relations_name_ids(shot: SimFrame) -> None:
    truth, ids = SpatialTruth(shot), {o.id for o in shot.objects}
    listed = truth.relations()
    assert all(a in ids and b in ids and p in RELATIONS for a, p, b in listed)
    assert len(listed) == sum(int((truth.matrix(p) == YES).sum()) for p in RELATIONS)

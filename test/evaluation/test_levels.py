import numpy as np
import pytest

from spatial_llava_ros.evaluation.expressions import Outcome
from spatial_llava_ros.evaluation.levels import LEVELS, answer_levels, level_of
from spatial_llava_ros.frames.expressions import Expression
from spatial_llava_ros.types import Answer, Object3D, Status

CAN, BOOK = (100.0, 100.0, 140.0, 180.0), (150.0, 120.0, 260.0, 200.0)
THINGS = [CAN, BOOK]


@pytest.mark.parametrize(
    ("box", "level"),
    [
        ((102, 100, 140, 175), "right"),
        ((105, 120, 135, 150), "part"),  # its label
        ((95, 95, 265, 205), "group"),  # the can and the book
        ((151, 122, 255, 199), "other thing"),
        ((160, 130, 190, 160), "other thing"),  # a part of the book is still not the can
        ((300, 10, 400, 90), "background"),
        ((120, 150, 180, 230), "background"),  # across the edges of both
    ],
)
def test_what_was_taken_for_the_can(box, level):
    assert level_of(box, CAN, THINGS) == level


def test_shares_of_all_answers():
    def outcome(answer, kind="attribute"):
        return Outcome("a", Expression("the can", CAN, kind), answer, None, False)

    found = Answer("the can", Status.FOUND, "", Object3D(1, "can", 0.9, CAN, "camera"))
    none, several = Answer("the can", Status.NOT_FOUND, ""), Answer("the can", Status.AMBIGUOUS, "")
    figures = answer_levels([*map(outcome, (found, found, none, several)), outcome(none, "absent")], {"a": THINGS})
    assert np.isclose(sum(figures.values()), 100) and len(figures) == len(LEVELS)
    assert figures["answered: right, %"] == 50 and figures["answered: ambiguous, %"] == 25

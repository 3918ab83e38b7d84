"""Found, ambiguous and absent follow from the distribution; boxes and points find their region."""

from __future__ import annotations

import numpy as np
import pytest
from scenes import squares

from spatial_llava_ros.model.grounder import ModelGrounder, box_overlaps, decide, point_overlaps
from spatial_llava_ros.model.marks import describe_marks
from spatial_llava_ros.types import Status

APART = np.eye(3, dtype=bool)


class Fixed:
    def __init__(self, scores=(0.4, 0.4, 0.1), none=0.1, boxes=(), score=0.9, problem="no box"):
        self.scores, self.none, self.answer = np.array(scores), none, (tuple(boxes), score, problem)

    def score(self, frame, features, text, patience):
        return self.scores.copy(), self.none

    def boxes(self, frame, text, patience):
        return self.answer


@pytest.mark.parametrize(
    ("scores", "none", "count", "status", "chosen"),
    [
        ((0.9, 0.05, 0.0), 0.05, 1, Status.FOUND, (0,)),
        ((0.1, 0.8, 0.0), 0.1, 1, Status.FOUND, (1,)),
        ((0.4, 0.5, 0.0), 0.1, 1, Status.AMBIGUOUS, (1, 0)),
        ((0.2, 0.1, 0.1), 0.6, 1, Status.NOT_FOUND, ()),
        ((0.4, 0.5, 0.0), 0.1, 2, Status.FOUND, (1, 0)),
        ((0.4, 0.5, 0.0), 0.1, 0, Status.FOUND, (1, 0)),
        ((0.9, 0.0, 0.0), 0.1, 2, Status.AMBIGUOUS, (0,)),
    ],
)
def test_status_follows_from_the_distribution(scores, none, count, status, chosen):
    got = decide(np.array(scores), none, APART, count, "model")
    assert (got.status, got.chosen) == (status, chosen) and got.explanation.startswith("model")


def test_part_of_the_best_is_no_rival():
    same = APART.copy()
    same[0, 1] = same[1, 0] = True
    assert decide(np.array([0.5, 0.4, 0.0]), 0.1, same, 1, "model").chosen == (0,)


def test_unusable_box_leaves_the_marks_and_says_so():
    frame, features = squares()
    got = ModelGrounder(Fixed(), Fixed()).ground(frame, features, "the square")
    assert got.status is Status.AMBIGUOUS and "no box" in got.explanation
    elsewhere = ModelGrounder(Fixed(), Fixed(boxes=[(0, 90, 5, 96)])).ground(frame, features, "the square")
    assert elsewhere.status is Status.AMBIGUOUS and "fits no region" in elsewhere.explanation


def test_box_alone_grounds():
    frame, features = squares()
    got = ModelGrounder(None, Fixed(boxes=[(56, 31, 86, 71)])).ground(frame, features, "the square")
    assert got.status is Status.FOUND and got.chosen == (1,)


def test_empty_frame_is_not_found():
    frame, features = squares(0)
    assert ModelGrounder(Fixed(), None).ground(frame, features, "x").status is Status.NOT_FOUND


def test_overlaps():
    _, features = squares()
    assert box_overlaps((10, 20, 40, 60), features) == pytest.approx([1, 0, 0])
    assert box_overlaps((10, 20, 25, 60), features) == pytest.approx([0.5, 0, 0])
    assert point_overlaps((60.2, 40.7), features).tolist() == [0, 1, 0]
    assert point_overlaps((0, 0), features).tolist() == [0, 0, 0]


def test_facts_tell_colour_side_and_distance():
    _, features = squares()
    facts = describe_marks(features, [0, 1, 2], ["1", "2", "3"]).split(". ")
    assert facts[0].startswith("1 is red") and "left" in facts[0] and "0.8" in facts[0]
    assert "blue" in facts[1] and "green" in facts[2] and "right" in facts[2]

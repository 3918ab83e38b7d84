"""Found, ambiguous and absent follow from the distribution; boxes and points find their region."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scenes import squares

from spatial_llava_ros.model import grounder
from spatial_llava_ros.model.errors import ModelMemoryError
from spatial_llava_ros.model.grounder import ModelGrounder, box_overlaps, decide, point_overlaps
from spatial_llava_ros.model.marks import describe_marks
from spatial_llava_ros.model.smaller import halved
from spatial_llava_ros.types import CameraIntrinsics, RgbdFrame, Status

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
    answer = ModelGrounder(Fixed(), Fixed()).ground(frame, features, "the square")
    got = answer.grounding
    assert got.status is Status.AMBIGUOUS and "no box" in got.explanation and answer.method == "marks"


def test_box_alone_grounds():
    frame, features = squares()
    answer = ModelGrounder(None, Fixed(boxes=[(56, 31, 86, 71)])).ground(frame, features, "the square")
    assert answer.grounding.status is Status.FOUND and answer.grounding.chosen == (1,)
    assert (answer.method, answer.box) == ("box", None)


def test_point_names_the_region_under_it_or_none():
    frame, features = squares()
    answer = ModelGrounder(None, Fixed(boxes=[(69.5, 49.5, 70.5, 50.5)])).ground(frame, features, "the square")
    assert answer.grounding.chosen == (1,) and answer.box is None
    beside = ModelGrounder(None, Fixed(boxes=[(2.5, 2.5, 3.5, 3.5)])).ground(frame, features, "the square")
    assert beside.grounding.status is Status.NOT_FOUND and "points at no region" in beside.grounding.explanation


@pytest.mark.parametrize("n", [0, 3])
def test_box_on_no_region_is_a_thing_of_its_own(n):
    frame, features = squares(n)
    box = (0.0, 75.0, 30.0, 95.0)
    answer = ModelGrounder(None, Fixed(boxes=[box])).ground(frame, features, "the square")
    got = answer.grounding
    assert got.status is Status.FOUND and got.chosen == (n,) and answer.box == box
    assert got.scores.shape == (n + 1,) and got.scores.sum() + got.none == pytest.approx(1)


@pytest.mark.parametrize(("score", "chosen"), [(0.05, (0, 1)), (0.99, (3,))])
def test_marks_and_a_box_elsewhere_are_weighed(score, chosen):
    box = (0.0, 75.0, 30.0, 95.0)
    answer = ModelGrounder(Fixed(), Fixed(boxes=[box], score=score)).ground(*squares(), "the square")
    assert answer.grounding.chosen == chosen


def test_empty_frame_is_not_found():
    frame, features = squares(0)
    assert ModelGrounder(Fixed(), None).ground(frame, features, "x").grounding.status is Status.NOT_FOUND


class Small(Fixed):
    """Has memory for pictures up to a width."""

    def __init__(self, width: int, **answer) -> None:
        super().__init__(**answer)
        self.width, self.asked = width, []

    def score(self, frame, features, text, patience):
        self.asked.append(frame)
        if frame.color.shape[1] > self.width:
            raise ModelMemoryError("no memory left on cuda:0")
        return super().score(frame, features, text, patience)

    def boxes(self, frame, text, patience):
        s = frame.color.shape[1] / 256
        return (tuple(v * s for v in self.answer[0][0]),), *self.answer[1:]


def large():
    """`squares` at twice the size."""
    frame, features = squares()
    color = frame.color.repeat(2, axis=0).repeat(2, axis=1)
    depth = frame.depth.repeat(2, axis=0).repeat(2, axis=1)
    regions = tuple(
        replace(r, box=tuple(2 * v for v in r.box), mask=r.mask.repeat(2, axis=0).repeat(2, axis=1))
        for r in features.regions
    )
    camera = CameraIntrinsics(256, 192, 220.0, 220.0, 127.5, 95.5)
    return RgbdFrame(color, depth, camera), replace(features, regions=regions)


def test_without_memory_a_smaller_picture_is_asked_about_and_its_box_scaled_back(monkeypatch):
    monkeypatch.setattr(grounder, "LEAST_SIDE", 90)
    frame, features = large()
    backend = Small(128, boxes=[(110, 60, 170, 140)])
    model = ModelGrounder(backend, backend)
    answer = model.ground(frame, features, "the square")
    assert answer.grounding.chosen == (1,) and answer.method == "box"
    assert "1/2 of its size, for want of memory" in answer.grounding.explanation
    assert [f.color.shape for f in backend.asked] == [(192, 256, 3), (96, 128, 3)]
    small = backend.asked[-1]
    again = model.ground(frame, features, "the square")
    assert backend.asked[-1] is small and again.grounding.chosen == (1,)  # what was read of it is still good
    half_frame, half = halved(frame, features)
    _, wanted = squares()
    assert [r.box for r in half.regions] == [r.box for r in wanted.regions]
    assert all((a.mask == b.mask).all() for a, b in zip(half.regions, wanted.regions, strict=True))
    assert half_frame.depth.shape == (96, 128)


def test_without_memory_for_any_size_it_says_so():
    frame, features = large()
    with pytest.raises(ModelMemoryError, match="cuda:0"):
        ModelGrounder(Small(1), None).ground(frame, features, "the square")


def test_overlaps():
    _, features = squares()
    assert box_overlaps((10, 20, 40, 60), features) == pytest.approx([1, 0, 0])
    assert box_overlaps((10, 20, 25, 60), features) == pytest.approx([0.5, 0, 0])
    assert point_overlaps((60.2, 40.7), features).tolist() == [0, 1, 0]
    assert point_overlaps((0, 0), features).tolist() == [0, 0, 0]
    sliver = replace(features.regions[0], box=(58, 30, 63, 70), mask=np.ones((40, 5), bool))
    parts = replace(features, regions=(sliver, *features.regions[1:]), whole=np.array([0.3, 0.8, 0.8]))
    assert point_overlaps((60.2, 40.7), parts).tolist() == [0, 1, 0]  # a part of it is not what was pointed at


def test_facts_tell_colour_side_and_distance():
    _, features = squares()
    facts = describe_marks(features, [0, 1, 2], ["1", "2", "3"]).split(". ")
    assert facts[0].startswith("1 is red") and "left" in facts[0] and "0.8" in facts[0]
    assert "blue" in facts[1] and "green" in facts[2] and "right" in facts[2]

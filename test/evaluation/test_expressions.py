import pytest

from spatial_llava_ros.evaluation.expressions import Outcome, accuracy, judge
from spatial_llava_ros.frames.expressions import Expression
from spatial_llava_ros.types import Answer, Object3D, Status

BOX = (10.0, 10.0, 30.0, 30.0)


def answer(status, box=None, candidates=0):
    thing = None if box is None else Object3D(1, "thing", 0.9, box, "camera")
    others = tuple(Object3D(k, "thing", 0.5, BOX, "camera") for k in range(candidates))
    return Answer("it", status, "", thing, others)


@pytest.mark.parametrize(
    ("kind", "given", "right"),
    [
        ("attribute", answer(Status.FOUND, BOX), True),
        ("relation", answer(Status.FOUND, (10, 10, 30, 21)), True),  # just over half in common
        ("ordinal", answer(Status.FOUND, (10, 10, 30, 19)), False),
        ("attribute", answer(Status.NO_DEPTH, BOX), True),  # the right thing, honestly without a pose
        ("attribute", answer(Status.AMBIGUOUS, None, 2), False),
        ("absent", answer(Status.NOT_FOUND), True),
        ("absent", answer(Status.FOUND, BOX), False),
        ("ambiguous", answer(Status.AMBIGUOUS, None, 2), True),
        ("ambiguous", answer(Status.FOUND, BOX), False),
    ],
)
def test_right_is_what_a_person_would_accept(kind, given, right):
    expression = Expression("it", BOX if kind in ("attribute", "relation", "ordinal") else None, kind)
    assert judge(expression, given)[0] is right


def test_accuracy_counts_only_the_kinds_asked_for():
    outcomes = [
        Outcome("a", Expression("it", BOX, "attribute"), answer(Status.FOUND, BOX), 1.0, True),
        Outcome("a", Expression("it", BOX, "relation"), answer(Status.NOT_FOUND), None, False),
        Outcome("a", Expression("it", None, "absent"), answer(Status.NOT_FOUND), None, True),
    ]
    assert accuracy(outcomes, ("attribute", "relation")) == (1, 2)
    assert accuracy(outcomes) == (2, 3)

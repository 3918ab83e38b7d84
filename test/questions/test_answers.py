from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from questions.room import BALL, CAMERA, THINGS, room
from spatial_llava_ros.questions import QuestionStatus, Verdict, answer_question, question_answer_as_dict
from spatial_llava_ros.questions.answer import QuestionAnswer
from spatial_llava_ros.types import SceneGraph

ROOM = room()
YES, NO = Verdict.YES, Verdict.NO
UNANSWERABLE = [
    line
    for line in Path(__file__).with_name("unanswerable.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


def ask(question: str, graph: SceneGraph = ROOM, pose: np.ndarray | None = None) -> QuestionAnswer:
    return answer_question(question, graph, pose)


@pytest.mark.parametrize(
    ("question", "verdict"),
    [
        ("Is the red mug left of the can?", YES),
        ("Is the red mug right of the can?", NO),
        ("Is the red mug to the right of the green can?", NO),
        ("Isn't the blue mug to the right of the can?", YES),
        ("Is the sofa behind the table?", YES),
        ("Is the table behind the sofa?", NO),
        ("Is the table in front of the couch?", YES),
        ("Is the red mug on the table?", YES),
        ("Is the red mug on the sofa?", NO),
        ("Is the cushion on the sofa?", YES),
        ("Is the box under the table?", YES),
        ("Is the box on the table?", NO),
        ("Is the red mug on the table left of the can?", YES),
        ("Is the can between the red mug and the blue mug?", YES),
        ("Is the lamp between the red mug and the blue mug?", NO),
        ("Is the can between the two mugs?", YES),
        ("Are the mugs on the table?", YES),
        ("Are the mugs left of the can?", NO),
        ("Is the lamp on the left?", YES),
        ("Is the plant on my left?", NO),
        ("Is the chair to the right of me?", YES),
        ("Is anything on the sofa?", YES),
        ("Is there anything on the chair?", NO),
        ("Is there a mug left of the can?", YES),
        ("Is there a mug on the sofa?", NO),
        ("Is there a laptop?", YES),
        ("Is there a banana?", NO),
        ("Are there two mugs?", YES),
        ("Are there three mugs?", NO),
        ("Do you see a red chair?", YES),
        ("Is the can red?", NO),
        ("Is the sofa black?", YES),
        ("Is the sofa not black?", NO),
        ("Is the lamp taller than the sofa?", YES),
        ("Is the can taller than the laptop?", NO),
        ("Is the table bigger than the box?", YES),
        ("Is the table closer to me than the sofa?", YES),
        ("Is the lamp nearer to the sofa than the plant?", YES),
        ("Are the red mug and the blue mug the same height?", YES),
        ("Is the lamp as tall as the sofa?", NO),
        ("Is the sofa parallel to the table?", YES),
        ("Is the book parallel to the table?", NO),
        ("Is the sofa facing the table?", YES),
        ("Is the sofa facing the lamp?", NO),
        ("From the sofa, is the lamp on the left?", NO),
        ("From the sofa, is the lamp on the right?", YES),
        ("From the sofa's point of view, is the plant on the left?", YES),
        ("If I stand at the chair and face the table, is the plant on my right?", YES),
        ("If I sit on the sofa facing the table, is the lamp on my left?", NO),
        ("Is the red mug left of the blue mug as seen from the sofa?", NO),
        ("Seen from the lamp, is the table closer than the chair?", YES),
        ("Is the way to the sofa clear?", NO),
        ("Is the way to the chair clear?", YES),
        ("Can I go straight to the chair?", YES),
        ("Can I drive straight to the sofa?", NO),
        ("Do I have a clear path to the sofa?", NO),
        ("Is there anything in the way to the sofa?", YES),
        ("Is the path to the sofa blocked?", YES),
        ("Is there anything in the way to the chair?", NO),
        ("Is the lamp the tallest thing?", YES),
        ("Is the sofa the tallest thing?", NO),
        ("Is the cushion the closest thing to the sofa?", YES),
        ("Is the red mug higher than the box?", YES),
        ("Are the red mug and the can touching?", NO),
        ("Is the red mug touching the table?", YES),
        ("Is the plant to the right of the sofa from the sofa's perspective?", NO),
        ("If you were standing at the plant looking at the lamp, would the table be on your left?", YES),
        ("Is the lamp upright?", YES),
        ("Is the book lying?", YES),
        ("Is the lamp near the red mug?", NO),
        ("Is the red mug next to the sofa?", NO),
        ("Is the sofa far from the chair?", YES),
        ("Is the sofa a couch?", YES),
        ("Is the can a mug?", NO),
    ],
)
def test_verdicts(question, verdict):
    answer = ask(question)
    assert answer.verdict is verdict, answer.answer
    assert answer.status is QuestionStatus.ANSWERED and answer.evidence
    assert answer.answer.startswith(("Yes", "No", "Seen from")) or "yes" in answer.answer


@pytest.mark.parametrize(
    ("question", "quantity", "value", "unit"),
    [
        ("How far is the red mug from the blue mug?", "distance", 1.0, "m"),
        ("What is the distance between the red mug and the can?", "distance", np.hypot(0.5, 0.01), "m"),
        ("How far away is the can?", "distance", np.hypot(2.3, 0.39), "m"),
        ("How far apart are the lamp and the plant?", "distance", np.hypot(3.5, 0.25), "m"),
        ("What is the vertical distance between the lamp and the book?", "vertical_distance", 0.02, "m"),
        ("How far is the sofa from the table horizontally?", "horizontal_distance", 2.1, "m"),
        ("how far is it to the sofa?", "distance", np.hypot(4.6, 0.8), "m"),
        ("How tall is the lamp?", "height", 1.5, "m"),
        ("How wide is the sofa?", "width", 2.0, "m"),
        ("How long is the book?", "length", 0.24, "m"),
        ("What is the depth of the sofa?", "depth", 0.9, "m"),
        ("What are the dimensions of the laptop?", "width", 0.34, "m"),
        ("What is the volume of the box?", "volume", 0.036, "m3"),
        ("How much taller is the lamp than the sofa?", "height_difference", 0.7, "m"),
        ("How high above the box is the red mug?", "height_above", 0.45, "m"),
        ("How many mugs are there?", "count", 2, ""),
        ("How many mugs are on the table?", "count", 2, ""),
        ("How many red things are there?", "count", 2, ""),
        ("How many things are on the table?", "count", 6, ""),
        ("How many mugs are left of the can?", "count", 1, ""),
        ("How many bananas are there?", "count", 0, ""),
        ("How many chairs do you see in the picture?", "count", 1, ""),
        ("At what o'clock is the lamp?", "angle", np.arctan2(1.7, 4.6), "rad"),
        ("In which direction is the lamp from the sofa?", "angle", np.pi / 2, "rad"),
        ("What is the angle between the book and the table?", "angle", np.radians(60), "rad"),
        ("What is the orientation of the book?", "yaw", np.radians(30), "rad"),
        ("From the sofa, how far is the lamp?", "distance", np.hypot(1.7, 0.35), "m"),
    ],
)
def test_numbers(question, quantity, value, unit):
    answer = ask(question)
    facts = [e for e in answer.evidence if e.quantity == quantity]
    assert facts, answer.answer
    assert facts[0].value == pytest.approx(value, abs=1e-6) and facts[0].unit == unit


@pytest.mark.parametrize(
    ("question", "first", "words"),
    [
        ("What is the nearest thing to the sofa?", 12, "cushion"),
        ("Which mug is closest to the lamp?", 2, "red mug"),
        ("What is the tallest thing?", 8, "lamp"),
        ("What is the leftmost thing on the table?", 2, "red mug"),
        ("What is on the sofa?", 12, "cushion"),
        ("What is under the table?", 11, "box"),
        ("What is to the left of the can?", 2, "red mug"),
        ("Which things are between the red mug and the blue mug?", 4, "can"),
        ("What is left of the sofa?", 8, "lamp"),
        ("What colour is the plant?", 9, "green"),
        ("What is thing 10?", 10, "chair"),
        ("Which side of the can is the blue mug?", 3, "right"),
        ("Is the red mug left or right of the can?", 2, "left"),
        ("Is the sofa in front of or behind the table?", 7, "behind"),
        ("Is the lamp above or below the box?", 8, "above"),
        ("On which side is the plant?", 9, "right"),
        ("Which is taller, the lamp or the sofa?", 8, "lamp is taller"),
        ("Which is closer to the sofa, the lamp or the plant?", 8, "lamp is closer"),
        ("Where is the cushion?", 12, "on the black sofa"),
        ("Which way is the sofa facing?", 7, "6 o'clock"),
        ("What is between me and the sofa?", 4, "can"),
    ],
)
def test_which_and_what(question, first, words):
    answer = ask(question)
    assert answer.status is QuestionStatus.ANSWERED, answer.answer
    numbers = [node.object.id for node in answer.objects]
    assert words in answer.answer.lower() and first in numbers


@pytest.mark.parametrize("question", UNANSWERABLE)
def test_the_unanswerable_is_not_answered(question):
    answer = ask(question)
    assert answer.status is not QuestionStatus.ANSWERED, answer.answer
    assert answer.verdict is Verdict.NONE and not answer.evidence
    assert answer.answer.startswith("I don't") and answer.explanation


def test_there_are_enough_unanswerable_questions():
    assert len(set(UNANSWERABLE)) >= 50


def test_rivals_are_named():
    answer = ask("How far is the mug?")
    assert answer.status is QuestionStatus.AMBIGUOUS
    assert {node.object.id for node in answer.objects} == {2, 3}


def test_uncertainty_is_that_of_both_boxes():
    answer = ask("How far is the red mug from the blue mug?")
    assert answer.evidence[0].value_std == pytest.approx(0.005 * np.sqrt(2))
    assert "1.00 m (± 0.01)" in answer.answer


def test_left_is_that_of_the_viewer_who_asks():
    behind = CAMERA.copy()  # on the far side of the room, looking back
    behind[:3, 0] *= -1
    behind[:3, 2] *= -1
    behind[:3, 3] = (7.0, 0.0, 1.2)
    assert ask("Is the red mug left of the can?", pose=behind).verdict is NO
    assert ask("Is the sofa behind the table?", pose=behind).verdict is NO
    assert ask("Is the lamp on my right?", pose=behind).verdict is YES
    # Which side is the front of the sofa does not depend on who asks.
    assert ask("From the sofa, is the lamp on the right?", pose=behind).verdict is YES


def test_names_by_shape_are_never_sure():
    graph = room(named="geometry")
    assert ask("Is there a laptop?", graph).verdict is Verdict.NONE
    assert ask("How many mugs are there?", graph).status is QuestionStatus.DONT_KNOW
    answer = ask("How tall is the sofa?", graph)
    assert "Taking" in answer.answer and "by its shape" in answer.explanation
    assert ask("How many things are there?", graph).evidence[0].value == len(THINGS) + 2


def test_every_answer_is_json_with_known_ids():
    for question in ("How far is the can?", "What do you see?", "Is there a mug?", "How far is the mug?", "nonsense"):
        record = question_answer_as_dict(ask(question))
        known = {row[0] for row in THINGS} | {BALL, 15}
        assert {n for fact in record["evidence"] for n in fact["objects"]} <= known
        assert set(record) == {"question", "status", "answer", "verdict", "explanation", "evidence", "objects"}


def test_an_empty_scene_answers_too():
    empty = SceneGraph("map", 0, (), (), CAMERA, np.array([0.0, 0.0, 1.0]))
    assert ask("Is there a mug?", empty).verdict is NO
    assert ask("How many things are there?", empty).evidence[0].value == 0
    assert ask("How far is the mug?", empty).status is QuestionStatus.DONT_KNOW
    for question in ("What do you see?", "What is the nearest thing?", "What is on the table?", "Is the way clear?"):
        assert ask(question, empty).answer


@pytest.mark.parametrize(("deviation", "rough"), [(0.03, False), (0.06, True)])
def test_a_size_that_may_be_off_by_a_quarter_is_given_as_a_range(deviation, rough):
    lamp = next(node for node in ROOM.objects if node.object.label == "lamp")
    wide = replace(lamp, object=replace(lamp.object, size_std=np.full(3, deviation)))
    graph = replace(ROOM, objects=tuple(wide if node is lamp else node for node in ROOM.objects))
    answer = ask("How wide is the lamp?", graph)
    width = float(lamp.object.size[0])
    assert answer.status is QuestionStatus.ANSWERED
    assert answer.evidence[0].value == width and answer.evidence[0].value_std == deviation
    said = f"between {width - 2 * deviation:.2f} and {width + 2 * deviation:.2f} m wide"
    assert (said in answer.answer) is rough and ("hidden" in answer.explanation) is rough

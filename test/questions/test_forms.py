from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from questions.room import room
from spatial_llava_ros.questions import QuestionStatus, Verdict, answer_question
from spatial_llava_ros.questions.claims import Claim, readings
from spatial_llava_ros.questions.forms import recognise

ROOM = room()
VOCABULARY = """
the a is are how far tall many what which where left right of on under between and from to me red mug mugs can sofa
table lamp closer than taller or thing 3 facing not there anything colour way clear if i stand at it zork
"""
WORDS = tuple(VOCABULARY.split())


@given(st.text(max_size=120))
def test_any_text_gets_an_answer(text):
    answer = answer_question(text, ROOM)
    assert isinstance(answer.status, QuestionStatus) and answer.answer


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=14))
def test_any_order_of_known_words_gets_an_answer(words):
    answer = answer_question(" ".join(words), ROOM)
    assert answer.answer
    if answer.verdict is not Verdict.NONE:
        assert answer.status is QuestionStatus.ANSWERED


@given(
    st.sampled_from(["the red mug", "the can", "the sofa", "lamp", "the thing on the table"]),
    st.sampled_from(["the blue mug", "me", "the table", "the plant"]),
)
def test_slots_hold_the_words_as_they_were_said(a, b):
    for pattern in (
        "How far is {a} from {b}?",
        "what is the distance between {a} and {b}",
        "Please, how far is {a} to {b}",
    ):
        form = recognise(pattern.format(a=a, b=b))
        assert form is not None and form.kind == "distance" and (form.parts["a"], form.parts["b"]) == (a, b)


@pytest.mark.parametrize(
    "text", ["", "   ", "?", "!!!", "the mug", "x" * 5000, "is " * 200, "\x00\ud800", "🙂?", "is?"]
)
def test_what_is_no_question_gets_a_hint(text):
    answer = answer_question(text, ROOM)
    assert answer.status is QuestionStatus.NOT_UNDERSTOOD and "how far is the mug" in answer.answer


def test_what_is_not_text_is_an_error():
    assert answer_question(None, ROOM).status is QuestionStatus.ERROR


@pytest.mark.parametrize(
    ("words", "first", "second"),
    [
        (
            "the red mug on the book left of the laptop",
            Claim("the red mug", "on", "the book left of the laptop"),
            Claim("the red mug on the book", "left_of", "the laptop"),
        ),
        ("the cup not under the table", Claim("the cup", "under", "the table", True), None),
        ("the lamp on the left", Claim("the lamp", "side", "left"), None),
    ],
)
def test_readings_of_a_claim(words, first, second):
    found = list(readings(words))
    assert found[0] == first
    assert second is None or second in found


def test_long_questions_take_no_longer_than_they_should():
    start = time.process_time()
    for word in ("is the mug ", "how far is ", "from the sofa ", "what is between and "):
        answer_question((word * 40)[:299], ROOM)
    assert time.process_time() - start < 20  # a backtracking blow-up takes minutes, not seconds

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spatial_llava_ros.cli.main import main

from .test_graph import table

__all__ = ["table"]


def test_json_is_one_object_per_question_and_nothing_else(table, capsys):
    questions = ["How far is the red box from the blue box?", "Is the red thing left of the blue thing?", "Hello there"]
    assert main(["ask", str(table), *questions, "--json"]) == 0
    out, err = capsys.readouterr()
    far, left, odd = (json.loads(line) for line in out.splitlines())
    assert err == "" and [far["question"], left["question"], odd["question"]] == questions
    assert far["status"] == "answered" and far["evidence"][0]["unit"] == "m"
    assert far["evidence"][0]["value"] == pytest.approx(0.24, abs=0.02)
    assert far["evidence"][0]["value_std"] > 0
    assert {obj["id"] for obj in far["objects"]} == set(far["evidence"][0]["objects"])
    assert left["verdict"] == "yes" and left["evidence"][0]["quantity"] == "left_of"
    assert odd["status"] == "not_understood" and odd["evidence"] == []


def test_for_a_person_it_says_what_it_rests_on(table, capsys):
    assert main(["ask", str(table), "How many red things are there?", "How far is the zebra?"]) == 0
    out = capsys.readouterr().out
    for words in ('"How many red things are there?"', "1 thing", "- count of #", "I don't know", "zebra"):
        assert words in out


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["TABLE"],
        ["TABLE", ""],
        ["TABLE", "  "],
        ["no/such/folder", "how far is the mug?"],
        ["TABLE", "how far is the mug?", "--frame", "3"],
        ["TABLE", "how far is the mug?", "--nonsense"],
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(table, arguments, capsys):
    arguments = [str(table) if a == "TABLE" else a for a in arguments]
    assert main(["ask", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and "Traceback" not in err


def test_odd_questions_are_answered_all_the_same(table, capsys):
    assert main(["ask", str(table), "\ud800", "🙂", "x" * 2000, "--json"]) == 0
    statuses = [json.loads(line)["status"] for line in capsys.readouterr().out.splitlines()]
    assert statuses == ["not_understood"] * 3


def test_nothing_unanswerable_is_answered_as_if_it_were_known(table, capsys):
    """Names are guessed from shapes here; an answer about a guess must begin by saying so."""
    listed = Path(__file__).parents[1] / "questions" / "unanswerable.txt"
    questions = [line for line in listed.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    assert main(["ask", str(table), *questions, "--json"]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(answers) == len(questions) >= 50
    sure = [a for a in answers if a["status"] == "answered" and not a["answer"].startswith("Taking ")]
    assert not sure

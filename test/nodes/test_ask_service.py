"""The `ask` service over DDS, about the known room of the question tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from over_dds import until_done
from questions.room import room
from spatial_llava_ros.srv import Ask

from spatial_llava_ros.nodes.diagnostics import Measurements
from spatial_llava_ros.nodes.scene_services import SceneServices

LIST = Path(__file__).resolve().parents[1] / "questions" / "unanswerable.txt"
UNANSWERABLE = [line for line in LIST.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]


class KnownScene:
    """Remembers the room."""

    graph = room()

    def everything(self):
        return self.graph


@pytest.fixture
def ask(client):
    def submit(job) -> str:
        job(True)
        return ""

    scene = KnownScene()
    SceneServices(client.node, lambda: scene, submit, Measurements(), lookup=None)
    service = client.node.create_client(Ask, "ask")
    return lambda question: until_done(client, service.call_async(Ask.Request(question=question)))


def test_none_of_the_unanswerable_is_answered(ask):
    assert len(set(UNANSWERABLE)) >= 50
    for question in UNANSWERABLE:
        answer = ask(question)
        refusals = (Ask.Response.DONT_KNOW, Ask.Response.NOT_UNDERSTOOD, Ask.Response.AMBIGUOUS)
        assert answer.status in refusals, (question, answer.answer)
        assert answer.verdict == Ask.Response.NOT_YES_NO and not answer.evidence
        assert answer.answer.startswith("I don't") and answer.explanation


def test_what_can_be_answered_is(ask):
    answer = ask("Is the chair to the right of me?")
    assert (answer.status, answer.verdict) == (Ask.Response.ANSWERED, Ask.Response.YES)
    answer = ask("How tall is the lamp?")
    assert (answer.evidence[0].value, answer.evidence[0].unit, answer.header.frame_id) == (1.5, "m", "map")


def test_absurd_text_is_answered_in_words(ask):
    for question in ("", " ", "\t\n", "?" * 5000, "🤖 " * 300, "a\x07b", "how far is " * 100, "DROP TABLE mug;"):
        answer = ask(question)
        assert answer.status in (Ask.Response.NOT_UNDERSTOOD, Ask.Response.DONT_KNOW), (question[:20], answer.answer)
        assert answer.answer and answer.explanation

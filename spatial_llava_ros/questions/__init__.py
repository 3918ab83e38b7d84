"""Questions about a scene, answered from its graph: a sentence, a verdict, and the measured facts behind them.

answer = answer_question("how far is the mug from the laptop?", frame_graph(frame))
"""

from __future__ import annotations

from spatial_llava_ros.questions.answer import (
    Evidence,
    QuestionAnswer,
    QuestionStatus,
    Verdict,
    question_answer_as_dict,
)
from spatial_llava_ros.questions.asking import answer_question

__all__ = ["Evidence", "QuestionAnswer", "QuestionStatus", "Verdict", "answer_question", "question_answer_as_dict"]

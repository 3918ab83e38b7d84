"""What comes back for a question about a scene: a sentence, a verdict, and the measured facts it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from spatial_llava_ros.types import SceneObject, object_as_dict


class QuestionStatus(str, Enum):
    """How a question ended; `Ask.srv` has a number for each."""

    ANSWERED = "answered"
    DONT_KNOW = "dont_know"
    NOT_UNDERSTOOD = "not_understood"
    AMBIGUOUS = "ambiguous"
    ERROR = "error"


class Verdict(str, Enum):
    """Of a yes/no question; NONE for all others."""

    NONE = "none"
    YES = "yes"
    NO = "no"


@dataclass(frozen=True)
class Evidence:
    """A measured fact that an answer rests on; the fields of `Evidence.msg`.

    Attributes:
        quantity: "distance", "height", "count", "angle" …, or a predicate of the scene graph ("left_of").
        objects: ids of what it is about, in the order of the question; the viewer has none.
        value: in `unit`; 1 or 0 for a relation that holds or does not; NaN where nothing was measured.
        value_std: standard deviation; NaN where not known.
        unit: "m", "rad", or "" for counts, ratios and relations.
        reference: "viewer", "object" or "world".
    """

    quantity: str
    objects: tuple[int, ...]
    value: float
    value_std: float = float("nan")
    unit: str = ""
    reference: str = "world"


@dataclass(frozen=True, eq=False)
class QuestionAnswer:
    """The answer to one question.

    Attributes:
        answer: a sentence; for DONT_KNOW it begins with "I don't know".
        explanation: what the answer rests on or why there is none, in words.
        objects: the things of the evidence; the rivals when AMBIGUOUS.
    """

    question: str
    status: QuestionStatus
    answer: str
    verdict: Verdict = Verdict.NONE
    explanation: str = ""
    evidence: tuple[Evidence, ...] = ()
    objects: tuple[SceneObject, ...] = ()


class Unanswerable(Exception):
    """Raised within this package where a question cannot be answered; `answer_question` makes an answer of it."""

    def __init__(self, why: str, objects: tuple[SceneObject, ...] = (), status: QuestionStatus | None = None) -> None:
        super().__init__(why)
        self.why, self.objects = why, objects
        self.status = status or QuestionStatus.DONT_KNOW


def question_answer_as_dict(answer: QuestionAnswer) -> dict[str, Any]:
    """JSON-ready form, as `spatial-llava ask --json` prints it; NaN becomes null."""

    def number(value: float) -> float | None:
        return float(value) if np.isfinite(value) else None

    return {
        "question": answer.question,
        "status": answer.status.value,
        "answer": answer.answer,
        "verdict": answer.verdict.value,
        "explanation": answer.explanation,
        "evidence": [
            {
                "quantity": e.quantity,
                "objects": list(e.objects),
                "value": number(e.value),
                "value_std": number(e.value_std),
                "unit": e.unit,
                "reference": e.reference,
            }
            for e in answer.evidence
        ],
        "objects": [object_as_dict(node.object) for node in answer.objects],
    }

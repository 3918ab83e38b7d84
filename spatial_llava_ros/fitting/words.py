"""How much each part of a phrase counts, by the fewest wrong answers about simulated frames.

They are asked what the simulator knows the answer to (this thing alone, several, none). What is made small is a smooth
count of the wrong answers (Juang and Katagiri 1992); the likeliest weights would be surer of the easy questions and
answer fewer of the hard ones. Pattern search (Hooke and Jeeves 1961): a dozen numbers, and a count without a gradient.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from spatial_llava_ros.evaluation.lift import true_proposals
from spatial_llava_ros.evaluation.proposals import box_overlap
from spatial_llava_ros.evaluation.sources import CROWDED, LAYOUTS, simulated_expressions
from spatial_llava_ros.fitting.regions import lifted_features
from spatial_llava_ros.grounding import weights
from spatial_llava_ros.grounding.decision import outcomes
from spatial_llava_ros.grounding.features import Features
from spatial_llava_ros.grounding.grounder import fit_phrase
from spatial_llava_ros.language import parse
from spatial_llava_ros.language.expression import NounPhrase
from spatial_llava_ros.proposals import propose

SEED = 71000
ASKED = (*LAYOUTS, *CROWDED)
FRAMES, PER_FRAME = 10, 30  # of each layout
START = {"noun": 1.5, "colour": 1.5, "shape": 1.5, "size": 1.5, "relation": 1.0, "rank": 1.5, "thing": 1.0}
START_ODDS = {"NONE": -3.0, "SEVERAL": 1.0, "SINGLED_OUT": -3.0}
COSTLY = 1.5  # a wrong thing fetched costs more than a question asked back, so the latter answers count more
SHARP = 2.0  # the higher, the more a step and the less a slope


@dataclass(frozen=True, eq=False)
class Question:
    """A phrase about a frame and its answer: (N,) bool, the regions that are the one thing meant, or none or several.

    Attributes:
        several: the phrase fits several things; where it is False and `right` is empty, none.
    """

    phrase: NounPhrase
    features: Features
    right: np.ndarray
    several: bool


def share_right(questions: list[Question]) -> float:
    """What share of the answers is right under the present weights, some of them counted COSTLY times.

    Close calls count in part: an answer is taken to be given with its probability to the power SHARP.
    """
    total = weight = 0.0
    for question in questions:
        fit = fit_phrase(question.phrase, question.features)
        none, alone, several = outcomes(fit.members(question.features.same), fit.ranked, fit.singled_out)
        answers = np.array([none, several, *alone])
        said = (answers / answers.max()) ** SHARP
        right = said[1] if question.several else said[2:][question.right].sum() if question.right.any() else said[0]
        counts = 1.0 if question.right.any() else COSTLY
        total += counts * right / said.sum()
        weight += counts
    return total / weight


def begin() -> None:
    """Forget what was fitted before, so that the same questions give the same weights."""
    weights.PARTS.update(START)
    for name, value in START_ODDS.items():
        setattr(weights, name, value)


def fit_weights(questions: list[Question], rounds: int = 6) -> dict[str, float]:
    """Set `weights` to the values of most right answers, each in turn by steps that shrink; returns them by name."""
    places: list[tuple[str, Callable[[], float], Callable[[float], None]]] = [
        (name, lambda name=name: weights.PARTS[name], lambda v, name=name: weights.PARTS.__setitem__(name, max(v, 0)))
        for name in weights.PARTS
        if name != "landmark"  # nothing is said here of a landmark that is not there
    ]
    places += [
        (name, lambda name=name: getattr(weights, name), lambda v, name=name: setattr(weights, name, v))
        for name in ("NONE", "SEVERAL", "SINGLED_OUT")
    ]
    best, step = share_right(questions), 0.4
    for _ in range(rounds):
        for name, get, put in places:
            here = get()
            for way in (1, -1):
                put(here + way * step * (1 if name in weights.PARTS else 2))
                value = share_right(questions)
                if value > best:
                    best = value
                    break
                put(here)
        step *= 0.6
    return {name: get() for name, get, _ in places}


def asked() -> list[tuple[str, int]]:
    """Layout and seed of the frames that are asked about; nothing else is fitted on them."""
    return [(layout, SEED + k) for layout in ASKED for k in range(FRAMES)]


def questions(layout: str, seed: int) -> list[Question]:
    """About the regions that are found in a frame, and a third of them about the true ones as well."""
    asked = []
    for _, shot, expressions in simulated_expressions(f"sim:{layout}", 1, PER_FRAME, seed):
        for proposals, every in ((propose(shot.frame), 1), (true_proposals(shot)[0], 3)):
            features, _ = lifted_features(shot.frame, proposals)
            boxes = [region.box for region in proposals.regions]
            for expression in expressions[::every]:
                right = np.zeros(len(boxes), bool)
                if expression.box:
                    right = box_overlap(boxes, [expression.box])[:, 0] >= 0.5
                if right.any() or expression.kind in ("absent", "ambiguous"):  # no words find what was not proposed
                    (phrase,) = parse(expression.text).targets
                    asked.append(Question(phrase, features, right, expression.kind == "ambiguous"))
    return asked


def write(fitted: dict[str, float]) -> None:
    """Store what `grounding.weights` reads; what was not fitted stays."""
    stored = json.loads(weights.FILE.read_text(encoding="utf-8")) | {k: round(v, 2) for k, v in fitted.items()}
    weights.FILE.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")

"""Fit how much each part of a phrase counts, by maximum likelihood on simulated frames.

`python -m spatial_llava_ros.grounding.calibration` asks simulated frames what the simulator knows the answer to, and
prints the weights under which those answers (this thing alone, several, none) are likeliest. Pattern search (Hooke and
Jeeves 1961): a dozen numbers, and a likelihood that has no gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from spatial_llava_ros.evaluation.sources import CROWDED, LAYOUTS, simulated_expressions
from spatial_llava_ros.grounding import weights
from spatial_llava_ros.grounding.decision import outcomes
from spatial_llava_ros.grounding.features import Features
from spatial_llava_ros.grounding.grounder import fit_phrase
from spatial_llava_ros.language import parse
from spatial_llava_ros.language.expression import NounPhrase

COSTLY = 2.0  # a wrong thing fetched costs more than a question asked back, so the latter answers count twice
_LEAST = 0.01  # likelihood of an answer that was lost before the words: outliers must not decide


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


def likelihood(questions: list[Question]) -> float:
    """Mean log likelihood of the right answers under the present weights."""
    total = weight = 0.0
    for question in questions:
        fit = fit_phrase(question.phrase, question.features)
        none, alone, several = outcomes(fit.members(question.features.same), fit.ranked, fit.singled_out)
        right = several if question.several else alone[question.right].sum() if question.right.any() else none
        counts = 1.0 if question.right.any() else COSTLY
        total += counts * np.log(_LEAST + (1 - _LEAST) * right)
        weight += counts
    return total / weight


def fit_weights(questions: list[Question], rounds: int = 5) -> dict[str, float]:
    """Set `weights` to the likeliest values, each in turn by steps that shrink; returns them by name."""
    places: list[tuple[str, Callable[[], float], Callable[[float], None]]] = [
        (name, lambda name=name: weights.PARTS[name], lambda v, name=name: weights.PARTS.__setitem__(name, max(v, 0)))
        for name in weights.PARTS
        if name != "landmark"  # nothing is said here of a landmark that is not there
    ]
    places += [
        (name, lambda name=name: getattr(weights, name), lambda v, name=name: setattr(weights, name, v))
        for name in ("NONE", "SEVERAL", "SINGLED_OUT")
    ]
    best, step = likelihood(questions), 0.4
    for _ in range(rounds):
        for name, get, put in places:
            here = get()
            for way in (1, -1):
                put(here + way * step * (1 if name in weights.PARTS else 2))
                value = likelihood(questions)
                if value > best:
                    best = value
                    break
                put(here)
        step *= 0.6
    return {name: get() for name, get, _ in places}


def simulated_questions(spec: str, frames: int, seed: int, per_frame: int) -> list[Question]:
    """Questions about generated frames: all of them on the regions that are found, a third on the true ones as well.

    Args:
        spec: as `simulated_expressions` takes it, "sim:desk".
    """
    from spatial_llava_ros.evaluation.lift import true_proposals
    from spatial_llava_ros.evaluation.proposals import box_overlap
    from spatial_llava_ros.grounding.features import extract_features
    from spatial_llava_ros.lift import lift_all
    from spatial_llava_ros.proposals import propose

    questions = []
    for _, shot, expressions in simulated_expressions(spec, frames, per_frame, seed):
        for proposals, every in ((propose(shot.frame), 1), (true_proposals(shot)[0], 3)):
            lifted = lift_all(shot.frame, proposals)
            features = extract_features(shot.frame, proposals, [o for o, _ in lifted], [s for _, s in lifted])
            boxes = [region.box for region in proposals.regions]
            for expression in expressions[::every]:
                right = np.zeros(len(boxes), bool)
                if expression.box:
                    right = box_overlap(boxes, [expression.box])[:, 0] >= 0.5
                if right.any() or expression.kind in ("absent", "ambiguous"):  # no words find what was not proposed
                    (phrase,) = parse(expression.text).targets
                    questions.append(Question(phrase, features, right, expression.kind == "ambiguous"))
    return questions


if __name__ == "__main__":
    asked = [q for layout in (*LAYOUTS, *CROWDED) for q in simulated_questions(f"sim:{layout}", 10, 71000, 30)]
    print("\n".join(f"{name}: {value:.2f}" for name, value in fit_weights(asked).items()))

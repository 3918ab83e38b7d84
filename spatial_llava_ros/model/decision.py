"""The model says which thing is meant, geometry checks it, and answers in its place where it cannot.

DESIGN: marks, then a box where the marks leave it open, then geometry. What happened is told in the explanation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from spatial_llava_ros.grounding.decision import ACCEPT
from spatial_llava_ros.grounding.features import Features, extract_features
from spatial_llava_ros.grounding.grounder import check, ground
from spatial_llava_ros.language.expression import ReferringExpression, Relation
from spatial_llava_ros.lift import lift_all
from spatial_llava_ros.lift.shape import Shape
from spatial_llava_ros.model.errors import ModelCancelled, ModelError
from spatial_llava_ros.model.grounder import Grounder
from spatial_llava_ros.model.patience import Patience
from spatial_llava_ros.proposals.boxed import with_boxed
from spatial_llava_ros.types import Box, Grounding, RgbdFrame, Status


@dataclass(frozen=True, eq=False)
class Decision:
    """Which regions are meant, and who says so.

    Attributes:
        features: of the regions that `grounding` is about: those of the frame, and one more for a box on none of them.
        relations: of the first chosen region, for `verify`.
        method: "geometry", "marks" or "box".
        box: the model's own, of that additional region.
    """

    grounding: Grounding
    features: Features
    relations: list[tuple[Relation, list[int]]]
    method: str = "geometry"
    box: Box | None = None


def decide_by_geometry(expression: ReferringExpression, features: Features) -> Decision:
    """Geometry alone."""
    grounding, relations = ground(expression, features)
    return Decision(grounding, features, relations)


def decide_with_model(
    model: Grounder,
    fallback: bool,
    expression: ReferringExpression,
    frame: RgbdFrame,
    features: Features,
    shapes: tuple[Shape | None, ...],
    patience: Patience,
) -> Decision:
    """A model's choice, checked by geometry; geometry's own where the model cannot answer and `fallback` is True.

    A choice that does not suit the words loses score, and the explanation says so. Of several things that the model
    cannot tell apart, the one that geometry alone would choose is taken.

    Args:
        shapes: of the regions, as `lift_all` gives them.

    Raises:
        ModelCancelled: as `patience` says.
        ModelError: the model cannot answer, with `fallback` False.
    """
    own = decide_by_geometry(expression, features)
    counts = [phrase.count for phrase in expression.targets]
    try:
        answer = model.ground(frame, features, expression.text, patience, 0 if 0 in counts else sum(counts))
    except ModelCancelled:
        raise
    except ModelError as error:
        if not fallback:
            raise
        return _explained(own, f"answered by geometry: {error}")
    grounding = answer.grounding
    if answer.box is not None:
        features = _with_box(frame, features, shapes, answer.box, float(grounding.scores[-1]))
    decision = Decision(grounding, features, [], answer.method, answer.box)
    alone = own.grounding.chosen if own.grounding.status is Status.FOUND else ()
    if not grounding.chosen:
        would = f"geometry alone would take #{features.regions[alone[0]].id}" if alone else ""
        return _explained(decision, would)
    if grounding.status is Status.AMBIGUOUS and alone and set(alone) <= set(grounding.chosen):
        settled = replace(grounding, status=Status.FOUND, chosen=alone)
        decision = _explained(replace(decision, grounding=settled), "settled by geometry")
    target = decision.grounding.chosen[0]
    suits, relations = check(expression, features, target)
    decision = replace(decision, relations=relations)
    if suits >= ACCEPT:
        return decision
    scores = decision.grounding.scores.copy()
    scores[target] *= suits / ACCEPT
    other = f", alone it would take #{features.regions[alone[0]].id}" if alone and alone[0] != target else ""
    decision = replace(decision, grounding=replace(decision.grounding, scores=scores))
    return _explained(decision, f"geometry doubts it (suits the words by {suits:.0%}{other})")


def _explained(decision: Decision, more: str) -> Decision:
    said = "; ".join(part for part in (decision.grounding.explanation, more) if part)
    return replace(decision, grounding=replace(decision.grounding, explanation=said))


def _with_box(
    frame: RgbdFrame, features: Features, shapes: tuple[Shape | None, ...], box: Box, score: float
) -> Features:
    """Features with one more region, the thing inside a box."""
    proposals = with_boxed(frame, features.proposals, box, score)
    obj, shape = lift_all(frame, proposals, proposals.regions[-1:])[0]
    return extract_features(frame, proposals, [*features.objects, replace(obj, box=box)], [*shapes, shape])

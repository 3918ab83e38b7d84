"""Where the answers are lost: each step measured on its own against the simulator's truth.

Proposals against true masks; the words on perfect regions; the lift of perfect regions; and the whole chain, with what
was answered in place of the thing that was meant.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from spatial_llava_ros.evaluation.expressions import POSITIVE, Outcome, accuracy, evaluate_expressions, judge
from spatial_llava_ros.evaluation.levels import answer_levels
from spatial_llava_ros.evaluation.lift import LiftError, compare, measure_lift, summarise, true_proposals
from spatial_llava_ros.evaluation.proposals import ProposalRecall, overall_recall, proposal_recall
from spatial_llava_ros.evaluation.sources import simulated_expressions
from spatial_llava_ros.geometry import invert_transform, transform_object
from spatial_llava_ros.model.grounder import Grounder
from spatial_llava_ros.pipeline import Locator
from spatial_llava_ros.types import RgbdFrame, Status


@dataclass
class Stages:
    """What was measured of each step, over all simulated frames."""

    proposals: list[ProposalRecall] = field(default_factory=list)
    lifts: list[LiftError] = field(default_factory=list)
    on_perfect_regions: list[Outcome] = field(default_factory=list)
    found: list[LiftError] = field(default_factory=list)
    levels: dict[str, float] = field(default_factory=dict)

    def figures(self) -> dict[str, float]:
        """Name -> value, in the order of the pipeline."""
        right, total = accuracy(self.on_perfect_regions, POSITIVE)
        figures = {
            "proposals: recall at IoU 0.5": overall_recall(self.proposals, 0.5),
            "proposals: recall at IoU 0.75": overall_recall(self.proposals, 0.75),
            "words on perfect regions: right, %": 100 * right / max(total, 1),
        }
        figures |= self.levels
        figures |= {f"lift of perfect regions: {name}": value for name, value in summarise(self.lifts).items()}
        found = summarise(self.found, 0.0, 99.0)
        found.pop("milliseconds_median", None)  # these were lifted as part of their frame
        figures |= {f"found objects: {name}": value for name, value in found.items()}
        return figures

    def distributions(self) -> dict[str, list[float]]:
        """Plot title -> values."""
        return {
            "lift of perfect regions: centre error, mm": [1e3 * e.centre for e in self.lifts],
            "lift of perfect regions: yaw error, degrees": [float(np.degrees(e.yaw)) for e in self.lifts],
            "lift of perfect regions: size error, %": [100 * v for e in self.lifts for v in e.size],
            "found objects: centre error, mm": [1e3 * e.centre for e in self.found],
        }


def evaluate_simulator(
    spec: str,
    frames: int,
    seed: int,
    progress: Callable[[str], None],
    per_frame: int = 10,
    model: Grounder | None = None,
) -> tuple[list[Outcome], dict[str, RgbdFrame], Stages]:
    """Run the whole chain and each step alone on generated frames, with geometry's grounding or a model's.

    Returns:
        Outcomes of the whole chain, the frames by name, and the figures of the steps.
    """
    outcomes, kept, stages, locator = [], {}, Stages(), Locator(model=model)
    things = {}
    for name, shot, expressions in simulated_expressions(spec, frames, per_frame, seed):
        kept[name] = shot.frame
        boxes = {str(thing.id): thing.box_visible for thing in shot.objects if thing.visible_fraction >= 0.4}
        things[name] = [thing.box_visible for thing in shot.objects]
        stages.proposals += proposal_recall([(name, shot.frame, boxes)])
        stages.lifts += measure_lift(shot)
        perfect, _ = true_proposals(shot)
        stages.on_perfect_regions += evaluate_expressions(
            [(name, shot.frame, expressions)], Locator(lambda _, perfect=perfect: perfect, model)
        )
        here = evaluate_expressions([(name, shot.frame, expressions)], locator, progress)
        outcomes += here
        for outcome in here:
            right, _ = judge(outcome.expression, outcome.answer)
            if right and outcome.answer.status is Status.FOUND and outcome.expression.box:
                meant = next(t for t in shot.objects if tuple(t.box_visible) == tuple(outcome.expression.box))
                camera = invert_transform(shot.frame.world_from_camera)
                found = transform_object(outcome.answer.object, camera, shot.frame.frame_id)
                stages.found.append(compare(found, meant, shot.frame))
    stages.levels = answer_levels(outcomes, things)
    return outcomes, kept, stages

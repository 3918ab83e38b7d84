"""The whole chain in one screen: a frame and an expression in, a thing with its place in space out.

    frame --propose--> regions --lift--> objects --features--> ground --verify--> answer

Geometry grounds, or a model whose choice geometry checks (`model/decision.py`). What depends on the frame alone is kept
for the last frame, so the next expression about it costs only its own words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter

from spatial_llava_ros.geometry import transform_object
from spatial_llava_ros.grounding.features import Features, extract_features
from spatial_llava_ros.language import describe, parse
from spatial_llava_ros.language.expression import ReferringExpression
from spatial_llava_ros.lift import Shape, lift_all
from spatial_llava_ros.model.decision import Decision, decide_by_geometry, decide_with_model
from spatial_llava_ros.model.errors import ModelCancelled, ModelError
from spatial_llava_ros.model.grounder import Grounder
from spatial_llava_ros.model.patience import Patience
from spatial_llava_ros.proposals import propose
from spatial_llava_ros.types import Answer, Object3D, Proposals, RgbdFrame, Status
from spatial_llava_ros.verify import verify


class Cancelled(Exception):
    """The caller asked to stop."""


@dataclass(frozen=True, eq=False)
class _Seen:
    frame: RgbdFrame
    features: Features
    shapes: tuple[Shape | None, ...]
    timings_ms: dict[str, float]


class Locator:
    """Finds the thing an expression means in a frame. Not thread-safe: one caller at a time."""

    def __init__(
        self,
        propose: Callable[[RgbdFrame], Proposals] = propose,
        model: Grounder | None = None,
        fallback: bool = True,
    ) -> None:
        """
        Args:
            propose: finds the regions; another one may be given, to measure the later steps on perfect regions.
            model: says which region is meant, and geometry checks it; None for geometry alone.
            fallback: geometry answers where the model cannot; otherwise the status is MODEL_ERROR.
        """
        self._propose = propose
        self._model = model
        self._fallback = fallback
        self._seen: _Seen | None = None

    @property
    def proposals(self) -> Proposals | None:
        """Regions of the frame last asked about, for whatever else is said of it; None before the first."""
        return None if self._seen is None else self._seen.features.proposals

    def locate(
        self,
        frame: RgbdFrame,
        text: str,
        cancelled: Callable[[], bool] = lambda: False,
        progress: Callable[[str, str], None] = lambda stage, text: None,
        deadline: float | None = None,
    ) -> Answer:
        """Answer one expression about one frame.

        Args:
            cancelled: asked between the steps; once it says True the answer's status is CANCELLED.
            progress: told the name of each step as it begins; a model's also with what it has written so far.
            deadline: on `time.monotonic`'s clock, when a model is no longer waited for.

        Returns:
            The answer; its objects are in the frame's world frame where the camera's pose is known, else in the camera
            frame. Timings are of this call, so a frame that was seen before costs nothing to see.

        Raises:
            ExpressionError: an expression that is empty, too long or not text.
        """
        start = perf_counter()
        expression = parse(text)
        understood = f"understood: {describe(expression)}"
        timings = {"parse": _ms(start)}

        def stage(name: str) -> None:
            if cancelled():
                raise Cancelled
            progress(name, "")

        try:
            if self._seen is None or self._seen.frame is not frame:
                self._seen = self._look(frame, stage)
                timings |= self._seen.timings_ms
            stage("ground")
            start = perf_counter()
            decision = self._decide(expression, frame, Patience(deadline, cancelled, progress))
            grounding, features = decision.grounding, decision.features
            timings["ground"] = _ms(start)
            stage("verify")
            start = perf_counter()
            label = expression.targets[0].noun
            objects = [
                replace(obj, label=label if i in grounding.chosen else obj.label, score=float(grounding.scores[i]))
                for i, obj in enumerate(features.objects)
            ]
            evidence = ""
            if grounding.chosen:
                _, evidence = verify(grounding.chosen[0], decision.relations, objects, features.layout)
            timings["verify"] = _ms(start)
        except (Cancelled, ModelCancelled):
            return Answer(text, Status.CANCELLED, "cancelled before an answer was reached", timings_ms=timings)
        except ModelError as error:
            return Answer(text, Status.MODEL_ERROR, f"{understood}; {error}", timings_ms=timings)

        chosen = tuple(_in_world(objects[i], frame) for i in grounding.chosen)
        why = "; ".join(part for part in (understood, evidence, grounding.explanation) if part)
        status, best, others = grounding.status, None, ()
        if status is Status.FOUND:
            best = chosen[0]
            if best.position is None:
                status, why = Status.NO_DEPTH, f"{why}; seen, but without enough depth"
            elif len(chosen) > 1:  # a plural is answered by its first thing and, as candidates, by all of them
                others = chosen
        elif status is Status.AMBIGUOUS:
            others, why = chosen, f"{why}; {len(chosen)} things fit"
        else:
            why = f"{why}; nothing in view fits"
        model = self._model.name if self._model is not None and decision.method != "geometry" else ""
        return Answer(text, status, why, best, others, timings, decision.method, model, float(grounding.none))

    def _decide(self, expression: ReferringExpression, frame: RgbdFrame, patience: Patience) -> Decision:
        features = self._seen.features
        if self._model is None:
            return decide_by_geometry(expression, features)
        return decide_with_model(self._model, self._fallback, expression, frame, features, self._seen.shapes, patience)

    def _look(self, frame: RgbdFrame, stage: Callable[[str], None]) -> _Seen:
        """Everything that depends on the frame alone."""
        timings = {}
        stage("propose")
        start = perf_counter()
        proposals = self._propose(frame)
        timings["propose"] = _ms(start)
        stage("lift")
        start = perf_counter()
        lifted = lift_all(frame, proposals)
        timings["lift"] = _ms(start)
        start = perf_counter()
        shapes = tuple(shape for _, shape in lifted)
        features = extract_features(frame, proposals, [o for o, _ in lifted], shapes)
        timings["features"] = _ms(start)
        return _Seen(frame, features, shapes, timings)


def _in_world(obj: Object3D, frame: RgbdFrame) -> Object3D:
    if frame.world_from_camera is None:
        return obj
    return transform_object(obj, frame.world_from_camera, frame.world_frame_id)


def _ms(start: float) -> float:
    return (perf_counter() - start) * 1e3

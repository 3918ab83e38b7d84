"""The whole chain in one screen: a frame and an expression in, a thing with its place in space out.

    frame --propose--> regions --lift--> objects --features--> ground --verify--> answer

What depends on the frame alone is kept for the last frame, so the next expression about it costs only its own words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter

from spatial_llava_ros.geometry import transform_object
from spatial_llava_ros.grounding.features import Features, extract_features
from spatial_llava_ros.grounding.grounder import ground
from spatial_llava_ros.language import describe, parse
from spatial_llava_ros.lift import lift_all
from spatial_llava_ros.proposals import propose
from spatial_llava_ros.types import Answer, Object3D, Proposals, RgbdFrame, Status
from spatial_llava_ros.verify import verify


class Cancelled(Exception):
    """The caller asked to stop."""


@dataclass(frozen=True, eq=False)
class _Seen:
    frame: RgbdFrame
    features: Features
    timings_ms: dict[str, float]


class Locator:
    """Finds the thing an expression means in a frame. Not thread-safe: one caller at a time."""

    def __init__(self, propose: Callable[[RgbdFrame], Proposals] = propose) -> None:
        """`propose` finds the regions; another one may be given, to measure the later steps on perfect regions."""
        self._propose = propose
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
        progress: Callable[[str], None] = lambda stage: None,
    ) -> Answer:
        """Answer one expression about one frame.

        Args:
            cancelled: asked between the steps; once it says True the answer's status is CANCELLED.
            progress: told the name of each step as it begins.

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
            progress(name)

        try:
            if self._seen is None or self._seen.frame is not frame:
                self._seen = self._look(frame, stage)
                timings |= self._seen.timings_ms
            features = self._seen.features
            stage("ground")
            start = perf_counter()
            grounding, relations = ground(expression, features)
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
                _, evidence = verify(grounding.chosen[0], relations, objects, features.layout)
            timings["verify"] = _ms(start)
        except Cancelled:
            return Answer(text, Status.CANCELLED, "cancelled before an answer was reached", timings_ms=timings)

        chosen = tuple(_in_world(objects[i], frame) for i in grounding.chosen)
        why = "; ".join(part for part in (understood, evidence, grounding.explanation) if part)
        if grounding.status is Status.FOUND and chosen[0].position is None:
            return Answer(
                text, Status.NO_DEPTH, f"{why}; seen, but without enough depth", chosen[0], timings_ms=timings
            )
        if grounding.status is Status.FOUND:
            # A plural is answered by its first thing and, as candidates, by all of them.
            return Answer(text, Status.FOUND, why, chosen[0], chosen if len(chosen) > 1 else (), timings)
        if grounding.status is Status.AMBIGUOUS:
            return Answer(text, Status.AMBIGUOUS, f"{why}; {len(chosen)} things fit", None, chosen, timings)
        return Answer(text, Status.NOT_FOUND, f"{why}; nothing in view fits", None, (), timings)

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
        features = extract_features(frame, proposals, [o for o, _ in lifted], [s for _, s in lifted])
        timings["features"] = _ms(start)
        return _Seen(frame, features, timings)


def _in_world(obj: Object3D, frame: RgbdFrame) -> Object3D:
    if frame.world_from_camera is None:
        return obj
    return transform_object(obj, frame.world_from_camera, frame.world_frame_id)


def _ms(start: float) -> float:
    return (perf_counter() - start) * 1e3

"""How sure is sure: the temperature at which a model's marks are right as often as they say (Guo et al. 2017).

It is one number per model, found on expressions whose meaning is known, and kept with the checkpoint.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.frames.expressions import Expression
from spatial_llava_ros.grounding.features import extract_features
from spatial_llava_ros.lift import lift_all
from spatial_llava_ros.model.grounder import OVERLAP, box_overlaps
from spatial_llava_ros.model.marks_mode import fit_temperature
from spatial_llava_ros.model.transformers_backend import DESCRIPTION, TransformersBackend, read_description
from spatial_llava_ros.proposals import propose
from spatial_llava_ros.types import RgbdFrame

LEAST = 20  # questions; fewer say little
_FLOOR = 1e-6  # probability of what the model rules out


@dataclass(frozen=True)
class Calibration:
    """What was found.

    Attributes:
        temperature: divides the logits of the marks.
        questions: that it was found on.
        before, after: mean -log probability of the right mark, at temperature 1 and at this one.
    """

    temperature: float
    questions: int
    before: float
    after: float


def calibrate(
    backend: TransformersBackend,
    frames: Iterable[tuple[str, RgbdFrame, Sequence[Expression]]],
    progress: Callable[[str], None] = lambda frame: None,
) -> Calibration:
    """Ask a model for marks on things whose names are known; afterwards it answers at the temperature found.

    Args:
        backend: a model in this process.
        frames: name, frame and its expressions; those that mean several things, or one that was not proposed, are left
            out.

    Raises:
        InvalidInputError: too few questions are left.
        ModelError: the model failed.
    """
    backend.marks.temperature = 1.0
    logs: list[np.ndarray] = []
    for name, frame, expressions in frames:
        progress(name)
        proposals = propose(frame)
        lifted = lift_all(frame, proposals)
        features = extract_features(frame, proposals, [obj for obj, _ in lifted], [shape for _, shape in lifted])
        for expression in expressions:
            meant = np.zeros(len(features.regions), bool)
            if expression.box is not None:
                meant = box_overlaps(expression.box, features) >= OVERLAP
            if expression.kind == "ambiguous" or meant.any() == (expression.kind == "absent"):
                continue
            scores, none = backend.score(frame, features, expression.text)
            right, wrong = (scores[meant].sum(), [*scores[~meant], none]) if meant.any() else (none, scores)
            logs.append(np.log(np.maximum([right, *wrong], _FLOOR)))
    if len(logs) < LEAST:
        raise InvalidInputError(f"{len(logs)} expressions name one thing that can be marked; {LEAST} are the least")
    temperature = fit_temperature(logs, [0] * len(logs))
    backend.marks.temperature = temperature
    before, after = (
        float(np.mean([np.logaddexp.reduce(log / t) - log[0] / t for log in logs])) for t in (1.0, temperature)
    )
    return Calibration(temperature, len(logs), before, after)


def keep_temperature(folder: str | Path, temperature: float) -> Path:
    """Write a temperature into the description of a checkpoint folder, beside what it says already; the file.

    Raises:
        InvalidInputError: no folder.
        ModelLoadError: a description that cannot be read.
    """
    place = Path(folder).expanduser()
    if not place.is_dir():
        raise InvalidInputError(f"a temperature is kept in a checkpoint folder, and {folder} is none")
    described = read_description(str(place)) | {"marks_temperature": round(temperature, 4)}
    (place / DESCRIPTION).write_text(json.dumps(described, indent=2) + "\n")
    return place / DESCRIPTION

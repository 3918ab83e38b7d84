"""Fit everything: python -m spatial_llava_ros.fitting [scenes a layout]

Rewrites proposals/weights.npz, grounding/forms.json, grounding/objectness.npz and grounding/weights.json from simulated
scenes alone, and prints what the whole chain answers about other scenes before and after. With 40 scenes a layout this
takes about forty minutes on one core and 2 GB of temporary disk space. The same scenes give the same weights.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.evaluation.expressions import POSITIVE, accuracy
from spatial_llava_ros.evaluation.stages import evaluate_simulator
from spatial_llava_ros.fitting import forms, regions, score, words
from spatial_llava_ros.fitting.frames import LAYOUTS, VIEWS, frames
from spatial_llava_ros.grounding import forms as grounding_forms
from spatial_llava_ros.grounding import objectness
from spatial_llava_ros.proposals import scoring

STRANGE = ("desk", "crowd")  # layouts that tell how sure the forms may be
HELD_OUT = 90000


def shown(items: Iterable, total: int, name: str) -> Iterator:
    """The items, with how far they are on the terminal."""
    for done, item in enumerate(items, start=1):
        bar = "#" * (40 * done // total)
        print(f"\r{name:32} [{bar:40}] {done}/{total}", end="", file=sys.stderr, flush=True)
        yield item
    print(file=sys.stderr)


def fit_all(scenes: int, folder: Path) -> None:
    """Fit and write the weights, each step with what the ones before it wrote."""

    def shots(name: str) -> Iterator:
        return shown(frames(scenes, folder), scenes * len(LAYOUTS) * VIEWS, name)

    score.fit(*score.samples(shot for _, shot in shots("score of the proposals"))).save(scoring.WEIGHTS)
    scoring.network.cache_clear()

    regions.blank().save(objectness.WEIGHTS)
    objectness.network.cache_clear()
    seen = regions.samples(shots("looks and wholeness of regions"))
    looks, names, layouts = np.array(seen.looks), np.array(seen.names), np.array(seen.layouts)
    kinds, target = np.unique(names, return_inverse=True)
    spoken = {name for members in grounding_forms.KINDS.values() for name in members}
    if missing := spoken - set(kinds.tolist()):
        raise InvalidInputError(f"{scenes} scenes a layout are too few: they hold no {', '.join(sorted(missing))}")
    temperature = forms.best_temperature(looks, names, np.isin(layouts, STRANGE))
    forms.write(forms.train(looks, target, len(kinds)), tuple(kinds.tolist()), temperature)
    grounding_forms.load.cache_clear()
    print(f"{len(names)} looks of {len(kinds)} forms, temperature {temperature}")

    regions.fit(np.concatenate(seen.clues), np.concatenate(seen.whole)).save(objectness.WEIGHTS)
    objectness.network.cache_clear()

    words.begin()
    asked = shown(words.asked_frames(), len(words.ASKED) * words.FRAMES, "questions")
    words.write(words.fit_weights(words.questions(asked)))


def report(when: str) -> None:
    """Print what the whole chain answers about scenes that nothing is fitted on."""
    for spec, count in (("sim", 15), ("sim:crowded", 24)):
        outcomes, _, stages = evaluate_simulator(spec, count, HELD_OUT, lambda name: None)
        right = {k: "{} of {}".format(*accuracy(outcomes, v)) for k, v in
                 {"right": POSITIVE, "absent": ("absent",), "ambiguous": ("ambiguous",)}.items()}  # fmt: skip
        print(when, spec, right, {name: round(value, 2) for name, value in stages.levels.items()})
        print(when, spec, {name: round(value, 3) for name, value in stages.figures().items() if "proposals" in name})


def main(scenes: int = 40) -> None:
    """Fit, between two reports."""
    report("before")
    with tempfile.TemporaryDirectory() as folder:
        fit_all(scenes, Path(folder))
    report("after")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))

"""Fit everything: python -m spatial_llava_ros.fitting [scenes a layout]

Rewrites proposals/weights.npz, grounding/forms.json, grounding/objectness.npz and grounding/weights.json from simulated
scenes alone, and prints what the whole chain answers about other scenes before and after. With 40 scenes a layout this
takes about half an hour on two cores and 3 GB of temporary disk space. The same scenes give the same weights.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.evaluation.expressions import POSITIVE, accuracy
from spatial_llava_ros.evaluation.stages import evaluate_simulator
from spatial_llava_ros.fitting import forms, regions, score, words
from spatial_llava_ros.fitting.frames import frames, scenes
from spatial_llava_ros.grounding import forms as grounding_forms
from spatial_llava_ros.grounding import objectness
from spatial_llava_ros.proposals import scoring

STRANGE = ("desk", "crowd")  # layouts that tell how sure the forms may be
HELD_OUT = 90000


def each(learn: Callable[..., Any], jobs: Sequence[tuple], name: str) -> Iterator[Any]:
    """What `learn` makes of each job, in order, on all cores; with how far it is on the terminal."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for done, result in enumerate(pool.map(learn, *zip(*jobs, strict=True)), start=1):
            bar = "#" * (40 * done // len(jobs))
            print(f"\r{name:32} [{bar:40}] {done}/{len(jobs)}", end="", file=sys.stderr, flush=True)
            yield result
    print(file=sys.stderr)


def score_samples(layout: str, seed: int, folder: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of the views of a scene."""
    return [score.samples(shot) for shot in frames(layout, seed, folder)]


def region_samples(layout: str, seed: int, folder: Path) -> list[regions.Samples]:
    """Of the views of a scene."""
    return [regions.samples(layout, shot) for shot in frames(layout, seed, folder)]


def fit_all(count: int, folder: Path) -> None:
    """Fit and write the weights, each step with what the ones before it wrote."""
    jobs = [(layout, seed, folder) for layout, seed in scenes(count)]
    found = [pair for pairs in each(score_samples, jobs, "score of the proposals") for pair in pairs]
    score.fit(*(np.concatenate(column) for column in zip(*found, strict=True))).save(scoring.WEIGHTS)
    scoring.network.cache_clear()

    regions.blank().save(objectness.WEIGHTS)
    objectness.network.cache_clear()
    seen = [part for parts in each(region_samples, jobs, "looks and wholeness of regions") for part in parts]
    looks, names, layouts = (np.array([value for part in seen for value in getattr(part, name)])
                             for name in ("looks", "names", "layouts"))  # fmt: skip
    kinds, target = np.unique(names, return_inverse=True)
    spoken = {name for members in grounding_forms.KINDS.values() for name in members}
    if missing := spoken - set(kinds.tolist()):
        raise InvalidInputError(f"{scenes} scenes a layout are too few: they hold no {', '.join(sorted(missing))}")
    temperature = forms.best_temperature(looks, names, np.isin(layouts, STRANGE))
    forms.write(forms.train(looks, target, len(kinds)), tuple(kinds.tolist()), temperature)
    grounding_forms.load.cache_clear()
    print(f"{len(names)} looks of {len(kinds)} forms, temperature {temperature}")

    clues, whole = (
        np.concatenate([rows for part in seen for rows in getattr(part, name)]) for name in ("clues", "whole")
    )
    regions.fit(clues, whole).save(objectness.WEIGHTS)
    objectness.network.cache_clear()

    words.begin()
    asked = [question for some in each(words.questions, words.asked(), "questions") for question in some]
    words.write(words.fit_weights(asked))


def report(when: str) -> None:
    """Print what the whole chain answers about scenes that nothing is fitted on."""
    for spec, number in (("sim", 15), ("sim:crowded", 24)):
        outcomes, _, stages = evaluate_simulator(spec, number, HELD_OUT, lambda name: None)
        right = {k: "{} of {}".format(*accuracy(outcomes, v)) for k, v in
                 {"right": POSITIVE, "absent": ("absent",), "ambiguous": ("ambiguous",)}.items()}  # fmt: skip
        print(when, spec, right, {name: round(value, 2) for name, value in stages.levels.items()})
        print(when, spec, {name: round(value, 3) for name, value in stages.figures().items() if "proposals" in name})


def main() -> None:
    """Fit, between two reports."""
    parser = argparse.ArgumentParser("python -m spatial_llava_ros.fitting", description=__doc__.partition("\n\n")[2])
    parser.add_argument("scenes", type=int, nargs="?", default=40, help="of each layout (default 40)")
    count = parser.parse_args().scenes
    report("before")
    try:
        with tempfile.TemporaryDirectory() as folder:
            fit_all(count, Path(folder))
    except InvalidInputError as error:
        parser.error(str(error))
    report("after")


if __name__ == "__main__":
    main()

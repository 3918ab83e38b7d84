"""`spatial-llava evaluate`: how often is the answer the right one."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from spatial_llava_ros.cli.model import add_model, chosen_backend, chosen_model
from spatial_llava_ros.types import answer_as_dict

if TYPE_CHECKING:
    from spatial_llava_ros.evaluation.expressions import Outcome


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser(
        "evaluate",
        help="measure answers against frames whose answers are known",
        description="Ask every expression of every frame and compare with what a person meant or the simulator knows.\n"
        "attribute, relation, ordinal: right when found with half the box in common (Acc@0.5); absent: right when\n"
        "not found; ambiguous: right when said so.",
        epilog="example:\n  spatial-llava evaluate frames/ --expressions expressions_plain.json --misses\n"
        "  spatial-llava evaluate sim:tabletop --frames 30 --report output/report.html",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("source", metavar="SOURCE", help="folder of frame folders, sim, sim:crowded or sim:layout")
    parser.add_argument("--expressions", default="expressions.json", metavar="NAME", help="file to ask from")
    parser.add_argument("--frames", type=int, default=20, metavar="N", help="simulated frames (default 20)")
    parser.add_argument("--seed", type=int, default=0, help="of the simulated frames")
    parser.add_argument("--misses", action="store_true", help="list every wrong answer")
    parser.add_argument("--json", action="store_true", help="one JSON object per expression on standard output")
    parser.add_argument("--report", type=Path, metavar="OUT.html", help="one page: tables, plots, pictures of misses")
    parser.add_argument("--calibrate", action="store_true", help="find and keep the temperature of a model's marks")
    add_model(parser)


def run(args: argparse.Namespace) -> int:
    """Evaluate and print a table per frame and per kind.

    Raises:
        SpatialLlavaError: what `main` prints in one line.
    """
    from spatial_llava_ros.errors import InvalidInputError
    from spatial_llava_ros.evaluation.expressions import evaluate_expressions
    from spatial_llava_ros.evaluation.levels import answer_levels
    from spatial_llava_ros.evaluation.proposals import overall_recall, proposal_recall
    from spatial_llava_ros.evaluation.sources import folders_with_boxes, folders_with_expressions
    from spatial_llava_ros.evaluation.stages import evaluate_simulator
    from spatial_llava_ros.pipeline import Locator

    if args.frames < 1:
        raise InvalidInputError(f"--frames must be at least 1, got {args.frames}")

    def progress(name: str) -> None:
        print(f"… {name}", file=sys.stderr)

    if args.calibrate:
        return _calibrate(args, progress)
    with chosen_model(args) as model:
        if args.source.split(":")[0] == "sim":
            outcomes, frames, stages = evaluate_simulator(args.source, args.frames, args.seed, progress, model=model)
            figures, distributions = stages.figures(), stages.distributions()
        else:
            asked = list(folders_with_expressions(args.source, args.expressions))
            frames = {name: frame for name, frame, _ in asked}
            outcomes = evaluate_expressions(asked, Locator(model=model), progress)
            boxed = list(folders_with_boxes(args.source))
            recall = proposal_recall(boxed)
            figures = {f"proposals: recall at IoU {t}": overall_recall(recall, t) for t in (0.5, 0.75) if recall}
            figures |= answer_levels(outcomes, {name: list(boxes.values()) for name, _, boxes in boxed})
            distributions = {}
    if args.json:
        for outcome in outcomes:
            expression = outcome.expression
            record = answer_as_dict(outcome.answer) | {
                "frame": outcome.frame, "kind": expression.kind, "truth": expression.box,
                "overlap": outcome.overlap, "correct": outcome.correct,
            }  # fmt: skip
            print(json.dumps(record))
    else:
        for name, value in figures.items():
            print(f"{name:<58}{value:>10.4g}")
        _print_table(outcomes, args.misses)
    if args.report:
        from spatial_llava_ros.evaluation.report import write_report

        write_report(args.report, f"spatial-llava evaluate {args.source}", outcomes, frames, distributions, figures)
        print(f"report: {args.report}", file=sys.stderr)
    return 0


def _calibrate(args: argparse.Namespace, progress: Callable[[str], None]) -> int:
    """Find the temperature of a model's marks and write it into its folder."""
    from spatial_llava_ros.errors import InvalidInputError
    from spatial_llava_ros.evaluation.sources import folders_with_expressions, simulated_expressions

    if not args.model or not Path(args.model).expanduser().is_dir():
        raise InvalidInputError(f"--calibrate needs --model with a checkpoint folder, got {args.model!r}")
    from spatial_llava_ros.model.calibration import calibrate, keep_temperature

    if args.source.split(":")[0] == "sim":
        shots = simulated_expressions(args.source, args.frames, 10, args.seed)
        asked = ((name, shot.frame, expressions) for name, shot, expressions in shots)
    else:
        asked = folders_with_expressions(args.source, args.expressions)
    with chosen_backend(args) as backend:
        found = calibrate(backend, asked, progress)
    print(
        f"temperature {found.temperature:.3g} on {found.questions} expressions: -log probability of the right mark "
        f"{found.before:.3f} before, {found.after:.3f} after; kept in {keep_temperature(args.model, found.temperature)}"
    )
    return 0


def _print_table(outcomes: Sequence[Outcome], misses: bool) -> None:
    from spatial_llava_ros.evaluation.expressions import POSITIVE, accuracy
    from spatial_llava_ros.frames.expressions import KINDS

    def row(name: str, group: Sequence[Outcome]) -> str:
        cells = [f"{right}/{total}" if total else "-" for right, total in (accuracy(group, (k,)) for k in KINDS)]
        return f"{name:<28}" + "".join(f"{cell:>11}" for cell in cells)

    print(f"{'frame':<28}" + "".join(f"{kind:>11}" for kind in KINDS))
    for name, group in groupby(outcomes, key=lambda outcome: outcome.frame):
        print(row(name, list(group)))
    print(row("all", outcomes))
    for title, kinds in (("attribute + relation + ordinal", POSITIVE), ("absent", ("absent",)), ("ambiguous",) * 2):
        right, total = accuracy(outcomes, kinds if isinstance(kinds, tuple) else (kinds,))
        if total:
            print(f"{title}: {100 * right / total:.1f} % ({right} of {total})")
    if misses:
        for outcome in outcomes:
            if not outcome.correct:
                overlap = "" if outcome.overlap is None else f" IoU {outcome.overlap:.2f}"
                answer, kind = outcome.answer, outcome.expression.kind
                print(f"MISS {outcome.frame} [{kind}] {answer.query!r}: {answer.status.value}{overlap}")
                print(f"     {answer.explanation}")

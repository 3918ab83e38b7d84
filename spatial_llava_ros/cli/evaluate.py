"""`spatial-llava evaluate`: how often is the answer the right one."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from spatial_llava_ros.types import answer_as_dict

if TYPE_CHECKING:
    from spatial_llava_ros.evaluation.expressions import Outcome


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser(
        "evaluate",
        help="measure answers against frames whose answers are known",
        description="Ask every expression of every frame and compare with what a person meant (or the simulator knows).\n"
        "attribute, relation, ordinal: right when found with half the box in common (Acc@0.5); absent: right when\n"
        "not found; ambiguous: right when said so.",
        epilog="example:\n  spatial-llava evaluate frames/ --expressions expressions_plain.json --misses\n"
        "  spatial-llava evaluate sim:tabletop --frames 30",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("source", metavar="SOURCE", help="folder of frame folders with expressions, or sim[:layout]")
    parser.add_argument("--expressions", default="expressions.json", metavar="NAME", help="file to ask from")
    parser.add_argument("--frames", type=int, default=20, metavar="N", help="simulated frames (default 20)")
    parser.add_argument("--seed", type=int, default=0, help="of the simulated frames")
    parser.add_argument("--misses", action="store_true", help="list every wrong answer")
    parser.add_argument("--json", action="store_true", help="one JSON object per expression on standard output")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="draw every wrong answer into this folder")


def run(args: argparse.Namespace) -> int:
    """Evaluate and print a table per frame and per kind.

    Raises:
        SpatialLlavaError: what `main` prints in one line.
    """
    from spatial_llava_ros.evaluation.expressions import evaluate_expressions
    from spatial_llava_ros.evaluation.sources import folders_with_expressions, simulated_expressions
    from spatial_llava_ros.pipeline import Locator

    if args.source.split(":")[0] == "sim":
        frames: Iterable = (
            (name, simulated.frame, expressions)
            for name, simulated, expressions in simulated_expressions(args.source, args.frames, 10, args.seed)
        )
    else:
        frames = folders_with_expressions(args.source, args.expressions)
    kept = {}

    def remembered() -> Iterable:
        for name, frame, expressions in frames:
            kept[name] = frame
            yield name, frame, expressions
            if not args.pictures:
                kept.pop(name)

    outcomes = evaluate_expressions(remembered(), Locator(), lambda name: print(f"… {name}", file=sys.stderr))
    if args.json:
        for outcome in outcomes:
            expression = outcome.expression
            record = answer_as_dict(outcome.answer) | {
                "frame": outcome.frame, "kind": expression.kind, "truth": expression.box,
                "overlap": outcome.overlap, "correct": outcome.correct,
            }  # fmt: skip
            print(json.dumps(record))
    else:
        _print_table(outcomes, args.misses)
    if args.pictures:
        _draw_misses(outcomes, kept, args.pictures)
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
                answer = outcome.answer
                print(f"MISS {outcome.frame} [{outcome.expression.kind}] {answer.query!r}: {answer.status.value}{overlap}")
                print(f"     {answer.explanation}")


def _draw_misses(outcomes: Sequence[Outcome], frames: dict, folder: Path) -> None:
    import cv2

    from spatial_llava_ros.output.picture import draw_answer, save_picture

    folder.mkdir(parents=True, exist_ok=True)
    for number, outcome in enumerate(outcomes):
        if outcome.correct:
            continue
        picture = draw_answer(frames[outcome.frame], outcome.answer)
        for box in (outcome.expression.box, *outcome.expression.candidates):
            if box:
                x1, y1, x2, y2 = (round(v) for v in box)
                cv2.rectangle(picture, (x1, y1), (x2 - 1, y2 - 1), (255, 0, 255), 2)
        save_picture(folder / f"{outcome.frame.replace('/', '-')}-{number:03d}.png", picture)
    print(f"pictures of wrong answers: {folder} (the person's box in magenta)", file=sys.stderr)

"""`spatial-llava locate SOURCE "expression" …`: ask about recorded or simulated frames."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from spatial_llava_ros.cli.destination import PICTURES, check_destination
from spatial_llava_ros.cli.model import add_model, chosen_model
from spatial_llava_ros.cli.report import answer_text
from spatial_llava_ros.cli.source import add_frame, add_source, chosen_frame, chosen_source
from spatial_llava_ros.frames import FrameSource
from spatial_llava_ros.types import Answer, RgbdFrame, answer_as_dict

if TYPE_CHECKING:
    from spatial_llava_ros.output.mcap_log import McapWriter


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser(
        "locate",
        help="find what an expression means in a picture, in 3D",
        description="Find what each expression means and say where it is, how large, and how sure that is.",
        epilog="status: found; ambiguous (several fit: the candidates are listed); not_found; no_depth (seen, but\n"
        "its distance was not measured). All of them exit with 0. Positions are metres in the frame that is named:\n"
        "the camera's (x right, y down, z forward), or map where the source knows the camera's pose.\n\n"
        'example:\n  spatial-llava locate my_frame/ "the mug on the book" --json | jq .object.position',
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_source(parser)
    parser.add_argument("expressions", metavar="EXPRESSION", nargs="+", help='such as "the red mug left of the laptop"')
    which = parser.add_mutually_exclusive_group()
    add_frame(which)
    which.add_argument("--all", action="store_true", help="every frame of the source")
    parser.add_argument("--json", action="store_true", help="one JSON object per answer on standard output")
    parser.add_argument("--picture", type=Path, metavar="OUT.png", help="draw the answer; numbered if several")
    parser.add_argument("--mcap", type=Path, metavar="OUT.mcap", help="record frames and answers (Foxglove, ros2 bag)")
    add_model(parser)


def run(args: argparse.Namespace) -> int:
    """Answer every expression on every chosen frame.

    Raises:
        SpatialLlavaError: what `main` prints in one line.
    """
    from spatial_llava_ros.language import describe, parse  # here, so that --help stays instant
    from spatial_llava_ros.pipeline import Locator

    understood = [describe(parse(text)) for text in args.expressions]  # before any work, so that a typo costs none
    if args.picture:
        check_destination(args.picture, PICTURES, "--picture")
    if args.mcap:
        check_destination(args.mcap, (".mcap",), "--mcap")
    with ExitStack() as stack:
        source = stack.enter_context(chosen_source(args))
        log = stack.enter_context(_open_log(args.mcap)) if args.mcap else None
        locator = Locator(model=stack.enter_context(chosen_model(args)))
        for index, frame in _chosen(source, args):
            if log:
                log.write_frame(frame)
            for number, (text, meaning) in enumerate(zip(args.expressions, understood, strict=True), 1):
                answer = locator.locate(frame, text)
                if args.json:
                    record = answer_as_dict(answer)
                    if args.all:
                        record["frame"] = index
                    print(json.dumps(record, allow_nan=False), flush=True)
                else:
                    print(answer_text(answer, meaning, frame_name=f"frame {index}" if args.all else ""), flush=True)
                if args.picture:
                    path = _numbered(args.picture, index if args.all else None, number, len(args.expressions))
                    _save_picture(path, frame, answer)
                if log:
                    log.write_answer(frame, answer)
        if log:
            print(f"recording: {args.mcap}", file=sys.stderr)
    return 0


def _open_log(path: Path) -> McapWriter:
    from spatial_llava_ros.output.mcap_log import McapWriter

    return McapWriter(path)


def _save_picture(path: Path, frame: RgbdFrame, answer: Answer) -> None:
    from spatial_llava_ros.output.picture import draw_answer, save_picture

    save_picture(path, draw_answer(frame, answer))
    print(f"picture: {path}", file=sys.stderr)


def _chosen(source: FrameSource, args: argparse.Namespace) -> Iterator[tuple[int, RgbdFrame]]:
    if args.all:
        yield from enumerate(source)
    else:
        yield args.frame, chosen_frame(source, args)


def _numbered(path: Path, frame: int | None, expression: int, expressions: int) -> Path:
    parts = [path.stem]
    if frame is not None:
        parts.append(f"{frame:04d}")
    if expressions > 1:
        parts.append(str(expression))
    return path.with_name("-".join(parts) + path.suffix)

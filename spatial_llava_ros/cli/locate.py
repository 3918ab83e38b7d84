"""`spatial-llava locate SOURCE "expression" …`: ask about recorded or simulated frames."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from spatial_llava_ros.cli.report import answer_text
from spatial_llava_ros.cli.topics import add_topics, chosen_topics
from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.frames import FrameSource, open_source
from spatial_llava_ros.types import Answer, RgbdFrame, answer_as_dict

if TYPE_CHECKING:
    from spatial_llava_ros.output.mcap_log import McapWriter

_PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg")


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
    kinds = "frame folder, folder of them, rosbag2 (folder, .mcap, .db3), or sim[:layout[:seed]]"
    parser.add_argument("source", metavar="SOURCE", help=kinds)
    parser.add_argument("expressions", metavar="EXPRESSION", nargs="+", help='such as "the red mug left of the laptop"')
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--frame", type=int, default=0, metavar="N", help="which frame, from 0; -1 is the last")
    which.add_argument("--all", action="store_true", help="every frame of the source")
    parser.add_argument("--json", action="store_true", help="one JSON object per answer on standard output")
    parser.add_argument("--picture", type=Path, metavar="OUT.png", help="draw the answer; numbered if several")
    parser.add_argument("--mcap", type=Path, metavar="OUT.mcap", help="record frames and answers (Foxglove, ros2 bag)")
    add_topics(parser)


def run(args: argparse.Namespace) -> int:
    """Answer every expression on every chosen frame.

    Raises:
        SpatialLlavaError: what `main` prints in one line.
    """
    from spatial_llava_ros.language import describe, parse  # here, so that --help stays instant
    from spatial_llava_ros.pipeline import Locator

    understood = [describe(parse(text)) for text in args.expressions]  # before any work, so that a typo costs none
    if args.picture:
        _check_output(args.picture, _PICTURE_SUFFIXES, "--picture")
    if args.mcap:
        _check_output(args.mcap, (".mcap",), "--mcap")
    with ExitStack() as stack:
        source = open_source(args.source, **chosen_topics(args))
        stack.callback(source.close)
        if source.choices:
            print(f"{source.name}: {source.choices}", file=sys.stderr)
        log = stack.enter_context(_open_log(args.mcap)) if args.mcap else None
        locator = Locator()
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
        return
    try:
        yield args.frame, source[args.frame]
    except IndexError:
        raise InvalidInputError(f"--frame {args.frame}: {source.name} has {len(source)} frame(s), from 0") from None


def _check_output(path: Path, suffixes: tuple[str, ...], option: str) -> None:
    if path.suffix.lower() not in suffixes:
        raise InvalidInputError(f"{option} {path}: the name must end in {' or '.join(suffixes)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInputError(f"{option} {path}: cannot make its folder ({error.strerror})") from None
    if path.is_dir():
        raise InvalidInputError(f"{option} {path}: is a folder")


def _numbered(path: Path, frame: int | None, expression: int, expressions: int) -> Path:
    parts = [path.stem]
    if frame is not None:
        parts.append(f"{frame:04d}")
    if expressions > 1:
        parts.append(str(expression))
    return path.with_name("-".join(parts) + path.suffix)

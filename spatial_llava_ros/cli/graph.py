"""`spatial-llava graph SOURCE`: the things in a frame and how they stand to each other."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spatial_llava_ros.cli.destination import PICTURES, check_destination
from spatial_llava_ros.cli.model import add_model, chosen_backend
from spatial_llava_ros.cli.source import add_frame, add_source, chosen_frame, chosen_source
from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.frames import FrameSource
from spatial_llava_ros.output.wording import measured, statement
from spatial_llava_ros.types import Proposals, RgbdFrame, SceneGraph, graph_as_dict

if TYPE_CHECKING:
    from spatial_llava_ros.output.rerun_log import RerunWriter
    from spatial_llava_ros.output.run import Run, Step


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser(
        "graph",
        help="list the things in a picture and how they stand to each other",
        description="The scene graph of a frame: its things with position, size and likely names, and the relations a\n"
        "person would state, each with the number behind it. A page shows the whole run; where the camera's pose is\n"
        "known, with what is remembered by then. With a model that writes scene graphs (family asmv2), names and\n"
        "relations come from it too, as far as the measurements do not deny them; each says its source.",
        epilog="example:\n  spatial-llava graph my_frame/ --picture graph.png\n"
        '  spatial-llava graph my_bag/ --html run.html --ask "how far is the mug from the box?"\n'
        "  spatial-llava graph sim:room --json | jq '.relations[] | select(.predicate == \"on\")'",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_source(parser)
    add_frame(parser)
    parser.add_argument("--everything", action="store_true", help="every relation that holds, inverses and all")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--picture", type=Path, metavar="OUT.png", help="draw picture, map from above and relations")
    parser.add_argument("--html", type=Path, metavar="OUT.html", help="a page of the whole run, to open in a browser")
    parser.add_argument("--rerun", type=Path, metavar="OUT.rrd", help="the whole run for the Rerun viewer")
    add_model(parser, grounds=False)
    parser.add_argument("--ask", metavar="QUESTION", nargs="+", default=[], help="to be answered on the page")


def run(args: argparse.Namespace) -> int:
    """Print, and draw, the graph of one frame.

    Raises:
        SpatialLlavaError: what `main` prints in one line.
    """
    from spatial_llava_ros.proposals import propose  # here, so that --help stays instant

    if args.picture:
        check_destination(args.picture, PICTURES, "--picture")
    if args.html:
        check_destination(args.html, (".html", ".htm"), "--html")
    elif args.ask:
        raise InvalidInputError("--ask goes with --html; without a page, use: spatial-llava ask SOURCE QUESTION")
    if args.rerun:
        check_destination(args.rerun, (".rrd",), "--rerun")
    with chosen_source(args) as source, chosen_backend(args) as model:
        frame = chosen_frame(source, args)
        if args.html or args.rerun:
            _write_run(source, args, model)
        graph = graph_of(frame, propose(frame), model, args.everything)
    if args.picture:
        from spatial_llava_ros.output.graph_picture import draw_graph
        from spatial_llava_ros.output.picture import save_picture

        save_picture(args.picture, draw_graph(frame, graph))
        print(f"picture: {args.picture}", file=sys.stderr)
    if args.json:
        print(json.dumps(graph_as_dict(graph), allow_nan=False), flush=True)
    else:
        print(graph_text(graph), flush=True)
    return 0


def graph_of(frame: RgbdFrame, proposals: Proposals, model: Any, everything: bool = False) -> SceneGraph:
    """The graph of a frame; with a model joined with what it says, and what was made of that on standard error.

    Args:
        model: back-end of `chosen_backend`, or None.

    Raises:
        SpatialLlavaError: the model failed, or its family writes no scene graphs.
    """
    from spatial_llava_ros.graph import frame_graph

    graph = frame_graph(frame, proposals, everything=everything)
    if model is None:
        return graph
    from spatial_llava_ros.graph.said import with_said

    joined, heard = with_said(graph, model.graph_text(frame), frame, proposals, everything)
    print(f"model: {heard.named} things named, {heard.added} of them new", file=sys.stderr)
    if not heard.well_formed:
        print("model: parts of its text could not be read", file=sys.stderr)
    for denied in heard.refused:
        print(f"model: refused {denied}", file=sys.stderr)
    return joined


def _write_run(source: FrameSource, args: argparse.Namespace, model: Any) -> None:
    """The page and the recording of the whole run; what is left out, and how far it is, goes to standard error."""
    from spatial_llava_ros.output.run import Run
    from spatial_llava_ros.output.run_page import FRAMES, RunPage
    from spatial_llava_ros.questions import answer_question

    run = Run(source, FRAMES if args.html else len(source), partial(graph_of, model=model) if model else None)
    page = RunPage(source.name, len(run.numbers)) if args.html else None
    with ExitStack() as stack:
        recording = stack.enter_context(_open_recording(args.rerun, source.name)) if args.rerun else None
        for step in _with_progress(run):
            if page:
                page.add(step)
            if recording:
                recording.add(step)
        if page:
            page.heard(source.answers())
        if page and run.last:
            page.ask([answer_question(question, run.last.graph) for question in args.ask])
    if len(run.numbers) < len(source):
        print(f"{len(run.numbers)} of {len(source)} frames, evenly spread", file=sys.stderr)
    if run.left_out:
        missing = f"the camera's pose in {run.memory.frame_id} is not known"
        print(f"{run.left_out} frame(s) left out: {missing}", file=sys.stderr)
    if page:
        page.write(args.html)
        print(f"page: {args.html}", file=sys.stderr)
    if recording:
        print(f"recording: {args.rerun}", file=sys.stderr)


def _open_recording(path: Path, title: str) -> RerunWriter:
    from spatial_llava_ros.output.rerun_log import RerunWriter

    return RerunWriter(path, title)


def _with_progress(run: Run) -> Iterator[Step]:
    """The steps; on a terminal with a count."""
    for count, step in enumerate(run, 1):
        yield step
        if sys.stderr.isatty():
            end = "\n" if count == len(run.numbers) else ""
            print(f"\rframe {count} of {len(run.numbers)}", end=end, file=sys.stderr, flush=True)


def graph_text(graph: SceneGraph) -> str:
    """The graph in lines for a person: things first, then relations."""
    lines = [f"{len(graph.objects)} things, in {graph.frame_id}"]
    names = {}
    for node in graph.objects:
        obj = node.object
        words = ", ".join(a for a in node.attributes if a != obj.label)
        names[obj.id] = f"{obj.label} #{obj.id}"
        place = "no depth"
        if obj.position is not None:
            x, y, z = obj.position
            w, d, h = obj.size
            spread = 1000 * float(np.sqrt(np.trace(obj.covariance[:3, :3]) / 3))
            place = f"at ({x:.2f}, {y:.2f}, {z:.2f}) m ±{spread:.0f} mm, size {w:.2f} x {d:.2f} x {h:.2f} m"
        lines.append(f"  {names[obj.id]:24} {place}" + (f"; {words}" if words else ""))
    lines.append(f"{len(graph.relations)} relations")
    for relation in graph.relations:
        lines.append(f"  {statement(relation, names)}  {measured(relation)}".rstrip())
    return "\n".join(lines)

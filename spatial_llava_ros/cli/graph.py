"""`spatial-llava graph SOURCE`: the things in a frame and how they stand to each other."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from spatial_llava_ros.cli.destination import PICTURES, check_destination
from spatial_llava_ros.cli.source import add_frame, add_source, chosen_frame, chosen_source
from spatial_llava_ros.types import SceneGraph, graph_as_dict


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser(
        "graph",
        help="list the things in a picture and how they stand to each other",
        description="The scene graph of a frame: its things with position, size and likely names, and the relations a\n"
        "person would state, each with the number behind it.",
        epilog="example:\n  spatial-llava graph my_frame/ --picture graph.png\n"
        "  spatial-llava graph sim:room --json | jq '.relations[] | select(.predicate == \"on\")'",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_source(parser)
    add_frame(parser)
    parser.add_argument("--everything", action="store_true", help="every relation that holds, inverses and all")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--picture", type=Path, metavar="OUT.png", help="draw picture, map from above and relations")


def run(args: argparse.Namespace) -> int:
    """Print, and draw, the graph of one frame.

    Raises:
        SpatialLlavaError: what `main` prints in one line.
    """
    from spatial_llava_ros.graph import frame_graph  # here, so that --help stays instant

    if args.picture:
        check_destination(args.picture, PICTURES, "--picture")
    with chosen_source(args) as source:
        frame = chosen_frame(source, args)
    graph = frame_graph(frame, everything=args.everything)
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
        other = names.get(relation.object, f"#{relation.object}")
        if relation.second_object:
            other += f" and {names.get(relation.second_object, f'#{relation.second_object}')}"
        number = f"  {relation.value:.2f} {relation.unit}".rstrip() if np.isfinite(relation.value) else ""
        subject = names.get(relation.subject, f"#{relation.subject}")
        lines.append(f"  {subject} {relation.predicate.replace('_', ' ')} {other}{number}")
    return "\n".join(lines)

"""`spatial-llava graph SOURCE`: the things in a frame and how they stand to each other."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from spatial_llava_ros.cli.topics import add_topics, chosen_topics
from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.frames import FrameSource, open_source
from spatial_llava_ros.types import RgbdFrame, SceneGraph, graph_as_dict

_PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg")


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
    parser.add_argument("--everything", action="store_true", help="every relation that holds, inverses and all")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--picture", type=Path, metavar="OUT.png", help="draw picture, map from above and relations")


def add_source(parser: argparse.ArgumentParser) -> None:
    """Declare where the frame comes from."""
    kinds = "frame folder, folder of them, rosbag2 (folder, .mcap, .db3), or sim[:layout[:seed]]"
    parser.add_argument("source", metavar="SOURCE", help=kinds)
    parser.add_argument("--frame", type=int, default=0, metavar="N", help="which frame, from 0; -1 is the last")
    add_topics(parser)


def read_frame(args: argparse.Namespace) -> RgbdFrame:
    """The frame that the options of `add_source` name.

    Raises:
        InvalidInputError: no such source or frame.
    """
    source: FrameSource = open_source(args.source, **chosen_topics(args))
    try:
        if source.choices:
            print(f"{source.name}: {source.choices}", file=sys.stderr)
        return source[args.frame]
    except IndexError:
        raise InvalidInputError(f"--frame {args.frame}: {source.name} has {len(source)} frame(s), from 0") from None
    finally:
        source.close()


def run(args: argparse.Namespace) -> int:
    """Print, and draw, the graph of one frame.

    Raises:
        SpatialLlavaError: what `main` prints in one line.
    """
    from spatial_llava_ros.graph import frame_graph  # here, so that --help stays instant

    if args.picture:
        check_picture(args.picture)
    frame = read_frame(args)
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


def check_picture(path: Path) -> None:
    """Raise early for a picture that could not be written."""
    if path.suffix.lower() not in _PICTURE_SUFFIXES:
        raise InvalidInputError(f"--picture {path}: the name must end in {' or '.join(_PICTURE_SUFFIXES)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInputError(f"--picture {path}: cannot make its folder ({error.strerror})") from None
    if path.is_dir():
        raise InvalidInputError(f"--picture {path}: is a folder")


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

"""The options that name where frames come from, the same for every subcommand that reads a source."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.frames import FrameSource, open_source
from spatial_llava_ros.types import RgbdFrame


def add_source(parser: argparse.ArgumentParser) -> None:
    """Declare SOURCE and the topics of a bag."""
    kinds = "frame folder, folder of them, rosbag2 (folder, .mcap, .db3), or sim[:layout[:seed]]"
    parser.add_argument("source", metavar="SOURCE", help=kinds)
    topics = parser.add_argument_group("topics of a bag", "detected from types, encodings and names unless given")
    topics.add_argument("--color-topic", metavar="TOPIC")
    topics.add_argument("--depth-topic", metavar="TOPIC", help="depth aligned to the colour picture")
    topics.add_argument("--camera-info-topic", metavar="TOPIC")


def add_frame(parser: argparse._ActionsContainer) -> None:
    """Declare --frame."""
    parser.add_argument("--frame", type=int, default=0, metavar="N", help="which frame, from 0; -1 is the last")


@contextmanager
def chosen_source(args: argparse.Namespace) -> Iterator[FrameSource]:
    """The source that the options of `add_source` name, open; what it decided by itself goes to standard error.

    Raises:
        InvalidInputError: no such source.
    """
    topics = {"color": args.color_topic, "depth": args.depth_topic, "camera_info": args.camera_info_topic}
    source = open_source(args.source, **topics)
    try:
        if source.choices:
            print(f"{source.name}: {source.choices}", file=sys.stderr)
        yield source
    finally:
        source.close()


def chosen_frame(source: FrameSource, args: argparse.Namespace) -> RgbdFrame:
    """The frame of an open source that --frame names.

    Raises:
        InvalidInputError: there is none of that number.
    """
    try:
        return source[args.frame]
    except IndexError:
        raise InvalidInputError(f"--frame {args.frame}: {source.name} has {len(source)} frame(s), from 0") from None

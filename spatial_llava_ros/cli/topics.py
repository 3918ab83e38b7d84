"""The options that name a bag's topics, the same for every subcommand that reads a source."""

from __future__ import annotations

import argparse


def add_topics(parser: argparse.ArgumentParser) -> None:
    """Declare them."""
    topics = parser.add_argument_group("topics of a bag", "detected from types, encodings and names unless given")
    topics.add_argument("--color-topic", metavar="TOPIC")
    topics.add_argument("--depth-topic", metavar="TOPIC", help="depth aligned to the colour picture")
    topics.add_argument("--camera-info-topic", metavar="TOPIC")


def chosen_topics(args: argparse.Namespace) -> dict[str, str | None]:
    """What `open_source` is to be given of them."""
    return {"color": args.color_topic, "depth": args.depth_topic, "camera_info": args.camera_info_topic}

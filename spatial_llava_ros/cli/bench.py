"""`spatial-llava bench`: how long every step takes, on this machine."""

from __future__ import annotations

import argparse
import sys
from time import perf_counter

import numpy as np

QUESTIONS = (
    "the nearest thing",
    "the red box",
    "the second object from the left",
    "the thing behind the tallest object",
)


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser(
        "bench",
        help="time every step on this machine",
        description="Time every step: a frame never seen before with its first expression, the next expressions on\n"
        "the same frame, and the lift of one region.",
        epilog="example:\n  spatial-llava bench my_frames/ --rounds 5",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("source", metavar="SOURCE", nargs="?", default="sim", help="as for locate; default sim")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="times to ask about each frame (default 3)")
    parser.add_argument("--frames", type=int, default=20, metavar="N", help="most frames to take (default 20)")


def run(args: argparse.Namespace) -> int:
    """Measure and print the median and the 95th percentile of each step in milliseconds.

    Raises:
        SpatialLlavaError: the source cannot be read.
    """
    from spatial_llava_ros.errors import InvalidInputError
    from spatial_llava_ros.frames import open_source
    from spatial_llava_ros.lift import lift
    from spatial_llava_ros.pipeline import Locator
    from spatial_llava_ros.proposals import propose

    if args.rounds < 1 or args.frames < 1:
        raise InvalidInputError(f"--rounds and --frames must be at least 1, got {args.rounds} and {args.frames}")
    source = open_source(args.source)
    frames = [source[k] for k in range(min(len(source), args.frames))]
    steps: dict[str, list[float]] = {}

    def note(name: str, milliseconds: float) -> None:
        steps.setdefault(name, []).append(milliseconds)

    Locator().locate(frames[0], QUESTIONS[0])  # tables are built and libraries loaded once
    for round_number in range(args.rounds):
        print(f"… round {round_number + 1} of {args.rounds}", file=sys.stderr)
        for frame in frames:
            locator = Locator()
            for number, question in enumerate(QUESTIONS):
                start = perf_counter()
                answer = locator.locate(frame, question)
                note("new frame, first expression" if number == 0 else "next expression", _ms(start))
                if number == 0:
                    for stage, milliseconds in answer.timings_ms.items():
                        note(f"  {stage}", milliseconds)
            proposals = propose(frame)
            for region in proposals.regions:
                start = perf_counter()
                lift(frame, region, proposals)
                note("lift of one region", _ms(start))
    size = f"{frames[0].intrinsics.width}x{frames[0].intrinsics.height}"
    print(f"{source.name}: {len(frames)} frame(s), the first {size}; milliseconds")
    print(f"{'step':<32}{'median':>9}{'p95':>9}{'samples':>9}")
    for name, values in steps.items():
        print(f"{name:<32}{np.median(values):>9.1f}{np.percentile(values, 95):>9.1f}{len(values):>9}")
    return 0


def _ms(start: float) -> float:
    return (perf_counter() - start) * 1e3

"""`spatial-llava bench`: how long every step takes, on this machine; `bench model SIZE`: how long a model takes."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
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
        "the same frame, and the lift of one region.\n\n"
        "With `model` for SOURCE, time a model of true size with random weights instead: loading, memory, marks and\n"
        "box mode, the next question on a frame, plain generate with the same weights, and the floor of it all.",
        epilog="examples:\n  spatial-llava bench my_frames/ --rounds 5\n"
        "  spatial-llava bench model llava-1.5-7b --quantization nf4",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("source", metavar="SOURCE", nargs="?", default="sim", help="as for locate; default sim")
    parser.add_argument(
        "size", metavar="SIZE", nargs="?", help="of `bench model`: small (default), llava-0.5b, llava-1.5-7b, "
        "qwen2.5-vl-3b, qwen2.5-vl-7b",
    )  # fmt: skip
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="times to ask about each frame (default 3)")
    parser.add_argument("--frames", type=int, default=20, metavar="N", help="most frames to take (default 20)")
    model = parser.add_argument_group("bench model")
    model.add_argument("--quantization", default="nf4", choices=("nf4", "int8", "bf16", "none"), help="default nf4")
    model.add_argument("--device", default="auto", help="auto (default), cpu, cuda, cuda:1 …")
    model.add_argument("--folder", default="", help="where the checkpoint is built for a while; default the system's")


def run(args: argparse.Namespace) -> int:
    """Measure and print the median and the 95th percentile of each step in milliseconds.

    Raises:
        SpatialLlavaError: the source cannot be read.
    """
    if args.source == "model":
        return _run_model(args)
    from spatial_llava_ros.errors import InvalidInputError
    from spatial_llava_ros.frames import open_source
    from spatial_llava_ros.lift import lift
    from spatial_llava_ros.pipeline import Locator
    from spatial_llava_ros.proposals import propose

    if args.size is not None:
        raise InvalidInputError(f"a size goes with `bench model SIZE`, got {args.source!r} and {args.size!r}")
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


def _run_model(args: argparse.Namespace) -> int:
    """Build, load, measure and print.

    Raises:
        SpatialLlavaError: no such size, or it cannot be loaded or run here.
    """
    from spatial_llava_ros.errors import InvalidInputError, MissingDependencyError
    from spatial_llava_ros.model.true_sizes import build, design

    if args.rounds < 1:
        raise InvalidInputError(f"--rounds must be at least 1, got {args.rounds}")
    try:
        import torch
        import transformers
    except ImportError as error:
        raise MissingDependencyError(f"a model needs {error.name}: pip install 'spatial_llava_ros[model]'") from error
    from spatial_llava_ros.model.timing import measure

    size = args.size or "small"
    transformers.utils.logging.disable_progress_bar()
    parts = design(size)
    with tempfile.TemporaryDirectory(dir=args.folder or None) as folder:
        print("… building", file=sys.stderr)
        build(size, Path(folder), torch.float16 if torch.cuda.is_available() else torch.float32)
        print("… measuring", file=sys.stderr)
        figures = measure(Path(folder), parts, args.quantization, args.device, args.rounds)
    print(f"{size}, {args.quantization}")
    for name, value in figures.items():
        print(f"  {name:44} {value if isinstance(value, str) else f'{value:10.1f}'}")
    return 0

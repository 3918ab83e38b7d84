"""`spatial-llava demo`: words to poses over real ROS 2, with the camera and the locate node as separate processes."""

from __future__ import annotations

import argparse
import os
import random
import re
import signal
import statistics
import sys
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from spatial_llava_ros.cli.processes import Children
from spatial_llava_ros.cli.questions import GENERAL, Question, folder_questions, given_questions, simulated_questions
from spatial_llava_ros.errors import InvalidInputError, SpatialLlavaError
from spatial_llava_ros.types import Answer, Status

if TYPE_CHECKING:
    from spatial_llava_ros.nodes.client import Client

START_TIMEOUT_S = 90.0
MODEL_TIMEOUT_S = 600.0  # a 7B checkpoint from a slow disk
ANSWER_TIMEOUT_S = 30.0
ASKED = 6  # expressions with a target, when none are given


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser(
        "demo",
        help="camera and locate nodes over ROS 2, with the simulator or your own frames",
        description="Start a camera node and the locate node as two processes, say expressions on the topic `command`\n"
        "and show each answer as it comes: status, position, error against the truth, latency.\n"
        "A picture of every answer and one MCAP recording for Foxglove go into the output folder.",
        epilog="To look on with RViz or the ros2 tools, use the ROS_DOMAIN_ID that is printed, or set your own.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    kinds = "frame folder, folder of them, rosbag2, or sim[:layout[:seed]] (default)"
    parser.add_argument("source", metavar="SOURCE", nargs="?", default="sim", help=kinds)
    parser.add_argument("--expressions", metavar="TEXT", nargs="+", help="what to say, instead of what fits the source")
    parser.add_argument("--out", type=Path, default=Path("output"), metavar="FOLDER", help="default: output")
    parser.add_argument(
        "--seed",
        type=int,
        default=7,
        help="of the simulated scene, unless SOURCE names it (default 7, one that goes well)",
    )
    parser.add_argument("--frame", type=int, default=0, metavar="N", help="which frame the camera shows (default 0)")
    parser.add_argument("--rate", type=float, default=10.0, metavar="HZ", help="frames per second (default 10)")
    parser.add_argument("--model", metavar="MODEL", help="of the locate node: checkpoint folder, hub id or address")
    parser.add_argument(
        "--quantization", metavar="BITS", help="of the model's weights: nf4 (default), int8, bf16, none"
    )


def run(args: argparse.Namespace) -> int:
    """Run the demo; 0 when every expression was answered.

    Raises:
        SpatialLlavaError: what `main` prints in one line.
    """
    from spatial_llava_ros.nodes.environment import enter_environment

    if not 0.1 <= args.rate <= 120:
        raise InvalidInputError(f"--rate must be from 0.1 to 120 Hz, got {args.rate}")
    if args.frame < 0:
        raise InvalidInputError(f"--frame must not be negative, got {args.frame}")
    if args.expressions is not None:
        given_questions(args.expressions)
    enter_environment([sys.executable, "-m", "spatial_llava_ros.cli.main", *_arguments(args)])
    # The range whose ports no operating system hands out to others.
    os.environ.setdefault("ROS_DOMAIN_ID", str(random.randint(1, 101)))
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    signal.signal(signal.SIGTERM, _interrupt)
    _make_folder(args.out)
    spec = _with_seed(args.source, args.seed)
    _say(f"preparing {spec}")
    questions = _questions(spec, args)

    import rclpy
    from rclpy.signals import SignalHandlerOptions

    from spatial_llava_ros.nodes.client import Client

    _say(f"starting the camera and locate nodes (ROS_DOMAIN_ID={os.environ['ROS_DOMAIN_ID']}, this machine only)")
    with Children(args.out) as children:
        children.start("camera", source=spec, rate=float(args.rate), hold=args.frame)
        children.start("locate", **_model(args))
        rclpy.init(signal_handler_options=SignalHandlerOptions.NO)  # Ctrl-C is Python's here
        client = Client("demo")
        try:
            _wait_until_ready(client, children, MODEL_TIMEOUT_S if args.model else START_TIMEOUT_S)
            return _ask_all(client, children, questions, args.out)
        finally:
            client.close()


def _questions(spec: str, args: argparse.Namespace) -> list[Question]:
    from spatial_llava_ros.frames import open_source

    source = open_source(spec)  # also: a source that cannot be used is said before anything is started
    try:
        if args.frame >= len(source):
            raise InvalidInputError(f"--frame {args.frame}: {spec} has {len(source)} frame(s)")
        if args.expressions is not None:
            return given_questions(args.expressions)
        if hasattr(source, "simulated"):
            return simulated_questions(source.simulated(args.frame), args.seed, ASKED)
        if hasattr(source, "folders"):
            return folder_questions(source.folders[args.frame], ASKED)
        return given_questions(GENERAL)
    finally:
        source.close()


def _model(args: argparse.Namespace) -> dict[str, str]:
    """Parameters of the locate node."""
    if not args.model:
        return {}
    return {"model": args.model} | ({"model.quantization": args.quantization} if args.quantization else {})


def _wait_until_ready(client: Client, children: Children, patience: float) -> None:
    """Until pictures reach us and the locate node says that it is ready; says what is missing meanwhile."""
    start, said = monotonic(), ""
    while not (client.heard and client.pictures and client.ready):
        children.check()
        waited = monotonic() - start
        missing = [
            *(["locate node"] if not client.heard else []),
            *(["camera pictures"] if not client.pictures else []),
            *([f"locate ({client.advice})"] if client.heard and not client.ready and client.advice else []),
        ]
        doing = "waiting for " + ", ".join(missing or ["the first diagnosis"])
        if waited > patience:
            raise SpatialLlavaError(f"nothing after {patience:.0f} s of {doing}")
        if doing != said and waited > 3:
            _say(f"  {doing}")
            said = doing
        client.spin(0.2)
    _say(f"  pictures arrive and locate is ready ({monotonic() - start:.1f} s)")


def _ask_all(client: Client, children: Children, questions: list[Question], out: Path) -> int:
    from spatial_llava_ros.nodes.messages import answer_of, nanoseconds
    from spatial_llava_ros.output.mcap_log import McapWriter
    from spatial_llava_ros.output.picture import draw_answer, save_picture

    known = "error" if any(q.position is not None for q in questions) else "overlap"
    wide = min(60, max(len(q.text) for q in questions))
    print(f"\n    {'expression':<{wide}}  {'status':<10} {'position (m)':<22} {known:>8} {'latency':>9}", flush=True)
    recording = out / "demo.mcap"
    found, wrong, targets, silent = 0, 0, 0, 0
    errors, latencies, frames = [], [], set()
    with McapWriter(recording) as writer:
        for number, question in enumerate(questions, 1):
            start = monotonic()
            message = client.ask(question.text, ANSWER_TIMEOUT_S, children.check)
            latency = monotonic() - start
            targets += question.has_target
            if message is None:
                silent += 1
                print(f"{number:>3} {question.text:<{wide}}  no answer within {ANSWER_TIMEOUT_S:.0f} s", flush=True)
                continue
            answer = answer_of(message)
            latencies.append(latency * 1e3)
            frames.add(message.header.frame_id)
            is_wrong = question.is_wrong(answer)
            wrong += is_wrong
            found += question.has_target and answer.status is Status.FOUND and not is_wrong
            if not is_wrong and (error := question.error_mm(answer)) is not None:
                errors.append(error)
            print(f"{number:>3} {_row(question, answer, latency, wide)}", flush=True)
            frame = client.frame_at(nanoseconds(message.header.stamp))
            if frame is not None:
                writer.write_answer(frame, answer)
                save_picture(out / f"{number:02d}_{_slug(question.text)}.png", draw_answer(frame, answer))
    parts = [f"found {found} of {targets}"]
    if wrong:
        parts.append(f"{wrong} time(s) the wrong thing")
    if errors:
        parts.append(f"median error {statistics.median(errors):.0f} mm")
    if latencies:
        parts.append(f"median latency {statistics.median(latencies):.0f} ms")
    print(f"\n{', '.join(parts)}; positions in {' and '.join(sorted(frames)) or 'no frame'}")
    print(f"pictures   {out}/*.png\nrecording  {recording}  (opens in Foxglove, or: ros2 bag play)")
    return 1 if silent else 0


def _row(question: Question, answer: Answer, latency: float, wide: int) -> str:
    place, known = "", ""
    if answer.object is not None and answer.object.position is not None:
        place = "{:+.3f} {:+.3f} {:+.3f}".format(*answer.object.position)
    if (error := question.error_mm(answer)) is not None:
        known = f"{error:.0f} mm"
    elif question.position is None and (overlap := question.overlap(answer)) is not None:
        known = f"{overlap:.2f}"
    elif not question.has_target:
        known = f"({question.kind})"
    status = "WRONG ONE" if question.is_wrong(answer) else answer.status.value.replace("_", " ")
    text = question.text if len(question.text) <= wide else question.text[: wide - 1] + "…"
    return f"{text:<{wide}}  {status:<10} {place:<22} {known:>8} {latency * 1e3:>6.0f} ms"


def _with_seed(source: str, seed: int) -> str:
    """sim, sim:layout -> sim:layout:seed; everything else as it is."""
    parts = source.split(":")
    if parts[0] != "sim" or len(parts) > 2:
        return source
    return f"sim:{parts[1] if len(parts) == 2 and parts[1] else 'tabletop'}:{seed}"


def _arguments(args: argparse.Namespace) -> list[str]:
    """The command line that these arguments came from."""
    line = ["demo", args.source, "--out", str(args.out), "--seed", str(args.seed)]
    line += ["--frame", str(args.frame), "--rate", str(args.rate)]
    for option in ("model", "quantization"):
        line += [f"--{option}", getattr(args, option)] if getattr(args, option) else []
    return line + (["--expressions", *args.expressions] if args.expressions is not None else [])


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInputError(f"{folder}: cannot be made ({error.strerror or error})") from None


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:50]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt

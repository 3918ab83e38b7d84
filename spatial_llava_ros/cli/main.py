"""`spatial-llava`: chooses the subcommand and turns errors into one line and an exit code.

Exit codes: 0 answered (not found is an answer), 1 a bug of ours, 2 bad usage or unreadable input, 130 interrupted.
"""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
import traceback
from collections.abc import Sequence
from types import ModuleType
from typing import NoReturn

from spatial_llava_ros import __version__
from spatial_llava_ros.errors import SpatialLlavaError

# name: what `spatial-llava --help` says. The module of that name is only imported when it is asked for, so that
# a missing optional dependency breaks its own subcommand and no other.
COMMANDS = {
    "locate": "find what an expression means in a picture, in 3D",
    "graph": "list the things in a picture and how they stand to each other",
    "ask": "answer questions about the scene, with the numbers behind the answer",
    "demo": "camera and locate nodes over ROS 2, with the simulator or your own frames",
    "evaluate": "measure answers against frames whose answers are known",
    "bench": "time every step on this machine",
    "doctor": "say what is installed, what is missing and what to do about it",
}

_EXAMPLES = """\
examples:
  spatial-llava locate sim "the red mug left of the laptop"
  spatial-llava locate my_frame/ "the nearest bottle" "the book under the cup" --picture answer.png
  spatial-llava locate drive.mcap "the chair behind the table" --frame 120 --json
  spatial-llava demo
  spatial-llava doctor

A frame folder holds color.png (or .jpg), depth.png (16 bit) and camera.json
  {"width": 640, "height": 480, "fx": 600, "fy": 600, "cx": 320, "cy": 240, "depth_scale": 1000}
where depth_scale is depth units per metre. "spatial-llava COMMAND --help" says more.
"""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, where argparse would print the whole usage first."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {_one_line(message)} (see {self.prog} --help)\n")


def build_parser(command: str | None = None) -> argparse.ArgumentParser:
    """The parser with the options of `command` filled in; the other subcommands only have their summary."""
    parser = _Parser(
        prog="spatial-llava",
        description='Say "the red mug left of the laptop" and get that mug\'s position, orientation, size and\n'
        "uncertainty from one RGB-D picture.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"spatial-llava {__version__}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        if name == command:
            _module(name).add_parser(subparsers)
        else:
            subparsers.add_parser(name, help=summary)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code.

    Args:
        argv: arguments without the program's name; those of the process when None.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that lacks a letter must not cost the answer
            stream.reconfigure(errors="replace")
    # --debug is welcome anywhere, so it is taken out before the subcommands see it.
    options = argv[: argv.index("--")] if "--" in argv else argv
    debug = "--debug" in options
    argv = [a for a in options if a != "--debug"] + argv[len(options) :]
    try:
        command = next((a for a in argv if not a.startswith("-")), None)
        args = build_parser(command if command in COMMANDS else None).parse_args(argv)
        code = _module(args.command).run(args)
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except SystemExit as exit_:  # argparse: help, version, usage errors
        return exit_.code if isinstance(exit_.code, int) else 2
    except KeyboardInterrupt:
        print("\nspatial-llava: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of our output has seen enough. Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (SpatialLlavaError, OSError) as error:  # OSError: a full disk, a device that went away
        if debug:
            traceback.print_exc()
        print(f"spatial-llava: error: {_one_line(error)}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        if debug:
            traceback.print_exc()
        needs = f"this needs the Python module '{error.name}', which is not installed"
        print(f"spatial-llava: error: {needs}; 'spatial-llava doctor' says how to get it", file=sys.stderr)
        return 2
    except Exception as error:
        if debug:
            traceback.print_exc()
        hint = "" if debug else "; run again with --debug and report what it shows"
        print(f"spatial-llava: internal error: {type(error).__name__}: {_one_line(error)}{hint}", file=sys.stderr)
        return 1


def _module(command: str) -> ModuleType:
    return importlib.import_module(f"spatial_llava_ros.cli.{command}")


def _one_line(message: object) -> str:
    return " ".join(str(message).split())


if __name__ == "__main__":
    sys.exit(main())

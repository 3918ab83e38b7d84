"""The demo's child processes: started in the ROS environment, watched, and always ended."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TextIO

from spatial_llava_ros.cli.shared_memory import remove_abandoned, segments_of
from spatial_llava_ros.errors import SpatialLlavaError

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class Children:
    """Node processes of this package, with their output in log files. Use in a `with` statement."""

    def __init__(self, folder: Path) -> None:
        """folder: where `<name>.log` files go."""
        self._folder = folder
        self._running: dict[str, subprocess.Popen] = {}
        self._logs: list[TextIO] = []

    def start(self, name: str, **parameters: object) -> None:
        """Run `spatial_llava_ros.nodes.<name>` with ROS parameters, by this interpreter."""
        command = [sys.executable, "-m", f"spatial_llava_ros.nodes.{name}", "--ros-args"]
        for key, value in parameters.items():
            command += ["-p", f"{key}:={_yaml(value)}"]
        log = (self._folder / f"{name}.log").open("w")
        self._logs.append(log)
        self._running[name] = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # Ctrl-C is for us alone, and we pass it on in order; but should we be killed, nobody is left behind.
            start_new_session=True,
            preexec_fn=_end_with_parent,
        )

    @property
    def pids(self) -> dict[str, int]:
        """Process id of each node, by name."""
        return {name: process.pid for name, process in self._running.items()}

    def check(self) -> None:
        """
        Raises:
            SpatialLlavaError: a child has ended; quotes the last line it said.
        """
        for name, process in self._running.items():
            if process.poll() is not None:
                log = self._folder / f"{name}.log"
                said = log.read_text(errors="replace").strip().splitlines()
                why = said[-1] if said else f"exit code {process.returncode}, no output"
                raise SpatialLlavaError(f"the {name} node has ended: {why} (all it said: {log})")

    def __enter__(self) -> Children:
        return self

    def __exit__(self, *error: object) -> None:
        shared: set[Path] = set()
        for end, patience in ((signal.SIGINT, 5.0), (signal.SIGTERM, 3.0), (signal.SIGKILL, 5.0)):
            alive = [p for p in self._running.values() if p.poll() is None]
            if end is signal.SIGKILL:  # as on a machine too busy to end in time: they cannot clean up themselves
                shared = set().union(*(segments_of(p.pid) for p in alive))
            for process in alive:
                process.send_signal(end)
            for process in alive:
                try:
                    process.wait(patience)
                except subprocess.TimeoutExpired:
                    continue
        remove_abandoned(shared)
        for log in self._logs:
            log.close()


def _yaml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    # Quoted, or a folder called 000002 would become a number.
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() == 1:
        os._exit(1)

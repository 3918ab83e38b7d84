"""`spatial-llava doctor`: what is installed, what is missing and what to do about it.

Works with nothing but Python, because it is what one runs when the rest does not.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from spatial_llava_ros.cli.accelerators import check_devices, check_models
from spatial_llava_ros.cli.check import Check
from spatial_llava_ros.cli.machine import Machine

MIB = 1 << 20

# What `pip install` brings; setup.py has the versions.
REQUIRED_MODULES = {
    "numpy": "numpy",
    "cv2": "opencv-python",
    "lark": "lark",
    "rosbags": "rosbags",
    "mcap": "mcap",
}
# What Open3D is linked against, and the Debian package that has it.
OPEN3D_LIBRARIES = {
    "libusb-1.0.so.0": "libusb-1.0-0",
    "libGL.so.1": "libgl1",
    "libgomp.so.1": "libgomp1",
    "libX11.so.6": "libx11-6",
    "libEGL.so.1": "libegl1",
}


def check_python(machine: Machine) -> Iterator[Check]:
    """The interpreter, the modules that everything needs, and the simulator's."""
    version = ".".join(map(str, machine.python_version))
    if machine.python_version >= (3, 10):
        yield Check("Python", "ok", f"{version} ({machine.python_path})", required=True)
    else:
        yield Check("Python", "missing", version, "Python 3.10 or newer is needed", required=True)
    for module, package in REQUIRED_MODULES.items():
        found, why = machine.module(module, package)
        if found:
            yield Check(package, "ok", found, required=True)
        else:
            yield Check(package, "missing", why, f"pip install '{package}'", required=True)
    found, why = machine.module("open3d", "open3d")
    lacking = [package for library, package in OPEN3D_LIBRARIES.items() if not machine.loads(library)]
    if found:
        yield Check("open3d", "ok", f"{found} (simulator)")
    elif lacking:
        yield Check("open3d", "warn", f"does not load: {why}", f"sudo apt-get install {' '.join(lacking)}")
    else:
        yield Check("open3d", "warn", f"no simulator: {why}", "pip install 'open3d>=0.20'")


def check_ros(machine: Machine) -> Iterator[Check]:
    """ROS 2, our generated messages, and the packages that are used where they exist."""
    ros = machine.ros()
    if "rclpy" not in ros:
        why = str(ros.get("rclpy_error", "no rclpy"))
        yield Check(
            "ROS 2",
            "warn",
            f"not here ({why}); the command line works without, the nodes do not",
            "run `make build` in the checkout, or source the install/setup.bash of your workspace",
        )
        return
    yield Check("ROS 2", "ok", f"{ros.get('distribution') or 'unnamed distribution'}, {ros.get('rmw')}")
    if ros.get("messages"):
        yield Check("messages", "ok", "spatial_llava_ros.msg is built")
    else:
        yield Check(
            "messages",
            "missing",
            str(ros.get("messages_error")),
            "run `make build` in the checkout, or colcon build in your workspace, and source it",
        )
    if ros.get("tf2_msgs.msg"):
        how = "tf2_ros" if ros.get("tf2_ros") else "tf2_msgs, with our own lookup"
        yield Check("transforms", "ok", how)
    else:
        yield Check(
            "transforms",
            "warn",
            "no tf2_msgs: answers stay in the camera's frame",
            f"sudo apt-get install ros-{ros.get('distribution') or '<distro>'}-tf2-msgs",
        )
    if ros.get("vision_msgs.msg"):
        yield Check("vision_msgs", "ok", "detections are published as vision_msgs as well")
    else:
        yield Check("vision_msgs", "ok", "not installed: the topic `detections` is left out")


def segment_size(profile: str) -> int | None:
    """Bytes of the shared-memory segment that a Fast DDS profile sets; None when it sets none."""
    found = re.search(r"<segment_size>\s*(\d+)\s*</segment_size>", profile)
    return int(found.group(1)) if found else None


def check_transport(machine: Machine) -> Iterator[Check]:
    """Whether pictures get from the camera's process to ours."""
    ours = Path(__file__).resolve().parents[2] / "config" / "fastdds.xml"
    variables = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")
    chosen = next((v for v in map(machine.environment, variables) if v), "")
    set_it = f"export {variables[0]}={ours} {variables[1]}={ours}"
    if "cyclone" in machine.environment("RMW_IMPLEMENTATION"):
        yield Check("shared memory", "ok", "Cyclone DDS: the Fast DDS profile does not apply, the kernel buffers do")
    elif machine.environment("FASTDDS_BUILTIN_TRANSPORTS") == "LARGE_DATA":
        yield Check("shared memory", "ok", "FASTDDS_BUILTIN_TRANSPORTS=LARGE_DATA")
    elif not chosen:
        yield Check(
            "shared memory",
            "warn",
            "our launch files and the demo set it, but other programs started here (a camera driver) "
            "send through the default 512 KiB segment, and best-effort subscribers get almost no picture",
            f"before the driver starts: {set_it}",
        )
    elif (text := machine.read(chosen)) is None:
        yield Check("shared memory", "missing", f"the Fast DDS profile {chosen} cannot be read", set_it)
    elif (segment_size(text) or 0) < 4 * MIB:
        yield Check("shared memory", "warn", f"{chosen} sets no shared-memory segment of at least 4 MiB", set_it)
    else:
        yield Check("shared memory", "ok", f"segment of {segment_size(text) // MIB} MiB ({chosen})")

    shm = machine.space("/dev/shm")
    if shm is None:
        yield Check("/dev/shm", "warn", "not mounted: pictures go through UDP", "mount a tmpfs there, 256 MiB or more")
    elif shm < 256 * MIB:
        yield Check(
            "/dev/shm",
            "warn",
            f"{shm // MIB} MiB is too small for a few 32 MiB segments",
            "docker run --shm-size=512m (or --ipc=host), or: mount -o remount,size=512m /dev/shm",
        )
    else:
        yield Check("/dev/shm", "ok", f"{shm // MIB} MiB")

    # Values of the ROS 2 documentation on DDS tuning, "cross-vendor".
    wanted = {
        "net.core.rmem_max": (4 * MIB, ">", 2147483647),
        "net.ipv4.ipfrag_high_thresh": (32 * MIB, ">", 134217728),
        "net.ipv4.ipfrag_time": (5, "<", 3),
    }
    low = []
    for name, (limit, side, advised) in wanted.items():
        value = machine.read("/proc/sys/" + name.replace(".", "/"))
        if value and value.isdigit() and (int(value) < limit if side == ">" else int(value) > limit):
            low.append((name, value, advised))
    if low:
        found = ", ".join(f"{name} is {value}" for name, value, _ in low)
        yield Check(
            "network buffers",
            "warn",
            f"{found}: pictures from other machines may be lost",
            "only for a camera on another machine: sudo sysctl -w "
            + " ".join(f"{name}={advised}" for name, _, advised in low),
        )
    else:
        yield Check("network buffers", "ok", "large enough for pictures from other machines")


def examine(machine: Machine) -> list[Check]:
    """All checks, in the order of the report."""
    return [
        c for part in (check_python, check_ros, check_transport, check_devices, check_models) for c in part(machine)
    ]


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser(
        "doctor",
        help="say what is installed, what is missing and what to do about it",
        description="Say what is installed, what is missing and what to do about it.",
        epilog="ok: fine. warn: works, but something will be slow, lossy or absent. missing: broken.\n"
        "Exit code 0, or 1 when something is missing that everything needs.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")


def run(args: argparse.Namespace, machine: Machine | None = None) -> int:
    """Print the report.

    Returns:
        0, or 1 when something required is missing.
    """
    checks = examine(machine or Machine())
    healthy = not any(c.required and c.state == "missing" for c in checks)
    if args.json:
        print(json.dumps({"ok": healthy, "checks": [asdict(c) for c in checks]}, indent=1))
        return 0 if healthy else 1
    width = max(len(c.name) for c in checks)
    colors = {"ok": "32", "warn": "33", "missing": "31"} if sys.stdout.isatty() else {}
    for check in checks:
        state = f"{check.state:7}"
        if check.state in colors:
            state = f"\033[{colors[check.state]}m{state}\033[0m"
        print(f"{state}  {check.name:{width}}  {check.detail}")
        if check.advice:
            print(f"{'':7}  {'':{width}}  -> {check.advice}")
    return 0 if healthy else 1

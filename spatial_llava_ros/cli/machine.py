"""What `doctor` asks of the machine it runs on. Every contact with the world is here, so that tests can fake it."""

from __future__ import annotations

import ctypes
import glob
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from spatial_llava_ros.nodes.environment import has_ros

_ROS_QUESTIONS = """
import json, os
found = {"distribution": os.environ.get("ROS_DISTRO", ""), "prefixes": os.environ.get("AMENT_PREFIX_PATH", "")}
try:
    import rclpy
    found["rclpy"] = rclpy.__file__
    from rclpy.utilities import get_rmw_implementation_identifier
    found["rmw"] = get_rmw_implementation_identifier()
except Exception as error:
    found["rclpy_error"] = f"{type(error).__name__}: {error}"
try:
    from spatial_llava_ros.msg import ReferredObject
    ReferredObject()
    found["messages"] = True
except Exception as error:
    found["messages_error"] = f"{type(error).__name__}: {error}"
for name in ("tf2_ros", "tf2_msgs.msg", "vision_msgs.msg"):
    try:
        __import__(name)
        found[name] = True
    except ImportError:
        found[name] = False
print("\\n" + json.dumps(found))
"""

# A build for another GPU imports, and fails at its first calculation: so one is made.
_TORCH_QUESTIONS = """
import json
found = {}
try:
    import torch
    found["version"] = torch.__version__
except Exception as error:
    found["error"] = f"{type(error).__name__}: {error}"
if "version" in found:
    try:
        if torch.cuda.is_available():
            found["device"] = torch.cuda.get_device_name(0)
            found["capability"] = torch.cuda.get_device_capability(0)
            found["free"], found["total"] = torch.cuda.mem_get_info(0)
            torch.ones(8, device="cuda").sum().item()
        elif torch.version.cuda:
            torch.zeros(1).cuda()
    except Exception as error:
        found["device_error"] = str(error).splitlines()[0]
    try:
        from bitsandbytes.functional import quantize_4bit
        usable = "device" in found and "device_error" not in found
        quantize_4bit(torch.ones(64, 64, device="cuda" if usable else "cpu"), quant_type="nf4")
    except ImportError:
        pass
    except Exception as error:
        found["quantization_error"] = str(error).splitlines()[0]
print("\\n" + json.dumps(found))
"""


class Machine:
    """This machine. All methods answer quickly and never raise: what cannot be known is None or empty."""

    python_version = sys.version_info[:3]
    python_path = sys.executable
    architecture = platform.machine()

    def environment(self, name: str) -> str:
        """The environment variable, or ""."""
        return os.environ.get(name, "")

    def read(self, path: str) -> str | None:
        """The text of a file, without the zero bytes and white space around it."""
        try:
            return Path(path).read_text(errors="replace").strip("\0 \n")
        except OSError:
            return None

    def devices(self, pattern: str) -> list[tuple[str, bool]]:
        """(path, may we read and write it) of the device files that match."""
        return [(path, os.access(path, os.R_OK | os.W_OK)) for path in sorted(glob.glob(pattern))]

    def space(self, path: str) -> int | None:
        """Size in bytes of the file system of `path`."""
        try:
            return shutil.disk_usage(path).total
        except OSError:
            return None

    def loads(self, library: str) -> bool:
        """True when the dynamic linker finds the shared library."""
        try:
            ctypes.CDLL(library)
        except OSError:
            return False
        return True

    def run(self, *command: str) -> str | None:
        """Standard output of a program, or None when it is missing, fails or takes longer than 30 s."""
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    def module(self, name: str, package: str) -> tuple[str, str]:
        """(version, "") of an importable module, or ("", why not). A process of its own imports it: it may crash.

        Args:
            name: what is imported.
            package: what pip calls it, asked for the version where the module does not say.
        """
        code = (
            f"import importlib.metadata as m, {name} as x\n"
            f"try: print(getattr(x, '__version__', None) or m.version({package!r}))\n"
            "except m.PackageNotFoundError: print('of unknown version')"
        )
        try:
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
        except (OSError, subprocess.TimeoutExpired) as error:
            return "", f"{type(error).__name__}"
        if done.returncode == 0:
            return done.stdout.strip().splitlines()[-1], ""
        return "", (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]

    def torch(self) -> dict:
        """version, device, capability (major, minor), free and total bytes of it, and what failed when it was tried:
        error, device_error, quantization_error. A key that says nothing is absent."""
        answer = self.run(sys.executable, "-c", _TORCH_QUESTIONS)
        if answer is None and importlib.util.find_spec("torch") is not None:
            return {"error": "torch is installed, but crashes or takes longer than 30 s to load"}
        return json.loads(answer.splitlines()[-1]) if answer else {}

    def ros(self) -> dict[str, str | bool]:
        """What the environment that the nodes run in holds: that of this shell, else that of a built checkout."""
        checkout = Path(__file__).resolve().parents[2]
        command = [sys.executable, "-c", _ROS_QUESTIONS]
        if not has_ros() and (checkout / "install" / "setup.bash").exists():
            command = ["bash", "-c", 'source "$1/scripts/env.sh" && exec "${@:2}"', "bash", str(checkout), *command]
        answer = self.run(*command)
        return json.loads(answer.splitlines()[-1]) if answer else {}

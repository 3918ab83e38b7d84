"""Is this process in a ROS environment that has our messages? If not, where one is. Imports nothing of ROS."""

from __future__ import annotations

import importlib.util
import os
import shlex
from pathlib import Path

from spatial_llava_ros.errors import MissingDependencyError

_ENTERED = "SPATIAL_LLAVA_ENVIRONMENT_ENTERED"
# Fast DDS reads the first up to Jazzy, the second from Kilted on.
PROFILE_VARIABLES = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")


def has_ros() -> bool:
    """True when rclpy and this package's generated messages can be imported."""
    return all(importlib.util.find_spec(name) is not None for name in ("rclpy", "spatial_llava_ros.msg"))


def enter_environment(command: list[str]) -> None:
    """Make sure that we are in a ROS environment: return if so, else start `command` inside one in our place.

    A checkout that was built (`make build`) has scripts/env.sh and install/; that is the environment entered.

    Raises:
        MissingDependencyError: there is none; says what to do.
    """
    use_profile()
    checkout = Path(__file__).resolve().parents[2]
    script = checkout / "scripts" / "env.sh"
    if has_ros():
        return
    if os.environ.get(_ENTERED) or not (script.exists() and (checkout / "install" / "setup.bash").exists()):
        raise MissingDependencyError(
            "ROS 2 with this package's messages is not set up here: run `make build` in the checkout, "
            "or source the install/setup.bash of the workspace this package was built in"
        )
    line = f"source {shlex.quote(str(script))} && exec {shlex.join(command)}"
    os.execvpe("bash", ["bash", "-c", line], os.environ | {_ENTERED: "1"})


def use_profile() -> None:
    """Point Fast DDS at the package's shared-memory profile, unless the user has chosen one. Before rclpy.init only."""
    if any(os.environ.get(name) for name in PROFILE_VARIABLES):
        chosen = next(os.environ[name] for name in PROFILE_VARIABLES if os.environ.get(name))
    else:
        chosen = str(config_folder() / "fastdds.xml")
    for name in PROFILE_VARIABLES:
        os.environ.setdefault(name, chosen)


def config_folder() -> Path:
    """config/ of the checkout, or of the install space that this package was found in."""
    checkout = Path(__file__).resolve().parents[2] / "config"
    if checkout.is_dir():
        return checkout
    for prefix in os.environ.get("AMENT_PREFIX_PATH", "").split(":"):
        shared = Path(prefix) / "share" / "spatial_llava_ros" / "config"
        if shared.is_dir():
            return shared
    return checkout

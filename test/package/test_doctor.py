"""`spatial-llava doctor` on machines that are not this one."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from spatial_llava_ros.cli import doctor
from spatial_llava_ros.cli.machine import Machine

ROOT = Path(__file__).resolve().parents[2]
PROFILE = "FASTRTPS_DEFAULT_PROFILES_FILE"
ROS = {"rclpy": "/opt/ros", "distribution": "humble", "rmw": "rmw_fastrtps_cpp", "messages": True, "tf2_msgs.msg": True}


class FakeMachine(Machine):
    """A healthy desktop, changed by keyword."""

    python_version = (3, 10, 12)
    python_path = "/usr/bin/python3"
    architecture = "x86_64"

    def __init__(
        self, environment=(), files=(), devices=(), lacking=(), broken=(), ros=ROS, shm=1 << 33, smi=None, torch=()
    ):
        self._environment = dict(environment)
        self._files = {
            "/proc/sys/net/core/rmem_max": "2147483647",
            "/proc/sys/net/ipv4/ipfrag_time": "3",
            "/proc/sys/net/ipv4/ipfrag_high_thresh": "134217728",
            **dict(files),
        }
        self._devices, self._lacking, self._broken = list(devices), lacking, dict(broken)
        self._ros, self._shm, self._smi, self._torch = ros, shm, smi, dict(torch)

    def environment(self, name):
        return self._environment.get(name, "")

    def read(self, path):
        return self._files[path] if path in self._files else super().read(path) if path.startswith(str(ROOT)) else None

    def devices(self, pattern):
        return [(path, allowed) for path, allowed in self._devices if Path(path).match(pattern)]

    def space(self, path):
        return self._shm

    def loads(self, library):
        return library not in self._lacking

    def run(self, *command):
        return self._smi if command[0] == "nvidia-smi" else None

    def module(self, name, package):
        return ("", self._broken[name]) if name in self._broken else ("1.0", "")

    def ros(self):
        return self._ros

    def torch(self):
        return self._torch


def checks(machine: Machine) -> dict[str, doctor.Check]:
    return {c.name: c for c in doctor.examine(machine)}


def test_a_healthy_machine_needs_no_advice() -> None:
    healthy = FakeMachine({PROFILE: str(ROOT / "config" / "fastdds.xml")})
    assert [c for c in doctor.examine(healthy) if c.state != "ok" or c.advice] == []


@pytest.mark.parametrize(
    ("machine", "name", "state", "words"),
    [
        (FakeMachine(broken={"cv2": "ImportError"}), "opencv-python", "missing", "pip install 'opencv-python'"),
        (FakeMachine(broken={"open3d": "libGL"}, lacking=["libGL.so.1"]), "open3d", "warn", "install libgl1"),
        (FakeMachine(broken={"open3d": "No module named 'open3d'"}), "open3d", "warn", "pip install 'open3d>"),
        (FakeMachine(ros={}), "ROS 2", "warn", "make build"),
        (FakeMachine(ros={**ROS, "messages": False, "messages_error": "x"}), "messages", "missing", "colcon build"),
        (FakeMachine(ros={**ROS, "tf2_msgs.msg": False}), "transforms", "warn", "ros-humble-tf2-msgs"),
        (FakeMachine(), "shared memory", "warn", "export FASTRTPS_DEFAULT_PROFILES_FILE=/"),
        (FakeMachine({"FASTDDS_DEFAULT_PROFILES_FILE": "/gone.xml"}), "shared memory", "missing", "export"),
        (FakeMachine({PROFILE: "/a.xml"}, {"/a.xml": "<dds/>"}), "shared memory", "warn", "export"),
        (FakeMachine(shm=64 << 20), "/dev/shm", "warn", "--shm-size"),
        (FakeMachine(shm=None), "/dev/shm", "warn", "tmpfs"),
        (FakeMachine(files={"/proc/sys/net/core/rmem_max": "212992"}), "network buffers", "warn", "rmem_max=21474"),
        (FakeMachine(devices=[("/dev/nvidia0", True)]), "GPU", "warn", "driver"),
        (
            FakeMachine(files={"/proc/device-tree/model": "NVIDIA Jetson AGX Orin"}, devices=[("/dev/nvmap", False)]),
            "GPU",
            "warn",
            "video",
        ),
    ],
)
def test_a_fault_is_named_with_its_remedy(machine: Machine, name: str, state: str, words: str) -> None:
    check = checks(machine)[name]
    assert check.state == state
    assert words in check.advice


def test_transports_that_need_no_profile() -> None:
    for environment in ({"FASTDDS_BUILTIN_TRANSPORTS": "LARGE_DATA"}, {"RMW_IMPLEMENTATION": "rmw_cyclonedds_cpp"}):
        assert checks(FakeMachine(environment))["shared memory"].state == "ok"


def test_gpus_are_named() -> None:
    listed = "NVIDIA RTX A2000, 12282 MiB, 560.35\nNVIDIA T4, 15360 MiB, 560.35"
    found = [c.detail for c in doctor.check_devices(FakeMachine(smi=listed))]
    assert found == listed.splitlines()
    orin = {
        "/proc/device-tree/model": "Jetson Orin Nano",
        "/etc/nv_tegra_release": "# R36 (release), REVISION: 4.3, GCID",
    }
    [board] = doctor.check_devices(FakeMachine(files=orin, devices=[("/dev/nvmap", True)]))
    assert board.state == "ok" and "Jetson Orin Nano, L4T 36.4.3" in board.detail


CPU = {"version": "2.13.0+cpu"}
ORIN = {"version": "2.8.0", "device": "Orin", "capability": [8, 7], "free": 5.1e9, "total": 7.4e9}
BOARD = {"/proc/device-tree/model": "NVIDIA Jetson Orin Nano"}


@pytest.mark.parametrize(
    ("machine", "name", "state", "words"),
    [
        (FakeMachine(), "models", "ok", "geometry alone answers: torch is not installed"),
        (FakeMachine(torch={"error": "OSError: libcudart.so"}), "models", "ok", "libcudart"),
        (FakeMachine(torch=CPU), "torch", "ok", "on the CPU"),
        (FakeMachine(torch=CPU), "bitsandbytes", "ok", "1.0"),
        (FakeMachine(torch=CPU, broken={"peft": "No module"}), "peft", "warn", "LoRA"),
        (FakeMachine(torch=CPU, broken={"bitsandbytes": "No module"}), "bitsandbytes", "warn", "make models"),
        (FakeMachine(torch=CPU, devices=[("/dev/nvidia0", True)]), "torch", "warn", "does not use the GPU"),
        (FakeMachine(torch=CPU, files=BOARD), "torch", "warn", "jetson-ai-lab"),
        (FakeMachine(torch=ORIN, files=BOARD), "torch", "ok", "Orin (sm_87), 5.1 of 7.4 GB free"),
        (FakeMachine(torch=ORIN | {"free": 1.2e9}, files=BOARD), "torch", "warn", "desktop off"),
        (FakeMachine(torch=ORIN | {"device_error": "named symbol not found"}), "torch", "warn", "cannot compute"),
        (
            FakeMachine(torch=ORIN | {"quantization_error": "named symbol not found"}, files=BOARD),
            "bitsandbytes",
            "warn",
            "bitsandbytes -i https://pypi.jetson-ai-lab",
        ),
    ],
)
def test_models_are_looked_at_by_trying_them(machine: Machine, name: str, state: str, words: str) -> None:
    check = checks(machine)[name]
    assert check.state == state
    assert words in f"{check.detail} {check.advice}"


def test_an_old_python_is_missing() -> None:
    machine = FakeMachine()
    machine.python_version = (3, 8, 10)
    assert checks(machine)["Python"].state == "missing"


@pytest.mark.parametrize(("broken", "code"), [({}, 0), ({"open3d": "x"}, 0), ({"numpy": "x"}, 1)])
def test_exit_code_and_json_tell_what_is_required(broken: dict, code: int, capsys) -> None:
    assert doctor.run(argparse.Namespace(json=True), FakeMachine(broken=broken)) == code
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is (code == 0)
    assert {"name", "state", "detail", "advice", "required"} == set(report["checks"][0])


def test_report_for_people_has_a_line_for_each_check(capsys) -> None:
    assert doctor.run(argparse.Namespace(json=False), FakeMachine(shm=1)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith(("ok ", "warn ", "missing ")) for line in lines) == len(
        doctor.examine(FakeMachine(shm=1))
    )
    assert any(line.strip().startswith("-> docker run --shm-size") for line in lines)


def test_this_machine_can_be_examined() -> None:
    found = checks(Machine())
    assert found["numpy"].state == "ok" and found["numpy"].detail[0].isdigit()
    assert not any(c.required and c.state == "missing" for c in found.values())

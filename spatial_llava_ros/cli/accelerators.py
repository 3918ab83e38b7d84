"""What `doctor` says of graphics processors and of the libraries of language models."""

from __future__ import annotations

import re
from collections.abc import Iterator

from spatial_llava_ros.cli.check import Check
from spatial_llava_ros.cli.machine import Machine

GB = 1e9
INSTALL = "make models in the checkout, or pip install 'spatial_llava_ros[model]'"
# NVIDIA's builds for JetPack 6 (CUDA 12.6); those of PyPI are for servers and fail at the first call.
JETSON = "pip install --force-reinstall {} -i https://pypi.jetson-ai-lab.io/jp6/cu126/+simple/ (docs/models.md)"
NEEDED = 3.0  # GB: a 3B model of 4-bit weights with its vision tower and one picture


def jetson(machine: Machine) -> str:
    """Name of the Jetson board; empty on any other machine."""
    board = machine.read("/proc/device-tree/model") or ""
    return board if re.search("jetson|orin|xavier|tegra|thor", board, re.IGNORECASE) else ""


def check_devices(machine: Machine) -> Iterator[Check]:
    """Graphics processors. Only language models use one: geometry answers on the CPU."""
    board = jetson(machine)
    if board:
        release = re.search(r"R(\d+).*?REVISION: ([\d.]+)", machine.read("/etc/nv_tegra_release") or "")
        system = f", L4T {release.group(1)}.{release.group(2)}" if release else ""
        closed = [
            path for path, allowed in machine.devices("/dev/nvhost*") + machine.devices("/dev/nvmap") if not allowed
        ]
        if closed:
            yield Check(
                "GPU",
                "warn",
                f"{board}{system}, but {closed[0]} may not be opened",
                "sudo usermod -aG video,render $USER, then log in again",
            )
        else:
            yield Check("GPU", "ok", f"{board}{system}; memory is shared with the CPU")
        return
    listed = machine.run("nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader")
    if listed:
        for line in listed.splitlines():
            yield Check("GPU", "ok", line)
    elif machine.devices("/dev/nvidia[0-9]*"):
        yield Check(
            "GPU",
            "warn",
            "/dev/nvidia* exists but nvidia-smi does not answer",
            "install the driver that fits the kernel, or start the container with --gpus all",
        )
    else:
        yield Check("GPU", "ok", f"none on this {machine.architecture} machine, and none is needed")


def check_models(machine: Machine) -> Iterator[Check]:
    """Libraries of language models. Nothing needs them, so their absence is no fault; half of them is."""
    torch = machine.torch()
    if "version" not in torch:
        why = torch.get("error", "torch is not installed")
        yield Check("models", "ok", f"geometry alone answers: {why} ({INSTALL})")
        return
    board = jetson(machine)
    yield from _check_torch(torch, board, bool(machine.devices("/dev/nvidia[0-9]*")))
    for package, use in (("transformers", "models"), ("accelerate", "models"), ("peft", "LoRA adapters")):
        found, why = machine.module(package, package)
        if not found:
            yield Check(package, "warn", f"no {use}: {why}", INSTALL)
    found, why = machine.module("bitsandbytes", "bitsandbytes")
    why = why or str(torch.get("quantization_error", ""))
    if why:
        advice = JETSON.format("bitsandbytes") if board else INSTALL
        yield Check("bitsandbytes", "warn", f"no 4-bit weights: {why}", advice)
    else:
        yield Check("bitsandbytes", "ok", f"{found}, 4-bit weights")


def _check_torch(torch: dict, board: str, devices: bool) -> Iterator[Check]:
    version = torch["version"]
    if "device" not in torch:
        if board or devices:
            why = f"{version} does not use the GPU: {torch.get('device_error', 'it is a CPU build')}"
            yield Check(
                "torch", "warn", why, JETSON.format("torch") if board else "pip install --force-reinstall torch"
            )
        else:
            yield Check("torch", "ok", f"{version}, on the CPU: small models only")
        return
    major, minor = torch["capability"]
    free, total = torch["free"] / GB, torch["total"] / GB
    words = f"{version} on {torch['device']} (sm_{major}{minor}), {free:.1f} of {total:.1f} GB free"
    if "device_error" in torch:
        advice = JETSON.format("torch") if board else "install the torch build for this GPU and driver: pytorch.org"
        yield Check("torch", "warn", f"{words}, but it cannot compute: {torch['device_error']}", advice)
    elif free < NEEDED:
        advice = "end what else uses it" + (", leave the desktop off (memory is the CPU's too)" if board else "")
        yield Check("torch", "warn", f"{words}; a 3B model in 4 bits takes about {NEEDED:.0f} GB", advice)
    else:
        yield Check("torch", "ok", words)

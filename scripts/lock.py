"""Write requirements/constraints.txt: the exact release of every wheel that set-up installs, for each Python given.

    python3 scripts/lock.py python3.10 python3.11 python3.12            newer releases of everything
    python3 scripts/lock.py --keep python3.10 python3.11 python3.12     only what is not pinned yet

Nothing is installed; pip only resolves. Then `make distclean test` with each Python. CUDA's libraries are not pinned:
torch names their exact releases itself, and its build for the CPU has none.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS = ROOT / "requirements" / "constraints.txt"
OF_TORCH = ("nvidia-", "cuda-", "triton")


def resolve(python: str, keep: bool) -> tuple[str, dict[str, str]]:
    """("3.11", {package: version}) that a fresh environment of this interpreter gets."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        subprocess.run([python, "-m", "venv", f"{folder}/venv"], check=True)
        pip = [f"{folder}/venv/bin/python", "-m", "pip", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "--quiet", "--upgrade", "pip"], check=True)
        wanted = ["-r", str(ROOT / "requirements" / "ros-jazzy.in"), f"{ROOT}[test,model]"]
        if keep:
            wanted += ["-c", str(CONSTRAINTS)]
        dry_run = ["install", "--quiet", "--dry-run", "--ignore-installed", "--report", str(report)]
        subprocess.run([*pip, *dry_run, *wanted], check=True)
        found = json.loads(report.read_text())
    packages = {}
    for package in found["install"]:
        name = package["metadata"]["name"].lower().replace("_", "-")
        if not name.startswith(OF_TORCH):
            packages[name] = package["metadata"]["version"].split("+")[0]  # of any build: CPU, CUDA, Jetson
    packages.pop("spatial-llava-ros")
    return found["environment"]["python_version"], packages


def merge(resolved: dict[str, dict[str, str]]) -> list[str]:
    """One line for each package and version, with a marker where the Pythons differ."""
    lines = []
    for name in sorted(set().union(*resolved.values())):
        versions = {python: packages.get(name) for python, packages in resolved.items()}
        if len(set(versions.values())) == 1:
            lines.append(f"{name}=={versions.popitem()[1]}")
            continue
        lines += [f'{name}=={v}; python_version == "{python}"' for python, v in versions.items() if v]
    return lines


if __name__ == "__main__":
    keep = "--keep" in sys.argv
    pythons = [argument for argument in sys.argv[1:] if argument != "--keep"] or ["python3"]
    lines = merge(dict(resolve(python, keep) for python in pythons))
    header = "# Written by scripts/lock.py: the releases that set-up installs, so that everyone has the same."
    CONSTRAINTS.write_text("\n".join([header, *lines]) + "\n")

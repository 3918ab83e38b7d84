"""Write requirements/constraints.txt: the exact release of every wheel that set-up installs, for each Python given.

    python3 scripts/lock.py python3.10 python3.11 python3.12

Nothing is installed; pip only resolves. Run it to move to newer releases, then `make distclean test` with each Python.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def resolve(python: str) -> tuple[str, dict[str, str]]:
    """("3.11", {package: version}) that a fresh environment of this interpreter gets."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        subprocess.run([python, "-m", "venv", f"{folder}/venv"], check=True)
        pip = [f"{folder}/venv/bin/python", "-m", "pip", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "--quiet", "--upgrade", "pip"], check=True)
        wanted = ["-r", str(ROOT / "requirements" / "ros-jazzy.in"), f"{ROOT}[test]"]
        dry_run = ["install", "--quiet", "--dry-run", "--ignore-installed", "--report", str(report)]
        subprocess.run([*pip, *dry_run, *wanted], check=True)
        found = json.loads(report.read_text())
    packages = {p["metadata"]["name"].lower().replace("_", "-"): p["metadata"]["version"] for p in found["install"]}
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
    lines = merge(dict(resolve(python) for python in sys.argv[1:] or ["python3"]))
    header = "# Written by scripts/lock.py: the releases that set-up installs, so that everyone has the same."
    (ROOT / "requirements" / "constraints.txt").write_text("\n".join([header, *lines]) + "\n")

"""The numbers in the messages and the names in types.py mean the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from spatial_llava_ros.types import Status

ROOT = Path(__file__).resolve().parents[2]


def constants(file: str) -> dict[str, int]:
    """NAME: value of the uint8 constants in an interface file."""
    lines = re.findall(r"^uint8 (\w+)=(\d+)", (ROOT / file).read_text(), re.MULTILINE)
    return {name: int(value) for name, value in lines}


def test_each_status_has_a_number_and_each_number_a_status() -> None:
    named = constants("msg/ReferredObject.msg")
    statuses = {name for name in named if not name.startswith("METHOD_")}
    assert statuses == {status.name for status in Status} | {"UNKNOWN"}
    assert named["UNKNOWN"] == 0  # a message that nobody filled in claims nothing


def test_no_two_constants_of_a_kind_share_a_number() -> None:
    for file in [*(ROOT / "msg").iterdir(), *(ROOT / "srv").iterdir()]:
        kinds: dict[str, list[int]] = {}
        for name, value in constants(str(file.relative_to(ROOT))).items():
            kind = name.split("_")[0] if name.startswith(("METHOD_", "SOURCE_", "STATE_", "REFERENCE_")) else ""
            kind = "verdict" if name in ("NOT_YES_NO", "YES", "NO") else kind
            kinds.setdefault(kind, []).append(value)
        for kind, values in kinds.items():
            assert sorted(values) == list(range(len(values))), (file.name, kind)


def test_every_number_says_what_it_is() -> None:
    """Units and frames are in the comments: no number without one, on its line or above it."""
    for file in [*(ROOT / "msg").iterdir(), *(ROOT / "action").iterdir()]:
        above = ""
        for line in file.read_text().splitlines():
            if re.match(r"(float\d+|u?int\d+)(\[\w*\])? \w+ *($|#)", line):
                assert "#" in line or above.startswith("#"), f"{file.name}: {line}"
            above = line


def test_built_messages_carry_these_constants() -> None:
    message = pytest.importorskip("spatial_llava_ros.msg").ReferredObject
    for name, value in constants("msg/ReferredObject.msg").items():
        assert getattr(message, name) == value
    default = message()
    assert default.status == message.UNKNOWN and not default.object.has_pose
    assert len(default.object.pose.covariance) == 36 and len(default.object.box) == 4

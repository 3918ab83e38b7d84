"""expressions.json beside a frame: what people would say about it and what they would mean."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.frames.camera_file import read_json
from spatial_llava_ros.types import Box

KINDS = ("attribute", "relation", "ordinal", "absent", "ambiguous")


@dataclass(frozen=True)
class Expression:
    """One referring expression with its answer.

    Attributes:
        text: the words.
        box: (x1, y1, x2, y2) of what is meant, x2 and y2 exclusive; None where no single box is right.
        kind: attribute, relation, ordinal, absent or ambiguous.
        candidates: boxes of all that fit, where kind is ambiguous.
    """

    text: str
    box: Box | None
    kind: str
    candidates: tuple[Box, ...] = ()


def read_expressions(path: Path) -> list[Expression]:
    """Read expressions.json, or expressions_plain.json by name; a folder means the expressions.json in it.

    Raises:
        InvalidInputError: unreadable file, or an entry that is not `{"text", "box", "kind"}`; names the entry.
    """
    path = Path(path)
    if path.is_dir():
        path = path / "expressions.json"
    entries = read_json(path)
    if not isinstance(entries, list):
        raise InvalidInputError(f"{path}: must be a JSON list of expressions")
    return [_expression(entry, f"{path}: expression {number}") for number, entry in enumerate(entries, 1)]


def _expression(entry: Any, where: str) -> Expression:
    if not isinstance(entry, dict):
        raise InvalidInputError(f"{where} must be an object with text, box and kind")
    text, kind = entry.get("text"), entry.get("kind")
    if not isinstance(text, str) or not text.strip():
        raise InvalidInputError(f"{where}: text must not be empty, got {text!r}")
    if kind not in KINDS:
        raise InvalidInputError(f"{where}: kind must be one of {', '.join(KINDS)}, got {kind!r}")
    box = entry.get("box")
    candidates = entry.get("candidates") or []
    if not isinstance(candidates, list):
        raise InvalidInputError(f"{where}: candidates must be a list of boxes, got {candidates!r}")
    return Expression(
        text, None if box is None else _box(box, where), kind, tuple(_box(candidate, where) for candidate in candidates)
    )


def _box(value: Any, where: str) -> Box:
    numbers = isinstance(value, list) and len(value) == 4 and all(type(v) in (int, float) for v in value)
    if not numbers or not (value[0] < value[2] and value[1] < value[3]):
        raise InvalidInputError(f"{where}: box must be [x1, y1, x2, y2] with x1 < x2 and y1 < y2, got {value!r}")
    return tuple(float(v) for v in value)

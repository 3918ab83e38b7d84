"""An answer as a few lines for a person."""

from __future__ import annotations

import textwrap

import numpy as np

from spatial_llava_ros.types import Answer, Object3D

_LABEL = 12
_WIDTH = 110
_LISTED = 8  # candidates


def answer_text(answer: Answer, meaning: str, frame_name: str = "") -> str:
    """The answer in lines: what was understood, the outcome and why, where it is, how large, and what it took.

    Args:
        meaning: the expression as understood.
        frame_name: put beside the query when several frames are asked.
    """
    lines = [f'"{answer.query}"' + (f"  ({frame_name})" if frame_name else "")]
    lines += _row("understood", meaning)
    why = answer.explanation.removeprefix(f"understood: {meaning}").lstrip("; ")
    lines += _row("answer", f"{answer.status.value.replace('_', ' ')}: {why}".rstrip(": "))
    if answer.object is not None:
        lines += _object_rows(answer.object)
    for rank, candidate in enumerate(answer.candidates[:_LISTED], 1):
        lines += _row("candidate" if rank == 1 else "", f"{rank}. {_summary(candidate)}")
    if len(answer.candidates) > _LISTED:
        lines += _row("", f"and {len(answer.candidates) - _LISTED} more (--json lists all)")
    total = answer.timings_ms.get("total", sum(answer.timings_ms.values()))
    stages = ", ".join(f"{name} {value:.0f}" for name, value in answer.timings_ms.items() if name != "total")
    lines += _row("time", f"{total:.0f} ms" + (f"  ({stages})" if stages else ""))
    return "\n".join(lines) + "\n"


def _row(label: str, text: str) -> list[str]:
    lines = textwrap.wrap(" ".join(text.split()), _WIDTH - _LABEL - 2) or [""]
    return [f"  {label:<{_LABEL}}{lines[0]}", *(" " * (_LABEL + 2) + line for line in lines[1:])]


def _object_rows(obj: Object3D) -> list[str]:
    rows = _row("thing", f"{obj.label}, score {obj.score:.2f}, pixels {_box(obj)}")
    if obj.position is None:
        return rows + _row("position", "unknown: no depth was measured on it")
    x, y, z = obj.position
    spread = ""
    if obj.covariance is not None:
        std = np.sqrt(np.diag(obj.covariance)[:3]) * 1000
        spread = f"  ± {std[0]:.0f}, {std[1]:.0f}, {std[2]:.0f} mm"
    rows += _row("position", f"x {x:+.3f}, y {y:+.3f}, z {z:+.3f} m{spread}  in {obj.frame_id}")
    if obj.size is not None:
        spread = ""
        if obj.size_std is not None:
            std = obj.size_std * 1000
            spread = f"  ± {std[0]:.0f}, {std[1]:.0f}, {std[2]:.0f} mm"
        rows += _row("size", " x ".join(f"{side:.3f}" for side in obj.size) + f" m{spread}")
    if obj.orientation is not None:
        quaternion = ", ".join(f"{value:+.3f}" for value in obj.orientation)
        turn = "free" if obj.yaw_period == 0 else f"repeats every {np.degrees(obj.yaw_period):.0f} degrees"
        rows += _row("orientation", f"x, y, z, w = {quaternion}  (yaw: {turn})")
    return rows


def _summary(obj: Object3D) -> str:
    where = "no depth"
    if obj.position is not None:
        where = "at " + ", ".join(f"{v:+.3f}" for v in obj.position) + f" m in {obj.frame_id}"
    return f"{obj.label}, score {obj.score:.2f}, {where}, pixels {_box(obj)}"


def _box(obj: Object3D) -> str:
    return "[" + ", ".join(f"{v:.0f}" for v in obj.box) + "]"

"""One line of what `doctor` reports."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One line of the report.

    Attributes:
        name: what was looked at.
        state: "ok"; "warn" (works, but something will be slow, lossy or absent); "missing".
        detail: what was found.
        advice: what to do, empty when there is nothing to do.
        required: True when nothing works without it.
    """

    name: str
    state: str
    detail: str
    advice: str = ""
    required: bool = False

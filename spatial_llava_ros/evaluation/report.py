"""The evaluation as one HTML page that opens anywhere: tables, a picture for every miss, a plot for every error."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from itertools import groupby
from pathlib import Path

import cv2
import numpy as np

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.evaluation.expressions import POSITIVE, Outcome, accuracy
from spatial_llava_ros.frames.expressions import KINDS
from spatial_llava_ros.output.picture import draw_answer

_TRUTH = (255, 0, 255)
_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:72em;padding:0 1em;color:#1c2024}
table{border-collapse:collapse;margin:1em 0}td,th{padding:.25em .8em;text-align:right;border-bottom:1px solid #ddd}
td:first-child,th:first-child{text-align:left}figure{display:inline-block;width:30em;margin:.6em;vertical-align:top}
figure img{width:100%}figcaption{font-size:13px}svg{margin:.5em 1em .5em 0}.dim{color:#777}
"""


def draw_miss(outcome: Outcome, color_frame) -> np.ndarray:
    """The answer drawn on its frame, with the person's boxes in magenta; RGB uint8."""
    picture = draw_answer(color_frame, outcome.answer)
    zoom = picture.shape[1] // color_frame.color.shape[1]
    for box in (outcome.expression.box, *outcome.expression.candidates):
        if box:
            x1, y1, x2, y2 = (round(v * zoom) for v in box)
            cv2.rectangle(picture, (x1, y1), (x2 - 1, y2 - 1), _TRUTH, 2 * zoom)
    return picture


def write_report(
    path: Path,
    title: str,
    outcomes: Sequence[Outcome],
    frames: Mapping[str, object],
    distributions: Mapping[str, Sequence[float]],
    figures: Mapping[str, float | str],
) -> None:
    """Write the page.

    Args:
        frames: RgbdFrame by name, for the pictures of misses.
        distributions: plot title (with its unit) -> values, one histogram each.
        figures: name -> value, shown as a table on top.

    Raises:
        InvalidInputError: the file cannot be written.
    """
    parts = [f"<!doctype html><meta charset=utf-8><title>{escape(title)}</title><style>{_STYLE}</style>"]
    parts.append(f"<h1>{escape(title)}</h1>")
    if figures:
        rows = "".join(f"<tr><td>{escape(k)}<td>{_number(v)}" for k, v in figures.items())
        parts.append(f"<table>{rows}</table>")
    parts += [_histogram(name, values) for name, values in distributions.items()]
    if outcomes:
        parts.append(_table(outcomes))
        misses = [outcome for outcome in outcomes if not outcome.correct]
        parts.append(f"<h2>Wrong answers: {len(misses)} of {len(outcomes)}</h2>")
        parts.append("<p class=dim>What a person meant is in magenta.</p>")
        parts += [_figure(outcome, frames[outcome.frame]) for outcome in misses]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(parts), encoding="utf-8")
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be written ({error.strerror})") from None


def _number(value: float | str) -> str:
    return escape(value) if isinstance(value, str) else f"{value:.4g}"


def _table(outcomes: Sequence[Outcome]) -> str:
    def row(name: str, group: Sequence[Outcome]) -> str:
        cells = (accuracy(group, (kind,)) for kind in KINDS)
        return f"<tr><td>{escape(name)}" + "".join(f"<td>{r}/{n}" if n else "<td>-" for r, n in cells)

    head = "<tr><th>frame" + "".join(f"<th>{kind}" for kind in KINDS)
    body = [row(name, list(group)) for name, group in groupby(outcomes, key=lambda outcome: outcome.frame)]
    right, total = accuracy(outcomes, POSITIVE)
    share = f"<p>attribute, relation, ordinal: <b>{100 * right / total:.1f} %</b> ({right} of {total})" if total else ""
    return f"<h2>Right answers</h2>{share}<table>{head}{''.join(body)}{row('all', outcomes)}</table>"


def _figure(outcome: Outcome, frame: object) -> str:
    picture = draw_miss(outcome, frame)
    scale = 640 / picture.shape[1]
    if scale < 1:
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 80])
    data = base64.b64encode(jpeg.tobytes()).decode()
    overlap = "" if outcome.overlap is None else f", IoU {outcome.overlap:.2f}"
    where = f"{escape(outcome.frame)}, {outcome.expression.kind}"
    caption = (
        f"<b>{escape(outcome.answer.query)}</b> <span class=dim>{where}</span>"
        f"<br>{escape(outcome.answer.status.value)}{overlap}: {escape(outcome.answer.explanation)}"
    )
    return f'<figure><img src="data:image/jpeg;base64,{data}"><figcaption>{caption}</figcaption></figure>'


def _histogram(name: str, values: Sequence[float], width: int = 460, height: int = 150) -> str:
    """An SVG histogram up to the 98th percentile, with the median marked."""
    finite = np.array([v for v in values if np.isfinite(v)])
    if not len(finite):
        return ""
    top = float(np.percentile(finite, 98)) or 1.0
    counts, edges = np.histogram(np.clip(finite, 0, top), bins=30, range=(0, top))
    step, median = width / 30, float(np.median(finite))
    bars = "".join(
        f'<rect x="{k * step:.1f}" y="{20 + height * (1 - c / counts.max()):.1f}" width="{step - 1:.1f}" '
        f'height="{height * c / counts.max():.1f}" fill="#5b8def"/>'
        for k, c in enumerate(counts)
    )
    x = min(median / top, 1) * width
    return (
        f'<svg width="{width}" height="{height + 44}" role="img" font-size="13"><text x="0" y="14">{escape(name)}: '
        f"median {median:.3g}, n = {len(finite)}</text>{bars}"
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="20" y2="{height + 20}" stroke="#c22" stroke-width="2"/>'
        f'<text x="0" y="{height + 38}">0</text>'
        f'<text x="{width}" y="{height + 38}" text-anchor="end">{edges[-1]:.3g}</text></svg>'
    )

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
:root{--ground:#fff;--ink:#1c2024;--dim:#626a75;--line:#ddd;--bar:#5b8def;--mark:#c22}
@media(prefers-color-scheme:dark){:root{--ground:#14161a;--ink:#e6e8ec;--dim:#9aa3b0;--line:#333a44;--mark:#ff7a6b}}
body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:76em;padding:0 1em;color:var(--ink);
background:var(--ground)}h1,figcaption{overflow-wrap:anywhere}table{border-collapse:collapse;margin:1em 0}
td,th{padding:.25em .8em;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
td:first-child,th:first-child{text-align:left;white-space:normal}
.figures{columns:24em 3;column-gap:2.5em}.figures table{width:100%;margin:0}
.figures tr{break-inside:avoid}.scroll{overflow-x:auto}.plots,.misses{display:flex;flex-wrap:wrap;gap:1.2em}
.plots figure{flex:1 1 20em;max-width:34em}.misses figure{flex:1 1 22em;max-width:36em}figure{margin:0}
figure img,svg{width:100%;height:auto;display:block}figcaption{font-size:13px}.dim{color:var(--dim)}
svg text{fill:var(--ink)}.bar{fill:var(--bar)}.mark{stroke:var(--mark);stroke-width:2}.tail{stroke:var(--dim);
stroke-width:1.5;stroke-dasharray:4 3}
"""


_LEGEND = "<p class=dim>Red: median; dashed: 95th percentile. The last bar holds all beyond the 98th.</p>"


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
    head = "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
    head += "<meta name=color-scheme content='light dark'><link rel=icon href='data:,'>"
    parts = [f"{head}<title>{escape(title)}</title><style>{_STYLE}</style>"]
    parts.append(f"<h1>{escape(title)}</h1>")
    if figures:
        rows = "".join(f"<tr><td>{escape(k.replace('_', ' '))}<td>{_number(v)}" for k, v in figures.items())
        parts.append(f"<div class=figures><table>{rows}</table></div>")
    plots = [_histogram(name, values) for name, values in distributions.items()]
    if any(plots):
        parts.append(f"<h2>Errors</h2>{_LEGEND}<div class=plots>{''.join(plots)}</div>")
    if outcomes:
        parts.append(_table(outcomes))
        misses = [outcome for outcome in outcomes if not outcome.correct]
        parts.append(f"<h2>Wrong answers: {len(misses)} of {len(outcomes)}</h2>")
        parts.append("<p class=dim>What a person meant is in magenta.</p><div class=misses>")
        parts += [_figure(outcome, frames[outcome.frame]) for outcome in misses] + ["</div>"]
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
    table = f"<table>{head}{''.join(body)}{row('all', outcomes)}</table>"
    return f"<h2>Right answers</h2>{share}<div class=scroll>{table}</div>"


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
    """An SVG histogram up to the 98th percentile, with median and 95th percentile marked."""
    finite = np.array([v for v in values if np.isfinite(v)])
    if not len(finite):
        return ""
    top = float(np.percentile(finite, 98)) or 1.0
    counts, edges = np.histogram(np.clip(finite, 0, top), bins=30, range=(0, top))
    step, median, p95 = width / 30, float(np.median(finite)), float(np.percentile(finite, 95))
    bars = "".join(
        f'<rect class="bar" x="{k * step:.1f}" y="{20 + height * (1 - c / counts.max()):.1f}" width="{step - 1:.1f}" '
        f'height="{height * c / counts.max():.1f}"><title>{edges[k]:.3g} to {edges[k + 1]:.3g}: {c}</title></rect>'
        for k, c in enumerate(counts)
    )
    lines = "".join(
        f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="20" y2="{height + 20}"/>'
        for kind, x in (("mark", min(median / top, 1) * width), ("tail", min(p95 / top, 1) * width))
    )
    ticks = "".join(
        f'<text x="{share * width:.0f}" y="{height + 38}" text-anchor="{anchor}">{share * top:.3g}</text>'
        for share, anchor in ((0, "start"), (0.25, "middle"), (0.5, "middle"), (0.75, "middle"), (1, "end"))
    )
    return (
        f"<figure><figcaption><b>{escape(name)}</b>: median {median:.3g}, 95 % below {p95:.3g}, n = {len(finite)}"
        f'</figcaption><svg viewBox="0 0 {width} {height + 44}" role="img" font-size="13">{bars}{lines}{ticks}</svg>'
        "</figure>"
    )

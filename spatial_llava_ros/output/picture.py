"""An answer drawn on the picture it was read from, with what it says in words below."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.output.colors import Color
from spatial_llava_ros.output.lettering import Lettering, Tags, printable
from spatial_llava_ros.output.wireframe import projected_edges
from spatial_llava_ros.types import Answer, Object3D, Region, RgbdFrame, Status

_CHOSEN: Color = (60, 220, 90)
_CANDIDATE: Color = (255, 176, 32)
_REGION: Color = (150, 170, 200)
_BAD: Color = (255, 96, 96)
_DARK: Color = (18, 20, 24)
_INK: Color = (236, 238, 242)
_DIM: Color = (160, 166, 178)
_LISTED = 8  # candidates put in words; all are marked
_MIN_SIDE = 640  # pixels of the longer side below which a picture is enlarged, so that text fits


def draw_answer(frame: RgbdFrame, answer: Answer, regions: Iterable[Region] | None = None) -> np.ndarray:
    """The picture with the answer: the chosen thing in green, candidates numbered in amber, a strip of text below.

    Brackets mark the thing's box in the picture, the wireframe its oriented 3D box, projected.

    Args:
        regions: proposals to outline; that of the chosen thing is outlined as its mask.

    Returns:
        (H', W', 3) uint8 RGB; a whole multiple of the frame's size, and higher by the strip.
    """
    height, width = frame.color.shape[:2]
    zoom = -(-_MIN_SIDE // max(height, width)) if max(height, width) < _MIN_SIDE else 1
    picture = np.ascontiguousarray(np.repeat(np.repeat(frame.color, zoom, axis=0), zoom, axis=1))
    if picture is frame.color or np.shares_memory(picture, frame.color):
        picture = picture.copy()
    letters = Lettering(max(10, round(max(picture.shape[:2]) / 60)))
    stroke = max(1, round(max(picture.shape[:2]) / 400))

    chosen = {answer.object.id} if answer.object is not None else set()
    for region in regions or ():
        _outline(picture, region, zoom, _CHOSEN if region.id in chosen else _REGION, stroke)
    tags = Tags(picture, letters)
    marked = [(candidate, _CANDIDATE, str(n)) for n, candidate in enumerate(answer.candidates, 1)]
    if answer.object is not None:
        marked.append((answer.object, _CHOSEN, printable(f"{answer.object.label} {answer.object.score:.2f}")))
    for obj, color, _ in marked:
        _box(picture, obj, zoom, color, stroke)
        _wireframe(picture, obj, frame, zoom, color, stroke)
    for obj, color, text in reversed(marked):
        tags.put(text, [v * zoom for v in obj.box], color, _DARK)
    return np.vstack([picture, _strip(answer, picture.shape[1], letters)])


def save_picture(path: Path, picture: np.ndarray) -> None:
    """Write an RGB picture (H, W, 3) uint8 as PNG or JPEG, by the name's ending.

    Raises:
        InvalidInputError: the file cannot be written.
    """
    coded = cv2.imencode(path.suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1]
    try:
        path.write_bytes(coded.tobytes())
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be written ({error.strerror or error})") from None


def _outline(picture: np.ndarray, region: Region, zoom: int, color: Color, stroke: int) -> None:
    x1, y1, _, _ = region.box
    mask = np.pad(np.repeat(np.repeat(region.mask, zoom, axis=0), zoom, axis=1), 1).astype(np.uint8)
    corner = (x1 * zoom - 1, y1 * zoom - 1)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE, offset=corner)
    cv2.drawContours(picture, contours, -1, color, max(1, stroke // 2), cv2.LINE_AA)


def _box(picture: np.ndarray, obj: Object3D, zoom: int, color: Color, stroke: int) -> None:
    """Corner brackets rather than a frame, which could not be told from the wireframe."""
    x1, y1, x2, y2 = (round(v * zoom) for v in obj.box)
    arm = max(2, min(x2 - x1, y2 - y1) // 4)
    corners = [((x, y), dx, dy) for x, dx in ((x1, arm), (x2 - 1, -arm)) for y, dy in ((y1, arm), (y2 - 1, -arm))]
    for ink, width in ((_DARK, stroke + 2), (color, stroke)):
        for (x, y), dx, dy in corners:
            cv2.line(picture, (x, y), (x + dx, y), ink, width)
            cv2.line(picture, (x, y), (x, y + dy), ink, width)


def _wireframe(picture: np.ndarray, obj: Object3D, frame: RgbdFrame, zoom: int, color: Color, stroke: int) -> None:
    edges = projected_edges(obj, frame)
    limit = 8 * max(picture.shape)
    # OpenCV takes sixteenths of a pixel with shift=4; pixel centres are at whole numbers, so zoom moves by half.
    ends = np.clip((edges + 0.5) * zoom - 0.5, -limit, limit)
    for a, b in np.rint(ends * 16).astype(int):
        for ink, width in ((_DARK, stroke + 1), (color, stroke)):
            cv2.line(picture, a.tolist(), b.tolist(), ink, width, cv2.LINE_AA, shift=4)


def _strip(answer: Answer, width: int, letters: Lettering) -> np.ndarray:
    """Text panel (h, width, 3) as high as its lines need."""
    margin = 2 * letters.pad
    rows: list[tuple[str, Color]] = []

    def add(text: str, color: Color) -> None:
        rows.extend((line, color) for line in letters.wrap(printable(text), width - 2 * margin))

    add(f'"{answer.query}"', _INK)
    tone = {Status.FOUND: _CHOSEN, Status.AMBIGUOUS: _CANDIDATE, Status.NO_DEPTH: _CANDIDATE}.get(answer.status, _BAD)
    add(answer.status.value.replace("_", " ") + (f": {answer.explanation}" if answer.explanation else ""), tone)
    if answer.object is not None:
        obj = answer.object
        size = "" if obj.size is None else f", size {_metres(obj.size, ' x ')}"
        add(f"{obj.label}, score {obj.score:.2f}{size}", _INK)
        add(_place(obj), _INK)
    for number, candidate in enumerate(answer.candidates[:_LISTED], 1):
        where = "no depth" if candidate.position is None else f"at {_metres(candidate.position)}"
        add(f"{number}  {candidate.label}, score {candidate.score:.2f}, {where}", _DIM)
    if len(answer.candidates) > _LISTED:
        add(f"and {len(answer.candidates) - _LISTED} more", _DIM)
    height = 2 * margin + (len(rows) - 1) * letters.line + letters.height + letters.pad
    strip = np.full((height, width, 3), _DARK, np.uint8)
    for number, (text, color) in enumerate(rows):
        letters.put(strip, text, margin, margin + number * letters.line, color)
    return strip


def _place(obj: Object3D) -> str:
    if obj.position is None:
        return "position unknown: no depth was measured on it"
    spread = ""
    if obj.covariance is not None:
        spread = " (±{:.0f}, {:.0f}, {:.0f} mm)".format(*np.sqrt(np.diag(obj.covariance)[:3]) * 1000)
    return f"at {_metres(obj.position)}{spread} in {obj.frame_id}"


def _metres(values: np.ndarray, between: str = ", ") -> str:
    return between.join(f"{value:.3f}" for value in values) + " m"

"""Text on pictures that can be read: sized to the picture, on a ground, wrapped, never cut off, never on other text."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from spatial_llava_ros.output.colors import Color

_FONT = cv2.FONT_HERSHEY_SIMPLEX


def printable(text: str) -> str:
    """The text in the letters that OpenCV's drawing font has (ASCII): accents go, other scripts become '?'."""
    plain = unicodedata.normalize("NFKD", text.translate({0xB1: "+-", 0xD7: "x", 0x2013: "-", 0x2019: "'"}))
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return " ".join(plain.encode("ascii", "replace").decode().split())


@dataclass(frozen=True)
class Lettering:
    """A size of letters.

    Attributes:
        height: of a capital, pixels.
    """

    height: int

    @property
    def scale(self) -> float:
        """OpenCV's font scale; its capitals are 21 pixels high at 1."""
        return self.height / 21

    @property
    def weight(self) -> int:
        """Line width, pixels."""
        return max(1, round(self.height / 10))

    @property
    def pad(self) -> int:
        """Free space around text, pixels."""
        return max(2, round(self.height * 0.45))

    @property
    def line(self) -> int:
        """From one line to the next, pixels."""
        return round(self.height * 1.75)

    def width(self, text: str) -> int:
        """Of a line, pixels."""
        return cv2.getTextSize(text, _FONT, self.scale, self.weight)[0][0]

    def put(self, picture: np.ndarray, text: str, left: int, top: int, color: Color) -> None:
        """Write a line with its capitals' upper left corner at (left, top)."""
        cv2.putText(picture, text, (left, top + self.height), _FONT, self.scale, color, self.weight, cv2.LINE_AA)

    def wrap(self, text: str, width: int) -> list[str]:
        """Break text into lines of at most `width` pixels; a word longer than that is broken too."""
        lines: list[str] = []
        for word in text.split():
            if lines and self.width(f"{lines[-1]} {word}") <= width:
                lines[-1] += f" {word}"
                continue
            while self.width(word) > width and len(word) > 1:
                fits = next(n for n in range(len(word) - 1, 0, -1) if n == 1 or self.width(word[:n]) <= width)
                lines.append(word[:fits])
                word = word[fits:]
            lines.append(word)
        return lines


@dataclass
class Tags:
    """Small labels on a picture, each placed where it covers no earlier one.

    Attributes:
        taken: rectangles (x1, y1, x2, y2) already written on, or that are to stay in sight.
        lines: (start, end) pixels of what is better not crossed either, if there is another place nearby.
    """

    picture: np.ndarray
    letters: Lettering
    taken: list[tuple[int, int, int, int]] = field(default_factory=list)
    lines: list[tuple[tuple[int, int], tuple[int, int]]] = field(default_factory=list)

    def put(self, text: str, box: Sequence[float], ground: Color, ink: Color) -> None:
        """Write `text` on `ground` by `box` (x1, y1, x2, y2): above it, below it, inside, or the nearest free place."""
        height, width = self.picture.shape[:2]
        pad = self.letters.pad // 2 + 1
        while text and self.letters.width(text) + 2 * pad > width:
            text = text[:-1]
        w, h = self.letters.width(text) + 2 * pad, self.letters.height + 2 * pad + self.letters.height // 3
        x1, y1, x2, y2 = (round(v) for v in box)
        spots = [(x1, y1 - h), (x1, y2), (x2 - w, y1 - h), (x2 - w, y2), (x1, y1), (x2, y1), (x1 - w, y1)]
        rows, columns = range(0, max(height - h, 0) + 1, h), range(0, max(width - w, 0) + 1, w)
        spots += sorted(((x, y) for y in rows for x in columns), key=lambda s: abs(s[0] - x1) + abs(s[1] - y1))
        inside = [(min(max(x, 0), max(width - w, 0)), min(max(y, 0), max(height - h, 0))) for x, y in spots]
        as_wished = [spot for spot, wish in zip(inside, spots, strict=True) if spot == wish]
        free = (s for s in [*as_wished, *inside] if self._free(s[0], s[1], w, h))
        x, y = first = next(free, inside[0])
        for other in (first, *free) if self.lines else ():
            if abs(other[0] - first[0]) <= w and abs(other[1] - first[1]) <= 4 * h and self._crossed(*other, w, h) == 0:
                x, y = other
                break
        self.taken.append((x, y, x + w, y + h))
        cv2.rectangle(self.picture, (x, y), (x + w - 1, y + h - 1), ground, -1)
        self.letters.put(self.picture, text, x + pad, y + pad, ink)

    def _crossed(self, x: int, y: int, w: int, h: int) -> int:
        return sum(cv2.clipLine((x, y, w, h), *line)[0] for line in self.lines)

    def _free(self, x: int, y: int, w: int, h: int) -> bool:
        return all(x + w <= x1 or x2 <= x or y + h <= y1 or y2 <= y for x1, y1, x2, y2 in self.taken)

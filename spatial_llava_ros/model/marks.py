"""Set-of-marks prompting (Yang et al. 2023; Spatial-LLaVA, arXiv 2505.12194): numbers on the picture and in the prompt.

A mark is a small plate with a label, in the middle of the region's thickest part, where least of the outline is lost.
The plate is light on dark things and dark on light ones. Where a region is too small to carry its plate, or another
plate lies there, the plate goes beside it and a line leads to the region.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.grounding.colour import NAMES
from spatial_llava_ros.grounding.features import Features
from spatial_llava_ros.output.lettering import Lettering
from spatial_llava_ros.types import Region

MOST_MARKS = 20  # on one picture: more crowd a table scene seen at 336 pixels; the rest wait for the next round
LETTERS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_LIGHT, _DARK = (255, 255, 255), (0, 0, 0)


def mark_labels(n: int, letters: bool = False) -> tuple[str, ...]:
    """ "1".."n", or "A".."Z" where a tokenizer has no single token for two-digit numbers.

    Raises:
        InvalidInputError: more than 26 letters.
    """
    if letters and n > len(LETTERS):
        raise InvalidInputError(f"there are {len(LETTERS)} letters to mark with, asked for {n}")
    return LETTERS[:n] if letters else tuple(str(i + 1) for i in range(n))


def draw_marks(color: np.ndarray, regions: Sequence[Region], labels: Sequence[str]) -> np.ndarray:
    """A copy of a picture with a labelled plate on every region.

    Args:
        color: (H, W, 3) uint8 RGB.
        regions: what to mark.
        labels: one per region.
    """
    picture = color.copy()
    height, width = color.shape[:2]
    free = np.ones((height, width), np.uint8)
    claimed = np.zeros((height, width), bool)
    luma = cv2.cvtColor(color, cv2.COLOR_RGB2GRAY)
    plates = []
    # Small regions first: they have the fewest places to choose from, and what they cover is not their parents' own.
    for i in sorted(range(len(regions)), key=lambda i: np.count_nonzero(regions[i].mask)):
        region = regions[i]
        own = region.mask & ~claimed[region.slices]
        if np.count_nonzero(own) < 0.1 * np.count_nonzero(region.mask):
            own = region.mask
        claimed[region.slices] |= region.mask
        anchor, radius = thickest_point(own, region.box)
        letters = Lettering(_letter_height(radius, color.shape))
        pad = max(2, letters.height // 4)
        half = (letters.width(labels[i]) + 1) // 2 + pad, letters.height // 2 + pad
        spot = _place(free, own, region, half, anchor)
        free[
            max(spot[1] - half[1] - 1, 0) : spot[1] + half[1] + 2, max(spot[0] - half[0] - 1, 0) : spot[0] + half[0] + 2
        ] = 0
        light = np.median(luma[region.slices][own]) < 128
        plates.append((spot, half, anchor, letters, labels[i], (_LIGHT, _DARK) if light else (_DARK, _LIGHT)))
    for spot, half, anchor, letters, _, (ground, ink) in plates:
        if abs(spot[0] - anchor[0]) > half[0] or abs(spot[1] - anchor[1]) > half[1]:  # the plate is beside its region
            weight = max(1, letters.height // 8)
            cv2.line(picture, spot, anchor, ink, weight + 2, cv2.LINE_AA)
            cv2.line(picture, spot, anchor, ground, weight, cv2.LINE_AA)
            cv2.circle(picture, anchor, weight + 1, ground, -1, cv2.LINE_AA)
    for (x, y), half, _, letters, label, (ground, ink) in plates:
        cv2.rectangle(picture, (x - half[0], y - half[1]), (x + half[0], y + half[1]), ground, -1)
        cv2.rectangle(picture, (x - half[0], y - half[1]), (x + half[0], y + half[1]), ink, 1)
        letters.put(picture, label, x - letters.width(label) // 2, y - letters.height // 2, ink)
    return picture


def thickest_point(mask: np.ndarray, box: Sequence[int] = (0, 0, 0, 0)) -> tuple[tuple[int, int], float]:
    """The pixel of a (h, w) bool mask that is farthest from its outline, in the picture, and that distance."""
    distance = cv2.distanceTransform(np.pad(mask.astype(np.uint8), 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    row, column = np.unravel_index(int(distance.argmax()), distance.shape)
    return (int(column) + int(box[0]), int(row) + int(box[1])), float(distance[row, column])


def _letter_height(radius: float, shape: tuple[int, ...]) -> int:
    """Capitals that fill half the thickness, yet can be read once the picture is reduced to 336 pixels."""
    side = max(shape[:2])
    return round(min(max(radius, side / 55, 6), max(side / 32, 7)))  # 6: the least that OpenCV's letters are legible at


def _place(
    free: np.ndarray, own: np.ndarray, region: Region, half: tuple[int, int], anchor: tuple[int, int]
) -> tuple[int, int]:
    """Middle (x, y) of a plate: deep inside the region, else the nearest place where it covers no other plate."""
    height, width = free.shape
    # Where a plate may have its middle: nothing taken under it, all of it in the picture.
    kernel = np.ones((2 * half[1] + 1, 2 * half[0] + 1), np.uint8)
    fits = cv2.erode(free, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    if not fits.any():
        return min(max(anchor[0], half[0]), width - 1 - half[0]), min(max(anchor[1], half[1]), height - 1 - half[1])
    if fits[anchor[1], anchor[0]]:
        return anchor
    inside = own & (fits[region.slices] > 0)
    if inside.any():
        return thickest_point(inside, region.box)[0]
    rows, columns = np.nonzero(fits)
    nearest = int(((columns - anchor[0]) ** 2 + (rows - anchor[1]) ** 2).argmin())
    return int(columns[nearest]), int(rows[nearest])


def describe_marks(features: Features, indices: Sequence[int], labels: Sequence[str]) -> str:
    """What was measured of marked regions, a sentence each: colour, place and size in metres.

    Place is in the camera's level frame: ahead, left or right, and height over the lowest marked thing.
    """
    layout = features.layout
    ground = np.nanmin(layout.low[list(indices), 2]) if np.isfinite(layout.low[list(indices), 2]).any() else 0.0
    sentences = []
    for i, label in zip(indices, labels, strict=True):
        words = [NAMES[int(features.colours[i].argmax())]]
        ahead, left, _ = layout.centre[i]
        if np.isfinite(layout.centre[i]).all():
            words.append(f"{ahead:.2f} m ahead")
            words.append(f"{abs(left):.2f} m {'left' if left > 0 else 'right'}")
            words.append(f"{max(layout.low[i, 2] - ground, 0):.2f} m up")
        if np.isfinite(features.size[i]).all():
            words.append("size " + " x ".join(f"{side:.2f}" for side in features.size[i]) + " m")
        sentences.append(f"{label} is {', '.join(words)}.")
    return " ".join(sentences)

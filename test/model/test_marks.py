"""Marks lie on what they name, cover no other mark, and can be told from what is under them."""

from __future__ import annotations

import numpy as np
import pytest

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.model.marks import draw_marks, mark_labels, thickest_point
from spatial_llava_ros.types import Region


def region(number: int, box: tuple[int, int, int, int], mask: np.ndarray | None = None) -> Region:
    x1, y1, x2, y2 = box
    return Region(number, box, np.ones((y2 - y1, x2 - x1), bool) if mask is None else mask, 1.0)


def changed(color: np.ndarray, marked: np.ndarray) -> np.ndarray:
    return (color != marked).any(axis=2)


def test_thickest_point_of_a_ladle_is_in_its_bowl():
    mask = np.zeros((60, 100), bool)
    mask[28:32, :] = True
    mask[10:50, 60:100] = True
    (x, y), radius = thickest_point(mask, (200, 300, 300, 360))
    assert 270 < x < 290 and 320 < y < 340
    assert 18 < radius < 22


@pytest.mark.parametrize(("ground", "plate"), [(20, 255), (235, 0)])
def test_plate_contrasts_with_what_it_lies_on(ground, plate):
    color = np.full((200, 300, 3), ground, np.uint8)
    marked = draw_marks(color, [region(1, (50, 50, 250, 150))], ["1"])
    inside = marked[changed(color, marked)]
    assert np.median(inside) == plate
    rows, columns = np.nonzero(changed(color, marked))
    assert abs(rows.mean() - 100) < 3 and abs(columns.mean() - 150) < 60


def test_mark_of_a_nested_thing_and_of_its_parent_are_each_on_their_own():
    color = np.full((240, 320, 3), 120, np.uint8)
    parent, part = region(1, (40, 40, 280, 200)), region(2, (130, 80, 190, 160))
    both = draw_marks(color, [parent, part], ["1", "2"])
    only_part = draw_marks(color, [part], ["2"])
    of_parent = (both != only_part).any(axis=2)
    assert of_parent.any() and not of_parent[80:160, 130:190].any()


def test_crowded_plates_do_not_cover_each_other():
    color = np.full((240, 320, 3), 100, np.uint8)
    boxes = [(100 + 9 * i, 100 + 7 * j, 108 + 9 * i, 106 + 7 * j) for i in range(4) for j in range(3)]
    regions = [region(i + 1, box) for i, box in enumerate(boxes)]
    labels = mark_labels(len(regions))
    together = draw_marks(color, regions, labels)
    # Every plate is a white rectangle of its own: as many blobs of plate as marks, none merged.
    import cv2

    whole_plate = [
        changed(color, draw_marks(color, [r], [label])).sum() for r, label in zip(regions, labels, strict=True)
    ]
    assert changed(color, together).sum() >= 0.9 * sum(whole_plate)
    assert cv2.connectedComponents(changed(color, together).astype(np.uint8))[0] >= 2


def test_tiny_and_edge_regions_are_marked_inside_the_picture():
    color = np.zeros((120, 160, 3), np.uint8)
    regions = [region(1, (0, 0, 1, 1)), region(2, (159, 119, 160, 120)), region(3, (0, 60, 160, 61))]
    marked = draw_marks(color, regions, ["1", "2", "3"])
    assert marked.shape == color.shape and changed(color, marked).any()
    assert (color == 0).all()


def test_picture_smaller_than_a_plate_does_not_crash():
    color = np.zeros((4, 6, 3), np.uint8)
    assert draw_marks(color, [region(1, (0, 0, 6, 4))], ["12"]).shape == color.shape


def test_labels():
    assert mark_labels(3) == ("1", "2", "3")
    assert mark_labels(2, letters=True) == ("A", "B")
    with pytest.raises(InvalidInputError, match="27"):
        mark_labels(27, letters=True)

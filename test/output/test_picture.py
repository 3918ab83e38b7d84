from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spatial_llava_ros.output.lettering import Lettering, Tags, printable
from spatial_llava_ros.output.picture import draw_answer
from spatial_llava_ros.output.wireframe import BOX_EDGES, box_corners, projected_edges
from spatial_llava_ros.types import CameraIntrinsics, Region, RgbdFrame, Status

from .test_mcap_log import POSE, answer, thing

GREEN, AMBER = (60, 220, 90), (255, 176, 32)


def count(picture: np.ndarray, color: tuple[int, int, int]) -> int:
    return int((np.abs(picture.astype(int) - color).max(axis=2) < 30).sum())


def frame_of(width: int, height: int) -> RgbdFrame:
    intrinsics = CameraIntrinsics(width, height, width, width, width / 2, height / 2)
    return RgbdFrame(np.full((height, width, 3), 40, np.uint8), np.ones((height, width), np.float32), intrinsics)


def test_the_box_is_an_axis_aligned_prism_with_twelve_edges():
    corners = box_corners(thing())
    np.testing.assert_allclose(corners.min(axis=0), [0.02 - 0.08, -0.065, 0.5])
    np.testing.assert_allclose(corners.max(axis=0), [0.02 + 0.08, 0.065, 0.6])
    lengths = np.array([np.linalg.norm(corners[a] - corners[b]) for a, b in BOX_EDGES])
    np.testing.assert_allclose(np.sort(lengths), [0.1] * 4 + [0.13] * 4 + [0.16] * 4)


def test_the_wireframe_lies_where_the_pinhole_puts_it(small_frame):
    edges = projected_edges(thing(), small_frame)
    near_left = 31.5 + (0.02 - 0.08) / 0.5 * 60
    near_top = 23.5 - 0.065 / 0.5 * 60
    np.testing.assert_allclose(edges.reshape(-1, 2).min(axis=0), [near_left, near_top])
    assert edges.shape == (12, 2, 2)


def test_a_box_given_in_the_world_is_drawn_in_the_picture(small_frame):
    posed = replace(small_frame, world_from_camera=POSE, world_frame_id="map")
    in_world = thing(frame_id="map", position=np.array([1.5 + 0.55, -0.22, 0.9]))
    center = projected_edges(in_world, posed).reshape(-1, 2).mean(axis=0)
    np.testing.assert_allclose(center, [31.5 + 0.02 / 0.55 * 60, 23.5], atol=0.5)
    assert projected_edges(in_world, small_frame).shape == (0, 2, 2)  # where map is, this frame does not know


def test_edges_that_pass_the_camera_are_cut_and_those_behind_left_out(small_frame):
    around = thing(position=np.array([0.0, 0.0, 0.1]), size=np.array([0.2, 0.2, 1.0]))
    edges = projected_edges(around, small_frame)
    assert edges.shape == (8, 2, 2) and np.isfinite(edges).all()
    assert projected_edges(thing(position=np.array([0.0, 0.0, -1.0])), small_frame).shape == (0, 2, 2)


def test_the_found_thing_is_green_and_the_frame_stays_as_it_was(small_frame):
    before = small_frame.color.copy()
    picture = draw_answer(small_frame, answer())
    np.testing.assert_array_equal(small_frame.color, before)
    assert picture.dtype == np.uint8 and picture.shape[1] == 640 and picture.shape[0] > 480
    assert count(picture, GREEN) > 500 and count(picture, AMBER) == 0


def test_candidates_are_amber(small_frame):
    unsure = answer(status=Status.AMBIGUOUS, object=None, candidates=(thing(1), thing(2, box=(2.0, 2.0, 9.0, 9.0))))
    picture = draw_answer(small_frame, unsure)
    assert count(picture, AMBER) > 500 and count(picture, GREEN) == 0


def test_the_chosen_region_is_outlined_as_its_mask(small_frame):
    mask = np.zeros((16, 20), bool)
    mask[:, 9:11] = True  # the middle of the box, far from its border and from the wireframe
    region = Region(1, (24, 16, 44, 32), mask, 0.9)
    bare = answer(object=thing(position=None, orientation=None, size=None, covariance=None))
    middle = np.s_[170:310, 325:355]
    without, with_region = (draw_answer(small_frame, bare, regions)[middle] for regions in (None, [region]))
    assert count(with_region, GREEN) > count(without, GREEN) + 100


@pytest.mark.parametrize("size", [(2, 2), (64, 48), (48, 640), (640, 480), (3840, 2160)])
def test_nothing_is_cut_off_at_any_size(size):
    width, height = size
    frame = frame_of(*size)
    boxes = [(0, 0, width, height), (width - 1, 0, width, 1), (0, height - 1, 1, height), (-50, -50, 2 * width, 99)]
    found = answer(
        query="Bring me the extraordinarily_long_unbreakable_word_" * 4,
        explanation="because " * 60,
        object=thing(box=boxes[0], label="a thing with quite a long name"),
        candidates=tuple(thing(i, box=box) for i, box in enumerate(boxes)),
    )
    picture = draw_answer(frame, found)
    assert picture.shape[1] % width == 0 and max(picture.shape[:2]) >= 640
    # The strip keeps a dark margin all round: text that ran over would have lit it.
    strip = picture[picture.shape[1] // width * height :]
    margin = np.concatenate([strip[:, :2].ravel(), strip[:, -2:].ravel(), strip[:2].ravel(), strip[-2:].ravel()])
    assert margin.max() < 40
    assert strip.max() > 200


def test_tags_do_not_cover_each_other():
    tags = Tags(np.zeros((240, 320, 3), np.uint8), Lettering(12))
    for number in range(12):
        tags.put(f"mug {number}", (100, 100, 140, 140), GREEN, (0, 0, 0))
    for i, (ax1, ay1, ax2, ay2) in enumerate(tags.taken):
        assert 0 <= ax1 < ax2 <= 320 and 0 <= ay1 < ay2 <= 240
        for bx1, by1, bx2, by2 in tags.taken[:i]:
            assert ax2 <= bx1 or bx2 <= ax1 or ay2 <= by1 or by2 <= ay1


def test_wrapped_lines_fit_and_keep_every_letter():
    letters = Lettering(14)
    text = "a few words and onevery_long_word_that_does_not_fit_on_any_line_at_all then the end"
    lines = letters.wrap(text, 150)
    assert all(letters.width(line) <= 150 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert letters.wrap("", 100) == []


def test_letters_the_font_lacks_are_replaced():
    assert printable("café ± 3 × 4") == "cafe +- 3 x 4"
    assert printable("кружка\n\tnow") == "?????? now"


def test_labels_keep_off_lines_and_small_things_where_they_can():
    picture = np.zeros((200, 400, 3), np.uint8)
    plain, careful = (Tags(picture.copy(), Lettering(10), lines=lines) for lines in ([], [((0, 85), (399, 85))]))
    for tags in (plain, careful):
        tags.put("a name", (100, 100, 160, 140), (9, 9, 9), (255, 255, 255))
    assert plain.taken[0][1] < 85 < plain.taken[0][3]  # above the box, across the line
    x1, y1, _, y2 = careful.taken[0]
    assert not y1 <= 85 < y2 and abs(x1 - 100) < 120 and abs(y1 - 100) < 120
    held = Tags(picture.copy(), Lettering(10), taken=[(90, 60, 170, 100)])
    held.put("a name", (100, 100, 160, 140), (9, 9, 9), (255, 255, 255))
    assert held.taken[-1][1] >= 100 or held.taken[-1][3] <= 60 or held.taken[-1][2] <= 90 or held.taken[-1][0] >= 170
    everywhere = [((0, y), (399, y)) for y in range(0, 200, 3)]
    crowded = Tags(picture.copy(), Lettering(10), lines=everywhere)
    crowded.put("a name", (100, 100, 160, 140), (9, 9, 9), (255, 255, 255))
    assert crowded.taken == plain.taken  # no place is free of lines: the usual one

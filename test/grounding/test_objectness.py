import numpy as np

from spatial_llava_ros.fitting.regions import region_cover
from spatial_llava_ros.grounding.features import mask_overlap
from spatial_llava_ros.grounding.objectness import CLUES, measure, objectness
from spatial_llava_ros.relations import Layout
from spatial_llava_ros.types import Region


def seen(*boxes_and_scores):
    regions = [
        Region(k + 1, box, np.ones((box[3] - box[1], box[2] - box[0]), bool), score, 0)
        for k, (box, score) in enumerate(boxes_and_scores)
    ]
    n = len(regions)
    blank = np.full((n, 3), np.nan)
    layout = Layout(blank, blank, np.zeros((n, 2)), np.zeros((n, 2)))
    pixels = np.array([float(region.mask.sum()) for region in regions])
    return regions, (480, 640), mask_overlap(regions, (480, 640)), pixels, layout, np.full((n, 11), 1 / 11)


def clue(name, *boxes_and_scores):
    return measure(*seen(*boxes_and_scores))[:, CLUES.index(name)]


def test_a_part_of_a_good_whole_is_less_of_a_thing_than_the_same_region_alone():
    part, whole = ((100, 100, 160, 160), 0.7), ((90, 90, 200, 220), 0.8)
    assert objectness(*seen(part, whole))[0] < 0.8 * objectness(*seen(part))[0]


def test_a_stack_is_less_of_a_thing_where_its_members_are_good_ones():
    stack, upper, lower = ((100, 100, 200, 200), 0.7), ((100, 100, 200, 149), 0.9), ((100, 151, 200, 200), 0.9)
    assert objectness(*seen(stack, upper, lower))[0] < 0.8 * objectness(*seen(stack))[0]
    assert (objectness(*seen(stack, upper, lower))[1:] > objectness(*seen(stack, upper, lower))[0]).all()


def test_what_the_borders_cut_is_less_of_a_thing():
    chance = objectness(*seen(((0, 380, 200, 480), 0.6), ((300, 100, 500, 200), 0.6)))
    assert chance[0] < chance[1]


def test_a_group_counts_its_parts_once():
    group, left, right = ((100, 100, 200, 200), 0.6), ((100, 100, 148, 200), 0.8), ((152, 100, 200, 200), 0.9)
    again = ((104, 100, 148, 196), 0.5)  # the left one once more
    assert np.isclose(clue("parts", group, left, right, again)[0], 1.7)
    whole = clue("whole", group, left, right, again)
    assert whole[1] > whole[0]
    assert np.isclose(clue("whole parts", group, left, right, again)[2], 1.7)


def test_a_region_across_two_others_has_rivals_and_they_have_it():
    left, right, across = ((100, 100, 150, 200), 0.8), ((150, 100, 200, 200), 0.9), ((125, 100, 175, 200), 0.3)
    rival = clue("rival", left, right, across)
    assert np.allclose(rival, np.log([0.3 / 0.7, 0.3 / 0.7, 0.9 / 0.1]), atol=1e-3)


def test_no_regions():
    assert objectness(*seen()).shape == (0,)


def test_cover_is_one_for_the_mask_itself():
    instance = np.zeros((48, 64), np.int32)
    instance[10:30, 20:40] = 3
    instance[30:40, 20:40] = 7
    boxes = {3: (20, 10, 40, 30), 7: (20, 30, 40, 40)}
    region = Region(1, (20, 10, 40, 30), np.ones((20, 20), bool), 0.5)
    both = Region(2, (20, 10, 40, 40), np.ones((30, 20), bool), 0.5)
    assert np.allclose(region_cover([region, both], instance, boxes), [[1, 0], [2 / 3, 1 / 3]])

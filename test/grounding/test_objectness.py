import numpy as np

from spatial_llava_ros.grounding.features import mask_overlap
from spatial_llava_ros.grounding.objectness import CLUES, fit_logistic, measure, objectness
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
    return regions, (480, 640), mask_overlap(regions, (480, 640)), pixels, blank, layout


def test_a_part_of_a_good_whole_is_less_of_a_thing_than_the_same_region_alone():
    part, whole = ((100, 100, 160, 160), 0.7), ((90, 90, 200, 220), 0.8)
    assert objectness(*seen(part, whole))[0] < 0.8 * objectness(*seen(part))[0]


def test_what_the_border_cuts_is_less_of_a_thing():
    chance = objectness(*seen(((0, 100, 100, 200), 0.6), ((300, 100, 400, 200), 0.6)))
    assert chance[0] < chance[1]


def test_a_group_counts_its_parts_once():
    group, left, right = ((100, 100, 200, 200), 0.6), ((100, 100, 148, 200), 0.8), ((152, 100, 200, 200), 0.9)
    again = ((104, 100, 148, 196), 0.5)  # the left one once more
    clues = measure(*seen(group, left, right, again))
    assert np.isclose(clues[0, CLUES.index("parts")], 1.7)
    assert clues[1, CLUES.index("whole")] > clues[0, CLUES.index("whole")]


def test_no_regions():
    assert objectness(*seen()).shape == (0,)


def test_the_fit_recovers_a_known_boundary():
    rng = np.random.default_rng(0)
    clues = rng.normal(size=(4000, 2)) * [2, 5] + [1, 0]
    truth = rng.random(4000) < 1 / (1 + np.exp(-(clues[:, 0] - 1)))
    mean, spread, weights = fit_logistic(clues, truth.astype(float))
    slope = weights[:2] / spread
    assert np.allclose(slope, [1, 0], atol=0.1)
    assert abs(weights[2] - slope @ (mean - [1, 0])) < 0.1

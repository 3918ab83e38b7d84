import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spatial_llava_ros.comparisons import COMPARISONS, larger, ratios
from spatial_llava_ros.types import Object3D

SIDE = st.floats(0.01, 3)
PLACE = {"position": np.zeros(3), "orientation": np.array([1.0, 0, 0, 0])}


def thing(size, std=None):
    if size is None:
        return Object3D(1, "", 1.0, (0, 0, 1, 1), "camera")
    deviation = None if std is None else np.full(3, std)
    return Object3D(1, "", 1.0, (0, 0, 1, 1), "camera", size=np.array(size), size_std=deviation, **PLACE)


@given(
    st.lists(st.one_of(st.none(), st.tuples(SIDE, SIDE, SIDE)), min_size=2, max_size=5), st.sampled_from(COMPARISONS)
)
def test_one_of_two_is_larger(sizes, predicate):
    likely = larger(predicate, [thing(size) for size in sizes])
    pairs = ~np.eye(len(sizes), dtype=bool)
    assert np.allclose((likely + likely.T)[pairs], 1) and not likely[~pairs].any()


@pytest.mark.parametrize(
    ("predicate", "more", "less"),
    [
        ("taller_than", (0.1, 0.1, 0.3), (0.4, 0.4, 0.2)),
        ("wider_than", (0.4, 0.1, 0.1), (0.2, 0.2, 0.5)),
        ("longer_than", (0.1, 0.1, 0.6), (0.4, 0.4, 0.4)),
        ("thinner_than", (0.5, 0.5, 0.02), (0.1, 0.1, 0.1)),
        ("bigger_than", (0.2, 0.2, 0.2), (0.4, 0.1, 0.1)),
    ],
)
def test_each_word_compares_its_own_sides(predicate, more, less):
    opposite = {"taller_than": "shorter_than", "wider_than": "narrower_than", "bigger_than": "smaller_than"}
    things = [thing(more), thing(less)]
    assert larger(predicate, things)[0, 1] > 0.99
    if predicate in opposite:
        assert larger(opposite[predicate], things)[1, 0] > 0.99


def test_what_is_poorly_measured_is_doubtful():
    sure, vague = ([thing((0.1, 0.1, h), std) for h in (0.22, 0.2)] for std in (0.001, 0.08))
    assert larger("taller_than", sure)[0, 1] > larger("taller_than", vague)[0, 1] > 0.5
    assert np.exp(ratios("taller_than", sure)[0][0, 1]) == pytest.approx(1.1)


def test_nothing_to_compare():
    assert larger("bigger_than", []).shape == (0, 0)
    assert larger("taller_than", [thing(None), thing((1, 1, 1))])[0, 1] == 0.5

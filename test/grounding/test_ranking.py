import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spatial_llava_ros.grounding.ranking import exceeds, rank_probability

UNIT = st.floats(0, 1)


@given(st.lists(UNIT, min_size=1, max_size=6), st.integers(1, 4))
def test_rank_is_a_sum_over_who_is_in_the_set(member, rank):
    """With a clear order the Poisson binomial equals the sum over all subsets."""
    member = np.where(np.array(member) > 0.02, member, 0)
    n = len(member)
    more = np.tri(n, k=-1).T.copy()  # [j, i]: j < i is more extreme
    got = rank_probability(more, member, np.eye(n, dtype=bool), rank)
    for i in range(n):
        expected = sum(
            np.prod([m if inside else 1 - m for m, inside in zip(member[:i], chosen, strict=True)])
            for chosen in itertools.product([True, False], repeat=i)
            if sum(chosen) == rank - 1
        )
        assert np.isclose(got[i], expected)


def test_those_that_cannot_both_be_things_do_not_compete():
    more = exceeds(np.array([3.0, 2.0, 1.0]), 0.01)
    member = np.ones(3)
    same = np.eye(3, dtype=bool)
    assert np.allclose(rank_probability(more, member, same, 1), [1, 0, 0])
    same[0, 1] = same[1, 0] = True
    assert np.allclose(rank_probability(more, member, same, 1), [1, 1, 0])


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=5), st.floats(0.01, 1))
def test_one_of_two_is_ahead(values, scale):
    more = exceeds(np.array(values), scale)
    assert np.allclose(more + more.T, 1)

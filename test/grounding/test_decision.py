"""What follows from how well each of a few things suits a phrase."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spatial_llava_ros.grounding.decision import decide, outcomes
from spatial_llava_ros.grounding.fit import Fit
from spatial_llava_ros.types import Status

CHANCES = st.lists(st.floats(0, 0.97), min_size=1, max_size=8).map(np.array)


def decided(*words: float, ranked: bool = False, count: int = 1):
    fit = Fit(np.array(words), np.ones(len(words)), np.ones(len(words)), ranked=ranked)
    return decide(fit, count, np.eye(len(words), dtype=bool))


@given(CHANCES, st.booleans())
def test_outcomes_are_a_distribution(chance, ranked):
    none, alone, several = outcomes(chance, ranked)
    assert none + several + alone.sum() == pytest.approx(1, abs=1e-6)
    assert min(none, several, alone.min()) >= 0
    assert alone.argmax() == chance.argmax() or alone.max() == pytest.approx(alone[chance.argmax()])


@given(CHANCES)
def test_outcomes_weigh_what_independent_things_make_likely(chance):
    """Against the sum over all subsets of things that the phrase may be true of."""
    from itertools import product

    from spatial_llava_ros.grounding import weights

    odds = {0: np.exp(weights.NONE), 1: 1.0}
    none = several = 0.0
    alone = np.zeros(len(chance))
    for true in product((False, True), repeat=len(chance)):
        held = np.array(true)
        share = np.where(held, chance, 1 - chance).prod() * odds.get(held.sum(), np.exp(weights.SEVERAL))
        if held.sum() == 1:
            alone[held.argmax()] += share
        elif held.any():
            several += share
        else:
            none += share
    total = none + several + alone.sum()
    got = outcomes(chance, ranked=False)
    assert got[0] == pytest.approx(none / total, abs=1e-6)
    assert np.allclose(got[1], alone / total, atol=1e-6)
    assert got[2] == pytest.approx(several / total, abs=1e-6)


def test_one_several_none():
    assert decided(0.9, 0.05, 0.01).status is Status.FOUND
    assert decided(0.9, 0.9, 0.01).status is Status.AMBIGUOUS
    assert set(decided(0.9, 0.85, 0.01).chosen) == {0, 1}
    assert decided(0.001, 0.002).status is Status.NOT_FOUND


def test_a_superlative_is_true_of_one_thing_at_most():
    assert decided(0.5, 0.45).status is Status.AMBIGUOUS
    assert decided(0.5, 0.45, ranked=True).status is Status.FOUND


def test_a_plural_takes_all_that_fit():
    assert set(decided(0.9, 0.9, 0.01, count=2).chosen) == {0, 1}
    assert decided(0.9, 0.9, 0.8, count=2).status is Status.AMBIGUOUS
    assert set(decided(0.9, 0.9, 0.8, count=0).chosen) == {0, 1, 2}

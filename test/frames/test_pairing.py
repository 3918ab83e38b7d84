from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spatial_llava_ros.frames.pairing import StampPairs

MS = 1_000_000

drops = st.lists(st.booleans(), min_size=30, max_size=30)
jitter = st.lists(st.integers(-3, 3), min_size=30, max_size=30)


def run(arrivals: list[tuple[int, int]], slack: int) -> list[tuple[int, int]]:
    """Pairs of stamps for (stream, stamp) in order of arrival."""
    pairing: StampPairs[int] = StampPairs(slack)
    pairs = [pair for stream, stamp in arrivals for pair in pairing.push(stream, stamp, stamp)]
    return pairs + pairing.finish()


@given(drops, drops, jitter, jitter, st.integers(-8, 8))
def test_two_cameras_at_one_rate_pair_by_frame_whatever_is_dropped(kept_a, kept_b, jitter_a, jitter_b, lag):
    first = {i: (i * 33 + j) * MS for i, (keep, j) in enumerate(zip(kept_a, jitter_a, strict=True)) if keep}
    second = {i: (i * 33 + j + lag) * MS for i, (keep, j) in enumerate(zip(kept_b, jitter_b, strict=True)) if keep}
    arrivals = sorted([(s, 0) for s in first.values()] + [(s, 1) for s in second.values()])
    pairs = run([(stream, stamp) for stamp, stream in arrivals], slack=16 * MS)
    assert pairs == [(first[i], second[i]) for i in sorted(first.keys() & second.keys())]


@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 400)), max_size=60),
    st.integers(0, 60),
)
def test_pairs_are_close_in_order_and_use_nothing_twice(events, slack):
    stamps = np.sort([stamp for _, stamp in events])
    arrivals = [(stream, int(stamp) * MS) for (stream, _), stamp in zip(events, stamps, strict=True)]
    pairs = run(arrivals, slack * MS)
    assert all(abs(a - b) <= slack * MS for a, b in pairs)
    for stream in (0, 1):
        used = [pair[stream] for pair in pairs]
        assert used == sorted(used)
        for stamp in set(used):
            assert used.count(stamp) <= arrivals.count((stream, stamp))


def test_the_nearer_of_two_is_taken_even_when_it_comes_later():
    assert run([(0, 0), (1, 9 * MS), (0, 10 * MS)], slack=16 * MS) == [(10 * MS, 9 * MS)]
    assert run([(0, 0), (1, 4 * MS), (0, 10 * MS)], slack=16 * MS) == [(0, 4 * MS)]


def test_a_pair_does_not_wait_for_ever_and_the_unpaired_do_not_pile_up():
    pairing: StampPairs[int] = StampPairs(16 * MS)
    assert pairing.push(0, 0, 0) == []
    got = [pair for i in range(300) for pair in pairing.push(1, (i * 33 + 5) * MS, i)]
    assert got == [(0, 0)]  # the other stream has ended; its last picture is still used
    assert sum(len(queue) for queue in pairing._queues) < 100

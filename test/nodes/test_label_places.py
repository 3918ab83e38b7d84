"""Labels in space, as the viewer sees them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("rclpy")

from spatial_llava_ros.nodes.label_places import place_labels

UP, EYE = np.array([0.0, 0.0, 1.0]), np.array([-2.0, 0.5, 1.5])


def overlaps(centres: np.ndarray, letters: np.ndarray, texts: list[str]) -> int:
    """Pairs of labels that cover each other in a picture taken from EYE towards their middle."""
    off = centres - EYE
    ahead = (off.mean(axis=0)) * [1, 1, 0]
    ahead /= np.linalg.norm(ahead)
    depth = off @ ahead
    u, v = off @ np.cross(ahead, UP) / depth, off @ UP / depth
    half, tall = 0.25 * letters * [len(t) for t in texts] / depth, letters / depth
    cover = (np.abs(u[:, None] - u) < half[:, None] + half) & (np.abs(v[:, None] - v) < 0.5 * (tall[:, None] + tall))
    return int(np.triu(cover, 1).sum())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 3), st.floats(-1.5, 1.5), st.floats(0, 2)), min_size=2, max_size=30))
def test_no_label_covers_another_for_the_viewer(places):
    anchors = np.array(places)
    texts = [f"thing number {k}"[: 4 + k % 11] for k in range(len(anchors))]
    centres, letters = place_labels(anchors, texts, EYE, UP)
    assert overlaps(centres, letters, texts) == 0
    np.testing.assert_allclose((centres - anchors)[:, :2], 0, atol=1e-9)  # only ever raised
    assert ((centres - anchors)[:, 2] > 0.4 * letters).all()


def test_letters_grow_with_distance_within_bounds():
    _, letters = place_labels(np.array([[-1.9, 0.5, 1.5], [0, 0.5, 1.5], [100, 0.5, 1.5]]), ["a"] * 3, EYE, UP)
    assert letters[0] == 0.02 and letters[1] == pytest.approx(0.05) and letters[2] == 0.15


def test_any_geometry_gives_numbers():
    for eye in (EYE, np.array([1.0, 2, 9]), np.array([1.0, 2, 3])):  # aside, straight above, in the midst of it
        centres, letters = place_labels(np.array([[1.0, 2, 3]] * 5), ["word"] * 5, eye, UP)
        assert np.isfinite(centres).all() and np.isfinite(letters).all()
        assert len({round(z, 6) for z in centres[:, 2]}) == 5
    assert place_labels(np.zeros((0, 3)), [], EYE, UP)[0].shape == (0, 3)

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spatial_llava_ros.graph.association import ACCEPT, assign, boxes_of_nodes, look_likelihood, pair_likelihood
from spatial_llava_ros.graph.spatial_hash import SpatialHash
from spatial_llava_ros.graph.track import fuse, new_track
from spatial_llava_ros.types import Object3D, SceneObject

PLACES = st.lists(
    st.tuples(st.floats(-50, 50), st.floats(-50, 50), st.floats(-2, 2)), min_size=0, max_size=12, unique=True
)
CAMERA = np.array([5.0, 0.0, 1.0])


def node(place, yaw=0.0, size=(0.2, 0.1, 0.3), period=np.pi, std=0.01, yaw_std=0.05, label="thing"):
    covariance = np.diag([std**2] * 3 + [1e-4, 1e-4, yaw_std**2])
    turned = np.array([0, 0, np.sin(yaw / 2), np.cos(yaw / 2)])
    obj = Object3D(
        1, label, 1.0, (1, 1, 9, 9), "map", np.array(place, float), turned, np.array(size), covariance,
        np.full(3, std), period,
    )  # fmt: skip
    return SceneObject(obj)


@given(st.integers(0, 6), st.integers(0, 6), st.integers(0, 10_000))
def test_pairs_are_one_to_one_and_none_is_worse_than_what_it_displaced(rows, columns, seed):
    likelihood = np.random.default_rng(seed).normal(-8, 6, (rows, columns))
    pairs = assign(likelihood)
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
    matched_rows, matched_columns = dict(pairs), {j: i for i, j in pairs}
    for i in range(rows):
        for j in range(columns):
            if likelihood[i, j] < ACCEPT:
                assert (i, j) not in pairs
                continue
            # Stable: a pair that was not made has a member that is better off.
            mine = likelihood[i, matched_rows[i]] if i in matched_rows else -np.inf
            theirs = likelihood[matched_columns[j], j] if j in matched_columns else -np.inf
            assert max(mine, theirs) >= likelihood[i, j]


@given(PLACES)
def test_things_apart_are_matched_to_themselves(places):
    apart = [p for k, p in enumerate(places) if all(np.linalg.norm(np.subtract(p, q)) > 1 for q in places[:k])]
    boxes = boxes_of_nodes([node(p) for p in apart])
    assert sorted(assign(pair_likelihood(boxes, boxes))) == [(k, k) for k in range(len(apart))]


@given(st.floats(0.02, 2), st.floats(0.02, 2), st.floats(0.02, 2), st.floats(0, 6.3))
def test_look_does_not_depend_on_place_or_turn(a, b, c, yaw):
    one, other = node((0, 0, 0), size=(a, b, c)), node((9, 1, 0), yaw, size=(b, a, c))
    assert abs(look_likelihood(boxes_of_nodes([one]), boxes_of_nodes([other]))[0, 0]) < 1e-9


@given(
    st.lists(st.tuples(st.floats(-0.01, 0.01), st.floats(-0.1, 0.1), st.integers(-3, 3)), min_size=1, max_size=20),
    st.sampled_from([np.pi, np.pi / 2]),
)
def test_fusing_stays_among_the_sightings_and_grows_surer(sightings, period):
    first = node((1.0, 2.0, 0.5), 0.3)
    track = new_track(1, first, CAMERA, 0, 0)
    before = np.trace(track.covariance)
    places = [1.0]
    for k, (step, turn, half_turns) in enumerate(sightings):
        quarter = round(half_turns * period / (np.pi / 2))
        size = (0.2, 0.1, 0.3) if quarter % 2 == 0 else (0.1, 0.2, 0.3)
        seen = node((1 + step, 2.0, 0.5), 0.3 + turn + quarter * np.pi / 2, size, period)
        fuse(track, seen, CAMERA + np.array([0, k, 0]), k, 0)
        places.append(1 + step)
        assert np.trace(track.covariance) <= before + 1e-9
        before = np.trace(track.covariance)
        assert np.linalg.eigvalsh(track.covariance).min() > 0
        assert min(places) - 1e-9 <= track.position[0] <= max(places) + 1e-9
        assert np.allclose(track.size, (0.2, 0.1, 0.3), atol=1e-6)
    # The yaw stays within what was seen, whichever of the equivalent turns each sighting came with.
    away = (track.yaw - 0.3 + np.pi) % (2 * np.pi) - np.pi
    assert abs(away) <= 0.1 + 1e-6


def test_staring_tells_less_than_going_round():
    still, round_it = (new_track(1, node((0, 0, 0)), CAMERA, 0, 0) for _ in range(2))
    for k in range(1, 10):
        fuse(still, node((0, 0, 0)), CAMERA, k, 0)
        fuse(round_it, node((0, 0, 0)), 5 * np.array([np.cos(0.5 * k), np.sin(0.5 * k), 0.2]), k, 0)
    assert np.trace(round_it.covariance) < 0.7 * np.trace(still.covariance)


def test_cut_off_sighting_does_not_shrink_the_thing():
    track = new_track(1, node((0, 0, 0)), CAMERA, 0, 0)
    fuse(track, node((0.05, 0, 0), size=(0.1, 0.1, 0.3)), CAMERA, 1, 0, complete=False)
    assert track.size[0] == 0.2
    assert track.hits == 2


def test_names_are_voted_a_model_outranks_shape_and_a_person_both():
    track = new_track(1, node((0, 0, 0)), CAMERA, 0, 0)

    def hear(label, source, times=1):
        for _ in range(times):
            seen = SceneObject(node((0, 0, 0), label=label).object, ((label, 0.9),), source=source)
            fuse(track, seen, CAMERA, 0, 0)

    hear("can", "geometry", 5)
    assert track.label == "can"
    hear("mug", "model")
    assert track.label == "mug"
    hear("can", "geometry", 9)
    assert track.label == "mug"
    hear("cup", "model", 3)
    assert track.label == "cup"
    track.label, track.named_by = "grail", "user"
    hear("mug", "model", 9)
    assert track.label == "grail"


@given(PLACES, st.floats(-40, 40), st.floats(-40, 40), st.floats(0, 30))
def test_hash_finds_all_within(places, x, y, reach):
    cells = SpatialHash()
    for number, place in enumerate(places):
        cells.put(number, np.array([0.0, 0.0]))
        cells.put(number, np.array(place))
    found = cells.within(np.array([x, y]), np.array([x + reach, y + reach]))
    inside = [n for n, p in enumerate(places) if x <= p[0] <= x + reach and y <= p[1] <= y + reach]
    assert set(inside) <= set(found)
    for n in found:
        assert x - 1 <= places[n][0] <= x + reach + 1
    for number in range(len(places)):
        cells.remove(number)
    assert len(cells) == 0 and cells.within(np.array([-99, -99]), np.array([99, 99])) == []

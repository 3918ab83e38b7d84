import numpy as np

from spatial_llava_ros.perceptron import Perceptron, train


def test_it_learns_what_no_single_clue_tells():
    rng = np.random.default_rng(0)
    clues = rng.normal(size=(6000, 3)) * [1, 10, 0.1] + [0, 5, 0]
    truth = (clues[:, 0] * (clues[:, 1] - 5) > 0).astype(float)  # the sign of a product
    network = train(clues[:4000], truth[:4000], np.ones(4000), (16, 8), epochs=40, batch=200, rate=0.01)
    assert np.mean((network(clues[4000:]) > 0) == truth[4000:]) > 0.93


def test_odds_are_calibrated():
    rng = np.random.default_rng(1)
    clues = rng.normal(size=(8000, 1))
    chance = 1 / (1 + np.exp(-2 * clues[:, 0]))
    network = train(clues, (rng.random(8000) < chance).astype(float), np.ones(8000), (8,), epochs=20, batch=200)
    x = np.linspace(-1.5, 1.5, 7)[:, None]
    assert np.allclose(1 / (1 + np.exp(-network(x))), 1 / (1 + np.exp(-2 * x[:, 0])), atol=0.06)


def test_weights_count():
    clues, chance = np.zeros((1000, 1)), np.repeat([0.0, 1.0], 500)
    network = train(clues, chance, np.repeat([1.0, 3.0], 500), (4,), epochs=60, batch=100, rate=0.02)
    assert abs(network(clues[:1])[0] - np.log(3)) < 0.2


def test_a_saved_network_says_the_same(tmp_path):
    rng = np.random.default_rng(2)
    clues = rng.normal(size=(500, 4))
    network = train(clues, (clues[:, 0] > 0).astype(float), np.ones(500), (8, 4), epochs=5, batch=50)
    network.save(tmp_path / "n.npz")
    assert np.allclose(Perceptron.load(tmp_path / "n.npz")(clues), network(clues), atol=0.02)


def test_outliers_are_held():
    clues = np.random.default_rng(3).normal(size=(500, 1))
    network = train(clues, (clues[:, 0] > 0).astype(float), np.ones(500), (8,), epochs=5, batch=50)
    assert network(np.array([[1e9]]))[0] == network(np.array([[1e6]]))[0]

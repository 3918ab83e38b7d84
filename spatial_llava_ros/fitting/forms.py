"""What a region looks like: train the perceptron of `grounding.forms` on the looks of simulated things.

Adam (Kingma and Ba 2015) on the cross entropy, of numbers that are jittered as they are drawn. Real things are not
those of the simulator, so how sure the answers may be is told by a shift in it: a second perceptron that has seen no
crowded scene is asked about these, and its best temperature (Guo et al. 2017) is used.
"""

from __future__ import annotations

import json

import numpy as np

from spatial_llava_ros.grounding.forms import LIMIT, WEIGHTS_FILE, Perceptron, logits, softmax, standard

HIDDEN = 128
JITTER = 0.25  # standard deviations
DECAY = 0.05
STEPS, BATCH, RATE = 6000, 256, 3e-3


def train(looks: np.ndarray, target: np.ndarray, forms: int, seed: int = 0) -> Perceptron:
    """A perceptron that tells `forms` kinds of things apart.

    Args:
        looks: (M, D); target: (M,) int, which form each is.
    """
    rng = np.random.default_rng(seed)
    blank = Perceptron(looks.mean(axis=0), looks.std(axis=0) + 1e-6, *(np.zeros(0),) * 4)
    inputs = standard(blank, looks)
    shapes = (looks.shape[1], HIDDEN), (HIDDEN,), (HIDDEN, forms), (forms,)
    layers = [rng.normal(0, 1 / np.sqrt(s[0]), s) if len(s) > 1 else np.zeros(s) for s in shapes]
    mean, square = [np.zeros(s) for s in shapes], [np.zeros(s) for s in shapes]
    for step in range(1, STEPS + 1):
        batch = rng.integers(len(inputs), size=BATCH)
        x = np.clip(inputs[batch] + rng.normal(0, JITTER, (BATCH, looks.shape[1])), -LIMIT, LIMIT)
        hidden = np.tanh(x @ layers[0] + layers[1])
        error = softmax(hidden @ layers[2] + layers[3])
        error[np.arange(BATCH), target[batch]] -= 1
        error /= BATCH
        back = error @ layers[2].T * (1 - hidden**2)
        slopes = [x.T @ back, back.sum(axis=0), hidden.T @ error, error.sum(axis=0)]
        rate = RATE * (1 - step / (STEPS + 1))
        for k, slope in enumerate(slopes):
            mean[k] = 0.9 * mean[k] + 0.1 * slope
            square[k] = 0.999 * square[k] + 0.001 * slope**2
            move = mean[k] / (1 - 0.9**step) / (np.sqrt(square[k] / (1 - 0.999**step)) + 1e-8)
            layers[k] = layers[k] - rate * (move + (DECAY * layers[k] if layers[k].ndim > 1 else 0))
    return Perceptron(blank.mean, blank.spread, *layers)


def best_temperature(looks: np.ndarray, names: np.ndarray, strange: np.ndarray) -> float:
    """How much less sure to be about things of other scenes than those that were learnt.

    Args:
        strange: (M,) bool, the rows that are not learnt but asked about.
    """
    forms, target = np.unique(names[~strange], return_inverse=True)
    net = train(looks[~strange], target, len(forms))
    asked = strange & np.isin(names, forms)
    values = logits(net, standard(net, looks[asked]))
    answer = np.searchsorted(forms, names[asked])[:, None]
    grid = np.arange(1.0, 3.0, 0.1)
    likely = [np.log(np.take_along_axis(softmax(values / t), answer, axis=1) + 1e-4).mean() for t in grid]
    return round(float(grid[int(np.argmax(likely))]), 1)


def write(net: Perceptron, names: tuple[str, ...], temperature: float) -> None:
    """Store what `forms` reads, to four digits."""
    stored = {"forms": names, "temperature": temperature} | {
        field: [[float(f"{v:.4g}") for v in row] for row in value] if value.ndim > 1
        else [float(f"{v:.4g}") for v in value]
        for field, value in net._asdict().items()
    }  # fmt: skip
    WEIGHTS_FILE.write_text(json.dumps(stored) + "\n", encoding="utf-8")

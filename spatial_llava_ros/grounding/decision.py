"""One thing meant, several, or none: what follows from how well each region suits a phrase."""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.grounding import weights
from spatial_llava_ros.grounding.fit import Fit
from spatial_llava_ros.types import Grounding, Status

ACCEPT = 0.5  # somebody else's choice is doubted if a region suits the words less than this, see `grounder.check`


def outcomes(chance: np.ndarray, ranked: bool, singled_out: bool = False) -> tuple[float, np.ndarray, float]:
    """Probabilities that a phrase is about nothing in view, about each thing alone, and about several.

    Things suit a phrase independently of each other; how often people speak of what is not there, or say too little,
    weighs what the picture says (`weights.NONE`, `weights.SEVERAL`).

    Args:
        chance: (N,) probability that the phrase is true of each thing, below 1; 0 for what repeats another.
        ranked: it is true of one thing at most.
        singled_out: it compares with other things, as people do to leave one only (`weights.SINGLED_OUT`).

    Returns:
        none, (N,) alone, several; they sum to 1.
    """
    if ranked:
        alone, none, several = chance, np.prod(1 - chance), 0.0
    else:
        none = np.prod(1 - chance)
        alone = none * chance / (1 - chance)
        several = max(1 - none - alone.sum(), 0.0)
    none, several = none * np.exp(weights.NONE), several * np.exp(weights.SEVERAL + singled_out * weights.SINGLED_OUT)
    total = none + several + alone.sum() + 1e-12
    return float(none / total), alone / total, float(several / total)


def decide(fit: Fit, count: int, same: np.ndarray) -> Grounding:
    """Found, ambiguous or not found, whichever is likeliest to be right.

    Args:
        count: how many things the phrase asks for; 0 for all that fit.
        same: (N, N) bool, pairs that cannot both be things.
    """
    chance = fit.members(same)
    none, alone, several = outcomes(chance, fit.ranked, fit.singled_out)
    best = int(alone.argmax())
    order = [int(i) for i in np.argsort(-chance, kind="stable")]
    fitting = [i for i in order if chance[i] >= 0.5 * chance[best]]
    scores = (1 - none) * chance / max(chance.sum(), 1e-12)
    explanation = ""
    if fit.unchecked:
        explanation = "cannot be judged without a model: " + ", ".join(dict.fromkeys(fit.unchecked))
    if none >= max(alone[best], several):
        status, chosen = Status.NOT_FOUND, ()
    elif count == 1 and alone[best] >= several:
        status, chosen = Status.FOUND, (best,)
    elif count == 1:
        status, chosen = Status.AMBIGUOUS, tuple(order[: max(2, len(fitting))])
    elif count == 0 or len(fitting) == count:
        status, chosen = Status.FOUND, tuple(fitting)
    else:
        status, chosen = Status.AMBIGUOUS, tuple(fitting)
        explanation = f"asked for {count}, {len(fitting)} fit" + (f"; {explanation}" if explanation else "")
    return Grounding(status, scores, none, chosen, explanation)

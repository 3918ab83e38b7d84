"""One thing meant, several, or none: what follows from how well each region suits a phrase."""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.grounding.fit import Fit, distinct
from spatial_llava_ros.types import Grounding, Status

# Chosen on simulated scenes.
ACCEPT = 0.5  # a thing is meant only if its weakest part is at least this likely
MIN_THING = 0.06  # ... and this likely to be a thing, not a scrap of background
RIVAL = 0.7  # a second thing whose words fit this well, relative to the best, makes the expression ambiguous ...
RIVAL_SINGLED_OUT = 0.95  # ... or this well, where the speaker took the trouble to single one out ...
RIVAL_THING = 0.2  # ... if it is this likely to be a thing


def decide(fit: Fit, count: int, same: np.ndarray) -> Grounding:
    """Found, ambiguous or not found.

    Args:
        count: how many things the phrase asks for; 0 for all that fit.
        same: (N, N) bool, pairs that cannot both be things.
    """
    product = fit.product
    heads = distinct(product, same)
    # "The" presupposes that one thing fits and the others do not: odds, so that 0.9 beats 0.6 by far more than 3 to 2.
    likely = np.minimum(product, 0.95)
    solid = fit.thing >= MIN_THING
    weight = likely / (1 - likely) * heads * solid
    accept = solid / (1 + np.exp(-15 * (fit.weakest - ACCEPT)))
    best = int(weight.argmax())
    none = float(1 - accept[best])
    total = weight.sum()
    scores = (1 - none) * weight / total if total > 0 else np.zeros(len(product))
    fits = heads & solid & (fit.weakest >= ACCEPT)
    # Rivals are compared on the words alone: a thing that is hard to outline is meant as readily as another.
    near = RIVAL_SINGLED_OUT if fit.singled_out else RIVAL
    rival = (fit.words >= near * fit.words[best]) & (fit.thing >= RIVAL_THING)
    rival[best] = True
    fitting = [int(i) for i in np.argsort(-weight) if fits[i] and rival[i]]
    explanation = ""
    if fit.unchecked:
        explanation = "cannot be judged without a model: " + ", ".join(dict.fromkeys(fit.unchecked))
    if best not in fitting:
        status, chosen = Status.NOT_FOUND, ()
    elif count == 1:
        status, chosen = (Status.FOUND, (best,)) if len(fitting) == 1 else (Status.AMBIGUOUS, tuple(fitting))
    elif count == 0 or len(fitting) == count:
        status, chosen = Status.FOUND, tuple(fitting)
    else:
        status, chosen = Status.AMBIGUOUS, tuple(fitting)
        explanation = f"asked for {count}, {len(fitting)} fit" + (f"; {explanation}" if explanation else "")
    return Grounding(status, scores, none, chosen, explanation)

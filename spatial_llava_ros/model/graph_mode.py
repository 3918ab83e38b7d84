"""Graph mode: the model writes the scene graph of a picture in its family's text, freely and to its own end.

The text is read by `graph.spacesgg`, which takes whatever comes; `graph.said` holds it against the measurements.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spatial_llava_ros.model.errors import ModelError
from spatial_llava_ros.model.families.family import Family
from spatial_llava_ros.model.patience import PATIENT, Patience

if TYPE_CHECKING:  # torch, which a remote model does without
    from spatial_llava_ros.model.conversation import Conversation

MOST_TOKENS = 1024  # some thirty things with boxes and as many relations
_REPORT = 16  # tokens between reports


def graph_question(family: Family) -> str:
    """What the family is asked.

    Raises:
        ModelError: a family that does not write scene graphs.
    """
    if not family.graph_question:
        raise ModelError(f"family {family.name!r} writes no scene graphs; asmv2 does (ASMv2, LLaVA-SpaceSGG)")
    return family.graph_question


def write_graph_text(conversation: Conversation, color: np.ndarray, patience: Patience = PATIENT) -> str:
    """The scene graph of a picture as the model writes it; cut off after MOST_TOKENS tokens.

    Args:
        color: the picture as `family.prepare` made it.

    Raises:
        ModelError: a family that does not write scene graphs, or as `patience` says.
    """
    prompt = conversation.prompt(graph_question(conversation.loaded.family))
    turn = conversation.ask(color, prompt, (), patience)
    tokenizer, written = conversation.tokenizer, []
    while len(written) < MOST_TOKENS:
        choice = int(turn.logits.argmax())
        if choice == tokenizer.eos_token_id:
            break
        written.append(choice)
        if len(written) % _REPORT == 0:
            patience.report("graph", tokenizer.decode(written, skip_special_tokens=False))
        if len(written) < MOST_TOKENS:
            turn.feed([choice])
    return tokenizer.decode(written, skip_special_tokens=False)

"""Which mark a server's model means, from the log-probabilities that it shows with an answer.

A server shows the rivals of one token. Labels of one token ("3", "K") are among those of the first. Where "1" is also
the beginning of "12" the server is asked again with "1" in the model's mouth, and so on along the trie of the labels,
as `marks_mode` does in process; a label that ends at a branch gets what would not continue it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from spatial_llava_ros.model.errors import ModelError

WITNESS = 0.9  # trust in a label that came without logprobs


def read_marks(
    choice: dict[str, Any], labels: Sequence[str], continued: Callable[[str], dict[str, Any]]
) -> tuple[np.ndarray, float]:
    """(n,) probability of each label, and of none, from a chat completion's first choice.

    Args:
        labels: a label that is not among the rivals which the server shows gets 0.
        continued: first choice of the answer that goes on after a text; asked for where a label begins another.

    Raises:
        ModelError: an answer that names no mark.
    """
    answers = [*labels, "none"]
    weights = np.zeros(len(answers))
    for word, p in _rivals(choice, spoken=True):
        _share(weights, answers, word, p, continued)
    if weights.sum() <= 0:
        said = content(choice)
        found = _answer(_bare((said.split() or [""])[0]), answers)
        if found is None:
            raise ModelError(f"the answer names no mark: {said[:60]!r}")
        weights[:] = (1 - WITNESS) / len(answers)
        weights[found] += WITNESS
    weights /= weights.sum()
    return weights[:-1], float(weights[-1])


def _share(
    weights: np.ndarray, answers: Sequence[str], word: str, p: float, continued: Callable[[str], dict[str, Any]]
) -> None:
    """Give the probability of a beginning to the answers that it may become."""
    longer = [label for label in answers[:-1] if label != word and label.startswith(word)]
    if not word or not longer:
        found = _answer(word, answers)
        if found is not None:
            weights[found] += p
        return
    branches: dict[str, float] = {}
    ended = 0.0
    for more, q in _rivals(continued(word), spoken=False):
        if more[:1].isalnum():
            branches[_bare(more)] = branches.get(_bare(more), 0.0) + q
        else:
            ended += q
    branches = {more: q for more, q in branches.items() if any(label.startswith(word + more) for label in longer)}
    ended = ended if word in answers else 0.0
    total = ended + sum(branches.values())
    if total <= 0:
        return
    if ended:
        weights[answers.index(word)] += p * ended / total
    for more, q in branches.items():
        _share(weights, answers, word + more, p * q / total, continued)


def _rivals(choice: dict[str, Any], spoken: bool) -> list[tuple[str, float]]:
    """What the first token may be, each with its probability; spoken: of the first that says anything, and bare."""
    tokens = token_logprobs(choice)
    first = next((t for t in tokens if _bare(t.get("token"))), None) if spoken else next(iter(tokens), None)
    if first is None:
        return []
    found: dict[str, float] = {}
    for rival in first.get("top_logprobs") or [first]:
        text = _bare(rival.get("token")) if spoken else str(rival.get("token") or "")
        found[text] = found.get(text, 0.0) + math.exp(rival["logprob"])
    return list(found.items())


def content(choice: dict[str, Any]) -> str:
    """What was answered."""
    said = (choice.get("message") or {}).get("content")
    return said if isinstance(said, str) else ""


def token_logprobs(choice: dict[str, Any]) -> list[dict[str, Any]]:
    """The answered tokens that come with a log-probability."""
    tokens = (choice.get("logprobs") or {}).get("content") or []
    return [token for token in tokens if isinstance(token, dict) and isinstance(token.get("logprob"), (int, float))]


def ends_with(answer: dict[str, Any], text: str) -> bool:
    """Whether the prompt that a server scored (vLLM's `prompt_logprobs`) ends with a text: it was really continued."""
    scored = answer.get("prompt_logprobs")
    if not isinstance(scored, list):
        return False
    said = ""
    for position in reversed(scored[-len(text) - 1 :]):
        token = next(iter(position.values()), None) if isinstance(position, dict) and position else None
        if not isinstance(token, dict) or not isinstance(token.get("decoded_token"), str):
            break
        said = token["decoded_token"] + said
    return said.endswith(text)


def _bare(token: object) -> str:
    """A token without what models write around a label."""
    return str(token or "").strip(" \t\n.,:;[](){}<>#*\"'")


def _answer(word: str, answers: Sequence[str]) -> int | None:
    """Index of the answer that a first token is: a label as it is, or a beginning of "none" that is no label."""
    if word in answers:
        return answers.index(word)
    return len(answers) - 1 if word and "none".startswith(word.lower()) else None

"""Marks mode: which mark is meant, read from the next-token probabilities over the marks' labels and "none".

One forward pass gives the distribution where every label is one token. Where "1" is also the beginning of "12", the
labels form a trie: only its branches need another (one-token) pass, and a label that ends at a branch gets the
probability of everything that would not continue it. So the distribution is that of decoding restricted to the labels,
exactly, without writing a word.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from spatial_llava_ros.grounding.features import Features
from spatial_llava_ros.model.conversation import Conversation, Turn, common_prefix
from spatial_llava_ros.model.marks import MOST_MARKS, describe_marks, draw_marks, mark_labels
from spatial_llava_ros.model.patience import PATIENT, Patience
from spatial_llava_ros.model.rounds import ask_in_rounds
from spatial_llava_ros.model.token_text import token_texts
from spatial_llava_ros.types import RgbdFrame

NONE_WORDS = ("none", "None")


def label_probabilities(
    turn: Turn,
    paths: Sequence[Sequence[int]],
    continuing: torch.Tensor,
    temperature: float = 1.0,
    ahead: Sequence[int] = (),
) -> np.ndarray:
    """(n,) probability of each answer under decoding restricted to the answers.

    Args:
        turn: read up to where the answers begin to differ, and then the tokens `ahead`; its first row is of there.
        paths: tokens of each answer from there on.
        continuing: (V,) bool, tokens that would lengthen a label.
        temperature: the logits are divided by it.
        ahead: of the largest branch, as `largest_branch` gives them: read with the question, they cost no pass.
    """
    ahead = list(ahead)
    log_p = np.full(len(paths), -np.inf)

    def walk(group: list[int], depth: int, logits: torch.Tensor, log_so_far: float) -> None:
        children: dict[int, list[int]] = {}
        for i in group:
            if len(paths[i]) > depth:
                children.setdefault(paths[i][depth], []).append(i)
        ended = [i for i in group if len(paths[i]) == depth]
        scores = torch.log_softmax(logits / temperature, dim=-1)
        masses = [float(scores[token]) for token in children]
        if ended:
            masses.append(float(torch.logsumexp(scores[~continuing], dim=0)))
        total = np.logaddexp.reduce(masses)
        for i in ended:
            log_p[i] = log_so_far + masses[-1] - total
        branches = sorted(
            zip(children.items(), masses, strict=False), key=lambda branch: depth > 0 or branch[0][0] not in ahead[:1]
        )
        for (_, members), mass in branches:
            here = log_so_far + mass - total
            if len(members) == 1:
                log_p[members[0]] = here
                continue
            fed = _shared([paths[i] for i in members], depth)
            below = turn.logits if depth == 0 and fed == ahead else turn.feed(fed)[0]
            walk(members, depth + len(fed), below, here)
            turn.rewind(len(fed))

    walk(list(range(len(paths))), 0, turn.rows[0], 0.0)
    return np.exp(log_p)


def largest_branch(paths: Sequence[Sequence[int]]) -> list[int]:
    """First tokens that most answers share, where more than one answer shares any."""
    groups: dict[int, list[Sequence[int]]] = {}
    for path in paths:
        if path:
            groups.setdefault(path[0], []).append(path)
    largest = max(groups.values(), key=len, default=[])
    return _shared(largest, 0) if len(largest) > 1 else []


def _shared(paths: Sequence[Sequence[int]], depth: int) -> list[int]:
    """What all paths have in common from a depth on."""
    return list(paths[0][depth : depth + common_prefix([path[depth:] for path in paths])])


class MarksMode:
    """Asks a conversation which mark is meant. Keeps the marked pictures of the last frame.

    Attributes:
        temperature: calibrates the probabilities; 1 for the model's own.
        permutations: orders of the labels to average over; each costs a picture of its own.
        facts: write each mark's measured colour, place and size into the prompt.
        letters: mark with A, B, C instead of numbers; at most 26 on a picture.
        most: marks on one picture.
    """

    def __init__(
        self,
        conversation: Conversation,
        temperature: float = 1.0,
        permutations: int = 1,
        facts: bool = False,
        letters: bool = False,
        most: int = MOST_MARKS,
    ) -> None:
        self.conversation = conversation
        self.temperature = temperature
        self.permutations = max(1, permutations)
        self.facts = facts
        self.letters = letters
        self.most = min(most, 26) if letters else most
        texts = token_texts(conversation.tokenizer)
        size = max(len(conversation.tokenizer), max(texts, default=0) + 1)
        self._continuing = torch.zeros(size, dtype=torch.bool)
        self._continuing[[n for n, text in texts.items() if text[:1].isalnum()]] = True
        self._frame: RgbdFrame | None = None
        self._pictures: dict[tuple, np.ndarray] = {}

    def score(
        self, frame: RgbdFrame, features: Features, text: str, patience: Patience = PATIENT
    ) -> tuple[np.ndarray, float]:
        """(N,) probability of each region, and of none, as `ask_in_rounds` gives them.

        Raises:
            ModelError: as `patience` says.
        """
        return ask_in_rounds(features, self.most, lambda i: self._ask(frame, features, i, text, patience), patience)

    def _ask(
        self, frame: RgbdFrame, features: Features, indices: np.ndarray, text: str, patience: Patience
    ) -> tuple[np.ndarray, float]:
        """Probabilities of the regions at `indices` and of none."""
        labels = mark_labels(len(indices), self.letters)
        total, none = np.zeros(len(indices)), 0.0
        for k in range(self.permutations):
            order = np.random.default_rng(k).permutation(len(indices)) if k else np.arange(len(indices))
            arranged = indices[order]
            facts = describe_marks(features, arranged, labels) if self.facts else ""
            picture = self._picture(frame, features, arranged, labels)
            p, absent = self.ask_marks(picture, text, labels, facts, patience)
            total[order] += p
            none += absent
        return total / self.permutations, none / self.permutations

    def ask_marks(
        self, picture: np.ndarray, text: str, labels: Sequence[str], facts: str = "", patience: Patience = PATIENT
    ) -> tuple[np.ndarray, float]:
        """(n,) probability of each label on a prepared picture, and of none."""
        conversation = self.conversation
        prompt = conversation.prompt(conversation.loaded.family.marks_prompt(text, labels, facts))
        base, paths = conversation.answer_ids(prompt, [*labels, *NONE_WORDS])
        ahead = largest_branch(paths)
        keep = (-1 - len(ahead), -1) if ahead else (-1,)
        turn = conversation.ask(picture, prompt, [*base, *ahead], patience, keep)
        continuing = torch.zeros(turn.logits.shape[-1], dtype=torch.bool, device=turn.logits.device)
        known = min(len(continuing), len(self._continuing))
        continuing[:known] = self._continuing[:known].to(continuing.device)
        p = label_probabilities(turn, paths, continuing, self.temperature, ahead)
        return p[: len(labels)], float(p[len(labels) :].sum())

    def _picture(self, frame: RgbdFrame, features: Features, indices: np.ndarray, labels: Sequence[str]) -> np.ndarray:
        """The marked picture, the same array whenever the same marks are asked for."""
        if self._frame is not frame:
            self._frame, self._pictures = frame, {}
        key = tuple(int(i) for i in indices)
        if key not in self._pictures:
            marked = draw_marks(frame.color, [features.regions[i] for i in indices], labels)
            self._pictures[key] = self.conversation.loaded.family.prepare(marked)
        return self._pictures[key]


def fit_temperature(logs: Sequence[np.ndarray], truths: Sequence[int]) -> float:
    """The temperature that makes the truths of a calibration set most likely (Guo et al. 2017).

    Args:
        logs: per question, log-probabilities at temperature 1 over the labels and none.
        truths: per question, the index of the right one.

    Returns:
        In 0.05..20, by golden-section search on its logarithm: the likelihood has one peak.
    """

    def loss(log_t: float) -> float:
        scaled = [log / np.exp(log_t) for log in logs]
        return float(np.mean([np.logaddexp.reduce(s) - s[t] for s, t in zip(scaled, truths, strict=True)]))

    low, high = np.log(0.05), np.log(20.0)
    golden = (np.sqrt(5) - 1) / 2
    for _ in range(60):
        a, b = high - golden * (high - low), low + golden * (high - low)
        if loss(a) < loss(b):
            high = b
        else:
            low = a
    return float(np.exp((low + high) / 2))

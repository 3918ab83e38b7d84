"""Box mode: the model writes one box in its family's own format, a token at a time, under that format's grammar.

Everything up to the first number is put into its mouth, only tokens that leave a valid box possible are considered,
and it ends with the closing bracket. Tokens that have no rival need no step of their own, nor do those that a draft
of the box foresaw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from spatial_llava_ros.model.answer_format import Limits, Unreadable
from spatial_llava_ros.model.conversation import Conversation, Turn
from spatial_llava_ros.model.drafts import BoxDrafts
from spatial_llava_ros.model.errors import ModelError
from spatial_llava_ros.model.patience import PATIENT, Patience
from spatial_llava_ros.model.token_text import BoxGrammar, token_texts
from spatial_llava_ros.types import Box

MOST_TOKENS = 64  # the longest box of any family takes about 40


@dataclass(frozen=True)
class BoxAnswer:
    """What came of a box question.

    Attributes:
        boxes: in pixels of the picture; empty when `problem` says why.
        text: what the model wrote, the part put into its mouth included.
        score: 0..1, the model's mean probability per token of the numbers, before the grammar.
        problem: of an answer that could not be read.
    """

    boxes: tuple[Box, ...]
    text: str
    score: float
    problem: str = ""


class BoxMode:
    """Asks a conversation for boxes."""

    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation
        texts = token_texts(conversation.tokenizer)
        self._texts = texts
        self._grammar = BoxGrammar(texts, conversation.loaded.family.format)

    def ask(
        self,
        color: np.ndarray,
        shape: tuple[int, int],
        text: str,
        patience: Patience = PATIENT,
        free: bool = False,
        drafts: Sequence[Box] = (),
    ) -> BoxAnswer:
        """One box for an expression.

        Args:
            color: the picture as `family.prepare` made it; the same array for every question about a frame.
            shape: (H, W) of the frame's own picture.
            text: the referring expression.
            free: let the model write what it likes; the answer ends at the closing bracket all the same.
            drafts: boxes in pixels that the answer may resemble, the likeliest first: they save time, change nothing.

        Raises:
            ModelError: a vocabulary that cannot write the format, or as `patience` says.
        """
        conversation = self.conversation
        family = conversation.loaded.family
        prompt = conversation.prompt(family.box_question(text))
        forced = [] if free else conversation.start_ids(prompt, family.box_start)
        if free:
            return self._write_freely(conversation.ask(color, prompt, (), patience), shape, patience)
        limits, written = family.limits(shape), family.box_opening
        likely = BoxDrafts(self._grammar, self._texts, [family.encode_box(box, shape) for box in drafts], limits)
        guessed = likely.after(written) if forced else []
        places = self._rivalled(written, guessed, limits)
        turn = conversation.ask(color, prompt, [*forced, *guessed], patience, [k - len(guessed) - 1 for k in places])
        # Logits of the next token, where known; then the tokens read already, with what follows each.
        logits, ahead = _read(turn.rows, guessed, places)
        waiting: list[int] = []  # written, not read yet
        log_scores: list[float] = []
        for _ in range(MOST_TOKENS):
            if family.format.complete(written, limits):
                break
            allowed = self._grammar.allowed(written, limits)
            if not allowed:
                raise ModelError(f"the vocabulary has no token that continues {written!r}")
            choice = allowed[0]
            if len(allowed) > 1:
                if logits is None:
                    guessed = likely.after(written)
                    places = self._rivalled(written, guessed, limits)
                    rows = turn.feed([*waiting, *guessed], [k - len(guessed) - 1 for k in places])
                    (logits, ahead), waiting = _read(rows, guessed, places), []
                choice = allowed[int(logits[allowed].argmax())]
                log_scores.append(float(logits[choice] - torch.logsumexp(logits, dim=-1)))
            written += self._texts[choice]
            if ahead and ahead[0][0] == choice:
                logits = ahead.pop(0)[1]
            else:
                turn.rewind(len(ahead))
                ahead, logits = [], None
                waiting.append(choice)
            patience.report("box", family.answer_prefix + written)
        answer = family.answer_prefix + written
        decoded = family.decode_answer(answer, shape)
        score = float(np.exp(np.mean(log_scores))) if log_scores else 1.0
        if isinstance(decoded, Unreadable):
            return BoxAnswer((), answer, score, str(decoded))
        return BoxAnswer(tuple(decoded), answer, score)

    def _rivalled(self, written: str, guessed: Sequence[int], limits: Limits) -> list[int]:
        """After how many guessed tokens the next one has a rival: only there are logits looked at."""
        places = [0]
        for k, token in enumerate(guessed):
            written += self._texts[token]
            if len(self._grammar.allowed(written, limits)) > 1:
                places.append(k + 1)
        return places

    def _write_freely(self, turn: Turn, shape: tuple[int, int], patience: Patience) -> BoxAnswer:
        family, tokenizer = self.conversation.loaded.family, self.conversation.tokenizer
        written: list[int] = []
        log_scores: list[float] = []
        text = ""
        while len(written) < MOST_TOKENS:
            scores = torch.log_softmax(turn.logits, dim=-1)
            choice = int(scores.argmax())
            if choice == tokenizer.eos_token_id:
                break
            written.append(choice)
            log_scores.append(float(scores[choice]))
            text = tokenizer.decode(written, skip_special_tokens=False)
            patience.report("box", text)
            if not isinstance(family.decode_answer(text, shape), Unreadable):
                break
            turn.feed([choice])
        decoded = family.decode_answer(text, shape)
        score = float(np.exp(np.mean(log_scores))) if log_scores else 0.0
        if isinstance(decoded, Unreadable):
            return BoxAnswer((), text, score, str(decoded))
        return BoxAnswer(tuple(decoded), text, score)


def _read(
    rows: torch.Tensor, guessed: Sequence[int], places: Sequence[int]
) -> tuple[torch.Tensor | None, list[tuple[int, torch.Tensor | None]]]:
    """Logits of the next token, and each guessed token with those of what follows it, where there are any."""
    known = dict(zip(places, rows, strict=True))
    return known[0], [(token, known.get(k + 1)) for k, token in enumerate(guessed)]

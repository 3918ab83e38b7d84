"""A conversation whose model is told what to say, for tests of all that lies between tokens and boxes."""

from __future__ import annotations

from spatial_llava_ros.model.conversation import Conversation
from spatial_llava_ros.model.patience import PATIENT


class Dictated(Conversation):
    """At every step certain of the next token of a given answer; `passes` counts those after the question."""

    def say(self, start: int, tokens: list[int]) -> None:
        """The answer, after so many tokens that are put into the model's mouth."""
        self.start, self.tokens, self.passes = start, tokens, 0

    def ask(self, color, prompt, forced=(), patience=PATIENT, keep=(-1,)):
        self.began = None
        turn = super().ask(color, prompt, forced, patience, keep)
        self.passes = 0
        self.began = len(turn._picture.ids) - (len(forced) - self.start)
        turn.rows = self._certain(turn._picture, turn.rows, keep)
        return turn

    def forward_tokens(self, picture, tokens, encoded, keep=(-1,)):
        rows = super().forward_tokens(picture, tokens, encoded, keep)
        self.passes += 1
        return rows if self.began is None else self._certain(picture, rows, keep)

    def _certain(self, picture, rows, keep):
        rows = rows.clone()
        written = len(picture.ids) - self.began
        for row, back in zip(rows, keep, strict=True):
            said = written + 1 + back
            if 0 <= said < len(self.tokens):
                row[self.tokens[said]] += 1e4
        return rows

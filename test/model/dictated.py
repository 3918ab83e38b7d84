"""A conversation whose model is told what to say, for tests of all that lies between tokens and boxes."""

from __future__ import annotations

from spatial_llava_ros.model.conversation import Conversation
from spatial_llava_ros.model.patience import PATIENT


class Dictated(Conversation):
    """At every step certain of the next token of a given answer; `passes` counts those after the question."""

    def say(self, start: int, tokens: list[int]) -> None:
        """The answer, after so many tokens that are put into the model's mouth."""
        self.start, self.tokens, self.passes = start, tokens, 0

    def ask(self, color, prompt, forced=(), patience=PATIENT):
        self.began = None
        turn = super().ask(color, prompt, forced, patience)
        self.passes = 0
        self.began = len(turn._picture.ids) - (len(forced) - self.start)
        turn.rows = self._certain(turn._picture, turn.rows)
        return turn

    def forward_tokens(self, picture, tokens, encoded, keep):
        rows = super().forward_tokens(picture, tokens, encoded, keep)
        self.passes += 1
        return rows if self.began is None else self._certain(picture, rows)

    def _certain(self, picture, rows):
        rows = rows.clone()
        written = len(picture.ids) - self.began
        for k in range(len(rows)):
            said = written - (len(rows) - 1 - k)
            if 0 <= said < len(self.tokens):
                rows[k, self.tokens[said]] += 1e4
        return rows

"""Guesses at how a box goes on: one pass of the model settles many tokens (speculative decoding, Leviathan 2022).

Regions cut out of depth and colour are drafts of what the model is about to write: a draft's tokens are read in one
pass and kept as far as the model itself would have written them. What comes out is what writing token by token gives.
"""

from __future__ import annotations

from collections.abc import Sequence

from spatial_llava_ros.model.answer_format import BoxFormat, Limits
from spatial_llava_ros.model.token_text import BoxGrammar


class BoxDrafts:
    """Texts of whole boxes that the answer may resemble."""

    def __init__(self, grammar: BoxGrammar, texts: dict[int, str], boxes: Sequence[str], limits: Limits) -> None:
        """`boxes` as the grammar's format writes them, the likeliest first; `texts` as from `token_texts`."""
        self._grammar, self._texts, self._limits = grammar, texts, limits
        self._boxes = [parts for parts in (_parts(grammar.format, box) for box in boxes) if parts]

    def after(self, written: str) -> list[int]:
        """Tokens that may well follow what is written of a box; none where there is no telling."""
        format = self._grammar.format
        at = format.scan(written, self._limits)
        if at is None:
            return []
        index, letters = at
        begun = written[len(written) - letters :]
        done = _parts(format, written) or []
        fitting = [box for box in self._boxes if box[index : index + 1] and box[index].startswith(begun)]
        if fitting:
            nearest = min(fitting, key=lambda box: _distance(format, box, done[:index]))
            return self._tokens(written, "".join(nearest[index:])[letters:])
        rest = format.parts[index]
        before_number = index + 1 < len(format.parts) if isinstance(rest, str) else not begun
        if format.decimals and before_number:  # "0.": the other choice, 1.0, is the picture's very edge
            return self._tokens(written, (rest[letters:] if isinstance(rest, str) else "") + "0.")
        return []

    def _tokens(self, written: str, rest: str) -> list[int]:
        """The longest tokens, one after the other, that write the rest under the grammar."""
        tokens = []
        while rest:
            fitting = [t for t in self._grammar.allowed(written, self._limits) if rest.startswith(self._texts[t])]
            if not fitting:
                break
            tokens.append(max(fitting, key=lambda t: len(self._texts[t])))
            text = self._texts[tokens[-1]]
            written, rest = written + text, rest[len(text) :]
        return tokens


def _parts(format: BoxFormat, text: str) -> list[str]:
    """The beginning of a box cut into its literals and numbers; empty where it is none."""
    parts: list[str] = []
    for part in format.parts:
        if isinstance(part, str):
            piece = part if text.startswith(part) else text if part.startswith(text) else None
        else:
            piece = text[: len(text) - len(text.lstrip("0123456789."))]
        if piece is None:
            return []
        parts.append(piece)
        text = text[len(piece) :]
    return parts if not text else []


def _distance(format: BoxFormat, box: Sequence[str], done: Sequence[str]) -> float:
    """How far a draft's numbers are from those written."""
    pairs = [
        (a, b) for part, a, b in zip(format.parts, box, done, strict=False) if isinstance(part, int) and b.strip(".")
    ]
    return sum(abs(float(a) - float(b)) for a, b in pairs)

"""What each token of a vocabulary adds to a text, and which tokens may follow under a box's grammar."""

from __future__ import annotations

import re
from typing import Any

from spatial_llava_ros.model.answer_format import BoxFormat, Limits

_MOST_KNOWN = 20_000  # beginnings of boxes whose next tokens are remembered
_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")


def token_texts(tokenizer: Any) -> dict[int, str]:
    """Token id -> the text it adds inside a sentence; tokens that are parts of a letter only are left out.

    So are byte tokens of letters that have a token of their own: no tokenizer writes `<0x2E>` where it has `.`, and as
    rivals they would cost a pass of the model for every letter that is settled.
    """
    vocabulary = tokenizer.get_vocab()
    byte_level = "Ġ" in vocabulary or any(token.startswith("Ġ") for token in vocabulary)
    letters = _byte_letters() if byte_level else {}
    added = set(tokenizer.get_added_vocab())
    texts: dict[int, str] = {}
    spare: dict[int, str] = {}
    for token, number in vocabulary.items():
        if token in added:
            texts[number] = token
        elif byte_level:
            try:
                texts[number] = bytes(letters[letter] for letter in token).decode()
            except (KeyError, UnicodeDecodeError):
                continue
        elif match := _BYTE.fullmatch(token):
            if int(match[1], 16) < 128:
                spare[number] = chr(int(match[1], 16))
        else:
            texts[number] = token.replace("▁", " ")
    known = set(texts.values())
    return texts | {number: text for number, text in spare.items() if text not in known}


def _byte_letters() -> dict[str, int]:
    """The letters by which byte-level BPE (GPT-2) writes the 256 bytes."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(b): b for b in printable} | {chr(256 + i): b for i, b in enumerate(others)}


class BoxGrammar:
    """Tokens that can continue a box; made once per vocabulary and box format."""

    def __init__(self, texts: dict[int, str], format: BoxFormat) -> None:
        """`texts` as from `token_texts`."""
        self.format = format
        letters = set("0123456789." + "".join(part for part in format.parts if isinstance(part, str)))
        self._known: dict[tuple[str, Limits], list[int]] = {}
        self._by_letter: dict[str, list[tuple[int, str]]] = {}
        for number, text in texts.items():
            if text and letters.issuperset(text):
                self._by_letter.setdefault(text[0], []).append((number, text))

    def allowed(self, text: str, limits: Limits) -> list[int]:
        """Ids of the tokens that may follow `text` (from the box's start on)."""
        key = text, limits
        if key not in self._known:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[key] = self._following(text, limits)
        return self._known[key]

    def _following(self, text: str, limits: Limits) -> list[int]:
        return [
            number
            for letter, tokens in self._by_letter.items()
            if self.format.continues(text + letter, limits)
            for number, token in tokens
            if len(token) == 1 or self.format.continues(text + token, limits)
        ]

"""From text to terminals: clean the text, split it into words, correct slips, find the longest known phrases, and settle
what the small words mean by what stands around them ("and" joins colours, properties of one thing, or two things).
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import Any

from spatial_llava_ros.language import lexicon
from spatial_llava_ros.language.spelling import correct

_CONTRACTIONS = {
    "that's": "that is", "it's": "it is", "what's": "what is", "where's": "where is", "there's": "there is",
    "isn't": "is not", "aren't": "are not", "wasn't": "is not", "doesn't": "not", "don't": "not", "who's": "who is",
    "i'd": "i would", "i'm": "i", "you're": "you", "they're": "they are", "which's": "which is", "let's": "lets",
    "one's": "one is", "he's": "he is", "can't": "not",
}  # fmt: skip


@dataclass
class Piece:
    """A terminal of the grammar: type, what it carries, the text it was read from."""

    type: str
    value: Any
    text: str
    negated: bool = False
    adjacent: bool = False


@dataclass
class Reading:
    """The terminals of a text, the words that were left out, and the slips that were corrected."""

    pieces: list[Piece] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    corrections: list[tuple[str, str]] = field(default_factory=list)


def split_words(text: str) -> list[str]:
    """Lower-case words and the punctuation that can matter."""
    text = unicodedata.normalize("NFKC", text).lower()
    text = "".join("'" if c in "’‘`´" else " " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    words: list[str] = []
    for chunk in text.split():
        chunk = _CONTRACTIONS.get(chunk.strip(".,;:!?()\""), chunk) if "'" in chunk else chunk
        word = ""
        for c in chunk + " ":
            if c.isalnum() or unicodedata.category(c).startswith("M") or (c == "'" and word):
                word += c
                continue
            if word:
                stem = word.rstrip("'")
                words.append(stem[:-2] if stem.endswith("'s") and len(stem) > 2 else stem)
                word = ""
            if c in ",;.!?&()/:":
                words.append(c)
    return words


def _lookup(words: list[str]) -> list[Piece]:
    """Longest known phrase first; what is in no phrase is an unknown word."""
    table, longest = lexicon.table(), lexicon.longest()
    pieces, i = [], 0
    while i < len(words):
        for n in range(min(longest, len(words) - i), 0, -1):
            entry = table.get(tuple(words[i : i + n]))
            if entry is not None:
                pieces.append(Piece(entry[0], entry[1], " ".join(words[i : i + n])))
                i += n
                break
        else:
            pieces.append(Piece("WORD", ("unknown", words[i]), words[i]))
            i += 1
    return pieces


_POST = frozenset(("REL", "BETWEEN", "NEAREST", "POS", "SIDE", "ITS", "EXCEPT"))
_SEPARATORS = frozenset(("AND", "COMMA", "STOP"))
_CORE = frozenset(("DET", "WORD", "PRON", "VIEWER"))


def _is_noun(piece: Piece) -> bool:
    return piece.type == "WORD" and piece.value[0] in ("noun", "one", "unknown")


def _drop(pieces: list[Piece], reading: Reading) -> list[Piece]:
    """Take out courtesies and empty verbs; hand "not" and "right" (behind) to the word they belong to."""
    out: list[Piece] = []
    negate = False
    for i, piece in enumerate(pieces):
        last = out[-1].type if out else ""
        following = next((p.type for p in pieces[i + 1 :] if p.type != "DROP"), "")
        kind = piece.type
        if kind in ("DROP", "WRAP", "VERB", "ADJACENT", "IS") and (last == "DET" or piece.text == "right"):
            other = lexicon.as_word(piece.text)
            if other is not None and not (kind == "ADJACENT" and following in ("REL", "NEAREST", "BETWEEN")):
                piece, kind = Piece("WORD", other, piece.text), "WORD"
        if kind == "THAT" and not (out and last in ("WORD", "PRON", "POS", "SIDE", "ITS")):
            piece, kind = Piece("DET", None, piece.text), "DET"
        if kind == "IGNORE":
            reading.ignored.append(piece.text)
        elif kind == "NOT":
            negate = True
        elif kind == "VERB" and last in _SEPARATORS:
            out.append(piece)
        elif kind in ("DROP", "WRAP", "VERB"):
            pass
        elif kind == "ADJACENT":
            if following in ("REL", "BETWEEN"):
                out.append(piece)
        elif kind == "VIEWER" and last not in ("REL", "NEAREST", "TO", "BETWEEN", "ADJACENT"):
            pass
        else:
            if negate and (kind in _POST or kind == "WORD"):
                piece.negated, negate = not piece.negated, False
            if last == "ADJACENT" and kind in ("REL", "BETWEEN"):
                out.pop()
                piece.adjacent = True
            out.append(piece)
    return out


def _settle(pieces: list[Piece], reading: Reading) -> list[Piece]:
    """Decide what each "and", comma, "is", "or", "to" does, from its neighbours."""
    out: list[Piece] = []
    i = 0
    while i < len(pieces):
        piece = pieces[i]
        kind, last = piece.type, out[-1] if out else None
        if kind in _SEPARATORS:
            i, link = _separator(pieces, i, last)
            if link == "END":
                reading.ignored.extend(p.text for p in pieces[i:])
                break
            if link:
                out.append(Piece(link, piece.text, piece.text))
            continue
        i += 1
        following = pieces[i] if i < len(pieces) else None
        if kind == "IS":
            if last is not None and last.type != "THAT" and last.type not in ("HEAD", "JOIN") and following is not None:
                out.append(Piece("HEAD", "is", piece.text))
        elif kind == "THAT":
            after = next((p for p in pieces[i:] if p.type != "IS"), None)
            if after is not None and after.type in _CORE:
                out.append(piece)
                while i < len(pieces) and pieces[i].type == "IS":
                    i += 1
            else:
                while i < len(pieces) and pieces[i].type == "IS":
                    i += 1
        elif kind == "OR":
            i = _alternative(pieces, i, last, reading)
        elif kind == "TO":
            core = _current_core(out)
            near = next((p.value[1] for p in core if p.type == "WORD" and p.value[0] == "superlative"), "")
            if following is not None and following.type in _CORE and near in ("near", "far"):
                out.append(Piece("NEAREST", "near" if near == "near" else "far_from", piece.text))
            elif piece.text == "from" and following is not None and following.type in _CORE and core:
                out.append(Piece("REL", "on", piece.text))
        elif kind == "WORD" and piece.value[:1] == ("superlative",) and piece.value[1] in ("near", "far") and (
            following is not None and following.type in ("DET", "VIEWER") and last is not None and _is_noun(last)
        ):
            out.append(Piece("NEAREST", "near" if piece.value[1] == "near" else "far_from", piece.text))
        elif kind == "VERB":
            pass
        else:
            out.append(piece)
    return out


def _current_core(out: list[Piece]) -> list[Piece]:
    core: list[Piece] = []
    for piece in reversed(out):
        if piece.type not in _CORE:
            break
        core.append(piece)
    return core


def _separator(pieces: list[Piece], i: int, last: Piece | None) -> tuple[int, str]:
    """(where to go on, terminal to emit or "" for none, "END" to leave out the rest)."""
    stop = verb = clause = False
    while i < len(pieces) and pieces[i].type in (*_SEPARATORS, "VERB", "THAT", "IS"):
        stop |= pieces[i].type == "STOP"
        verb |= pieces[i].type == "VERB"
        clause |= pieces[i].type in ("THAT", "IS")
        i += 1
    if i >= len(pieces) or last is None:
        return i, ""
    following = pieces[i]
    if following.type == "PRON" and i + 1 < len(pieces) and pieces[i + 1].type == "IS":
        return i + 2, "HEAD"
    if verb:
        return i, "JOIN"
    if following.type in _POST or clause:
        return i, "HEAD"
    if stop:
        return i, "END"
    if following.type != "WORD":
        return i, "JOIN" if following.type in _CORE else ""
    run = []
    for piece in pieces[i:]:
        if piece.type != "WORD":
            break
        run.append(piece)
    if last.type != "WORD":
        return i, "" if last.type in ("DET", "HEAD", "JOIN", "THAT") else "JOIN" if any(map(_is_noun, run)) else "HEAD"
    if not _is_noun(last):
        return i, ""
    return i, "JOIN" if any(map(_is_noun, run)) else "HEAD"


def _alternative(pieces: list[Piece], i: int, last: Piece | None, reading: Reading) -> int:
    """"or": the structure holds one reading, so the second is left out and said; "not red or blue" excludes both."""
    if last is not None and last.negated and i < len(pieces):
        pieces[i].negated = True
        return i
    start = i
    if last is not None and last.type == "WORD" and not _is_noun(last):
        i += i < len(pieces) and pieces[i].type == "WORD" and not _is_noun(pieces[i])
    else:
        while i < len(pieces) and pieces[i].type in _CORE:
            i += 1
    reading.ignored.extend(["or", *(p.text for p in pieces[start:i])])
    return i


def read(text: str) -> Reading:
    """Terminals of a text, in order, ready for the grammar."""
    reading = Reading()
    words = split_words(text)
    known = lexicon.known_words()
    for i, word in enumerate(words):
        if word not in known and (meant := correct(word)):
            reading.corrections.append((word, meant))
            words[i] = meant
    reading.pieces = _settle(_drop(_lookup(words), reading), reading)
    return reading

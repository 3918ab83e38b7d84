"""From text to the grammar's terminals: words, slips corrected, longest known phrases, then what the small words mean.

"and", a comma, "is", "or", "to", "that" and "right" each have several meanings; a look at their neighbours settles
which, so that the grammar needs no backtracking.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import Any

from spatial_llava_ros.language import lexicon
from spatial_llava_ros.language.phrases import VIEW, VIEW_OR_THING
from spatial_llava_ros.language.spelling import correct

_CONTRACTIONS = {
    "that's": "that is", "it's": "it is", "what's": "what is", "where's": "where is", "there's": "there is",
    "isn't": "is not", "aren't": "are not", "wasn't": "is not", "doesn't": "not", "don't": "not", "who's": "who is",
    "i'd": "i", "i'm": "i", "you're": "you", "they're": "they are", "which's": "which is", "let's": "lets",
    "one's": "one is", "he's": "he is", "can't": "not", "i've": "i", "we're": "we", "i'll": "i", "you'll": "you",
}  # fmt: skip

_CORE = frozenset(("DET", "WORD", "PRON", "VIEWER"))  # fill a noun phrase
_POST = frozenset(("REL", "BETWEEN", "NEAREST", "POS", "SIDE", "ITS", "EXCEPT"))  # follow one
_SEPARATORS = frozenset(("AND", "COMMA", "STOP"))


@dataclass
class Piece:
    """A terminal of the grammar: its type, what it carries, and the text it was read from."""

    type: str
    value: Any
    text: str
    negated: bool = False
    adjacent: bool = False

    @property
    def is_noun(self) -> bool:
        """Whether it can head a noun phrase."""
        return self.type == "WORD" and self.value[0] in ("noun", "one", "all", "unknown")


@dataclass
class Reading:
    """The terminals of a text, the words that were left out, and the slips that were corrected."""

    pieces: list[Piece] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    corrections: list[tuple[str, str]] = field(default_factory=list)


def read(text: str) -> Reading:
    """Terminals of a text, in order, ready for the grammar."""
    reading = Reading()
    words = split_words(text)
    for i, word in enumerate(words):
        if meant := correct(word):
            reading.corrections.append((word, meant))
            words[i] = meant
    reading.pieces = _settle(_prune(_look_up(words), reading), reading)
    return reading


def split_words(text: str) -> list[str]:
    """Lower-case words and the punctuation that can matter; hyphens part words, a possessive 's is dropped."""
    text = unicodedata.normalize("NFKC", text).lower()
    text = "".join("'" if c in "’‘`´" else " " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    words: list[str] = []
    for chunk in text.split():
        if "'" in chunk:
            chunk = _CONTRACTIONS.get(chunk.strip(".,;:!?()\"'"), chunk)
        word = ""
        for c in chunk + " ":
            if c.isalnum() or unicodedata.category(c)[0] == "M" or (c == "'" and word):
                word += c
                continue
            if word:
                stem = word.rstrip("'")
                words.append(stem[:-2] if stem.endswith("'s") and len(stem) > 2 else stem)
                word = ""
            if c in ",;.!?&/:":
                words.append(c)
    return words


def _look_up(words: list[str]) -> list[Piece]:
    """The longest known phrase at every place; a word that begins none is unknown."""
    table, longest = lexicon.tables()[0], lexicon.longest()
    pieces: list[Piece] = []
    at = 0
    while at < len(words):
        for n in range(min(longest, len(words) - at), 0, -1):
            entry = table.get(tuple(words[at : at + n]))
            if entry is not None:
                break
        else:
            n, entry = 1, ("WORD", ("unknown", words[at]))
        if entry[0] == "REL" and words[at + n - 1] == "of" and _is_view(words, at, n):
            # "on the left side of the image": a place in the picture, not a relation
            entry, n = table.get(tuple(words[at : at + n - 1]), entry), n + 2
        pieces.append(Piece(*entry, " ".join(words[at : at + n])))
        at += n
    return pieces


def _is_view(words: list[str], at: int, n: int) -> bool:
    """Whether "the image" or the like follows n words that, without their "of", name a place in it."""
    if words[at + n : at + n + 1] != ["the"] or lexicon.tables()[0].get(tuple(words[at : at + n - 1]), "?")[0] != "POS":
        return False
    name = " ".join(words[at + n + 1 : at + n + 2])
    return name in VIEW or (name in VIEW_OR_THING and words[at] in ("on", "in", "at"))


def _prune(pieces: list[Piece], reading: Reading) -> list[Piece]:
    """Take out courtesies and empty verbs, and hand "not" and "right" (behind) to the word they belong to."""
    inside = lexicon.tables()[1]
    out: list[Piece] = []
    negate = adjacent = False
    for i, piece in enumerate(pieces):
        last = out[-1].type if out else ""
        following = next((p.type for p in pieces[i + 1 :] if p.type != "DROP"), "")
        kind = piece.type
        meaning = inside.get(tuple(piece.text.split()))
        if kind == "ADJACENT" and following not in ("REL", "BETWEEN", "NEAREST", "POS"):
            kind = "WORD" if meaning else "DROP"
        elif kind in ("DROP", "WRAP", "VERB") and meaning and last in ("DET", "WORD") and not out[-1].is_noun:
            kind = "WORD"
        elif kind == "REL" and last == "DET" and piece.text == "near":
            kind, meaning = "WORD", ("WORD", ("superlative", "near"))
        elif kind == "REL" and last == "DET" and piece.text in ("left of", "right of"):  # "the left of the two"
            out.append(Piece("WORD", ("attribute", "position", piece.text[:-3]), piece.text[:-3]))
            kind, meaning = "OF", ("OF", None)
        elif kind == "THAT" and last not in ("WORD", "PRON", "POS", "SIDE", "ITS"):
            kind = "DET"
        if kind != piece.type:
            piece = Piece(kind, meaning[1] if meaning else None, piece.text)

        if kind == "IGNORE":
            reading.ignored.append(piece.text)
        elif kind == "NOT":
            negate = True
        elif kind == "ADJACENT":
            adjacent = True
        elif kind not in ("DROP", "WRAP") and _kept(kind, last):
            if kind in _POST:
                piece.adjacent, adjacent = adjacent, False
            if negate and (kind in _POST or kind == "WORD"):
                piece.negated, negate = True, False
            out.append(piece)
    return out


def _kept(kind: str, last: str) -> bool:
    """Whether a verb begins a new command, and "me" or "you" is a place rather than someone to be served."""
    if kind == "VERB":
        return last in _SEPARATORS
    return kind != "VIEWER" or last in ("REL", "NEAREST", "TO", "BETWEEN")


def _settle(pieces: list[Piece], reading: Reading) -> list[Piece]:
    """Decide what each "and", comma, "is", "that", "or" and "to" does."""
    out: list[Piece] = []
    i = 0
    while i < len(pieces):
        piece, last = pieces[i], out[-1] if out else None
        kind = piece.type
        if kind in _SEPARATORS:
            i, link = _separator(pieces, i, last)
            if link == "END":
                reading.ignored.extend(p.text for p in pieces[i:])
                break
            if link:
                out.append(Piece(*link, piece.text))
            continue
        i += 1
        after = pieces[i] if i < len(pieces) else None
        if kind == "IS":
            if last is not None and after is not None and last.type not in ("HEAD", "JOIN", "THAT"):
                out.append(Piece("HEAD", None, piece.text))
        elif kind == "THAT":  # a relative clause: needed only before what is not a relation already
            while i < len(pieces) and pieces[i].type == "IS":
                i += 1
            if i < len(pieces) and pieces[i].type in _CORE:
                out.append(piece)
        elif kind == "OR":
            i = _skip_alternative(pieces, i, last, reading)
        elif kind == "TO":
            out.extend(_towards(piece, after, out))
        elif (
            kind == "WORD"
            and piece.value[0] == "superlative"
            and after is not None
            and last is not None
            and last.is_noun
        ):
            # "the sofa nearest the door"
            nearest = after.type in ("DET", "VIEWER") and {"near": "near", "far": "far_from"}.get(piece.value[1])
            out.append(Piece("NEAREST", nearest, piece.text) if nearest else piece)
        elif kind != "VERB":
            out.append(piece)
    return out


def _towards(piece: Piece, after: Piece | None, out: list[Piece]) -> list[Piece]:
    """ "the nearest chair to the door"; "the book from the shelf"; any other "to" says where to bring it."""
    if after is None or after.type not in _CORE:
        return []
    noun = False
    for earlier in reversed(out):
        if earlier.type not in _CORE:
            break
        noun |= earlier.is_noun
        if earlier.type == "WORD" and earlier.value in (("superlative", "near"), ("superlative", "far")):
            return [Piece("NEAREST", "near" if earlier.value[1] == "near" else "far_from", piece.text)]
    return [Piece("REL", "on", piece.text)] if piece.text == "from" and noun else []


def _separator(pieces: list[Piece], i: int, last: Piece | None) -> tuple[int, Any]:
    """What a run of "and", commas and stops does before what follows it.

    Returns:
        Where to go on, and what to emit: nothing (it parts properties), HEAD (what follows is said of the phrase's
        head), JOIN (another thing; the value tells a new command from a list), or "END" (leave out the rest).
    """
    stop = verb = clause = joins = False
    while i < len(pieces) and pieces[i].type in (*_SEPARATORS, "VERB", "THAT", "IS"):
        stop |= pieces[i].type == "STOP"
        verb |= pieces[i].type == "VERB"
        clause |= pieces[i].type in ("THAT", "IS")
        joins |= pieces[i].type == "AND"
        i += 1
    if i >= len(pieces) or last is None:
        return i, ""
    following = pieces[i]
    if following.type == "PRON" and i + 1 < len(pieces) and pieces[i + 1].type == "IS":
        return i + 2, ("HEAD", None)
    if verb:
        return i, ("JOIN", "command")
    if following.type in _POST or clause:
        return i, ("HEAD", None)
    if following.type == "DET" and not joins and _same_again(pieces[i:]):
        return i, ("HEAD", None)
    if stop:
        return i, "END"
    if following.type != "WORD":
        return i, ("JOIN", "list") if following.type in _CORE and last.type in (*_CORE, *_POST) else ""
    if last.type not in ("WORD", "PRON", "VIEWER", "POS", "SIDE", "ITS") or (last.type == "WORD" and not last.is_noun):
        return i, ""
    names_thing = False
    for piece in pieces[i:]:
        if piece.type != "WORD":
            break
        names_thing |= piece.is_noun
    return i, ("JOIN", "list") if names_thing else ("HEAD", None)


def _same_again(pieces: list[Piece]) -> bool:
    """ "the box, the big one": properties and "one" at the end of the text say more of the same thing."""
    words = [piece for piece in pieces[1:] if piece.type != "STOP"]
    if not words or any(word.type != "WORD" for word in words):
        return False
    kinds = [word.value[0] for word in words]
    return kinds[-1] == "one" and set(kinds[:-1]) <= {"attribute", "shade", "superlative"}


def _skip_alternative(pieces: list[Piece], i: int, last: Piece | None, reading: Reading) -> int:
    """ "red or blue": one reading is kept, the other left out and said; "not red or blue" excludes both."""
    if last is not None and last.negated and i < len(pieces):
        pieces[i].negated = True
        return i
    start = i
    if last is not None and last.type == "WORD" and not last.is_noun:
        i += i < len(pieces) and pieces[i].type == "WORD" and not pieces[i].is_noun
    else:
        while i < len(pieces) and pieces[i].type in _CORE:
            i += 1
    reading.ignored.extend(["or", *(p.text for p in pieces[start:i])])
    return i

"""The words of a noun phrase up to its noun: which is the head, and what the others say of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from spatial_llava_ros.language.expression import Attribute, Ordinal, Relation
from spatial_llava_ros.language.lexer import Piece
from spatial_llava_ros.language.vocabulary import ADJECTIVE_NOUNS

_OPPOSITE = {"left": "right", "right": "left", "near": "far", "far": "near", "high": "low", "low": "high"}


@dataclass(eq=False)
class Naming:
    """A noun phrase under construction; rank waits for the order it counts in ("second … from the left")."""

    noun: str = ""
    plural: bool = False
    pronoun: str = ""
    one: bool = False
    other: bool = False
    count: int | None = None
    rank: int = 0
    definite: bool = False
    attributes: list[Attribute] = field(default_factory=list)
    ordinals: list[Ordinal] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def rank_by(self, key: str) -> None:
        """Add the ordinal that the waiting rank, if any, makes of a key; "last" counts from the other end."""
        self.ordinals.append(ranked(key, self.rank or 1))
        self.rank = 0


def ranked(key: str, rank: int) -> Ordinal:
    """An ordinal; a negative rank counts from the other end of the order."""
    return Ordinal(key, rank) if rank > 0 else Ordinal(_OPPOSITE.get(key, key), -rank)


def read_core(pieces: list[Piece], ignored: list[str], predicate: bool = False) -> Naming:
    """What the words of a core say; what no place is left for goes to ignored.

    predicate: they follow "is": "orange" is then a colour, never a fruit.
    """
    naming = Naming()
    words: list[Piece] = []
    for at, piece in enumerate(pieces):
        begun = naming.pronoun or any(word.is_noun and word.value[0] != "one" for word in words)
        if piece.type in ("PRON", "VIEWER"):
            if not words and not naming.pronoun:
                naming.pronoun = piece.value
                continue
        elif piece.type == "WORD" and not naming.pronoun:
            words.append(piece)
            continue
        elif piece.type == "DET" and not begun:
            naming.definite |= piece.text not in ("a", "an", "some", "any")
            continue
        ignored.extend(rest.text for rest in pieces[at:] if rest.type != "DET")  # a second noun with nothing to link it
        break
    head = _head(words, predicate)
    shade = ""
    for at, piece in enumerate(words):
        kind, *value = piece.value
        if kind == "attribute" and at != head:
            what, name = value
            if what == "color" and shade:
                name, shade = f"{shade} {name}", ""
            if (what, name) == ("position", "middle"):
                naming.ordinals.append(Ordinal("middle", negated=piece.negated))
            else:
                naming.attributes.append(Attribute(what, name, piece.negated))
        elif at == head:
            _name(naming, piece)
        elif kind == "shade":
            shade = value[0]
        elif kind == "superlative":
            naming.ordinals.append(Ordinal(value[0], negated=piece.negated))
        elif kind == "rank":
            naming.rank = value[0]
        elif kind == "count" and at < max(head, 0) + (head < 0) * len(words):
            naming.count = value[0]
        elif kind == "other":
            naming.other = True
        elif kind == "one" and at < head:
            naming.count = 1
        else:
            naming.unknown.append(piece.text)
    if shade:
        naming.unknown.append(shade)
    if naming.count == 2 and not naming.plural and naming.noun and any(piece.text == "both" for piece in words):
        naming.count = None  # "both the mug and the bowl"
    return naming


def _name(naming: Naming, piece: Piece) -> None:
    kind, *value = piece.value
    if kind == "one":
        naming.one, naming.plural = True, value[0]
    elif kind == "noun":
        naming.noun, naming.plural = value
    elif kind == "all":
        naming.noun, naming.other = value
        naming.one, naming.plural = not naming.noun, True
    elif kind != "unknown":
        naming.noun = ADJECTIVE_NOUNS[piece.text]
    else:
        naming.noun, naming.plural = _singular(piece.text)
        naming.unknown.append(naming.noun)


def _head(words: list[Piece], predicate: bool) -> int:
    """Index of the head noun, -1 for none. English compounds end with their head ("coffee mug").

    An unknown word after a known noun is passed over where its ending says that it is no noun ("the bus arriving").
    """
    nouns = [i for i, word in enumerate(words) if word.is_noun]
    known = [i for i in nouns if words[i].value[0] != "unknown"]
    last = words[-1] if words else None
    compound = nouns and nouns[-1] == len(words) - 2 and last.text in ADJECTIVE_NOUNS and not predicate
    if compound and (last.value[:2] == ("attribute", "material") or last.value[0] == "shade"):
        return len(words) - 1  # "toilet paper", "traffic light"
    for i in reversed(nouns):
        if words[i].value[0] == "unknown" and known and known[0] < i and words[i].text.endswith(("ing", "ed", "ly")):
            continue
        return i
    if words and not predicate and words[-1].text in ADJECTIVE_NOUNS:
        return len(words) - 1
    return -1


def _singular(word: str) -> tuple[str, bool]:
    """(singular, was plural) of a noun that no table holds."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y", True
    if len(word) > 4 and word.endswith(("ches", "shes", "xes", "sses")):
        return word[:-2], True
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is", "as")):
        return word[:-1], True
    return word, False

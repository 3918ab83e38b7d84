"""From drafts to noun phrases: which word is the head, what "one", "it" and "other" stand for, what ranks over what."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from spatial_llava_ros.language.draft import Draft, Post
from spatial_llava_ros.language.expression import Attribute, NounPhrase, Ordinal, Relation
from spatial_llava_ros.language.vocabulary import (
    ADJECTIVE_NOUNS,
    BASIC_COLORS,
    HOLLOW,
    KINDS,
    PLURAL_ONLY,
    SHADES,
    SURFACES,
    VIEWER_NOUNS,
)

MAX_DEPTH = 6  # relations within relations; what is nested deeper is ignored

_SIDE_KEYS = {"left": "left", "right": "right", "top": "high", "bottom": "low", "front": "near", "back": "far", "middle": "middle"}
_OPPOSITE = {"left": "right", "right": "left", "near": "far", "far": "near", "high": "low", "low": "high"}
_SIDE_RELATIONS = {"left": "left_of", "right": "right_of", "front": "in_front_of", "back": "behind", "top": "on", "bottom": "under"}
_PARTITIVES = frozenset("roll sheet piece set bunch stack row pile pair slice bar block stick tube sort kind type".split())
_CONTAINER_KINDS = frozenset("box bottle can bag drinkware tableware cookware bin vase".split())
# "on the table and the book" names a second thing; "next to the table and the book" a second landmark
_SHARED = frozenset("left_of right_of in_front_of behind next_to near far_from with above below facing".split())


@dataclass
class _Meaning:
    """A noun phrase under construction."""

    noun: str = ""
    attributes: list[Attribute] = field(default_factory=list)
    ordinals: list[Ordinal] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)
    count: int | None = None
    plural: bool = False
    one: bool = False
    other: bool = False
    pronoun: str = ""
    rank: int = 0
    unknown: list[str] = field(default_factory=list)


@dataclass
class _Reader:
    """What has been understood of the command so far."""

    targets: list[NounPhrase] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)

    def phrase(self, draft: Draft, enclosing: str, depth: int) -> NounPhrase:
        m = _Meaning()
        self._core(m, draft.core, head=True)
        if m.pronoun and not m.noun:
            m.one = True
        noun = m.noun or (enclosing if m.one or m.other else "") or "thing"
        for post in draft.posts:
            self._post(m, post, noun, depth)
            noun = m.noun or noun
        for predicate in draft.predicates:
            self._predicate(m, predicate.core, noun)
            noun = m.noun if m.noun and noun == "thing" else noun
            for post in predicate.posts:
                self._post(m, post, noun, depth)
        return self._finish(m, noun)

    # -- the words up to the noun ---------------------------------------------------------------------------

    def _core(self, m: _Meaning, pieces: list[Any], head: bool) -> None:
        words = []
        for at, piece in enumerate(pieces):
            has_noun = any(w.value[0] in ("noun", "unknown") for w in words)
            if piece.type in ("PRON", "VIEWER"):
                if words:
                    self.ignored.extend(p.text for p in pieces[at:])
                    break
                m.pronoun = piece.value or "viewer"
            elif piece.type == "DET":
                if has_noun or m.pronoun:
                    self.ignored.extend(p.text for p in pieces[at + 1 :])
                    break
            else:
                words.append(piece)
        chosen = _head(words, head)
        shade = ""
        for at, piece in enumerate(words):
            kind, *value = piece.value
            if at == chosen:
                self._noun(m, piece)
            elif kind == "attribute":
                what, name = value
                if what == "color" and shade:
                    name = f"{shade} {name}"
                shade = ""
                if (what, name) == ("position", "middle"):
                    m.ordinals.append(Ordinal("middle"))
                else:
                    m.attributes.append(Attribute(what, name, piece.negated))
            elif kind == "shade":
                shade = value[0]
            elif kind == "superlative":
                m.ordinals.append(Ordinal(value[0]))
            elif kind == "rank":
                m.rank = value[0]
            elif kind == "count":
                m.count = value[0]
            elif kind == "other":
                m.other = True
            elif kind == "one":
                m.count = 1
            else:
                m.unknown.append(piece.text)
        if shade:
            m.unknown.append(shade)

    def _noun(self, m: _Meaning, piece: Any) -> None:
        kind, *value = piece.value
        if kind == "one":
            m.one, m.plural = True, value[0]
        elif kind == "noun":
            m.noun, m.plural = value
        elif kind == "attribute":
            m.noun = ADJECTIVE_NOUNS[piece.text]
        else:
            m.noun, m.plural = _singular(piece.text)
            m.unknown.append(m.noun)

    # -- what follows it ------------------------------------------------------------------------------------

    def _post(self, m: _Meaning, post: Post, noun: str, depth: int) -> None:
        piece = post.piece
        if post.type == "POS":
            key = _SIDE_KEYS[piece.value[0]]
            if m.rank:
                m.ordinals.append(_ranked(key, m.rank))
                m.rank = 0
            else:
                m.attributes.extend(Attribute("position", side, piece.negated) for side in piece.value)
        elif post.type == "SIDE":
            key = _SIDE_KEYS[piece.value]
            m.ordinals.append(_ranked(_OPPOSITE.get(key, key) if m.rank == -1 else key, 1 if m.rank == -1 else m.rank or 1))
            m.rank = 0
        elif post.type == "ITS":
            landmark = m.relations[-1].landmarks[0] if m.relations else self.targets[-1] if self.targets else None
            if landmark is None:
                self.ignored.append(piece.text)
            else:
                m.relations.append(Relation(piece.value, (landmark,), piece.negated))
        elif post.type == "THAT":
            if post.landmarks:
                self._predicate(m, post.landmarks[0].core, noun)
        elif not post.landmarks:
            self._bare(m, post)
        elif depth >= MAX_DEPTH:
            self.ignored.append(piece.text)
        else:
            self._relation(m, post, noun, depth)

    def _bare(self, m: _Meaning, post: Post) -> None:
        side = {"behind": "back", "above": "top", "below": "bottom", "in_front_of": "front", "left_of": "left", "right_of": "right"}
        value = post.piece.value
        if post.type == "NEAREST":
            m.ordinals.append(_ranked("near" if value == "near" else "far", m.rank or 1))
            m.rank = 0
        elif value in side:
            m.attributes.append(Attribute("position", side[value], post.piece.negated))
        else:
            self.ignored.append(post.piece.text)

    def _predicate(self, m: _Meaning, core: list[Any], noun: str) -> None:
        """Words said of the phrase after "is", "that is" or a comma."""
        said = _Meaning()
        self._core(said, core, head=False)
        m.attributes.extend(said.attributes)
        m.ordinals.extend(said.ordinals)
        m.rank = m.rank or said.rank
        m.unknown.extend(w for w in said.unknown if w != said.noun)
        if said.noun and noun == "thing":
            m.noun, m.plural = said.noun, said.plural
        elif said.noun and said.noun != noun:
            self.ignored.append(said.noun)

    def _relation(self, m: _Meaning, post: Post, noun: str, depth: int) -> None:
        piece, drafts = post.piece, post.landmarks
        if post.type == "THAN":
            self.ignored.append("than " + " ".join(p.text for p in drafts[0].core))
            return
        if post.type == "OF":
            self._of(m, self.phrase(drafts[0], noun, depth), noun)
            return
        if post.type == "EXCEPT":
            self._except(m, self.phrase(drafts[0], noun, depth))
            return
        landmarks: list[NounPhrase] = []
        for draft in drafts:
            pronoun = next((p.value or "viewer" for p in draft.core if p.type in ("PRON", "VIEWER")), "")
            if pronoun == "viewer":
                landmarks.append(NounPhrase("viewer"))
            elif pronoun and (depth > 0 or not self.targets):
                self.ignored.append(f"{piece.text} {pronoun}")
            elif pronoun:
                landmarks.extend(self.targets if pronoun == "them" else self.targets[-1:])
            else:
                landmarks.append(self.phrase(draft, noun, depth + 1))
        if not landmarks:
            return
        if post.type == "BETWEEN":
            m.relations.append(Relation("between", tuple(landmarks[:2]), piece.negated))
            return
        for landmark in landmarks:
            self._related(m, piece, landmark)

    def _related(self, m: _Meaning, piece: Any, landmark: NounPhrase) -> None:
        predicate = piece.value
        negated = piece.negated
        if predicate.startswith("not:"):
            predicate, negated = predicate[4:], not negated
        if landmark.noun in VIEWER_NOUNS and piece.type == "NEAREST":
            landmark = NounPhrase("viewer")
        if piece.type == "NEAREST":
            key = "near" if predicate == "near" else "far"
            m.ordinals = [o for o in m.ordinals if o.key != key]
            if landmark.noun == "viewer":
                m.ordinals.append(_ranked(key, m.rank or 1))
                m.rank = 0
            else:
                m.relations.append(Relation(predicate, (landmark,), negated, extreme=True))
            return
        if predicate.startswith("side:"):
            side = predicate[5:]
            if landmark.noun in SURFACES or landmark.noun in HOLLOW:
                m.attributes.append(Attribute("position", side, negated))
                predicate = "on" if landmark.noun in SURFACES else "inside"
            elif side == "middle":
                predicate = "between" if landmark.count != 1 else "inside"
            else:
                predicate = _SIDE_RELATIONS[side]
        m.relations.append(Relation(predicate, (landmark,), negated, piece.adjacent))

    def _of(self, m: _Meaning, inner: NounPhrase, noun: str) -> None:
        """ "the left one of the two boxes", "roll of tape", "bottle of water", "lid of the box"."""
        if m.noun in ("", "thing") or m.noun in _PARTITIVES:
            if m.noun:
                m.unknown = [w for w in m.unknown if w != m.noun]
            among = inner.count if inner.count > 1 else None
            if inner.count != 1:
                for a in [a for a in m.attributes if a.kind == "position" and a.value in _SIDE_KEYS]:
                    m.attributes.remove(a)
                    m.ordinals.append(Ordinal(_SIDE_KEYS[a.value]))
                for a in [a for a in m.attributes if a.kind == "size"]:
                    pass
            m.ordinals = [replace(o, among=among) for o in m.ordinals] + list(inner.ordinals)
            m.noun = inner.noun
            m.attributes.extend(inner.attributes)
            m.relations.extend(inner.relations)
            m.unknown.extend(inner.unknown)
            m.other |= inner.other
            if m.count is None:
                m.count = 1
            m.plural = False
        elif KINDS.get(m.noun) == "part":
            m.relations.append(Relation("on", (inner,)))
        else:
            m.unknown.extend((*(a.value for a in inner.attributes), inner.noun))

    def _except(self, m: _Meaning, excluded: NounPhrase) -> None:
        m.attributes.extend(replace(a, negated=not a.negated) for a in excluded.attributes)
        m.relations.extend(replace(r, negated=not r.negated) for r in excluded.relations)
        if not (excluded.attributes or excluded.relations):
            self.ignored.append(f"other than {excluded.noun}")

    def _finish(self, m: _Meaning, noun: str) -> NounPhrase:
        if m.rank:
            if m.ordinals:
                m.ordinals[0] = _ranked(m.ordinals[0].key, m.rank)
            else:
                m.ordinals.append(_ranked("left", m.rank))
        if m.count is None:
            m.count = 0 if m.plural else 1
        if noun in PLURAL_ONLY and m.count == 2:
            m.count = 1
        return NounPhrase(
            noun,
            tuple(dict.fromkeys(m.attributes)),
            tuple(dict.fromkeys(m.ordinals)),
            tuple(m.relations),
            m.count,
            m.other,
            tuple(dict.fromkeys(m.unknown)),
        )


def interpret(parts: tuple[Any, ...]) -> tuple[tuple[NounPhrase, ...], list[str]]:
    """(targets, words left out) of the phrases and JOIN tokens that the grammar found."""
    reader = _Reader()
    joined = ""
    for part in parts:
        if not isinstance(part, Draft):
            joined = part.value.value
            continue
        pronoun = next((p.value for p in part.core if p.type == "PRON"), "")
        if pronoun and reader.targets:
            continue  # "and bring it to me": the same thing again
        enclosing = reader.targets[-1].noun if reader.targets else ""
        reader.targets.append(reader.phrase(part, enclosing, 0))
    return tuple(reader.targets) or (NounPhrase(),), reader.ignored


def _head(words: list[Any], may_be_property: bool) -> int:
    """Index of the head noun: the last noun, for English compounds end with it; -1 for none."""
    nouns = [i for i, w in enumerate(words) if w.value[0] in ("noun", "one", "unknown")]
    known = [i for i in nouns if words[i].value[0] != "unknown"]
    for i in reversed(nouns):
        if words[i].value[0] == "unknown" and known and known[0] < i and words[i].text.endswith(("ing", "ed", "ly")):
            continue
        return i
    if may_be_property and words and words[-1].text in ADJECTIVE_NOUNS and words[-1].value[0] == "attribute":
        return len(words) - 1
    return -1


def _singular(word: str) -> tuple[str, bool]:
    """(singular, was plural) of a noun that no table holds."""
    if len(word) > 3 and word.endswith("ies"):
        return word[:-3] + "y", True
    if len(word) > 3 and word.endswith(("ches", "shes", "xes", "sses")):
        return word[:-2], True
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is", "as", "os")):
        return word[:-1], True
    return word, False


def _ranked(key: str, rank: int) -> Ordinal:
    """Rank from one end; -1 is the last, counted from the other end."""
    if rank < 0:
        return Ordinal(key, -rank) if key not in _OPPOSITE else Ordinal(_OPPOSITE[key] if rank != -1 or key == "left" else key, -rank)
    return Ordinal(key, rank)

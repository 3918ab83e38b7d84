"""From drafts to noun phrases: what "it" and "one" stand for, what a relation is said of, what a rank counts."""

from __future__ import annotations

from dataclasses import replace

from spatial_llava_ros.language.draft import Draft, Post
from spatial_llava_ros.language.expression import Attribute, NounPhrase, Ordinal, Relation
from spatial_llava_ros.language.lexer import Piece
from spatial_llava_ros.language.naming import Naming, ranked, read_core
from spatial_llava_ros.language.phrases import SIDE_KEYS
from spatial_llava_ros.language.vocabulary import HOLLOW, PLURAL_ONLY, SURFACES, VIEWER_NOUNS, kind_of, word_set

MAX_DEPTH = 6  # relations within relations; what is nested deeper is ignored

_SIDE_OF_THING = {
    "left": "left_of",
    "right": "right_of",
    "front": "in_front_of",
    "back": "behind",
    "top": "on",
    "bottom": "under",
}
_PLACE = {
    "behind": "back",
    "above": "top",
    "below": "bottom",
    "in_front_of": "front",
    "left_of": "left",
    "right_of": "right",
}
# "left of all the others" is the leftmost
_FIRST = {"left_of": "left", "right_of": "right", "in_front_of": "near", "behind": "far"} | {
    "above": "high",
    "on": "high",
    "below": "low",
    "under": "low",
}
# "bigger than the mug"
_THAN = {
    "big": "bigger_than", "small": "smaller_than", "tall": "taller_than", "short": "shorter_than",
    "wide": "wider_than", "narrow": "narrower_than", "long": "longer_than", "thin": "thinner_than",
    "near": "in_front_of", "far": "behind", "left": "left_of", "right": "right_of", "high": "above", "low": "below",
}  # fmt: skip
_PLACE_BY_VIEWER = {"near": "front", "next_to": "front", "far_from": "back", "left_of": "left", "right_of": "right"}
_PARTITIVES = word_set("roll sheet piece set bunch stack row pile slice bar block stick tube sort kind type")
_BACKGROUND = word_set("wall floor ceiling")
_FURNITURE = frozenset(("table", "seat", "storage", "bed", "surface", "opening", "appliance", "person", "wall art"))
# "next to the lamp and the book" names two landmarks, "on the table and the book" a second thing
_SHARED = word_set("left_of right_of in_front_of behind next_to near far_from with above below facing")


def interpret(parts: list[Draft | Piece]) -> tuple[tuple[NounPhrase, ...], list[str]]:
    """Give drafts meaning.

    Args:
        parts: phrases with the JOIN pieces between them, as the grammar found them.

    Returns:
        The things spoken of, at least one, and the words left out.
    """
    reader = _Reader()
    joined, before = "", Draft([], [])
    for part in parts:
        if isinstance(part, Piece):
            joined = part.value
            continue
        if not part.core and not part.predicates and not reader.targets and part is not parts[-1]:
            before.posts.extend(part.posts)  # "on the table, the red mug"
            continue
        part.posts.extend(before.posts)
        before.posts = []
        reader.add_target(part, joined)
    return tuple(reader.targets) or (NounPhrase(),), reader.ignored


class _Reader:
    """Reads phrases in order and remembers them, for "it" and "the other one"."""

    def __init__(self) -> None:
        self.targets: list[NounPhrase] = []
        self.ignored: list[str] = []
        self.nameless = False  # whether the last target was given by properties only

    def add_target(self, draft: Draft, joined: str) -> None:
        if self.targets and draft.core and draft.core[0].type == "PRON":
            self.ignored.extend(draft.words()[1:])  # "and put it on the table": the same thing, and where to
            return
        target = self.phrase(draft, self.targets[-1].noun if self.targets else "", 0)
        definite = any(piece.type == "DET" and piece.text not in ("a", "an") for piece in draft.core)
        if self.targets and joined == "list" and not draft.posts and not draft.predicates:
            shared = _share(self.targets[-1], target, definite)
            if shared is not None:
                self.targets[-1] = shared
                return
        if self.nameless and joined == "list":  # "the red and the blue book"
            self.targets[-1] = replace(self.targets[-1], noun=target.noun)
        self.targets.append(target)
        self.nameless = bool(draft.core) and not any(piece.is_noun or piece.type == "PRON" for piece in draft.core)

    def phrase(self, draft: Draft, contrast: str, depth: int) -> NounPhrase:
        """A noun phrase; contrast is the noun that "one" would repeat."""
        naming = read_core(draft.core, self.ignored)
        noun = naming.noun or (contrast if naming.one or naming.other else "") or "thing"
        for post in draft.posts:
            self.post(naming, post, noun, depth)
            noun = naming.noun or noun
        for predicate in draft.predicates:
            noun = self.predicate(naming, predicate.core, noun)
            for post in predicate.posts:
                self.post(naming, post, noun, depth)
        return _finish(naming, noun)

    def predicate(self, naming: Naming, core: list[Piece], noun: str) -> str:
        """Words said of a phrase after "is", "that is" or a comma; returns its noun, which they may name."""
        said = read_core(core, self.ignored, predicate=True)
        naming.attributes.extend(said.attributes)
        naming.ordinals.extend(said.ordinals)
        naming.rank = naming.rank or said.rank
        naming.unknown.extend(word for word in said.unknown if word != said.noun)
        if said.noun and noun == "thing":
            naming.noun, naming.plural = said.noun, said.plural
            return said.noun
        if said.noun and said.noun not in (noun, "thing"):
            self.ignored.append(said.noun)
        return noun

    def post(self, naming: Naming, post: Post, noun: str, depth: int) -> None:
        """Whatever follows the noun."""
        piece = post.piece
        if post.type == "POS":
            if naming.rank and piece.value != ("middle",):
                naming.ordinals.append(Ordinal(SIDE_KEYS[piece.value[0]], abs(naming.rank)))
                naming.rank = 0
            else:
                naming.attributes.extend(Attribute("position", side, piece.negated) for side in piece.value)
        elif post.type == "SIDE":
            naming.rank_by(SIDE_KEYS[piece.value])
        elif post.type == "ITS":
            self.beside_it(naming, piece)
        elif post.type == "THAT":
            if post.landmarks:
                self.predicate(naming, post.landmarks[0].core, noun)
        elif not post.landmarks:
            if post.type == "NEAREST":
                naming.rank_by("near" if piece.value == "near" else "far")
            elif piece.value in _PLACE:
                naming.attributes.append(Attribute("position", _PLACE[piece.value], piece.negated))
            else:
                self.ignored.append(piece.text)
        elif depth >= MAX_DEPTH:
            self.ignored.append(piece.text)
            for landmark in post.landmarks:
                self.ignored.extend(landmark.words())
        elif post.type == "OF":
            _part_of(naming, self.phrase(post.landmarks[0], noun, depth + 1))
        elif post.type == "EXCEPT":
            self.exclude(naming, self.phrase(post.landmarks[0], noun, depth + 1))
        elif post.type == "THAN":
            self.compare(naming, post, noun, depth)
        else:
            self.relate(naming, post, noun, depth)

    def beside_it(self, naming: Naming, piece: Piece) -> None:
        """ "next to the book, on its left": left of what was last related to, or of the previous target."""
        if naming.relations:
            landmark = naming.relations[-1].landmarks[0]
        elif self.targets:
            landmark = self.targets[-1]
        else:
            self.ignored.append(piece.text)
            return
        naming.relations.append(Relation(piece.value, (landmark,), piece.negated))

    def exclude(self, naming: Naming, other: NounPhrase) -> None:
        """ "other than the red one": not red."""
        naming.attributes.extend(replace(a, negated=not a.negated) for a in other.attributes)
        naming.relations.extend(replace(r, negated=not r.negated) for r in other.relations)
        if other.ordinals or not (other.attributes or other.relations):
            self.ignored.extend(["other", "than", *(o.key for o in other.ordinals), other.noun])

    def compare(self, naming: Naming, post: Post, noun: str, depth: int) -> None:
        """ "bigger than the mug": a relation; "bigger than the others" the biggest, "than the other one" of two."""
        if not naming.ordinals:
            self.ignored.extend(["than", *post.landmarks[0].words()])
            return
        landmark = self.phrase(post.landmarks[0], noun, depth + 1)
        alike = landmark.other and landmark.noun in (noun, "thing")
        if _all_others(landmark, noun):
            return
        if alike and landmark.count == 1 and not (landmark.attributes or landmark.relations or landmark.ordinals):
            naming.ordinals[-1] = replace(naming.ordinals[-1], among=2)
            return
        more = naming.ordinals.pop()
        naming.relations.append(Relation(_THAN[more.key], (landmark,), more.negated))

    def relate(self, naming: Naming, post: Post, noun: str, depth: int) -> None:
        """A relation to one or more landmarks."""
        landmarks: list[NounPhrase] = []
        rest: list[Post] = []
        for draft in post.landmarks:
            pronoun = draft.core[0].value if draft.core and draft.core[0].type in ("PRON", "VIEWER") else ""
            if not pronoun:
                landmarks.append(self.phrase(draft, noun, depth + 1))
                continue
            rest.extend(draft.posts)  # "nearest to me on the table": the thing is on the table
            if pronoun == "viewer":
                landmarks.append(NounPhrase("viewer"))
            elif depth == 0 and self.targets:
                landmarks.extend(self.targets if pronoun == "them" else self.targets[-1:])
            elif depth == 0:  # deeper, "a cup with a lid on it", it says nothing new
                self.ignored.extend([post.piece.text, draft.core[0].text])
        if post.type == "BETWEEN" and landmarks:
            naming.relations.append(Relation("between", tuple(landmarks[:2]), post.piece.negated))
            landmarks = []
        for landmark in landmarks:
            if post.type == "NEAREST":
                _nearest(naming, post.piece, landmark)
            elif landmark.noun == "viewer" and post.piece.value != "facing":
                self.by_viewer(naming, post.piece)
            elif post.piece.value in _FIRST and not post.piece.negated and _all_others(landmark, noun):
                naming.rank_by(_FIRST[post.piece.value])
            else:
                _relate(naming, post.piece, landmark)
        for further in rest:
            self.post(naming, further, noun, depth + 1)

    def by_viewer(self, naming: Naming, piece: Piece) -> None:
        """ "near me", "to my left": a place in the view."""
        if piece.value in _PLACE_BY_VIEWER:
            naming.attributes.append(Attribute("position", _PLACE_BY_VIEWER[piece.value], piece.negated))
        else:
            self.ignored.extend([piece.text, "viewer"])


def _all_others(landmark: NounPhrase, noun: str) -> bool:
    """Whether a landmark is all that a thing of this noun is compared with: "all the other mugs", "everything"."""
    plain = not (landmark.attributes or landmark.relations or landmark.ordinals)
    return plain and landmark.count == 0 and (landmark.noun == "thing" or (landmark.other and landmark.noun == noun))


def _relate(naming: Naming, piece: Piece, landmark: NounPhrase) -> None:
    predicate, negated = piece.value, piece.negated
    if predicate.startswith("not:"):
        predicate, negated = predicate[4:], not negated
    if predicate.startswith("side:"):
        side = predicate[5:]
        beside = side in ("left", "right", "front") and not piece.text.startswith(("on", "in"))
        if landmark.noun in SURFACES | HOLLOW and not beside:  # "on the left side of the table" is on the table
            naming.attributes.append(Attribute("position", side, negated))
            predicate = "on" if landmark.noun in SURFACES else "inside"
        elif side == "middle":
            predicate = "between" if landmark.count != 1 else "inside"
        else:
            predicate = _SIDE_OF_THING[side]
    lifted: tuple[Relation, ...] = ()
    if predicate in ("on", "inside", "with") and landmark.relations:
        lifted = _said_of_the_guest(landmark) if predicate != "with" else _said_of_the_whole(landmark)
        landmark = replace(landmark, relations=tuple(r for r in landmark.relations if r not in lifted))
        if landmark.noun in _BACKGROUND:
            naming.attributes.extend(a for a in landmark.attributes if a.kind == "position")
            landmark = replace(landmark, attributes=tuple(a for a in landmark.attributes if a.kind != "position"))
    naming.relations.append(Relation(predicate, (landmark,), negated, piece.adjacent))
    naming.relations.extend(lifted)


def _said_of_the_guest(host: NounPhrase) -> tuple[Relation, ...]:
    """Relations that belong to the thing rather than to what it is on, against the rule of the nearest noun.

    There is one floor, so "on the floor next to the bed" places the thing; nor does one tell which table is meant by
    what is small: "on the table next to the mug".
    """
    if host.noun in _BACKGROUND:
        return host.relations
    if kind_of(host.noun) not in _FURNITURE or host.attributes or host.ordinals or host.other or host.count != 1:
        return ()
    return tuple(
        relation
        for relation in host.relations
        if relation.predicate not in ("with", "under", "facing")
        and all(kind_of(landmark.noun) and kind_of(landmark.noun) not in _FURNITURE for landmark in relation.landmarks)
    )


def _said_of_the_whole(part: NounPhrase) -> tuple[Relation, ...]:
    """ "with a red lid next to the bowl": the can, not its lid, is next to the bowl."""
    if kind_of(part.noun) != "part":
        return ()
    return tuple(r for r in part.relations if all(kind_of(mark.noun) != "part" for mark in r.landmarks))


def _nearest(naming: Naming, piece: Piece, landmark: NounPhrase) -> None:
    """ "closest to you" is an ordinal; "closest to the door" a relation that must hold the most."""
    key = "near" if piece.value == "near" else "far"
    naming.ordinals = [ordinal for ordinal in naming.ordinals if ordinal.key != key]
    if landmark.noun == "viewer" or (landmark.noun in VIEWER_NOUNS and not landmark.attributes):
        naming.rank_by(key)
        naming.ordinals[-1] = replace(naming.ordinals[-1], negated=piece.negated)
        naming.relations.extend(landmark.relations)  # "closest to the camera on the table"
    else:
        naming.relations.append(Relation(piece.value, (landmark,), piece.negated, extreme=True))


def _part_of(naming: Naming, inner: NounPhrase) -> None:
    """ "the left one of the two boxes", "roll of tape", "lid of the box", "bottle of water"."""
    partitive = naming.noun in _PARTITIVES
    side = next((a for a in naming.attributes if a.kind == "position" and a.value in _SIDE_OF_THING), None)
    if side is not None and not naming.noun and not naming.one and inner.count == 1:  # "the left of the table"
        naming.attributes.remove(side)
        naming.relations.append(Relation(_SIDE_OF_THING[side.value], (inner,), side.negated))
        return
    if naming.noun in ("", "thing") or partitive:
        if inner.count != 1:
            sides = [a for a in naming.attributes if a.kind == "position"]
            naming.attributes = [a for a in naming.attributes if a.kind != "position"]
            naming.ordinals.extend(Ordinal(SIDE_KEYS[a.value]) for a in sides)
        among = inner.count if inner.count > 1 else None
        naming.ordinals = [*(replace(ordinal, among=among) for ordinal in naming.ordinals), *inner.ordinals]
        naming.noun, naming.plural, naming.one = inner.noun, False, False
        naming.attributes.extend(inner.attributes)
        naming.relations.extend(inner.relations)
        naming.unknown.extend(inner.unknown)
        naming.other |= inner.other
        if naming.count is None or (naming.count == 0 and inner.count > 1 and not naming.ordinals):
            naming.count = 1 if naming.count is None else inner.count
    elif kind_of(naming.noun) == "part":
        naming.relations.append(Relation("on", (inner,)))
    else:
        naming.unknown.extend((*(a.value for a in inner.attributes), *inner.unknown))
        if inner.noun not in inner.unknown:
            naming.unknown.append(inner.noun)


def _share(target: NounPhrase, second: NounPhrase, definite: bool) -> NounPhrase | None:
    """The target with a second landmark ("next to the lamp and the book"), or None if the second is a new thing."""
    if not target.relations:
        return None
    last = target.relations[-1]
    deeper = _share(last.landmarks[-1], second, definite) if last.landmarks[-1].relations else None
    if deeper is not None:
        changed = (*target.relations[:-1], replace(last, landmarks=(*last.landmarks[:-1], deeper)))
    elif last.landmarks[-1].relations or last.predicate not in _SHARED or (last.predicate == "with" and definite):
        return None
    else:
        changed = (*target.relations, replace(last, landmarks=(second,)))
    return replace(target, relations=changed)


def _finish(naming: Naming, noun: str) -> NounPhrase:
    if naming.rank:
        if naming.ordinals:
            naming.ordinals[0] = replace(naming.ordinals[0], rank=abs(naming.rank))
        else:
            naming.ordinals.append(ranked("left", naming.rank))
    count = naming.count if naming.count is not None else 0 if naming.plural else 1
    if noun in PLURAL_ONLY and count == 2:
        count = 1  # a pair of scissors
    return NounPhrase(
        noun,
        tuple(dict.fromkeys(naming.attributes)),
        tuple(dict.fromkeys(naming.ordinals)),
        tuple(naming.relations),
        count,
        naming.other,
        tuple(dict.fromkeys(naming.unknown)),
    )

"""The printed form names every part of the structure."""

from __future__ import annotations

import pytest

from spatial_llava_ros.language import describe
from spatial_llava_ros.language.expression import (
    ORDINAL_KEYS,
    PREDICATES,
    Attribute,
    NounPhrase,
    Ordinal,
    ReferringExpression,
    Relation,
)

MUG = NounPhrase("mug")


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        (MUG, "mug"),
        (NounPhrase("knife", count=0), "all knives"),
        (NounPhrase("box", count=3, other=True), "other 3 boxes"),
        (NounPhrase("mug", (Attribute("color", "red"), Attribute("size", "big", negated=True))), "mug, red, not big"),
        (NounPhrase("mug", (Attribute("position", "left"),)), "mug, on the left"),
        (NounPhrase("mug", (Attribute("position", "back"),)), "mug, in the back"),
        (NounPhrase("mug", ordinals=(Ordinal("left", 2),)), "mug, second from the left"),
        (NounPhrase("mug", ordinals=(Ordinal("big", 1, 2),)), "mug, biggest of 2"),
        (NounPhrase("mug", relations=(Relation("between", (MUG, NounPhrase("box"))),)), "mug, between (mug and box)"),
        (NounPhrase("mug", relations=(Relation("near", (MUG,), extreme=True),)), "mug, nearest to (mug)"),
        (NounPhrase("mug", relations=(Relation("on", (MUG,), True, True),)), "mug, not directly on (mug)"),
        (NounPhrase("box", unknown=("cereal",)), 'box, "cereal"'),
        (NounPhrase("gizmo", unknown=("gizmo",)), "gizmo"),
    ],
)
def test_phrases(phrase, text):
    assert describe(phrase) == text
    assert describe(ReferringExpression("said", (phrase, MUG))) == f"{text} and mug"


def test_every_predicate_and_ordinal_has_its_own_words():
    relations = {describe(NounPhrase("mug", relations=(Relation(p, (MUG,)),))) for p in PREDICATES}
    ordinals = {
        describe(NounPhrase("mug", ordinals=(Ordinal(key, rank),))) for key in ORDINAL_KEYS for rank in (1, 2, 14)
    }
    assert len(relations) == len(PREDICATES)
    assert len(ordinals) == 3 * len(ORDINAL_KEYS)
    assert not any("_" in text for text in relations | ordinals)

"""Plain phrases are worked out again here from the plain truth, for those of a form that this test knows."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pytest

from spatial_llava_ros.sim import SimFrame, TrueObject, plain_expressions
from spatial_llava_ros.sim.colors import SHADES
from spatial_llava_ros.sim.plain_speech import MIN_PIXELS
from spatial_llava_ros.sim.words import NOUNS, PLAIN_NOUNS, WALL_THINGS

from .conftest import perfect_shot
from .test_expressions import holds

LAYOUTS = ("desk", "crowd")
_NOUN = "|".join(PLAIN_NOUNS)
_SIMPLE = rf"(?:(?:big|small|tall) )?(?:(?P<color>{'|'.join(SHADES)}) )?(?P<noun>{_NOUN})"
_RANKED = re.compile(
    rf"the (?P<rank>leftmost|rightmost|nearest|closest|highest) (?P<rest>{_SIMPLE}(?: on the table)?)$"
)
_RELATED = re.compile(
    r"the (?P<one>[a-z ]+?) (?P<relation>(?:(?:to |on )?the )?(?:left|right) of|behind|in front of|on top of|on) "
    r"the (?P<other>(?!table$)[a-z ]+)$"
)


def named(shot: SimFrame, phrase: str) -> list[TrueObject] | None:
    """What answers to "[size] [colour] noun [on the table]"; None for another form."""
    match = re.match(rf"{_SIMPLE}(?: on the table)?$", phrase)
    if match is None:
        return None
    noun, color = match["noun"], match["color"]
    kinds = NOUNS[noun][0] if noun in NOUNS else {o.category for o in shot.objects} - WALL_THINGS
    raised = phrase.endswith("on the table")
    return [o for o in shot.objects if o.category in kinds and color in (None, o.color)
            and not (raised and o.position[2] - o.size[2] / 2 < 0.3)]  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_answer_holds_when_worked_out_again(layout: str) -> None:
    known = Counter()
    for seed in range(4):
        shot = perfect_shot(layout, seed)
        eye = shot.frame.world_from_camera[:3, 3]
        for e in plain_expressions(shot, seed, 22):
            text = re.sub(r"^.*?\b(?=the )", "", e.text, count=1)
            targets = [shot.object(k) for k in e.targets]
            if (among := named(shot, text.removeprefix("the "))) is not None and "big" not in text.split():
                if not re.match(r"the (small|tall)", text):
                    assert [o.id for o in among] == [o.id for o in targets], e
                    known[e.kind] += 1
            elif match := _RANKED.match(text):
                among = named(shot, match["rest"])
                key = {
                    "leftmost": lambda o: o.box_visible[0] + o.box_visible[2],
                    "rightmost": lambda o: -o.box_visible[0] - o.box_visible[2],
                    "highest": lambda o: -o.position[2] - o.size[2] / 2,
                }.get(match["rank"], lambda o, eye=eye: np.linalg.norm(o.position - eye))
                assert min(among, key=key) is targets[0], e
                known["ranked"] += 1
            elif (match := _RELATED.match(text)) and targets:
                landmarks = named(shot, match["other"])
                if landmarks is not None and "other" not in match["other"]:
                    assert len(landmarks) == 1, e
                    assert holds(match["relation"], targets[0], landmarks[0], eye), e
                    known["related"] += 1
    assert min(known[k] for k in ("attribute", "absent", "ambiguous", "ranked", "related")) >= 2, known


@pytest.mark.parametrize("layout", LAYOUTS)
def test_targets_can_be_seen_and_kinds_are_in_proportion(layout: str) -> None:
    kinds = Counter()
    for seed in range(4):
        shot = perfect_shot(layout, seed)
        for e in plain_expressions(shot, seed, 11):
            kinds[e.kind] += 1
            assert e.plain
            expected = {"absent": (0, 0), "ambiguous": (2, 6)}.get(e.kind, (1, 1))
            assert expected[0] <= len(e.targets) <= expected[1]
            for target in (shot.object(k) for k in e.targets):
                assert target.visible_fraction >= 0.4
                assert target.pixels >= MIN_PIXELS
    for kind in ("attribute", "relation", "ordinal"):
        assert kinds[kind] > 1.2 * max(kinds["absent"], kinds["ambiguous"]), kinds


def test_same_seed_same_sentences_other_seed_others() -> None:
    shot = perfect_shot("crowd", 1)
    assert plain_expressions(shot, 3, 15) == plain_expressions(shot, 3, 15)
    assert plain_expressions(shot, 3, 15) != plain_expressions(shot, 4, 15)
    assert plain_expressions(shot, 0, 0) == []

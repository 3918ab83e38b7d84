"""Every answer is worked out a second time here, from the plain truth, for all sentences of a known form."""

from __future__ import annotations

import re

import numpy as np
import pytest

from spatial_llava_ros.sim import LAYOUTS, SimFrame, TrueObject, generate_expressions
from spatial_llava_ros.sim.colors import SHADES
from spatial_llava_ros.sim.expressions import KINDS, MIN_VISIBLE, SimExpression
from spatial_llava_ros.sim.words import NOUNS, PLAIN_NOUNS, RARER_NOUNS, WALL_THINGS

from .conftest import perfect_shot

_ALL_NOUNS = NOUNS | RARER_NOUNS
_NOUN = "|".join(sorted((*_ALL_NOUNS, "thing", "object", "item"), key=len, reverse=True))
_COLOR = "|".join(SHADES)
_SIMPLE = re.compile(rf"the (?:(?P<color>{_COLOR}) )?(?P<noun>{_NOUN})$")
_PHRASE = rf"(?:(?:{_COLOR}) )?(?:{_NOUN})"
_SIDE = r"(?:(?:to |on )?the )?(?:left|right) of"
_RELATED = re.compile(
    rf"the {_PHRASE} (?P<relation>{_SIDE}|behind|in front of|on top of|on) (?P<landmark>the {_PHRASE})$"
)
_RANKS = "leftmost|rightmost|nearest|closest|tallest|biggest|largest|smallest"
_RANKED = re.compile(rf"the (?P<rank>{_RANKS}) (?P<rest>{_PHRASE})$")


def bare(text: str) -> str:
    """Without the command around it."""
    return re.sub(r"^.*?\b(?=the )", "", text.rstrip("?"), count=1)


def fits(o: TrueObject, phrase: str) -> bool | None:
    """Whether an object answers to "the [colour] noun"; None when the phrase has another form."""
    match = _SIMPLE.match(phrase)
    if match is None:
        return None
    noun, color = match["noun"], match["color"]
    named = o.category in _ALL_NOUNS[noun][0] if noun in _ALL_NOUNS else o.category not in WALL_THINGS
    return named and color in (None, o.color)


def named(shot: SimFrame, phrase: str) -> list[TrueObject] | None:
    answers = [fits(o, phrase) for o in shot.objects]
    return None if None in answers else [o for o, yes in zip(shot.objects, answers, strict=True) if yes]


def recheck(shot: SimFrame, expression: SimExpression) -> bool | None:
    """Whether the target is right, by rules of this test; None for a form that it does not know."""
    text = bare(expression.text)
    targets = [shot.object(k) for k in expression.targets]
    eye = shot.frame.world_from_camera[:3, 3]
    plain = named(shot, text)
    if plain is not None:
        return [o.id for o in plain] == [o.id for o in targets]
    if match := _RANKED.match(text):
        among = named(shot, f"the {match['rest']}")
        keys = {
            "leftmost": lambda o: o.box_visible[0] + o.box_visible[2],
            "rightmost": lambda o: -o.box_visible[0] - o.box_visible[2],
            "nearest": lambda o: np.linalg.norm(o.position - eye),
            "closest": lambda o: np.linalg.norm(o.position - eye),
            "tallest": lambda o: -o.size[2],
            "biggest": lambda o: -np.prod(o.size),
            "largest": lambda o: -np.prod(o.size),
            "smallest": lambda o: np.prod(o.size),
        }
        return among is not None and min(among, key=keys[match["rank"]]) is targets[0]
    if (match := _RELATED.match(text)) and targets:
        landmarks = named(shot, match["landmark"])
        if landmarks is None or len(landmarks) != 1:
            return False
        return holds(match["relation"], targets[0], landmarks[0], eye)
    return None


def holds(relation: str, a: TrueObject, b: TrueObject, eye: np.ndarray) -> bool:
    if "left" in relation or "right" in relation:
        shift = (a.box_visible[0] + a.box_visible[2]) - (b.box_visible[0] + b.box_visible[2])
        return shift < 0 if "left" in relation else shift > 0
    if relation in ("behind", "in front of"):
        ahead = np.linalg.norm(a.position - eye) - np.linalg.norm(b.position - eye)
        return ahead > 0 if relation == "behind" else ahead < 0
    bottom, top = a.position[2] - a.size[2] / 2, b.position[2] + b.size[2] / 2
    return abs(bottom - top) < 0.03


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_answer_holds_when_worked_out_again(layout: str) -> None:
    known = total = 0
    for seed in range(3):
        shot = perfect_shot(layout, seed)
        for expression in generate_expressions(shot, seed, 40):
            verdict = recheck(shot, expression)
            assert verdict is not False, f"{layout} {seed}: {expression}"
            known += verdict is not None
            total += 1
    assert known > 0.4 * total > 20


def test_kinds_targets_and_plainness(shot: SimFrame) -> None:
    expressions = generate_expressions(shot, 0, 40)
    assert len({e.text for e in expressions}) == len(expressions) >= 12
    expected = {"attribute": 1, "relation": 1, "ordinal": 1, "absent": 0}
    for e in expressions:
        assert e.kind in KINDS
        assert len(e.targets) == expected[e.kind] if e.kind in expected else len(e.targets) >= 2
        assert all(shot.object(k).visible_fraction >= MIN_VISIBLE for k in e.targets)
        special = [n for n in _ALL_NOUNS if n not in PLAIN_NOUNS and re.search(rf"\b{n}\b", e.text)]
        assert e.plain == (not special), f"{e.text}: {special}"


def test_same_seed_same_sentences_other_seed_others() -> None:
    shot = perfect_shot("tabletop", 1)
    assert generate_expressions(shot, 3, 15) == generate_expressions(shot, 3, 15)
    assert generate_expressions(shot, 3, 15) != generate_expressions(shot, 4, 15)


def test_all_kinds_are_said_over_a_few_scenes() -> None:
    said = [e for s in range(3) for e in generate_expressions(perfect_shot("tabletop", s), s, 32)]
    assert {e.kind for e in said} == set(KINDS)
    assert 0.3 < np.mean([e.plain for e in said]) < 1


def test_nothing_to_speak_of() -> None:
    shot = perfect_shot("tabletop", 1)
    empty = SimFrame(shot.frame, np.zeros_like(shot.instance), ())
    assert generate_expressions(empty, 0, 10) == []
    assert generate_expressions(shot, 0, 0) == []

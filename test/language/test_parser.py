"""What phrases mean, stated as what the structure prints back (test_describe.py holds the notation to the types)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial_llava_ros.errors import ExpressionError
from spatial_llava_ros.language import describe, parse
from spatial_llava_ros.language.expression import PREDICATES, Attribute, NounPhrase, Ordinal, Relation
from spatial_llava_ros.language.lexicon import tables
from spatial_llava_ros.language.parser import MAX_LENGTH

CASES = """
properties
    the red mug = mug, red
    a gray mug = mug, grey
    the big, red box = box, big, red
    the black and white cup = cup, black, white
    the light blue mug = mug, light blue
    the navy box = box, navy
    the silvery kettle = kettle, silver
    the huge wooden table = table, big, wooden
    the tiny green box-shaped thing = thing, small, green, rectangular
    the ball-shaped object = thing, spherical
    the round flat plate = plate, round, flat
    the low brown thing = thing, short, brown
    the metal bowl = bowl, metal
    the cardboard box = box, cardboard
    the empty bottle = bottle, empty
    the striped cushion = cushion, striped
    the mug is red = mug, red
    the box which is big and red = box, big, red
    the yellow bottle lying on its side = bottle, yellow, lying
    the cylinder standing upright on the box = cylinder, upright, on (box)
nouns
    the couch = sofa
    the couches = all sofas
    the knives = all knives
    the trash can = bin
    the cell phone = phone
    the remote control = remote
    the coffee mug = mug, "coffee"
    the coke can = can, "coke"
    the cereal box = box, "cereal"
    the plant pot = plant pot
    the chest of drawers = dresser
    the pair of scissors = scissors
    a roll of tape = tape
    a bottle of water = bottle, "water"
    the toilet paper = paper, "toilet"
    the glass = glass
    the glass table = table, glass
    the orange = orange
    the orange mug = mug, orange
    the orange next to the orange mug = orange, next to (mug, orange)
    the light = lamp
    the thing = thing
    red = thing, red
    it = thing
superlatives
    the leftmost mug = mug, leftmost
    the left-most mug = mug, leftmost
    the nearest box = box, nearest
    the book closest to you = book, nearest
    the object closest to the camera = thing, nearest
    the mug nearest to me on the table = mug, nearest, on (table)
    the cup that is farther away from the camera = cup, farthest
    the tallest green thing = thing, green, tallest
    the shorter bottle = bottle, shortest
    the bigger of the two boxes = box, biggest of 2
    the smaller one of the two pictures = picture, smallest of 2
    the leftmost of the three red objects = thing, red, leftmost of 3
    the left one of the two = thing, leftmost of 2
    the left of the two boxes = box, leftmost of 2
    the box farthest to the right = box, rightmost
    the lamp on the far left = lamp, leftmost
    the highest object in the pile = thing, highest
    the topmost book = book, highest
    the middle one = thing, the middle one
    the far chair = chair, farthest
    the chair closest to the door = chair, nearest to (door)
    the nearest chair to the door = chair, nearest to (door)
    the chair nearest the door = chair, nearest to (door)
    the book farthest from the laptop = book, farthest from (laptop)
ranks
    the second mug from the left = mug, second from the left
    second from the left = thing, second from the left
    the 3rd object from the right = thing, third from the right
    the second flat thing from the left on the wall = thing, flat, second from the left, on (wall)
    the second tallest box = box, second tallest
    the second closest chair = chair, second nearest
    the second chair closest to me = chair, second nearest
    the last one on the right = thing, rightmost
    the second box on the left = box, second from the left
    the second shelf from the top = shelf, second from the top
    the first book = book, leftmost
places
    the can on the right = can, on the right
    the right mug = mug, on the right
    the big box in the middle = box, big, in the middle
    the lamp in the back = lamp, in the back
    the cup in the background = cup, in the back
    the mug at the top left = mug, on the top, on the left
    the mug on the left side of the image = mug, on the left
    the mug to my left = mug, on the left
    the one behind = thing, in the back
    the mug on the left side of the table = mug, on the left, on (table)
    the thing at the back of the shelf = thing, in the back, on (shelf)
relations
    the mug left of the laptop = mug, left of (laptop)
    the mug to the left of the laptop = mug, left of (laptop)
    the mug on the left of the laptop = mug, left of (laptop)
    the mug on the left side of the laptop = mug, left of (laptop)
    the book just to the left of the blue box = book, directly left of (box, blue)
    the thing right behind the red can = thing, directly behind (can, red)
    the thing immediately right of the can = thing, directly right of (can)
    the box in front of the chair = box, in front of (chair)
    the can on top of the round thing = can, on (thing, round)
    the tin underneath the can = tin, under (can)
    the picture above the bed = picture, above (bed)
    the box below the shelf = box, below (shelf)
    the apple in the bowl = apple, inside (bowl)
    the apple inside of the bowl = apple, inside (bowl)
    the mug beside the bowl = mug, next to (bowl)
    the mug adjacent to the bowl = mug, next to (bowl)
    the chair by the window = chair, next to (window)
    the mug close to the bowl = mug, near (bowl)
    the mug far from the bowl = mug, far from (bowl)
    the pen at the edge of the table = pen, at the edge of (table)
    the pen on the corner of the table = pen, at the edge of (table)
    the chair facing the window = chair, facing (window)
    the cup between the plate and the bowl = cup, between (plate and bowl)
    the box between the two books = box, between (2 books)
    the box in the middle of the two books = box, between (2 books)
    the mug with a handle = mug, with (handle)
    the can with the red lid on it = can, with (lid, red)
    the lid of the box = lid, on (box)
    the thing right next to the red book, on its left = thing, directly next to (book, red), left of (book, red)
    the mug lying on the table = mug, on (table)
    the canister standing on the box = canister, on (box)
    the mug next to the lamp and the book = mug, next to (lamp), next to (book)
attachment
    the mug on the book left of the laptop = mug, on (book, left of (laptop))
    the mug on the book and left of the laptop = mug, on (book), left of (laptop)
    the red mug on the book, left of the laptop = mug, red, on (book), left of (laptop)
    the mug that is on the book and left of the laptop = mug, on (book), left of (laptop)
    the mug on the book is red = mug, red, on (book)
    the thing on the small table next to the nearest sofa = thing, on (table, small, next to (sofa, nearest))
    the can on the box behind the bottle next to the lamp = can, on (box, behind (bottle, next to (lamp)))
    the can in front of the big box on the right = can, in front of (box, big, on the right)
    the flat thing on the wall above the small table = thing, flat, on (wall), above (table, small)
    the mug on the table next to the laptop = mug, on (table), next to (laptop)
    on the table, the red mug = mug, red, on (table)
    left of the laptop = thing, left of (laptop)
    the box, the big one = box, big
    the can with the red lid next to the bowl = can, with (lid, red), next to (bowl)
    go to the left of the table = thing, left of (table)
negation
    the mug that is not red = mug, not red
    the mug that isn't on the table = mug, not on (table)
    the non-red mug = mug, not red
    the mug not next to the laptop = mug, not next to (laptop)
    the cup without a handle = cup, not with (handle)
    the mug with no handle = mug, not with (handle)
    the box other than the red one = box, not red
    any box except the red one = box, not red
    the can that's not red or blue = can, not red, not blue
number
    both cups = 2 cups
    the two mugs = 2 mugs
    3 boxes = 3 boxes
    all books = all books
    all of the books on the shelf = all books, on (shelf)
    every red book = all books, red
    one of the mugs = mug
    two of the three mugs = 2 mugs
    one mug = mug
    the pair of blue slippers = 2 slippers, blue
contrast
    the cup behind the other cup = cup, behind (other cup)
    the big box behind the other one = box, big, behind (other box)
    the red box in front of the yellow one = box, red, in front of (box, yellow)
    the thing between the tall black one and the big one = thing, between (thing, tall, black and thing, big)
    the thing in front of all the other objects = thing, nearest
    the red mug left of all the others = mug, red, leftmost
    the book behind everything else = book, farthest
    the thing on top of everything = thing, highest
    the mug not left of the others = mug, not left of (other all mugs)
    the mug left of all the other books = mug, left of (other all books)
    everything on the table = all things, on (table)
    the box bigger than the mug = box, bigger than (mug)
    the box that is taller than the red can = box, taller than (can, red)
    the box that is not bigger than the mug = box, not bigger than (mug)
    the can closer to you than the bowl = can, in front of (bowl)
    the mug which is not farther away than the can = mug, not behind (can)
    the mug smaller than all the others = mug, smallest
    the mug smaller than the other one = mug, smallest of 2
    the mug that is not the biggest = mug, not biggest
    the box that is not the leftmost = box, not leftmost
    the cup that is not the middle one = cup, not the middle one
    the thing that is not closest to you = thing, not nearest
    the rest = other all things
    the other two boxes = other 2 boxes
several things
    the mug and the book next to it = mug and book, next to (mug)
    the mug and the cup and the book between them = mug and cup and book, between (mug and cup)
    the red mug and the blue one = mug, red and mug, blue
    the red box, the blue one and the green one = box, red and box, blue and box, green
    the mug, the book and the lamp = mug and book and lamp
    the mug on the table and the book = mug, on (table) and book
    the red and the blue book = book, red and book, blue
    both the mug and the bowl = mug and bowl
    go to the table and pick up the red mug = table and mug, red
    find the mug and bring it to me = mug
commands
    go to the chair = chair
    drive to the green chair = chair, green
    could you please find the red mug for me = mug, red
    hand me the red box now = box, red
    show me where the laptop is = laptop
    where is the laptop? = laptop
    is there a red mug on the table? = mug, red, on (table)
    which cup is closest to me? = cup, nearest
    what is on the table = thing, on (table)
    can you see the can on the table = can, on (table)
    I want the red apple! = apple, red
    look for the keys = all keys
    the clean mug, thank you = mug, clean
writing
    THE RED MUG!!! = mug, red
    "the red mug" = mug, red
    teh yelow botle = bottle, yellow
    the laptp on the tabel = laptop, on (table)
    the leftmots mug = mug, leftmost
    the mug behnd the keybaord = mug, behind (keyboard)
"""


def _cases() -> list[tuple[str, str]]:
    lines = (line.strip() for line in CASES.splitlines() if " = " in line)
    return [tuple(line.split(" = ")) for line in lines]


@pytest.mark.parametrize(("text", "meaning"), _cases(), ids=lambda value: value)
def test_meaning(text, meaning):
    assert describe(parse(text)) == meaning


def test_every_part_is_typed():
    target = parse("the second big red mug from the left right behind the two wooden gizmo boxes").targets[0]
    boxes = NounPhrase("box", (Attribute("material", "wooden"),), count=2, unknown=("gizmo",))
    assert target == NounPhrase(
        "mug",
        (Attribute("size", "big"), Attribute("color", "red")),
        (Ordinal("left", 2),),
        (Relation("behind", (boxes,), adjacent=True),),
    )


def test_other_one_repeats_the_noun_but_not_the_properties():
    landmark = parse("the big box behind the other one").targets[0].relations[0].landmarks[0]
    assert landmark == NounPhrase("box", other=True)


def test_closest_to_a_thing_is_a_relation_that_must_hold_most():
    assert parse("the chair closest to the door").targets[0].relations == (
        Relation("near", (NounPhrase("door"),), extreme=True),
    )


def test_unknown_words_are_kept():
    gizmo = parse("the red frobnic gizmo left of the laptop").targets[0]
    assert (gizmo.noun, gizmo.unknown) == ("gizmo", ("frobnic", "gizmo"))
    assert parse("the gizmos").targets[0] == NounPhrase("gizmo", count=0, unknown=("gizmo",))
    assert parse("красная кружка").targets[0].unknown == ("красная", "кружка")


def test_what_is_left_out_is_said():
    assert parse("the mug in the picture").ignored == ("in the picture",)
    assert "laptop" in parse("the mug more than the laptop").ignored
    assert parse("the red or blue mug").ignored == ("or", "blue")
    assert parse("could you please bring me the red mug, thanks").ignored == ()


def test_corrections_are_said_and_known_words_are_left_alone():
    assert parse("the yelow botle").corrections == (("yelow", "yellow"), ("botle", "bottle"))
    for text in ("the boot", "the clamp on the lamp", "the store", "the house", "the mat on the bat"):
        assert parse(text).corrections == ()


@pytest.mark.parametrize("text", ["", "   \n", "\x00\x07", "\u200b", None, 7, b"mug", "mug " * MAX_LENGTH])
def test_what_is_no_expression(text):
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert "\n" not in str(caught.value)


words = st.sampled_from(sorted({word for phrase in tables()[0] for word in phrase}))
fixed_phrases = st.sampled_from(sorted(" ".join(phrase) for phrase in tables()[0]))
noise = st.one_of(
    st.text(max_size=200),
    st.lists(fixed_phrases, max_size=20).map(" ".join),
    st.lists(words, max_size=40).map(" ".join),
    st.lists(st.one_of(words, st.text(max_size=8)), max_size=20).map(" ".join),
)


@settings(max_examples=200, deadline=None)
@given(noise)
def test_any_text_parses_or_is_refused(text):
    try:
        expression = parse(text)
    except ExpressionError:
        return
    assert describe(expression) and "\n" not in describe(expression)
    assert parse(text) == expression
    assert all(isinstance(hash(target), int) for target in expression.targets)


@pytest.mark.parametrize(
    "unit", ["on a ", "of ", "the mug on ", "and ", "near me ", "a and b ", "not ", "roll of ", ", "]
)
def test_repetition_neither_breaks_nor_nests_without_end(unit):
    expression = parse((unit * MAX_LENGTH)[:MAX_LENGTH])
    assert expression.targets and describe(expression)
    assert _depth(expression.targets[0]) < 10


def _depth(phrase: NounPhrase) -> int:
    return 1 + max((_depth(mark) for relation in phrase.relations for mark in relation.landmarks), default=0)


# Phrases made from structures: what is said must come back.

_SAID = {
    "left_of": ("left of", "to the left of", "on the left of"),
    "right_of": ("right of", "to the right of", "on the right side of"),
    "in_front_of": ("in front of",),
    "behind": ("behind", "in back of"),
    "on": ("on", "on top of", "lying on", "that is on", "which is standing on"),
    "under": ("under", "underneath", "beneath"),
    "above": ("above", "over"),
    "below": ("below",),
    "inside": ("in", "inside", "within"),
    "next_to": ("next to", "beside", "adjacent to", "sitting next to"),
    "near": ("near", "close to"),
    "far_from": ("far from", "far away from"),
    "at_edge_of": ("at the edge of",),
    "facing": ("facing",),
}
_SUPERLATIVES = {"left": "leftmost", "right": "rightmost", "near": "closest", "big": "largest", "tall": "tallest"}
_PROPERTIES = [
    ("big", Attribute("size", "big")),
    ("tiny", Attribute("size", "small")),
    ("round", Attribute("shape", "round")),
    ("red", Attribute("color", "red")),
    ("dark green", Attribute("color", "dark green")),
    ("non-yellow", Attribute("color", "yellow", negated=True)),
    ("wooden", Attribute("material", "wooden")),
]


@st.composite
def phrases(draw, depth: int = 0):
    """(text, structure) of a noun phrase; relations nest up to three deep."""
    noun = draw(st.sampled_from(["mug", "box", "bottle", "teddy bear", "gizmo", "thing"]))
    properties = draw(st.lists(st.sampled_from(_PROPERTIES), max_size=2, unique_by=lambda p: p[1].kind))
    key = draw(st.sampled_from([None, None, *_SUPERLATIVES]))
    rank = draw(st.sampled_from([1, 1, 2, 3])) if key else 1
    texts = ["the"]
    if key:
        texts += [{1: "", 2: "second", 3: "third"}[rank], _SUPERLATIVES[key]]
    texts += [*(text for text, _ in properties), noun]
    relations = []
    if depth < 3 and draw(st.booleans()):
        predicate = draw(st.sampled_from(sorted(_SAID)))
        said = draw(st.sampled_from(_SAID[predicate]))
        adjacent = said.split()[0] not in ("lying", "sitting", "that", "which") and draw(st.booleans())
        inner_text, inner = draw(phrases(depth=depth + 1))
        texts += ["directly" if adjacent else "", said, inner_text]
        relations.append(Relation(predicate, (inner,), adjacent=adjacent))
    phrase = NounPhrase(
        noun,
        tuple(attribute for _, attribute in properties),
        (Ordinal(key, rank),) if key else (),
        tuple(relations),
        unknown=("gizmo",) if noun == "gizmo" else (),
    )
    return " ".join(text for text in texts if text), phrase


@settings(max_examples=200, deadline=None)
@given(
    phrases(),
    st.sampled_from(["", "go to ", "please find ", "Could you bring me "]),
    st.sampled_from(["", ".", " please"]),
)
def test_what_is_said_comes_back(said, before, after):
    text, phrase = said
    expression = parse(before + text + after)
    assert expression.targets == (phrase,)
    assert expression.ignored == () and expression.corrections == ()


def test_every_predicate_can_be_said():
    compared = {predicate for predicate in PREDICATES if predicate.endswith("er_than")}  # with a word of their own
    assert set(_SAID) | {"between", "with"} | compared == set(PREDICATES)
    assert {
        parse(f"the box {p.replace('_', ' ')} the mug").targets[0].relations[0].predicate for p in compared
    } == compared

"""Every word and fixed phrase with its role in a sentence: the terminals of grammar.lark and what each carries.

Values of the terminal WORD, which fills noun phrases, are tuples that begin with what it is: noun (canonical, plural),
attribute (kind, value), shade (dark, light, bright), superlative (ordinal key), rank (n; -1 is the last), count (n;
0 is all), one (plural), other, all (of the others) and, made by the lexer, unknown (word).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from typing import Any

from spatial_llava_ros.language import phrases
from spatial_llava_ros.language.vocabulary import ATTRIBUTES, NOUNS, PLURAL_ONLY, SHADE_MODIFIERS

Entries = dict[tuple[str, ...], tuple[str, Any]]


def _parts(pattern: str) -> Iterator[list[str]]:
    """The choices at each place of a pattern."""
    rest = pattern.strip()
    while rest:
        if rest[0] in "([":
            inner, _, after = rest[1:].partition(")" if rest[0] == "(" else "]")
            yield inner.split("|") + ([""] if rest[0] == "[" else [])
        else:
            end = min((at for c in "([" if (at := rest.find(c)) >= 0), default=len(rest))
            inner, after = rest[:end], rest[end:]
            yield [inner]
        rest = after.strip()


def expand(pattern: str) -> Iterator[tuple[str, ...]]:
    """Every word sequence that a pattern of phrases.py stands for."""
    for choice in product(*_parts(pattern)):
        yield tuple(" ".join(choice).split())


def _words() -> Entries:
    """What can stand inside a noun phrase."""
    entries: Entries = {}

    def add(value: tuple[Any, ...], *patterns: str) -> None:
        for pattern in patterns:
            entries.update((words, ("WORD", value)) for words in expand(pattern))

    for word, (noun, plural) in NOUNS.items():
        add(("noun", noun, plural and word not in PLURAL_ONLY), word)
    for word, (kind, value) in ATTRIBUTES.items():
        add(("attribute", kind, value), word)
    for word, modifier in SHADE_MODIFIERS.items():
        add(("shade", modifier), word)
    add(
        ("attribute", "state", "lying"),
        "[lying|laying|lies|laid] on its (side|back)",
        "(lying|laying|lies|laid) (flat|down)",
    )
    add(("attribute", "state", "upright"), "(standing|stands|sitting) (upright|up)", "on end")
    add(("attribute", "state", "upside down"), "[turned] upside down")

    for key, patterns in phrases.SUPERLATIVES.items():
        add(("superlative", key), *patterns)
    for side, key in phrases.SIDE_KEYS.items():
        if side != "middle":
            extreme = "(farthest|furthest|most|farther|further|all the way|closest|nearest)"
            add(("superlative", key), f"{extreme} [to|on|at|in|towards] [the|your|my] {phrases.SIDES[side]} [side]")
    for key in ("left", "right"):
        add(("superlative", key), f"(on|to|at) the (far|very|extreme) {key} [side|end]", f"(far|very|extreme) {key}")
    add(
        ("superlative", "far"),
        "(farthest|furthest|farther|further) (away|back|off)",
        "at the far end",
        "in the far back",
    )
    add(("superlative", "near"), "(closest|nearest) by")

    for number, (cardinal, rank) in enumerate(zip(phrases.NUMBERS, phrases.RANKS, strict=True), start=1):
        if number > 1:
            add(("count", number), cardinal, str(number))
        suffix = {1: "st", 2: "nd", 3: "rd"}.get(number, "th")
        add(("rank", number), rank, f"{number}{suffix}")
        add(("rank", -number), f"{rank} to last", f"{rank} last")
    add(("rank", -1), "[very] last", "final")
    add(("count", 2), "both [of]", "[a] couple [of]", "[a] (pair|pairs) of")
    add(("count", 0), "(all|each|every|every one) [of]", "every single", "(several|many|few|various)")
    add(("other",), "(other|another|different|remaining)")
    add(("all", "thing", False), "everything")
    add(("all", "thing", True), "(everything|anything|all) else")
    add(("all", "", True), "others", "[all] the rest", "all of the rest")
    add(("one", False), "one")
    add(("one", True), "ones")
    return entries


def _links() -> Entries:
    """What stands between noun phrases and around them."""
    entries: Entries = {}

    def add(terminal: str, value: Any, *patterns: str) -> None:
        for pattern in patterns:
            entries.update((words, (terminal, value)) for words in expand(pattern))

    for terminal, patterns in phrases.WORDS.items():
        add(terminal, None, *patterns)
    for predicate, patterns in phrases.RELATIONS.items():
        add("REL", predicate, *patterns)
    for predicate, patterns in phrases.NEGATED_RELATIONS.items():
        add("REL", "not:" + predicate, *patterns)
    add("NEAREST", "near", "(closest|nearest|closer|nearer) to")
    add("NEAREST", "far_from", "(farthest|furthest|farther|further) [away] from", "most distant from")
    add("PRON", "it", "(it|he|she|itself|this one|that one)")
    add("PRON", "them", "(them|they|each other|themselves|the two of them|both of them)")
    add("VIEWER", "viewer", "(me|us|you|myself|yourself)", "where (i|you) (am|are|stand)")
    add("IGNORE", None, f"(in|on|of|from|within|across) [the|this|that|your|my] ({'|'.join(phrases.VIEW)})")
    add("IGNORE", None, f"(in|of|from|within) [the|this|that|your|my] ({'|'.join(phrases.VIEW_OR_THING)})")

    ending = "[side|part|end|corner|edge|row]"
    for side, name in phrases.SIDES.items():
        very = "" if side in ("left", "right") else "[very]"
        add("POS", (side,), f"(to|at|in|on|towards) [the|your|my] {very} {name} {ending}")
        add("SIDE", side, f"[starting|counting] from [the|your|my] {name} [side|end]")
    add("POS", ("front",), "up front", "in the (first|front) row")
    for vertical, name in (
        ("top", "(top|upper)"),
        ("bottom", "(bottom|lower)"),
        ("front", "front"),
        ("back", "(back|rear)"),
    ):
        for side in ("left", "right"):
            add("POS", (vertical, side), f"(to|at|in|on) [the] {name} {side} {ending}")
    add("SIDE", "front", "from (me|you|us|here|the camera|the robot|the viewer)")
    add("SIDE", "left", "from left to right")
    add("SIDE", "right", "from right to left")
    for side in ("left", "right"):
        add("ITS", f"{side}_of", f"(on|to|at) (its|their|his|her) {side} [hand] [side]")
    return entries


@lru_cache(maxsize=1)
def tables() -> tuple[Entries, Entries]:
    """(the role of every phrase, what it means inside a noun phrase where that differs: "stand", "right", "clean")."""
    words, links = _words(), _links()
    return {**words, **links}, {phrase: words[phrase] for phrase in words.keys() & links.keys()}


@lru_cache(maxsize=1)
def longest() -> int:
    """How many words the longest phrase has."""
    return max(map(len, tables()[0]))


@lru_cache(maxsize=1)
def known_words() -> frozenset[str]:
    """Every single word that stands in some phrase."""
    return frozenset(word for phrase in tables()[0] for word in phrase)

"""Every word and fixed phrase with its role in a sentence: the terminals of grammar.lark and what they carry.

Phrases are written as patterns: ``(a|b)`` one of, ``[a|b]`` one of or nothing. They are expanded once into a table that
the lexer searches for the longest match, so "on the left side of" never reads as "on" + "the left side".
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from typing import Any

from spatial_llava_ros.language.vocabulary import ADJECTIVE_NOUNS, ATTRIBUTES, NOUNS, PLURAL_ONLY, SHADE_MODIFIERS

_PICTURE = (
    "(image|picture|photo|photograph|scene|frame|view|room|shot|camera|camera view|video|camera image|group|row|line|pile|heap)"
)
_SIDES = {
    "left": "(left|left hand)",
    "right": "(right|right hand)",
    "front": "(front|foreground|fore)",
    "back": "(back|rear|background)",
    "middle": "(middle|center|centre|midst)",
    "top": "top",
    "bottom": "bottom",
}

# predicate -> patterns; "side:x" is "the x side of", read in the light of what follows it
_RELATIONS = {
    "left_of": (
        "(left|leftward|leftwards) (of|from)",
        "to [the|its|their] [far] (left|left hand) [side] (of|from)",
        "(on|at|in) the [far|immediate] (left|left hand) (of|from)",
        "(on|at) left [side] of",
    ),
    "right_of": (
        "(right|rightward|rightwards) (of|from)",
        "to [the|its|their] [far] (right|right hand) [side] (of|from)",
        "(on|at|in) the [far|immediate] (right|right hand) (of|from)",
        "(on|at) right [side] of",
    ),
    "side:left": ("(on|at|in) the [far] (left|left hand) (side|part|end|edge) of", "on left side of"),
    "side:right": ("(on|at|in) the [far] (right|right hand) (side|part|end|edge) of", "on right side of"),
    "side:front": ("(at|on|in|to|near) the front [side|part|edge] of",),
    "side:back": ("(at|on|in|to|near) the [far] (back|rear) [side|part|edge|end] of",),
    "side:middle": ("(in|at|on|near) [the] [very] (middle|center|centre|midst) of",),
    "side:bottom": ("(at|on|in|near) [the] (bottom|base|foot) [part] of",),
    "side:top": ("(at|in|near) the top [part|end] of",),
    "in_front_of": ("in [the] front [side] of", "infront of", "infront", "front of", "ahead of", "before"),
    "behind": ("behind", "in back of", "[the|at the] back of", "beyond", "past", "to the (rear|back) of"),
    "on": (
        "on", "upon", "atop", "onto", "on to", "on [the] top of", "ontop of", "[the] top of", "up on", "down on", "atop of",
        "attached to", "mounted (on|to)", "hanging (on|from|off|off of)", "hung (on|from)", "stuck (on|to)", "over top of",
        "on the surface of", "affixed to", "supported by", "up against", "part of",
    ),
    "under": ("under", "underneath", "beneath", "underneath of", "on the underside of", "at the foot of"),
    "below": ("below",),
    "above": ("above", "over", "up above"),
    "inside": (
        "in", "inside", "within", "into", "inside of", "in the inside of", "contained (in|by)", "enclosed (in|by)", "from inside",
        "surrounded by", "amid", "in the interior of",
    ),
    "next_to": (
        "next to", "next", "beside", "besides", "by", "adjacent to", "adjacent", "alongside", "alongside of", "along", "against",
        "touching", "(on|at|by|to) the side of", "side by side with", "leaning (on|against)", "around", "by the side of",
        "in contact with", "connected to", "bordering",
    ),
    "near": (
        "near", "close to", "nearby", "near to", "in the vicinity of", "not far from", "at", "close by", "near by", "among",
        "amongst", "in the proximity of", "surrounding",
    ),
    "far_from": ("far from", "[far] away from", "distant from", "a long way from", "far off from", "remote from"),
    "at_edge_of": (
        "(at|on|near|by|along|close to) [the] [very] (edge|border|rim|brink|corner|edges) of", "on the verge of",
    ),
    "facing": ("facing", "facing (to|towards|toward)", "looking (at|towards)", "opposite", "opposite (to|of|from)", "across from",
        "pointing (at|to|towards)", "towards", "toward", "oriented (to|towards)"),
    "with": (
        "with", "has", "have", "having", "holding", "contains", "containing", "carrying", "decorated with", "wearing", "had",
        "covered (with|in|by)", "filled with", "full of", "including", "holds", "supporting", "bearing", "featuring",
        "labelled", "labeled", "that says", "printed with", "topped with",
    ),
}  # fmt: skip

_NEGATED_RELATIONS = {
    "with": ("without", "without any", "with no", "has no", "having no", "lacking", "have no", "missing"),
    "inside": ("outside", "outside of", "out of"),
    "facing": ("facing away from",),
    "on": ("off", "off of"),
}

_SUPERLATIVES = {
    "left": "leftmost|left most|most left|furthest left|farthest left|far left",
    "right": "rightmost|right most|most right|furthest right|farthest right|far right",
    "near": "nearest|closest|frontmost|front most|foremost|closer|nearer",
    "far": "farthest|furthest|backmost|back most|rearmost|hindmost|farther|further|most distant|remotest",
    "high": "highest|topmost|top most|uppermost|upper most|higher",
    "low": "lowest|bottommost|bottom most|lowermost|lower most",
    "tall": "tallest|taller",
    "short": "shortest|shorter",
    "big": "biggest|largest|greatest|bigger|larger|most massive",
    "small": "smallest|littlest|tiniest|smaller|tinier",
    "wide": "widest|broadest|wider|broader|thickest|thicker|fattest|fatter",
    "narrow": "narrowest|slimmest|narrower|slimmer",
    "long": "longest|longer",
    "thin": "thinnest|thinner|flattest",
    "middle": "middle most|middlemost|most central|centermost|centremost",
}

_NUMBERS = "one two three four five six seven eight nine ten eleven twelve".split()
_RANKS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()


_AS_WORD: dict[str, Any] = {}


def as_word(text: str) -> Any | None:
    """What the text means as a property or noun, where the table gives it another role ("right" behind, the "stand")."""
    return _AS_WORD.get(text)


def _expand(pattern: str) -> Iterator[tuple[str, ...]]:
    """Every word sequence that a pattern stands for."""
    parts, rest = [], pattern
    while rest:
        if rest[0] in "([":
            close = rest.index(")" if rest[0] == "(" else "]")
            parts.append([*rest[1:close].split("|"), *([""] if rest[0] == "[" else [])])
            rest = rest[close + 1 :].lstrip()
        else:
            end = min((rest.index(c) for c in "([" if c in rest), default=len(rest))
            parts.append([rest[:end].strip()])
            rest = rest[end:]
    for choice in product(*parts):
        yield tuple(" ".join(choice).split())


@lru_cache(maxsize=1)
def table() -> dict[tuple[str, ...], tuple[str, Any]]:
    """Word sequence -> (terminal, value). Later entries win."""
    entries: dict[tuple[str, ...], tuple[str, Any]] = {}

    def add(terminal: str, value: Any, *patterns: str) -> None:
        for pattern in patterns:
            for words in _expand(pattern):
                if terminal == "WORD":
                    _AS_WORD[" ".join(words)] = value
                entries[words] = (terminal, value)

    for word, (noun, many) in NOUNS.items():
        add("WORD", ("noun", noun, many and word not in PLURAL_ONLY), word)
    for word, (kind, value) in ATTRIBUTES.items():
        add("WORD", ("attribute", kind, value), word)
    for word, modifier in SHADE_MODIFIERS.items():
        add("WORD", ("shade", modifier), word)
    for key, words in _SUPERLATIVES.items():
        add("WORD", ("superlative", key), *words.split("|"))
    for number, (cardinal, rank) in enumerate(zip(_NUMBERS, _RANKS, strict=True), start=1):
        if number > 1:
            add("WORD", ("count", number), cardinal, str(number))
            add("WORD", ("count", number), f"a (group|set|row|stack|pile) of {cardinal}")
        suffix = {1: "st", 2: "nd", 3: "rd"}.get(number, "th")
        add("WORD", ("rank", number), rank, f"{number}{suffix}")
    add("WORD", ("rank", -1), "last", "final", "[the] very last")
    add("WORD", ("rank", -2), "second to last", "second last", "last but one", "penultimate")
    add("WORD", ("count", 2), "both", "both of", "a couple of", "couple of", "a pair of", "pair of", "pairs of")
    add("WORD", ("count", 0), "all", "all of", "every", "each", "several", "many", "few", "various", "all of the", "every one of")
    add("WORD", ("other",), "other", "another", "different", "remaining", "others")
    add("WORD", ("one", False), "one")
    add("WORD", ("one", True), "ones")

    for predicate, patterns in _RELATIONS.items():
        add("REL", predicate, *patterns)
    for predicate, patterns in _NEGATED_RELATIONS.items():
        add("REL", "not:" + predicate, *patterns)
    add("DET", None, "the", "a", "an", "this", "these", "those", "my", "your", "our", "his", "some", "any", "teh", "its",
        "their", "her", "no", "said", "certain", "same", "which", "what", "whose")  # fmt: skip
    add("PRON", "it", "it", "he", "she", "itself")
    add("PRON", "them", "them", "they", "each other", "themselves")
    add("VIEWER", None, "me", "us", "you", "myself", "yourself", "where (i|you) (am|are|stand)")
    add("AND", None, "and", "&", "plus", "as well as", "but", "and also", "but also", "yet", "while", "then", "and then")
    add("OR", None, "or", "nor", "either")
    add("COMMA", None, ",", ":", "/")
    entries[("(",)] = entries[(")",)] = ("COMMA", None)
    add("STOP", None, ".", ";", "!", "?")
    add("IS", None, "is", "are", "was", "were", "be", "being", "appears", "seems", "looks", "stays")
    add("THAT", None, "that", "who", "which")
    add("NOT", None, "not", "non", "never", "neither", "isnt", "arent", "is not", "are not")
    add("OF", None, "of")
    add("TO", None, "to", "from")
    add("EXCEPT", None, "other than", "except [for|from]", "but not", "apart from", "aside from", "excluding", "different from",
        "rather than", "instead of")  # fmt: skip
    add("THAN", None, "than")
    add("IGNORE", None, f"(in|on|of|from|within|across|throughout) [the|this|that|your|my] {_PICTURE}", "in sight")
    add("DROP", None, "standing", "stood", "stands", "stand", "sitting", "seated", "sits", "sit", "sat", "lying", "laying", "lies",
        "lay", "lays", "laid", "resting", "rests", "placed", "positioned", "located", "situated", "hanging", "hung", "hangs",
        "mounted", "leaning", "leans", "kept", "stacked", "stored", "parked", "displayed", "propped", "set", "put", "floating",
        "perched", "found", "visible", "shown", "seen", "that", "there", "here", "up", "down", "very", "quite", "really", "so",
        "pretty", "rather", "extremely", "slightly", "somewhat", "mostly", "almost", "fairly", "bit", "more", "most", "also",
        "sort of", "kind of", "over there", "right here", "made of", "made out of", "made from", "colored", "coloured", "color",
        "colour", "in color", "in colour", "shaped", "looking", "sized", "in size", "'s", "away", "only", "attached", "both of",
        "a bit", "a little bit", "right there", "currently", "directly facing")  # fmt: skip
    add("ADJACENT", None, "just", "directly", "immediately", "straight", "right", "exactly", "closely", "slightly", "right up")
    add("VERB", None, "go", "drive", "move", "navigate", "walk", "come", "head", "find", "locate", "get", "fetch", "grab", "take",
        "pick up", "pick", "bring", "give", "pass", "show", "point", "look", "look for", "look at", "search", "see", "detect",
        "identify", "select", "choose", "approach", "reach", "track", "follow", "want", "need", "tell", "go to", "drive to",
        "navigate to", "go over to", "point (at|to|out)", "search for", "hand me", "hand over", "where is", "wheres", "where are",
        "bring me", "give me", "show me", "get me", "drop", "lift", "clean", "put", "move to", "do", "does", "did", "turn to",
        "place", "put down", "press", "push", "pull", "wipe", "check", "inspect", "describe", "count", "let", "lets", "collect",
        "return", "deliver", "carry", "travel", "what is", "whats", "which is", "is there", "are there", "can you see",
        "i see", "there is", "there are", "theres", "here is", "head (to|for|towards|over to)", "move (to|towards|over to)",
        "walk (to|towards|over to)", "come (to|over to)", "drive (to|towards|over to|up to)", "make your way to", "what about",
        "how about", "stop at", "stop by", "wait (at|by)")  # fmt: skip
    add("WRAP", None, "please", "pls", "plz", "kindly", "could", "would", "can you", "can i", "can we", "could you", "would you",
        "will you", "will", "i", "we", "like", "i'd like", "hey", "hi", "hello", "ok", "okay", "now", "for me", "for us", "thanks",
        "thank you", "thank", "robot", "hey robot", "then", "again", "quickly", "carefully", "asap", "right now", "am", "where",
        "how", "when", "should", "may", "might", "must", "id like", "if you can", "if possible", "over to", "mind", "im", "ive",
        "maybe", "perhaps", "yes", "well", "dear", "want to", "need to", "go and", "to me", "to us", "for", "as", "than")  # fmt: skip
    add("THAN", None, "than")

    picture = "|".join(f"{of} the {name}" for of in ("of", "in") for name in _PICTURE.strip("()").split("|"))
    ending = f"[side|part|end|corner|edge] [{picture}]"
    for side, name in _SIDES.items():
        add("POS", (side,), f"(to|at|in|on|towards) [the|your|my] [very] {name} {ending}")
        add("SIDE", side, f"(from|starting from|counting from|from the) [the] {name} [side|end]")
        for key in ("left", "right"):
            if side in ("top", "bottom", "front", "back"):
                names = {"top": "(top|upper)", "bottom": "(bottom|lower)"}.get(side, name)
                add("POS", (side, key), f"(to|at|in|on) [the] {names} {key} {ending}")
    for key, side in {"left": "left", "right": "right", "far": "back", "near": "front", "high": "top", "low": "bottom"}.items():
        extreme = "(farthest|furthest|most|farther|further|all the way|closest|nearest)"
        add("WORD", ("superlative", key), f"{extreme} (to|on|at|in|towards) [the|your|my] {_SIDES[side]} [side]")
    for key in ("left", "right"):
        add("WORD", ("superlative", key), f"(on|to|at) the (far|very) {key} [side]")
        add("ITS", f"{key}_of", f"(on|to|at) (its|their|his|her|the|your) {key} [hand] [side] of it", f"(on|to|at) (its|their|his|her) {key} [hand] [side]")
    add("WORD", ("superlative", "far"), "(farthest|furthest|farther|further) (away|back|off)", "at the far end")
    add("SIDE", "front", "from (me|you|us|here|the camera|the robot|the viewer)")
    add("SIDE", "left", "from left to right")
    add("SIDE", "right", "from right to left")
    add("NEAREST", "near", "(closest|nearest|closer|nearer) to")
    add("NEAREST", "far_from", "(farthest|furthest|farther|further) [away] from", "most distant from")
    add("BETWEEN", None, "between", "in between", "in the middle between")
    add("WORD", ("attribute", "state", "lying"), "[lying|laying|lies|laid] on its (side|back)", "(lying|laying|lies|laid) (flat|down)")
    add("WORD", ("attribute", "state", "upright"), "(standing|stands|sitting) (upright|up)", "on end")
    add("WORD", ("attribute", "state", "upside down"), "[turned] upside down")
    return entries


@lru_cache(maxsize=1)
def longest() -> int:
    """How many words the longest phrase has."""
    return max(map(len, table()))


@lru_cache(maxsize=1)
def known_words() -> frozenset[str]:
    """Every single word that stands in some phrase."""
    return frozenset(word for words in table() for word in words)

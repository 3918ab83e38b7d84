"""What people ask, as patterns: which kind of question a text is, and the noun phrases in it.

A pattern is a row of words: ``(a|b)`` is one of these, ``[a|b]`` one of these or nothing, ``<x>`` one word or more,
``<x:a|b>`` one of these, kept. The first form that a question fits is taken, so special ones come first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from spatial_llava_ros.language.lexer import split_words
from spatial_llava_ros.language.spelling import correct

MAX_LENGTH = 300  # characters; also what bounds the time that matching takes

_ENDS = "in front of|behind|above|below|over|under"
_AXIS = "<axis:vertical|horizontal|vertically|horizontally>"
_BIGGER = (
    "<more:taller|higher|bigger|larger|wider|broader|longer|thicker|shorter|lower|smaller|narrower|"
    "closer|nearer|farther|further|farther away|further away>"
)
_FORMS = {
    "distance": (
        f"[what is|how large is] [the] {_AXIS} (distance|gap|offset) (between|from) <a> (and|to) <b>",
        f"how far [apart] (is|are) <a> (from|and) <b> {_AXIS}",
        "how (far|distant|close|near) [away] [apart] (is|are) <a> and <b> [apart|to each other|from each other]",
        "how far is it to <a>",
        "how far [away|apart] <a> (is|are) (from|to) <b>",
        "how far [away] <a> (is|are) [away]",
        "how (far|distant|close|near) [away|off] (is|are) <a> (away from|from|to) <b>",
        "how far [away] is it from <a> to <b>",
        "how far [away] (from|to) <b> (is|are) <a>",
        "[what is|how large is|how big is|how long is|measure|give me|tell me] [the|a] [shortest|straight|direct] "
        "(distance|gap|separation|space) (between|from) <a> (and|to) <b>",
        "how (many meters|many metres|many centimeters|many centimetres|many cm|many feet|much space|much room) "
        "[apart] [is|are] [there] [is|are] [between] <a> (and|from|to) <b>",
        "[what is|give me|tell me|measure] [the|my] distance (to|of|from) <a>",
        "how (far|distant|close|near) [away|off] (is|are) <a> [away|off]",
        "how (many meters|many metres) away (is|are) <a>",
        "how far [away] am i from <a>",
        "how far do i (have|need) to (go|drive|walk) to [reach|get to] <a>",
    ),
    "rise": (
        "how (far|much|high) [higher] (above|over) <b> (is|are) <a>",
        "how (far|high|much) (is|are) <a> (above|over) <b>",
    ),
    "size": (
        "how <size:tall|high|wide|broad|long|deep|thick|big|large|small> (is|are) <a>",
        "how <size:tall|high|wide|broad|long|deep|thick|big|large|small> <a> (is|are)",
        "[what is|give me|tell me] [the] <size:height|width|breadth|length|depth|thickness|size|volume> of <a>",
        "(what are|give me|tell me) the <size:dimensions|measurements> of <a>",
        "what <size:height|width|length|size|volume> (is|does) <a> [have]",
        "what is <a> <size:height|width|length|size|volume>",
    ),
    "difference": (
        "[what is] [the] <more:height|width|size|length> difference between <a> and <b>",
        "[what is] [the] difference in <more:height|width|size|length> between <a> and <b>",
        f"how much {_BIGGER} [to me] (is|are) <a> than <b>",
        f"how much {_BIGGER} than <b> (is|are) <a>",
    ),
    "compare_which": (
        f"which [one|thing|object|of them|of these] (is|are) [the] {_BIGGER} [one] to [the] <c> the <a> or <b>",
        f"(which|what) [one|thing|object|of them|of the two] (is|are) [the] {_BIGGER} [one] [to me] <a> or <b>",
        f"which of <a> (and|or) <b> (is|are) {_BIGGER} [to me]",
        f"(is|are) <a> or <b> {_BIGGER} [to me]",
    ),
    "compare": (
        f"(is|are) <a> {_BIGGER} [to] (me|us|you|the camera) than <b>",
        f"(is|are) <a> {_BIGGER} (to|from) <c> than <b>",
        f"(is|are) <a> {_BIGGER} than <b>",
    ),
    "same_size": (
        "(is|are) <a> as <size:tall|high|wide|long|big|large> as <b>",
        "(is|are) <a> and <b> [of] [the] [same|equally] <size:tall|high|wide|long|big|large|size|height|width|length>",
    ),
    "touch": (
        "(is|are|does|do) <a> (touching|touch|in contact with) <b>",
        "(are|do) <a> and <b> (touching|touch|in contact) [each other]",
    ),
    "parallel": (
        "(is|are) <a> <how:parallel|aligned|square> (to|with) <b>",
        "(is|are) <a> and <b> <how:parallel|aligned|square> [to each other|with each other]",
    ),
    "facing": (
        "(is|are) <a> (facing|turned to|turned towards|turned toward|looking at|pointing at|pointing to) <b>",
        "does <a> (face|look at|point at) <b>",
        "(which way|where|what direction|which direction) (is|does|do) <a> (facing|face|looking|pointing|point|look)",
        "what (is|does) <a> (facing|face|looking at|pointing at)",
        "which (thing|object) is <a> facing",
    ),
    "orientation": (
        "[what is|tell me|give me] [the] (orientation|yaw|heading|rotation|angle) of <a>",
        "how (is|are) <a> (oriented|orientated|rotated|turned|aligned)",
        "at (what|which) angle (is|does) <a> [lie|stand|turned]",
        "what (angle|orientation) (is|does) <a> [have|at]",
    ),
    "angle": (
        "[what is] [the] angle between <a> and <b>",
        "at what angle (is|are) <a> to <b>",
    ),
    "direction": (
        "(in|at) (which|what) direction (is|are|lies|will i find|would i find|do i find) <a> from <b>",
        "(in|at) (which|what) direction (from|of) <b> (is|are|lies) <a>",
        "(which|what) direction (is|are) <a> from <b>",
        "(at|to) (what|which) (clock|clock position|hour|o clock|oclock|o'clock) (is|are) <a> from <b>",
        "(at|to) (what|which) (clock|clock position|hour|o clock|oclock|o'clock) (is|are|will i find|do i see) <a>",
        "(in|at) (which|what) direction (is|are|lies|will i find|would i find|do i find) <a>",
        "(which|what) (way|direction) (is|are) <a>",
        "(which way|where|how far) (must|do|should) i turn to (face|see|look at) <a>",
    ),
    "side": (
        "(on|to|at) (which|what) [hand] side of <b> (is|are|lies|can i find) <a>",
        "(which|what) side of <b> (is|are) <a> [on]",
        "(is|are) <a> [to|on|at] [the] <side:left|right> or [to|on|at] [the] [left|right] [side] of <b>",
        "(is|are) <a> [to|on|at] [the] <side:left|right> [side] or [the] right [side] of <b>",
        f"(is|are) <a> <side:{_ENDS}> or <other:{_ENDS}> <b>",
        "(is|are) <a> [to|on|at] [the] [my] <side:left|right> [side] or [to|on|at] [the] [my] (left|right) [side]",
        "(on|to) (which|what) [hand] side [of me] (is|are) <a>",
    ),
    "colour": (
        "(what|which) (colour|color|colours|colors) (is|are|does|has) <a> [have]",
        "[what is|tell me|give me] [the] (colour|color) of <a>",
        "what is <a> (colour|color)",
    ),
    "upright": (
        "(is|are) <a> <state:upright|standing upright|lying down|lying|lying flat|tall>",
    ),
    "count": (
        "(how many|count how many) <a> (are|is|do|can|stand|lie|sit|hang) <rest>",
        "(how many|count [the|all]) <a>",
        "(count|count the|count all|count all the) <a>",
        "[what is|tell me|give me] [the] number of <a>",
    ),
    "path": (
        "(what|which things|which objects) (is|are|stands|lies) (in|on) (the|my) (way|path) (to|towards|of) <b>",
        "[what|which things] blocks [the|my] (way|path) to <b>",
        "what (is|stands|lies) blocking [the|my] (way|path) to <b>",
    ),
    "clear": (
        "is (the|my) (way|path|line) [between me and|to|towards] <b> <state:clear|free|blocked|open|obstructed>",
        "(is there|does|is) <obstacle:anything|something> [stand|lie] (in|on) (the|my) (way|path) (to|towards|of) <b>",
        "can i (go|drive|move|get|walk) straight to <b>",
        "do i have a (clear|free) (way|path) to <b>",
    ),
    "list": (
        "what (do|can) you see",
        "what (is|are) [there|here|visible] [in] [the|this] [scene|picture|image|view|room]",
        "(what|which) (things|objects|items) (do you see|are there|are visible|are here|can you see)",
        "(describe|list) [the|this|all|everything] [the] [scene|picture|view|room|things|objects]",
        "what (things|objects) are [there] in (the|this) (scene|picture|view|image|room)",
    ),
    "what_related": (
        "(what|which) [things|objects|items|thing|object|else] (is|are|lies|stands|sits|lie|stand|rests|hangs) "
        "[there|located|placed|standing|lying|resting] <related>",
        "(what|which) [things|objects] (do|can) (you|i) see <related>",
        "(list|name|tell me) (everything|all things|all the things|all objects|what is) [that is|that are] <related>",
        "(who|which) <kind> (is|are|stands|lies|sits|stand|lie) [there|located|placed] <related>",
    ),
    "exists": (
        "(is|are) there <a> (in|within) [the|this] (scene|picture|image|view|room|sight)",
        "(is|are) there <a>",
        "(do|can) (you|we|i) (see|find|spot|detect|have) <a>",
        "(does|do) (the|this) (scene|picture|image|room) (have|contain|show) <a>",
    ),
    "where": (
        "(where|whereabouts) (is|are|do i find|can i find|lies|stands) <a>",
        "(what is|give me|tell me) the (position|location|place|coordinates|pose) of <a>",
    ),
    "which": ("(what|which) (is|are) <a>", "(describe|what about|tell me about) <a>"),
    "relation": (
        "(is|are|does|do) <claim>",
    ),
}  # fmt: skip

_PERSPECTIVE = (
    "(from|seen from|as seen from|viewed from|looking from|when seen from) [the] [point of view|viewpoint|perspective|"
    "position|side|eyes] [of] <from> [point of view|viewpoint|perspective|position] "
    "(facing|looking at|looking to|looking towards|turned to|turned towards) <to> <rest:Q>",
    "(from|seen from|as seen from|viewed from|looking from|when seen from) [the] [point of view|viewpoint|perspective|"
    "position|side|eyes] [of] <from> [point of view|viewpoint|perspective|position] <rest:Q>",
    "(if|when|suppose|imagine|assuming) (i|you|we|someone) [was|were|would] "
    "(am|are|is|be|stand|sit|stood|sat|standing|sitting|standing at|look) [standing|sitting|located] "
    "(at|on|in|by|next to|from|in the place of) <from> "
    "[and] (facing|looking at|looking to|looking towards|face|look at|turned to) <to> <rest:Q>",
    "(if|when|suppose|imagine|assuming) (i|you|we|someone) [was|were|would] "
    "(am|are|is|be|stand|sit|stood|sat|standing|sitting|look) [standing|sitting|located] "
    "(at|on|in|by|next to|from|in the place of) <from> <rest:Q>",
    "(standing|sitting) (at|on|in|by) <from> (facing|looking at|looking towards) <to> <rest:Q>",
    "(standing|sitting) (at|on|in|by) <from> <rest:Q>",
    "<rest:Q> (as seen|seen|as viewed|viewed|when seen|looking) from <from> (facing|looking at|looking towards) <to>",
    "<rest:Q> (as seen|seen|as viewed|viewed|when seen|looking) from [the perspective of] <from>",
    "<rest:Q> from the (perspective|point of view|viewpoint|position) of <from>",
    "<rest:Q> from [the] <from> (perspective|point of view|viewpoint|position)",
    "<rest:Q> (for|to) (someone|a person|somebody) (on|at|in) <from>",
)
_QUESTION_WORDS = (
    "is|are|which|what|where|how|does|do|would|can i|can you|"
    "on which|on what|in which|in what|at which|at what|to which"
)
_COURTESY = (
    "(please|hey|hi|hello|ok|okay|robot|so|and|then|well|now|actually|tell me|say|do you know|i wonder|excuse me|"
    "i want to know|i would like to know|can you tell me|could you tell me|would you tell me|can you say|"
    "could you please tell me|can you please tell me|let me know|whether)"
)


@dataclass(frozen=True)
class Form:
    """A question that was recognised.

    Attributes:
        kind: a key of the table of forms.
        parts: name of a slot -> its words.
        viewpoint: words for the thing it is to be seen from, and what one faces there; empty where not said.
        facing: as above.
    """

    kind: str
    parts: dict[str, str] = field(default_factory=dict)
    viewpoint: str = ""
    facing: str = ""


def recognise(text: str) -> Form | None:
    """The form of a question, or None where it has none that is known."""
    words = [w for w in split_words(text) if w.isalnum() or any(c.isalnum() for c in w)]
    words = ["number" if w == "#" else w for w in words]
    for attempt in (words, [correct(w) or w for w in words]):
        found = _match(" ".join(attempt) + " ")
        if found is not None:
            return found
    return None


def _match(text: str) -> Form | None:
    courtesy = _compiled(_COURTESY)
    while (hit := courtesy.match(text)) and hit.end() < len(text):
        text = text[hit.end() :]
    text = re.sub(r"(please |thanks |thank you |exactly |right now |now )+$", "", text)
    for pattern in _PERSPECTIVE:
        hit = _compiled(pattern).fullmatch(text)
        if hit is None:
            continue
        groups = {name: words.strip() for name, words in hit.groupdict().items() if words}
        inner = _plain(groups["rest"] + " ")
        if inner is not None:
            return Form(inner.kind, inner.parts, groups["from"], groups.get("to", ""))
    return _plain(text)


def _plain(text: str) -> Form | None:
    # "which side is it on" and "is it not": the small words that only shift the tone
    text = re.sub(r"^(is|are|does|do) not ", r"\1 ", text)
    text = re.sub(r"^(?:would|will|does) (.+?) be ", r"is \1 ", text)
    text = re.sub(r"^where (?:will|would|do|can) (?:you|i|we|one) (?:find|see) ", "where is ", text)
    for kind, patterns in _FORMS.items():
        for pattern in patterns:
            if hit := _compiled(pattern).fullmatch(text):
                return Form(kind, {name: words.strip() for name, words in hit.groupdict().items() if words})
    return None


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    """Every word of a text carries a space behind it, so that what may be left out leaves none."""
    parts = []
    for token in re.findall(r"\[[^\]]*\]|\([^)]*\)|<[^>]*>|\S+", pattern):
        if token[0] in "[(":
            choices = "".join(f"{choice} |" for choice in token[1:-1].split("|"))[:-1]
            parts.append(f"(?:{choices}){'?' if token[0] == '[' else ''}")
        elif token[0] == "<":
            name, _, choices = token[1:-1].partition(":")
            if choices == "Q":
                parts.append(rf"(?P<{name}>(?:{_QUESTION_WORDS}) (?:\S+ )+?)")
            elif choices:
                parts.append(f"(?P<{name}>" + "|".join(f"{choice} " for choice in choices.split("|")) + ")")
            else:
                parts.append(rf"(?P<{name}>(?:\S+ )+?)")
        else:
            parts.append(f"{token} ")
    return re.compile("".join(parts))

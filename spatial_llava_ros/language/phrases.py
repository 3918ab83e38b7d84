"""Fixed phrases, as patterns: ``(a|b)`` is one of these, ``[a|b]`` one of these or nothing.

Only what this table says is in the language; lexicon.py expands it, lexer.py looks for the longest match.
"""

from __future__ import annotations

# Names of the sides of a thing or of the picture.
SIDES = {
    "left": "(left|left hand)",
    "right": "(right|right hand)",
    "front": "(front|foreground|fore)",
    "back": "(back|rear|background)",
    "middle": "(middle|center|centre|midst)",
    "top": "top",
    "bottom": "bottom",
}

# Ordinal key of the end of a row that a side names.
SIDE_KEYS = {
    "left": "left",
    "right": "right",
    "top": "high",
    "bottom": "low",
    "front": "near",
    "back": "far",
    "middle": "middle",
}

# The whole view: a place that says nothing. The second set can also be things that hang on a wall.
VIEW = ("image", "photo", "scene", "view", "room", "shot", "group", "row", "line", "pile", "heap")
VIEW_OR_THING = ("picture", "photograph", "frame", "camera view", "camera image", "video")

# Predicate -> patterns. "side:x" is "the x side of": on the table's left part, but left of a box.
RELATIONS = {
    "left_of": (
        "(left|leftward|leftwards) (of|from)",
        "to [the] [far|immediate] (left|left hand) [side] of",
        "(on|at|in) the [far|immediate] (left|left hand) of",
    ),
    "right_of": (
        "(right|rightward|rightwards) (of|from)",
        "to [the] [far|immediate] (right|right hand) [side] of",
        "(on|at|in) the [far|immediate] (right|right hand) of",
    ),
    "side:left": ("(on|at|in) [the] [far] (left|left hand) (side|part|end|edge|half) of",),
    "side:right": ("(on|at|in) [the] [far] (right|right hand) (side|part|end|edge|half) of",),
    "side:front": ("(at|on|in|to|near) the front [side|part|edge] of",),
    "side:back": ("(at|on|in|to|near) [the] [far] (back|rear) [side|part|edge|end|wall] of",),
    "side:middle": ("(in|at|on|near) [the] [very] (middle|center|centre|midst) of",),
    "side:bottom": ("(at|on|in|near) [the] (bottom|base|foot) [part] of",),
    "side:top": ("(at|in|near) the top [part|end] of",),
    "in_front_of": ("in [the] front [side] of", "infront of", "infront", "front of", "ahead of", "before"),
    "behind": ("behind", "in back of", "[the] back of", "beyond", "past", "to the rear of"),
    "on": (
        "(on|upon|atop|onto|on to|atop of|up on|down on)",
        "[on] [the] top of",
        "(ontop of|over top of|on the surface of|on the lid of)",
        "(attached|mounted|affixed|fixed|stuck|glued) (to|on)",
        "(hanging|hung) (on|from|off|off of)",
        "supported by",
    ),
    "under": ("(under|underneath|beneath|underneath of)", "(on|to) the underside of", "at the foot of"),
    "below": ("below",),
    "above": ("(above|over|up above)",),
    "inside": (
        "(in|inside|within|into|inside of|amid)",
        "in the (inside|interior) of",
        "(contained|enclosed|held) (in|by)",
        "from inside",
        "surrounded by",
    ),
    "next_to": (
        "(next to|next|beside|besides|by|adjacent to|adjacent|alongside|alongside of|along|against|touching|around)",
        "(on|at|by|to) the side of",
        "by the side of",
        "side by side with",
        "(leaning|propped) (on|against|up against)",
        "up against",
        "in contact with",
        "connected to",
    ),
    "near": (
        "(near|close to|nearby|near to|not far from|at|close by|near by|among|amongst|surrounding)",
        "in the (vicinity|proximity) of",
    ),
    "far_from": ("[far] away from", "far [off] from", "distant from", "a long way from"),
    "at_edge_of": ("(at|on|near|by|along|close to|in) [the] [very] (edge|border|rim|brink|corner|edges) of",),
    "facing": (
        "facing [to|towards|toward]",
        "(looking|pointing|oriented|turned) (at|to|towards|toward)",
        "opposite [to|of|from]",
        "across [from]",
        "(towards|toward)",
    ),
    "with": (
        "(with|has|have|having|had|holding|holds)",
        "(contains|containing|carrying|wearing|including|bearing|featuring|supporting)",
        "(decorated|filled|topped|printed|adorned|labelled|labeled|marked) with",
        "covered (with|in|by)",
        "full of",
        "that says",
    ),
}

NEGATED_RELATIONS = {
    "with": ("without [any|a|an]", "(with|has|have|having) no", "lacking", "missing"),
    "inside": ("outside [of]", "out of"),
    "facing": ("facing away from",),
    "on": ("off [of]",),
}

SUPERLATIVES = {
    "left": ("(leftmost|left most|most left)",),
    "right": ("(rightmost|right most|most right)",),
    "near": ("(nearest|closest|frontmost|front most|foremost|closer|nearer)", "most (front|forward)"),
    "far": ("(farthest|furthest|farther|further|most distant)", "(backmost|back most|rearmost|hindmost)", "far"),
    "high": ("(highest|topmost|top most|uppermost|upper most)",),
    "low": ("(lowest|bottommost|bottom most|lowermost|lower most)",),
    "tall": ("(tallest|taller|higher)",),
    "short": ("(shortest|shorter)",),
    "big": ("(biggest|largest|greatest|bigger|larger)",),
    "small": ("(smallest|littlest|tiniest|smaller|tinier)",),
    "wide": ("(widest|broadest|wider|broader|thickest|thicker|fattest|fatter)",),
    "narrow": ("(narrowest|slimmest|narrower|slimmer)",),
    "long": ("(longest|longer)",),
    "thin": ("(thinnest|thinner|flattest|flatter)",),
    "middle": ("(middle most|middlemost|most central|centermost|centremost)",),
}

NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
RANKS = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "twelfth",
)  # fmt: skip

# Terminals that carry nothing but themselves.
WORDS = {
    "DET": (
        "(the|a|an|this|these|those|my|your|our|his|her|its)",
        "(their|some|any|no|which|what|whose|same|certain|teh|thee|said)",
    ),
    "AND": ("(and|&|plus|as well as|but|yet|while|and also|but also|and then|then)",),
    "OR": ("(or|nor)",),
    "COMMA": ("(,|:|/)",),
    "STOP": ("(.|;|!|?)",),
    "IS": ("(is|are|was|were|be|being|appears|seems|looks)",),
    "THAT": ("(that|who|which)",),
    "NOT": ("(not|non|never|neither|isnt|arent|nt)",),
    "OF": ("of",),
    "TO": ("(to|from)",),
    "THAN": ("than",),
    "EXCEPT": (
        "(other|different|rather) than",
        "except [for|from]",
        "(apart|aside|different) from",
        "(excluding|instead of|but not)",
    ),
    "BETWEEN": ("[in] between",),
    "ADJACENT": ("(just|directly|immediately|straight|right|exactly|closely|slightly)",),
    # Verbs that only hold a sentence together, and words of degree.
    "DROP": (
        "(standing|stood|stands|sitting|seated|sits|sit|sat|lying)",
        "(laying|lies|lay|lays|laid|resting|rests|placed|positioned)",
        "(located|situated|hanging|hung|hangs|mounted|leaning|leans)",
        "(kept|stacked|stored|parked|displayed|propped|set|floating)",
        "(perched|found|visible|shown|seen|here|there|up|down)",
        "(very|quite|really|so|pretty|rather|extremely|somewhat|mostly)",
        "(almost|fairly|more|most|also|away|only|currently|attached|colored|coloured|shaped|sized|looking)",
        "(sort|kind) of",
        "(over|right) (there|here)",
        "made [out] (of|from)",
        "in (color|colour|size|shape)",
        "(color|colour|bit|a bit|a little bit|and so on|etc)",
        "in sight",
    ),
    # What a robot is asked to do about the thing.
    "VERB": (
        "(go|drive|move|navigate|walk|come|travel|head) [over|up|back] [to|towards|toward|for]",
        "(look|search|hunt|reach|wait) [for|at|by]",
        "point [at|to|out|towards]",
        "pick [up]",
        "(hand|bring|give|show|get|fetch|pass|take|tell|find|grab|send) [me|us|it|them|him|her] [to|over]",
        "(locate|see|detect|identify|select|choose|approach|track|follow)",
        "(want|need|drop|lift|clean|put|place|press|push|pull)",
        "(check|inspect|describe|count|let|lets|collect|return)",
        "(deliver|carry|turn to|stop|stop at|stop by|put down|spot|highlight)",
        "(where|what) (is|are)",
        "(whats|wheres|theres|is there|are there|there is)",
        "(there are|here is|this is|what about|how about|make your way to)",
        "(do|does|did)",
        "(open|close) up",
        "bring back",
    ),
    "WRAP": (
        "(please|pls|plz|kindly|could|would|will|shall|should|may|might)",
        "(must|can we|can i|i|we|like|hey|hi|hello|ok|okay|now)",
        "(can|could|would|will|do) you",
        "(thanks|thank you|thank|again|quickly|carefully|asap|right now)",
        "(am|where|how|when|id like|if you can|if possible|mind)",
        "(for|to|by) (me|us)",
        "(want|need|like) to",
        "go and",
        "(can|could|may) be",
        "(over to|im|ive|maybe|perhaps|yes|well|dear|robot please|hey robot|for|as|somewhere)",
        "(let us|let me|help me|be so kind|when you can|first of all|at once|immediately please)",
    ),
}

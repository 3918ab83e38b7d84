"""Questions about what is there and what it is like: how many, is there one, which colour, which is the nearest."""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.grounding import colour, nouns
from spatial_llava_ros.questions.answer import Evidence, QuestionStatus, Unanswerable, Verdict
from spatial_llava_ros.questions.names import attribute_fit, noun_match, surely_named
from spatial_llava_ros.questions.referents import (
    call,
    is_viewer,
    members,
    phrase_of,
    ranking,
    refer,
    said,
    several,
    the,
)
from spatial_llava_ros.questions.reply import Reply, capital, clock, ids, listed, metres
from spatial_llava_ros.questions.view import FAILS, HOLDS, VIEWER, View

_RANKED = {
    "near": "distance", "far": "distance", "tall": "height", "short": "height", "wide": "width", "narrow": "width",
    "long": "width", "thin": "depth",
}  # fmt: skip


_JOINS = ("of", "and", "or", "on", "in", "to", "from", "with", "for", "than", "not")


def count(view: View, parts: dict[str, str]) -> Reply:
    """How many mugs (are on the table)?"""
    words = " ".join(part for part in (parts["a"], _place(parts.get("rest", ""))) if part)
    if is_viewer(parts["a"]):
        raise Unanswerable("I cannot see the viewer")
    phrase = phrase_of(words)
    sure, perhaps, assumed = members(view, phrase)
    named = phrase.noun if phrase.noun not in nouns.GENERIC else "thing"
    if perhaps:
        nodes = tuple(view.nodes[r] for r in (*sure, *perhaps))
        several_more = f"{len(sure)} surely, and {len(perhaps)} more perhaps"
        raise Unanswerable(f"the number is not sure: {several_more}", nodes)
    evidence = Evidence("count", ids(view, *sure), float(len(sure)), 0.0)
    names = f": {listed([call(view, r, number=True) for r in sure[:8]])}" if sure else ""
    if not sure:
        return Reply(f"None: I see no {said(phrase)}.", (evidence,), (), assumed=tuple(assumed))
    return Reply(f"{several(named, len(sure))}{names}.", (evidence,), tuple(sure), assumed=tuple(assumed))


def _place(rest: str) -> str:
    """What "how many mugs are …" says after its verb, without what says nothing ("there", "you see in the picture")."""
    words = rest.split()
    while words and words[0] in (
        "there",
        "you",
        "we",
        "i",
        "see",
        "standing",
        "lying",
        "are",
        "visible",
        "located",
        "here",
        "can",
    ):
        words = words[1:]
    text = " ".join(words)
    nothing = ("in view", "in the scene", "in the picture", "in the image", "in the room", "in this scene", "in sight",
               "in this picture", "in total", "in this image", "in this room", "in all")  # fmt: skip
    return "" if text in nothing else text


def exists(view: View, parts: dict[str, str]) -> Reply:
    """Is there a mug (left of the laptop)?"""
    words = parts["a"]
    if is_viewer(words):
        raise Unanswerable("I cannot see the viewer")
    if words.split()[0] in ("anything", "something", "nothing", "anyone"):
        rest = " ".join(words.split()[1:])
        words = f"a thing {rest}"
    phrase = phrase_of(words)
    wanted = phrase.count if phrase.count > 1 else 1
    sure, perhaps, assumed = members(view, phrase)
    if len(sure) < wanted and perhaps:
        nodes = tuple(view.nodes[r] for r in perhaps)
        names = listed([call(view, r, number=True) for r in perhaps[:4]])
        raise Unanswerable(f"{names} could be one, which shape and colour alone do not tell", nodes)
    geometric = any(not surely_named(view, i, phrase.noun) for i in range(len(view.nodes)))
    if len(sure) < wanted and geometric and not nouns.knows(phrase.noun):
        raise Unanswerable(f"by shape and colour alone I cannot tell a {phrase.noun} when I see one")
    verdict = Verdict.YES if len(sure) >= wanted else Verdict.NO
    evidence = Evidence("count", ids(view, *sure), float(len(sure)), 0.0)
    if verdict is Verdict.YES:
        text = f"Yes, {listed([call(view, r, number=True) for r in sure[:5]])}."
    else:
        text = f"No, I see no {said(phrase)}." if not sure else f"No, only {len(sure)}."
    return Reply(text, (evidence,), tuple(sure), verdict, assumed=tuple(assumed))


def color_of(view: View, parts: dict[str, str]) -> Reply:
    """What colour is a?"""
    row, assumed = refer(view, parts["a"])
    if row == VIEWER:
        raise Unanswerable("I cannot see the viewer")
    node = view.nodes[row]
    if node.colours is None:
        names = [a for a in node.attributes if colour.knows(a)]
        if not names:
            raise Unanswerable(f"the colour of {the(view, row)} was not measured", (node,))
        evidence = Evidence(f"colour_{names[0]}", ids(view, row), 1.0)
        return Reply(f"{capital(the(view, row))} is {names[0]}.", (evidence,), (row,), assumed=(assumed,))
    shares = np.asarray(node.colours)[None]
    fits = np.array([colour.colour_fit(name, shares)[0] for name in colour.NAMES])
    order = np.argsort(-fits)
    best = [int(k) for k in order if fits[k] > 0.6][:2]
    if not best:
        mix = listed([colour.NAMES[k] for k in np.argsort(-shares[0])[:3]])
        raise Unanswerable(f"no colour of {the(view, row)} stands out: it is a mixture of {mix}", (node,))
    evidence = tuple(Evidence(f"colour_{colour.NAMES[k]}", ids(view, row), float(shares[0, k])) for k in best)
    text = f"{capital(the(view, row))} is {listed([colour.NAMES[k] for k in best])}."
    return Reply(text, evidence, (row,), assumed=(assumed,))


def upright(view: View, parts: dict[str, str]) -> Reply:
    """Does a stand or lie? By its height against its width; what is as high as wide is neither."""
    row, assumed = refer(view, parts["a"])
    if row == VIEWER or not view.has_depth(row):
        raise Unanswerable("no depth was measured on it" if row != VIEWER else "I cannot see the viewer")
    size, _ = view.size(row)
    ratio = float(size[2] / max(size[0], 1e-3))
    if 0.7 < ratio < 1.4:
        raise Unanswerable(f"{the(view, row)} is about as tall as it is wide", (view.nodes[row],))
    standing = "lying" not in parts["state"]
    verdict = Verdict.YES if (ratio > 1) == standing else Verdict.NO
    evidence = Evidence("height_to_width", ids(view, row), ratio)
    text = f"{verdict.value.capitalize()}, {the(view, row)} is {size[2]:.2f} m tall and {size[0]:.2f} m wide."
    return Reply(text, (evidence,), (row,), verdict, assumed=(assumed,))


def everything(view: View, parts: dict[str, str]) -> Reply:
    """What do you see?"""
    rows = np.argsort(np.linalg.norm(view.layout.centre, axis=1), kind="stable").tolist()  # NaN comes last
    evidence = Evidence("count", ids(view, *rows), float(len(rows)), 0.0)
    if not rows:
        return Reply("Nothing that stands out.", (evidence,))
    names = listed([call(view, r, number=True) for r in rows[:20]])
    more = f" And {len(rows) - 20} more." if len(rows) > 20 else ""
    return Reply(f"{several('thing', len(rows))}, nearest first: {names}.{more}", (evidence,), tuple(rows))


def describe(view: View, words: str) -> Reply:
    """Which one is the nearest mug; what is thing 3: the thing that is meant, and what is known of it."""
    if words in ("this", "that", "it", "the time", "your name", "up"):
        raise Unanswerable("no thing is named", status=QuestionStatus.NOT_UNDERSTOOD)
    row, assumed = refer(view, words)
    if row == VIEWER:
        raise Unanswerable("I cannot see the viewer")
    node = view.nodes[row]
    phrase = phrase_of(words)
    text = f"{capital(call(view, row, number=True))}"
    evidence = []
    if node.object.position is not None:
        away, std = view.distance(row, VIEWER)
        evidence.append(Evidence("distance", ids(view, row), away, std, "m", "viewer"))
        text += f", {metres(away, std)} from the viewer at {clock(view.bearing(row)[0])} o'clock"
        for ordinal in phrase.ordinals[:1]:
            quantity = _RANKED.get(ordinal.key)
            if quantity and quantity != "distance":
                value, deviation = (float(v[row]) for v in ranking(view, ordinal.key, [row]))
                evidence.append(Evidence(quantity, ids(view, row), abs(value), deviation, "m"))
                text += f", {quantity} {abs(value):.2f} m"
    names = [name for name, _ in node.labels[:3] if name != node.object.label]
    if not surely_named(view, row, phrase_of(node.object.label).noun) and names:
        assumed = "; ".join(part for part in (assumed, f"by its shape it could also be: {', '.join(names)}") if part)
    if not evidence:
        evidence.append(Evidence("seen", ids(view, row), 1.0))
    return Reply(text + ".", tuple(evidence), (row,), assumed=(assumed,))


def which(view: View, parts: dict[str, str]) -> Reply:
    """Which is the tallest mug?"""
    return describe(view, parts["a"])


def property_claim(view: View, words: str) -> Reply:
    """Is the mug red; is it the tallest thing; is it a cup?"""
    parts = words.split()
    failure = Unanswerable("I do not understand what is claimed", status=QuestionStatus.NOT_UNDERSTOOD)
    # "the lamp the nearest thing", "the can a mug" part at the second article; else the last words are the property.
    second = next((k for k in range(1, len(parts)) if parts[k] in ("the", "a", "an") and parts[k - 1] not in _JOINS), 0)
    if any(word in ("and", "or") for word in parts):
        raise failure
    for at in [second] if second else range(len(parts) - 1, 0, -1):
        subject, claimed = parts[:at], parts[at:]
        negated = subject[-1] == "not"
        if negated:
            subject = subject[:-1]
        if not subject or subject[-1] in ("the", "a", "an", "this", "that", "my"):
            continue
        try:
            reply = _property(view, " ".join(subject), " ".join(claimed))
        except Unanswerable as error:
            if error.status is not QuestionStatus.NOT_UNDERSTOOD and failure.status is QuestionStatus.NOT_UNDERSTOOD:
                failure = error
            continue
        if negated:
            flipped = {Verdict.YES: Verdict.NO, Verdict.NO: Verdict.YES}[reply.verdict]
            body = reply.text.split(", ", 1)[1]
            return Reply(
                f"{flipped.value.capitalize()}, {body}", reply.evidence, reply.rows, flipped, "", reply.assumed
            )
        return reply
    raise failure


def _property(view: View, subject: str, claimed: str) -> Reply:
    phrase = phrase_of(claimed)
    if claimed.startswith("the "):  # identity
        row, assumed = refer(view, subject)
        best, more = refer(view, claimed)
        if VIEWER in (row, best):
            raise Unanswerable("I cannot see the viewer")
        evidence = Evidence("same", ids(view, row, best), float(best == row))
        return _verdict(best == row, f"that is {the(view, best)}", (evidence,), (row, best), (assumed, more))
    if phrase.unknown or phrase.relations or phrase.ordinals:
        raise Unanswerable("I do not understand what is claimed", status=QuestionStatus.NOT_UNDERSTOOD)
    row, assumed = refer(view, subject)
    if row == VIEWER:
        raise Unanswerable("I cannot see the viewer")
    if phrase.noun not in nouns.GENERIC:
        if not surely_named(view, row, phrase.noun):
            raise Unanswerable(
                f"by shape and colour alone I cannot tell whether {the(view, row)} is a {phrase.noun}",
                (view.nodes[row],),
            )
        if claimed.split()[0] not in ("a", "an"):
            raise Unanswerable("I do not understand what is claimed", status=QuestionStatus.NOT_UNDERSTOOD)
        match = noun_match(view, row, phrase.noun)
        if 0 < match < 1:
            raise Unanswerable(
                f"{the(view, row)} is close to a {phrase.noun}, but was not called one", (view.nodes[row],)
            )
        if phrase.attributes:
            raise Unanswerable("I do not understand what is claimed", status=QuestionStatus.NOT_UNDERSTOOD)
        evidence = Evidence("named", ids(view, row), match)
        return _verdict(match == 1, f"it is {the(view, row)}", (evidence,), (row,), (assumed,))
    if not phrase.attributes:
        raise Unanswerable("I do not understand what is claimed", status=QuestionStatus.NOT_UNDERSTOOD)
    facts, holds = [], True
    for attribute in phrase.attributes:
        part = attribute_fit(view, attribute)
        if part is None:
            raise Unanswerable(
                f'"{attribute.value}" needs something to compare with, or cannot be seen', (view.nodes[row],)
            )
        score = float(part[row])
        if FAILS < score < HOLDS:
            raise Unanswerable(f'"{attribute.value}" is not clear of {the(view, row)}', (view.nodes[row],))
        facts.append(Evidence(attribute.value, ids(view, row), float(score >= HOLDS)))
        holds &= (score >= HOLDS) != attribute.negated
    return _verdict(holds, f"{the(view, row)} is {'' if holds else 'not '}{claimed}", tuple(facts), (row,), (assumed,))


def _verdict(
    holds: bool, text: str, evidence: tuple[Evidence, ...], rows: tuple[int, ...], assumed: tuple[str, ...]
) -> Reply:
    return Reply(
        f"{'Yes' if holds else 'No'}, {text}.", evidence, rows, Verdict.YES if holds else Verdict.NO, "", assumed
    )

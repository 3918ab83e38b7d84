"""Questions about how things stand to each other: is it so, what does, on which side, what is in between."""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.graph.statements import reference_of
from spatial_llava_ros.questions.answer import Evidence, QuestionStatus, Unanswerable, Verdict
from spatial_llava_ros.questions.claims import Claim, readings, starts_relation
from spatial_llava_ros.questions.contents import describe, property_claim
from spatial_llava_ros.questions.referents import (
    call,
    is_surface,
    is_viewer,
    members,
    on_surface,
    phrase_of,
    refer,
    refer_phrase,
    the,
)
from spatial_llava_ros.questions.reply import Reply, capital, ids, in_words, listed, metres, need_depth
from spatial_llava_ros.questions.view import FAILS, HOLDS, SURE, VIEWER, Judgement, View
from spatial_llava_ros.relations import CONTACT_M

_INDEFINITE = ("anything", "something", "any", "a", "an", "some", "nothing", "anybody", "somebody")
_VIEWER_SIDES = {"left_of": "left", "right_of": "right", "in_front_of": "front", "behind": "back"}
_OPPOSITE = {"left": "right", "right": "left", "front": "back", "back": "front"}
_SIDE_PREDICATES = {"in front of": "in_front_of", "behind": "behind", "above": "above", "over": "above",
                    "below": "below", "under": "under"}  # fmt: skip


def relation(view: View, parts: dict[str, str]) -> Reply:
    """Is a left of (on, between, behind …) b? Of two ways to read the words the one that makes sense here."""
    failure: Unanswerable | None = None
    for claim in readings(parts["claim"]):
        try:
            return _judge_claim(view, claim)
        except Unanswerable as error:
            failure = failure or error
    if failure:
        raise failure
    return property_claim(view, parts["claim"])


def _judge_claim(view: View, claim: Claim) -> Reply:
    first = claim.subject.split()[0]
    if first in _INDEFINITE:
        return _any(view, claim, none_is_yes=first == "nothing")
    phrase = phrase_of(claim.subject)
    if phrase.count != 1 and not is_viewer(claim.subject):
        return _all(view, claim)
    subject, assumed = refer(view, claim.subject)
    if subject == VIEWER:
        return _of_viewer(view, claim)
    reply = _judge_one(view, claim, subject)
    return Reply(reply.text, reply.evidence, reply.rows, reply.verdict, reply.explanation, (assumed, *reply.assumed))


def _judge_one(view: View, claim: Claim, subject: int) -> Reply:
    """A claim about one thing."""
    need_depth(view, subject)
    if claim.predicate == "side" or (is_viewer(claim.landmark) and claim.predicate in _VIEWER_SIDES):
        side = claim.landmark if claim.predicate == "side" else _VIEWER_SIDES[claim.predicate]
        return _viewer_side(view, subject, side, claim.negated)
    if claim.predicate == "between":
        return _is_between(view, claim, subject)
    if claim.predicate in ("nearest", "farthest"):
        word = "nearest to" if claim.predicate == "nearest" else "farthest from"
        best, assumed = refer(view, f"the thing {word} {claim.landmark}")
        evidence = Evidence(claim.predicate, ids(view, subject), float(best == subject))
        text = f"{the(view, best)} is {word} {claim.landmark}"
        return _yes_no(best == subject, claim.negated, text, (evidence,), (subject, best), assumed=(assumed,))
    if claim.predicate in ("with", "facing"):
        raise Unanswerable(f'"{claim.predicate}" cannot be checked by geometry')
    surface = phrase_of(claim.landmark)
    if claim.predicate in ("on", "above") and is_surface(view, surface):
        holds = on_surface(view)[subject]
        if FAILS < holds < HOLDS:
            raise Unanswerable(f"no depth was measured on {the(view, subject)}", (view.nodes[subject],))
        text = f"{the(view, subject)} {'stands' if holds >= HOLDS else 'does not stand'} on the {surface.noun}"
        assumed = (f"takes the {surface.noun} for the surface that everything here stands on",)
        evidence = Evidence("on", ids(view, subject), float(holds >= HOLDS))
        return _yes_no(holds >= HOLDS, claim.negated, text, (evidence,), (subject,), assumed=assumed)
    landmark, assumed = refer(view, claim.landmark)
    need_depth(view, landmark)
    if landmark == subject:
        raise Unanswerable("both names mean the same thing", (view.nodes[subject],))
    if landmark == VIEWER:
        return _near_viewer(view, claim, subject)
    judged = _judge(view, claim.predicate, subject, landmark)
    if judged.verdict is None:
        nodes = (view.nodes[subject], view.nodes[landmark])
        words = in_words(claim.predicate)
        raise Unanswerable(
            f"whether {the(view, subject)} is {words} {the(view, landmark)} is not clear: {judged.why}", nodes
        )
    evidence = facts(view, claim.predicate, subject, landmark, judged)
    so = "" if judged.verdict else "not "
    text = (
        f"{the(view, subject)} is {so}{in_words(claim.predicate)} {the(view, landmark)}{_by(claim.predicate, judged)}"
    )
    return _yes_no(judged.verdict, claim.negated, text, evidence, (subject, landmark), assumed=(assumed,))


def _judge(view: View, predicate: str, a: int, b: int) -> Judgement:
    try:
        return view.relation(predicate, a, b)
    except KeyError:
        raise Unanswerable(f'"{predicate.replace("_", " ")}" cannot be checked by geometry') from None


def facts(view: View, predicate: str, a: int, b: int, judged: Judgement) -> tuple[Evidence, ...]:
    """The relation itself, and the metres behind it."""
    what = "offset" if reference_of(predicate) == "viewer" else "height" if predicate in _HEIGHTS else "gap"
    pair = ids(view, a, b)
    relation_held = Evidence(predicate, pair, float(bool(judged.verdict)), float("nan"), "", judged.reference)
    if not np.isfinite(judged.value):
        return (relation_held,)
    return relation_held, Evidence(what, pair, judged.value, judged.value_std, "m", judged.reference)


_HEIGHTS = ("on", "above", "below", "under")


def _by(predicate: str, judged: Judgement) -> str:
    if not np.isfinite(judged.value) or predicate in ("on", "inside", "at_edge_of"):
        return ""
    if reference_of(predicate) == "viewer":
        back = "" if judged.value >= 0 else " the other way"
        return f", by {metres(abs(judged.value), judged.value_std).removeprefix('about ')}{back}"
    if predicate in _HEIGHTS:
        return "" if judged.value < 0.005 else f", by {judged.value:.2f} m"
    return f"; {judged.value:.2f} m lie between them"


def _yes_no(
    holds: bool,
    negated: bool,
    text: str,
    evidence: tuple[Evidence, ...],
    rows: tuple[int, ...],
    assumed: tuple[str, ...],
) -> Reply:
    yes = holds != negated
    return Reply(f"{'Yes' if yes else 'No'}, {text}.", evidence, rows, Verdict.YES if yes else Verdict.NO, "", assumed)


def side_of_view(view: View, row: int) -> tuple[str, float, float]:
    """ "left", "right", "ahead", "behind" or "" between them; the metres aside, left positive; their deviation.

    Left is a thing that lies clear of the line straight ahead; ahead is one that straddles it.
    """
    x, y, _ = view.place(row)
    std = float(np.sqrt(max(view.place_covariance(row)[1, 1], 0)))
    half = float(view.layout.half[row, 1])
    clear = max(half, SURE * np.nan_to_num(std))
    if abs(y) > clear:
        return ("left" if y > 0 else "right"), float(y), std
    if abs(y) < 0.3 * half:
        return ("ahead" if x > 0 else "behind"), float(y), std
    return "", float(y), std


def _viewer_side(view: View, subject: int, side: str, negated: bool) -> Reply:
    found, aside, std = side_of_view(view, subject)
    x = float(view.place(subject)[0])
    reference = "viewer"
    if side in ("front", "back"):
        if abs(x) < 0.05 + SURE * float(np.sqrt(np.nan_to_num(view.place_covariance(subject)[0, 0]))):
            raise Unanswerable(f"{the(view, subject)} is right beside the viewer", (view.nodes[subject],))
        holds = (x > 0) == (side == "front")
        text = f"{the(view, subject)} is {abs(x):.2f} m {'in front' if x > 0 else 'behind'}"
        evidence = Evidence("in_front_of_viewer", ids(view, subject), x, float("nan"), "m", reference)
        return _yes_no(holds, negated, text, (evidence,), (subject,), ())
    if not found:
        raise Unanswerable(
            f"{the(view, subject)} is almost straight ahead, {abs(aside):.2f} m off the middle", (view.nodes[subject],)
        )
    words = f"on the {found}, {abs(aside):.2f} m to the side" if found in ("left", "right") else f"straight {found}"
    evidence = (
        Evidence("on_the_" + side, ids(view, subject), float(found == side), float("nan"), "", reference),
        Evidence("offset", ids(view, subject), aside if side == "left" else -aside, std, "m", reference),
    )
    return _yes_no(found == side, negated, f"{the(view, subject)} is {words}", evidence, (subject,), ())


def _near_viewer(view: View, claim: Claim, subject: int) -> Reply:
    away, std = view.distance(subject, VIEWER)
    if claim.predicate not in ("near", "next_to", "far_from"):
        raise Unanswerable(
            f"{in_words(claim.predicate)} the viewer has no meaning here", status=QuestionStatus.NOT_UNDERSTOOD
        )
    # At hand within a metre, far beyond three; between them people differ.
    if 1.0 < away < 3.0:
        raise Unanswerable(
            f"{the(view, subject)} is {away:.2f} m away, which some call near and some far", (view.nodes[subject],)
        )
    holds = (away >= 3.0) == (claim.predicate == "far_from")
    evidence = Evidence("distance", ids(view, subject), away, std, "m", "viewer")
    return _yes_no(
        holds, claim.negated, f"{the(view, subject)} is {metres(away, std)} away", (evidence,), (subject,), ()
    )


def _of_viewer(view: View, claim: Claim) -> Reply:
    """ "Am I left of the table", "am I near the chair"."""
    landmark, assumed = refer(view, claim.landmark)
    need_depth(view, landmark)
    if claim.predicate in ("near", "far_from", "next_to") and landmark != VIEWER:
        reply = _near_viewer(view, claim, landmark)
        return Reply(reply.text, reply.evidence, reply.rows, reply.verdict, "", (assumed,))
    raise Unanswerable("where the viewer is to a thing depends on which way the thing looks")


def _ends(view: View, words: str) -> tuple[int, int, tuple[str, ...]]:
    """The two landmarks of "between": "me and the door", "the two mugs"."""
    parts = words.split()
    failure: Unanswerable | None = None
    for at in (k for k, word in enumerate(parts) if word == "and"):
        try:
            a, assumed_a = refer(view, " ".join(parts[:at]))
            b, assumed_b = refer(view, " ".join(parts[at + 1 :]))
        except Unanswerable as error:
            failure = failure or error
            continue
        if a == b:
            raise Unanswerable("both names mean the same thing")
        need_depth(view, a, b)
        return a, b, (assumed_a, assumed_b)
    if failure:
        raise failure
    phrase = phrase_of(words)
    sure, perhaps, assumed = members(view, phrase)
    if phrase.count == 1 or len(sure) != 2 or perhaps:
        raise Unanswerable(f'"{words}" is not two things', tuple(view.nodes[r] for r in sure), QuestionStatus.AMBIGUOUS)
    need_depth(view, *sure)
    return sure[0], sure[1], tuple(assumed)


def _is_between(view: View, claim: Claim, subject: int) -> Reply:
    a, b, assumed = _ends(view, claim.landmark)
    score = float(view.between(a, b)[subject])
    if FAILS < score < HOLDS:
        raise Unanswerable("it is a borderline case", tuple(view.nodes[r] for r in (subject, a, b) if r != VIEWER))
    evidence = Evidence(
        "between",
        ids(view, subject, a, b),
        float(score >= HOLDS),
        float("nan"),
        "",
        "viewer" if VIEWER in (a, b) else "world",
    )
    text = f"{the(view, subject)} is {'' if score >= HOLDS else 'not '}between {the(view, a)} and {the(view, b)}"
    return _yes_no(score >= HOLDS, claim.negated, text, (evidence,), (subject, a, b), assumed)


def _related_rows(view: View, noun: str, words: str) -> tuple[list[int], list[int], list[str], tuple[int, ...]]:
    """Things of a kind that stand as the words say: surely, perhaps, what was assumed, and the landmarks."""
    if words.startswith(("between ", "in between ")):
        a, b, assumed = _ends(view, words.split("between ", 1)[1])
        scores = view.between(a, b)
        kind, perhaps_kind, more = members(view, phrase_of(noun))
        wanted = [r for r in kind if r not in (a, b)]
        sure = [r for r in wanted if scores[r] >= HOLDS]
        perhaps = [r for r in (*wanted, *perhaps_kind) if r not in sure and scores[r] > FAILS and r not in (a, b)]
        return sure, perhaps, [*assumed, *more], (a, b)
    if words.split()[0] in ("in", "to", "on", "behind") and _view_side(words):
        side = _view_side(words)
        kind, perhaps, assumed = members(view, phrase_of(noun))
        rows = [r for r in kind if view.has_depth(r)]
        if side in ("front", "back"):
            return [r for r in rows if (view.place(r)[0] > 0) == (side == "front")], perhaps, assumed, ()
        return [r for r in rows if side_of_view(view, r)[0] == side], perhaps, assumed, ()
    phrase = phrase_of(f"{noun} {words}")
    landmarks = []
    for part in phrase.relations[:1]:
        for mark in part.landmarks:
            if mark.count == 1 and mark.noun != "viewer" and not is_surface(view, mark):
                landmarks.append(refer_phrase(view, mark)[0])
    need_depth(view, *landmarks)
    sure, perhaps, assumed = members(view, phrase)
    return sure, perhaps, assumed, tuple(landmarks)


def _view_side(words: str) -> str:
    """The side of "on the left", "in front of me", "to my right"; "" for a side of a thing."""
    for claim in readings(f"x {words}"):
        if claim.predicate == "side":
            return claim.landmark
        if is_viewer(claim.landmark):
            return _VIEWER_SIDES.get(claim.predicate, "")
        return ""
    return ""


def _any(view: View, claim: Claim, none_is_yes: bool) -> Reply:
    """Is anything (a mug) on the table?"""
    words = claim.subject.split()
    noun = " ".join(words[1:]) if words[0] in ("a", "an", "any", "some") else "thing"
    relation_words = " ".join(["between"] if claim.predicate == "between" else [in_words(claim.predicate)])
    if claim.predicate == "side":
        sure, perhaps, assumed, marks = _related_rows(view, noun or "thing", f"on the {claim.landmark}")
    else:
        word = {"nearest": "nearest to", "farthest": "farthest from"}.get(claim.predicate, relation_words)
        sure, perhaps, assumed, marks = _related_rows(view, noun or "thing", f"{word} {claim.landmark}")
    if not sure and perhaps:
        raise Unanswerable(
            f"{listed([the(view, r) for r in perhaps[:4]])} may be, but that is not sure",
            tuple(view.nodes[r] for r in perhaps),
        )
    found = listed([the(view, r) for r in sure[:5]]) if sure else f"no {noun}"
    evidence = Evidence("count", ids(view, *sure, *marks), float(len(sure)))
    holds = bool(sure) != none_is_yes
    return _yes_no(
        holds,
        claim.negated,
        f"{found} {'are' if len(sure) > 1 else 'is'} there",
        (evidence,),
        tuple(sure),
        tuple(assumed),
    )


def _all(view: View, claim: Claim) -> Reply:
    """Are the mugs on the table? Only if all are."""
    sure, perhaps, assumed = members(view, phrase_of(claim.subject))
    if not sure or perhaps:
        raise Unanswerable(
            f"which things are meant by {claim.subject} is not sure", tuple(view.nodes[r] for r in (*sure, *perhaps))
        )
    replies = [_judge_one(view, claim, row) for row in sure]
    holds = all(reply.verdict is Verdict.YES for reply in replies)
    evidence = tuple(e for reply in replies for e in reply.evidence)
    text = f"{sum(r.verdict is Verdict.YES for r in replies)} of {len(replies)} are"
    return _yes_no(holds, False, text, evidence, tuple(sure), tuple(assumed))


def what_related(view: View, parts: dict[str, str]) -> Reply:
    """What is left of (on, between …) b? Also "what is the nearest thing", where a name stands for the relation."""
    words, noun = parts["related"], parts.get("kind", "things")
    if not starts_relation(words):
        return describe(view, words if "kind" not in parts else f"{noun} {words}")
    if words.split()[0] in ("nearest", "closest", "farthest", "furthest", "nearer", "closer", "most"):
        return describe(view, f"the {noun.removesuffix('s') if noun == 'things' else noun} {words}")
    sure, perhaps, assumed, marks = _related_rows(view, noun, words)
    if not sure and perhaps:
        raise Unanswerable(
            f"{listed([the(view, r) for r in perhaps[:4]])} may be, but that is not sure",
            tuple(view.nodes[r] for r in perhaps),
        )
    anchor = marks[0] if len(marks) == 1 else VIEWER
    sure.sort(key=lambda r: view.distance(r, anchor)[0] if view.has_depth(r) else np.inf)
    evidence = [Evidence("count", ids(view, *sure), float(len(sure)))]
    names = []
    for row in sure:
        names.append(call(view, row, number=True))
        if view.has_depth(row):
            away, std = view.distance(row, anchor)
            evidence.append(
                Evidence("distance", ids(view, row, anchor), away, std, "m", "viewer" if anchor == VIEWER else "world")
            )
            names[-1] += f" at {away:.2f} m"
    if not sure:
        kind = noun if noun not in ("things", "thing") else "thing that I can see"
        text = f"No {kind.removeprefix('the ')} is {words}."
    else:
        text = f"{capital(listed(names))}."
    if perhaps:
        text += f" Perhaps also {listed([the(view, r) for r in perhaps[:4]])}."
    return Reply(text, tuple(evidence), (*sure, *marks), assumed=tuple(assumed))


def touch(view: View, parts: dict[str, str]) -> Reply:
    """Do a and b touch: as far as a depth camera can tell, with 25 mm between their boxes at most."""
    a, assumed_a = refer(view, parts["a"])
    b, assumed_b = refer(view, parts["b"])
    if VIEWER in (a, b) or a == b:
        raise Unanswerable("that needs two things", status=QuestionStatus.NOT_UNDERSTOOD)
    need_depth(view, a, b)
    space, std = view.gap(a, b), view.distance(a, b)[1]
    if space <= CONTACT_M and view.scores("on", (a, b)).max() < HOLDS:
        # Boxes may meet where what is in them does not.
        raise Unanswerable(f"their boxes are {space:.3f} m apart, which does not tell", (view.nodes[a], view.nodes[b]))
    if space > CONTACT_M and space - SURE * np.nan_to_num(std) <= 0:
        raise Unanswerable(f"the gap of {space:.2f} m is within its uncertainty", (view.nodes[a], view.nodes[b]))
    evidence = Evidence("gap", ids(view, a, b), space, std, "m", "world")
    text = f"{the(view, a)} rests on {the(view, b)}" if view.scores("on", (a, b))[0, 1] >= HOLDS else f"{space:.2f} m"
    text += "" if space <= CONTACT_M else f" lie between {the(view, a)} and {the(view, b)}"
    return _yes_no(space <= CONTACT_M, False, text, (evidence,), (a, b), (assumed_a, assumed_b))


def side(view: View, parts: dict[str, str]) -> Reply:
    """On which side of b (or of the viewer) is a?"""
    a, assumed_a = refer(view, parts["a"])
    if a == VIEWER:
        raise Unanswerable("that is for the viewer to say", status=QuestionStatus.NOT_UNDERSTOOD)
    need_depth(view, a)
    if "b" not in parts or is_viewer(parts["b"]):
        found, aside, std = side_of_view(view, a)
        if found not in ("left", "right"):
            raise Unanswerable(
                f"{the(view, a)} is almost straight ahead, {abs(aside):.2f} m off the middle", (view.nodes[a],)
            )
        evidence = Evidence("offset", ids(view, a), aside, std, "m", "viewer")
        return Reply(f"{capital(the(view, a))} is on the {found}.", (evidence,), (a,), assumed=(assumed_a,))
    b, assumed_b = refer(view, parts["b"])
    need_depth(view, b)
    if a == b:
        raise Unanswerable("both names mean the same thing", (view.nodes[a],))
    first = _SIDE_PREDICATES.get(parts.get("side", ""), "left_of")
    second = _SIDE_PREDICATES.get(parts.get("other", ""), "right_of")
    if {first, second} not in ({"left_of", "right_of"}, {"in_front_of", "behind"}, {"above", "below"}):
        raise Unanswerable("these two are no opposites", status=QuestionStatus.NOT_UNDERSTOOD)
    value, std, apart = _apart(view, first, a, b)
    chosen = first if value > 0 else second
    if not apart or abs(value) < SURE * np.nan_to_num(std):
        why = f"they overlap, with {abs(value):.2f} m between their middles"
        nodes = (view.nodes[a], view.nodes[b])
        raise Unanswerable(f"{the(view, a)} is not clearly on one of these sides of {the(view, b)}: {why}", nodes)
    reference = reference_of(chosen)
    evidence = (
        Evidence(chosen, ids(view, a, b), 1.0, float("nan"), "", reference),
        Evidence("offset", ids(view, a, b), abs(value), std, "m", reference),
    )
    text = f"{capital(the(view, a))} is {in_words(chosen)} {the(view, b)}, by {abs(value):.2f} m."
    return Reply(text, evidence, (a, b), assumed=(assumed_a, assumed_b))


def _apart(view: View, predicate: str, a: int, b: int) -> tuple[float, float, bool]:
    """Metres between the middles along the axis of a pair of opposites, their deviation, and whether they are apart.

    Apart by more than half their widths: as seen for left and right, in space for the others.
    """
    axis, sign = {"left_of": (1, 1), "right_of": (1, -1), "behind": (0, 1), "in_front_of": (0, -1),
                  "above": (2, 1), "below": (2, -1)}[predicate]  # fmt: skip
    step, covariance = view.offset(a, b)
    std = float(np.sqrt(max(covariance[axis, axis], 0)))
    if axis == 1:
        edges = view.layout.bearing
        turn = edges[a].mean() - edges[b].mean()
        apart = abs(turn) > 0.5 * (abs(np.diff(edges[a])[0]) + abs(np.diff(edges[b])[0])) / 2
        away = min(np.hypot(*view.place(a)[:2]), np.hypot(*view.place(b)[:2]))
        return float(sign * turn * away), std, bool(apart)
    half = view.layout.half[:, axis]
    return float(sign * step[axis]), std, bool(abs(step[axis]) > 0.5 * (half[a] + half[b]))


def path(view: View, parts: dict[str, str]) -> Reply:
    """What is in the way to b?"""
    return what_related(view, {"related": f"between me and {parts['b']}"})


def clear(view: View, parts: dict[str, str]) -> Reply:
    """Is the way to b clear?"""
    reply = path(view, parts)
    blocked = reply.evidence[0].value > 0
    asks_for_obstacle = "obstacle" in parts or parts.get("state") in ("blocked", "obstructed")
    if not blocked and "Perhaps" in reply.text:
        raise Unanswerable(reply.text)
    holds = blocked if asks_for_obstacle else not blocked
    text = (
        f"{reply.text[0].lower()}{reply.text[1:-1]} in the way" if blocked else "nothing that I can see is in the way"
    )
    return Reply(
        f"{'Yes' if holds else 'No'}, {text}.",
        reply.evidence,
        reply.rows,
        Verdict.YES if holds else Verdict.NO,
        "",
        reply.assumed,
    )

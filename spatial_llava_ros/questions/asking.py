"""A question and a scene graph in, an answer with its evidence out.

    text --recognise--> form --(seen from?)--> view --handler--> reply --> answer

Whatever cannot be settled ends as "I don't know" with the reason; no text makes it fail.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from spatial_llava_ros.questions import contents, measures, placements
from spatial_llava_ros.questions.answer import QuestionAnswer, QuestionStatus, Unanswerable, Verdict
from spatial_llava_ros.questions.claims import readings
from spatial_llava_ros.questions.forms import MAX_LENGTH, Form, recognise
from spatial_llava_ros.questions.fronts import front_of
from spatial_llava_ros.questions.referents import refer, the
from spatial_llava_ros.questions.reply import Reply, need_depth
from spatial_llava_ros.questions.view import VIEWER, View
from spatial_llava_ros.types import SceneGraph, SceneObject

HANDLERS: Mapping[str, Callable[[View, dict[str, str]], Reply]] = {
    "distance": measures.distance, "rise": measures.rise, "size": measures.size, "difference": measures.difference,
    "compare": measures.compare, "compare_which": measures.compare_which, "same_size": measures.same_size,
    "parallel": measures.parallel, "facing": measures.facing, "orientation": measures.orientation,
    "angle": measures.angle, "direction": measures.direction, "where": measures.where,
    "side": placements.side, "touch": placements.touch, "path": placements.path, "clear": placements.clear,
    "relation": placements.relation, "what_related": placements.what_related,
    "colour": contents.color_of, "upright": contents.upright, "count": contents.count, "list": contents.everything,
    "exists": contents.exists, "which": contents.which,
}  # fmt: skip
HINT = (
    'ask for a distance, a size, a number, a colour, a place or a relation, such as "how far is the mug from the '
    'laptop?", "what is left of the box?" or "is the chair behind the table?"'
)


def answer_question(question: str, graph: SceneGraph, viewer_pose: np.ndarray | None = None) -> QuestionAnswer:
    """Answer a question about a scene.

    Args:
        question: English; any text.
        viewer_pose: (4, 4) camera pose (optical axes) in the graph's frame, for "me", left and behind; that of the
            graph when None.

    Returns:
        An answer in every case; its status says whether the question was understood and could be settled.
    """
    if not isinstance(question, str):
        return QuestionAnswer(repr(question)[:80], QuestionStatus.ERROR, "A question must be text.")
    text = question if len(question) <= MAX_LENGTH else question[:MAX_LENGTH] + "…"
    form = recognise(question) if len(question) <= MAX_LENGTH else None
    if form is None:
        why = (
            f"longer than {MAX_LENGTH} characters" if len(question) > MAX_LENGTH else "no kind of question that I know"
        )
        return QuestionAnswer(text, QuestionStatus.NOT_UNDERSTOOD, f"I don't understand; {HINT}", explanation=why)
    view = View(graph, viewer_pose)
    try:
        reply = _reply(view, form)
    except Unanswerable as failure:
        return _unanswered(text, failure)
    assumed = [part for part in dict.fromkeys(reply.assumed) if part]
    said = reply.text
    guesses = [part for part in assumed if part.startswith("takes ") and "(#" in part]
    if guesses:  # who is not sure of a name says so in the sentence itself
        said = f"T{'; t'.join('aking ' + part.removeprefix('takes ') for part in guesses)}: {said}"
    explanation = "; ".join(part for part in (reply.explanation, *assumed) if part)
    evidence, nodes = reply.evidence, _spoken_of(graph, reply)
    return QuestionAnswer(text, QuestionStatus.ANSWERED, said, reply.verdict, explanation, evidence, nodes)


def _spoken_of(graph: SceneGraph, reply: Reply) -> tuple[SceneObject, ...]:
    """The things of the evidence, in the order they are spoken of."""
    by_id = {node.object.id: node for node in graph.objects}
    wanted = dict.fromkeys(number for fact in reply.evidence for number in fact.objects)
    return tuple(by_id[number] for number in wanted if number in by_id)


def _reply(view: View, form: Form) -> Reply:
    if not form.viewpoint:
        return HANDLERS[form.kind](view, form.parts)
    row, assumed = refer(view, form.viewpoint)
    if row == VIEWER:
        return HANDLERS[form.kind](view, form.parts)
    need_depth(view, row)
    if form.kind == "distance" and "b" not in form.parts:
        return measures.distance(view, {**form.parts, "b": form.viewpoint})
    towards, why = _heading(view, row, form)
    there = view.seen_from(row, towards)
    # "right of the sofa", seen from the sofa, is on one's own right.
    own = re.compile(rf"\b(the |my |a )?{re.escape(re.sub(r'^(the|my|a) ', '', form.viewpoint))}$")
    parts = {name: own.sub("me", words) for name, words in form.parts.items()}
    reply = HANDLERS[form.kind](there, parts)
    evidence = tuple(replace(e, reference="object") if e.reference == "viewer" else e for e in reply.evidence)
    text = f"Seen from {the(view, row)}, {reply.text[0].lower()}{reply.text[1:]}"
    return replace(reply, text=text, evidence=evidence, assumed=(assumed, why, *reply.assumed))


def _heading(view: View, row: int, form: Form) -> tuple[np.ndarray, str]:
    """Which way someone at a thing looks, (3,) in the graph's frame: where it is said; towards the two things that are
    compared; else out of the thing's front."""
    back = view.viewer_from_frame.T
    if form.facing:
        target, assumed = refer(view, form.facing)
        need_depth(view, target)
        if target == row:
            raise Unanswerable("nothing faces itself")
        return back @ view.offset(target, row)[0], assumed
    if form.kind in ("compare", "compare_which") and any(
        w in form.parts["more"] for w in ("close", "near", "far", "further")
    ):
        return back @ np.array([1.0, 0.0, 0.0]), ""  # which is closer does not depend on where one looks
    pair = _compared_pair(view, form)
    if pair:
        ways = [view.offset(other, row)[0][:2] for other in pair]
        ways = [way / max(np.linalg.norm(way), 1e-6) for way in ways]
        middle = ways[0] + ways[1]
        if np.linalg.norm(middle) < 1.0:  # more than 120 degrees apart
            raise Unanswerable(f"{the(view, row)} stands between the two; say what one faces there")
        return back @ np.array([*middle, 0.0]), "looks at the two things that are compared"
    front, why = front_of(view, row)
    return back @ front, why


def _compared_pair(view: View, form: Form) -> tuple[int, int] | None:
    """The two things whose places are compared, where the question names two."""
    if form.kind == "side" and "b" in form.parts:
        return refer(view, form.parts["a"])[0], refer(view, form.parts["b"])[0]
    if form.kind != "relation":
        return None
    for claim in readings(form.parts["claim"]):
        if claim.predicate in ("side", "between"):
            continue
        try:
            a, b = refer(view, claim.subject)[0], refer(view, claim.landmark)[0]
        except Unanswerable:
            continue
        if VIEWER not in (a, b) and view.has_depth(a) and view.has_depth(b) and a != b:
            return a, b
    return None


def _unanswered(text: str, failure: Unanswerable) -> QuestionAnswer:
    why = failure.why
    lead = {
        QuestionStatus.DONT_KNOW: f"I don't know: {why}.",
        QuestionStatus.AMBIGUOUS: f"I don't know which is meant: {why}.",
        QuestionStatus.NOT_UNDERSTOOD: f"I don't understand: {why}; {HINT}",
    }[failure.status]
    return QuestionAnswer(text, failure.status, lead, Verdict.NONE, why, (), failure.objects)

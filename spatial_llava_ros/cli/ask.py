"""`spatial-llava ask SOURCE "question" …`: questions about a frame, answered from its scene graph."""

from __future__ import annotations

import argparse
import json

import numpy as np

from spatial_llava_ros.cli.source import add_frame, add_source, chosen_frame, chosen_source
from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.questions.answer import Evidence, QuestionAnswer, question_answer_as_dict


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser(
        "ask",
        help="answer questions about the scene, with the numbers behind the answer",
        description="Distances, sizes, numbers, colours, places and relations, with their uncertainty. A question\n"
        'that cannot be settled is answered by "I don\'t know" and the reason.',
        epilog='example:\n  spatial-llava ask my_frame/ "how far is the mug from the box?" "what is left of the mug?"\n'
        '  spatial-llava ask sim:room "is the way to the sofa clear?" --json',
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_source(parser)
    add_frame(parser)
    parser.add_argument("questions", metavar="QUESTION", nargs="+", help='such as "is the chair behind the table?"')
    parser.add_argument("--json", action="store_true", help="one JSON object per question on standard output")


def run(args: argparse.Namespace) -> int:
    """Answer every question about one frame.

    Raises:
        SpatialLlavaError: what `main` prints in one line.
    """
    for question in args.questions:
        if not question.strip():
            raise InvalidInputError("a question must have at least one word, got an empty one")
    from spatial_llava_ros.graph import frame_graph  # here, so that --help stays instant
    from spatial_llava_ros.questions import answer_question

    with chosen_source(args) as source:
        graph = frame_graph(chosen_frame(source, args))
    for question in args.questions:
        answer = answer_question(question, graph)
        if args.json:
            print(json.dumps(question_answer_as_dict(answer), allow_nan=False), flush=True)
        else:
            print(answer_lines(answer), flush=True)
    return 0


def answer_lines(answer: QuestionAnswer) -> str:
    """The answer for a person: question, sentence, what it rests on."""
    lines = [f'"{answer.question}"', f"  {answer.answer}"]
    if answer.status.value == "answered":
        if answer.explanation:
            lines.append(f"  rests on: {answer.explanation}")
        lines += [f"  {_fact(fact)}" for fact in answer.evidence[:8]]
    return "\n".join(lines)


def _fact(fact: Evidence) -> str:
    things = ", ".join(f"#{number}" for number in fact.objects) or "the viewer"
    spread = f" ± {fact.value_std:.3g}" if np.isfinite(fact.value_std) and fact.value_std > 0 else ""
    value = f"{fact.value:.3g}{spread} {fact.unit}".rstrip()
    return f"- {fact.quantity.replace('_', ' ')} of {things}: {value} ({fact.reference})"

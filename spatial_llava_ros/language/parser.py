"""Referring expressions in English, parsed: lexer -> grammar.lark -> meaning."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from pathlib import Path

from lark import Lark, Token, Transformer, UnexpectedToken, v_args
from lark.lexer import Lexer

from spatial_llava_ros.errors import ExpressionError
from spatial_llava_ros.language.draft import Draft, Post
from spatial_llava_ros.language.expression import ReferringExpression
from spatial_llava_ros.language.lexer import Piece, read
from spatial_llava_ros.language.meaning import interpret

MAX_LENGTH = 1000  # characters; a spoken command has a tenth of it


@v_args(inline=True)
class _Drafts(Transformer):
    """Turns each grammar rule into drafts as soon as it is complete."""

    def start(self, *parts: Draft | Token) -> list[Draft | Piece]:
        return [part if isinstance(part, Draft) else part.value for part in parts]

    def phrase(self, first: Draft, *rest: Draft | Token) -> Draft:
        return Draft(first.core, first.posts, [part for part in rest if isinstance(part, Draft)])

    def np(self, first: Draft | list[Post], posts: list[Post] | None = None) -> Draft:
        return Draft(first.core, posts or []) if isinstance(first, Draft) else Draft([], first)

    landmark = np

    def core(self, *tokens: Token) -> Draft:
        return Draft([token.value for token in tokens], [])

    def post(self, first: Post, rest: list[Post] | None = None) -> list[Post]:
        return [first, *(rest or [])]

    def modifier(self, token: Token, core: Draft | None = None) -> Post:
        return Post(token.type, token.value, [core] if core else [])

    def relation(self, token: Token, *rest: Draft | Token) -> Post:
        return Post(token.type, token.value, [part for part in rest if isinstance(part, Draft)])


class _NoLexer(Lexer):
    """The grammar is fed terminal by terminal; there is no text for Lark to split."""

    def __init__(self, conf):
        pass

    def lex(self, state, parser=None):
        return iter(())


@lru_cache(maxsize=1)
def _grammar() -> Lark:
    path = Path(__file__).with_name("grammar.lark")
    return Lark(path.read_text(encoding="utf-8"), parser="lalr", lexer=_NoLexer, transformer=_Drafts())


def parse(text: str) -> ReferringExpression:
    """Take a command apart.

    Any text parses: words with no place in a referring expression end up in `ignored` (or `unknown`, within a
    noun phrase), and a text that names nothing asks for a "thing".

    Raises:
        ExpressionError: text is not a str, holds no visible character, or is longer than MAX_LENGTH.
    """
    if not isinstance(text, str):
        raise ExpressionError(f"an expression must be text, got {type(text).__name__}")
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"an expression may have {MAX_LENGTH} characters, got {len(text)}")
    if not any(unicodedata.category(c)[0] not in "CZ" for c in text):
        raise ExpressionError(f"an expression must have at least one visible character, got {text[:40]!r}")
    reading = read(text)
    parser = _grammar().parse_interactive("")
    ignored = list(reading.ignored)
    for piece in reading.pieces:
        try:
            parser.feed_token(Token(piece.type, piece))
        except UnexpectedToken:
            ignored.append(piece.text)
    parts = parser.feed_eof()
    targets, left_out = interpret(parts)
    return ReferringExpression(text, targets, (*ignored, *left_out), tuple(reading.corrections))

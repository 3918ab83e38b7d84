"""A phrase as the grammar found it, before its words are given meaning."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(eq=False)
class Draft:
    """The words of a noun phrase, what follows the noun, and what is said of it after a comma, "and" or "is"."""

    core: list[Any]
    posts: list[Post]
    predicates: list[Draft] = field(default_factory=list)


@dataclass(eq=False)
class Post:
    """Something that follows a noun: terminal type, its lexer piece, and the phrases it governs."""

    type: str
    piece: Any
    landmarks: list[Draft]

"""A phrase as the grammar found it, before its words are given meaning."""

from __future__ import annotations

from dataclasses import dataclass, field

from spatial_llava_ros.language.lexer import Piece


@dataclass(eq=False)
class Draft:
    """The words of a noun phrase, what follows the noun, and what is said of it after a comma, "and" or "is"."""

    core: list[Piece]
    posts: list[Post]
    predicates: list[Draft] = field(default_factory=list)

    def words(self) -> list[str]:
        """The texts of all its pieces, in order, however deeply they are nested."""
        words: list[str] = []
        stack: list[Draft | Post] = [self]
        while stack:
            part = stack.pop()
            if isinstance(part, Post):
                words.append(part.piece.text)
                stack.extend(reversed(part.landmarks))
            else:
                words.extend(piece.text for piece in part.core)
                stack.extend(reversed([*part.posts, *part.predicates]))
        return words


@dataclass(eq=False)
class Post:
    """Something that follows a noun: the type of its terminal, that terminal, and the phrases it governs."""

    type: str
    piece: Piece
    landmarks: list[Draft]

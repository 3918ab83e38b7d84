"""Spelling slips: the nearest known word to one that is not known, or none where that would be a guess."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache

from spatial_llava_ros.language.lexicon import known_words

_SHORTEST = 4  # letters; a slip in a shorter word leaves too little to recognise it by
_TWO_SLIPS = 7  # letters from which two slips are believed


def distance(a: str, b: str, limit: int) -> int:
    """Edits that turn a into b: insert, delete, replace, swap neighbours (Damerau-Levenshtein, optimal string alignment).

    Returns a number above limit as soon as the distance is known to exceed it.
    """
    if abs(len(a) - len(b)) > limit:
        return limit + 1
    before: list[int] = []
    last = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        row = [i]
        for j, y in enumerate(b, start=1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and y == a[i - 2]:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
        before, last = last, row
    return last[-1]


@lru_cache(maxsize=1)
def _by_initial() -> dict[str, list[str]]:
    words: dict[str, list[str]] = defaultdict(list)
    for word in sorted(known_words()):
        if len(word) >= _SHORTEST and word.isascii() and word.isalpha():
            words[word[0]].append(word)
    return words


@lru_cache(maxsize=4096)
def correct(word: str) -> str | None:
    """The known word that was probably meant, or None.

    A slip seldom hits the first letter, so the first letter must agree (or be swapped with the second). In words of four
    letters a replaced letter is not believed: "boot" is not a slip for "book".
    """
    if not _SHORTEST <= len(word) <= 20 or not (word.isascii() and word.isalpha()) or word in known_words():
        return None
    limit = 2 if len(word) >= _TWO_SLIPS else 1
    best, best_cost = None, limit + 0.9
    for initial in {word[0], word[1]}:
        for candidate in _by_initial().get(initial, ()):
            if initial != word[0] and candidate[1] != word[0]:
                continue
            cost = distance(word, candidate, limit)
            if cost > limit:
                continue
            replaced = len(word) == len(candidate) and sorted(word) != sorted(candidate)
            if len(word) == _SHORTEST and replaced:
                continue
            weight = cost + 0.3 * replaced + 0.1 * (sorted(set(word)) != sorted(set(candidate)))
            if weight < best_cost:
                best, best_cost = candidate, weight
    return best

"""Spelling slips: the nearest known word to one that is not known, or none where that would be a guess."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from itertools import pairwise

from spatial_llava_ros.language.lexicon import known_words
from spatial_llava_ros.language.vocabulary import word_set

_SHORTEST = 4  # letters; a slip in a shorter word leaves too little to recognise it by
_REPLACED = 5  # letters from which a wrong letter is believed ("boot" is not a slip for "book")
_TWO_SLIPS = 8  # letters from which two slips are believed

# Letters that are typed or heard for one another: neighbours on the keyboard, and vowels.
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_CONFUSED = {frozenset(pair) for row in _ROWS for pair in pairwise(row)} | {
    frozenset((x, y)) for x in "aeiou" for y in "aeiou" if x != y
}
_ENDINGS = ("ing", "ed", "er", "ers", "ly", "tion", "ness", "ful")  # a word with one is likely a word

# Words that are right as they are, though the tables lack them and one slip would turn them into one that they have.
_ENGLISH = word_set(
    """
    also back beans best better black blank blind blow boat bold bore both branch brand bread break bunch burner
    cartoon carts chapstick charge chess cloud clouds coach cold come cooler copies corn cost current dark deal
    dent done drier dustpan each face fall farm fast feather feel firm fist form garage gate give globe gold
    good grass great grow hair hang hard holders hole hose hour house huge into just keep leads lean leave left
    less litter live look lost made main make mark market mate meal meat most move movie much near neck need
    next only pain paint park part party past path pick pipe plan planet plank play plunger pocket pockets poll
    pool poor port ports post press quit rack rail rain read real recipes rest rock role roof room rope rose
    rule rules safe sale same sand seat self sell send setting shapes ship shop show shut side sing site sleep
    slide slides slow smell snow soft sold some song sort sound soup span spare spear spin sport sports square
    squares stairs stall star state stay steam steamer steel step steps stick still stone stop store storm story
    string strings style support sure swim tack tail tale talk tank task teeth tell tent test than then thin
    think tidy tile tiles time tire tone tour tower town trip true tuck tune turn twins type used vast view vote
    wage wake walk wall want warm wash wave weak wear weather week well west whale wide wife wild will wind
    wipes wise wish wood work worn wrap write yard year zone
    """
)


def distance(a: str, b: str, limit: int) -> int:
    """Edits that turn a into b: insert, delete, replace, swap neighbours (Damerau-Levenshtein, optimal alignment).

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

    A slip seldom hits the first letter, so that must agree (or be swapped with the second). One that would only add or
    take an ending ("store", "stored") is none.
    """
    if not _SHORTEST <= len(word) <= 20 or not (word.isascii() and word.isalpha()) or word in known_words():
        return None
    if word in _ENGLISH or word.removesuffix("s") in _ENGLISH:
        return None
    limit = 2 if len(word) >= _TWO_SLIPS else 1
    best: tuple[float, str] | None = None
    for initial in {word[0], word[1]}:
        for candidate in _by_initial().get(initial, ()):
            if initial != word[0] and candidate[1] != word[0]:
                continue
            cost = _slip(word, candidate, limit)
            if cost is not None and (best is None or (cost, candidate) < best):
                best = (cost, candidate)
    return best[1] if best else None


def _slip(word: str, candidate: str, limit: int) -> float | None:
    """How unlikely it is that word was typed for candidate; None if it was not."""
    if abs(len(word) - len(candidate)) > 1 or len(set(word) ^ set(candidate)) > 2 * limit:
        return None  # a cheap test first: most candidates end here
    edits = distance(word, candidate, limit)
    if edits > limit:
        return None
    for ending in _ENDINGS:
        if word.endswith(ending) and not (edits == 1 and candidate.endswith(ending)):
            return None
    longer, shorter = sorted((word, candidate), key=len, reverse=True)
    if longer[:-1] == shorter and (longer[-1] in "sdy" or (shorter[-1] == "e" and longer[-1] == "r")):
        return None
    if edits == 2 and word[:-2] == candidate[: len(word) - 2]:
        return None
    swapped = sorted(word) == sorted(candidate)
    if len(word) == len(candidate) and not swapped:
        wrong = [frozenset(pair) for pair in zip(word, candidate, strict=True) if pair[0] != pair[1]]
        if len(word) < _REPLACED or len(wrong) > 1 or wrong[0] not in _CONFUSED:
            return None
        return edits + 0.3
    return edits + 0.1 * (set(word) != set(candidate))

"""Colour and depth pictures that belong together, by their stamps, as they stream in."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")

_HORIZON = 2_000_000_000  # ns by which messages of two topics may arrive out of step


class StampPairs(Generic[T]):
    """Pairs two streams, each in order of time: every item goes with its nearest in the other stream, once.

    Args:
        slack: largest difference of stamps within a pair, nanoseconds.
    """

    def __init__(self, slack: int) -> None:
        self._slack = slack
        self._queues: tuple[deque[tuple[int, T]], deque[tuple[int, T]]] = (deque(), deque())

    def push(self, stream: int, stamp: int, item: T) -> list[tuple[T, T]]:
        """Add an item to stream 0 or 1; returns the pairs that are now certain, oldest first."""
        self._queues[stream].append((stamp, item))
        pairs = self._settle(patience=stamp - _HORIZON)
        for queue in self._queues:  # what finds no partner must not pile up
            while len(queue) > 1 and queue[0][0] < stamp - _HORIZON:
                queue.popleft()
        return pairs

    def finish(self) -> list[tuple[T, T]]:
        """The pairs that were only waiting for a nearer item, now that none can come."""
        return self._settle(patience=None)

    def _settle(self, patience: int | None) -> list[tuple[T, T]]:
        pairs = []
        first, second = self._queues
        while first and second:
            older, newer = (first, second) if first[0][0] <= second[0][0] else (second, first)
            gap = newer[0][0] - older[0][0]
            if gap and len(older) > 1 and abs(older[1][0] - newer[0][0]) <= gap:
                older.popleft()  # the one after it is nearer
            elif gap > self._slack:
                older.popleft()
            elif gap and len(older) == 1 and patience is not None and newer[0][0] > patience:
                break  # a nearer one may still come
            else:
                pairs.append((first.popleft()[1], second.popleft()[1]))
        return pairs

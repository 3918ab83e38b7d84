"""Which objects are in a part of the map, at a cost that does not grow with the map: a hash of square floor cells."""

from __future__ import annotations

import numpy as np

CELL_M = 1.0


class SpatialHash:
    """Ids by place on the floor plan (Teschner et al. 2003, without the hashing of heights)."""

    def __init__(self, cell: float = CELL_M) -> None:
        self._cell = cell
        self._cells: dict[tuple[int, int], set[int]] = {}
        self._where: dict[int, tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self._where)

    def put(self, number: int, position: np.ndarray) -> None:
        """Place an id at a position (2 or 3,) in metres, or move it there."""
        key = (int(position[0] // self._cell), int(position[1] // self._cell))
        old = self._where.get(number)
        if old == key:
            return
        if old is not None:
            self.remove(number)
        self._where[number] = key
        self._cells.setdefault(key, set()).add(number)

    def remove(self, number: int) -> None:
        """Take an id out.

        Raises:
            KeyError: it is not in.
        """
        key = self._where.pop(number)
        cell = self._cells[key]
        cell.discard(number)
        if not cell:
            del self._cells[key]

    def within(self, low: np.ndarray, high: np.ndarray) -> list[int]:
        """Ids in the cells that touch the rectangle from `low` to `high` (2 or 3,), ascending."""
        x1, y1 = int(low[0] // self._cell), int(low[1] // self._cell)
        x2, y2 = int(high[0] // self._cell), int(high[1] // self._cell)
        if (x2 - x1 + 1) * (y2 - y1 + 1) > len(self._cells):
            keys = [key for key in self._cells if x1 <= key[0] <= x2 and y1 <= key[1] <= y2]
        else:
            keys = [(x, y) for x in range(x1, x2 + 1) for y in range(y1, y2 + 1) if (x, y) in self._cells]
        return sorted(number for key in keys for number in self._cells[key])

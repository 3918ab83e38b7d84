"""What a map says of the floor: nav_msgs/OccupancyGrid as an array, with what its numbers mean.

-1 is unknown, 0 free to 100 occupied. From OCCUPIED on a cell is an obstacle, as map_server's default threshold says;
Nav2's costmaps are published with 99 where the robot's centre must not be and 100 for obstacles, and with less the
farther away those are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from spatial_llava_ros.errors import InvalidInputError

OCCUPIED = 65
_MOST_CELLS = 1 << 26
_RESOLUTIONS = 0.001, 10.0


@dataclass(frozen=True, eq=False)
class Grid:
    """A map of the floor.

    Attributes:
        cells: (H, W) int8; row 0 is at the origin, rows go along its y axis.
        resolution: metres to a cell.
        grid_from_world: (3, 3), homogeneous, metres in the frame of the map to metres along the grid's axes.
        frame_id: frame of the map.

    Raises:
        InvalidInputError: no cells, or a resolution or origin that no map can have.
    """

    cells: np.ndarray
    resolution: float
    grid_from_world: np.ndarray
    frame_id: str

    def __post_init__(self) -> None:
        if self.cells.ndim != 2 or 0 in self.cells.shape:
            raise InvalidInputError(f"a map needs cells, got {' x '.join(map(str, self.cells.shape))} of them")
        if self.cells.size > _MOST_CELLS:
            raise InvalidInputError(f"a map of {self.cells.size} cells is more than the {_MOST_CELLS} that are read")
        low, high = _RESOLUTIONS
        if not low <= self.resolution <= high:
            raise InvalidInputError(f"a map's resolution must be within {low:g} and {high:g} m, got {self.resolution}")

    @classmethod
    def read(
        cls, data: np.ndarray, width: int, height: int, resolution: float, origin: np.ndarray, yaw: float, frame_id: str
    ) -> Grid:
        """A grid from the fields of nav_msgs/OccupancyGrid.

        Args:
            data: (width * height,) int8.
            origin: (2,) metres, of cell (0, 0)'s corner, and `yaw` of the grid in its frame, radians.

        Raises:
            InvalidInputError: also when there are fewer or more cells than width x height.
        """
        if width <= 0 or height <= 0 or len(data) != width * height:
            raise InvalidInputError(f"a map of {width} x {height} cells needs {width * height}, got {len(data)}")
        if not (np.isfinite(origin).all() and np.isfinite(yaw)):
            raise InvalidInputError(f"a map's origin must be finite, got {np.asarray(origin).tolist()} and {yaw}")
        c, s = np.cos(yaw), np.sin(yaw)
        turn = np.array([[c, s], [-s, c]])
        matrix = np.eye(3)
        matrix[:2, :2] = turn
        matrix[:2, 2] = -turn @ origin
        return cls(np.asarray(data, np.int8).reshape(height, width), float(resolution), matrix, frame_id)

    def seen_from(self, map_from_other: np.ndarray, frame_id: str) -> Grid:
        """The same map for points in another frame, by a planar (3, 3) transform."""
        return Grid(self.cells, self.resolution, self.grid_from_world @ map_from_other, frame_id)

    def index(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Row and column of points (..., 2), and whether they are on the map; those that are not get 0, 0."""
        own = points @ self.grid_from_world[:2, :2].T + self.grid_from_world[:2, 2]
        with np.errstate(invalid="ignore"):
            cell = np.floor(own / self.resolution)
            inside = (cell >= 0).all(-1) & (cell[..., 0] < self.cells.shape[1]) & (cell[..., 1] < self.cells.shape[0])
        cell = np.where(inside[..., None], cell, 0).astype(np.intp)
        return cell[..., 1], cell[..., 0], inside

    def values(self, points: np.ndarray) -> np.ndarray:
        """(...) int8 at points (..., 2); unknown beyond the border."""
        row, column, inside = self.index(points)
        return np.where(inside, self.cells[row, column], np.int8(-1))

    def reachable(self, start: np.ndarray, clearance: float) -> np.ndarray | None:
        """(H, W) bool, cells that a robot can get to from `start` (2,) with `clearance` metres to all sides.

        None where the start itself is not free: then nothing can be said.
        """
        pieces = _pieces(self, clearance)
        row, column, inside = self.index(np.asarray(start, np.float64))
        here = int(pieces[row, column]) if inside else 0
        return pieces == here if here else None


@lru_cache(maxsize=1)
def _pieces(grid: Grid, clearance: float) -> np.ndarray:
    """(H, W) int32, number of the connected free space that each cell is in; 0 in none."""
    free = ((grid.cells >= 0) & (grid.cells < OCCUPIED)).astype(np.uint8)
    # One cell less: a doorway that the planner finds must not be closed here by rounding.
    away = cv2.distanceTransform(free, cv2.DIST_L2, 5) * grid.resolution
    wide = away >= max(clearance - grid.resolution, grid.resolution / 2)
    return cv2.connectedComponents(wide.view(np.uint8))[1]

"""Where a thing is and how fast it goes, from noisy sightings.

A Kalman filter (Kalman 1960) of position and velocity with two habits. A thing at rest is averaged over all that was
seen of it; once it is found elsewhere twice in the same direction it moves, with a velocity that dies away unless it
is seen to go on (Singer 1970), until it has rested again. While it is not seen it stays where it was, less and less
surely.
"""

from __future__ import annotations

import numpy as np

RESTING_DRIFT = 0.002  # metres per square root of a second: poses of a camera drift
ACCELERATION = 2.0  # m/s^2, of what is pushed or carried
VELOCITY_LASTS_S = 0.4
REST_SPACE, REST_S = 0.015, 0.6  # metres and seconds: what stays within so much for so long rests
PUSH = 0.3  # m/s, what was pushed goes at
UNSEEN_DRIFT = 0.05  # metres per square root of a second
FARTHEST = 0.5  # metres, standard deviation of what was not seen for long
OUTLIER = 9.0  # squared distance, in units of its variance, of a sighting that rest does not explain


class Kalman:
    """Position (3,) and velocity (3,) in a frame that stays where it is. Metres, seconds.

    Args:
        position: (3,).
        covariance: (3, 3).
    """

    def __init__(self, position: np.ndarray, covariance: np.ndarray) -> None:
        self.state = np.concatenate([position, np.zeros(3)]).astype(np.float64)
        self.covariance = np.zeros((6, 6))
        self.covariance[:3, :3] = covariance
        self.moving = False
        self._surprise: np.ndarray | None = None
        self._around, self._resting = np.array(position, np.float64), 0.0

    @property
    def position(self) -> np.ndarray:
        return self.state[:3]

    @property
    def position_covariance(self) -> np.ndarray:
        """(3, 3)."""
        return self.covariance[:3, :3]

    def predict(self, step: float, seen: bool) -> None:
        """Let `step` seconds pass.

        Args:
            seen: False while the thing is hidden: then nothing is known of what happens to it.
        """
        keep = np.exp(-step / VELOCITY_LASTS_S) if self.moving else 0.0
        move = np.eye(6)
        move[:3, 3:] = np.eye(3) * VELOCITY_LASTS_S * (1 - keep)
        move[3:, 3:] = np.eye(3) * keep
        self.state = move @ self.state
        self.covariance = move @ self.covariance @ move.T
        drift = RESTING_DRIFT if seen else UNSEEN_DRIFT
        if float(np.trace(self.position_covariance)) < 3 * FARTHEST**2:
            self.covariance[:3, :3] += np.eye(3) * drift**2 * step
        if self.moving:
            gain = np.vstack([np.eye(3) * step**2 / 2, np.eye(3) * step])
            self.covariance += gain @ gain.T * ACCELERATION**2
        if not seen:
            self._surprise = None

    def carry(self, motion: np.ndarray) -> None:
        """Move along with a frame that was redefined by a (4, 4) rigid motion."""
        turn = np.kron(np.eye(2), motion[:3, :3])
        self.state = turn @ self.state
        self.state[:3] += motion[:3, 3]
        self.covariance = turn @ self.covariance @ turn.T

    def restart(self, position: np.ndarray, covariance: np.ndarray) -> None:
        """Found again, somewhere else."""
        self.__init__(position, covariance)

    def notice(self, position: np.ndarray, noise: np.ndarray) -> bool:
        """Hold a sighting against rest; whether the thing moves.

        Args:
            position: (3,), known against earlier sightings with covariance `noise` (3, 3).
        """
        if self.moving:
            return True
        off = position - self.position
        total = self.position_covariance + noise
        if float(off @ np.linalg.solve(total, off)) < OUTLIER:
            self._surprise = None
            return False
        before, self._surprise = self._surprise, off
        if before is None or off @ before < 0.5 * (off @ off):
            return False  # once is no motion
        self.restart(position, noise)
        self.moving = True
        self.covariance[3:, 3:] = np.eye(3) * PUSH**2
        return True

    def correct(self, position: np.ndarray, noise: np.ndarray, step: float) -> None:
        """Take in a sighting.

        Args:
            position: (3,), with covariance `noise` (3, 3).
            step: seconds since the one before.
        """
        off = position - self.position
        total = self.position_covariance + noise
        gain = np.linalg.solve(total, self.covariance[:3, :]).T  # (6, 3)
        self.state = self.state + gain @ off
        keep = np.eye(6)
        keep[:, :3] -= gain
        joint = keep @ self.covariance @ keep.T + gain @ noise @ gain.T
        self.covariance = (joint + joint.T) / 2
        if self.moving:
            self._resting += step
            if float(np.linalg.norm(self.position - self._around)) > REST_SPACE:
                self._around, self._resting = self.position.copy(), 0.0
            if self._resting > REST_S:
                self.moving = False
                self.state[3:] = 0.0
                self.covariance[3:, :] = self.covariance[:, 3:] = 0.0

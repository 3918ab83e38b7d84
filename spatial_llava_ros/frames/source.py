"""The one thing all readers are: a named sequence of frames."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

from spatial_llava_ros.types import RgbdFrame


class FrameSource(ABC):
    """Frames by number or in order. Frames are read when asked for; nothing is kept.

    Attributes:
        name: what the source is called in logs and results.
        choices: what was decided on opening it, in words, such as the topics of a bag; empty where nothing was.
    """

    name: str
    choices: str = ""

    @abstractmethod
    def __len__(self) -> int:
        """How many frames there are."""

    @abstractmethod
    def __getitem__(self, index: int) -> RgbdFrame:
        """Frame `index`, counted from 0, or from the end when negative.

        Raises:
            IndexError: no such frame.
            InvalidInputError: the frame cannot be read.
        """

    def __iter__(self) -> Iterator[RgbdFrame]:
        for index in range(len(self)):
            yield self[index]

    def answers(self) -> list[tuple[int, dict[str, Any]]]:
        """Answers recorded along with the frames: (ns, as `types.answer_as_dict` makes them), in order."""
        return []

    def close(self) -> None:  # noqa: B027 - most readers hold nothing open
        """Let go of open files."""

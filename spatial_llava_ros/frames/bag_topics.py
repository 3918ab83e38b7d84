"""Which topics of a bag are the colour picture, the depth that belongs to it, and their calibration.

What a picture is, its encoding says; names only decide between several of a kind. They follow the drivers
of RealSense, ZED, OAK, Orbbec and Kinect, depth_image_proc, and this package's own topics.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.frames.color import COLOR_ENCODINGS

_REGISTERED = re.compile(r"aligned|registered|registration")
_RECTIFIED = re.compile(r"rect(_|/|$)|rectified|rect_color")
# Pictures that are drawn rather than seen, or seen by another eye than the one depth is registered to.
_LESS_LIKELY = re.compile(r"infra|/ir|fisheye|thermal|right|debug|annotated|overlay|mask|segment|label|depth")
_LIKELY = re.compile(r"rgb|colou?r")


@dataclass(frozen=True)
class ImageTopic:
    """One image topic, known from its first message.

    Attributes:
        name: of the topic.
        encoding: as the message has it; for a compressed picture its format text.
        compressed: sensor_msgs/CompressedImage rather than Image.
        shape: (height, width).
        frame_id: of the message.
    """

    name: str
    encoding: str
    compressed: bool
    shape: tuple[int, int]
    frame_id: str

    @property
    def is_depth(self) -> bool:
        """Whether its pixels are distances."""
        if self.compressed:
            return "compressedDepth" in self.encoding or self.encoding.startswith(("16UC1", "32FC1"))
        return self.encoding in ("16UC1", "32FC1") or (self.encoding == "mono16" and "depth" in self.name)

    @property
    def is_color(self) -> bool:
        """Whether its pixels are what a person would see."""
        return not self.is_depth and (self.compressed or self.encoding in COLOR_ENCODINGS)

    @property
    def is_rectified(self) -> bool:
        """Whether, by its name, the lens distortion is out already."""
        return bool(_RECTIFIED.search(self.name))

    @property
    def says_registered(self) -> bool:
        """Whether, by its name, depth has been brought to the colour camera."""
        return bool(_REGISTERED.search(self.name))

    def __str__(self) -> str:
        return f"{self.name} ({self.encoding}, {self.shape[1]}x{self.shape[0]})"


def choose_images(
    topics: Iterable[ImageTopic], color: str | None = None, depth: str | None = None
) -> tuple[ImageTopic, ImageTopic]:
    """The colour topic and the depth topic that goes with it, best registered to it (see `is_registered`).

    Args:
        color, depth: topics to use instead of searching.

    Raises:
        InvalidInputError: no such topic, or none of a kind.
    """
    topics = tuple(topics)
    colors = [_named(topics, color)] if color else [t for t in topics if t.is_color]
    depths = [_named(topics, depth)] if depth else [t for t in topics if t.is_depth]
    for kind, found in (("colour", colors), ("depth", depths)):
        if not found:
            raise InvalidInputError(f"no {kind} topic found; image topics: {_listed(topics)}")
        if not (found[0].is_depth if kind == "depth" else found[0].is_color):
            raise InvalidInputError(f"{found[0]} is not a {kind} topic")
    return max(((c, d) for c in colors for d in depths), key=lambda pair: _likelihood(*pair))


def is_registered(color: ImageTopic, depth: ImageTopic) -> bool:
    """Whether the depth lies on the colour picture, pixel by pixel: by frame, or as its name says."""
    return color.shape == depth.shape and (color.frame_id == depth.frame_id or depth.says_registered)


def choose_camera_info(infos: Iterable[str], *topics: ImageTopic, given: str | None = None) -> str:
    """The calibration topic beside the first image topic by name, else beside the next, else the only one there is.

    Raises:
        InvalidInputError: none fits.
    """
    infos = sorted(set(infos))
    if given:
        if given not in infos:
            raise InvalidInputError(f"no camera_info topic '{given}'; there are: {', '.join(infos) or 'none'}")
        return given
    for topic in topics:
        parts = topic.name.split("/")
        for depth_of_path in range(len(parts) - 1, 1, -1):  # image_raw/compressed lies one deeper than image_raw
            beside = "/".join([*parts[:depth_of_path], "camera_info"])
            if beside in infos:
                return beside
    if len(infos) == 1:
        return infos[0]
    raise InvalidInputError(f"no camera_info beside {topics[0].name}; there are: {', '.join(infos) or 'none'}")


def _likelihood(color: ImageTopic, depth: ImageTopic) -> tuple[float, ...]:
    """Larger for pairs that more likely are what is wanted; compared from the first number on."""
    shared = 0
    for a, b in zip(color.name.split("/"), depth.name.split("/"), strict=False):
        if a != b:
            break
        shared += 1
    return (
        is_registered(color, depth),
        -len(_LESS_LIKELY.findall(color.name)),
        bool(_LIKELY.search(color.name)),
        shared,
        "mono" not in color.encoding,
        depth.says_registered,
        color.is_rectified,
        not color.compressed,
        not depth.compressed,
        color.shape[0] * color.shape[1],
    )


def _named(topics: tuple[ImageTopic, ...], name: str) -> ImageTopic:
    found = next((t for t in topics if t.name == name), None)
    if found is None:
        raise InvalidInputError(f"no image topic '{name}'; image topics: {_listed(topics)}")
    return found


def _listed(topics: Iterable[ImageTopic]) -> str:
    return ", ".join(str(t) for t in topics) or "none"

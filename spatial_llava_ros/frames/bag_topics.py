"""Which topics of a bag are the colour picture, the depth that fits it, and its calibration.

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
    """The colour topic and the depth topic registered to it.

    Args:
        color, depth: topics to use instead of searching.

    Raises:
        InvalidInputError: no such topic, none of a kind, or depth that does not lie on the colour picture.
    """
    topics = tuple(topics)
    colors = [_named(topics, color)] if color else [t for t in topics if t.is_color]
    depths = [_named(topics, depth)] if depth else [t for t in topics if t.is_depth]
    for kind, found in (("colour", colors), ("depth", depths)):
        if not found:
            raise InvalidInputError(f"no {kind} topic found; image topics: {_listed(topics)}")
        if not (found[0].is_depth if kind == "depth" else found[0].is_color):
            raise InvalidInputError(f"{found[0]} is not a {kind} topic")
    fitting = [(c, d) for c in colors for d in depths if c.shape == d.shape and c is not d]
    if not fitting:
        raise InvalidInputError(
            f"no depth of the size of the colour picture: {_listed([*colors, *depths])}; record aligned depth"
        )
    best = max(fitting, key=lambda pair: _likelihood(*pair))
    if not (color and depth) and best[0].frame_id != best[1].frame_id and not best[1].says_registered:
        raise InvalidInputError(
            f"depth {best[1].name} is in frame '{best[1].frame_id}', colour {best[0].name} in '{best[0].frame_id}': "
            "record aligned depth, or name both topics if they are aligned"
        )
    return best


def choose_camera_info(infos: Iterable[str], color: ImageTopic, depth: ImageTopic, given: str | None = None) -> str:
    """The calibration topic of the colour picture: beside it by name, else beside its depth, else the only one.

    Raises:
        InvalidInputError: none fits.
    """
    infos = sorted(set(infos))
    if given:
        if given not in infos:
            raise InvalidInputError(f"no camera_info topic '{given}'; there are: {', '.join(infos) or 'none'}")
        return given
    for topic in (color, depth):
        parts = topic.name.split("/")
        for depth_of_path in range(len(parts) - 1, 1, -1):  # image_raw/compressed lies one deeper than image_raw
            beside = "/".join([*parts[:depth_of_path], "camera_info"])
            if beside in infos:
                return beside
    if len(infos) == 1:
        return infos[0]
    raise InvalidInputError(f"no camera_info beside {color.name}; there are: {', '.join(infos) or 'none'}")


def _likelihood(color: ImageTopic, depth: ImageTopic) -> tuple[float, ...]:
    """Larger for pairs that more likely are what is wanted; compared from the first number on."""
    shared = 0
    for a, b in zip(color.name.split("/"), depth.name.split("/"), strict=False):
        if a != b:
            break
        shared += 1
    return (
        color.frame_id == depth.frame_id or depth.says_registered,
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

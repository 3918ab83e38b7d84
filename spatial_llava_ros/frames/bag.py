"""rosbag2 recordings (mcap or sqlite3) as frames, read with `rosbags`, without ROS.

Bags are larger than memory: frames are decoded one by one as they are asked for. Frame i is found by reading
up to it, undecoded, from the frame asked for before, or from the start when that came later.
"""

from __future__ import annotations

import json
import struct
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rosbags.highlevel import AnyReader
from rosbags.interfaces import Connection
from rosbags.typesys import Stores, get_typestore

from spatial_llava_ros.errors import InvalidInputError, SpatialLlavaError
from spatial_llava_ros.frames.bag_topics import ImageTopic, choose_camera_info, choose_images, is_registered
from spatial_llava_ros.frames.calibration import Calibration, calibration
from spatial_llava_ros.frames.color import decode_color
from spatial_llava_ros.frames.depth import decode_compressed_depth, decode_depth
from spatial_llava_ros.frames.pairing import StampPairs
from spatial_llava_ros.frames.pictures import decode_compressed_color
from spatial_llava_ros.frames.registration import register_depth
from spatial_llava_ros.frames.source import FrameSource
from spatial_llava_ros.frames.transforms import TransformBuffer, TransformError
from spatial_llava_ros.types import RgbdFrame

_IMAGE = "sensor_msgs/msg/Image"
_COMPRESSED = "sensor_msgs/msg/CompressedImage"
_INFO = "sensor_msgs/msg/CameraInfo"
_TF = "tf2_msgs/msg/TFMessage"
_STRING = "std_msgs/msg/String"
_MAX_SLACK = 50_000_000  # ns; pictures farther apart than this show different moments
_TF_WAIT = 500_000_000  # ns that a picture waits, in bag time, for the transform after it
_TF_TOLERANCE = 0.1  # s that a pose may be taken before or after the transforms recorded


class _Raw(NamedTuple):
    """A message as recorded."""

    stamp: int
    connection: Connection
    data: bytes


class BagSource(FrameSource):
    """Frames of a rosbag2: colour and depth, raw or compressed, paired by stamp, with poses where /tf has them.

    Depth that is not aligned to the colour picture is registered to it by the two calibrations and /tf_static.

    Args:
        path: folder with metadata.yaml, .mcap file or .db3 file, or folder with such files.
        color, depth, camera_info: topics to use; found by type, encoding and name when None. Who names both colour
            and depth of one size says that they are aligned.

    Attributes:
        color, depth: the `ImageTopic` used.
        info_topic: of the calibration used.
        world_frame_id: frame that poses are given in; empty when /tf does not say.

    Raises:
        InvalidInputError: not a rosbag2, damaged, or without the topics needed.
    """

    def __init__(
        self, path: Path, color: str | None = None, depth: str | None = None, camera_info: str | None = None
    ) -> None:
        self.name = str(path)
        self._length: int | None = None
        self._cursor: tuple[int, Iterator[Any]] = (0, iter(()))  # number of the pair that the iterator gives next
        try:
            # Bags of ROS 2 Humble and older in sqlite3 carry no message definitions.
            files = [path]
            if path.is_dir() and not (path / "metadata.yaml").exists():  # a recording that was not ended properly
                files = sorted(f for f in path.iterdir() if f.suffix in (".mcap", ".db3"))
            self._reader = AnyReader(files, default_typestore=get_typestore(Stores.ROS2_HUMBLE))
            self._reader.open()
        except Exception as error:  # whatever a parser says about a file that is something else
            raise InvalidInputError(f"{path}: not a readable rosbag2 ({_reason(error)})") from error
        try:
            self._connections = [c for c in self._reader.connections if c.msgcount]
            images = self._of_type(_IMAGE, _COMPRESSED)
            self.color, self.depth = choose_images((self._image_topic(c) for c in images), color, depth)
            infos = {c.topic: c for c in self._of_type(_INFO)}
            self.info_topic = choose_camera_info(infos, self.color, self.depth, given=camera_info)
            self._calibration = self._read_calibration(infos[self.info_topic], self.color)
            start = self._first_transforms()
            self.world_frame_id = (start.world_from(self.color.frame_id) or ("", None))[0]
            self._color_from_depth: np.ndarray | None = None
            self._depth_calibration = self._calibration
            aligned_by_user = bool(color and depth) and self.color.shape == self.depth.shape
            if not (is_registered(self.color, self.depth) or aligned_by_user):
                self._depth_calibration, self._color_from_depth = self._registration(infos, start)
            moved = " moved to colour" if self._color_from_depth is not None else ""
            self.choices = f"colour {self.color}, depth {self.depth}{moved}, calibration {self.info_topic}"
        except SpatialLlavaError as error:
            self.close()
            raise InvalidInputError(f"{path}: {error}") from error

    def __len__(self) -> int:
        if self._length is None:
            self._length = sum(1 for _ in self._pairs())
        return self._length

    def __getitem__(self, index: int) -> RgbdFrame:
        wanted = index + len(self) if index < 0 else index
        at, pairs = self._cursor
        if at == 0 or at > wanted:
            at, pairs = 0, self._posed_pairs()
        pair = next(islice(pairs, wanted - at, None), None) if wanted >= 0 else None
        if pair is None:
            self._cursor = (0, iter(()))
            raise IndexError(f"{self.name}: no frame {index}")
        self._cursor = (wanted + 1, pairs)
        return self._decode(*pair)

    def __iter__(self) -> Iterator[RgbdFrame]:
        for color, depth, pose in self._posed_pairs():
            yield self._decode(color, depth, pose)

    def answers(self) -> list[tuple[int, dict[str, Any]]]:
        """What `output.mcap_log` records on /answer; what is no such JSON is left out."""
        said = []
        for connection, time, raw in self._messages([c for c in self._of_type(_STRING) if c.topic == "/answer"]):
            try:
                record = json.loads(self._message(raw, connection).data)
            except ValueError:
                continue
            if isinstance(record, dict) and isinstance(record.get("query"), str):
                said.append((time, record))
        return said

    def close(self) -> None:
        """Close the files."""
        if self._reader.stack:
            self._reader.close()

    def _of_type(self, *types: str) -> list[Connection]:
        return [c for c in self._connections if c.msgtype in types]

    def _messages(self, connections: list[Connection], start: int | None = None, stop: int | None = None) -> Iterator:
        """(connection, bag time in ns, bytes) in order of bag time; a damaged file ends in InvalidInputError."""
        if not connections:
            return
        try:
            yield from self._reader.messages(connections, start, stop)
        except Exception as error:
            raise InvalidInputError(f"{self.name}: damaged ({_reason(error)})") from error

    def _message(self, raw: bytes, connection: Connection) -> Any:
        try:
            return self._reader.deserialize(raw, connection.msgtype)
        except Exception as error:
            raise InvalidInputError(f"message on {connection.topic} is damaged ({_reason(error)})") from error

    def _first(self, connection: Connection) -> Any:
        for _, _, raw in self._messages([connection]):
            return self._message(raw, connection)
        raise InvalidInputError(f"no message on {connection.topic}")

    def _image_topic(self, connection: Connection) -> ImageTopic:
        message = self._first(connection)
        name, frame_id = connection.topic, message.header.frame_id
        if connection.msgtype == _IMAGE:
            return ImageTopic(name, message.encoding, False, (message.height, message.width), frame_id)
        unsized = ImageTopic(name, message.format, True, (0, 0), frame_id)
        try:
            picture = _decode_image(message, unsized)
        except InvalidInputError:
            return unsized  # something else that is compressed; it only matters if it is asked for
        return ImageTopic(name, message.format, True, picture.shape[:2], frame_id)

    def _read_calibration(self, connection: Connection, image: ImageTopic) -> Calibration:
        info = self._first(connection)
        if (info.height, info.width) != image.shape:
            raise InvalidInputError(
                f"{connection.topic} is for {info.width}x{info.height} pixels, {image.name} has "
                f"{image.shape[1]}x{image.shape[0]}"
            )
        numbers = (info.width, info.height, info.k, info.p, info.d, info.distortion_model)
        return calibration(*numbers, image.is_rectified, connection.topic)

    def _registration(self, infos: dict[str, Connection], start: TransformBuffer) -> tuple[Calibration, np.ndarray]:
        """What it takes to bring the depth to the colour camera: its own calibration, and color_from_depth (4, 4)."""
        try:
            topic = choose_camera_info(infos, self.depth)
            if topic == self.info_topic:
                raise InvalidInputError(f"no camera_info beside {self.depth.name}")
            return (
                self._read_calibration(infos[topic], self.depth),
                start.lookup(self.color.frame_id, self.depth.frame_id),
            )
        except SpatialLlavaError as error:
            raise InvalidInputError(
                f"depth {self.depth} in frame '{self.depth.frame_id}' does not lie on colour {self.color} in "
                f"'{self.color.frame_id}' and cannot be moved there ({error}); record aligned depth"
            ) from error

    def _transforms(self) -> list[Connection]:
        return [c for c in self._of_type(_TF) if c.topic.endswith(("/tf", "/tf_static"))]

    def _first_transforms(self) -> TransformBuffer:
        """Transforms of the first seconds: they decide which frame poses are given in, one for the whole bag."""
        buffer = TransformBuffer()
        stop = self._reader.start_time + 2_000_000_000
        for connection, _, raw in self._messages(self._transforms(), stop=stop):
            self._feed(buffer, connection, raw)
        return buffer

    def _feed(self, buffer: TransformBuffer, connection: Connection, raw: bytes) -> None:
        static = connection.topic.endswith("/tf_static")
        for item in self._message(raw, connection).transforms:
            t, q, stamp = item.transform.translation, item.transform.rotation, item.header.stamp
            try:
                buffer.add(
                    item.header.frame_id,
                    item.child_frame_id,
                    stamp.sec * 1_000_000_000 + stamp.nanosec,
                    (t.x, t.y, t.z),
                    (q.x, q.y, q.z, q.w),
                    static,
                )
            except InvalidInputError:
                continue  # one broken transform must not hide the pictures

    def _slack(self) -> int:
        """Half the shorter frame period, nanoseconds."""
        counts = [sum(c.msgcount for c in self._connections if c.topic == t.name) for t in (self.color, self.depth)]
        period = self._reader.duration // max(max(counts) - 1, 1)
        return min(period // 2, _MAX_SLACK) if max(counts) > 1 else _MAX_SLACK

    def _pairs(self, buffer: TransformBuffer | None = None) -> Iterator[tuple[int, _Raw | None, _Raw | None]]:
        """(bag time, colour, depth) of each pair, undecoded. With a buffer, transforms go into it, and every other
        message gives (bag time, None, None), so that the caller knows how far the bag has been read.
        """
        streams = {self.color.name: 0, self.depth.name: 1}
        wanted = [c for c in self._connections if c.topic in streams]
        transforms = self._transforms() if buffer is not None else []
        pairing: StampPairs[_Raw] = StampPairs(self._slack())
        time = 0
        for connection, time, data in self._messages(wanted + transforms):
            if connection.topic not in streams:
                self._feed(buffer, connection, data)
                yield time, None, None
                continue
            raw = _Raw(_stamp(data) or time, connection, data)
            for color, depth in pairing.push(streams[connection.topic], raw.stamp, raw):
                yield time, color, depth
        for color, depth in pairing.finish():
            yield time, color, depth

    def _posed_pairs(self) -> Iterator[tuple[_Raw, _Raw, np.ndarray | None]]:
        """Pairs with world_from_camera at the stamp of the colour picture, held back until the transform after that
        stamp has been read.
        """
        if not self.world_frame_id:
            yield from ((color, depth, None) for _, color, depth in self._pairs())
            return
        buffer = TransformBuffer()
        for connection, _, raw in self._messages([c for c in self._transforms() if c.topic.endswith("/tf_static")]):
            self._feed(buffer, connection, raw)
        waiting: deque[tuple[int, _Raw, _Raw]] = deque()
        for time, color, depth in self._pairs(buffer):
            if color is not None:
                waiting.append((time, color, depth))
            while waiting:
                pose = self._pose(buffer, waiting[0][1].stamp, 0.0)
                if pose is None and time - waiting[0][0] < _TF_WAIT:
                    break
                _, color, depth = waiting.popleft()
                yield color, depth, pose if pose is not None else self._pose(buffer, color.stamp, _TF_TOLERANCE)
        for _, color, depth in waiting:
            yield color, depth, self._pose(buffer, color.stamp, _TF_TOLERANCE)

    def _pose(self, buffer: TransformBuffer, stamp: int, tolerance_s: float) -> np.ndarray | None:
        try:
            return buffer.lookup(self.world_frame_id, self.color.frame_id, stamp, tolerance_s)
        except TransformError:
            return None

    def _decode(self, color: _Raw, depth: _Raw, pose: np.ndarray | None) -> RgbdFrame:
        try:
            seen = _decode_image(self._message(color.data, color.connection), self.color)
            measured = _decode_image(self._message(depth.data, depth.connection), self.depth)
            intrinsics, of_depth = self._calibration.intrinsics, self._depth_calibration.intrinsics
            measured = self._depth_calibration.rectify_depth(measured)
            if self._color_from_depth is not None:
                measured = register_depth(measured, of_depth, self._color_from_depth, intrinsics)
            return RgbdFrame(
                self._calibration.rectify_color(seen),
                measured,
                intrinsics,
                stamp=color.stamp,
                frame_id=self.color.frame_id,
                world_from_camera=pose,
                world_frame_id=self.world_frame_id if pose is not None else "",
            )
        except SpatialLlavaError as error:
            raise InvalidInputError(f"{self.name}: frame at {color.stamp / 1e9:.3f} s: {error}") from error


def _decode_image(message: Any, topic: ImageTopic) -> np.ndarray:
    if topic.compressed:
        return (decode_compressed_depth if topic.is_depth else decode_compressed_color)(message.data, message.format)
    decode = decode_depth if topic.is_depth else decode_color
    return decode(
        message.data, message.encoding, message.height, message.width, message.step, bool(message.is_bigendian)
    )


def _stamp(data: bytes) -> int:
    """Header stamp in nanoseconds from a serialised message that begins with a std_msgs/Header (CDR)."""
    seconds, nanoseconds = struct.unpack_from("<iI" if data[1] & 1 else ">iI", data, 4)
    return seconds * 1_000_000_000 + nanoseconds


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__

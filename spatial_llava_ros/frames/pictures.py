"""Compressed pictures (PNG, JPEG, TIFF) to arrays, with the checks that image libraries leave out.

libjpeg and libpng fill what is missing from a truncated file with grey and say nothing that reaches
Python; a grey half picture would then be measured as if it had been seen.
"""

from __future__ import annotations

import zlib

import cv2
import numpy as np

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.frames.buffers import check_size

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"


def decode_picture(data: object, name: str, flags: int) -> np.ndarray:
    """Decode PNG, JPEG or TIFF bytes; colour comes in OpenCV's order, blue first.

    Args:
        data: bytes-like.
        name: what the picture is called in an error.
        flags: of cv2.imdecode. The EXIF orientation is always ignored: depth and calibration know
            only the pixels as they lie.

    Raises:
        InvalidInputError: empty, truncated, damaged or unknown data.
    """
    data = bytes(data)
    if data.startswith(_PNG):
        _check_png(data, name)
    elif data.startswith(_JPEG):
        # Inside coded data every 0xff is followed by 0x00 or a restart marker: an end marker is an end.
        if data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda"):
            raise InvalidInputError(f"{name}: JPEG is cut off after {len(data)} bytes")
    elif not data:
        raise InvalidInputError(f"{name}: empty file")
    if flags == cv2.IMREAD_COLOR:
        flags |= cv2.IMREAD_IGNORE_ORIENTATION
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise InvalidInputError(f"{name}: cannot be decoded ({error.err or 'image library error'})") from None
    if picture is None:
        raise InvalidInputError(f"{name}: not a readable PNG or JPEG (starts with {data[:8]!r})")
    return picture


def decode_compressed_color(data: object, format: str = "") -> np.ndarray:
    """Compressed colour (sensor_msgs/CompressedImage: JPEG or PNG) to (H, W, 3) uint8 RGB.

    Args:
        data: the message's bytes.
        format: the message's format text, such as "rgb8; jpeg compressed bgr8"; only named in errors, since
            the bytes themselves say what they are and OpenCV always decodes to one known order.

    Raises:
        InvalidInputError: data that do not decode.
    """
    name = f"colour in format '{format}'"
    return cv2.cvtColor(decode_picture(data, name, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def _check_png(data: bytes, name: str) -> None:
    """Walk the chunks: each must be whole, with the right checksum, up to the end chunk."""
    view, at = memoryview(data), len(_PNG)
    while at + 12 <= len(data):
        length = int.from_bytes(view[at : at + 4], "big")
        kind = bytes(view[at + 4 : at + 8])
        end = at + 12 + length
        if end > len(data):
            break
        if zlib.crc32(view[at + 4 : end - 4]) != int.from_bytes(view[end - 4 : end], "big"):
            raise InvalidInputError(f"{name}: PNG is damaged (checksum of the {length} bytes at byte {at + 8})")
        if kind == b"IHDR" and length >= 8:
            width, height = (int.from_bytes(view[at + 8 + i : at + 12 + i], "big") for i in (0, 4))
            check_size(height, width, name)
        if kind == b"IEND":
            return
        at = end
    raise InvalidInputError(f"{name}: PNG is cut off after {len(data)} bytes")

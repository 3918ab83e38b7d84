"""Raw colour pictures to RGB, by the encoding names of sensor_msgs (image_encodings.hpp)."""

from __future__ import annotations

import cv2
import numpy as np

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.frames.buffers import rows_of

# encoding: (bits per channel, channels in the buffer, OpenCV conversion to RGB or None where it is RGB already)
_PLAIN = {
    "rgb8": (8, 3, None),
    "bgr8": (8, 3, cv2.COLOR_BGR2RGB),
    "rgba8": (8, 4, cv2.COLOR_RGBA2RGB),
    "bgra8": (8, 4, cv2.COLOR_BGRA2RGB),
    "mono8": (8, 1, cv2.COLOR_GRAY2RGB),
    "8UC1": (8, 1, cv2.COLOR_GRAY2RGB),
    "8UC3": (8, 3, cv2.COLOR_BGR2RGB),  # says nothing of colour; OpenCV's own order is what writers of it mean
    "8UC4": (8, 4, cv2.COLOR_BGRA2RGB),
    "rgb16": (16, 3, None),
    "bgr16": (16, 3, cv2.COLOR_BGR2RGB),
    "rgba16": (16, 4, cv2.COLOR_RGBA2RGB),
    "bgra16": (16, 4, cv2.COLOR_BGRA2RGB),
    "mono16": (16, 1, cv2.COLOR_GRAY2RGB),
    # OpenCV names a Bayer pattern by its second row and column, ROS by the first.
    "bayer_rggb8": (8, 1, cv2.COLOR_BayerBG2RGB),
    "bayer_bggr8": (8, 1, cv2.COLOR_BayerRG2RGB),
    "bayer_gbrg8": (8, 1, cv2.COLOR_BayerGR2RGB),
    "bayer_grbg8": (8, 1, cv2.COLOR_BayerGB2RGB),
    "bayer_rggb16": (16, 1, cv2.COLOR_BayerBG2RGB),
    "bayer_bggr16": (16, 1, cv2.COLOR_BayerRG2RGB),
    "bayer_gbrg16": (16, 1, cv2.COLOR_BayerGR2RGB),
    "bayer_grbg16": (16, 1, cv2.COLOR_BayerGB2RGB),
    "yuv422": (8, 2, cv2.COLOR_YUV2RGB_UYVY),
    "uyvy": (8, 2, cv2.COLOR_YUV2RGB_UYVY),
    "yuv422_yuy2": (8, 2, cv2.COLOR_YUV2RGB_YUYV),
    "yuyv": (8, 2, cv2.COLOR_YUV2RGB_YUYV),
}
# Two planes: brightness at full size, then the two colour differences interleaved at half size.
_PLANAR = {"nv12": cv2.COLOR_YUV2RGB_NV12, "nv21": cv2.COLOR_YUV2RGB_NV21}

COLOR_ENCODINGS = (*_PLAIN, *_PLANAR)


def decode_color(
    buffer: object, encoding: str, height: int, width: int, step: int = 0, is_bigendian: bool = False
) -> np.ndarray:
    """Raw colour image to (H, W, 3) uint8 RGB. rgb8 comes back as a view of the buffer.

    16-bit channels keep their upper byte. nv12 and nv21 have one and a half times `height` rows in the buffer.

    Args:
        buffer: anything with the buffer protocol.
        step: bytes per row with padding; 0 for none.

    Raises:
        InvalidInputError: an unknown encoding, or a buffer or step too short for the size.
    """
    if encoding in _PLANAR:
        if height % 2 or width % 2:
            raise InvalidInputError(f"{encoding} image must have even sides, got {width}x{height}")
        rows = rows_of(buffer, np.dtype(np.uint8), 1, height * 3 // 2, width, step, encoding)
        return cv2.cvtColor(np.ascontiguousarray(rows), _PLANAR[encoding])
    if encoding not in _PLAIN:
        raise InvalidInputError(f"colour encoding '{encoding}' is not supported; known: {', '.join(COLOR_ENCODINGS)}")
    bits, channels, conversion = _PLAIN[encoding]
    if channels == 2 and width % 2:
        raise InvalidInputError(f"{encoding} image must have an even width, got {width}x{height}")
    dtype = np.dtype("u1" if bits == 8 else (">u2" if is_bigendian else "<u2"))
    picture = rows_of(buffer, dtype, channels, height, width, step, encoding)
    if bits == 16:
        picture = (picture >> 8).astype(np.uint8)
    return picture if conversion is None else cv2.cvtColor(picture, conversion)

"""RVL, the run-length depth codec of Wilson, "Fast Lossless Depth Image Compression" (ISS 2017), on whole arrays.

The stream is groups of "so many zeros, so many values, the values' differences in zigzag", each number as
nibbles of three bits, low bits first, the fourth bit set where more follow. Nibbles fill little-endian
32-bit words from the top. compressed_depth_image_transport puts columns and rows, uint32, before it.
"""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.frames.buffers import check_size


def decode_rvl(data: object) -> np.ndarray:
    """RVL message payload (8 bytes of size, then the stream) to (H, W) uint16.

    Raises:
        InvalidInputError: an impossible size, or a stream that ends early or overruns the picture.
    """
    if len(data) < 8:
        raise InvalidInputError(f"RVL depth of {len(data)} bytes has no header")
    width, height = (int(v) for v in np.frombuffer(data, "<u4", 2))
    check_size(height, width, "RVL depth")
    numbers = _numbers(np.frombuffer(data, "<u4", (len(data) - 8) // 4, 8))
    heads, zeros, values = _runs(numbers, width * height)

    is_delta = np.ones(heads[-1] + 2 + values[-1] if len(heads) else 0, bool)
    is_delta[heads] = is_delta[heads + 1] = False
    zigzag = numbers[: is_delta.size][is_delta]
    levels = np.cumsum((zigzag >> 1) ^ -(zigzag & 1), dtype=np.int32)

    depth = np.zeros(width * height, np.uint16)
    lengths = np.stack([zeros, values], axis=1).ravel()
    measured = np.repeat(np.tile([False, True], len(heads)), lengths)
    depth[: measured.size][measured] = levels
    return depth.reshape(height, width)


def _numbers(words: np.ndarray) -> np.ndarray:
    """All variable-length numbers of the stream, (N,) int32."""
    octets = words.astype(">u4").view(np.uint8)
    nibbles = np.empty(2 * octets.size, np.uint8)
    nibbles[0::2] = octets >> 4
    nibbles[1::2] = octets & 15
    last = np.flatnonzero(nibbles < 8)
    if last.size == 0:
        return np.zeros(0, np.int32)
    length = np.diff(last, prepend=-1)
    numbers = (nibbles[last] & 7).astype(np.int32)
    # Most numbers are one or two nibbles: add each earlier nibble only where there is one.
    numbers <<= 3 * np.minimum(length - 1, 9).astype(np.int32)
    for back in range(1, min(int(length.max()), 10)):
        has = np.flatnonzero(length > back)
        bits = (nibbles[last[has] - back] & 7).astype(np.int32)
        numbers[has] |= bits << (3 * (length[has] - 1 - back)).astype(np.int32)
    return numbers


def _runs(numbers: np.ndarray, pixels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where each group starts among the numbers, its count of zeros and its count of values."""
    view = memoryview(np.ascontiguousarray(numbers))
    total, at, filled = len(view), 0, 0
    heads, zeros, values = [], [], []
    while filled < pixels:
        if at + 1 >= total:
            raise InvalidInputError(f"RVL depth ends after {filled} of {pixels} pixels")
        nothing, something = view[at], view[at + 1]
        filled += nothing + something
        if nothing < 0 or something < 0 or filled > pixels or at + 2 + something > total or nothing + something == 0:
            raise InvalidInputError(f"RVL depth is damaged near pixel {min(filled, pixels)} of {pixels}")
        heads.append(at)
        zeros.append(nothing)
        values.append(something)
        at += 2 + something
    return np.array(heads), np.array(zeros), np.array(values)

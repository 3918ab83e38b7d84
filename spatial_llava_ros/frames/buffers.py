"""Image buffers as arrays: the layout part of sensor_msgs/Image, with no copy."""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.errors import InvalidInputError

# More pixels than any RGB-D camera has; a claim of more is a broken or hostile file, not a picture.
MAX_PIXELS = 1 << 26


def check_size(height: int, width: int, what: str) -> None:
    """Refuse picture sizes that no camera has, before memory is asked for them.

    Raises:
        InvalidInputError: a side that is not positive, or more than `MAX_PIXELS` in all.
    """
    if height <= 0 or width <= 0:
        raise InvalidInputError(f"{what} has no pixels: {width}x{height}")
    if height * width > MAX_PIXELS:
        raise InvalidInputError(f"{what} of {width}x{height} pixels is larger than any camera's")


def rows_of(
    buffer: object, dtype: np.dtype, channels: int, height: int, width: int, step: int, encoding: str
) -> np.ndarray:
    """View (H, W) or (H, W, channels) of an image buffer that leaves out the padding at the end of each row.

    Args:
        buffer: anything with the buffer protocol: bytes, memoryview, array.array, ndarray.
        dtype: of one channel, byte order included.
        step: bytes from one row to the next, as sensor_msgs/Image has it; 0 means no padding.

    Raises:
        InvalidInputError: a step shorter than a row, or a buffer shorter than the picture.
    """
    check_size(height, width, f"{encoding} image")
    row = width * channels * dtype.itemsize
    step = step or row
    if step < row:
        raise InvalidInputError(f"{encoding} image: step {step} is shorter than a row of {width} pixels ({row} bytes)")
    flat = np.frombuffer(buffer, np.uint8)
    needed = step * (height - 1) + row
    if flat.size < needed:
        raise InvalidInputError(
            f"{encoding} image of {width}x{height} with step {step} needs {needed} bytes, the buffer has {flat.size}"
        )
    shape, strides = (height, width), (step, channels * dtype.itemsize)
    if channels > 1:
        shape, strides = (*shape, channels), (*strides, dtype.itemsize)
    return np.ndarray(shape, dtype, flat, strides=strides)

"""Depth pictures to metres, by their encoding and nothing else (REP-118; invalid values as in REP-117)."""

from __future__ import annotations

import struct

import cv2
import numpy as np

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.frames.buffers import rows_of
from spatial_llava_ros.frames.pictures import decode_picture
from spatial_llava_ros.frames.rvl import decode_rvl

_MILLIMETRE_ENCODINGS = ("16UC1", "mono16")
_METRE_ENCODINGS = ("32FC1",)


def decode_depth(
    buffer: object, encoding: str, height: int, width: int, step: int = 0, is_bigendian: bool = False
) -> np.ndarray:
    """Raw depth image to (H, W) float32 metres, NaN where nothing was measured.

    16UC1 and mono16 are millimetres with 0 invalid; 32FC1 is metres, where zero, negative, infinite
    and NaN are invalid. A 32FC1 picture with nothing to replace comes back as a view of the buffer.

    Args:
        buffer: anything with the buffer protocol.
        step: bytes per row with padding; 0 for none.

    Raises:
        InvalidInputError: another encoding, or a buffer or step too short for the size.
    """
    order = ">" if is_bigendian else "<"
    if encoding in _MILLIMETRE_ENCODINGS:
        return metres_from_integers(rows_of(buffer, np.dtype(order + "u2"), 1, height, width, step, encoding))
    if encoding in _METRE_ENCODINGS:
        return metres_from_float(rows_of(buffer, np.dtype(order + "f4"), 1, height, width, step, encoding))
    raise InvalidInputError(f"depth encoding '{encoding}' is not supported; use 16UC1 (millimetres) or 32FC1 (metres)")


def metres_from_integers(raw: np.ndarray, units_per_metre: float = 1000) -> np.ndarray:
    """(H, W) unsigned integers to float32 metres; 0 becomes NaN."""
    depth = np.divide(raw, np.float32(units_per_metre), dtype=np.float32)
    depth[raw == 0] = np.nan
    return depth


def millimetres_if_exact(depth: np.ndarray) -> np.ndarray | None:
    """(H, W) float32 metres as uint16 millimetres, 0 for NaN, where `metres_from_integers` gives the same back bit for
    bit; else None."""
    with np.errstate(invalid="ignore"):
        millimetres = np.nan_to_num(np.rint(depth * 1000), nan=0, posinf=0).clip(0, 65535).astype(np.uint16)
    return millimetres if np.array_equal(metres_from_integers(millimetres), depth, equal_nan=True) else None


def metres_from_float(raw: np.ndarray) -> np.ndarray:
    """(H, W) float metres to float32; what is not positive and finite becomes NaN."""
    depth = raw.astype(np.float32, copy=False)
    valid = (depth > 0) & (depth < np.inf)
    if valid.all():
        return depth
    return np.where(valid, depth, np.float32(np.nan))


def decode_compressed_depth(data: object, format: str) -> np.ndarray:
    """Compressed depth (sensor_msgs/CompressedImage) to (H, W) float32 metres, NaN where nothing was measured.

    Reads what compressed_depth_image_transport writes — 12 bytes of header, then PNG or RVL, with 32FC1
    quantised in inverse depth — and plain 16-bit PNG or float TIFF from compressed_image_transport.

    Args:
        data: the message's bytes.
        format: the message's format text, such as "16UC1; compressedDepth png".

    Raises:
        InvalidInputError: a format that cannot carry depth, or data that do not decode.
    """
    data = memoryview(data).cast("B") if not isinstance(data, bytes) else data
    encoding, _, transport = (part.strip() for part in format.partition(";"))
    if "compressedDepth" not in transport:
        return _metres_by_type(decode_picture(data, f"depth in format '{format}'", cv2.IMREAD_UNCHANGED), format)
    if encoding not in _MILLIMETRE_ENCODINGS + _METRE_ENCODINGS:
        raise InvalidInputError(f"compressedDepth of encoding '{encoding}' is not supported; use 16UC1 or 32FC1")
    if len(data) <= 12:
        raise InvalidInputError(f"compressedDepth message of {len(data)} bytes holds no picture")
    _, quant_a, quant_b = struct.unpack_from("<iff", data)
    payload = data[12:]
    if transport.split()[-1].lower() == "rvl":
        raw = decode_rvl(payload)
    else:
        raw = decode_picture(payload, f"depth in format '{format}'", cv2.IMREAD_UNCHANGED)
    if raw.dtype != np.uint16 or raw.ndim != 2:
        raise InvalidInputError(f"compressedDepth must hold 16-bit values, got {raw.dtype} of shape {raw.shape}")
    if encoding in _MILLIMETRE_ENCODINGS:
        return metres_from_integers(raw)
    return _metres_from_inverse(raw, quant_a, quant_b)


def _metres_from_inverse(raw: np.ndarray, quant_a: float, quant_b: float) -> np.ndarray:
    """Undo depth = A / (raw - B), by one table of all 16-bit values."""
    with np.errstate(divide="ignore", invalid="ignore"):
        table = np.float32(quant_a) / (np.arange(1 << 16, dtype=np.float32) - np.float32(quant_b))
    table[0] = np.nan
    return metres_from_float(table)[raw]


def _metres_by_type(picture: np.ndarray, format: str) -> np.ndarray:
    if picture.ndim == 2 and picture.dtype == np.uint16:
        return metres_from_integers(picture)
    if picture.ndim == 2 and picture.dtype == np.float32:
        return metres_from_float(picture)
    raise InvalidInputError(
        f"depth in format '{format}' decodes to {picture.dtype} of shape {picture.shape}, which carries no metres; "
        "record compressedDepth or raw depth"
    )

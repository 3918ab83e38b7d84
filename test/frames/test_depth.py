from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.frames import decode_compressed_depth, decode_depth

sizes = st.tuples(st.integers(1, 17), st.integers(1, 23))
millimetres = sizes.flatmap(lambda size: arrays(np.uint16, size))
metres = sizes.flatmap(lambda size: arrays(np.float32, size, elements=st.floats(width=32)))
# Depth as cameras give it: smooth surfaces with holes, which is what RVL is made for.
surfaces = sizes.flatmap(
    lambda size: st.tuples(
        arrays(np.int32, size, elements=st.integers(-3, 3)), st.integers(0, 60_000), arrays(np.bool_, size)
    )
).map(lambda s: np.where(s[2], 0, np.clip(s[1] + np.cumsum(s[0], axis=1), 0, 65535)).astype(np.uint16))


def padded(rows: np.ndarray, padding: int) -> tuple[bytes, int]:
    """Bytes of a picture with rubbish after each row, and its step."""
    height = rows.shape[0]
    octets = np.ascontiguousarray(rows).view(np.uint8).reshape(height, -1)
    return np.hstack([octets, np.full((height, padding), 0xAB, np.uint8)]).tobytes(), octets.shape[1] + padding


def rvl(depth: np.ndarray) -> bytes:
    """The encoder of Wilson 2017, number by number, as in its listing."""
    nibbles: list[int] = []

    def number(value: int) -> None:
        while True:
            nibble, value = value & 7, value >> 3
            nibbles.append(nibble | (8 if value else 0))
            if not value:
                return

    flat, at, previous = depth.ravel().astype(int).tolist(), 0, 0
    while at < len(flat):
        start = at
        while at < len(flat) and flat[at] == 0:
            at += 1
        number(at - start)
        start = at
        while at < len(flat) and flat[at] != 0:
            at += 1
        number(at - start)
        for value in flat[start:at]:
            delta = value - previous
            number((delta << 1) ^ (delta >> 31))
            previous = value
    nibbles += [0] * (-len(nibbles) % 8)
    words = [int("".join(f"{n:x}" for n in nibbles[i : i + 8]), 16) for i in range(0, len(nibbles), 8)]
    return struct.pack(f"<II{len(words)}I", depth.shape[1], depth.shape[0], *words)


def expected(raw: np.ndarray) -> np.ndarray:
    return np.where(raw == 0, np.nan, raw.astype(np.float64) / 1000).astype(np.float32)


@given(millimetres, st.integers(0, 5), st.booleans(), st.sampled_from(["16UC1", "mono16"]))
def test_millimetres_whatever_the_padding_and_byte_order(raw, padding, big, encoding):
    buffer, step = padded(raw.astype(">u2" if big else "<u2"), padding)
    depth = decode_depth(buffer, encoding, *raw.shape, step, big)
    assert depth.dtype == np.float32
    np.testing.assert_array_equal(depth, expected(raw))


@given(metres, st.integers(0, 5), st.booleans())
def test_metres_keep_only_what_was_measured(raw, padding, big):
    buffer, step = padded(raw.astype(">f4" if big else "<f4"), padding)
    depth = decode_depth(buffer, "32FC1", *raw.shape, step, big)
    assert depth.dtype == np.float32 and depth.dtype.isnative
    valid = np.isfinite(raw) & (raw > 0)
    np.testing.assert_array_equal(depth[valid], raw[valid])
    assert np.isnan(depth[~valid]).all()


def test_clean_metres_are_not_copied():
    raw = np.full((4, 6), 1.5, np.float32)
    assert np.shares_memory(decode_depth(raw, "32FC1", 4, 6, 24), raw)


@pytest.mark.parametrize("encoding", ["64FC1", "8UC1", "rgb8", "32SC1", ""])
def test_an_encoding_without_known_units_is_refused_by_name(encoding):
    with pytest.raises(InvalidInputError, match=f"depth encoding '{encoding}' is not supported"):
        decode_depth(bytes(1000), encoding, 4, 4)


@pytest.mark.parametrize(
    ("height", "width", "step", "octets", "message"),
    [
        (4, 6, 12, 47, "16UC1 image of 6x4 with step 12 needs 48 bytes, the buffer has 47"),
        (4, 6, 11, 48, r"step 11 is shorter than a row of 6 pixels \(12 bytes\)"),
        (0, 6, 12, 48, "no pixels: 6x0"),
        (100_000, 100_000, 200_000, 48, "100000x100000 pixels is larger than any camera's"),
    ],
)
def test_sizes_that_do_not_add_up_are_named(height, width, step, octets, message):
    with pytest.raises(InvalidInputError, match=message):
        decode_depth(bytes(octets), "16UC1", height, width, step)


@given(st.one_of(millimetres, surfaces), st.sampled_from(["png", "rvl"]))
def test_compressed_millimetres_come_back_exactly(raw, codec):
    payload = rvl(raw) if codec == "rvl" else cv2.imencode(".png", raw)[1].tobytes()
    data = struct.pack("<iff", 1, 0.0, 0.0) + payload
    depth = decode_compressed_depth(data, f"16UC1; compressedDepth {codec}")
    np.testing.assert_array_equal(depth, expected(raw))


def test_old_format_text_without_a_codec_means_png():
    raw = np.array([[0, 1234], [65535, 1]], np.uint16)
    data = bytes(12) + cv2.imencode(".png", raw)[1].tobytes()
    np.testing.assert_array_equal(decode_compressed_depth(data, "16UC1; compressedDepth"), expected(raw))


@pytest.mark.parametrize("codec", ["png", "rvl"])
def test_float_depth_is_undone_from_inverse_quantisation(codec):
    # As compressed_depth_image_transport quantises: A = z_q (z_q + 1), B = 1 - A / z_max, raw = A / depth + B.
    depth = np.linspace(0.4, 9.5, 600, dtype=np.float32).reshape(20, 30)
    depth[3:5, 4:9] = np.nan
    quantum, farthest = 100.0, 10.0
    a = quantum * (quantum + 1)
    b = 1 - a / farthest
    raw = np.nan_to_num(a / depth + b, nan=0).astype(np.uint16)
    payload = rvl(raw) if codec == "rvl" else cv2.imencode(".png", raw)[1].tobytes()
    back = decode_compressed_depth(struct.pack("<iff", 1, a, b) + payload, f"32FC1; compressedDepth {codec}")
    np.testing.assert_array_equal(np.isnan(back), np.isnan(depth))
    # One step of raw is depth^2 / A metres.
    assert np.nanmax(np.abs(back - depth) / (depth**2 / a)) <= 1.01


def test_plain_pictures_carry_depth_by_their_type():
    raw = np.array([[0, 1234], [65535, 1]], np.uint16)
    png = cv2.imencode(".png", raw)[1].tobytes()
    np.testing.assert_array_equal(decode_compressed_depth(png, "16UC1; png compressed "), expected(raw))
    np.testing.assert_array_equal(decode_compressed_depth(memoryview(png), "png"), expected(raw))
    jpeg = cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
    with pytest.raises(InvalidInputError, match="carries no metres"):
        decode_compressed_depth(jpeg, "jpeg")


@pytest.mark.parametrize(
    ("format", "data", "message"),
    [
        ("8UC1; compressedDepth png", bytes(99), "encoding '8UC1'"),
        ("16UC1; compressedDepth png", bytes(12), "12 bytes holds no picture"),
        ("16UC1; compressedDepth png", bytes(12) + b"rubbish", "not a readable"),
        ("16UC1; compressedDepth rvl", bytes(15), "no header"),
        ("16UC1; compressedDepth rvl", bytes(12) + struct.pack("<II", 1 << 20, 1 << 20), "larger than any"),
        ("16UC1; compressedDepth rvl", bytes(12) + struct.pack("<III", 9, 9, 0), "damaged"),
    ],
)
def test_damaged_compressed_depth_is_refused(format, data, message):
    with pytest.raises(InvalidInputError, match=message):
        decode_compressed_depth(data, format)


@given(surfaces, st.data())
def test_a_cut_off_rvl_stream_never_passes_for_a_picture(raw, data):
    whole = rvl(raw)
    words = data.draw(st.integers(0, (len(whole) - 8) // 4 - 1)) if len(whole) > 8 else 0
    with pytest.raises(InvalidInputError, match="RVL"):
        decode_compressed_depth(bytes(12) + whole[: 8 + 4 * words], "16UC1; compressedDepth rvl")


@given(st.binary(min_size=8, max_size=80), st.integers(1, 30), st.integers(1, 30))
def test_random_bytes_as_rvl_decode_or_are_refused(noise, width, height):
    data = bytes(12) + struct.pack("<II", width, height) + noise
    try:
        depth = decode_compressed_depth(data, "16UC1; compressedDepth rvl")
    except InvalidInputError:
        return
    assert depth.shape == (height, width)

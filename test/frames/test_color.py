from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.frames import decode_color, decode_compressed_color
from spatial_llava_ros.frames.color import COLOR_ENCODINGS

pictures = st.tuples(st.integers(1, 9), st.integers(1, 11)).flatmap(lambda s: arrays(np.uint8, (*s, 3)))

# How each encoding lays out an RGB picture, written from its definition.
LAYOUTS = {
    "rgb8": lambda rgb: rgb,
    "bgr8": lambda rgb: rgb[..., ::-1],
    "8UC3": lambda rgb: rgb[..., ::-1],
    "rgba8": lambda rgb: np.dstack([rgb, rgb[..., 0]]),
    "bgra8": lambda rgb: np.dstack([rgb[..., ::-1], rgb[..., 0]]),
    "rgb16": lambda rgb: rgb.astype(np.uint16) * 256 + 77,
    "bgr16": lambda rgb: rgb[..., ::-1].astype(np.uint16) * 256 + 77,
}


@given(pictures, st.sampled_from(sorted(LAYOUTS)), st.integers(0, 4), st.booleans())
def test_channels_end_up_in_order(rgb, encoding, padding, big):
    laid = LAYOUTS[encoding](rgb)
    if laid.dtype == np.uint16:
        laid = laid.astype(">u2" if big else "<u2")
    octets = np.ascontiguousarray(laid).view(np.uint8).reshape(len(rgb), -1)
    buffer = np.hstack([octets, np.full((len(rgb), padding), 0xAB, np.uint8)]).tobytes()
    decoded = decode_color(buffer, encoding, *rgb.shape[:2], octets.shape[1] + padding, big)
    assert decoded.dtype == np.uint8
    np.testing.assert_array_equal(decoded, rgb)


@given(arrays(np.uint8, (5, 7)), st.booleans())
def test_grey_is_the_same_in_all_channels(grey, big):
    for encoding, laid in (("mono8", grey), ("8UC1", grey), ("mono16", grey.astype(">u2" if big else "<u2") * 256 + 9)):
        rgb = decode_color(laid.astype(laid.dtype.newbyteorder(">" if big else "<")).tobytes(), encoding, 5, 7, 0, big)
        np.testing.assert_array_equal(rgb, np.repeat(grey[..., None], 3, axis=2))


@pytest.mark.parametrize("pattern", ["rggb", "bggr", "gbrg", "grbg"])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("channel", [0, 1, 2])
def test_bayer_patterns_give_pure_colours_back(pattern, bits, channel):
    mosaic = np.zeros((12, 12), np.uint8)
    for i, letter in enumerate(pattern):
        if letter == "rgb"[channel]:
            mosaic[i // 2 :: 2, i % 2 :: 2] = 200
    buffer = mosaic if bits == 8 else mosaic.astype("<u2") * 256
    rgb = decode_color(buffer.tobytes(), f"bayer_{pattern}{bits}", 12, 12)[3:-3, 3:-3]
    others = [c for c in range(3) if c != channel]
    assert (rgb[..., channel] == 200).all() and (rgb[..., others] == 0).all()


def yuv(rgb: tuple[int, int, int]) -> tuple[int, int, int]:
    """BT.601 studio swing, as cameras send it."""
    r, g, b = (v / 255 for v in rgb)
    y = 16 + 65.481 * r + 128.553 * g + 24.966 * b
    u = 128 - 37.797 * r - 74.203 * g + 112.0 * b
    v = 128 + 112.0 * r - 93.786 * g - 18.214 * b
    return round(y), round(u), round(v)


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_yuv_layouts(rgb):
    y, u, v = yuv(rgb)
    plane = bytes([y]) * 48
    buffers = {
        "uyvy": bytes([u, y, v, y]) * 24,
        "yuv422": bytes([u, y, v, y]) * 24,
        "yuyv": bytes([y, u, y, v]) * 24,
        "yuv422_yuy2": bytes([y, u, y, v]) * 24,
        "nv12": plane + bytes([u, v]) * 12,
        "nv21": plane + bytes([v, u]) * 12,
    }
    for encoding, buffer in buffers.items():
        decoded = decode_color(buffer, encoding, 6, 8)
        assert decoded.shape == (6, 8, 3)
        assert np.abs(decoded.astype(int) - rgb).max() <= 4, encoding


def test_rgb_is_not_copied():
    rgb = np.zeros((4, 6, 3), np.uint8)
    assert np.shares_memory(decode_color(rgb, "rgb8", 4, 6, 18), rgb)


@pytest.mark.parametrize("encoding", COLOR_ENCODINGS)
def test_short_buffers_are_named(encoding):
    with pytest.raises(InvalidInputError, match=f"{encoding} image of .* needs .* bytes, the buffer has 20"):
        decode_color(bytes(20), encoding, 6, 8)


def test_unknown_encodings_and_odd_sizes_are_refused():
    with pytest.raises(InvalidInputError, match="colour encoding 'rgb9' is not supported; known: rgb8, bgr8"):
        decode_color(bytes(999), "rgb9", 4, 4)
    with pytest.raises(InvalidInputError, match="uyvy image must have an even width, got 5x4"):
        decode_color(bytes(999), "uyvy", 4, 5)
    with pytest.raises(InvalidInputError, match="nv12 image must have even sides, got 4x5"):
        decode_color(bytes(999), "nv12", 5, 4)


@given(pictures)
def test_png_is_exact(rgb):
    png = cv2.imencode(".png", rgb[..., ::-1])[1]
    np.testing.assert_array_equal(decode_compressed_color(png, "rgb8; png compressed bgr8"), rgb)


def test_jpeg_keeps_red_red():
    red = np.zeros((16, 16, 3), np.uint8)
    red[..., 0] = 220
    jpeg = cv2.imencode(".jpg", red[..., ::-1])[1].tobytes()
    decoded = decode_compressed_color(jpeg, "bgr8; jpeg compressed bgr8").astype(int)
    assert np.abs(decoded - red).max() < 12


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_every_cut_off_picture_is_refused(suffix):
    rgb = np.random.default_rng(1).integers(0, 255, (24, 32, 3), dtype=np.uint8)
    whole = cv2.imencode(suffix, rgb)[1].tobytes()
    assert decode_compressed_color(whole).shape == (24, 32, 3)
    for length in (*range(0, 80), len(whole) // 2, len(whole) - 20, len(whole) - 2):
        with pytest.raises(InvalidInputError):
            decode_compressed_color(whole[:length])


def test_a_flipped_bit_in_a_png_is_found():
    whole = bytearray(cv2.imencode(".png", np.zeros((24, 32, 3), np.uint8))[1].tobytes())
    whole[60] ^= 4
    with pytest.raises(InvalidInputError, match="damaged"):
        decode_compressed_color(bytes(whole))


def test_exif_rotation_is_ignored_since_depth_does_not_know_it():
    jpeg = cv2.imencode(".jpg", np.zeros((8, 16, 3), np.uint8))[1].tobytes()
    # APP1: big-endian TIFF with one entry, orientation = 6 (turned by 90 degrees).
    tiff = b"MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00"
    exif = b"Exif\x00\x00" + tiff
    turned = jpeg[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + jpeg[2:]
    assert cv2.imdecode(np.frombuffer(turned, np.uint8), cv2.IMREAD_COLOR).shape == (16, 8, 3)
    assert decode_compressed_color(turned).shape == (8, 16, 3)

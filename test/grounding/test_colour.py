import numpy as np
import pytest

from spatial_llava_ros.grounding.colour import NAMES, colour_fit, colour_index, exposure, name_shares, white_balance

SAMPLES = {
    "red": [(200, 30, 30), (120, 20, 25), (150, 50, 45)],
    "orange": [(240, 130, 20), (235, 110, 40)],
    "yellow": [(240, 220, 40), (220, 180, 40)],
    "green": [(40, 140, 50), (20, 80, 30), (120, 200, 90)],
    "blue": [(40, 70, 190), (20, 30, 110), (110, 170, 220)],
    "purple": [(120, 40, 140), (90, 50, 150)],
    "pink": [(255, 160, 190), (240, 80, 160)],
    "brown": [(110, 65, 30), (160, 120, 80), (90, 55, 35)],
    "white": [(240, 240, 240), (230, 225, 218)],
    "grey": [(128, 128, 128), (150, 152, 155)],
    "black": [(15, 15, 15), (30, 28, 32)],
}


@pytest.mark.parametrize(("name", "rgb"), [(name, rgb) for name, colours in SAMPLES.items() for rgb in colours])
def test_a_plain_colour_is_called_by_its_name(name, rgb):
    picture = np.full((8, 8, 3), 235, np.uint8)
    picture[:4] = rgb  # the white half keeps the white balance where it is
    shares = name_shares(colour_index(picture)[:4])
    assert NAMES[int(shares.argmax())] == name
    assert shares.sum() == pytest.approx(1)


def test_colours_survive_warm_light():
    picture = np.full((64, 64, 3), (235, 235, 235), np.uint8)
    picture[:20] = (40, 70, 190)
    warm = np.clip(picture * np.array([1.0, 0.92, 0.8]), 0, 255).astype(np.uint8)
    gains = white_balance(warm)
    assert gains[2] > gains[1] > gains[0]
    assert NAMES[int(name_shares(colour_index(warm)[30:]).argmax())] == "white"
    assert NAMES[int(name_shares(colour_index(warm)[:20]).argmax())] == "blue"


def test_a_label_does_not_hide_the_colour_of_the_can():
    shares = np.zeros((3, len(NAMES)))
    shares[0, NAMES.index("red")], shares[0, NAMES.index("white")] = 0.4, 0.6
    shares[1, NAMES.index("red")], shares[1, NAMES.index("white")] = 0.05, 0.95
    shares[2, NAMES.index("blue")] = 1
    fit = colour_fit("red", shares)
    assert fit[0] > 0.8
    assert max(fit[1], fit[2]) < 0.3


def test_no_pixels_means_no_opinion():
    assert np.allclose(name_shares(np.zeros(0, np.uint16)), 1 / len(NAMES))


@pytest.mark.parametrize(
    ("rgb", "words"),
    [((62, 42, 38), ("brown", "black")), ((155, 162, 200), ("white", "blue")), ((29, 47, 70), ("blue", "black"))],
)
def test_dark_and_pale_tints_pass_for_either_name(rgb, words):
    """Dark leather, a white mug in bluish shade, a navy slipper: what one calls them depends on what one looks for."""
    picture = np.full((40, 40, 3), 235, np.uint8)
    picture[:20] = rgb
    shares = name_shares(colour_index(picture)[:16])
    assert set(words) >= {NAMES[int(shares.argmax())]}
    assert all(shares[NAMES.index(word)] > 0.2 for word in words)


def test_a_dim_picture_keeps_its_white():
    bright = np.full((64, 64, 3), 60, np.uint8)
    bright[:16] = 225
    dim = (bright * 0.75).astype(np.uint8)
    assert exposure(dim) > 1 >= exposure(np.full_like(bright, 250))
    assert NAMES[int(name_shares(colour_index(dim)[:12]).argmax())] == "white"

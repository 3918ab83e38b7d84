from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spatial_llava_ros.sim import D435, KINECT1, NONE, ColorNoise, DepthNoise
from spatial_llava_ros.sim.noise import expose, measure_depth

SHAPE = (200, 240)
FX = 615.0


def measure(
    depth: float | np.ndarray, noise: DepthNoise, infrared: float | np.ndarray = 0.5, cosine: float = 1.0,
    mirror: float = 0.0, second_eye: np.ndarray | None = None, seed: int = 0,
) -> np.ndarray:  # fmt: skip
    full = [np.broadcast_to(np.float32(v), SHAPE).copy() for v in (depth, cosine, infrared, mirror)]
    return measure_depth(*full, second_eye, noise, FX, np.random.default_rng(seed))


@pytest.mark.parametrize("noise", [D435, KINECT1], ids=["d435", "kinect1"])
def test_error_grows_with_the_square_of_distance(noise: DepthNoise) -> None:
    spread = []
    for z in (1.0, 2.0, 3.0):
        # Distances between two steps, so that quantisation is seen as it is on average.
        walls = [measure(z + k * 0.0037, noise, seed=k) - z - k * 0.0037 for k in range(6)]
        spread.append(np.sqrt(np.nanmean(np.square(walls))))
        # A disparity that is rounded adds the variance of its step, and so does a depth in whole units.
        sigma = np.hypot(noise.disparity_sigma, noise.disparity_step / np.sqrt(12)) / noise.disparity_sigma
        expected = np.hypot(noise.depth_sigma(z, FX) * sigma, noise.depth_unit / np.sqrt(12))
        assert spread[-1] == pytest.approx(expected, rel=0.12)
        assert abs(np.nanmean(walls)) < 0.25 * expected
    assert spread[2] / spread[0] == pytest.approx(9, rel=0.15)


def test_d435_error_is_in_the_published_range() -> None:
    assert 0.001 <= D435.depth_sigma(1.0, FX) <= 0.0025


def test_errors_of_neighbours_are_alike() -> None:
    error = measure(2.0, D435) - 2.0
    error = np.where(np.isfinite(error), error, 0)
    alike = np.corrcoef(error[:, :-1].ravel(), error[:, 1:].ravel())[0, 1]
    apart = np.corrcoef(error[:, :-30].ravel(), error[:, 30:].ravel())[0, 1]
    assert alike > 0.3 > abs(apart) * 3


def test_without_noise_depth_is_exact_and_nothing_is_nothing() -> None:
    depth = np.full(SHAPE, 2.345678, np.float32)
    depth[0, :5] = np.inf
    out = measure(depth, NONE)
    np.testing.assert_array_equal(out[1:], depth[1:])
    assert np.isnan(out[0, :5]).all()


@pytest.mark.parametrize("noise", [D435, KINECT1], ids=["d435", "kinect1"])
def test_dark_grazing_mirroring_near_and_far_are_missing(noise: DepthNoise) -> None:
    def missing(**kwargs: float) -> float:
        return float(np.isnan(measure(kwargs.pop("depth", 1.5), noise, **kwargs)).mean())

    assert missing() < 0.01
    assert missing(infrared=0.01) > 0.4
    assert missing(cosine=0.02, infrared=0.2) > 0.4
    assert missing(mirror=1.0) > 0.9
    assert missing(depth=noise.near * 0.8) == 1.0
    assert missing(depth=noise.far * 1.2) == 1.0
    assert missing(infrared=0.03, depth=0.8) < missing(infrared=0.03, depth=3.0)


def test_edges_wander_fly_and_drop_out_but_the_inside_stays() -> None:
    depth = np.full(SHAPE, 2.0, np.float32)
    depth[60:140, 80:160] = 1.0
    out = measure(depth, D435)
    band = np.zeros(SHAPE, bool)
    band[55:145, 75:165] = True
    band[65:135, 85:155] = False
    assert np.isnan(out[band]).mean() > 5 * np.isnan(out[~band]).mean()
    flying = (out > 1.1) & (out < 1.9)
    assert flying[band].sum() > 10
    assert not flying[~band].any()
    quiet = DepthNoise(edge_jitter=0, flying=0, edge_dropout=0)
    assert not ((measure(depth, quiet) > 1.1) & (measure(depth, quiet) < 1.9)).any()


def test_what_the_second_eye_cannot_see_is_missing() -> None:
    seen = np.ones(SHAPE, bool)
    seen[:, 100:120] = False
    out = measure(1.0, D435, second_eye=seen)
    assert np.isnan(out[:, 102:118]).all()
    assert np.isnan(out[:, :99]).mean() < 0.01


def test_colour_noise_is_as_strong_as_stated_and_absent_when_off() -> None:
    light = np.full((100, 100, 3), 0.2, np.float32)
    gain = np.ones(3)
    clean = expose(light, ColorNoise(0, 0, 0, 0, 0), gain, np.random.default_rng(0))
    assert (clean == 124).all()  # sRGB of 0.2 (IEC 61966-2-1)
    noise = ColorNoise(blur=0, shot=2e-4, read=0, vignette=0)
    noisy = expose(light, noise, gain, np.random.default_rng(0)).astype(float)
    slope = 255 * 1.055 / 2.4 * 0.2 ** (1 / 2.4 - 1)
    assert noisy.std() == pytest.approx(slope * np.sqrt(2e-4 * 0.2), rel=0.1)
    corners = expose(light, ColorNoise(0, 0, 0, 0.3), gain, np.random.default_rng(0))
    assert corners[0, 0, 0] < corners[50, 50, 0]


def edge(noise: DepthNoise) -> np.ndarray:
    """A near half on the right of a far half, measured."""
    depth = np.full(SHAPE, 2.0, np.float32)
    depth[:, 120:] = 1.0
    return measure(depth, noise)


def test_near_things_grow_by_the_pixels_stated() -> None:
    assert (np.isclose(edge(replace(NONE, fatten=3)), 1.0).sum(1) == 123).all()


def test_misaligned_depth_lies_beside_the_colour() -> None:
    out = edge(replace(NONE, misaligned=(5.0, 2.0)))
    assert (out[2:, 5:125] == 2.0).all() and (out[2:, 125:] == 1.0).all()
    assert np.isnan(out[:2]).all() and np.isnan(out[:, :5]).all()


def test_patches_sparse_and_gridded_depth_keep_the_share_stated() -> None:
    lost = [np.isnan(measure(1.0, replace(NONE, blobs=0.05), seed=k)) for k in range(12)]
    assert np.mean(lost) == pytest.approx(0.05, abs=0.02)
    blobs = lost[0]
    alone = blobs[1:-1, 1:-1] & ~blobs[:-2, 1:-1] & ~blobs[2:, 1:-1] & ~blobs[1:-1, :-2] & ~blobs[1:-1, 2:]
    assert alone.sum() < 0.02 * blobs.sum(), "patches, not specks"
    assert np.isfinite(edge(replace(NONE, kept=0.13))).mean() == pytest.approx(0.13, abs=0.01)
    grid = np.isfinite(edge(replace(NONE, grid=2.0)))
    assert grid.mean() == pytest.approx(0.25, abs=0.02)
    assert set(grid.any(1).astype(int)[:4]) == {0, 1}, "every other row"


def test_processing_sharpens_packs_and_strengthens() -> None:
    light = np.full((80, 80, 3), 0.1, np.float32)
    light[:, 40:] = [0.5, 0.3, 0.3]
    clean = ColorNoise(0, 0, 0, 0, 0)

    def picture(**changes: float) -> np.ndarray:
        return expose(light, replace(clean, **changes), np.ones(3), np.random.default_rng(0)).astype(int)

    plain = picture()
    assert np.ptp(picture(sharpen=1.0)[40, :, 1]) > np.ptp(plain[40, :, 1])
    strong = picture(saturation=1.5)[40, 70]
    assert strong[0] - strong[1] == pytest.approx(1.5 * (plain[40, 70, 0] - plain[40, 70, 1]), abs=1)
    assert (picture(exposure=1.5) > plain).all()
    packed = np.abs(picture(jpeg=40) - plain)
    assert 0 < packed.max() < 60 and packed.mean() < 6

"""The faults of real cameras: depth from triangulation, and colour from a small sensor.

Depth comes from a disparity d = f b / z, so an error of sigma_d pixels becomes sigma_z = z^2 sigma_d / (f b):
- Grunnet-Jepsen, Sweetser, Woodfill, "Best-Known-Methods for Tuning Intel RealSense D400 Depth Cameras" (2018):
  depth RMS error = distance^2 x subpixel / (focal length x baseline), subpixel 0.05 to 0.1, baseline 50 mm.
- Khoshelham, Oude Elberink, "Accuracy and Resolution of Kinect Depth Data" (Sensors 2012): 1.4e-3 z^2 for Kinect v1,
  disparity in steps of 1/8 pixel, baseline 75 mm.
- Scharstein, Szeliski, "A Taxonomy and Evaluation of Dense Two-Frame Stereo Correspondence Algorithms" (IJCV 2002):
  edges grow by up to half a matching window ("foreground fattening").
- Nguyen, Izadi, Lovell, "Modeling Kinect Sensor Noise" (3DIMPVT 2012): growth at grazing angles, loss beyond
  70 degrees.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import cv2
import numpy as np


@dataclass(frozen=True)
class DepthNoise:
    """A triangulating depth camera.

    Attributes:
        baseline: metres between its two eyes (or eye and projector); the second eye is to the right.
        disparity_sigma: standard deviation of disparity in pixels on a good surface.
        disparity_step: disparities are whole multiples of this, pixels; 0 for none.
        depth_unit: depths are whole multiples of this, metres; 0 for none.
        correlation: standard deviation in pixels of the blur that makes neighbouring errors alike (matching window).
        near, far: metres; nothing is measured outside.
        signal_floor: smallest returned signal that is measured: infrared reflectance x cosine of incidence x
            (1 / z^2 from the camera's own light + `room_light`).
        room_light: what the room's light adds, which does not fall with distance; 0 where only the camera's own
            pattern counts (structured light).
        patchiness: how much the signal that is needed varies over the picture, as the standard deviation of its
            logarithm.
        edge_jitter: pixels by which depth edges wander.
        flying: share of edge pixels that get a depth between front and back.
        edge_dropout: share of edge pixels without depth.
        holes: share of pixels lost for no reason.
        shadow: whether what the second eye cannot see is missing.
        shine: how much mirror-like materials lose, 0 none to 1.
        depth_eye: metres by which the depth camera is left of the colour camera; what it cannot see is missing. The
            second eye is `baseline` right of the depth camera.
        fatten: pixels by which near things grow over what is behind them (half the matching window).
        blobs: share of pixels lost in patches.
        misaligned: pixels by which depth lies right of and below where the colour picture has the same thing.
        grid: depth pixels lie this many colour pixels apart and each fills one of them; 1 for a dense picture.
        kept: share of pixels that are kept, at random.
        border: pixels at the left, top, right and bottom of the picture that the depth camera does not reach, of a
            picture 640 pixels wide.
    """

    baseline: float = 0.05
    disparity_sigma: float = 0.06
    disparity_step: float = 1 / 32
    depth_unit: float = 0.001
    correlation: float = 2.0
    near: float = 0.28
    far: float = 8.0
    signal_floor: float = 0.008
    room_light: float = 0.15
    patchiness: float = 0.6
    edge_jitter: float = 0.8
    flying: float = 0.15
    edge_dropout: float = 0.25
    holes: float = 0.0005
    shadow: bool = True
    shine: float = 1.0
    depth_eye: float = 0.0
    fatten: int = 0
    blobs: float = 0.0
    misaligned: tuple[float, float] = (0.0, 0.0)
    grid: float = 1.0
    kept: float = 1.0
    border: tuple[int, int, int, int] = (0, 0, 0, 0)

    def depth_sigma(self, z: float | np.ndarray, fx: float) -> float | np.ndarray:
        """Standard deviation in metres at depth z (metres) on a good surface seen straight on; fx in pixels."""
        return z**2 * self.disparity_sigma / (fx * self.baseline)


D435 = DepthNoise()
KINECT1 = DepthNoise(
    baseline=0.075, disparity_sigma=0.05, disparity_step=1 / 8, correlation=1.0, near=0.5, far=5.0,
    signal_floor=0.012, room_light=0.0, edge_jitter=1.2, flying=0.05, edge_dropout=0.45,
)  # fmt: skip
NONE = DepthNoise(
    disparity_sigma=0.0, disparity_step=0.0, depth_unit=0.0, near=0.0, far=np.inf, signal_floor=0.0,
    edge_jitter=0.0, flying=0.0, edge_dropout=0.0, holes=0.0, shadow=False, shine=0.0,
)  # fmt: skip


def _field(rng: np.random.Generator, shape: tuple[int, int], sigma: float) -> np.ndarray:
    """Unit-variance noise (H, W) float32, correlated over `sigma` pixels."""
    white = rng.standard_normal(shape, dtype=np.float32)
    if sigma <= 0:
        return white
    blurred = cv2.GaussianBlur(white, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    # Variance left by a Gaussian blur of white noise: 1 / (4 pi sigma^2).
    return blurred * np.float32(np.sqrt(4 * np.pi) * sigma)


def measure_depth(
    depth: np.ndarray,
    cosine: np.ndarray,
    infrared: np.ndarray,
    mirror: np.ndarray,
    second_eye: np.ndarray | None,
    noise: DepthNoise,
    fx: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """What the camera reports for a true depth image.

    Args:
        depth: (H, W) float32 metres, inf or NaN where there is nothing.
        cosine: (H, W) float32 of the angle of incidence, 0..1.
        infrared: (H, W) float32 reflectance to the depth camera's light, 0..1.
        mirror: (H, W) float32, 0..1: how much light is lost to mirror reflection, highlights included.
        second_eye: (H, W) bool, seen by the second eye (and the depth camera) too; None when that does not matter.
        fx: focal length in pixels.

    Returns:
        (H, W) float32 metres, NaN where nothing was measured.
    """
    z = np.where(np.isfinite(depth), depth, np.float32(0)).astype(np.float32)
    shape = z.shape
    lost = z <= 0
    if noise.flying or noise.edge_dropout or noise.edge_jitter:
        z, lost = _ragged_edges(z, lost, noise, rng)
    if noise.disparity_sigma or noise.disparity_step:
        fb = np.float32(fx * noise.baseline)
        disparity = fb / np.maximum(z, 1e-3)
        wave = 0.8 * _field(rng, shape, noise.correlation) + 0.6 * _field(rng, shape, 0)
        # Less signal, more noise: up to three times at grazing angles (Nguyen et al.).
        disparity += wave * np.float32(noise.disparity_sigma) * np.minimum(1 / np.maximum(cosine, 0.1) ** 0.5, 3)
        if noise.disparity_step:
            disparity = np.round(disparity / noise.disparity_step) * np.float32(noise.disparity_step)
        z = fb / np.maximum(disparity, 1e-3)
    if noise.depth_unit:
        z = np.round(z / noise.depth_unit) * np.float32(noise.depth_unit)
    if noise.signal_floor or noise.shine:
        blotch = _field(rng, shape, 2.5)
        signal = infrared * cosine * (1 / np.maximum(z, 0.3) ** 2 + np.float32(noise.room_light))
        lost |= signal < noise.signal_floor * np.exp(noise.patchiness * blotch)
        lost |= noise.shine * mirror + 0.12 * blotch > 0.75
    if noise.shadow and second_eye is not None:
        # Matching windows bleed into the shadow: its outermost pixel is filled.
        lost |= cv2.erode((~second_eye).astype(np.uint8), np.ones((1, 3), np.uint8)).astype(bool)
    if noise.holes:
        lost |= rng.random(shape, dtype=np.float32) < noise.holes
    lost |= (z < noise.near) | (z > noise.far)
    if noise.blobs:
        lost |= _field(rng, shape, 6.0) > NormalDist().inv_cdf(1 - noise.blobs)
    z[lost] = np.nan
    if noise.fatten:
        z = _fattened(z, noise.fatten)
    if noise.misaligned != (0.0, 0.0):
        shift = np.array([[1, 0, noise.misaligned[0]], [0, 1, noise.misaligned[1]]], np.float32)
        z = cv2.warpAffine(
            z, shift, shape[::-1], flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=float("nan")
        )
    if any(noise.border):
        left, top, right, bottom = np.rint(np.array(noise.border) * shape[1] / 640).astype(int)
        inside = np.zeros(shape, bool)
        inside[top : shape[0] - bottom, left : shape[1] - right] = True
        z[~inside] = np.nan
    if noise.grid > 1:
        z[~_grid_lines(z, noise.grid, rng)] = np.nan
    if noise.kept < 1:
        z[rng.random(shape, dtype=np.float32) >= noise.kept] = np.nan
    return z.astype(np.float32)


def _fattened(z: np.ndarray, by: int) -> np.ndarray:
    """Depth (H, W) in which what is near has grown by some pixels over what is behind; holes stay holes."""
    far = np.where(np.isfinite(z), z, np.float32(1e6))
    grown = cv2.erode(far, np.ones((2 * by + 1, 2 * by + 1), np.uint8))
    return np.where(np.isfinite(z) & (far - grown > 0.03 * far), grown, z)


def _grid_lines(z: np.ndarray, spacing: float, rng: np.random.Generator) -> np.ndarray:
    """(H, W) bool: the pixels on which a depth picture of `spacing` times fewer pixels a side falls.

    Registration moves a depth pixel by its disparity between the two cameras, so the columns bend with depth.
    """
    height, width = z.shape
    near = np.where(np.isfinite(z), 1 / np.maximum(z, 0.1), np.float32(1))
    x = (np.arange(width, dtype=np.float32) + 10 * near + rng.uniform(0, spacing)) / np.float32(spacing)
    y = (np.arange(height, dtype=np.float32) + rng.uniform(0, spacing)) / np.float32(spacing)
    lines = np.floor(x) != np.floor(x - np.float32(1 / spacing))
    return lines & (np.floor(y) != np.floor(y - np.float32(1 / spacing)))[:, None]


def _ragged_edges(
    z: np.ndarray, lost: np.ndarray, noise: DepthNoise, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Depth edges that wander, with pixels between front and back and pixels without depth."""
    kernel = np.ones((3, 3), np.uint8)
    high, low = cv2.dilate(z, kernel), cv2.erode(z, kernel)
    step = (high - low > 0.02 + 0.02 * low).astype(np.uint8)
    band = cv2.dilate(step, kernel).astype(bool)
    rows, columns = np.nonzero(band)
    if len(rows) == 0:
        return z, lost
    shape = z.shape
    # Noise is drawn for the whole image so that it does not depend on what the edges are.
    dx = _field(rng, shape, 1.5)[band] * noise.edge_jitter
    dy = _field(rng, shape, 1.5)[band] * noise.edge_jitter
    chance = rng.random(shape, dtype=np.float32)[band]
    mix = rng.random(shape, dtype=np.float32)[band]
    x = np.clip(np.rint(columns + dx), 0, shape[1] - 1).astype(int)
    y = np.clip(np.rint(rows + dy), 0, shape[0] - 1).astype(int)
    moved = z[y, x]
    at_step = step[band].astype(bool)
    flying = at_step & (chance < noise.flying)
    between = 1 / (mix / np.maximum(high[band], 1e-3) + (1 - mix) / np.maximum(low[band], 1e-3))
    moved = np.where(flying & (low[band] > 0), between, moved)
    out, gone = z.copy(), lost.copy()
    out[band] = moved
    gone[band] = (moved <= 0) | (at_step & (chance > 1 - noise.edge_dropout))
    return out, gone


@dataclass(frozen=True)
class ColorNoise:
    """A colour camera. blur is the lens in pixels; shot and read are variances in linear light per unit of light and
    constant; vignette the loss in the corners; white_balance the standard deviation of the gain of red and blue.

    What the camera's processor does comes after that: saturation and contrast are factors about grey and mid-grey,
    sharpen the weight of an unsharp mask, jpeg the quality 1..100 of the compression, 0 for none; exposure is a factor
    on the light.
    """

    blur: float = 0.55
    shot: float = 2.0e-4
    read: float = 2.0e-6
    vignette: float = 0.12
    white_balance: float = 0.025
    exposure: float = 1.0
    saturation: float = 1.0
    contrast: float = 1.0
    sharpen: float = 0.0
    jpeg: int = 0


_LEVELS = np.linspace(0, 1, 4096)
_SRGB = np.where(_LEVELS <= 0.0031308, 12.92 * _LEVELS, 1.055 * _LEVELS ** (1 / 2.4) - 0.055)
_SRGB_TABLE = np.rint(_SRGB * 255).astype(np.uint8)


def expose(light: np.ndarray, noise: ColorNoise, gain: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Linear light (H, W, 3) float32, 1 = white, to an sRGB picture (H, W, 3) uint8 with the camera's faults.

    Args:
        gain: (3,) white balance of the camera.
    """
    picture = cv2.GaussianBlur(light, (0, 0), noise.blur) if noise.blur > 0 else light
    height, width = light.shape[:2]
    if noise.vignette:
        y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
        x = np.linspace(-1, 1, width, dtype=np.float32)[None]
        picture = picture * (1 - noise.vignette / 2 * (x * x + y * y))[..., None]
    picture = picture * (gain * noise.exposure).astype(np.float32)
    # A soft shoulder instead of a hard clip.
    bright = picture > 0.8
    picture[bright] = 1 - 0.2 * np.exp((0.8 - picture[bright]) / 0.2)
    if noise.shot or noise.read:
        sigma = np.sqrt(np.maximum(picture, 0) * np.float32(noise.shot) + np.float32(noise.read))
        picture = picture + sigma * rng.standard_normal(picture.shape, dtype=np.float32)
    return _processed(_SRGB_TABLE[np.clip(picture * 4095, 0, 4095).astype(np.uint16)], noise)


def _processed(picture: np.ndarray, noise: ColorNoise) -> np.ndarray:
    """What a camera's processor makes of a picture (H, W, 3) uint8: stronger or weaker colours, sharpened, packed."""
    if noise.saturation != 1 or noise.contrast != 1 or noise.sharpen:
        level = picture.astype(np.float32)
        if noise.saturation != 1:
            gray = level.mean(2, keepdims=True)
            level = gray + np.float32(noise.saturation) * (level - gray)
        level = 128 + np.float32(noise.contrast) * (level - 128)
        if noise.sharpen:
            level += np.float32(noise.sharpen) * (level - cv2.GaussianBlur(level, (0, 0), 1.2))
        picture = np.clip(np.rint(level), 0, 255).astype(np.uint8)
    if noise.jpeg:
        _, packed = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, noise.jpeg])
        picture = np.ascontiguousarray(cv2.imdecode(packed, cv2.IMREAD_COLOR)[..., ::-1])
    return picture

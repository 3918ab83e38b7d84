import numpy as np

from spatial_llava_ros.fitting.variation import MIN_PIXELS, vary, visible_boxes
from spatial_llava_ros.geometry import pixel_rays
from spatial_llava_ros.types import CameraIntrinsics, RgbdFrame


def frame_with_a_thing() -> tuple[RgbdFrame, np.ndarray]:
    """A grey wall at 2 m and a white square at 1 m."""
    instance = np.zeros((240, 320), np.int32)
    instance[80:160, 120:220] = 5
    depth = np.where(instance == 5, np.float32(1), np.float32(2))
    color = np.where((instance == 5)[..., None], 230, 90).astype(np.uint8).repeat(3, axis=2)
    return RgbdFrame(color, depth, CameraIntrinsics(320, 240, 300.0, 300.0, 159.5, 119.5)), instance


def test_another_look_is_a_frame_and_is_reproducible() -> None:
    original, truth = frame_with_a_thing()
    for seed in range(30):
        frame, instance, boxes = vary(original, truth, np.random.default_rng(seed))
        again, _, _ = vary(original, truth, np.random.default_rng(seed))
        assert (frame.color == again.color).all() and np.array_equal(frame.depth, again.depth, equal_nan=True)
        assert frame.color.shape == original.color.shape and frame.depth.dtype == np.float32
        assert set(np.unique(instance)) <= {0, 5}
        assert boxes == visible_boxes(instance)
    assert (original.color == frame_with_a_thing()[0].color).all(), "the original is left alone"


def test_zoom_keeps_the_geometry() -> None:
    """A pixel's ray still meets what it met: x / z of the thing's edges agrees with the intrinsics."""
    original, truth = frame_with_a_thing()
    columns, _ = pixel_rays(original.intrinsics)
    edges = columns[120], columns[219]
    checked = 0
    for seed in range(60):
        frame, instance, boxes = vary(original, truth, np.random.default_rng(seed))
        if (
            5 not in boxes
            or boxes[5][0] == 0
            or boxes[5][2] == 320
            or (instance == 5).sum() < 0.98 * np.prod(np.subtract(boxes[5][2:], boxes[5][:2]))
        ):
            continue  # cut by the border, or something stands before it
        columns, _ = pixel_rays(frame.intrinsics)
        pixel = 1.5 / frame.intrinsics.fx
        assert abs(columns[boxes[5][0]] - edges[0]) < pixel + 1.5 / 300
        assert abs(columns[boxes[5][2] - 1] - edges[1]) < pixel + 1.5 / 300
        checked += 1
    assert checked > 10


def test_specks_are_not_boxed() -> None:
    instance = np.zeros((50, 50), np.int32)
    instance[:2, :2] = 1
    instance[10:40, 10:40] = 2
    assert MIN_PIXELS > 4 and visible_boxes(instance) == {2: (10, 10, 40, 40)}

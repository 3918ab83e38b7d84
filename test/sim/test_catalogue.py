from __future__ import annotations

import numpy as np
import pytest

from spatial_llava_ros.sim.catalogue import BUILDERS, CATEGORIES, PLACES
from spatial_llava_ros.sim.colors import SHADES
from spatial_llava_ros.sim.scene import rest_pose
from spatial_llava_ros.sim.surface import MATERIALS

# Longest side in metres that things of the household have.
LONGEST = {
    "apple": (0.05, 0.1), "ball": (0.05, 0.25), "banana": (0.12, 0.25), "bin": (0.2, 0.5), "book": (0.15, 0.32),
    "bottle": (0.15, 0.35), "bowl": (0.1, 0.3), "box": (0.05, 0.8), "cabinet": (0.4, 1.2), "can": (0.07, 0.25),
    "chair": (0.7, 1.25), "cup": (0.07, 0.16), "cushion": (0.3, 0.5), "drill": (0.18, 0.35), "keyboard": (0.3, 0.5),
    "lamp": (0.3, 1.8), "laptop": (0.28, 0.4), "monitor": (0.4, 0.7), "mouse": (0.08, 0.14), "mug": (0.08, 0.14),
    "phone": (0.12, 0.18), "plant": (0.15, 1.3), "plate": (0.15, 0.3), "pot": (0.15, 0.36), "remote": (0.12, 0.25),
    "shoe": (0.22, 0.33), "sofa": (1.2, 2.3), "stool": (0.35, 0.75), "table": (0.4, 1.5), "tape": (0.07, 0.14),
    "teddy bear": (0.12, 0.4), "tissue box": (0.1, 0.28), "vase": (0.14, 0.35),
    "tin": (0.12, 0.22), "packet": (0.08, 0.25), "scissors": (0.12, 0.24), "clamp": (0.1, 0.22), "paper": (0.13, 0.31),
    "magazine": (0.18, 0.32), "poster": (0.1, 0.8), "picture": (0.19, 0.61), "whiteboard": (0.6, 1.5),
    "bag": (0.12, 0.45), "backpack": (0.34, 0.55), "slipper": (0.23, 0.31), "printer": (0.35, 0.55),
    "bookcase": (0.55, 1.6),
}  # fmt: skip


def test_there_are_at_least_twenty_categories_and_each_is_found_somewhere() -> None:
    assert len(CATEGORIES) >= 20
    assert {name for names in PLACES.values() for name in names} <= set(BUILDERS)


@pytest.mark.parametrize("name", list(BUILDERS))
def test_models_are_sound(name: str) -> None:
    """Feet on the ground, sizes of the real thing, known words, and the claims of round and ball true."""
    for seed in range(12):
        model = BUILDERS[name](np.random.default_rng(seed))
        points = model.vertices()
        assert np.isfinite(points).all()
        assert points[:, 2].min() == pytest.approx(0, abs=1e-3)
        low, high = LONGEST[model.category]
        assert low <= np.ptp(points, axis=0).max() <= high
        assert model.category in CATEGORIES
        assert {model.color, *model.also} <= set(SHADES)
        assert all(part.surface.material in MATERIALS for part in model.parts)
        assert all(((t := part.surface.texture) >= 0).all() and (t <= 1).all() for part in model.parts)
        if model.round:
            np.testing.assert_allclose(points[:, 0].max(), points[:, 1].max(), rtol=0.03)
        if model.ball is not None:
            away = np.linalg.norm(points - [0, 0, model.ball], axis=1)
            np.testing.assert_allclose(away, model.ball, rtol=1e-6)
        _, size, _ = rest_pose(model)
        assert size[0] >= size[1] - 1e-6

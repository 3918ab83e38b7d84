"""The layout "mixed": anything anywhere, for what is learnt from pictures to lean on form alone.

Domain randomisation (Tobin et al., IROS 2017) of what the other layouts have in common: what stands together, how
large things are, how high they stand and from where they are seen.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spatial_llava_ros.sim import catalogue
from spatial_llava_ros.sim.crowded import bare_table, bottom_first, pile_up, side_light
from spatial_llava_ros.sim.furnishing import facing, walls_and_floor
from spatial_llava_ros.sim.mesh import scaling
from spatial_llava_ros.sim.model import Model, Part
from spatial_llava_ros.sim.scene import Arranger, Scene, Support
from spatial_llava_ros.sim.sensors import SENSORS
from spatial_llava_ros.sim.wall_things import HANGING

Rng = np.random.Generator
_COMMON = (
    *("carton", "box", "book", "bottle", "can", "canister", "mug", "cup", "bowl", "milk carton", "packet", "parcel"),
    *("carton", "box", "book", "bottle", "can", "tissue box", "ball", "tin", "jug", "plate", "pot"),
)
_LARGE = frozenset({
    "chair", "table", "sofa", "stool", "cabinet", "floor lamp", "floor plant", "bookcase", "office chair",
    "leather sofa", "printer",
})  # fmt: skip


def _stretched(model: Model, rng: Rng) -> Model:
    """Another size and other proportions; what depends on its exact form is forgotten."""
    low, high = (0.8, 1.25) if model.category in _LARGE else (0.65, 1.5)
    sides = np.exp(rng.uniform(np.log(low), np.log(high))) * np.exp(rng.normal(0, 0.08, 3))
    if model.round:
        sides[1] = sides[0]
    parts = tuple(Part(part.mesh.moved(scaling(*sides)), part.surface) for part in model.parts)
    return replace(model, parts=parts, cavity=None, ball=None)


def mixed(rng: Rng, seed: int) -> Scene:
    """Goods of any kind on a table or on the floor between furniture, at any distance, seen from anywhere."""
    on_floor = rng.random() < 0.4
    height = 0.0 if on_floor else rng.uniform(0.35, 0.95)
    width, depth = rng.uniform(0.9, 2.0), rng.uniform(0.6, 1.4)
    back = depth / 2 + rng.uniform(0.05, 2.2)
    structure = walls_and_floor(rng, 3.8, back, rng.uniform(1.5, 3.0), rng.uniform(1.5, 3.0), 2.6)
    arranger = Arranger(rng)
    if not on_floor:
        structure += bare_table(rng, width, depth, height)
        arranger.block((-depth / 2, depth / 2), (-width / 2, width / 2), (0.0, height - 0.001))
    around = Support((back + 0.1) / 2, 0.0, 0.0, back - 0.1, 3.0)  # not between the things and the camera
    for _ in range(int(rng.integers(0, 6))):
        model = _stretched(catalogue.BUILDERS[str(rng.choice(sorted(_LARGE)))](rng), rng)
        arranger.put_on(around, model, None, 0.02, facing(rng, model, np.pi))
    small = sorted(set(catalogue.BUILDERS) - _LARGE - set(HANGING))
    spread = rng.uniform(0.35, 0.75), rng.uniform(0.5, 1.0)
    support = Support(rng.uniform(-0.15, 0.15), rng.uniform(-0.1, 0.1), height, *spread)
    names = [str(rng.choice(_COMMON if rng.random() < 0.5 else small)) for _ in range(int(rng.integers(5, 15)))]
    models = [_stretched(catalogue.BUILDERS[name](rng), rng) for name in names]
    models = bottom_first(rng, models)
    pile_up(rng, arranger, support, models, rng.uniform(0, 0.5), rng.uniform(0, 0.3), 0.35, rng.uniform(0, 1))
    lights, ambient = side_light(rng, height)
    near = rng.uniform(0.55, 1.5)
    sensors = tuple(name for name, sensor in SENSORS.items() if sensor.depth.far > 2 * near)
    return Scene(
        "mixed", seed, tuple(arranger.objects), tuple(structure), lights, ambient,
        focus=(support.x, support.y, height + rng.uniform(0, 0.15)), stand_off=(near, near * rng.uniform(1.1, 2.2)),
        elevation=(0.15, 1.1), sweep=1.0, cut_off=(2 * near, 3 * near), sensors=sensors,
    )  # fmt: skip

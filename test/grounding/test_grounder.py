"""The grounder on small scenes that are stated thing by thing, with no picture behind them."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from spatial_llava_ros.grounding import forms
from spatial_llava_ros.grounding.colour import NAMES
from spatial_llava_ros.grounding.features import Features, mask_overlap
from spatial_llava_ros.grounding.grounder import ground
from spatial_llava_ros.language import parse
from spatial_llava_ros.relations import layout_of
from spatial_llava_ros.types import CameraIntrinsics, Object3D, Plane, Proposals, Region, Status

CAMERA = CameraIntrinsics(640, 480, 600, 600, 320, 240)
TABLE = Plane(np.array([0.0, -1.0, 0.0]), 0.2, True, 10000)  # 20 cm under the camera, which looks straight ahead


@dataclass(frozen=True)
class Thing:
    """right, ahead: metres from the camera; size: width, depth, height; up: metres over the table."""

    right: float
    ahead: float
    colour: str
    size: tuple[float, float, float] = (0.08, 0.08, 0.1)
    kind: str = "cylinder"
    up: float = 0.0
    whole: float = 0.9
    depth: bool = True


def mug(right, ahead, colour, **rest):
    return Thing(right, ahead, colour, **rest)


def carton(right, ahead, colour, size=(0.16, 0.1, 0.2), **rest):
    return Thing(right, ahead, colour, size, "box", **rest)


def see(*things: Thing) -> Features:
    regions, objects = [], []
    for k, thing in enumerate(things):
        width, _, height = thing.size
        centre = np.array([thing.right, 0.2 - thing.up - height / 2, thing.ahead])
        u, v = CAMERA.cx + 600 * centre[0] / centre[2], CAMERA.cy + 600 * centre[1] / centre[2]
        du, dv = 300 * width / centre[2], 300 * height / centre[2]
        box = (int(u - du), int(v - dv), int(u + du), int(v + dv))
        mask = np.ones((box[3] - box[1], box[2] - box[0]), bool)
        regions.append(Region(k + 1, box, mask, thing.whole, 0, None, float(thing.depth)))
        empty = Object3D(k + 1, "", thing.whole, box, "camera")
        upright = np.array([np.sqrt(0.5), 0, 0, np.sqrt(0.5)])  # box z against camera y
        full = replace(empty, position=centre, orientation=upright, size=np.array(thing.size))
        objects.append(full if thing.depth else empty)
    proposals = Proposals(tuple(regions), (TABLE,), np.array([0.0, -1.0, 0.0]))
    measured = np.array([thing.depth for thing in things], bool)
    kinds = {
        kind: np.where(measured, np.array([float(t.kind == kind) for t in things]), np.nan)
        for kind in (*forms.KINDS, "flat")
    }
    size = np.array([thing.size for thing in things]).reshape(-1, 3)
    return Features(
        regions=tuple(regions),
        objects=tuple(objects),
        proposals=proposals,
        layout=layout_of(objects, proposals.up, CAMERA),
        size=np.where(measured[:, None], size, np.nan),
        kinds=kinds,
        colours=np.array([[float(name == thing.colour) for name in NAMES] for thing in things]).reshape(-1, 11),
        whole=np.array([thing.whole for thing in things]),
        pixels=np.array([float(region.mask.sum()) for region in regions]),
        overlap=mask_overlap(regions, (480, 640)),
        likely=np.array([looks_like(thing) for thing in things]).reshape(-1, len(forms.forms())),
    )


def looks_like(thing: Thing) -> np.ndarray:
    """Most of it is the plainest thing of its kind, a tenth is anything."""
    plain = {"cylinder": {"mug": 0.7, "cup": 0.2}, "box": {"box": 0.9}, "sphere": {"ball": 0.9}, "flat": {"book": 0.9},
             "bowl": {"bowl": 0.9}}[thing.kind]  # fmt: skip
    row = np.array([plain.get(form, 0) + 0.1 / len(forms.forms()) for form in forms.forms()])
    return row if thing.depth else np.full(len(row), np.nan)


def answer(features: Features, text: str):
    grounding, _ = ground(parse(text), features)
    if len(features.regions):
        assert grounding.scores.sum() + grounding.none == pytest.approx(1)
    return grounding.status, grounding.chosen


# a row from left to right: red mug, blue mug, yellow box, and a green box far behind
ROW = see(mug(-0.3, 1.0, "red"), mug(0.0, 1.0, "blue"), carton(0.3, 1.0, "yellow"), carton(0.05, 1.8, "green"))


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("the red mug", 0),
        ("the blue thing", 1),
        ("pick up the yellow box", 2),
        ("the mug that is not red", 1),
        ("the leftmost thing", 0),
        ("the second thing from the left", 1),
        ("the rightmost mug", 1),
        ("the farthest box", 3),
        ("the nearest box", 2),
        ("the mug on the left", 0),
        ("the tall yellow thing", 2),
        ("the mug left of the blue mug", 0),
        ("the mug right of the red mug", 1),
        ("the box behind the blue mug", 3),
        ("the thing between the red mug and the yellow box", 1),
    ],
)
def test_one_thing_is_meant(text, target):
    assert answer(ROW, text) == (Status.FOUND, (target,))


def test_nested_relations_find_the_landmark_first():
    scene = see(mug(-0.45, 1.0, "red"), carton(-0.28, 1.0, "green"), mug(0.2, 1.0, "red"), carton(0.38, 1.0, "yellow"))
    assert answer(scene, "the mug next to the box on the left") == (Status.FOUND, (0,))
    assert answer(scene, "the mug next to the box to the right of the green box") == (Status.FOUND, (2,))


def test_closest_to_and_farthest_from_a_thing():
    assert parse("the mug closest to the yellow box").targets[0].relations[0].extreme
    assert answer(ROW, "the mug closest to the yellow box") == (Status.FOUND, (1,))
    assert answer(ROW, "the mug farthest from the yellow box") == (Status.FOUND, (0,))


@pytest.mark.parametrize("text", ["the purple mug", "the black thing", "the sofa", "the green ball"])
def test_what_is_not_there_is_not_found(text):
    assert answer(ROW, text) == (Status.NOT_FOUND, ())


@pytest.mark.parametrize(("text", "fitting"), [("the mug", {0, 1}), ("the box", {2, 3}), ("the thing", {0, 1, 2, 3})])
def test_several_that_fit_equally_are_all_candidates(text, fitting):
    status, chosen = answer(ROW, text)
    assert status is Status.AMBIGUOUS
    assert set(chosen) == fitting


def test_what_is_hardly_a_thing_makes_nothing_ambiguous():
    scene = see(mug(-0.2, 1.0, "red"), mug(0.2, 1.0, "red", whole=0.05))
    assert answer(scene, "the red mug") == (Status.FOUND, (0,))


def test_plural_and_count():
    assert set(answer(ROW, "both mugs")[1]) == {0, 1}
    assert set(answer(ROW, "all boxes")[1]) == {2, 3}
    assert answer(ROW, "the two mugs")[0] is Status.FOUND
    status, chosen = answer(ROW, "the three mugs")
    assert status is Status.AMBIGUOUS
    assert set(chosen) == {0, 1}


def test_two_targets_are_both_answered():
    status, chosen = answer(ROW, "the red mug and the yellow box")
    assert (status, set(chosen)) == (Status.FOUND, {0, 2})


def test_on_top_of_a_thing_and_on_the_table():
    scene = see(carton(0.0, 1.0, "yellow"), mug(0.0, 1.0, "red", up=0.2), mug(0.4, 1.0, "blue"))
    assert answer(scene, "the mug on the yellow box") == (Status.FOUND, (1,))
    assert answer(scene, "the thing under the red mug") == (Status.FOUND, (0,))
    assert answer(scene, "the blue mug on the table") == (Status.FOUND, (2,))


def test_a_part_of_the_best_is_no_rival():
    whole = carton(0.0, 1.0, "yellow")
    part = carton(0.0, 1.0, "yellow", size=(0.08, 0.1, 0.1), whole=0.6, up=0.05)
    assert answer(see(whole, part), "the yellow box") == (Status.FOUND, (0,))


def test_unknown_words_are_said_and_do_not_stop_the_rest():
    grounding, _ = ground(parse("the red flibbertigibbet mug"), ROW)
    assert grounding.chosen == (0,)
    assert "flibbertigibbet" in grounding.explanation


def test_nothing_in_view():
    assert answer(see(), "the red mug") == (Status.NOT_FOUND, ())


def test_without_depth_colour_and_place_in_the_picture_decide():
    scene = see(mug(-0.3, 1.0, "red", depth=False), mug(0.0, 1.0, "blue", depth=False))
    assert answer(scene, "the blue thing") == (Status.FOUND, (1,))
    assert answer(scene, "the leftmost thing") == (Status.FOUND, (0,))
    assert answer(scene, "the thing to the left of the blue thing") == (Status.FOUND, (0,))
    assert answer(scene, "the green thing")[0] is Status.NOT_FOUND


def test_what_has_no_depth_and_stands_beyond_the_table_is_not_on_it():
    board = Thing(0.1, 2.0, "white", (0.5, 0.02, 0.5), "flat", up=0.1, whole=0.5, depth=False)
    glass = mug(0.2, 0.9, "white", depth=False)
    scene = see(mug(-0.3, 1.0, "red"), carton(0.0, 1.0, "yellow"), board, glass)
    assert answer(scene, "the highest object on the table") == (Status.FOUND, (1,))
    assert answer(scene, "the white thing on the table") == (Status.FOUND, (3,))


def test_larger_than_a_landmark():
    small, large = (
        carton(x, 1.0, "yellow", size=size) for x, size in ((-0.4, (0.1, 0.1, 0.12)), (0.3, (0.16, 0.16, 0.3)))
    )
    scene = see(small, mug(0.0, 1.0, "red"), large, mug(0.6, 1.0, "blue", size=(0.12, 0.12, 0.18)))
    assert answer(scene, "the yellow box taller than the blue mug") == (Status.FOUND, (2,))
    assert answer(scene, "the yellow box shorter than the blue mug") == (Status.FOUND, (0,))
    assert answer(scene, "the mug that is bigger than the red mug") == (Status.FOUND, (3,))
    assert answer(scene, "the mug that is not bigger than the red mug") == (Status.FOUND, (1,))
    assert answer(scene, "the mug that is not the tallest") == (Status.FOUND, (1,))

from dataclasses import replace

import numpy as np
import pytest

from spatial_llava_ros.errors import ExpressionError
from spatial_llava_ros.geometry import invert_transform, transform_points
from spatial_llava_ros.model.errors import ModelCancelled, ModelError, ModelTimeout
from spatial_llava_ros.model.grounder import ModelAnswer, decide
from spatial_llava_ros.pipeline import Locator
from spatial_llava_ros.proposals import propose
from spatial_llava_ros.types import CameraIntrinsics, RgbdFrame, Status, answer_as_dict


def three_boxes(pose: np.ndarray | None = None) -> RgbdFrame:
    """A red, a green and a blue box of 10 cm on a grey table, seen from 0.6 m above it, 45 degrees down."""
    camera = CameraIntrinsics(320, 240, 280.0, 280.0, 159.5, 119.5)
    columns, rows = np.meshgrid(np.arange(320), np.arange(240))
    rays = np.stack([(columns - 159.5) / 280, (rows - 119.5) / 280, np.ones_like(rows, float)], axis=-1)
    tilt = np.radians(45)
    # Table frame: x right, y away, z up; the camera is 0.6 m over its origin.
    down = np.array([[1, 0, 0], [0, -np.sin(tilt), np.cos(tilt)], [0, -np.cos(tilt), -np.sin(tilt)]])
    rays_in_table = rays @ down.T
    depth = np.where(rays_in_table[..., 2] < 0, -0.6 / np.minimum(rays_in_table[..., 2], -1e-6), np.nan)
    color = np.full((240, 320, 3), 150, np.uint8)
    for x, paint in ((-0.25, (190, 30, 30)), (0.0, (40, 150, 50)), (0.25, (40, 70, 190))):
        low, high = np.array([x - 0.05, 0.55, -0.6]), np.array([x + 0.05, 0.65, -0.5])
        with np.errstate(divide="ignore"):
            first, second = low / rays_in_table, high / rays_in_table
        enter, leave = np.minimum(first, second).max(axis=-1), np.maximum(first, second).min(axis=-1)
        hit = (enter < leave) & (enter > 0) & ~(enter > depth)
        depth = np.where(hit, enter, depth)
        color[hit] = paint
    return RgbdFrame(color, depth.astype(np.float32), camera, 7, "optical", pose, "" if pose is None else "map")


@pytest.fixture(scope="module")
def frame() -> RgbdFrame:
    return three_boxes()


def test_colour_leads_to_the_place_of_the_box(frame):
    answer = Locator().locate(frame, "the green box")
    assert answer.status is Status.FOUND
    tilt = np.radians(45)
    centre = np.array([0.0, 0.6, -0.55])  # table frame
    expected = [0.0, -centre[1] * np.sin(tilt) - centre[2] * np.cos(tilt), 0.6 * np.cos(tilt) + 0.55 * np.sin(tilt)]
    np.testing.assert_allclose(answer.object.position, expected, atol=0.02)
    np.testing.assert_allclose(np.sort(answer.object.size), 0.1, atol=0.025)
    assert answer.object.frame_id == "optical"


@pytest.mark.parametrize(
    ("text", "column"),
    [("the leftmost box", 0), ("the box right of the green one", 2), ("the thing left of the green box", 0)],
)
def test_words_of_place_choose_among_three(frame, text, column):
    answer = Locator().locate(frame, text)
    assert answer.status is Status.FOUND, answer.explanation
    middle = (answer.object.box[0] + answer.object.box[2]) / 2
    assert column * 320 / 3 < middle < (column + 1) * 320 / 3


def test_what_is_not_there_is_not_found_and_three_boxes_are_ambiguous(frame):
    locator = Locator()
    assert locator.locate(frame, "the yellow ball").status is Status.NOT_FOUND
    answer = locator.locate(frame, "the box")
    assert answer.status is Status.AMBIGUOUS
    assert answer.object is None
    assert len(answer.candidates) == 3


def test_all_of_several_are_found_together(frame):
    answer = Locator().locate(frame, "all boxes")
    assert answer.status is Status.FOUND
    assert len(answer.candidates) == 3


def test_with_a_known_pose_the_answer_is_in_the_world(frame):
    pose = np.eye(4)
    pose[:3, :3] = [[0, 0, 1], [-1, 0, 0], [0, -1, 0]]
    tilt = np.radians(45)
    turn = np.eye(4)
    turn[1:3, 1:3] = [[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]]
    pose = pose @ turn
    pose[:3, 3] = [5, 1, 0.6]
    in_camera = Locator().locate(frame, "the red box").object
    in_map = Locator().locate(three_boxes(pose), "the red box").object
    assert in_map.frame_id == "map"
    back = transform_points(invert_transform(pose), in_map.position)
    np.testing.assert_allclose(back, in_camera.position, atol=0.01)
    assert in_map.position[2] == pytest.approx(0.05, abs=0.02)


def test_without_depth_the_box_is_seen_and_no_pose_is_invented(frame):
    blind = RgbdFrame(frame.color, np.full_like(frame.depth, np.nan), frame.intrinsics)
    answer = Locator().locate(blind, "the red thing")
    assert answer.status is Status.NO_DEPTH
    record = answer_as_dict(answer)["object"]
    assert record["position"] is None and record["orientation"] is None and record["size"] is None
    assert record["box"][0] < 106


def test_a_second_question_looks_only_once(frame):
    locator, stages = Locator(), []
    locator.locate(frame, "the red box", progress=lambda stage, text: stages.append(stage))
    locator.locate(frame, "the blue box", progress=lambda stage, text: stages.append(stage))
    assert stages.count("propose") == 1
    assert stages.count("ground") == 2


def test_cancel_stops_between_the_steps_and_leaves_the_locator_usable(frame):
    locator, stages = Locator(), []
    answer = locator.locate(
        frame, "the red box", cancelled=lambda: "lift" in stages, progress=lambda stage, text: stages.append(stage)
    )
    assert answer.status is Status.CANCELLED
    assert "ground" not in stages
    assert locator.locate(frame, "the red box").status is Status.FOUND


@pytest.mark.parametrize("text", ["", "   ", "\x00\x01"])
def test_nothing_said_is_an_error_of_the_speaker(frame, text):
    with pytest.raises(ExpressionError):
        Locator().locate(frame, text)


@pytest.mark.parametrize("text", ["flibbertigibbet", "the gizmo left of the doohickey", "🙂🙂", "left of", "the the"])
def test_absurd_words_get_an_answer_that_says_what_was_understood(frame, text):
    answer = Locator().locate(frame, text)
    assert "understood" in answer.explanation


def test_a_picture_of_nothing(frame):
    empty = RgbdFrame(np.zeros((16, 16, 3), np.uint8), np.full((16, 16), np.nan, np.float32),
                      CameraIntrinsics(16, 16, 16.0, 16.0, 7.5, 7.5))  # fmt: skip
    answer = Locator().locate(empty, "the red box")
    assert answer.status is Status.NOT_FOUND


class Says:
    """A model that gives the same distribution, or fails."""

    name = "some/model"

    def __init__(self, scores=(), none=0.0, box=None, error=None, method="marks"):
        self.scores, self.none, self.box, self.error, self.method = scores, none, box, error, method
        self.asked: list[tuple[str, int, float | None]] = []

    def ground(self, frame, features, text, patience, count=1):
        self.asked.append((text, count, patience.deadline))
        if self.error is not None:
            raise self.error
        n = len(features.regions) + (self.box is not None)
        scores = np.zeros(n)
        columns = np.argsort([r.box[0] for r in features.regions[:3]])  # of the three boxes, left to right
        for column, score in self.scores:
            scores[n - 1 if column < 0 else columns[column]] = score
        same = features.same if self.box is None else np.eye(n, dtype=bool)
        return ModelAnswer(decide(scores, self.none, same, count, "model"), self.method, self.box)


def column_of(answer) -> int:
    return int((answer.object.box[0] + answer.object.box[2]) / 2 // (320 / 3))


def test_model_chooses_and_geometry_checks(frame):
    agreed = Locator(model=Says([(0, 0.9)], 0.1)).locate(frame, "the stapler left of the green box")
    assert agreed.status is Status.FOUND and column_of(agreed) == 0
    assert (agreed.method, agreed.model, agreed.none) == ("marks", "some/model", pytest.approx(0.1))
    assert agreed.object.score == pytest.approx(0.9) and "left of box #" in agreed.explanation
    refuted = Locator(model=Says([(2, 0.9)], 0.1)).locate(frame, "the box left of the green box")
    assert refuted.status is Status.FOUND and column_of(refuted) == 2  # the model is believed, with less confidence
    assert refuted.object.score < 0.6 and "geometry doubts it" in refuted.explanation
    assert f"alone it would take #{agreed.object.id}" in refuted.explanation
    wrong_rank = Locator(model=Says([(2, 0.9)], 0.1)).locate(frame, "the leftmost box")
    assert wrong_rank.object.score < 0.5 and "geometry doubts it" in wrong_rank.explanation


def test_what_the_model_leaves_open_is_settled_by_geometry(frame):
    undecided = Says([(0, 0.5), (2, 0.5)])
    answer = Locator(model=undecided).locate(frame, "the red box")
    assert answer.status is Status.FOUND and column_of(answer) == 0 and "settled by geometry" in answer.explanation
    neither = Locator(model=undecided).locate(frame, "the green box")
    assert neither.status is Status.AMBIGUOUS and len(neither.candidates) == 2


def test_model_that_sees_nothing_says_so_beside_geometry(frame):
    answer = Locator(model=Says([], 0.9)).locate(frame, "the red box")
    assert answer.status is Status.NOT_FOUND and answer.none == pytest.approx(0.9)
    assert "geometry alone would take #" in answer.explanation


@pytest.mark.parametrize("error", [ModelError("the model process died"), ModelTimeout("the deadline passed")])
def test_model_that_fails_is_replaced_by_geometry_or_named(frame, error):
    answer = Locator(model=Says(error=error)).locate(frame, "the red box")
    assert answer.status is Status.FOUND and column_of(answer) == 0
    assert (answer.method, answer.model) == ("geometry", "")
    assert f"answered by geometry: {error}" in answer.explanation
    alone = Locator(model=Says(error=error), fallback=False).locate(frame, "the red box")
    assert alone.status is Status.MODEL_ERROR and str(error) in alone.explanation and alone.object is None


def test_cancel_in_the_model_and_plurals_pass_through(frame):
    assert Locator(model=Says(error=ModelCancelled("x"))).locate(frame, "the box").status is Status.CANCELLED
    model = Says([(0, 0.4), (1, 0.3), (2, 0.3)])
    answer = Locator(model=model).locate(frame, "all boxes", deadline=1e9)
    assert answer.status is Status.FOUND and len(answer.candidates) == 3
    Locator(model=model).locate(frame, "the red box and the two others")
    assert model.asked == [("all boxes", 0, 1e9), ("the red box and the two others", 3, None)]


def test_box_on_no_region_is_lifted(frame):
    """The green box is not among the proposals; the model's box around it is all there is."""

    def all_but_the_green(frame):
        proposals = propose(frame)
        kept = [r for r in proposals.regions if abs((r.box[0] + r.box[2]) / 2 - 160) > 40]
        return replace(proposals, regions=tuple(replace(r, id=i + 1) for i, r in enumerate(kept)))

    whole = Locator().locate(frame, "the green box").object
    x1, y1, x2, y2 = whole.box
    box = (x1 - 7.3, y1 - 6.2, x2 + 5.1, y2 + 8.4)
    model = Says([(-1, 0.8)], 0.2, box, method="box")
    answer = Locator(all_but_the_green, model).locate(frame, "the box between the red and the blue one")
    assert answer.status is Status.FOUND and answer.method == "box", answer.explanation
    assert answer.object.box == box
    np.testing.assert_allclose(answer.object.position, whole.position, atol=0.01)
    np.testing.assert_allclose(answer.object.size, whole.size, atol=0.02)
    assert "between" in answer.explanation and "doubts" not in answer.explanation


def test_box_without_depth_is_seen_but_not_placed(frame):
    depth = frame.depth.copy()
    depth[:60, :80] = np.nan
    model = Says([(-1, 0.8)], 0.2, (10.0, 10.0, 60.0, 50.0), method="box")
    answer = Locator(model=model).locate(replace(frame, depth=depth), "the glass")
    assert answer.status is Status.NO_DEPTH and answer.object.box == (10.0, 10.0, 60.0, 50.0)

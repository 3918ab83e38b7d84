"""Every family of models in the locate node: an expression and a picture in, a box on that picture out, over DDS.

The models are small and random; what they answer is dictated: at every step their logits are raised for the next token
of the family's own text for a known box. All else is what real weights go through: processor, prompt, grammar, codec.
"""

from __future__ import annotations

from threading import Thread

import numpy as np
import pytest
import rclpy
from over_dds import PATIENCE, Camera, until
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from spatial_llava_ros.msg import ReferredObject

from spatial_llava_ros.nodes import messages
from spatial_llava_ros.nodes.client import Client
from spatial_llava_ros.types import CameraIntrinsics, RgbdFrame

pytest.importorskip("torch", reason="models need the extra [model]")
pytest.importorskip("transformers", reason="models need the extra [model]")

import tiny
from dictated import Dictated

from spatial_llava_ros.model import transformers_backend
from spatial_llava_ros.model.loading import ModelOptions, load_model
from spatial_llava_ros.model.patience import PATIENT
from spatial_llava_ros.nodes.locate import LocateNode

pytestmark = pytest.mark.slow


WALL, BLOCK = 1.5, 1.0  # metres


def picture(height: int, width: int) -> RgbdFrame:
    """A red block and a blue one high up before a wall; the lower half is bare."""
    color = np.full((height, width, 3), 120, np.uint8)
    depth = np.full((height, width), WALL, np.float32)
    for x, paint in ((0.1, (200, 30, 30)), (0.6, (30, 60, 200))):
        where = slice(round(0.05 * height), round(0.35 * height)), slice(round(x * width), round((x + 0.25) * width))
        color[where], depth[where] = paint, BLOCK
    return RgbdFrame(color, depth, CameraIntrinsics(width, height, 280.0, 280.0, (width - 1) / 2, (height - 1) / 2))


class BoxDictated(Dictated):
    """A conversation whose model is told, token by token, to write a box in its family's own words."""

    box: tuple[float, float, float, float]
    shape: tuple[int, int]

    def ask(self, color, prompt, forced=(), patience=PATIENT, keep=(-1,)):
        family = self.loaded.family
        text = family.encode_box(self.box, self.shape)
        answer = family.answer_prefix + text[text.index(family.format.start) :]
        if family.name == "kosmos-2":
            answer = text
        (whole, _), base = self._after(prompt, [answer, answer])
        start = len(self.start_ids(prompt, family.box_start))
        self.say(start, [*whole[base:][start:], self.tokenizer.eos_token_id])
        return super().ask(color, prompt, forced, patience, keep)


@pytest.fixture(scope="module")
def client():
    rclpy.init()
    made = Client("family_tester")
    yield made
    made.close()


@pytest.fixture
def locate(client, tmp_path, monkeypatch):
    """locate(name, …) is a locate node of this process, active, with the small model of that name loaded."""
    monkeypatch.setattr(transformers_backend, "Conversation", BoxDictated)
    executor, nodes = SingleThreadedExecutor(), []
    spinning = Thread(target=executor.spin, daemon=True)
    spinning.start()

    def start(name: str, **parameters: str) -> LocateNode:
        tiny.build(name, tmp_path)
        given = {
            "model": str(tmp_path),
            "model.mode": "box",
            "model.quantization": "none",
            "model.family": tiny.FAMILY_NAMES.get(name, name),
            **{f"model.{key}": value for key, value in parameters.items()},
        }
        overrides = [Parameter(key, value=value) for key, value in given.items()]
        node = LocateNode(model_in_own_process=False, parameter_overrides=overrides)
        nodes.append(node)
        node.trigger_configure()
        node.trigger_activate()
        executor.add_node(node)
        until(client, lambda: node._model.state != "loading")
        assert node._model.state == "ready", node._model.describe()
        return node

    yield start
    executor.shutdown()
    spinning.join()
    for node in nodes:
        node.destroy_node()


def ask(client: Client, frame: RgbdFrame, text: str) -> ReferredObject:
    """The answer about a frame that is published from now on."""
    begun = client.node.get_clock().now().nanoseconds
    with Camera(client.node, frame):
        until(client, lambda: client.heard)
        while True:
            answer = client.ask(text, PATIENCE)
            if messages.nanoseconds(answer.header.stamp) > begun:
                return answer


@pytest.mark.parametrize("name", [name for name in tiny.BUILDERS if name != "molmo2"])
def test_box_dictated_to_a_family_arrives_on_the_picture_and_in_space(client, locate, name):
    family = locate(name)._model._backend.loaded.family
    for height, width in ((240, 320), (320, 240)):
        frame = picture(height, width)
        shape = BoxDictated.shape = frame.depth.shape
        box = BoxDictated.box = (0.21 * width, 0.53 * height, 0.68 * width, 0.87 * height)
        answer = ask(client, frame, "the poster on the wall")
        assert answer.status == ReferredObject.FOUND, answer.explanation
        assert answer.method == ReferredObject.METHOD_BOX, answer.explanation
        found = messages.answer_of(answer).object
        (exact,) = family.decode_answer(family.encode_box(box, shape), shape)
        assert found.box == pytest.approx(exact, abs=1e-3)
        step = family.resolution(shape)
        assert all(abs(a - b) <= step[i % 2] for i, (a, b) in enumerate(zip(box, found.box, strict=True)))
        # It hangs on the wall, so its place follows from the box.
        u, v = (exact[0] + exact[2] - 1) / 2, (exact[1] + exact[3] - 1) / 2
        wanted = [(u - (width - 1) / 2) / 280 * WALL, (v - (height - 1) / 2) / 280 * WALL, WALL]
        np.testing.assert_allclose(found.position, wanted, atol=0.02)


@pytest.mark.skipif("molmo2" not in tiny.BUILDERS, reason="this transformers has no Molmo 2")
def test_point_dictated_to_a_family_that_points_is_the_region_under_it(client, locate):
    locate("molmo2")
    for height, width in ((240, 320), (320, 240)):
        frame = picture(height, width)
        BoxDictated.shape = frame.depth.shape
        BoxDictated.box = (0.62 * width, 0.06 * height, 0.8 * width, 0.3 * height)
        answer = ask(client, frame, "the blue block")
        assert (answer.status, answer.method) == (ReferredObject.FOUND, ReferredObject.METHOD_BOX), answer.explanation
        found = messages.answer_of(answer).object
        np.testing.assert_allclose(found.box, (0.6 * width, 0.05 * height, 0.85 * width, 0.35 * height), atol=4)
        assert found.position[2] == pytest.approx(BLOCK, abs=0.05)
        BoxDictated.box = (0.2 * width, 0.6 * height, 0.5 * width, 0.9 * height)
        answer = ask(client, frame, "the blue block")
        assert answer.status == ReferredObject.NOT_FOUND and "points at no region" in answer.explanation


def test_box_on_a_region_is_that_region(client, locate):
    locate("llava")
    frame = picture(240, 320)
    BoxDictated.shape, BoxDictated.box = frame.depth.shape, (188.0, 10.0, 275.0, 90.0)
    answer = ask(client, frame, "the blue block")
    assert answer.method == ReferredObject.METHOD_BOX, answer.explanation
    found = messages.answer_of(answer).object
    np.testing.assert_allclose(found.box, (192, 12, 272, 84), atol=4)
    assert found.position[2] == pytest.approx(BLOCK, abs=0.05)


def test_adapters_are_switched_by_a_parameter_while_the_node_is_active(client, locate, tmp_path_factory):
    peft = pytest.importorskip("peft")
    folder = tmp_path_factory.mktemp("adapters")
    for name in ("kitchen", "shelf"):
        base = load_model(ModelOptions(str(tiny.build("llava", folder)), quantization="none")).model
        config = peft.LoraConfig(r=4, target_modules=["q_proj"], init_lora_weights=False)
        peft.get_peft_model(base, config).save_pretrained(folder / name)
    node = locate("llava", adapters=f"{folder}/kitchen, wall={folder}/shelf", adapter="kitchen")
    frame = picture(240, 320)
    BoxDictated.shape, BoxDictated.box = frame.depth.shape, (188.0, 10.0, 275.0, 90.0)
    loaded = node._model._backend.loaded
    assert ask(client, frame, "the blue block").method == ReferredObject.METHOD_BOX
    assert loaded.model.active_adapters() == ["kitchen"]
    node.set_parameters([Parameter("model.adapter", value="wall")])
    assert ask(client, frame, "the blue block").method == ReferredObject.METHOD_BOX
    assert loaded.model.active_adapters() == ["wall"]
    node.set_parameters([Parameter("model.adapter", value="garden")])
    answer = ask(client, frame, "the blue block")
    assert answer.method == ReferredObject.METHOD_GEOMETRY
    assert "no adapter 'garden' is loaded; loaded: kitchen, wall" in answer.explanation

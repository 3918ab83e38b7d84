from __future__ import annotations

import pytest
from scenes import squares

from spatial_llava_ros.model.errors import ModelLoadError
from spatial_llava_ros.model.opening import ModelChoice, named_adapters, open_backend, open_grounder
from spatial_llava_ros.model.remote import RemoteBackend
from spatial_llava_ros.types import Status


def test_address_opens_a_server():
    backend = open_backend("http://10.0.0.5:8000/v1#Qwen/Qwen2.5-VL-3B", family="qwen2.5-vl", timeout=3)
    assert isinstance(backend, RemoteBackend)
    assert (backend.options.url, backend.options.model) == ("http://10.0.0.5:8000/v1", "Qwen/Qwen2.5-VL-3B")


@pytest.mark.parametrize(
    ("model", "options", "names"),
    [
        ("", {}, "empty"),
        ("http://", {}, "http://"),
        ("some/model", {"bits": 4}, "bits"),
        ("http://x/v1", {"bits": 4}, "bits"),
        ("http://x/v1", {"mode": "guess"}, "guess"),
    ],
)
def test_what_cannot_be_opened_is_named(model, options, names):
    with pytest.raises(ModelLoadError, match=names):
        open_grounder(model, **options)


def test_adapters_are_named_by_their_folders_or_as_told():
    assert named_adapters("") == {}
    assert named_adapters("/data/lora-v1.2") == {"lora-v1_2": "/data/lora-v1.2"}
    assert named_adapters("/a/kitchen, shelf=org/model,") == {"kitchen": "/a/kitchen", "shelf": "org/model"}
    with pytest.raises(ModelLoadError, match="'kitchen'"):
        ModelChoice("m", adapters="/a/kitchen,/b/kitchen")


@pytest.mark.parametrize("mode", ["both", "marks", "box"])
@pytest.mark.parametrize("name", ["llava", "qwen2.5-vl", "florence-2"])
def test_folder_opens_a_grounder_that_answers(checkpoints, name, mode):
    frame, features = squares()
    grounder, backend = open_grounder(str(checkpoints(name)), mode, own_process=False, quantization="none")
    got = grounder.ground(frame, features, "the red square").grounding
    assert isinstance(got.status, Status) and got.scores.sum() + got.none == pytest.approx(1)
    assert "model" in got.explanation or "box" in got.explanation
    backend.close()

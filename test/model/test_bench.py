# ruff: noqa: E402
"""The bench of models: true sizes, and a small one that really runs."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="models need the extra [model]")
pytest.importorskip("transformers", reason="models need the extra [model]")

from spatial_llava_ros.model.bench import design, main


@pytest.mark.parametrize(
    ("size", "billions"), [("llava-1.5-7b", 7.06), ("qwen2.5-vl-3b", 3.75), ("qwen2.5-vl-7b", 8.29)]
)
def test_sizes_are_those_of_the_published_models(size, billions):
    kind, config, _ = design(size)
    with torch.device("meta"):
        model = kind(config)
    assert sum(p.numel() for p in model.parameters()) / 1e9 == pytest.approx(billions, rel=0.02)


def test_small_model_is_timed(capsys):
    assert main(["small", "--quantization", "none", "--rounds", "1"]) == 0
    printed = capsys.readouterr().out
    for figure in ("marks mode, second question", "box mode, first question", "tokens/s", "floor of a token"):
        assert figure in printed


def test_missing_device_is_one_line(capsys):
    if torch.cuda.is_available():
        pytest.skip("has CUDA")
    assert main(["small", "--device", "cuda"]) == 2
    assert "cuda" in capsys.readouterr().err

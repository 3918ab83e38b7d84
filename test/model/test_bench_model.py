# ruff: noqa: E402
"""Timing models of true size: the sizes, the bytes counted without weights, and a small one that really runs."""

from __future__ import annotations

import re

import pytest

torch = pytest.importorskip("torch", reason="models need the extra [model]")
pytest.importorskip("transformers", reason="models need the extra [model]")

from spatial_llava_ros.cli.main import main
from spatial_llava_ros.model.floor import costs
from spatial_llava_ros.model.loading import ModelOptions, load_model
from spatial_llava_ros.model.true_sizes import build, design


@pytest.mark.parametrize(
    ("size", "billions"),
    [("llava-0.5b", 0.80), ("llava-1.5-7b", 7.06), ("qwen2.5-vl-3b", 3.75), ("qwen2.5-vl-7b", 8.29)],
)
def test_sizes_are_those_of_the_published_models(size, billions):
    kind, config, _ = design(size)
    with torch.device("meta"):
        model = kind(config)
    assert sum(p.numel() for p in model.parameters()) / 1e9 == pytest.approx(billions, rel=0.02)


@pytest.mark.parametrize("quantization", ["none", "nf4"])
def test_bytes_counted_without_weights_are_those_of_the_loaded_model(tmp_path, quantization):
    kind, config, _ = design("small")
    build("small", tmp_path, torch.float32)
    loaded = load_model(ModelOptions(str(tmp_path), quantization=quantization))
    assert costs(kind, config, quantization, 4).weights == pytest.approx(loaded.bytes, rel=1e-3)


def test_seven_billion_in_four_bits_leave_room_on_eight_gigabytes():
    kind, config, _ = design("llava-1.5-7b")
    four, sixteen = costs(kind, config, "nf4"), costs(kind, config, "none")
    assert sixteen.weights == pytest.approx(14.1e9, rel=0.01)
    assert four.weights + 3 * 650 * four.kept_per_token < 6.5e9
    assert costs(kind, config, "nf4", double_quant=True).weights == pytest.approx(four.weights - 0.3e9, rel=0.01)
    assert four.kept_per_token == 32 * 2 * 4096 * 2
    assert four.token_seconds(1e12, 0) < sixteen.token_seconds(1e12, 0) / 3


def test_small_model_is_timed(capsys):
    assert main(["bench", "model", "small", "--quantization", "none", "--rounds", "1"]) == 0
    printed = capsys.readouterr().out
    for figure in ("marks mode, next question", "box mode, first question", "tokens/s", "floor of a token here"):
        assert float(re.search(f"{figure}.* ([0-9.]+)$", printed, re.MULTILINE)[1]) > 0
    assert "AGX Orin" in printed


@pytest.mark.parametrize(
    ("arguments", "names"), [(["model", "small", "--device", "cuda"], "cuda"), (["model", "huge"], "huge"),
                             (["sim", "small"], "small"), (["model", "--rounds", "0"], "0")]
)  # fmt: skip
def test_what_cannot_be_measured_is_one_line(capsys, arguments, names):
    if torch.cuda.is_available() and "cuda" in arguments:
        pytest.skip("has CUDA")
    assert main(["bench", *arguments]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert names in said[-1] and said[-1].startswith("spatial-llava: error:")

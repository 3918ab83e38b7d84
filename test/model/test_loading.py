# ruff: noqa: E402
"""Loading: quantised where it should be, saved and loaded again, adapters, and every way a path can be wrong."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="models need the extra [model]")
pytest.importorskip("transformers", reason="models need the extra [model]")

import tiny

from spatial_llava_ros.model.conversation import Conversation
from spatial_llava_ros.model.errors import ModelError, ModelLoadError
from spatial_llava_ros.model.loading import ModelOptions, load_model, save_model
from spatial_llava_ros.model.transformers_backend import TransformersBackend


def logits(loaded) -> torch.Tensor:
    conversation = Conversation(loaded)
    color = loaded.family.prepare(np.random.default_rng(0).integers(0, 255, (96, 128, 3), dtype=np.uint8))
    return conversation.ask(color, conversation.prompt("the mug")).logits


def test_nothing_heavy_is_imported_before_a_model_is_asked_for():
    code = (
        "import sys, spatial_llava_ros.pipeline, spatial_llava_ros.model.families, spatial_llava_ros.model.grounder, "
        "spatial_llava_ros.model.loading, spatial_llava_ros.model.marks; "
        "print([m for m in ('torch', 'transformers', 'peft', 'bitsandbytes', 'PIL') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


@pytest.mark.parametrize("name", tiny.BUILDERS)
def test_nf4_quantises_the_language_model_alone(checkpoints, load, name):
    bitsandbytes = pytest.importorskip("bitsandbytes")
    family = tiny.FAMILY_NAMES.get(name, name)
    loaded = load_model(ModelOptions(str(checkpoints(name)), quantization="nf4", family=family))
    small = [n for n, m in loaded.model.named_modules() if isinstance(m, bitsandbytes.nn.Linear4bit)]
    sight = ("vision", "visual", "projector", "connector", "projection", "lm_head")
    assert small and not [n for n in small if any(word in n for word in sight)]
    full = [n for n, m in loaded.model.named_modules() if type(m) is torch.nn.Linear and not any(w in n for w in sight)]
    assert not full
    assert loaded.bytes < load(name).bytes
    assert "GB of weights on cpu" in loaded.memory
    error = (logits(loaded) - logits(load(name))).abs().max()
    assert 0 < error < 0.9 * logits(load(name)).std()


@pytest.mark.parametrize("quantization", ["nf4", "int8"])
def test_quantised_checkpoint_is_saved_and_loaded_as_it_is(checkpoints, tmp_path, quantization):
    pytest.importorskip("bitsandbytes")
    try:
        first = load_model(ModelOptions(str(checkpoints("llava")), quantization=quantization, double_quant=True))
        save_model(first, tmp_path)
        wanted = logits(first)
    except (ModelLoadError, ModelError, RuntimeError) as error:
        pytest.skip(f"{quantization} does not run on this device: {error}")
    size = sum(file.stat().st_size for file in tmp_path.glob("*.safetensors"))
    whole = sum(file.stat().st_size for file in checkpoints("llava").glob("*.safetensors"))
    assert size < whole
    again = load_model(ModelOptions(str(tmp_path)))
    assert again.bytes == first.bytes or quantization == "nf4"  # which the first question has repacked on a CPU
    assert torch.allclose(logits(again), wanted, atol=1e-5)


def test_bf16_computes_in_bf16(checkpoints):
    loaded = load_model(ModelOptions(str(checkpoints("qwen2-vl")), quantization="bf16"))
    assert {p.dtype for p in loaded.model.parameters()} == {torch.bfloat16}
    assert torch.isfinite(logits(loaded)).all()


def test_adapters_are_switched_by_name(checkpoints, tmp_path):
    peft = pytest.importorskip("peft")
    for seed, name in enumerate(("kitchen", "shelf")):
        base = load_model(ModelOptions(str(checkpoints("llava")), quantization="none")).model
        torch.manual_seed(seed)
        config = peft.LoraConfig(r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
        peft.get_peft_model(base, config).save_pretrained(tmp_path / name)
    adapters = {name: str(tmp_path / name) for name in ("kitchen", "shelf")}
    for quantization in ("none", "nf4"):
        backend = TransformersBackend.load(
            ModelOptions(str(checkpoints("llava")), quantization=quantization, adapters=adapters)
        )
        plain = load_model(ModelOptions(str(checkpoints("llava")), quantization=quantization))
        answers = {}
        for name in ("", "kitchen", "shelf", "kitchen", ""):
            backend.use_adapter(name)
            got = logits(backend.loaded)
            assert torch.allclose(answers.setdefault(name, got), got)
        assert torch.allclose(answers[""], logits(plain), atol=1e-5)
        assert (answers["kitchen"] - answers["shelf"]).abs().max() > 1e-3
        with pytest.raises(ModelLoadError, match="garden"):
            backend.use_adapter("garden")


def broken(folder, tmp_path, change):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    change(copy)
    return str(copy)


def unsafe(folder):
    for file in folder.glob("*.safetensors"):
        torch.save({}, folder / "pytorch_model.bin")
        file.unlink()


def cut(folder):
    for file in folder.glob("*.safetensors"):
        file.write_bytes(file.read_bytes()[:1000])


def remote_code(folder):
    config = json.loads((folder / "config.json").read_text())
    config |= {
        "model_type": "evil",
        "auto_map": {"AutoConfig": "evil.Evil", "AutoModelForImageTextToText": "evil.Evil"},
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "evil.py").write_text("raise SystemExit('ran')")


def of_bert(folder):
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))


def not_json(folder):
    (folder / "config.json").write_text("{")


@pytest.mark.parametrize("change", [unsafe, cut, remote_code, of_bert, not_json])
def test_broken_checkpoint_is_one_line_that_names_it(checkpoints, tmp_path, change):
    path = broken(checkpoints("llava"), tmp_path, change)
    with pytest.raises(ModelLoadError) as caught:
        load_model(ModelOptions(path, quantization="none"))
    assert "\n" not in str(caught.value)
    assert path in str(caught.value) or "bert" in str(caught.value) or "evil" in str(caught.value)


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"path": ""}, "empty"),
        ({"path": "/no/such/folder"}, "/no/such/folder"),
        ({"path": "nobody/no-such-model"}, "nobody/no-such-model"),
        ({"path": ".", "quantization": "q4"}, "q4"),
        ({"path": ".", "device": "cuda:9"}, "cuda:9"),
        ({"path": ".", "device": "toaster"}, "toaster"),
        ({"path": ".", "family": "clippy"}, "clippy"),
        ({"path": ".", "adapters": {"a": "/no/adapter"}}, "/no/adapter"),
    ],
    ids=str,
)
def test_wrong_option_is_named(checkpoints, options, names):
    if options["path"] == ".":
        options = options | {"path": str(checkpoints("llava"))}
    if torch.cuda.is_available() and "cuda" in names:
        pytest.skip("has CUDA")
    with pytest.raises(ModelLoadError, match=names) as caught:
        load_model(ModelOptions(**{"quantization": "none"} | options))
    assert "\n" not in str(caught.value)


def test_checkpoint_describes_itself(checkpoints, tmp_path):
    def describe(folder):
        (folder / "spatial_llava.json").write_text('{"family": "asmv2", "marks_temperature": 1.7, "marks_facts": true}')

    path = broken(checkpoints("llava"), tmp_path, describe)
    backend = TransformersBackend.load(ModelOptions(path, quantization="none"))
    assert backend.loaded.family.name == "asmv2" and backend.marks.temperature == 1.7 and backend.marks.facts
    for wrong in ("[1]", '{"marks_temperature": "hot"}', '{"marks_permutations": 0}', '{"marks_letters": 1}'):
        (tmp_path / "copy" / "spatial_llava.json").write_text(wrong)
        with pytest.raises(ModelLoadError, match=r"spatial_llava\.json"):
            TransformersBackend.load(ModelOptions(path, quantization="none"))


def test_bitsandbytes_neither_warns_nor_fetches_code(checkpoints, tmp_path):
    """In a new process, for it imports bitsandbytes once; with a package `kernels` that it would ask on some CPUs."""
    pytest.importorskip("bitsandbytes")
    (tmp_path / "kernels.py").write_text("def get_kernel(*_, **__): print('FETCHED')")
    script = """
import sys
from spatial_llava_ros.model.loading import ModelOptions, load_model
load_model(ModelOptions(sys.argv[1], quantization="nf4"))
assert "bitsandbytes.backends.cpu.ops" in sys.modules
import kernels
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(checkpoints("llava"))],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "FETCHED" not in done.stdout and "kernels" not in done.stderr

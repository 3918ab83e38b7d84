# ruff: noqa: E402
"""The visual position prompt: as published in numbers, at any size, through LLaVA unpatched, on disk and back."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="models need the extra [model]")
pytest.importorskip("transformers", reason="models need the extra [model]")

import tiny
import transformers as tf

from spatial_llava_ros.model.conversation import Conversation
from spatial_llava_ros.model.errors import ModelLoadError
from spatial_llava_ros.model.loading import ModelOptions, load_model, save_model
from spatial_llava_ros.model.vpp import (
    VisualPositionPrompt,
    VppConfig,
    clip_normalised,
    detector_input,
    draw_axes,
)
from spatial_llava_ros.model.vpp_checkpoint import split_published


def test_axes_have_the_published_colours_and_stay_at_the_edges():
    axes = clip_normalised(draw_axes(336))
    assert axes.amax(dim=(1, 2)).tolist() == pytest.approx([1.930, 2.075, 2.146], abs=1e-3)
    assert axes.amin(dim=(1, 2)).tolist() == pytest.approx([-1.792, -1.752, -1.480], abs=1e-3)
    drawn = draw_axes(336).min(axis=2) < 128
    assert drawn[0].all() and drawn[-1].all() and drawn[:, 0].all() and drawn[:, -1].all()
    assert not drawn[32:-32, 32:-32].any()  # everything is within the border that the mask lets through, but for serifs
    for tenth in range(1, 10):
        at = round(tenth * 33.6)
        assert drawn[at - 1 : at + 2, 1:4].any() and drawn[1:4, at - 1 : at + 2].any()


def test_overlay_mixes_at_the_border_and_dims_the_inside():
    prompt = VisualPositionPrompt(VppConfig(queries=0))
    pixels = torch.randn(2, 3, 336, 336)
    mixed = prompt.overlay(pixels)
    assert torch.allclose(mixed[..., 30:-30, 30:-30], 0.95 * pixels[..., 30:-30, 30:-30])
    border = 0.95 * pixels + 0.05 * prompt.axes
    assert torch.allclose(mixed[..., :30, :], border[..., :30, :]) and torch.allclose(
        mixed[..., -30:], border[..., -30:]
    )


@pytest.mark.parametrize("size", [(640, 640), (224, 448), (56, 56)])
def test_overlay_fits_any_size(size):
    prompt = VisualPositionPrompt(VppConfig(queries=0))
    mixed = prompt.overlay(torch.zeros(1, 3, *size))
    rows, columns = (mixed[0, 0] != 0).nonzero(as_tuple=True)
    assert mixed.shape[-2:] == size and rows.min() == 0 and columns.max() == size[1] - 1
    inside = mixed[..., round(0.1 * size[0]) : -round(0.1 * size[0]), round(0.1 * size[1]) : -round(0.1 * size[1])]
    assert (inside == 0).all()


def test_overlay_learns():
    prompt = VisualPositionPrompt(VppConfig(size=56, border=5, queries=0))
    prompt.overlay(torch.randn(1, 3, 56, 56)).sum().backward()
    assert (prompt.axes.grad[:, :5] != 0).all() and (prompt.axes.grad[:, 5:-5, 5:-5] == 0).all()


def test_detector_sees_a_centred_letterbox():
    pixels, mask = detector_input(np.full((100, 200, 3), 255, np.uint8), 640)
    assert pixels.shape == (1, 3, 640, 640) and mask.shape == (1, 640, 640)
    rows = mask[0].any(dim=1).nonzero().flatten()
    assert (int(rows[0]), int(rows[-1])) == (160, 479) and mask[0, 200].all()
    assert (pixels[0, :, :160] == 0).all() and (pixels[0, :, 200] > 2).all()


def test_published_sizes_make_676_tokens():
    config = VppConfig()
    prompt = VisualPositionPrompt(config, tiny.detector(100, 256))
    shapes = {name: tuple(p.shape) for name, p in prompt.named_parameters() if not name.startswith("detector.")}
    assert shapes == {
        "axes": (3, 336, 336),
        "projector.0.weight": (1024, 256), "projector.0.bias": (1024,),
        "projector.2.weight": (4096, 1024), "projector.2.bias": (4096,),
    }  # fmt: skip
    pixels, mask = detector_input(np.zeros((48, 64, 3), np.uint8), 96)
    with torch.inference_mode():
        assert prompt.query_tokens(pixels, mask).shape == (1, 100, 4096)
    assert (336 // 14) ** 2 + config.queries == 676


def test_prompt_goes_through_llava_and_changes_what_it_says(load, checkpoints):
    loaded = load("vpp-llava")
    color = loaded.family.prepare(np.random.default_rng(0).integers(0, 255, (96, 128, 3), dtype=np.uint8))
    conversation = Conversation(loaded)
    turn = conversation.ask(color, conversation.prompt("where is the mug"))
    image = loaded.model.config.image_token_id
    assert turn._picture.ids.count(image) == 16 + 10
    before = turn.logits.clone()
    axes = loaded.vpp.axes.detach().clone()
    try:
        loaded.vpp.axes.data += 5
        after = Conversation(loaded).ask(color, conversation.prompt("where is the mug")).logits
    finally:
        loaded.vpp.axes.data = axes
    assert (after - before).abs().max() > 1e-5


def test_prompt_is_saved_and_loaded_with_the_checkpoint_and_never_quantised(checkpoints, tmp_path):
    pytest.importorskip("bitsandbytes")
    first = load_model(ModelOptions(str(checkpoints("vpp-llava")), family="vpp-llava", quantization="nf4"))
    assert {p.dtype for p in first.vpp.parameters()} == {torch.float32}
    save_model(first, tmp_path)
    again = load_model(ModelOptions(str(tmp_path), family="vpp-llava"))
    for (name, a), (_, b) in zip(first.vpp.state_dict().items(), again.vpp.state_dict().items(), strict=True):
        assert torch.equal(a, b), name


def test_broken_prompt_is_named(checkpoints, tmp_path):
    VisualPositionPrompt(VppConfig(size=56, queries=0)).save(tmp_path)
    (tmp_path / "vpp.json").write_text('{"size": 28, "queries": 0}')
    with pytest.raises(ModelLoadError, match=str(tmp_path)):
        VisualPositionPrompt.load(tmp_path)


def published_state(layers: int, hidden: int, query: int) -> dict[str, torch.Tensor]:
    """Names and shapes as the code of the paper writes them, for sizes as small as `tiny`'s."""
    state: dict[str, torch.Tensor] = {}

    def add(name: str, *shape: int) -> None:
        state[name] = torch.randn(*shape)

    def both(name: str, *shape: int) -> None:
        add(f"{name}.weight", *shape)
        add(f"{name}.bias", shape[0])

    sight = "model.vision_tower.vision_tower.vision_model."
    add(sight + "embeddings.class_embedding", 32)
    add(sight + "embeddings.patch_embedding.weight", 32, 3, 14, 14)
    add(sight + "embeddings.position_embedding.weight", 17, 32)
    for norm in ("pre_layrnorm", "post_layernorm"):
        both(sight + norm, 32)
    for i in range(2):
        layer = f"{sight}encoder.layers.{i}."
        for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
            both(f"{layer}self_attn.{part}", 32, 32)
        both(layer + "layer_norm1", 32)
        both(layer + "layer_norm2", 32)
        both(layer + "mlp.fc1", 64, 32)
        both(layer + "mlp.fc2", 32, 64)
    both("model.mm_projector.0", hidden, 32)
    both("model.mm_projector.2", hidden, hidden)
    vocabulary = len(tiny.sentence_tokenizer(["<image>"]))
    add("model.embed_tokens.weight", vocabulary, hidden)
    add("lm_head.weight", vocabulary, hidden)
    add("model.norm.weight", hidden)
    for i in range(layers):
        layer = f"model.layers.{i}."
        for part in ("q_proj", "k_proj", "v_proj", "o_proj"):
            add(f"{layer}self_attn.{part}.weight", hidden, hidden)
        add(layer + "mlp.gate_proj.weight", 2 * hidden, hidden)
        add(layer + "mlp.up_proj.weight", 2 * hidden, hidden)
        add(layer + "mlp.down_proj.weight", hidden, 2 * hidden)
        add(layer + "input_layernorm.weight", hidden)
        add(layer + "post_attention_layernorm.weight", hidden)
        add(layer + "self_attn.rotary_emb.inv_freq", 16)
    add("model.visual_prompt", 3, 56, 56)
    both("model.grd_projector.0", 48, query)
    both("model.grd_projector.2", hidden, 48)
    detr = "model.detr_vision_tower.vision_tower."

    def frozen_norm(name: str, width: int) -> None:
        for part in ("weight", "bias", "running_mean", "running_var"):
            add(f"{name}.{part}", width)

    body = detr + "backbone.0.body."
    add(body + "conv1.weight", 8, 3, 7, 7)
    frozen_norm(body + "bn1", 8)
    before = 8
    for stage, width in enumerate((8, 8, 16, 16), 1):
        block = f"{body}layer{stage}.0."
        narrow = width // 4
        for k, (out, into, size) in enumerate(((narrow, before, 1), (narrow, narrow, 3), (width, narrow, 1)), 1):
            add(f"{block}conv{k}.weight", out, into, size, size)
            frozen_norm(f"{block}bn{k}", out)
        if stage > 1:
            add(block + "downsample.0.weight", width, before, 1, 1)
            frozen_norm(block + "downsample.1", width)
        before = width
    both(detr + "input_proj", query, 16, 1, 1)
    add(detr + "query_embed.weight", 10, query)
    for side, attentions in (("encoder", ("self_attn",)), ("decoder", ("self_attn", "multihead_attn"))):
        layer = f"{detr}transformer.{side}.layers.0."
        for attention in attentions:
            add(f"{layer}{attention}.in_proj_weight", 3 * query, query)
            add(f"{layer}{attention}.in_proj_bias", 3 * query)
            both(f"{layer}{attention}.out_proj", query, query)
        both(layer + "linear1", 64, query)
        both(layer + "linear2", query, 64)
        for k in range(1, len(attentions) + 2):
            both(f"{layer}norm{k}", query)
    both(detr + "transformer.decoder.norm", query)
    return state


def test_published_checkpoint_fills_every_weight_of_the_three_parts(checkpoints):
    state = published_state(layers=2, hidden=64, query=32)
    llava, prompt, queries = split_published(state)
    model = tf.AutoModelForImageTextToText.from_pretrained(checkpoints("vpp-llava"))
    model.load_state_dict(llava, strict=True)
    ours = VisualPositionPrompt.load(checkpoints("vpp-llava"))
    missing, unexpected = ours.load_state_dict(prompt, strict=False)
    assert not unexpected and all(name.startswith("detector.") for name in missing)
    missing, unexpected = ours.detector.load_state_dict(queries, strict=False)
    # ResNet of transformers counts batches, which the paper's frozen norms do not.
    assert not unexpected and all("num_batches_tracked" in name or "downsample" in name for name in missing)
    packed = state["model.detr_vision_tower.vision_tower.transformer.encoder.layers.0.self_attn.in_proj_weight"]
    assert torch.equal(ours.detector.encoder.layers[0].self_attn.k_proj.weight, packed[32:64])
    with pytest.raises(ModelLoadError, match="surprise"):
        split_published(state | {"model.surprise": torch.zeros(1)})

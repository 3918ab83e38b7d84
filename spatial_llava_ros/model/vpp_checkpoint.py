"""The published VPP-LLaVA checkpoint (one state dict of its own names) as transformers' LLaVA, DETR and our prompt.

The original DETR packs query, key and value of an attention into one matrix; transformers has three.
"""

from __future__ import annotations

import re
from typing import Any

from spatial_llava_ros.model.errors import ModelLoadError

_LLAVA = (
    ("model.vision_tower.vision_tower.vision_model.", "model.vision_tower."),
    ("model.mm_projector.0.", "model.multi_modal_projector.linear_1."),
    ("model.mm_projector.2.", "model.multi_modal_projector.linear_2."),
    ("lm_head.", "lm_head."),
    ("model.embed_tokens.", "model.language_model.embed_tokens."),
    ("model.layers.", "model.language_model.layers."),
    ("model.norm.", "model.language_model.norm."),
)
_DETR = (
    (r"backbone\.0\.body\.conv1\.", "backbone.model.embedder.embedder.convolution."),
    (r"backbone\.0\.body\.bn1\.", "backbone.model.embedder.embedder.normalization."),
    (r"transformer\.(encoder|decoder)\.layers\.", r"\1.layers."),
    (r"transformer\.decoder\.norm\.", "decoder.layernorm."),
    (r"input_proj\.", "input_projection."),
    (r"query_embed\.", "query_position_embeddings."),
    (r"\.out_proj\.", ".o_proj."),
    (r"\.multihead_attn\.", ".encoder_attn."),
    (r"\.linear([12])\.", r".mlp.fc\1."),
    (r"^(decoder\.layers\.\d+)\.norm2\.", r"\1.encoder_attn_layer_norm."),
    (r"\.norm1\.", ".self_attn_layer_norm."),
    (r"\.norm[23]\.", ".final_layer_norm."),
)
_BLOCK = re.compile(r"backbone\.0\.body\.layer(\d)\.(\d+)\.(conv|bn|downsample)\.?(\d)\.(.+)")
_PACKED = re.compile(r"(.+)\.in_proj_(weight|bias)")


def split_published(state: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """(LLaVA's, the prompt's, the detector's) part of a published state dict, under this package's names.

    Args:
        state: name -> tensor.

    Raises:
        ModelLoadError: a name that belongs to none of the three.
    """
    llava: dict[str, Any] = {}
    prompt: dict[str, Any] = {}
    detector: dict[str, Any] = {}
    for name, value in state.items():
        if name.endswith(("rotary_emb.inv_freq", "embeddings.position_ids")):
            continue  # constants that old versions of transformers stored
        if name == "model.visual_prompt":
            prompt["axes"] = value.reshape(value.shape[-3:])
        elif name.startswith("model.grd_projector."):
            prompt["projector." + name.removeprefix("model.grd_projector.")] = value
        elif name.startswith("model.detr_vision_tower.vision_tower."):
            detector |= detr_names(name.removeprefix("model.detr_vision_tower.vision_tower."), value)
        else:
            old, new = next(((old, new) for old, new in _LLAVA if name.startswith(old)), (None, None))
            if old is None:
                raise ModelLoadError(f"unknown name in the VPP-LLaVA checkpoint: {name!r}")
            llava[new + name.removeprefix(old)] = value
    return llava, prompt, detector


def detr_names(name: str, value: Any) -> dict[str, Any]:
    """A tensor of the original DETR as one or three of transformers' DetrModel."""
    if block := _BLOCK.fullmatch(name):
        stage, layer, kind, number, rest = block.groups()
        at = f"backbone.model.encoder.stages.{int(stage) - 1}.layers.{layer}"
        if kind == "downsample":
            return {f"{at}.shortcut.{'convolution' if number == '0' else 'normalization'}.{rest}": value}
        part = "convolution" if kind == "conv" else "normalization"
        return {f"{at}.layer.{int(number) - 1}.{part}.{rest}": value}
    for pattern, new in _DETR:
        name = re.sub(pattern, new, name)
    if packed := _PACKED.fullmatch(name):
        rows = value.shape[0] // 3
        return {
            f"{packed[1]}.{part}_proj.{packed[2]}": value[i * rows : (i + 1) * rows] for i, part in enumerate("qkv")
        }
    return {name: value}

"""Models of true size with random weights, for timing and for counting bytes: nothing has to be downloaded.

Latency and memory do not depend on what was learnt. The tokenizer writes bytes; `timing` asks questions of the length
that a real tokenizer would give them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from spatial_llava_ros.model.errors import ModelLoadError

SIZES = ("small", "llava-0.5b", "llava-1.5-7b", "qwen2.5-vl-3b", "qwen2.5-vl-7b")
_SHARD = 500_000_000  # weights per file
_QWEN_TOKENS = {
    "image_token_id": "<|image_pad|>",
    "video_token_id": "<|video_pad|>",
    "vision_start_token_id": "<|vision_start|>",
    "vision_end_token_id": "<|vision_end|>",
}
# Width, inner width, layers, heads, key-value heads, vocabulary of the language model inside a LLaVA: a Llama with
# Qwen2-0.5B's measures; Vicuna-7B.
_LLAVA_TEXT = {
    "small": (256, 704, 6, 8, 8, 512),
    "llava-0.5b": (896, 4864, 24, 14, 2, 151936),
    "llava-1.5-7b": (4096, 11008, 32, 32, 32, 32064),
}


def design(size: str) -> tuple[Any, Any, Any]:
    """Model class, configuration and processor of a size.

    Raises:
        ModelLoadError: no such size.
    """
    import transformers as tf

    from spatial_llava_ros.model.processors import without_video

    if size not in SIZES:
        raise ModelLoadError(f"size must be one of {', '.join(SIZES)}, got {size!r}")
    tokenizer = byte_tokenizer(["<image>", *_QWEN_TOKENS.values(), "<|im_start|>", "<|im_end|>"])
    if size.startswith("qwen"):
        small = size.endswith("3b")
        config = tf.Qwen2_5_VLConfig(
            text_config={
                "hidden_size": 2048 if small else 3584, "intermediate_size": 11008 if small else 18944,
                "num_hidden_layers": 36 if small else 28, "num_attention_heads": 16 if small else 28,
                "num_key_value_heads": 2 if small else 4, "vocab_size": 151936 if small else 152064,
                "rope_parameters": {"rope_type": "default", "mrope_section": [16, 24, 24], "rope_theta": 1e6},
            },
            vision_config={"hidden_size": 1280, "intermediate_size": 3420, "out_hidden_size": 2048 if small else 3584},
            tie_word_embeddings=small,
            **{name: tokenizer.convert_tokens_to_ids(tag) for name, tag in _QWEN_TOKENS.items()},
        )  # fmt: skip
        processor = without_video("Qwen2_5_VLProcessor")(tf.Qwen2VLImageProcessorPil(), tokenizer)
        kind: Any = tf.Qwen2_5_VLForConditionalGeneration
    else:
        true = size != "small"
        vision = tf.CLIPVisionConfig(
            hidden_size=1024 if true else 128, intermediate_size=4096 if true else 512, projection_dim=768,
            num_hidden_layers=24 if true else 4, num_attention_heads=16 if true else 4, image_size=336, patch_size=14,
        )  # fmt: skip
        width, inner, layers, heads, kv_heads, vocabulary = _LLAVA_TEXT[size]
        text = tf.LlamaConfig(
            hidden_size=width, intermediate_size=inner, num_hidden_layers=layers, num_attention_heads=heads,
            num_key_value_heads=kv_heads, vocab_size=vocabulary, tie_word_embeddings=size == "llava-0.5b",
        )  # fmt: skip
        image = tokenizer.convert_tokens_to_ids("<image>")
        config = tf.LlavaConfig(
            vision_config=vision, text_config=text, image_token_id=image,
            tie_word_embeddings=text.tie_word_embeddings,
        )  # fmt: skip
        side = {"height": 336, "width": 336}
        processor = tf.LlavaProcessor(
            tf.CLIPImageProcessorPil(size={"shortest_edge": 336}, crop_size=side), tokenizer, patch_size=14,
            vision_feature_select_strategy="default", num_additional_image_tokens=1,
        )  # fmt: skip
        kind = tf.LlavaForConditionalGeneration
    return kind, config, processor


def build(size: str, folder: Path, dtype: Any) -> str:
    """Write a checkpoint of random weights, never holding more than one file of it; the name of its family.

    Raises:
        ModelLoadError: no such size.
    """
    import torch
    from safetensors.torch import save_file

    kind, config, processor = design(size)
    config.dtype = dtype
    with torch.device("meta"):
        empty = kind(config)
    torch.manual_seed(0)
    some = 0.02 * torch.randn(2**22, dtype=torch.float32).to(dtype)
    shard: dict[str, Any] = {}
    where: dict[str, str] = {}
    tied = set(getattr(empty, "all_tied_weights_keys", {}))

    def write() -> None:
        name = f"model-{len(set(where.values())) + 1:05d}.safetensors"
        save_file(shard, folder / name, metadata={"format": "pt"})
        where.update(dict.fromkeys(shard, name))
        shard.clear()

    for name, weight in empty.state_dict().items():
        if name in tied:
            continue
        if weight.dim() == 1:  # the scale of a norm, or a bias
            shard[name] = torch.full(weight.shape, float(name.endswith("weight")), dtype=dtype)
        else:
            copies = -(-weight.numel() // len(some))
            shard[name] = some.repeat(copies)[: weight.numel()].reshape(weight.shape).clone()
        if sum(t.numel() for t in shard.values()) > _SHARD:
            write()
    write()
    index = {"metadata": {}, "weight_map": where}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    config.architectures = [kind.__name__]
    config.save_pretrained(folder)
    processor.save_pretrained(folder)
    return "qwen2.5-vl" if size.startswith("qwen") else "llava"


def byte_tokenizer(tags: list[str]) -> Any:
    """A tokenizer of single bytes and the given tags."""
    import transformers as tf
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={letter: i for i, letter in enumerate(letters)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(tag, normalized=False) for tag in ("<s>", "</s>", "<pad>", *tags)])
    return tf.PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>")

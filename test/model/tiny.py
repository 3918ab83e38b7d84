"""Every family built small from its own classes: random weights of 64 dimensions, a tokenizer of letters and tags."""

from __future__ import annotations

from pathlib import Path

import torch
import transformers as tf
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers

from spatial_llava_ros.model.processors import without_video
from spatial_llava_ros.model.vpp import VisualPositionPrompt, VppConfig

torch.set_num_threads(1)
WORDS = ["Ġno", "none", "None", "box", "ĠAssistant"]
TEXT = {
    "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2,
    "num_key_value_heads": 2, "max_position_embeddings": 4096,
}  # fmt: skip
CLIP = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 56,
    "patch_size": 14,
}  # fmt: skip


def byte_tokenizer(extra: list[str], **special: str) -> tf.PreTrainedTokenizerFast:
    """Byte-level, as Qwen's and GPT's: digits are single tokens."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: i for i, letter in enumerate(letters)}
    merges = []
    for word in WORDS:
        for k in range(2, len(word) + 1):
            if word[:k] not in vocabulary:
                vocabulary[word[:k]] = len(vocabulary)
                merges.append((word[: k - 1], word[k - 1]))
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return _finished(tokenizer, extra, special)


def sentence_tokenizer(extra: list[str], **special: str) -> tf.PreTrainedTokenizerFast:
    """As Llama's: a blank is the letter ▁ at the start of a word, bytes have tokens of their own."""
    letters = [chr(c) for c in range(33, 127)] + ["▁"]
    vocabulary = {"<unk>": 0} | {f"<0x{b:02X}>": b + 1 for b in range(256)}
    for letter in letters:
        vocabulary[letter] = len(vocabulary)
    merges = []
    for word in ("▁1", "▁no", "▁none", "▁["):
        for k in range(2, len(word) + 1):
            if word[:k] not in vocabulary:
                vocabulary[word[:k]] = len(vocabulary)
                merges.append((word[: k - 1], word[k - 1]))
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, unk_token="<unk>", byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return _finished(tokenizer, extra, special)


def _finished(tokenizer: Tokenizer, extra: list[str], special: dict[str, str]) -> tf.PreTrainedTokenizerFast:
    named = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"} | special
    tokenizer.add_special_tokens([AddedToken(t, normalized=False, special=True) for t in dict.fromkeys(named.values())])
    tokenizer.add_tokens([AddedToken(t, normalized=False, special=False) for t in extra])
    return tf.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **named)


def _llava(folder: Path, additional: int = 1, image: int = 56) -> None:
    tokenizer = sentence_tokenizer(["<image>"])
    config = tf.LlavaConfig(
        vision_config=tf.CLIPVisionConfig(**CLIP | {"image_size": image}),
        text_config=tf.LlamaConfig(**TEXT, vocab_size=len(tokenizer)),
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        image_seq_length=(image // 14) ** 2,
    )
    size = {"height": image, "width": image}
    processor = tf.LlavaProcessor(
        tf.CLIPImageProcessorPil(size={"shortest_edge": image}, crop_size=size),
        tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=additional,
    )
    _save(tf.LlavaForConditionalGeneration(config), processor, folder)


def detector(queries: int = 10, width: int = 32) -> tf.DetrModel:
    backbone = tf.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1], layer_type="bottleneck",
        out_features=["stage4"],
    )  # fmt: skip
    config = tf.DetrConfig(
        backbone_config=backbone, use_timm_backbone=False, encoder_layers=1, decoder_layers=1, encoder_ffn_dim=64,
        decoder_ffn_dim=64, encoder_attention_heads=2, decoder_attention_heads=2, d_model=width, num_queries=queries,
    )  # fmt: skip
    return tf.DetrModel(config)


def _vpp_llava(folder: Path) -> None:
    _llava(folder, additional=1 + 10, image=56)
    config = VppConfig(size=56, border=5, queries=10, query_width=32, hidden=48, width=64, detector_size=96)
    VisualPositionPrompt(config, detector()).save(folder)


def _llava_next(folder: Path) -> None:
    tokenizer = sentence_tokenizer(["<image>"])
    pinpoints = [[56, 112], [112, 56], [112, 112]]
    config = tf.LlavaNextConfig(
        vision_config=tf.CLIPVisionConfig(**CLIP),
        text_config=tf.LlamaConfig(**TEXT, vocab_size=len(tokenizer)),
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        image_grid_pinpoints=pinpoints,
    )
    processor = tf.LlavaNextProcessor(
        tf.LlavaNextImageProcessorPil(
            size={"shortest_edge": 56}, crop_size={"height": 56, "width": 56}, image_grid_pinpoints=pinpoints
        ),
        tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
    )
    _save(tf.LlavaNextForConditionalGeneration(config), processor, folder)


def _llava_onevision(folder: Path) -> None:
    tokenizer = byte_tokenizer(["<image>", "<video>", "<|im_start|>", "<|im_end|>"])
    pinpoints = [[56, 112], [112, 56], [112, 112]]
    config = tf.LlavaOnevisionConfig(
        vision_config=tf.SiglipVisionConfig(**CLIP),
        text_config=tf.Qwen2Config(**TEXT, vocab_size=len(tokenizer)),
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        video_token_id=tokenizer.convert_tokens_to_ids("<video>"),
        image_grid_pinpoints=pinpoints,
        vision_feature_select_strategy="full",
    )
    processor = without_video("LlavaOnevisionProcessor")(
        tf.LlavaOnevisionImageProcessorPil(size={"height": 56, "width": 56}, image_grid_pinpoints=pinpoints),
        tokenizer,
        num_image_tokens=16,
        vision_feature_select_strategy="full",
    )
    _save(tf.LlavaOnevisionForConditionalGeneration(config), processor, folder)


_QWEN = ["<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>", "<|im_start|>", "<|im_end|>",
         "<|box_start|>", "<|box_end|>", "<|object_ref_start|>", "<|object_ref_end|>"]  # fmt: skip


def _qwen(folder: Path, generation: str) -> None:
    tokenizer = byte_tokenizer(_QWEN)
    ids = {
        f"{name}_token_id": tokenizer.convert_tokens_to_ids(token)
        for name, token in zip(("image", "video", "vision_start", "vision_end"), _QWEN, strict=False)
    }
    rope = {"rope_type": "default", "mrope_section": [4, 6, 6], "rope_theta": 10000.0}
    text = TEXT | {"vocab_size": len(tokenizer), "rope_parameters": rope}
    patch, size = 14, {"shortest_edge": 28 * 28 * 4, "longest_edge": 28 * 28 * 24}
    if generation == "2":
        vision = {"depth": 2, "embed_dim": 32, "hidden_size": 64, "num_heads": 2, "mlp_ratio": 2, "patch_size": 14}
        config = tf.Qwen2VLConfig(text_config=text, vision_config=vision, **ids)
        model, kind = tf.Qwen2VLForConditionalGeneration, "Qwen2VLProcessor"
    elif generation == "2.5":
        vision = {"depth": 2, "hidden_size": 32, "num_heads": 2, "intermediate_size": 64, "out_hidden_size": 64,
                  "fullatt_block_indexes": [1], "patch_size": 14, "window_size": 56}  # fmt: skip
        config = tf.Qwen2_5_VLConfig(text_config=text, vision_config=vision, **ids)
        model, kind = tf.Qwen2_5_VLForConditionalGeneration, "Qwen2_5_VLProcessor"
    else:
        vision = {"depth": 2, "hidden_size": 32, "num_heads": 2, "intermediate_size": 64, "out_hidden_size": 64,
                  "deepstack_visual_indexes": [0], "patch_size": 16, "num_position_embeddings": 64}  # fmt: skip
        patch, size = 16, {"shortest_edge": 32 * 32 * 4, "longest_edge": 32 * 32 * 24}
        text |= {"head_dim": 32, "rope_parameters": rope | {"mrope_interleaved": True}}
        config = tf.Qwen3VLConfig(text_config=text, vision_config=vision, **ids)
        model, kind = tf.Qwen3VLForConditionalGeneration, "Qwen3VLProcessor"
    images = tf.Qwen2VLImageProcessorPil(patch_size=patch, merge_size=2, size=size)
    _save(model(config), without_video(kind)(images, tokenizer), folder)


def _internvl(folder: Path) -> None:
    tokenizer = byte_tokenizer(["<img>", "</img>", "<IMG_CONTEXT>", "<video>", "<|im_start|>", "<|im_end|>"])
    names = {"start_image_token": "<img>", "end_image_token": "</img>", "context_image_token": "<IMG_CONTEXT>",
             "video_token": "<video>"}  # fmt: skip
    tokenizer = tf.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer.backend_tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>",
        extra_special_tokens=names,
    )  # fmt: skip
    config = tf.InternVLConfig(
        vision_config=tf.InternVLVisionConfig(**CLIP | {"image_size": [56, 56], "patch_size": [14, 14]}),
        text_config=tf.Qwen2Config(**TEXT, vocab_size=len(tokenizer)),
        image_token_id=tokenizer.convert_tokens_to_ids("<IMG_CONTEXT>"),
        image_seq_length=4,
        tie_word_embeddings=False,
    )
    images = tf.GotOcr2ImageProcessorPil(size={"height": 56, "width": 56}, crop_to_patches=True, max_patches=4)
    processor = without_video("InternVLProcessor")(images, tokenizer, image_seq_length=4)
    _save(tf.InternVLForConditionalGeneration(config), processor, folder)


def _paligemma(folder: Path) -> None:
    tokenizer = sentence_tokenizer([], bos_token="<bos>", eos_token="<eos>")
    images = tf.SiglipImageProcessorPil(size={"height": 56, "width": 56})
    images.image_seq_length = 16
    processor = tf.PaliGemmaProcessor(images, tokenizer)
    config = tf.PaliGemmaConfig(
        vision_config=tf.SiglipVisionConfig(**CLIP, projection_dim=64),
        text_config=tf.Gemma2Config(**TEXT, head_dim=32, vocab_size=len(tokenizer), sliding_window=4096),
        image_token_id=processor.image_token_id,
        projection_dim=64,
    )
    _save(tf.PaliGemmaForConditionalGeneration(config), processor, folder)


def _florence2(folder: Path) -> None:
    tags = [f"<loc_{i}>" for i in range(1000)]
    base = byte_tokenizer(["<image>", *tags])
    tokenizer = tf.PreTrainedTokenizerFast(
        tokenizer_object=base.backend_tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>",
        extra_special_tokens={"image_token": "<image>"},
    )  # fmt: skip
    text = tf.BartConfig(
        d_model=64, encoder_layers=2, decoder_layers=2, encoder_attention_heads=2, decoder_attention_heads=2,
        encoder_ffn_dim=128, decoder_ffn_dim=128, vocab_size=len(tokenizer), max_position_embeddings=1024,
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
        decoder_start_token_id=tokenizer.eos_token_id, forced_eos_token_id=None,
    )  # fmt: skip
    vision = tf.Florence2VisionConfig(
        depths=(1, 1, 1, 1), embed_dim=(8, 8, 16, 32), num_heads=(1, 1, 2, 2), num_groups=(1, 1, 2, 2), window_size=4,
        projection_dim=64,
    )  # fmt: skip
    config = tf.Florence2Config(
        text_config=text, vision_config=vision, image_token_id=tokenizer.convert_tokens_to_ids("<image>")
    )
    images = tf.CLIPImageProcessorPil(size={"height": 64, "width": 64}, do_center_crop=False)
    images.image_seq_length = 5
    _save(tf.Florence2ForConditionalGeneration(config), tf.Florence2Processor(images, tokenizer), folder)


def _kosmos2(folder: Path) -> None:
    tags = ["<image>", "</image>", "<phrase>", "</phrase>", "<object>", "</object>", "<grounding>"]
    tokenizer = byte_tokenizer([*tags, *(f"<patch_index_{i:04d}>" for i in range(1024))], unk_token="<unk>")
    text = tf.models.kosmos2.configuration_kosmos2.Kosmos2TextConfig(
        vocab_size=len(tokenizer) + 64, embed_dim=64, layers=2, ffn_dim=128, attention_heads=2,
        bos_token_id=tokenizer.bos_token_id, pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.eos_token_id,
    )  # fmt: skip
    config = tf.Kosmos2Config(text_config=text.to_dict(), vision_config=CLIP, latent_query_num=64)
    images = tf.CLIPImageProcessorPil(size={"height": 56, "width": 56}, do_center_crop=False)
    processor = tf.Kosmos2Processor(images, tokenizer)
    _save(tf.Kosmos2ForConditionalGeneration(config), processor, folder)


def _idefics3(folder: Path, smol: bool) -> None:
    tags = ["<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>", "<|im_start|>"]
    tags += [f"<row_{r}_col_{c}>" for r in range(1, 7) for c in range(1, 7)]
    base = byte_tokenizer(tags)
    names = {"fake_image_token": tags[1], "image_token": tags[0], "global_image_token": tags[2],
             "end_of_utterance_token": tags[3]}  # fmt: skip
    tokenizer = tf.PreTrainedTokenizerFast(
        tokenizer_object=base.backend_tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>",
        extra_special_tokens=names,
    )  # fmt: skip
    vision = CLIP | {"image_size": 64, "patch_size": 8}  # 16 tokens: transformers 5.20 wants a multiple of patch_size
    kinds = (
        (tf.SmolVLMConfig, tf.SmolVLMForConditionalGeneration, "SmolVLMProcessor", tf.SmolVLMImageProcessorPil)
        if smol
        else (tf.Idefics3Config, tf.Idefics3ForConditionalGeneration, "Idefics3Processor", tf.Idefics3ImageProcessorPil)
    )
    config = kinds[0](
        vision_config=vision,
        text_config=tf.LlamaConfig(**TEXT, vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id),
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        scale_factor=2,
        pad_token_id=tokenizer.pad_token_id,
    )
    images = kinds[3](size={"longest_edge": 128}, max_image_size={"longest_edge": 64})
    extra = {"video_processor": None} if smol else {}
    processor = without_video(kinds[2])(images, tokenizer, image_seq_len=16, **extra)
    _save(kinds[1](config), processor, folder)


def _molmo2(folder: Path) -> None:
    from spatial_llava_ros.model.molmo_images import Molmo2ImageProcessor

    tags = ["<im_patch>", "<im_col>", "<im_start>", "<low_res_im_start>", "<frame_start>", "<im_end>", "<frame_end>",
            "<im_low>", "<|image|>", "<|video|>"]  # fmt: skip
    tokenizer = byte_tokenizer(tags)
    number = tokenizer.convert_tokens_to_ids
    own = CLIP | {"num_key_value_heads": 2, "head_dim": 16, "image_size": [56, 56], "num_position_embeddings": 16}
    wide = {"initializer_range": 0.3}  # with the usual weights so narrow a model hardly sees
    config = tf.Molmo2Config(
        vision_config=tf.Molmo2VisionConfig(**own, **wide),
        adapter_config=tf.Molmo2AdapterConfig(
            hidden_size=32, intermediate_size=64, num_attention_heads=2, num_key_value_heads=2, head_dim=16,
            vision_feature_layer=[1, 0], text_hidden_size=64, **wide,
        ),
        text_config=tf.Molmo2TextConfig(
            **TEXT, head_dim=32, vocab_size=len(tokenizer) - len(tags), additional_vocab_size=len(tags)
        ),
        image_patch_id=number("<im_patch>"), image_start_token_id=number("<im_start>"),
        low_res_image_start_token_id=number("<low_res_im_start>"), image_end_token_id=number("<im_end>"),
        frame_start_token_id=number("<frame_start>"), frame_end_token_id=number("<frame_end>"),
    )  # fmt: skip
    images = Molmo2ImageProcessor(size={"height": 56, "width": 56}, overlap_margins=[1, 1], max_crops=2)
    processor = without_video("Molmo2Processor")(image_processor=images, video_processor=None, tokenizer=tokenizer)
    _save(tf.Molmo2ForConditionalGeneration(config), processor, folder)


def _save(model: tf.PreTrainedModel, processor: tf.ProcessorMixin, folder: Path) -> None:
    model.save_pretrained(folder)
    processor.save_pretrained(folder)


BUILDERS = {
    "llava": _llava,
    "vpp-llava": _vpp_llava,
    "asmv2": _llava,
    "llava-next": _llava_next,
    "llava-onevision": _llava_onevision,
    "qwen2-vl": lambda folder: _qwen(folder, "2"),
    "qwen2.5-vl": lambda folder: _qwen(folder, "2.5"),
    "qwen3-vl": lambda folder: _qwen(folder, "3"),
    "internvl": _internvl,
    "paligemma": _paligemma,
    "florence-2": _florence2,
    "kosmos-2": _kosmos2,
    "idefics3": lambda folder: _idefics3(folder, False),
    "smolvlm": lambda folder: _idefics3(folder, True),
}
if hasattr(tf, "Molmo2Config"):  # transformers 5.20 has none
    BUILDERS["molmo2"] = _molmo2
FAMILY_NAMES = {"llava-next": "llava", "idefics3": "smolvlm"}


def build(name: str, folder: Path, seed: int = 0) -> Path:
    """A checkpoint folder of a family, with random weights."""
    torch.manual_seed(seed)
    BUILDERS[name](folder)
    return folder

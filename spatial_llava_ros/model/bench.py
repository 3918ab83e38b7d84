"""How fast a model of a given size is here: `python -m spatial_llava_ros.model.bench llava-1.5-7b --quantization nf4`.

The weights are random, the sizes true, so nothing has to be downloaded: latency does not depend on what was learnt. The
tokenizer writes bytes, so prompts are cut to the length that a real tokenizer would give. Beside the figures stands the
floor: weights read once per token at the memory's measured speed, and the prompt's arithmetic at the measured peak.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from spatial_llava_ros.errors import SpatialLlavaError
from spatial_llava_ros.model.errors import ModelLoadError

SIZES = ("small", "llava-1.5-7b", "qwen2.5-vl-3b", "qwen2.5-vl-7b")
SHAPE = (480, 640)
MARKS = 12
NEW_TOKENS = 24  # of a LLaVA box
_QWEN_TOKENS = {
    "image_token_id": "<|image_pad|>",
    "video_token_id": "<|video_pad|>",
    "vision_start_token_id": "<|vision_start|>",
    "vision_end_token_id": "<|vision_end|>",
}
_QUESTIONS = ("the red mug", "the blue book", "the tall can", "the left box")


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
        text = tf.LlamaConfig(
            hidden_size=4096 if true else 256, intermediate_size=11008 if true else 704,
            num_hidden_layers=32 if true else 6, num_attention_heads=32 if true else 8,
            num_key_value_heads=32 if true else 8, vocab_size=32064 if true else 512,
        )  # fmt: skip
        image = tokenizer.convert_tokens_to_ids("<image>")
        config = tf.LlavaConfig(vision_config=vision, text_config=text, image_token_id=image)
        side = {"height": 336, "width": 336}
        processor = tf.LlavaProcessor(
            tf.CLIPImageProcessorPil(size={"shortest_edge": 336}, crop_size=side), tokenizer, patch_size=14,
            vision_feature_select_strategy="default", num_additional_image_tokens=1,
        )  # fmt: skip
        kind = tf.LlavaForConditionalGeneration
    return kind, config, processor


def build(size: str, folder: Path, dtype: Any) -> str:
    """Write a checkpoint of random weights; the name of its family.

    Raises:
        ModelLoadError: no such size.
    """
    import torch

    kind, config, processor = design(size)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            torch.manual_seed(0)
            model = kind(config)
    finally:
        torch.set_default_dtype(before)
    model.save_pretrained(folder)
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


def measure(folder: Path, family: str, quantization: str, device: str, rounds: int = 3) -> dict[str, float | str]:
    """Figures of a checkpoint; times in milliseconds, medians over pictures."""
    import torch

    from spatial_llava_ros.model.box_mode import BoxMode
    from spatial_llava_ros.model.conversation import Conversation
    from spatial_llava_ros.model.loading import ModelOptions, load_model
    from spatial_llava_ros.model.marks import mark_labels
    from spatial_llava_ros.model.marks_mode import MarksMode

    start = perf_counter()
    loaded = load_model(ModelOptions(str(folder), family=family, quantization=quantization, device=device))
    figures: dict[str, float | str] = {"load, s": perf_counter() - start, "memory": loaded.memory}
    loaded.family = dataclasses.replace(
        loaded.family, question="box of {text}", marks_question="mark of {text}", answer_prefix=""
    )
    conversation = Conversation(loaded)
    marks, boxes = MarksMode(conversation), BoxMode(conversation)
    rng = np.random.default_rng(0)
    raw = [rng.integers(0, 255, (*SHAPE, 3), dtype=np.uint8) for _ in range(rounds + 1)]
    pictures = [loaded.family.prepare(picture) for picture in raw]
    labels = mark_labels(MARKS)

    def timed(work: Callable[[], Any]) -> float:
        _settle(torch, loaded.device)
        begun = perf_counter()
        work()
        _settle(torch, loaded.device)
        return (perf_counter() - begun) * 1e3

    def note(name: str, ask: Callable[[np.ndarray, str], Any]) -> None:
        conversation.forget()
        ask(pictures[-1], _QUESTIONS[0])
        first, second = [], []
        for picture in pictures[:rounds]:
            first.append(timed(lambda picture=picture: ask(picture, _QUESTIONS[1])))
            second.append(timed(lambda picture=picture: ask(picture, _QUESTIONS[2])))
        figures[f"{name}, first question, ms"] = float(np.median(first))
        figures[f"{name}, second question, ms"] = float(np.median(second))

    note("marks mode", lambda picture, text: marks.ask_marks(picture, text, labels))
    note("box mode", lambda picture, text: boxes.ask(picture, SHAPE, text))

    prompt = conversation.prompt(loaded.family.box_question(_QUESTIONS[1]))
    inputs = dict(loaded.processor(images=[pictures[0]], text=[prompt], return_tensors="pt"))
    inputs = {k: v.to(loaded.device) for k, v in inputs.items() if torch.is_tensor(v)}
    inputs = {k: v.to(loaded.dtype) if v.is_floating_point() else v for k, v in inputs.items()}

    def generate(tokens: int) -> float:
        options = {"max_new_tokens": tokens, "min_new_tokens": tokens, "do_sample": False}
        with torch.inference_mode():
            return timed(lambda: loaded.model.generate(**inputs, **options))

    generate(1)
    one, many = (float(np.median([generate(n) for _ in range(rounds)])) for n in (1, NEW_TOKENS))
    figures["plain generate, first token, ms"] = one
    figures[f"plain generate, {NEW_TOKENS} tokens, ms"] = many
    figures["plain generate, tokens/s"] = 1e3 * (NEW_TOKENS - 1) / max(many - one, 1e-9)
    bandwidth, flops = _machine(torch, loaded.device, loaded.dtype)
    weights = sum(p.numel() * (2 if p.dtype == torch.uint8 else 1) for p in loaded.model.parameters())
    figures["prompt, tokens"] = float(inputs["input_ids"].shape[1])
    figures["floor of a token, ms"] = 1e3 * loaded.bytes / bandwidth
    figures["floor of the prompt, ms"] = 1e3 * 2 * weights * inputs["input_ids"].shape[1] / flops
    return figures


def _settle(torch: Any, device: Any) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _machine(torch: Any, device: Any, dtype: Any) -> tuple[float, float]:
    """Measured bytes per second of memory and floating-point operations per second of a large product."""
    large = device.type == "cuda"
    block = torch.ones(2**28 if large else 2**25, dtype=torch.float32, device=device)
    square = torch.ones(8192 if large else 1024, 8192 if large else 1024, dtype=dtype, device=device)

    def best(work: Callable[[], Any]) -> float:
        times = []
        for _ in range(5):
            _settle(torch, device)
            start = perf_counter()
            work()
            _settle(torch, device)
            times.append(perf_counter() - start)
        return min(times)

    return 4 * block.numel() / best(block.sum), 2 * len(square) ** 3 / best(lambda: square @ square)


def main(arguments: list[str] | None = None) -> int:
    """Build, load, measure and print; 2 with one line on stderr where it cannot."""
    parser = argparse.ArgumentParser(description="Time a model of true size with random weights on this machine.")
    parser.add_argument("size", choices=SIZES)
    parser.add_argument("--quantization", default="nf4", choices=("nf4", "int8", "bf16", "none"))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="pictures to time (default 3)")
    parser.add_argument("--folder", default="", help="where the checkpoint is built; a temporary folder if not given")
    given = parser.parse_args(arguments)
    try:
        import torch

        with tempfile.TemporaryDirectory(dir=given.folder or None) as folder:
            dtype = torch.float16 if torch.cuda.is_available() else torch.float32
            family = build(given.size, Path(folder), dtype)
            figures = measure(Path(folder), family, given.quantization, given.device, max(1, given.rounds))
    except (SpatialLlavaError, ImportError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    print(f"{given.size}, {given.quantization}")
    for name, value in figures.items():
        print(f"  {name:38} {value if isinstance(value, str) else f'{value:10.1f}'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

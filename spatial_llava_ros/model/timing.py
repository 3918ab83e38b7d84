"""How long a model takes to answer: both modes, first and second question, beside plain `generate` and the floor.

Plain `generate` runs in the same process with the same weights, on inputs that are already prepared; our own times
include the processor's work on the picture.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from spatial_llava_ros.model.floor import BOARDS, costs, machine_speed, settle

SHAPE = (480, 640)
MARKS = 12
NEW_TOKENS = 24  # of a LLaVA box with its end, as a Llama tokenizer cuts it
_QUESTIONS = ("mug1", "book", "can2", "box3")  # a token per byte, as many as "the red mug" has with a real tokenizer
# Texts of the length, in tokens, of the families' real prompts and questions.
_PROMPT = "s" * 35 + "{image}\n{question} ASSIS"
_MARKS_QUESTION = "m" * 60 + " {text}?"
_BOX_QUESTION = "b" * 16 + " {text}."


def measure(folder: Path, size: Any, quantization: str, device: str, rounds: int = 3) -> dict[str, float | str]:
    """Figures of a checkpoint; times in milliseconds, medians over pictures.

    Args:
        size: (class, configuration, processor) of the checkpoint, as `true_sizes.design` gives them.

    Raises:
        ModelError: it cannot be loaded, or not run.
    """
    import torch

    from spatial_llava_ros.model.box_mode import BoxMode
    from spatial_llava_ros.model.conversation import Conversation
    from spatial_llava_ros.model.loading import ModelOptions, load_model
    from spatial_llava_ros.model.marks import mark_labels
    from spatial_llava_ros.model.marks_mode import MarksMode

    kind, config, _ = size
    start = perf_counter()
    loaded = load_model(ModelOptions(str(folder), quantization=quantization, device=device))
    figures: dict[str, float | str] = {"load, s": perf_counter() - start, "memory": loaded.memory}
    loaded.family = dataclasses.replace(
        loaded.family, prompt=_PROMPT, question=_BOX_QUESTION, marks_question=_MARKS_QUESTION, answer_prefix=""
    )
    on_gpu = loaded.device.type == "cuda"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats(loaded.device)
    conversation = Conversation(loaded)
    marks, boxes = MarksMode(conversation), BoxMode(conversation)
    rng = np.random.default_rng(0)
    pictures = [
        loaded.family.prepare(rng.integers(0, 255, (*SHAPE, 3), dtype=np.uint8)) for _ in range(rounds + 1)
    ]  # the last one warms up
    labels = mark_labels(MARKS)

    def timed(work: Callable[[], Any]) -> float:
        settle(torch, loaded.device)
        begun = perf_counter()
        work()
        settle(torch, loaded.device)
        return (perf_counter() - begun) * 1e3

    def ask(name: str, question: Callable[[np.ndarray, str], Any]) -> None:
        conversation.forget()
        for text in _QUESTIONS[:2]:
            question(pictures[-1], text)
        first, second = [], []
        for picture in pictures[:rounds]:
            first.append(timed(lambda picture=picture: question(picture, _QUESTIONS[1])))
            second.extend(timed(lambda picture=picture, text=text: question(picture, text)) for text in _QUESTIONS[2:])
        figures[f"{name}, first question, ms"] = float(np.median(first))
        figures[f"{name}, next question, ms"] = float(np.median(second))

    ask("marks mode", lambda picture, text: marks.ask_marks(picture, text, labels))
    ask("box mode", lambda picture, text: boxes.ask(picture, SHAPE, text))
    if conversation.replays.usable:  # else they were not used above
        conversation.replays.usable = False
        ask("box mode without CUDA graphs", lambda picture, text: boxes.ask(picture, SHAPE, text))
    if on_gpu:
        figures["peak of GPU memory, GB"] = torch.cuda.max_memory_allocated(loaded.device) / 1e9

    prompt = conversation.prompt(loaded.family.box_question(_QUESTIONS[1]))
    inputs = dict(loaded.processor(images=[pictures[0]], text=[prompt], return_tensors="pt"))
    inputs = {k: v.to(loaded.device) for k, v in inputs.items() if torch.is_tensor(v)}
    inputs = {k: v.to(loaded.dtype) if v.is_floating_point() else v for k, v in inputs.items()}

    def generate(tokens: int) -> float:
        options = {"max_new_tokens": tokens, "min_new_tokens": tokens, "do_sample": False}
        with torch.inference_mode():
            return timed(lambda: loaded.model.generate(**inputs, **options))

    generate(2)
    one, many = (float(np.median([generate(n) for _ in range(rounds)])) for n in (1, NEW_TOKENS))
    figures["plain generate, first token, ms"] = one
    figures[f"plain generate, {NEW_TOKENS} tokens, ms"] = many
    figures["plain generate, tokens/s"] = 1e3 * (NEW_TOKENS - 1) / max(many - one, 1e-9)
    figures |= _compared(figures, many)

    tokens = inputs["input_ids"].shape[1]
    pixels = inputs["pixel_values"]
    patches = pixels.shape[0] if pixels.dim() == 2 else (pixels.shape[-1] // config.vision_config.patch_size) ** 2
    counted = costs(kind, config, quantization, loaded.dtype.itemsize, loaded.options.double_quant)
    bandwidth, peak = machine_speed(torch, loaded.device, loaded.dtype)
    figures["prompt, tokens"] = float(tokens)
    figures["memory bandwidth measured, GB/s"] = bandwidth / 1e9
    figures["arithmetic measured, TFLOP/s"] = peak / 1e12
    figures["floor of a token here, ms"] = 1e3 * counted.token_seconds(bandwidth, tokens)
    figures["floor of the prompt here, ms"] = 1e3 * counted.prompt_seconds(peak, tokens, patches)
    on_boards = costs(kind, config, quantization, 2)
    figures["weights on a GPU, GB"] = on_boards.weights / 1e9
    figures["one kept picture on a GPU, GB"] = on_boards.kept_per_token * tokens / 1e9
    for board, (bandwidth, peak) in BOARDS.items():
        token = 1e3 * on_boards.token_seconds(bandwidth, tokens)
        figures[f"floor on {board}"] = (
            f"token {token:.1f} ms, prompt {1e3 * on_boards.prompt_seconds(peak, tokens, patches):.0f} ms"
        )
    return figures


def _compared(figures: dict[str, float | str], plain: float) -> dict[str, float]:
    """How many times faster one is than the other."""
    marks, boxes = ([figures[f"{mode} mode, {nth} question, ms"] for nth in ("first", "next")] for mode in MODES)
    return {
        "next over first question, marks": marks[0] / marks[1],
        "next over first question, box": boxes[0] / boxes[1],
        "marks over box, first question": boxes[0] / marks[0],
        "marks over box, next question": boxes[1] / marks[1],
        "marks over plain generate, first question": plain / marks[0],
        "marks over plain generate, next question": plain / marks[1],
        "box over plain generate, first question": plain / boxes[0],
        "box over plain generate, next question": plain / boxes[1],
    }


MODES = ("marks", "box")

"""The least time and memory a model can take on a machine: its bytes over the bandwidth, its products over the peak.

A token cannot be written before the language model's weights and the kept keys and values have been read once; a
prompt cannot be read before its multiplications are done. Both are counted on a model without weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from spatial_llava_ros.model.loading import UNQUANTIZED, unquantized_modules

# Name: memory bandwidth in bytes/s, dense 16-bit tensor operations/s (accumulated in 32 bits), by NVIDIA's data sheets.
BOARDS = {
    "Jetson Orin Nano Super 8 GB": (102e9, 17e12),
    "Jetson AGX Orin 64 GB": (205e9, 85e12),
    "GeForce RTX 4090": (1008e9, 165e12),
    "A100 80 GB": (2039e9, 312e12),
    "H100 SXM": (3350e9, 989e12),
}


@dataclass(frozen=True)
class Costs:
    """What a model is made of.

    Attributes:
        weights: bytes of all weights in memory.
        per_token: of those, the bytes that are read for every token written.
        text_products, sight_products: multiplications per token of the prompt, and per patch of the picture.
        kept_per_token: bytes of keys and values.
    """

    weights: int
    per_token: int
    text_products: int
    sight_products: int
    kept_per_token: int

    def token_seconds(self, bandwidth: float, kept: int) -> float:
        """Least time to write a token after `kept` others."""
        return (self.per_token + kept * self.kept_per_token) / bandwidth

    def prompt_seconds(self, peak: float, tokens: int, patches: int) -> float:
        """Least time to read a picture of so many patches and a prompt of so many tokens."""
        return 2 * (self.text_products * tokens + self.sight_products * patches) / peak


def costs(kind: Any, config: Any, quantization: str, width: int = 2, double_quant: bool = False) -> Costs:
    """Counts of a model class and configuration, without its weights.

    Args:
        width: bytes of a number that is not quantised: 2 on a GPU, 4 on a CPU.
    """
    import torch
    import transformers

    with torch.device("meta"):
        model = kind(config)
    skip = unquantized_modules(torch, transformers, config, whole_blocks=width == 4)
    scale = (1 / 64 + 4 / (64 * 256)) if double_quant else 4 / 64
    weights = per_token = text = sight = 0
    counted: set[int] = set()
    for name, module in model.named_modules():
        linear = isinstance(module, torch.nn.Linear)
        kept = any(name == outer or name.startswith(f"{outer}.") for outer in skip)
        sees = any(part in UNQUANTIZED and part != "lm_head" for part in name.split("."))
        for key, weight in [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]:
            n = weight.numel()
            if linear and key == "weight":
                sight, text = sight + n * sees, text + n * (not sees and "lm_head" not in name)
            size = n * (weight.element_size() if not weight.is_floating_point() else width)
            if linear and key == "weight" and not kept and quantization in ("nf4", "int8"):
                size = n // 2 + round(n * scale) if quantization == "nf4" else n + 4 * weight.shape[0]
            if id(weight) not in counted:
                counted.add(id(weight))
                weights += size
            if linear and not sees:
                per_token += size
    inner = config.get_text_config()
    heads = getattr(inner, "num_key_value_heads", None) or inner.num_attention_heads
    head = getattr(inner, "head_dim", None) or inner.hidden_size // inner.num_attention_heads
    return Costs(weights, per_token, text, sight, inner.num_hidden_layers * 2 * heads * head * width)


def machine_speed(torch: Any, device: Any, dtype: Any) -> tuple[float, float]:
    """Measured bytes per second of memory and floating-point operations per second of a large product."""
    large = device.type == "cuda"
    block = torch.ones(2**28 if large else 2**25, dtype=torch.float32, device=device)
    square = torch.ones(8192 if large else 1024, 8192 if large else 1024, dtype=dtype, device=device)

    def best(work: Callable[[], Any]) -> float:
        times = []
        for _ in range(5):
            settle(torch, device)
            start = perf_counter()
            work()
            settle(torch, device)
            times.append(perf_counter() - start)
        return min(times)

    return 4 * block.numel() / best(block.sum), 2 * len(square) ** 3 / best(lambda: square @ square)


def settle(torch: Any, device: Any) -> None:
    """Wait until a device has done all that was asked of it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)

"""Short passes over a kept prefix as CUDA graphs: replayed by the GPU, without Python between its kernels.

A pass of a few tokens through 32 layers is some 2100 calls of torch, 7 ms of a fast core before the first launch, while
a large GPU reads 4-bit weights of 7B in 4 ms. A graph needs tensors that keep their shape and place, so a fixed step
writes keys and values at positions held in a tensor, looks at the whole room of the cache through a mask, and stands
for a width: fewer tokens are filled up, and what the filling wrote is never looked at.

The first pass of each width is also done the plain way and compared; where anything differs or fails, all go that way.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import torch
from transformers.cache_utils import DynamicCache

from spatial_llava_ros.model.kept_prefix import KeptPrefix
from spatial_llava_ros.model.loading import LoadedModel

WIDTHS = (1, 2, 4, 8, 16)  # tokens of a pass
# Those whose language model takes positions and a mask as given, tested step by step against the plain way.
MODEL_TYPES = (
    "llava", "llava_next", "vipllava", "llava_onevision", "internvl", "qwen2_vl", "qwen2_5_vl", "qwen3_vl",
)  # fmt: skip
_TOLERANCE = 0.02  # of the logits' range: kernels for one row and for several round differently in 16 bits


class FixedStep:
    """A pass of so many tokens after those that a cache holds; only the contents of its tensors change."""

    def __init__(self, model: Any, cache: KeptPrefix, width: int, shifted: bool) -> None:
        """`shifted`: positions are threefold and shifted by what a picture takes, as in Qwen-VL."""
        device = cache.layers[0].device
        self._model, self._cache, self._shifted = model, cache, shifted
        self._ramp, self._room = torch.arange(width, device=device), torch.arange(cache.capacity, device=device)
        self.tokens = torch.zeros((1, width), dtype=torch.long, device=device)
        self.kept = torch.zeros((), dtype=torch.long, device=device)
        self.shift = torch.zeros((), dtype=torch.long, device=device)
        self.logits: torch.Tensor | None = None  # (1, width, V)
        self._graph: Any = None

    def place(self, tokens: Sequence[int], kept: int, shift: Any) -> None:
        """Say what to read after how many tokens; whatever computes next writes there."""
        filled = [*tokens, *[tokens[-1]] * (self.tokens.shape[1] - len(tokens))]
        self.tokens.copy_(torch.tensor([filled]))
        self.kept.fill_(kept)
        if self._shifted:
            self.shift.copy_(shift.reshape(()))

    def compute(self) -> None:
        """Fill `logits`; by torch's own calls, or while these are recorded."""
        at = self.kept + self._ramp
        where = (at + self.shift).expand(3, 1, -1) if self._shifted else at[None]
        self.logits = self._model(
            input_ids=self.tokens,
            position_ids=where,
            attention_mask=(self._room[None] <= at[:, None])[None, None],
            past_key_values=_AtPositions(self._cache, at),
            use_cache=True,
        ).logits

    def record(self, pool: Any) -> None:
        """Make the graph of what is placed. `pool`: of memory that all graphs may share, since one runs at a time."""
        if self.tokens.device.type != "cuda":
            self.compute()  # as before recording, so that tests see what it leaves behind
            return
        with torch.cuda.device(self.tokens.device):
            aside = torch.cuda.Stream()
            aside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(aside):  # libraries set themselves up, which cannot be recorded
                self.compute()
            torch.cuda.current_stream().wait_stream(aside)
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph, pool=pool):
                self.compute()
            self.logits.fill_(torch.nan)  # a replay that fills nothing in is found out

    def run(self, tokens: Sequence[int], kept: int, shift: Any) -> torch.Tensor:
        """(1, len(tokens), V) logits after each token; the cache holds the tokens then."""
        self.place(tokens, kept, shift)
        if self._graph is not None:
            self._graph.replay()
        else:
            self.compute()
        self._cache.reach(kept + len(tokens))
        return self.logits[:, : len(tokens)].clone()


class _AtPositions(DynamicCache):
    """A kept prefix as a fixed step sees it: all of its room, written at given positions."""

    def __init__(self, cache: KeptPrefix, at: torch.Tensor) -> None:
        super().__init__()
        self._cache, self._at = cache, at

    def update(self, keys: torch.Tensor, values: torch.Tensor, layer_idx: int, *_: Any, **__: Any) -> tuple:
        all_keys, all_values = self._cache.layers[layer_idx].room
        return all_keys.index_copy_(2, self._at, keys), all_values.index_copy_(2, self._at, values)


class Replays:
    """The fixed steps of a model's kept pictures."""

    def __init__(self, loaded: LoadedModel) -> None:
        self._loaded, self.usable, self._pool = loaded, may_replay(loaded), None

    def step(self, cache: KeptPrefix, tokens: int) -> FixedStep | None:
        """The recorded step for so many tokens more; None where there is none, or none yet."""
        width = self._width(cache, cache.get_seq_length(), tokens)
        return cache.steps.get(width)

    def _width(self, cache: KeptPrefix, kept: int, tokens: int) -> int:
        """Of the step for so many tokens; 0 for none."""
        if not self.usable:
            return 0
        width = next((width for width in WIDTHS if width >= tokens), 0)
        return width if kept + width <= cache.capacity else 0

    def prepare(
        self, cache: KeptPrefix, tokens: Sequence[int], shift: Any, plain: torch.Tensor, keep: Sequence[int]
    ) -> None:
        """Record a step for tokens that were just read the plain way, if it gives the same logits.

        Args:
            shift: what Qwen-VL's positions are shifted by; None for other models.
            plain: (len(keep), V) logits of the plain way, of the tokens at `keep`.
        """
        kept = cache.get_seq_length() - len(tokens)
        width = self._width(cache, kept, len(tokens))
        if not width or width in cache.steps:
            return
        try:
            step = FixedStep(self._loaded.model, cache, width, shift is not None)
            if self._loaded.device.type == "cuda":
                self._pool = self._pool or torch.cuda.graph_pool_handle()
            step.place(tokens, kept, shift)
            step.record(self._pool)
            got = step.run(tokens, kept, shift)[0, list(keep)].float()
            off = float((got - plain).abs().max() / (plain.max() - plain.min()))
            if not off <= _TOLERANCE:
                raise ArithmeticError(f"logits differ by {off:.1%} of their range")
            cache.steps[width] = step
        except Exception as error:  # of a library, a driver or for want of memory: the plain way remains
            self.usable = False
            cache.steps.clear()
            first = (str(error).strip().splitlines() or [type(error).__name__])[0]
            logging.getLogger(__name__).warning("CUDA graphs are not used: %s", first[:200])


def may_replay(loaded: LoadedModel) -> bool:
    """On CUDA, where all of a pass can be recorded: bitsandbytes' 8 bits look at the numbers in mid-pass."""
    model = loaded.model.get_base_model() if hasattr(loaded.model, "get_base_model") else loaded.model
    eight = loaded.options.quantization == "int8" or getattr(model, "is_loaded_in_8bit", False)
    attention = getattr(model.config.get_text_config(), "_attn_implementation", "")
    known = model.config.model_type in MODEL_TYPES and attention == "sdpa"
    return loaded.device.type == "cuda" and loaded.options.cuda_graphs and known and not eight

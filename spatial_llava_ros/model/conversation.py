"""Token by token with a vision-language model: what was read of a picture is kept for the next question about it.

Image tokens come first in every prompt, so two questions about a picture share a prefix of hundreds of tokens. Its keys
and values stay in the cache; a new question is compared with the last one and only what differs is computed. Families
whose image tokens look at the question (PaliGemma's prefix attention, Florence-2's encoder) are read anew.
"""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from transformers import DynamicCache, EncoderDecoderCache
from transformers.modeling_outputs import BaseModelOutput

from spatial_llava_ros.model.errors import ModelError
from spatial_llava_ros.model.kept_prefix import KeptPrefix
from spatial_llava_ros.model.loading import LoadedModel
from spatial_llava_ros.model.patience import PATIENT, Patience
from spatial_llava_ros.model.replay import Replays


@dataclass(eq=False)
class _Picture:
    """What is kept of one picture."""

    color: np.ndarray
    vision: dict[str, torch.Tensor]
    expansion: str | None  # text that stands for the picture in the prompt; None where only the processor knows
    ids: list[int]  # tokens whose keys and values are in the cache
    image_end: int  # the first of them that is no image token
    cache: Any
    rope_deltas: Any = None


class Turn:
    """An answer in the making: `logits` are those of its next token."""

    def __init__(
        self, conversation: Conversation, picture: _Picture, logits: torch.Tensor, encoded: Any, patience: Patience
    ) -> None:
        self._conversation = conversation
        self._picture = picture
        self._encoded = encoded
        self._patience = patience
        self.rows = logits  # (k, V) of the rows asked for, the newest last

    @property
    def logits(self) -> torch.Tensor:
        """(V,) float32, of the next token."""
        return self.rows[-1]

    def feed(self, tokens: Sequence[int], keep: Sequence[int] = (-1,)) -> torch.Tensor:
        """Append tokens; (len(keep), V) logits of what follows those tokens, counted from the end and in order.

        Raises:
            ModelError: as the patience that came with the question says; the turn is as before then.
        """
        tokens = list(tokens)
        self._patience.check()
        with self._conversation.loaded.interruption.of(self._patience):
            self.rows = self._conversation.forward_tokens(self._picture, tokens, self._encoded, keep)
        return self.rows

    def rewind(self, tokens: int) -> None:
        """Forget the newest tokens; `logits` are stale until the next feed."""
        self._conversation.drop(self._picture, tokens)


class Conversation:
    """A loaded model with its memory of pictures. Not thread-safe: one caller at a time."""

    def __init__(self, loaded: LoadedModel) -> None:
        self.loaded = loaded
        self.tokenizer = loaded.processor.tokenizer
        self._pictures: OrderedDict[int, _Picture] = OrderedDict()
        self._seq2seq = bool(getattr(loaded.model.config, "is_encoder_decoder", False))
        parameters = inspect.signature(loaded.model.forward).parameters
        self._keeps_logits = "logits_to_keep" in parameters
        self.replays = Replays(loaded)
        self._spare: list[KeptPrefix] = []  # of pictures forgotten, with their recorded steps

    # Prompts

    @property
    def image_token(self) -> str:
        """Placeholder of the picture in a prompt."""
        processor = self.loaded.processor
        return getattr(processor, "image_token", None) or getattr(self.tokenizer, "image_token", None) or "<image>"

    def prompt(self, question: str) -> str:
        """A question in the chat format of the checkpoint, or of its family where the checkpoint brings none."""
        family, processor = self.loaded.family, self.loaded.processor
        if getattr(processor, "chat_template", None):
            content = [{"type": "image"}, {"type": "text", "text": question}]
            messages = [{"role": "user", "content": content}]
            # The tokenizer renders the same template; SmolVLM's processor would ask for its video part here.
            return self.tokenizer.apply_chat_template(
                messages, chat_template=processor.chat_template, add_generation_prompt=True, tokenize=False
            )
        return family.prompt.format(image=self.image_token, question=question)

    def answer_ids(self, prompt: str, answers: Sequence[str]) -> tuple[list[int], list[list[int]]]:
        """Tokens that all answers begin with, and the rest of each, as they are tokenised after a prompt."""
        paths, base = self._after(prompt, answers)
        shared = max(min(common_prefix(paths), min(len(path) for path in paths) - 1), base)
        return paths[0][base:shared], [path[shared:] for path in paths]

    def start_ids(self, prompt: str, start: str) -> list[int]:
        """Tokens of the text that is put into the model's mouth after a prompt."""
        if not start:
            return []
        # A digit follows; it keeps the tokeniser from ending the text differently than within an answer.
        (path, other), base = self._after(prompt, [start + "0", start + "1"])
        return path[base : max(common_prefix([path, other]), base)]

    def _after(self, prompt: str, answers: Sequence[str]) -> tuple[list[list[int]], int]:
        """Tokens of the prompt's tail with each answer, and how many of them belong to the tail."""
        if self._seq2seq:
            return [self._ids(answer, special=False) for answer in answers], 0
        tail = prompt[-80:]
        gap = " " if tail and not tail[-1].isspace() and tail[-1] != ">" else ""
        before = self._ids(tail, special=False)
        paths = [self._ids(tail + gap + answer, special=False) for answer in answers]
        if common_prefix([before, *paths]) < len(
            before
        ):  # the prompt's last letters would merge with the answer's first
            return [self._ids(gap + answer, special=False) for answer in answers], 0
        return paths, len(before)

    def _needs_start(self, prompt: str) -> bool:
        """Whether the tokenizer still has to add the start token; chat templates often bring it."""
        start = self.tokenizer.bos_token
        return not (start and prompt.startswith(start))

    def _ids(self, text: str, special: bool) -> list[int]:
        return self.tokenizer(text, add_special_tokens=special)["input_ids"]

    # Reading

    @torch.inference_mode()
    def ask(
        self,
        color: np.ndarray,
        prompt: str,
        forced: Sequence[int] = (),
        patience: Patience = PATIENT,
        keep: Sequence[int] = (-1,),
    ) -> Turn:
        """Read a picture and a prompt, then the tokens put into the model's mouth.

        Args:
            color: (H, W, 3) uint8; known again by identity.
            prompt: with one image token, as from `prompt`.
            keep: tokens after which logits are wanted, counted from the end (-1 the last) and in order. With a large
                vocabulary the output layer is half of a small model's work.

        Returns:
            The turn; `rows` holds those logits.

        Raises:
            ModelError: the processor does not accept the picture, or as `patience` says.
        """
        patience.check()
        known = self._pictures.get(id(color))
        if known is not None and known.color is not color:
            known = None
        try:
            inputs, expansion = self._tokenise(color, prompt, known)
        except (ValueError, TypeError, RuntimeError, IndexError) as error:
            raise ModelError(f"the processor refuses a {color.shape[1]}x{color.shape[0]} picture: {error}") from error
        ids = [*inputs["input_ids"][0].tolist(), *([] if self._seq2seq else forced)]
        if known is not None and not self._seq2seq and not self.loaded.family.prefix_lm:
            shared = min(common_prefix([known.ids, ids]), len(ids) - 1 - len(forced))
            if shared >= known.image_end:
                self._pictures.move_to_end(id(color))
                self.drop(known, len(known.ids) - shared)
                with self.loaded.interruption.of(patience):
                    rows = self.forward_tokens(known, ids[shared:], None, keep)
                return Turn(self, known, rows, None, patience)
        with self.loaded.interruption.of(patience):
            picture, rows, encoded = self._read_anew(color, inputs, expansion, list(forced), keep)
        return Turn(self, picture, rows, encoded, patience)

    def _tokenise(self, color: np.ndarray, prompt: str, known: _Picture | None) -> tuple[dict[str, Any], str | None]:
        processor = self.loaded.processor
        if known is not None and known.expansion is not None:
            text = prompt.replace(self.image_token, known.expansion)
            ids = torch.tensor([self._ids(text, self._needs_start(prompt))], device=self.loaded.device)
            return {"input_ids": ids} | known.vision, known.expansion
        options = {} if self._needs_start(prompt) else {"add_special_tokens": False}
        inputs = dict(processor(images=[color], text=[prompt], return_tensors="pt", **options))
        inputs.pop("labels", None)  # PaliGemma's processor makes them for training
        for name, value in inputs.items():
            if isinstance(value, torch.Tensor):
                value = value.to(self.loaded.device)
                inputs[name] = value.to(self.loaded.dtype) if value.is_floating_point() else value
        if known is not None:  # the same tensors, for what was seen in them is known by them
            inputs.update((name, tensor) for name, tensor in known.vision.items() if name in inputs)
        return inputs, self._expansion(inputs, prompt)

    def _expansion(self, inputs: dict[str, Any], prompt: str) -> str | None:
        """Text by which the processor replaced the image token, if the tokens prove that it did so and no more."""
        processor = self.loaded.processor
        if not hasattr(processor, "replace_image_token") or prompt.count(self.image_token) != 1:
            return None
        try:
            expansion = processor.replace_image_token(inputs, 0)
        except (KeyError, TypeError, IndexError, AttributeError, NotImplementedError):
            return None
        ids = self._ids(prompt.replace(self.image_token, expansion), self._needs_start(prompt))
        same = ids == inputs["input_ids"][0].tolist()
        return expansion if same else None

    def _read_anew(
        self, color: np.ndarray, inputs: dict[str, Any], expansion: str | None, forced: list[int], keep: Sequence[int]
    ) -> tuple[_Picture, torch.Tensor, Any]:
        loaded = self.loaded
        length = inputs["input_ids"].shape[1]
        per_token = {k: v for k, v in inputs.items() if torch.is_tensor(v) and v.shape == (1, length)}
        vision = {k: v for k, v in inputs.items() if torch.is_tensor(v) and k not in per_token}
        ids = inputs["input_ids"][0].tolist()
        if self._seq2seq:
            return self._read_encoder(color, inputs, vision, forced, keep)
        if forced:
            more = {"input_ids": torch.tensor([forced], device=loaded.device)}
            for name, value in per_token.items():
                filler = value.new_full((1, len(forced)), int(name == "attention_mask"))
                if name == "token_type_ids":  # PaliGemma: what is answered is read in order
                    filler = filler + 1
                per_token[name] = torch.cat([value, more.get(name, filler)], dim=1)
        cache = self._spare.pop() if self._spare else KeptPrefix()
        cache.crop_to(0)
        picture = _Picture(color, vision, expansion, [], self._image_end(inputs), cache)
        out = loaded.model(
            **per_token,
            **self._vision_arguments(color, vision),
            **self._rows_option(keep),
            past_key_values=picture.cache,
            use_cache=True,
        )
        picture.ids = ids + forced
        picture.rope_deltas = getattr(_core(loaded.model), "rope_deltas", None)
        self._remember(picture)
        return picture, _rows(out.logits, keep), None

    def _vision_arguments(self, color: np.ndarray, vision: dict[str, torch.Tensor]) -> dict[str, Any]:
        """What the model's forward takes of a picture: pixels, or features made with a visual position prompt."""
        prompt = self.loaded.vpp
        if prompt is None:
            return vision
        pixels = mask = None
        if prompt.config.queries:
            from spatial_llava_ros.model.vpp import detector_input

            pixels, mask = (t.to(self.loaded.device) for t in detector_input(color, prompt.config.detector_size))
        others = {name: value for name, value in vision.items() if name != "pixel_values"}
        pictures = vision["pixel_values"]
        return others | {"mm_encoder_outputs": prompt.image_features(self.loaded.model, pictures, pixels, mask)}

    def _read_encoder(
        self, color: np.ndarray, inputs: dict, vision: dict, forced: list[int], keep: Sequence[int]
    ) -> tuple[_Picture, torch.Tensor, Any]:
        model = self.loaded.model
        config = model.generation_config
        start = config.decoder_start_token_id
        if start is None:
            start = model.config.text_config.decoder_start_token_id
        tokens = [start, *([config.forced_bos_token_id] if config.forced_bos_token_id is not None else [])]
        picture = _Picture(color, vision, None, [], 0, EncoderDecoderCache(KeptPrefix(), DynamicCache()))
        # The encoder runs with the first step of the decoder; its states serve all further steps.
        out = model(
            **inputs,
            decoder_input_ids=torch.tensor([tokens + forced], device=self.loaded.device),
            past_key_values=picture.cache,
            use_cache=True,
        )
        picture.ids = tokens + forced
        self._remember(picture)
        encoded = BaseModelOutput(last_hidden_state=out.encoder_last_hidden_state), inputs.get("attention_mask")
        return picture, _rows(out.logits, keep), encoded

    def _image_end(self, inputs: dict[str, Any]) -> int:
        """Index after the last token that stands for the picture."""
        if "image_embeds_position_mask" in inputs:
            where = inputs["image_embeds_position_mask"][0] != 0
        else:
            number = self.tokenizer.convert_tokens_to_ids(self.image_token)
            number = getattr(self.loaded.model.config, "image_token_id", None) or number
            where = inputs["input_ids"][0] == number
        found = torch.nonzero(where).flatten()
        return int(found[-1]) + 1 if len(found) else inputs["input_ids"].shape[1]

    @torch.inference_mode()
    def forward_tokens(
        self, picture: _Picture, tokens: list[int], encoded: Any, keep: Sequence[int] = (-1,)
    ) -> torch.Tensor:
        """Append tokens to what a picture's cache holds; (len(keep), V) float32 logits, as in `ask`."""
        try:
            logits = self._forward(picture, tokens, encoded, keep)
        except BaseException:  # some layers have the new tokens, some not
            own = picture.cache.self_attention_cache if encoded is not None else picture.cache
            own.crop_to(len(picture.ids))
            raise
        picture.ids += tokens
        return _rows(logits, keep)

    def _rows_option(self, keep: Sequence[int]) -> dict[str, Any]:
        """What makes the model's forward give only those rows, where it can."""
        return {"logits_to_keep": torch.tensor(list(keep), device=self.loaded.device)} if self._keeps_logits else {}

    def _forward(self, picture: _Picture, tokens: list[int], encoded: Any, keep: Sequence[int]) -> torch.Tensor:
        model = self.loaded.model
        new = torch.tensor([tokens], device=self.loaded.device)
        if encoded is not None:
            states, mask = encoded
            return model(
                encoder_outputs=states, attention_mask=mask, decoder_input_ids=new, past_key_values=picture.cache,
                use_cache=True,
            ).logits  # fmt: skip
        step = self.replays.step(picture.cache, len(tokens))
        if step is not None:
            return step.run(tokens, len(picture.ids), picture.rope_deltas)
        if picture.rope_deltas is not None:
            _core(model).rope_deltas = picture.rope_deltas
        # Kosmos-2 asks for a picture at every step; the language model inside it does not.
        forward = model.text_model if hasattr(model, "image_to_text_projection") else model
        logits = forward(input_ids=new, past_key_values=picture.cache, use_cache=True, **self._rows_option(keep)).logits
        self.replays.prepare(picture.cache, tokens, picture.rope_deltas, _rows(logits, keep), keep)
        return logits

    def drop(self, picture: _Picture, tokens: int) -> None:
        """Forget the newest tokens of a picture's cache."""
        if tokens > 0:
            picture.cache.crop(-tokens)
            del picture.ids[-tokens:]

    def _remember(self, picture: _Picture) -> None:
        self._pictures[id(picture.color)] = picture
        self._pictures.move_to_end(id(picture.color))
        while len(self._pictures) > self.loaded.options.kept_pictures:
            _, forgotten = self._pictures.popitem(last=False)
            if self.replays.usable:
                self._spare.append(forgotten.cache)

    def forget(self) -> None:
        """Free what is kept of pictures."""
        self._pictures.clear()
        self._spare.clear()


def _rows(logits: torch.Tensor, keep: Sequence[int]) -> torch.Tensor:
    """(len(keep), V) float32 of (1, k, V) logits; they may be the rows asked for already."""
    return (logits[0] if logits.shape[1] == len(keep) else logits[0, list(keep)]).float()


def common_prefix(sequences: Sequence[Sequence[int]]) -> int:
    """How many first elements all sequences share."""
    first, *others = sequences
    length = len(first)
    for other in others:
        length = next(
            (i for i, (a, b) in enumerate(zip(first[:length], other, strict=False)) if a != b), min(length, len(other))
        )
    return length


def _core(model: Any) -> Any:
    """The model inside an adapter's and a language head's wrapping, where Qwen-VL keeps its rope deltas."""
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    return getattr(base, "model", base)

"""A checkpoint's processor for pictures and text, also where torchvision is missing.

The processors of Qwen-VL, LLaVA-OneVision, InternVL and SmolVLM have a part for video that needs torchvision, which has
no build for every board and torch. Pictures do not need it: transformers has image processors on PIL and NumPy, and
Molmo 2 takes three steps from torchvision that torch has itself.
"""

from __future__ import annotations

import importlib.util
import inspect
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import transformers
from transformers.models.auto.processing_auto import PROCESSOR_MAPPING_NAMES


def load_processor(path: str, model_type: str, **where: Any) -> Any:
    """The processor of a checkpoint; `where` goes to `from_pretrained`.

    Raises:
        OSError, ValueError, KeyError: as transformers does, when a file is missing or does not fit.
    """
    if importlib.util.find_spec("torchvision") is not None or model_type not in PROCESSOR_MAPPING_NAMES:
        return transformers.AutoProcessor.from_pretrained(path, **where)
    kind = without_video(PROCESSOR_MAPPING_NAMES[model_type])
    parts = {
        "image_processor": lambda: _image_processor(path, model_type, **where),
        "tokenizer": lambda: transformers.AutoTokenizer.from_pretrained(path, **where),
        "video_processor": lambda: None,
    }
    described, _ = kind.get_processor_dict(path, **where)
    return kind.from_args_and_dict([parts[name]() for name in kind.__mro__[1].get_attributes()], described)


def _image_processor(path: str, model_type: str, **where: Any) -> Any:
    if model_type == "molmo2":  # transformers has none on PIL
        from spatial_llava_ros.model.molmo_images import Molmo2ImageProcessor

        return Molmo2ImageProcessor.from_pretrained(path, **where)
    return transformers.AutoImageProcessor.from_pretrained(path, backend="pil", **where)


@lru_cache(maxsize=32)
def without_video(name: str) -> type:
    """The processor class of that name, content with None for a video processor."""
    base = getattr(transformers, name)

    def check_argument_for_proper_class(self: Any, argument_name: str, argument: Any) -> Any:
        if argument is None and argument_name == "video_processor":
            return type(None)
        return super(kind, self).check_argument_for_proper_class(argument_name, argument)

    def save_pretrained(self: Any, folder: str | Path, **_: Any) -> None:
        self.image_processor.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        options = set(inspect.signature(base.__init__).parameters) - {"self", *base.get_attributes(), "chat_template"}
        described = {option: getattr(self, option) for option in options if hasattr(self, option)}
        described = {option: value for option, value in described.items() if isinstance(value, (str, int, float))}
        described["processor_class"] = name
        (Path(folder) / "processor_config.json").write_text(json.dumps(described, indent=2))
        if self.chat_template:
            (Path(folder) / "chat_template.jinja").write_text(self.chat_template)

    methods = {"check_argument_for_proper_class": check_argument_for_proper_class, "save_pretrained": save_pretrained}
    kind = type(name, (base,), methods)
    return kind

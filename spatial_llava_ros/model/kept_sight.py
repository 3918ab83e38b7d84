"""What the vision tower made of a picture, kept for families whose image tokens must be read anew with every question.

PaliGemma's prefix attention and Florence-2's encoder mix picture and question, so no keys and values of a picture can
be kept; its features can.
"""

from __future__ import annotations

from typing import Any

from torch.utils.weak import WeakTensorKeyDictionary


def keep_sight(core: Any) -> None:
    """Have a model look at the same tensor of pixels once; what it saw is freed with that tensor.

    Args:
        core: the model whose forward calls `get_image_features(pixel_values)`.
    """
    see, seen = core.get_image_features, WeakTensorKeyDictionary()

    def seen_once(pixel_values: Any, *args: Any, **options: Any) -> Any:
        if pixel_values not in seen:
            seen[pixel_values] = see(pixel_values, *args, **options)
        return seen[pixel_values]

    core.get_image_features = seen_once

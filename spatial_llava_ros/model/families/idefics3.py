"""Idefics3 and SmolVLM: they publish no box format, so they are asked for LLaVA's, on the unpadded picture.

Zero-shot boxes of these models are weak: use marks mode, and box mode after fine-tuning on this format.
"""

from __future__ import annotations

from spatial_llava_ros.model.families.family import Family
from spatial_llava_ros.model.families.llava import BRACKETS

IDEFICS3 = Family(
    name="smolvlm",
    model_types=("idefics3", "smolvlm"),
    format=BRACKETS,
    question=("Please provide the bounding box of {text} as [x1, y1, x2, y2], each from 0 to 1 of the image's side."),
    levels=1.0,
    prompt="<|im_start|>User:{image}{question}<end_of_utterance>\nAssistant:",
    origin="format of this project; models: arXiv 2408.12637, arXiv 2504.05299",
)

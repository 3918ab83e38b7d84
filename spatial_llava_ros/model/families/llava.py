"""LLaVA-1.5, -NeXT and -OneVision: `[x1, y1, x2, y2]`, 0..1 with two decimals, on the picture padded to a square.

The boxes of LLaVA's 665K training mix refer to the padded square (LLaVA#606). NeXT and OneVision cut the picture into
tiles as it is, but saw the same boxes; giving them the padded square makes both readings of a coordinate one. It also
keeps CLIP's centre crop, which the hub's LLaVA-1.5 processors apply, from cutting off the sides.
"""

from __future__ import annotations

from spatial_llava_ros.model.answer_format import BoxFormat
from spatial_llava_ros.model.families.family import Family

BRACKETS = BoxFormat(("[", 0, ", ", 1, ", ", 2, ", ", 3, "]"), decimals=2)
BOX_QUESTION = "Please provide the bounding box coordinate of the region this sentence describes: {text}."
VICUNA = (
    "A chat between a curious human and an artificial intelligence assistant. The assistant gives helpful, detailed, "
    "and polite answers to the human's questions. USER: {image}\n{question} ASSISTANT:"
)
CHATML = (
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
    "<|im_start|>user\n{image}\n{question}<|im_end|>\n<|im_start|>assistant\n"
)

LLAVA = Family(
    name="llava",
    model_types=("llava", "llava_next", "vipllava"),
    format=BRACKETS,
    question=BOX_QUESTION,
    levels=1.0,
    square=True,
    prompt=VICUNA,
    origin="LLaVA-1.5, arXiv 2310.03744; haotian-liu/LLaVA",
)
LLAVA_ONEVISION = Family(
    name="llava-onevision",
    model_types=("llava_onevision",),
    format=BRACKETS,
    question=BOX_QUESTION,
    levels=1.0,
    square=True,
    prompt=CHATML,
    origin="LLaVA-OneVision, arXiv 2408.03326",
)

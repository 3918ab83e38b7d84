"""VPP-LLaVA (arXiv 2503.15426): LLaVA's boxes, and a sentence that points to the axes on its picture."""

from __future__ import annotations

from spatial_llava_ros.model.families.family import MARKS_QUESTION, Family
from spatial_llava_ros.model.families.llava import BOX_QUESTION, BRACKETS, VICUNA

AXES = (
    "Each image is accompanied by axes. If the question pertains to the bounding box coordinates, "
    "refer to the axes for the response."
)

VPP_LLAVA = Family(
    name="vpp-llava",
    model_types=("llava",),
    format=BRACKETS,
    question=f"{BOX_QUESTION} {AXES}",
    marks_question=f"{AXES} {MARKS_QUESTION}",
    levels=1.0,
    square=True,
    prompt=VICUNA,
    origin="arXiv 2503.15426; WayneTomas/VPP-LLaVA",
)

"""InternVL 2 to 3.5: `<ref>mug</ref><box>[[x1, y1, x2, y2]]</box>`, 0..1000 of each side, picture unpadded."""

from __future__ import annotations

from spatial_llava_ros.model.answer_format import BoxFormat
from spatial_llava_ros.model.families.family import Family
from spatial_llava_ros.model.families.llava import CHATML

INTERNVL = Family(
    name="internvl",
    model_types=("internvl",),
    format=BoxFormat(("[[", 0, ", ", 1, ", ", 2, ", ", 3, "]]"), opening="[["),
    question="Please provide the bounding box coordinate of the region this sentence describes: <ref>{text}</ref>",
    levels=1000.0,
    prompt=CHATML,
    answer_prefix="<box>",
    origin="InternVL2, arXiv 2404.16821; OpenGVLab/InternVL, grounding data format",
)

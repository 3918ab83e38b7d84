"""ASMv2 and LLaVA-SpaceSGG: `<ref>mug</ref><box>[[x1, y1, x2, y2]]</box>`, whole numbers 0..999 on the padded square.

The scene-graph conversation of the same grammar is in `graph.spacesgg`.
"""

from __future__ import annotations

from spatial_llava_ros.model.answer_format import BoxFormat
from spatial_llava_ros.model.families.family import Family
from spatial_llava_ros.model.families.llava import VICUNA

ASMV2 = Family(
    name="asmv2",
    model_types=("llava",),
    format=BoxFormat(("<box>[[", 0, ", ", 1, ", ", 2, ", ", 3, "]]</box>"), opening="<box>"),
    question="Please provide the bounding box coordinate of the region this sentence describes: <ref>{text}</ref>",
    levels=999.0,
    square=True,
    prompt=VICUNA,
    # ASMv2 publishes the grammar of its answers, not this wording.
    graph_question="Describe the scene graph of the image: name the objects with their boxes in layers from near to "
    "far, then the relations between them.",
    origin="arXiv 2402.19474; OpenGVLab/all-seeing; LLaVA-SpaceSGG, arXiv 2412.06322",
)

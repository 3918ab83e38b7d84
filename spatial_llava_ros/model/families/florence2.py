"""Florence-2: `label<loc_x1><loc_y1><loc_x2><loc_y2>`, 1000 cells per side; an encoder and a decoder."""

from __future__ import annotations

from spatial_llava_ros.model.answer_format import BoxFormat
from spatial_llava_ros.model.families.family import Family

FLORENCE2 = Family(
    name="florence-2",
    model_types=("florence2",),
    format=BoxFormat(("<loc_", 0, "><loc_", 1, "><loc_", 2, "><loc_", 3, ">"), opening="<loc_"),
    # Its processor replaces the task token <OPEN_VOCABULARY_DETECTION> by this sentence.
    question="Locate {text} in the image.",
    marks_question="Which of the marks {labels} is on {text}, or none?{facts}",
    levels=1000.0,
    top=999.0,
    bins=True,
    prompt="{question}",
    prefix_lm=True,
    origin="arXiv 2311.06242; Florence2PostProcessor of transformers",
)

"""PaliGemma and PaliGemma 2: `<locYMIN><locXMIN><locYMAX><locXMAX> label`, 1024 tokens per side, y first."""

from __future__ import annotations

from spatial_llava_ros.model.answer_format import BoxFormat
from spatial_llava_ros.model.families.family import Family

PALIGEMMA = Family(
    name="paligemma",
    model_types=("paligemma",),
    format=BoxFormat(("<loc", 1, "><loc", 0, "><loc", 3, "><loc", 2, ">"), zeros=4, opening="<loc"),
    question="detect {text}",
    marks_question="answer en which mark is on {text}? marks: {labels}, or none.{facts}",
    levels=1024.0,
    top=1023.0,
    prompt="{image}{question}\n",
    prefix_lm=True,
    origin="PaliGemma, arXiv 2407.07726; PaliGemma 2, arXiv 2412.03555",
)

"""The families of models this package can ask, by name and by transformers' `model_type`."""

from __future__ import annotations

from spatial_llava_ros.model.errors import ModelLoadError
from spatial_llava_ros.model.families.asmv2 import ASMV2
from spatial_llava_ros.model.families.family import Family
from spatial_llava_ros.model.families.florence2 import FLORENCE2
from spatial_llava_ros.model.families.idefics3 import IDEFICS3
from spatial_llava_ros.model.families.internvl import INTERNVL
from spatial_llava_ros.model.families.kosmos2 import KOSMOS2
from spatial_llava_ros.model.families.llava import LLAVA, LLAVA_ONEVISION
from spatial_llava_ros.model.families.molmo import MOLMO, MOLMO2
from spatial_llava_ros.model.families.paligemma import PALIGEMMA
from spatial_llava_ros.model.families.qwen_vl import QWEN2_VL, QWEN3_VL, QWEN25_VL
from spatial_llava_ros.model.families.vpp_llava import VPP_LLAVA

# The first family of a model_type is the one that is taken unless another is named.
FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        LLAVA, LLAVA_ONEVISION, VPP_LLAVA, ASMV2, QWEN2_VL, QWEN25_VL, QWEN3_VL, INTERNVL, PALIGEMMA, FLORENCE2,
        KOSMOS2, IDEFICS3, MOLMO, MOLMO2,
    )
}  # fmt: skip


def family_of(model_type: str, name: str = "") -> Family:
    """The family of a checkpoint.

    Args:
        model_type: of its config.
        name: of a family, where a checkpoint follows another convention than its class suggests (vpp-llava and asmv2
            are LLaVA models by class).

    Raises:
        ModelLoadError: no such family, or one of other model classes.
    """
    if name:
        if name not in FAMILIES:
            raise ModelLoadError(f"unknown model family {name!r}; known: {', '.join(FAMILIES)}")
        return FAMILIES[name]
    for family in FAMILIES.values():
        if model_type in family.model_types:
            return family
    known = ", ".join(sorted({t for family in FAMILIES.values() for t in family.model_types}))
    raise ModelLoadError(f"model_type {model_type!r} belongs to no known family; known: {known}")

"""Understanding referring expressions: text in, typed structure out, printed back as plain English."""

from spatial_llava_ros.language.describe import describe
from spatial_llava_ros.language.parser import parse

__all__ = ["describe", "parse"]

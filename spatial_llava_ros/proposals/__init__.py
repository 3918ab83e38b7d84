"""Regions of a frame that may be things, from depth and colour, whatever they are called."""

from spatial_llava_ros.proposals.regions import propose

__all__ = ["propose"]

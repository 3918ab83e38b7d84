"""What can go wrong with a model, as errors of one line that name the path or value."""

from __future__ import annotations

from spatial_llava_ros.errors import InvalidInputError, SpatialLlavaError


class ModelError(SpatialLlavaError):
    """The model could not answer; another way of grounding may."""


class ModelLoadError(ModelError, InvalidInputError):
    """A checkpoint, adapter or option that cannot be loaded."""


class ModelMemoryError(ModelError):
    """The device has no memory left for this request."""


class ModelTimeout(ModelError):
    """The deadline passed before the model had answered."""


class ModelCancelled(ModelError):
    """The caller asked to stop."""

"""From one parameter to a grounder: `model:=` a checkpoint folder, a hub id, or the address of a server."""

from __future__ import annotations

from typing import Any

from spatial_llava_ros.model.errors import ModelLoadError
from spatial_llava_ros.model.grounder import ModelGrounder
from spatial_llava_ros.model.loading import ModelOptions
from spatial_llava_ros.model.process import ProcessBackend
from spatial_llava_ros.model.remote import RemoteBackend, RemoteOptions

MODES = ("both", "marks", "box")


def open_backend(model: str, own_process: bool = True, marks: dict[str, Any] | None = None, **options: Any) -> Any:
    """A back-end for a model; in a process of its own it is still loading when this returns.

    Args:
        model: folder, hub id, or `http(s)://host:port/v1#name-at-the-server`.
        own_process: keep a local model out of this process.
        marks: options of `MarksMode` for a local model.
        options: further fields of `ModelOptions` or `RemoteOptions`.

    Raises:
        ModelLoadError, MissingDependencyError: it cannot be loaded (of its own process: said by the first request).
    """
    try:
        if model.startswith(("http://", "https://")):
            address, _, name = model.partition("#")
            return RemoteBackend(RemoteOptions(address, name or "default", **options))
        settings = ModelOptions(model, **options)
    except TypeError as error:
        raise ModelLoadError(f"unknown option of model {model!r}: {error}") from error
    if own_process:
        return ProcessBackend(settings, **(marks or {}))
    from spatial_llava_ros.model.transformers_backend import TransformersBackend

    return TransformersBackend.load(settings, **(marks or {}))


def open_grounder(model: str, mode: str = "both", **options: Any) -> tuple[ModelGrounder, Any]:
    """A grounder and the back-end behind it, which the caller closes; `options` as for `open_backend`.

    Raises:
        ModelLoadError: an unknown mode, or as `open_backend` says.
    """
    if mode not in MODES:
        raise ModelLoadError(f"mode must be one of {', '.join(MODES)}, got {mode!r}")
    backend = open_backend(model, **options)
    return ModelGrounder(backend if mode != "box" else None, backend if mode != "marks" else None), backend

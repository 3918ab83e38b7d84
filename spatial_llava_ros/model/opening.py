"""From what a user says to a grounder: `model:=` a checkpoint folder, a hub id, or the address of a server."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spatial_llava_ros.errors import MissingDependencyError
from spatial_llava_ros.model.errors import ModelLoadError
from spatial_llava_ros.model.grounder import ModelGrounder
from spatial_llava_ros.model.loading import QUANTIZATIONS, ModelOptions
from spatial_llava_ros.model.process import ProcessBackend
from spatial_llava_ros.model.remote import RemoteBackend, RemoteOptions

MODES = ("both", "marks", "box")
INSTALL = "pip install 'spatial_llava_ros[model]' (on a Jetson see docs/models.md)"


@dataclass(frozen=True)
class ModelChoice:
    """A model as the node's parameters and the command line's options name it.

    Attributes:
        model: checkpoint folder, hub id, or `http(s)://host:port/v1#name-at-the-server`.
        mode: "marks", "box", or "both": marks first, boxes where they leave it open.
        family: how it is asked and answers; empty to go by the checkpoint.
        quantization, device, revision, offline: of `ModelOptions`; a server has its own.
        adapters: LoRA adapters to load, as for `named_adapters`; the last one answers until another is chosen.

    Raises:
        ModelLoadError: an unknown mode or quantization, no model, two adapters of one name.
    """

    model: str
    mode: str = "both"
    family: str = ""
    quantization: str = "nf4"
    device: str = "auto"
    adapters: str = ""
    revision: str = ""
    offline: bool = True

    def __post_init__(self) -> None:
        if not self.model:
            raise ModelLoadError("model path is empty")
        if self.mode not in MODES:
            raise ModelLoadError(f"mode must be one of {', '.join(MODES)}, got {self.mode!r}")
        if self.quantization not in QUANTIZATIONS:
            raise ModelLoadError(f"quantization must be one of {', '.join(QUANTIZATIONS)}, got {self.quantization!r}")
        named_adapters(self.adapters)

    def open(self, own_process: bool = True) -> tuple[ModelGrounder, Any]:
        """A grounder and the back-end behind it, as `open_grounder`."""
        if is_address(self.model):
            return open_grounder(self.model, self.mode, **({"family": self.family} if self.family else {}))
        return open_grounder(
            self.model,
            self.mode,
            own_process=own_process,
            family=self.family,
            quantization=self.quantization,
            device=self.device,
            revision=self.revision,
            offline=self.offline,
            adapters=named_adapters(self.adapters),
        )


def named_adapters(text: str) -> dict[str, str]:
    """Name -> folder or hub id, of "folder, name=folder, ..."; a folder without a name is called by its last part.

    Raises:
        ModelLoadError: two of one name.
    """
    named: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, path = part.partition("=")
        path = path if equals else part
        name = (name if equals else Path(path).name).strip().replace(".", "_")  # torch allows no dots in names
        if name in named:
            raise ModelLoadError(f"two adapters are called {name!r}: name them by name=folder")
        named[name] = path.strip()
    return named


def is_address(model: str) -> bool:
    """Whether a model is on a server."""
    return model.startswith(("http://", "https://"))


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
        if is_address(model):
            address, _, name = model.partition("#")
            return RemoteBackend(RemoteOptions(address, name or "default", **options))
        settings = ModelOptions(model, **options)
    except TypeError as error:
        raise ModelLoadError(f"unknown option of model {model!r}: {error}") from error
    for library in ("torch", "transformers"):
        if importlib.util.find_spec(library) is None:
            raise MissingDependencyError(f"a model needs {library}: {INSTALL}")
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
    marks, boxes = (backend if mode != "box" else None), (backend if mode != "marks" else None)
    return ModelGrounder(marks, boxes, model), backend

"""A transformers model in this process, as the two questions that grounding asks: which mark, and which box.

A checkpoint folder may bring `spatial_llava.json`: {"family": …, "marks_temperature": …, "marks_facts": …}, the
convention it was trained on, the calibration of its probabilities, and other options of its marks mode.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import torch

from spatial_llava_ros.grounding.features import Features
from spatial_llava_ros.model.box_mode import BoxMode
from spatial_llava_ros.model.conversation import Conversation
from spatial_llava_ros.model.errors import ModelError, ModelLoadError, ModelMemoryError
from spatial_llava_ros.model.graph_mode import write_graph_text
from spatial_llava_ros.model.loading import LoadedModel, ModelOptions, load_model, use_adapter
from spatial_llava_ros.model.marks_mode import MarksMode
from spatial_llava_ros.model.patience import PATIENT, Patience
from spatial_llava_ros.types import Box, RgbdFrame

DESCRIPTION = "spatial_llava.json"
_MARKS = {"temperature": (int, float), "permutations": int, "facts": bool, "letters": bool, "most": int}


class TransformersBackend:
    """Thread-safe: one question at a time, the others wait.

    Attributes:
        loaded: the model.
        marks: its marks mode, with the options of that.
    """

    def __init__(self, loaded: LoadedModel, **marks: Any) -> None:
        """`marks` are options of `MarksMode`: temperature, permutations, facts, letters, most."""
        self.loaded = loaded
        self.conversation = Conversation(loaded)
        self.marks = MarksMode(self.conversation, **marks)
        self._boxes = BoxMode(self.conversation)
        self._likely: tuple[RgbdFrame, str, list[Box]] | None = None  # boxes of the last marks question, best first
        self._frame: RgbdFrame | None = None
        self._adapter: str | None = None  # chosen; until then the one loaded last answers
        self._lock = Lock()

    @classmethod
    def load(cls, options: ModelOptions, **marks: Any) -> TransformersBackend:
        """Load a checkpoint with what its own description says of it.

        Raises:
            ModelLoadError, ModelMemoryError, MissingDependencyError: see `load_model`.
        """
        described = read_description(options.path)
        if not options.family and described.get("family"):
            options = replace(options, family=described["family"])
        return cls(load_model(options), **_described_marks(described) | marks)

    @property
    def memory(self) -> str:
        """Weights and device memory, in one line."""
        return self.loaded.memory

    def score(
        self, frame: RgbdFrame, features: Features, text: str, patience: Patience = PATIENT
    ) -> tuple[np.ndarray, float]:
        """Marks mode: (N,) probability of each region, and of none.

        Raises:
            ModelError: the model failed, or as `patience` says.
        """
        with self._lock, _as_model_errors(self.conversation):
            scores, none = self.marks.score(frame, features, text, patience)
            likely = np.argsort(-scores, kind="stable")
            self._likely = frame, text, [features.regions[i].box for i in likely if scores[i] > 0]
        return scores, none

    def boxes(self, frame: RgbdFrame, text: str, patience: Patience = PATIENT) -> tuple[tuple[Box, ...], float, str]:
        """Box mode: boxes in pixels of the frame, a score 0..1, and why there are none.

        Raises:
            ModelError: the model failed, or as `patience` says.
        """
        with self._lock, _as_model_errors(self.conversation):
            if self._frame is not frame:
                self._frame, self._picture = frame, self.loaded.family.prepare(frame.color)
            same = self._likely is not None and self._likely[0] is frame and self._likely[1] == text
            drafts = self._likely[2] if same else []
            answer = self._boxes.ask(self._picture, frame.color.shape[:2], text, patience, drafts=drafts)
        return answer.boxes, answer.score, answer.problem

    def graph_text(self, frame: RgbdFrame, text: str = "", patience: Patience = PATIENT) -> str:
        """Graph mode: the frame's scene graph in the family's text; `text` is not used.

        Raises:
            ModelError: a family that does not write scene graphs, the model failed, or as `patience` says.
        """
        with self._lock, _as_model_errors(self.conversation):
            if self._frame is not frame:
                self._frame, self._picture = frame, self.loaded.family.prepare(frame.color)
            return write_graph_text(self.conversation, self._picture, patience)

    def use_adapter(self, name: str) -> None:
        """Switch to a LoRA adapter, or to none with ""; what was kept of pictures is forgotten.

        Raises:
            ModelLoadError: no adapter of that name.
        """
        with self._lock:
            if name != self._adapter:
                use_adapter(self.loaded, name)
                self._adapter = name
                self.conversation.forget()

    def close(self) -> None:
        """Free the device memory."""
        with self._lock:
            self.conversation.forget()
            self.loaded.model = None
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


class _as_model_errors:
    """Turns what a library throws in mid-request into one line; a full device also forgets its pictures."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation

    def __enter__(self) -> None:
        if self._conversation.loaded.model is None:
            raise ModelError("the model was closed")

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, ModelError):
            return
        self._conversation.forget()
        if out_of_memory(error):
            torch.cuda.empty_cache()
            raise ModelMemoryError(f"no memory left on {self._conversation.loaded.device}") from error
        if isinstance(error, (RuntimeError, ValueError, IndexError, TypeError)):
            first = str(error).strip().splitlines() or [kind.__name__]
            raise ModelError(f"the model failed: {first[0][:200]}") from error


def out_of_memory(error: BaseException) -> bool:
    """Whether a library says in one of its ways that a device is full."""
    said = str(error)
    ways = ("can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED", "CUDA out of memory")
    return isinstance(error, torch.OutOfMemoryError) or any(way in said for way in ways)


def read_description(path: str) -> dict[str, Any]:
    """What a checkpoint folder says of itself; empty where it says nothing.

    Raises:
        ModelLoadError: a description that is not JSON of an object.
    """
    file = Path(path).expanduser() / DESCRIPTION
    if not file.is_file():
        return {}
    try:
        described = json.loads(file.read_text())
    except ValueError as error:
        raise ModelLoadError(f"{file} is not JSON: {error}") from error
    if not isinstance(described, dict):
        raise ModelLoadError(f"{file} must hold an object, got {type(described).__name__}")
    return described


def _described_marks(described: dict[str, Any]) -> dict[str, Any]:
    """Options of `MarksMode` that a checkpoint asks for, each as `marks_…`.

    Raises:
        ModelLoadError: one that is of another type, or a number that is not positive.
    """
    marks = {name: described[f"marks_{name}"] for name in _MARKS if f"marks_{name}" in described}
    for name, value in marks.items():
        number = _MARKS[name] is not bool
        if not isinstance(value, _MARKS[name]) or (number and (isinstance(value, bool) or not value > 0)):
            wanted = "a positive number" if number else "true or false"
            raise ModelLoadError(f"{DESCRIPTION}: marks_{name} must be {wanted}, got {value!r}")
    return marks

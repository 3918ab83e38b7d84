"""The language model of a node: its parameters, and what is said of it on /diagnostics."""

from __future__ import annotations

from rclpy.node import Node

from spatial_llava_ros.model.background import BackgroundModel
from spatial_llava_ros.model.loading import QUANTIZATIONS
from spatial_llava_ros.model.opening import MODES, ModelChoice
from spatial_llava_ros.nodes.parameters import Setting

SETTINGS = (
    Setting("model", "", "language model: checkpoint folder, hub id, or http(s)://host:port/v1#name; empty: geometry"),
    Setting("model.mode", "both", "how it is asked; both: marks, then a box where they leave it open", choices=MODES),
    Setting("model.fallback", True, "geometry answers where the model cannot; else the status is MODEL_ERROR"),
    Setting("model.quantization", "nf4", "of its weights", choices=QUANTIZATIONS),
    Setting("model.family", "", "how it is asked and answers, see docs/models.md; empty: by the checkpoint"),
    Setting("model.device", "auto", "auto, cpu, cuda, cuda:1 ..."),
    Setting("model.adapters", "", "LoRA adapters to load: folders or hub ids, or name=folder, separated by commas"),
    Setting("model.adapter", "", "name of the adapter that answers, may be changed at any time; empty: none of them"),
    Setting("model.revision", "", "commit, tag or branch on the hub; empty: the default one"),
    Setting("model.offline", True, "do not ask the network for the model"),
)


def open_model(node: Node, own_process: bool = True) -> BackgroundModel | None:
    """The model that the parameters name, loading in the background; None when they name none.

    Args:
        node: with SETTINGS declared.
        own_process: keep a local model out of this process.
    """

    def value(name: str):
        return node.get_parameter(name).value

    if not value("model"):
        return None
    named = ("mode", "family", "quantization", "device", "adapters", "revision", "offline")
    options = {name: value(f"model.{name}") for name in named}
    name = value("model")
    # What is wrong with the options is said where everything else about the model is.
    return BackgroundModel(
        name,
        lambda: ModelChoice(name, **options).open(own_process),
        waits=not value("model.fallback"),
        adapter=lambda: value("model.adapter"),
    )


def examine(model: BackgroundModel, fallback: bool) -> tuple[dict[str, str], str, str]:
    """Of a model: what /diagnostics shows, what is wrong, what is odd."""
    state = model.describe()
    values = {"model": f"{model.name}: {state}"}
    if model.state == "ready":
        return values, "", ""
    said = f"the model is {'still ' if model.state == 'loading' else ''}{state}"
    return (values, "", f"{said}; geometry answers") if fallback else (values, said, "")

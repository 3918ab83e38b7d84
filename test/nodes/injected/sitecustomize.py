"""Python runs this at its start where a test has put this folder on the path: trouble for the model's process.

The file that SPATIAL_LLAVA_INJECTED names is looked at before every step: {"memory": width of the largest picture that
fits, "delay": seconds that each step takes longer, "held": whether loading does not end}.
"""

import json
import os
import sys
import time
from pathlib import Path

if "SPATIAL_LLAVA_INJECTED" in os.environ and "spatial_llava_ros.model.process" in sys.orig_argv:
    import torch

    from spatial_llava_ros.model import loading
    from spatial_llava_ros.model.conversation import Conversation

    def trouble() -> dict:
        return json.loads(Path(os.environ["SPATIAL_LLAVA_INJECTED"]).read_text())

    def ask(self, color, *rest, _ask=Conversation.ask):
        if color.shape[1] > trouble().get("memory", color.shape[1]):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return _ask(self, color, *rest)

    def forward_tokens(self, *args, _forward=Conversation.forward_tokens):
        time.sleep(trouble().get("delay", 0.0))
        return _forward(self, *args)

    def load_model(options, _load=loading.load_model):
        loaded = _load(options)
        while trouble().get("held"):
            time.sleep(0.05)
        return loaded

    loading.load_model = load_model
    Conversation.ask, Conversation.forward_tokens = ask, forward_tokens

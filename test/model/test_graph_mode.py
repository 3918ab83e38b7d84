"""Graph mode: a model's own tokens arrive as the scene graph text that they are."""

from __future__ import annotations

import pytest
from dictated import Dictated
from scenes import BOXES, squares

pytest.importorskip("torch", reason="models need the extra [model]")
pytest.importorskip("transformers", reason="models need the extra [model]")

from test_conversation import picture

from spatial_llava_ros.graph.spacesgg import read_text, to_grid
from spatial_llava_ros.model import graph_mode
from spatial_llava_ros.model.errors import ModelCancelled, ModelError
from spatial_llava_ros.model.graph_mode import write_graph_text
from spatial_llava_ros.model.loading import ModelOptions
from spatial_llava_ros.model.patience import Patience
from spatial_llava_ros.model.process import ProcessBackend
from spatial_llava_ros.model.transformers_backend import TransformersBackend

GRID = [list(to_grid(b, (96, 128))) for b in BOXES]
TEXT = (
    f"Layer 1: <ref>red card</ref><box>[{GRID[0]}]</box>\nLayer 2: <ref>blue card</ref><box>[{GRID[1]}]</box>\n"
    f"The red card is <pred>left of</pred><box>[{GRID[0]}]</box><box>[{GRID[1]}]</box> the blue card."
)


def test_text_in_tokens_arrives_whole_and_is_read(load):
    conversation = Dictated(load("asmv2"))
    prompt = conversation.prompt(graph_mode.graph_question(conversation.loaded.family))
    (tokens, _), base = conversation._after(prompt, [TEXT, TEXT])
    conversation.say(0, [*tokens[base:], conversation.tokenizer.eos_token_id])
    backend = TransformersBackend(load("asmv2"))
    backend.conversation = conversation
    frame, _ = squares()
    heard = []
    text = backend.graph_text(frame, patience=Patience(report=lambda stage, text: heard.append((stage, text))))
    assert text.strip() == TEXT
    assert {stage for stage, _ in heard} == {"graph"} and all(TEXT.startswith(part.strip()) for _, part in heard)
    said = read_text(text)
    assert said.well_formed and set(said.labels.values()) == {"red card", "blue card"}
    assert said.triplets == ((tuple(GRID[0]), "left of", tuple(GRID[1])),)


def test_random_weights_end_at_the_limit_and_a_cancel_sooner(load, monkeypatch):
    monkeypatch.setattr(graph_mode, "MOST_TOKENS", 20)
    backend = TransformersBackend(load("asmv2"))
    frame, _ = squares()
    assert isinstance(backend.graph_text(frame), str)
    looks = iter([False] * 4 + [True] * 100)
    with pytest.raises(ModelCancelled):
        backend.graph_text(frame, patience=Patience(cancelled=lambda: next(looks)))


def test_a_family_without_the_grammar_says_so_here_and_in_its_own_process(load, checkpoints):
    with pytest.raises(ModelError, match="'llava' writes no scene graphs"):
        write_graph_text(Dictated(load("llava")), picture(96, 128))
    backend = ProcessBackend(ModelOptions(str(checkpoints("llava")), quantization="none"))
    try:
        with pytest.raises(ModelError, match="writes no scene graphs"):
            backend.graph_text(squares()[0])
    finally:
        backend.close()

# ruff: noqa: E402
"""Marks over HTTP: a server that computes with a small model says what marks mode reads from that model itself."""

from __future__ import annotations

import base64
from dataclasses import replace
from itertools import product

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="models need the extra [model]")
pytest.importorskip("transformers", reason="models need the extra [model]")

from remote_server import backend, said
from scenes import squares

from spatial_llava_ros.model.conversation import Conversation
from spatial_llava_ros.model.errors import ModelError
from spatial_llava_ros.model.loading import ModelOptions, load_model
from spatial_llava_ros.model.marks import draw_marks, mark_labels
from spatial_llava_ros.model.marks_mode import MarksMode
from spatial_llava_ros.model.remote_marks import read_marks
from spatial_llava_ros.types import Region


def serve(conversation, can=("continue_final_message", "prompt_logprobs")):
    """A chat completion computed by a model, as vLLM computes it; without what it cannot, it begins a new answer."""

    def shown(logits, count):
        logs, tokens = torch.log_softmax(logits, dim=-1).topk(count)
        words = [conversation.tokenizer.decode([int(token)]) for token in tokens]
        return [{"token": w, "logprob": float(log)} for w, log in zip(words, logs, strict=True)]

    def complete(body):
        image, text = body["messages"][0]["content"]
        jpeg = base64.b64decode(image["image_url"]["url"].split(",")[1])
        color = np.ascontiguousarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)[..., ::-1])
        prompt = conversation.prompt(text["text"])
        begun = body["messages"][1]["content"] if len(body["messages"]) > 1 and can else ""
        said_ = conversation.start_ids(prompt, begun)
        turn = conversation.ask(color, prompt, said_, keep=range(-1 - len(said_), 0))
        top = shown(turn.logits, body["top_logprobs"])
        tokens = {"content": [top[0] | {"top_logprobs": top}]}
        answer = {"choices": [{"message": {"content": top[0]["token"]}, "logprobs": tokens}]}
        if "prompt_logprobs" in body and "prompt_logprobs" in can:
            logs = [float(torch.log_softmax(row, dim=-1)[t]) for row, t in zip(turn.rows, said_, strict=False)]
            answer["prompt_logprobs"] = [None] + [
                {str(t): {"logprob": log, "rank": 1, "decoded_token": conversation.tokenizer.decode([t])}}
                for t, log in zip(said_, logs, strict=True)
            ]
        return answer

    return complete


def decided(folder, letters):
    """A conversation with a small model that says, by what it sees, a digit, "none" or a letter, then ends."""
    loaded = load_model(ModelOptions(str(folder), quantization="none", family="qwen2-vl"))
    tokenizer, head = loaded.processor.tokenizer, loaded.model.get_output_embeddings()
    bias = torch.zeros(len(head.weight))
    bias[tokenizer.convert_tokens_to_ids([*"0123456789", "none", "</s>"])] = 12.0
    bias[tokenizer.convert_tokens_to_ids([*"ABCDEFGHIJKL"])] = letters
    head.bias, head.weight = torch.nn.Parameter(bias, requires_grad=False), torch.nn.Parameter(6 * head.weight, False)
    return Conversation(loaded)


def many(n):
    """A frame with n small things in rows, and their features."""
    frame, features = squares(1)
    regions = tuple(
        Region(i + 1, (x, y, x + 16, y + 14), np.ones((14, 16), bool), 0.5)
        for i, (y, x) in enumerate(product(range(2, 80, 19), range(2, 110, 20)))
    )[:n]
    same = {"overlap": np.eye(n), "whole": np.linspace(0.9, 0.5, n), "pixels": np.full(n, 224.0)}
    return frame, replace(features, regions=regions, **same)


@pytest.mark.parametrize("n", [3, 9, 12, 20])
def test_distribution_is_that_of_the_same_model_in_process(server, checkpoints, n):
    """What a server says over HTTP is what marks mode reads from the model itself, also of labels of two tokens."""
    model = decided(checkpoints("qwen2-vl"), letters=6.0)
    server.replies = [(200, serve(model))]
    remote = backend(server, family="qwen2-vl", timeout=60)
    frame, features = many(n)
    scores, none = remote.score(frame, features, "the blue square")
    picture = draw_marks(frame.color, features.regions, mark_labels(n))
    ok, jpeg = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, remote.options.quality])
    color = np.ascontiguousarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR)[..., ::-1])
    wanted, absent = MarksMode(Conversation(model.loaded)).ask_marks(color, "the blue square", mark_labels(n))
    assert ok and scores == pytest.approx(wanted, abs=2e-3) and none == pytest.approx(absent, abs=2e-3)
    assert len({round(float(p), 3) for p in wanted}) > n / 2  # it has opinions
    begun = [body["messages"][1]["content"] for _, _, body in server.requests if len(body["messages"]) > 1]
    assert sorted(begun) == ([] if n < 10 else ["1"] if n < 20 else ["1", "2"])
    again = remote.score(frame, features, "the blue square")
    assert again[0] == pytest.approx(scores)
    assert sum("prompt_logprobs" in body for _, _, body in server.requests) == (n > 9)  # asked for once: it is dear


@pytest.mark.parametrize("can", [(), ("continue_final_message",)], ids=["begins anew", "without proof"])
def test_server_that_does_not_prove_to_continue_gets_letters(server, checkpoints, can):
    model = decided(checkpoints("qwen2-vl"), letters=12.0)
    server.replies = [(200, serve(model, can))]
    remote = backend(server, family="qwen2-vl", timeout=60)
    frame, features = many(12)
    scores, none = remote.score(frame, features, "the blue square")
    labels = mark_labels(12, letters=True)
    assert "A, B, C" in server.requests[-1][2]["messages"][0]["content"][1]["text"] and len(server.requests) == 3
    jpeg = base64.b64decode(server.requests[-1][2]["messages"][0]["content"][0]["image_url"]["url"].split(",")[1])
    color = np.ascontiguousarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)[..., ::-1])
    wanted, absent = MarksMode(Conversation(model.loaded), letters=True).ask_marks(color, "the blue square", labels)
    shown = scores > 0  # 20 rivals are shown
    assert shown.sum() >= 8 and none == pytest.approx(absent, abs=0.02)
    assert scores[shown] == pytest.approx(wanted[shown], abs=0.02)
    remote.score(frame, features, "the red square")
    assert len(server.requests) == 4  # tried once


def test_server_without_logprobs_may_say_a_number_of_two_digits(server):
    frame, features = many(12)
    server.replies = [(200, said("12"))]
    scores, _ = backend(server).score(frame, features, "the last one")
    assert scores.argmax() == 11 and scores[11] > 0.9


def test_more_things_than_marks_are_asked_about_in_rounds(server):
    frame, features = many(30)
    server.replies = [(200, said("2")), (200, said("3")), (200, said("13"))]
    scores, none = backend(server).score(frame, features, "the last one")
    assert len(server.requests) == 3 and scores.sum() + none == pytest.approx(1)
    assert scores.argmax() == 22  # the third of the second round: in the final after ten of the first


def test_letters_and_beginnings_of_none_are_told_apart():
    labels = [chr(ord("A") + i) for i in range(15)]
    choice = said("N", {"N": 0.4, " no": 0.2, "None": 0.1, "n": 0.1, "A": 0.1, "The": 0.1})["choices"][0]
    scores, none = read_marks(choice, labels, None)
    assert scores[13] == pytest.approx(0.4 / 0.9) and scores[0] == pytest.approx(0.1 / 0.9)
    assert none == pytest.approx(0.4 / 0.9)
    for text in ("banana", "12", "", "nonesuch"):
        with pytest.raises(ModelError, match="names no mark"):
            read_marks(said(text)["choices"][0], ["1", "2"], None)
    assert read_marks(said("None.")["choices"][0], ["1", "2"], None)[1] > 0.9

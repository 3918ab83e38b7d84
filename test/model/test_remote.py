"""The remote back-end against a real HTTP server on this machine: answers, logprobs, refusals, silence, cancel."""

from __future__ import annotations

import base64
import json
import time

import cv2
import numpy as np
import pytest
from remote_server import backend, said
from scenes import BOXES, squares

from spatial_llava_ros.model.errors import ModelCancelled, ModelError, ModelLoadError, ModelTimeout
from spatial_llava_ros.model.grounder import ModelGrounder
from spatial_llava_ros.model.patience import Patience
from spatial_llava_ros.model.remote import RemoteBackend, RemoteOptions
from spatial_llava_ros.types import Status


def test_marks_come_from_the_logprobs(server):
    frame, features = squares()
    server.replies = [(200, said("2", {"2": 0.7, "1": 0.1, "none": 0.1, "The": 0.1}))]
    scores, none = backend(server, key="secret").score(frame, features, "the blue square")
    assert scores == pytest.approx(np.array([0.1, 0.7, 0.0]) / 0.9) and none == pytest.approx(0.1 / 0.9)
    path, headers, body = server.requests[0]
    assert path == "/v1/chat/completions" and headers["Authorization"] == "Bearer secret" and body["logprobs"]
    image, text = body["messages"][0]["content"]
    assert "the blue square" in text["text"] and "1, 2, 3" in text["text"]
    jpeg = base64.b64decode(image["image_url"]["url"].split(",")[1])
    sent = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert sent.shape == frame.color.shape and np.abs(sent[..., ::-1].astype(int) - frame.color)[80:].mean() < 3


def test_label_without_logprobs_counts_as_a_witness(server):
    frame, features = squares()
    server.replies = [(200, said(" [3]. "))]
    scores, none = backend(server).score(frame, features, "the green square")
    assert scores.argmax() == 2 and scores[2] > 0.9 and scores.sum() + none == pytest.approx(1)


def test_server_that_refuses_logprobs_is_asked_without(server):
    frame, features = squares()
    server.replies = [(400, {"error": "logprobs not supported"}), (200, said("1"))]
    scores, _ = backend(server).score(frame, features, "the red square")
    assert scores.argmax() == 0 and "logprobs" not in server.requests[1][2]


def test_box_is_read_in_the_familys_format(server):
    frame, _ = squares()
    remote = backend(server, family="qwen3-vl")
    server.replies = [(200, said('```json\n[{"bbox_2d": [100, 200, 300, 600], "label": "x"}]\n```'))]
    boxes, score, problem = remote.boxes(frame, "the red square")
    assert boxes == (pytest.approx((12.8, 19.2, 38.4, 57.6)),) and 0 < score <= 1 and not problem
    server.replies = [(200, said("I see no such thing."))]
    boxes, _, problem = remote.boxes(frame, "the cat")
    assert boxes == () and "no box" in problem


def test_busy_server_is_asked_again_and_a_broken_one_is_not(server):
    frame, features = squares()
    server.replies = [(503, b"busy"), (200, said("2"))]
    assert backend(server).score(frame, features, "the blue square")[0].argmax() == 1
    server.requests.clear()
    server.replies = [(404, b"no such\nmodel")]
    with pytest.raises(ModelError, match="HTTP 404: no such model") as caught:
        backend(server).score(frame, features, "the blue square")
    assert "\n" not in str(caught.value) and len(server.requests) == 1


@pytest.mark.parametrize("reply", [b"not json", b"{}", b'{"choices": []}', b"[1]", b'{"choices": [{"message": {}}]}'])
def test_nonsense_is_a_model_error(server, reply):
    frame, features = squares()
    server.replies = [(200, reply)]
    with pytest.raises(ModelError):
        backend(server).score(frame, features, "the blue square")


def test_no_server_is_a_model_error(server):
    frame, features = squares()
    nobody = RemoteBackend(RemoteOptions("http://127.0.0.1:9/v1", "vlm", retries=0))
    with pytest.raises(ModelError, match=r"127\.0\.0\.1:9"):
        nobody.score(frame, features, "the blue square")


def test_slow_server_ends_with_the_deadline_the_timeout_or_a_cancel(server):
    frame, features = squares()
    server.replies = [(200, lambda body: (time.sleep(3), said("1"))[1])]
    with pytest.raises(ModelTimeout):
        backend(server).score(frame, features, "x", Patience(time.monotonic() + 0.3))
    with pytest.raises(ModelError, match=r"0\.3 s"):
        backend(server, timeout=0.3, retries=0).score(frame, features, "x")
    begun = time.monotonic()
    with pytest.raises(ModelCancelled):
        backend(server).score(frame, features, "x", Patience(cancelled=lambda: time.monotonic() > begun + 0.2))
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize(
    ("wrong", "names"),
    [({"url": "ftp://x"}, "ftp"), ({"family": "gpt"}, "gpt"), ({"timeout": 0}, "0"), ({"url": ""}, "''")],
)
def test_wrong_options_are_named(wrong, names):
    with pytest.raises(ModelLoadError, match=names):
        RemoteOptions(**{"url": "http://x/v1", "model": "m"} | wrong)


def test_grounder_settles_a_tie_of_marks_by_the_box(server):
    frame, features = squares()
    x1, y1, x2, y2 = BOXES[1]
    box = [round(v * 1000 / side) for v, side in zip((x1, y1, x2, y2), (128, 96, 128, 96), strict=True)]
    server.replies = [
        (200, said("2", {"2": 0.45, "1": 0.45, "none": 0.1})),
        (200, said(json.dumps({"bbox_2d": box}))),
    ]
    remote = backend(server, family="qwen3-vl")
    got = ModelGrounder(remote, remote).ground(frame, features, "the blue square").grounding
    assert got.status is Status.FOUND and got.chosen == (1,) and "settled by its box" in got.explanation
    assert got.scores.sum() + got.none == pytest.approx(1)

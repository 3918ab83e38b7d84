"""The remote back-end against a real HTTP server on this machine: answers, logprobs, refusals, silence, cancel."""

from __future__ import annotations

import base64
import json
import math
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np
import pytest
from scenes import BOXES, squares

from spatial_llava_ros.model.errors import ModelCancelled, ModelError, ModelLoadError, ModelTimeout
from spatial_llava_ros.model.grounder import ModelGrounder
from spatial_llava_ros.model.marks import draw_marks
from spatial_llava_ros.model.patience import Patience
from spatial_llava_ros.model.remote import RemoteBackend, RemoteOptions, read_marks
from spatial_llava_ros.types import Status


@pytest.fixture
def server():
    """server.replies are (status, body or callable) in turn, the last one for ever; server.requests what came."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            box.requests.append((self.path, dict(self.headers), body))
            status, reply = box.replies[min(len(box.requests), len(box.replies)) - 1]
            reply = reply(body) if callable(reply) else reply
            data = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
            try:
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            except OSError:
                pass

        def log_message(self, *_):
            pass

    box = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    box.daemon_threads = True
    box.requests, box.replies = [], []
    thread = threading.Thread(target=box.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    box.url = f"http://127.0.0.1:{box.server_address[1]}/v1"
    yield box
    box.shutdown()
    box.server_close()
    thread.join()


def said(text, logprobs=None):
    choice = {"message": {"role": "assistant", "content": text}}
    if logprobs:
        top = [{"token": token, "logprob": math.log(p)} for token, p in logprobs.items()]
        choice["logprobs"] = {"content": [{"token": text, "logprob": top[0]["logprob"], "top_logprobs": top}]}
    return {"choices": [choice]}


def backend(server, **options):
    return RemoteBackend(RemoteOptions(**{"url": server.url, "model": "vlm", "timeout": 5, "retries": 1} | options))


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


def test_letters_and_beginnings_of_none_are_told_apart():
    labels = [chr(ord("A") + i) for i in range(15)]
    choice = said("N", {"N": 0.4, " no": 0.2, "None": 0.1, "n": 0.1, "A": 0.1, "The": 0.1})["choices"][0]
    scores, none = read_marks(choice, labels)
    assert scores[13] == pytest.approx(0.4 / 0.9) and scores[0] == pytest.approx(0.1 / 0.9)
    assert none == pytest.approx(0.4 / 0.9)
    for text in ("banana", "12", "", "nonesuch"):
        with pytest.raises(ModelError, match="names no mark"):
            read_marks(said(text)["choices"][0], ["1", "2"])
    assert read_marks(said("None.")["choices"][0], ["1", "2"])[1] > 0.9


@pytest.mark.parametrize("n", [3, 12], ids=["digits", "letters"])
def test_distribution_is_that_of_the_same_model_in_process(server, load, n):
    """A server that runs the small model: what it says over HTTP is what marks mode reads from the model itself."""
    import torch

    from spatial_llava_ros.model.conversation import Conversation
    from spatial_llava_ros.model.marks import mark_labels
    from spatial_llava_ros.model.marks_mode import MarksMode

    loaded = load("qwen2-vl")
    conversation = Conversation(loaded)
    labels = mark_labels(n, letters=n > 9)
    seen = []

    def complete(body):
        image, text = body["messages"][0]["content"]
        jpeg = base64.b64decode(image["image_url"]["url"].split(",")[1])
        color = np.ascontiguousarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)[..., ::-1])
        prompt = conversation.prompt(text["text"])
        seen.append((color, prompt))
        logits = conversation.ask(color, prompt).logits.clone()
        _, paths = conversation.answer_ids(prompt, [*labels, "none", "None"])
        logits[[path[0] for path in paths]] += 20  # random weights say no label: all alike are made likely
        logs, tokens = torch.log_softmax(logits, dim=-1).topk(body["top_logprobs"])
        top = [
            {"token": conversation.tokenizer.decode([int(t)]), "logprob": float(log)}
            for t, log in zip(tokens, logs, strict=True)
        ]
        return said(top[0]["token"]) | {
            "choices": [
                {"message": {"content": top[0]["token"]}, "logprobs": {"content": [top[0] | {"top_logprobs": top}]}}
            ]
        }

    server.replies = [(200, complete)]
    remote = backend(server, family="qwen2-vl", timeout=60)
    frame, features = squares()
    picture = draw_marks(frame.color, [features.regions[i % 3] for i in range(n)], labels)
    question = remote.family.marks_prompt("the blue square", labels)
    choice = remote._complete(picture, question, Patience(), max_tokens=4, logprobs=True, top_logprobs=20)
    scores, none = read_marks(choice, labels)
    color, prompt = seen[0]
    assert prompt == conversation.prompt(question)
    wanted, absent = MarksMode(Conversation(loaded)).ask_marks(color, "the blue square", labels)
    assert scores == pytest.approx(wanted, rel=1e-3) and none == pytest.approx(absent, rel=1e-3)
    if n == 3:
        scores, none = remote.score(frame, features, "the blue square")
        assert scores == pytest.approx(wanted[np.argsort(-features.whole, kind="stable").argsort()], rel=1e-3)


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

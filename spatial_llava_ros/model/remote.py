"""A model on another machine: any server of OpenAI's chat completions (vLLM, SGLang, llama.cpp), for fleets.

Marks mode reads the distribution from the logprobs of the first answered token where the server offers them, and falls
back to the answered label with the weight of one witness. More than nine marks are letters there, for a server shows
the rivals of one token, and "1" is the beginning of "12". Box mode reads the family's format from the text.
"""

from __future__ import annotations

import base64
import http.client
import json
import math
import select
import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import cv2
import numpy as np

from spatial_llava_ros.grounding.features import Features
from spatial_llava_ros.grounding.fit import distinct
from spatial_llava_ros.model.answer_format import Unreadable
from spatial_llava_ros.model.errors import ModelError, ModelLoadError, ModelTimeout
from spatial_llava_ros.model.families import FAMILIES
from spatial_llava_ros.model.graph_mode import MOST_TOKENS, graph_question
from spatial_llava_ros.model.marks import MOST_MARKS, describe_marks, draw_marks, mark_labels
from spatial_llava_ros.model.patience import PATIENT, Patience
from spatial_llava_ros.types import Box, RgbdFrame

_RETRIED = (408, 425, 429, 500, 502, 503, 504)
_POLL = 0.1  # seconds between looks at the caller's cancel
_MOST_BYTES = 4_000_000  # of an answer
WITNESS = 0.9  # trust in a label that came without logprobs


@dataclass(frozen=True)
class RemoteOptions:
    """Where and how to ask.

    Attributes:
        url: up to and with the version, as in http://10.0.0.5:8000/v1.
        model: name at the server.
        family: convention of its boxes, a name in `families.FAMILIES`.
        key: bearer token; empty for none. Sent over plain http too: keep to https or the robot's own network.
        timeout: seconds for one attempt.
        retries: further attempts after a refused connection or a busy server.
        quality: of the JPEG that is sent.
        facts: write each mark's measured colour, place and size into the prompt.
    """

    url: str
    model: str
    family: str = "qwen2.5-vl"
    key: str = ""
    timeout: float = 20.0
    retries: int = 2
    quality: int = 92
    facts: bool = False

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ModelLoadError(f"server address must be http://host:port/v1 or https, got {self.url!r}")
        if self.family not in FAMILIES:
            raise ModelLoadError(f"unknown model family {self.family!r}; known: {', '.join(FAMILIES)}")
        if not self.timeout > 0:
            raise ModelLoadError(f"timeout must be positive, got {self.timeout}")


class RemoteBackend:
    """The same two questions as `TransformersBackend`, asked over HTTP."""

    def __init__(self, options: RemoteOptions) -> None:
        self.options = options
        self.family = FAMILIES[options.family]

    @property
    def points(self) -> bool:
        """Whether box mode gives points instead of boxes."""
        return self.family.points

    def score(
        self, frame: RgbdFrame, features: Features, text: str, patience: Patience = PATIENT
    ) -> tuple[np.ndarray, float]:
        """Marks mode: (N,) probability of each region, and of none.

        Raises:
            ModelError: no server, an answer that is no mark, or as `patience` says.
        """
        scores = np.zeros(len(features.regions))
        heads = np.flatnonzero(distinct(features.whole, features.same)) if len(scores) else np.zeros(0, int)
        heads = heads[np.argsort(-features.whole[heads], kind="stable")][:MOST_MARKS]
        if not len(heads):
            return scores, 1.0
        labels = mark_labels(len(heads), letters=len(heads) > 9)
        picture = draw_marks(frame.color, [features.regions[i] for i in heads], labels)
        facts = describe_marks(features, heads, labels) if self.options.facts else ""
        question = self.family.marks_prompt(text, labels, facts)
        choice = self._complete(picture, question, patience, max_tokens=4, logprobs=True, top_logprobs=20)
        scores[heads], none = read_marks(choice, labels)
        return scores, none

    def boxes(self, frame: RgbdFrame, text: str, patience: Patience = PATIENT) -> tuple[tuple[Box, ...], float, str]:
        """Box mode: boxes in pixels of the frame, a score 0..1, and why there are none."""
        choice = self._complete(
            self.family.prepare(frame.color), self.family.box_question(text), patience, max_tokens=96, logprobs=True
        )
        said = _content(choice)
        decoded = self.family.decode_answer(said, frame.color.shape[:2])
        if isinstance(decoded, Unreadable):
            return (), 0.0, str(decoded)
        tokens = [token["logprob"] for token in _token_logprobs(choice)]
        return tuple(decoded), math.exp(np.mean(tokens)) if tokens else WITNESS, ""

    def graph_text(self, frame: RgbdFrame, text: str = "", patience: Patience = PATIENT) -> str:
        """Graph mode: the frame's scene graph in the family's text."""
        question = graph_question(self.family)
        return _content(self._complete(self.family.prepare(frame.color), question, patience, max_tokens=MOST_TOKENS))

    def close(self) -> None:
        """Nothing is held between requests."""

    def _complete(self, picture: np.ndarray, question: str, patience: Patience, **extra: Any) -> dict[str, Any]:
        """The first choice of an answer to one picture and one question."""
        ok, jpeg = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, self.options.quality])
        if not ok:
            raise ModelError(f"a picture of shape {picture.shape} cannot be sent")
        image = "data:image/jpeg;base64," + base64.b64encode(jpeg.tobytes()).decode()
        content = [{"type": "image_url", "image_url": {"url": image}}, {"type": "text", "text": question}]
        body = {"model": self.options.model, "messages": [{"role": "user", "content": content}], "temperature": 0}
        answer = self._post("chat/completions", body | extra, patience)
        try:
            return answer["choices"][0]
        except (KeyError, IndexError, TypeError) as error:
            raise ModelError(f"{self.options.url} answered without choices: {str(answer)[:120]}") from error

    def _post(self, path: str, body: dict[str, Any], patience: Patience) -> Any:
        payload = json.dumps(body).encode()
        problem = ""
        for attempt in range(self.options.retries + 1):
            patience.check()
            if attempt:
                _wait(min(0.2 * 2**attempt, 2.0), patience)
            try:
                status, data = self._attempt(path, payload, patience)
            except (OSError, http.client.HTTPException) as error:
                patience.check()
                problem = f"{type(error).__name__}: {error}".strip(": ")
                continue
            if status == 200:
                try:
                    return json.loads(data)
                except ValueError as error:
                    raise ModelError(f"{self.options.url} answered no JSON: {data[:80]!r}") from error
            problem = f"HTTP {status}: {' '.join(data[:160].decode(errors='replace').split())}"
            if status == 400 and b"logprobs" in data and ("logprobs" in body):  # a server without them
                rest = {k: v for k, v in body.items() if "logprobs" not in k}
                return self._post(path, rest, patience)
            if status not in _RETRIED:
                break
        raise ModelError(f"no answer from {self.options.url}: {problem}")

    def _attempt(self, path: str, payload: bytes, patience: Patience) -> tuple[int, bytes]:
        """One request; waits in small steps, so that a cancel is noticed while the server thinks."""
        parts = urlsplit(self.options.url)
        end = time.monotonic() + self.options.timeout
        if patience.deadline is not None:
            end = min(end, patience.deadline)
        seconds = max(end - time.monotonic(), 0.01)
        if parts.scheme == "https":
            connection = http.client.HTTPSConnection(
                parts.hostname, parts.port, timeout=seconds, context=ssl.create_default_context()
            )
        else:
            connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=seconds)
        headers = {"Content-Type": "application/json"}
        if self.options.key:
            headers["Authorization"] = f"Bearer {self.options.key}"
        try:
            connection.request("POST", f"{parts.path.rstrip('/')}/{path}", payload, headers)
            while not _readable(connection.sock):
                patience.check()
                if time.monotonic() > end:
                    if patience.deadline is not None and end == patience.deadline:
                        raise ModelTimeout(f"the deadline passed while {self.options.url} was working")
                    raise TimeoutError(f"no answer within {self.options.timeout:g} s")
            response = connection.getresponse()
            return response.status, response.read(_MOST_BYTES)
        finally:
            connection.close()


def _readable(sock: socket.socket) -> bool:
    """Whether the answer has begun, after a short wait."""
    if isinstance(sock, ssl.SSLSocket) and sock.pending():
        return True
    return bool(select.select([sock], [], [], _POLL)[0])


def _wait(seconds: float, patience: Patience) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        patience.check()
        time.sleep(min(left, _POLL))


def _content(choice: dict[str, Any]) -> str:
    said = (choice.get("message") or {}).get("content")
    return said if isinstance(said, str) else ""


def _token_logprobs(choice: dict[str, Any]) -> list[dict[str, Any]]:
    content = (choice.get("logprobs") or {}).get("content") or []
    return [token for token in content if isinstance(token, dict) and isinstance(token.get("logprob"), (int, float))]


def read_marks(choice: dict[str, Any], labels: Sequence[str]) -> tuple[np.ndarray, float]:
    """(n,) probability of each label, and of none, from a chat completion's first choice.

    Args:
        labels: of one character each, so that their first token is all of them. A label that is not among the rivals
            which the server shows gets 0.

    Raises:
        ModelError: an answer that names no mark.
    """
    answers = [*labels, "none"]
    weights = np.zeros(len(answers))
    first = next((t for t in _token_logprobs(choice) if _bare(t.get("token"))), None)
    if first is not None:
        for rival in first.get("top_logprobs") or [first]:
            found = _answer(_bare(rival.get("token")), answers)
            if found is not None:
                weights[found] += math.exp(rival["logprob"])
    if weights.sum() <= 0:
        said = _content(choice)
        word = _bare((said.split() or [""])[0])
        found = _answer(word, answers) if len(word) in (1, 4) else None
        if found is None:
            raise ModelError(f"the answer names no mark: {said[:60]!r}")
        weights[:] = (1 - WITNESS) / len(answers)
        weights[found] += WITNESS
    weights /= weights.sum()
    return weights[:-1], float(weights[-1])


def _bare(token: object) -> str:
    """A token without what models write around a label."""
    return str(token or "").strip(" \t\n.,:;[](){}<>#*\"'")


def _answer(word: str, answers: Sequence[str]) -> int | None:
    """Index of the answer that a first token is: a label as it is, or a beginning of "none" that is no label."""
    if word in answers:
        return answers.index(word)
    return len(answers) - 1 if word and "none".startswith(word.lower()) else None

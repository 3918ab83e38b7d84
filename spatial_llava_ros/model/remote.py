"""A model on another machine: any server of OpenAI's chat completions (vLLM, SGLang, llama.cpp), for fleets.

Marks mode reads the distribution from the logprobs of the answered tokens where the server offers them (see
`remote_marks`), and falls back to the answered label with the weight of one witness. More than nine marks are letters
where the server cannot go on with a begun answer, or cannot prove it by the logprobs of its prompt (vLLM does both).
Box mode reads the family's format from the text.
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
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import cv2
import numpy as np

from spatial_llava_ros.grounding.features import Features
from spatial_llava_ros.model.answer_format import Unreadable
from spatial_llava_ros.model.errors import ModelCancelled, ModelError, ModelLoadError, ModelTimeout
from spatial_llava_ros.model.families import FAMILIES
from spatial_llava_ros.model.graph_mode import MOST_TOKENS, graph_question
from spatial_llava_ros.model.marks import MOST_MARKS, describe_marks, draw_marks, mark_labels
from spatial_llava_ros.model.patience import PATIENT, Patience
from spatial_llava_ros.model.remote_marks import WITNESS, content, ends_with, read_marks, token_logprobs
from spatial_llava_ros.model.rounds import ask_in_rounds
from spatial_llava_ros.types import Box, RgbdFrame

_RETRIED = (408, 425, 429, 500, 502, 503, 504)
_POLL = 0.1  # seconds between looks at the caller's cancel
_MOST_BYTES = 4_000_000  # of an answer


class _NotContinuedError(Exception):
    """The server does not go on with an answer that was begun for the model."""


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
        self._continues: bool | None = None  # whether the server goes on with an answer put into the model's mouth

    def score(
        self, frame: RgbdFrame, features: Features, text: str, patience: Patience = PATIENT
    ) -> tuple[np.ndarray, float]:
        """Marks mode: (N,) probability of each region, and of none.

        Raises:
            ModelError: no server, an answer that is no mark, or as `patience` says.
        """
        return ask_in_rounds(features, MOST_MARKS, lambda i: self._marks(frame, features, i, text, patience), patience)

    def _marks(
        self, frame: RgbdFrame, features: Features, indices: np.ndarray, text: str, patience: Patience
    ) -> tuple[np.ndarray, float]:
        """Probabilities of the regions at `indices` and of none; numbers first, letters where two digits fail."""
        if len(indices) > 9 and self._continues is not False:
            try:
                return self._labelled(frame, features, indices, text, patience, letters=False)
            except _NotContinuedError:
                self._continues = False
        return self._labelled(frame, features, indices, text, patience, letters=len(indices) > 9)

    def _labelled(
        self, frame: RgbdFrame, features: Features, indices: np.ndarray, text: str, patience: Patience, letters: bool
    ) -> tuple[np.ndarray, float]:
        """The same with labels of one kind."""
        labels = mark_labels(len(indices), letters)
        picture = draw_marks(frame.color, [features.regions[i] for i in indices], labels)
        facts = describe_marks(features, indices, labels) if self.options.facts else ""
        question = self.family.marks_prompt(text, labels, facts)
        ask = {"logprobs": True, "top_logprobs": 20}
        choice = self._complete(picture, question, patience, max_tokens=4, **ask)
        return read_marks(
            choice, labels, lambda said: self._continue(picture, question, said, patience, max_tokens=1, **ask)
        )

    def boxes(self, frame: RgbdFrame, text: str, patience: Patience = PATIENT) -> tuple[tuple[Box, ...], float, str]:
        """Box mode: boxes in pixels of the frame, a score 0..1, and why there are none."""
        choice = self._complete(
            self.family.prepare(frame.color), self.family.box_question(text), patience, max_tokens=96, logprobs=True
        )
        said = content(choice)
        decoded = self.family.decode_answer(said, frame.color.shape[:2])
        if isinstance(decoded, Unreadable):
            return (), 0.0, str(decoded)
        tokens = [token["logprob"] for token in token_logprobs(choice)]
        return tuple(decoded), math.exp(np.mean(tokens)) if tokens else WITNESS, ""

    def graph_text(self, frame: RgbdFrame, text: str = "", patience: Patience = PATIENT) -> str:
        """Graph mode: the frame's scene graph in the family's text."""
        question = graph_question(self.family)
        return content(self._complete(self.family.prepare(frame.color), question, patience, max_tokens=MOST_TOKENS))

    def close(self) -> None:
        """Nothing is held between requests."""

    def _complete(self, picture: np.ndarray, question: str, patience: Patience, **extra: Any) -> dict[str, Any]:
        """The first choice of an answer to one picture and one question."""
        return self._choice(self._post("chat/completions", self._body(picture, question) | extra, patience))

    def _continue(
        self, picture: np.ndarray, question: str, said: str, patience: Patience, **extra: Any
    ) -> dict[str, Any]:
        """The same of an answer that begins with a text (vLLM, SGLang).

        Raises:
            _NotContinuedError: the server begins a new answer instead, or there is no telling.
        """
        body = self._body(picture, question) | extra
        body["messages"].append({"role": "assistant", "content": said})
        body |= {"add_generation_prompt": False, "continue_final_message": True}
        if self._continues is None:  # what was read before the answer shows whether it was continued
            body["prompt_logprobs"] = 0
        try:
            answer = self._post("chat/completions", body, patience)
        except (ModelCancelled, ModelTimeout):
            raise
        except ModelError as error:
            if self._continues is None:
                raise _NotContinuedError from error
            raise
        if self._continues is None:
            if not isinstance(answer, dict) or not ends_with(answer, said):
                raise _NotContinuedError
            self._continues = True
        return self._choice(answer)

    def _body(self, picture: np.ndarray, question: str) -> dict[str, Any]:
        ok, jpeg = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, self.options.quality])
        if not ok:
            raise ModelError(f"a picture of shape {picture.shape} cannot be sent")
        image = "data:image/jpeg;base64," + base64.b64encode(jpeg.tobytes()).decode()
        parts = [{"type": "image_url", "image_url": {"url": image}}, {"type": "text", "text": question}]
        return {"model": self.options.model, "messages": [{"role": "user", "content": parts}], "temperature": 0}

    def _choice(self, answer: Any) -> dict[str, Any]:
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

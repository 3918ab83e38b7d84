"""A real HTTP server on this machine for tests of the remote back-end, and what a chat completion looks like."""

from __future__ import annotations

import json
import math
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from spatial_llava_ros.model.remote import RemoteBackend, RemoteOptions


@contextmanager
def serving():
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

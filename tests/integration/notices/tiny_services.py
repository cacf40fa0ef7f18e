"""The other side of every channel on loopback: a push service, a bot, a webhook; keeps what it was told."""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import http_ece  # type: ignore[import-untyped]
from copydesk.notices.reaching import Browser
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


@dataclass
class Told:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Services:
    """What was asked, and how to answer: by path, the statuses in turn; then `otherwise`."""

    url: str = ""
    told: list[Told] = field(default_factory=list)
    answers: dict[str, list[tuple[int, bytes]]] = field(default_factory=dict)
    otherwise: tuple[int, bytes] = (201, b"")

    def answer(self, path: str) -> tuple[int, bytes]:
        waiting = self.answers.get(path, [])
        return waiting.pop(0) if waiting else self.otherwise


@contextmanager
def services() -> Iterator[Services]:
    """Serve until the block ends."""
    told = Services()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.told.append(Told(self.path, dict(self.headers), body))
            status, content = told.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Tests look at what was told."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        told.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield told
        finally:
            server.shutdown()
            thread.join()


class SoftBrowser:
    """A browser's half of Web Push: its keys, and what only they open (RFC 8291)."""

    def __init__(self, endpoint: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._auth = os.urandom(16)
        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.subscription = Browser(endpoint, _text(point), _text(self._auth))

    def reads(self, body: bytes) -> dict[str, object]:
        """Decrypt a message with the private key of this browser alone."""
        opened = http_ece.decrypt(body, private_key=self._key, auth_secret=self._auth, version="aes128gcm")
        told: dict[str, object] = json.loads(opened)
        return told


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

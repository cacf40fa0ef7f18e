"""A provider's address on loopback: answers as the documentation says, keeps what it was asked, and can hang.

Sources of the answers, by provider, are the pages that each `Provider.docs` names; the bodies of errors are Stripe's
`docs.stripe.com/api/errors`, CoinGate's `developer.coingate.com/docs/common-errors`, PayPal's
`developer.paypal.com/api/rest/authentication/`, Sumsub's `docs.sumsub.com/reference/authentication`, Persona's
`docs.withpersona.com/api-reference/errors`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class ProviderLab:
    """What the address answers: `silent` never answers, `location` sends elsewhere."""

    status: int = 200
    answer: Any = field(default_factory=dict)
    location: str = ""
    silent: bool = False
    asked: list[Asked] = field(default_factory=list)
    url: str = ""
    hangs_until: threading.Event = field(default_factory=threading.Event)


@contextmanager
def provider_lab() -> Iterator[ProviderLab]:
    """Serve one address until the end of the block."""
    lab = ProviderLab()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            told = {name.lower(): value for name, value in self.headers.items()}
            lab.asked.append(Asked(self.command, self.path, told, body))
            if lab.silent:
                lab.hangs_until.wait(10)
                return
            said = lab.answer if isinstance(lab.answer, bytes) else json.dumps(lab.answer).encode()
            self.send_response(lab.status)
            if lab.location:
                self.send_header("Location", lab.location)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    lab.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield lab
    finally:
        lab.hangs_until.set()
        server.shutdown()
        server.server_close()
        thread.join()

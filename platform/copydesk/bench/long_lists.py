"""A stand-in for an exchange with thousands of instruments: the lab's own public lists, made long under other names.

The lab lists a dozen instruments, real exchanges thousands. Rows are the lab's, so that they have every field of the
exchange; each further one is a copy in which the base currency has a number ("BTC7").
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import orjson

from copydesk.kernel import Unavailable

HOST = "127.0.0.1"
BASES = ("BTC", "ETH", "SOL", "XRP", "BNB")
_LIST_NAMES = ("symbols", "list", "data", "result")


@contextmanager
def long_lists(lab_rest: str, paths: Collection[str], rows: int) -> Iterator[str]:
    """Serve the lab's public answers, with lists of so many rows under these paths; give the REST base."""
    answers = _Answers(lab_rest, frozenset(paths), rows)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = answers.get(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            """Say nothing: standard error is the benchmark's."""

    server = ThreadingHTTPServer((HOST, 0), Handler)
    thread = threading.Thread(target=server.serve_forever, name="long-lists", daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Answers:
    def __init__(self, lab_rest: str, paths: frozenset[str], rows: int) -> None:
        self._lab = urlsplit(lab_rest).netloc
        self._paths = paths
        self._rows = rows
        self._long = cache(self._make)

    def get(self, target: str) -> bytes:
        """Answer one request; lists are made once, everything else is asked anew."""
        return self._long(target) if urlsplit(target).path in self._paths else self._ask(target)

    def _make(self, target: str) -> bytes:
        return orjson.dumps(lengthened(orjson.loads(self._ask(target)), self._rows))

    def _ask(self, target: str) -> bytes:
        connection = http.client.HTTPConnection(self._lab, timeout=30)
        try:
            connection.request("GET", target)
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise Unavailable(f"the lab answers {answer.status} to {target}")
        return body


def lengthened(answer: Any, rows: int) -> Any:
    """Repeat the rows of an answer's list until there are so many, each copy under other names."""
    if isinstance(answer, list):
        copies = (_renamed(row, number) for number in range(1, rows) for row in answer)
        return [*answer, *(next(copies) for _ in range(rows - len(answer)))]
    name = next(name for name in _LIST_NAMES if isinstance(answer.get(name), list | dict))
    return {**answer, name: lengthened(answer[name], rows)}


def _renamed(row: Any, number: int) -> Any:
    text = orjson.dumps(row).decode()
    for base in BASES:
        text = text.replace(base, f"{base}{number}")
    return orjson.loads(text)

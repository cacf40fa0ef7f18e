"""The image's health check, role by role."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from copydesk.cli.probe import probe

COMMAND = ["/opt/copydesk/bin/python", "/opt/copydesk/bin/copydesk"]


@contextmanager
def answering(status: int) -> Iterator[int]:
    """Serve one answer to everything; gives the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/health" else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            """Keep requests out of the test output."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("role", ["web", "live"])
def test_a_role_with_a_health_page_answers_for_itself(role: str) -> None:
    with answering(200) as port:
        assert probe([*COMMAND, role, "--host", "0.0.0.0", "--port", str(port)], {}) == ""
    with answering(503) as port:
        assert probe([*COMMAND, role, f"--port={port}"], {}) == "/health answers 503"


def test_a_role_that_does_not_listen_is_unwell(free_port: int) -> None:
    assert "refused" in probe([*COMMAND, "web", "--port", str(free_port)], {})


def test_the_lab_needs_no_database() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        assert probe([*COMMAND, "lab", "--rest-port", str(listening.getsockname()[1])], {}) == ""


def test_other_roles_are_as_well_as_their_servers(database_url: str, redis_url: str, free_port: int) -> None:
    sound = {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
    assert probe([*COMMAND, "work", "replicate"], sound) == ""
    assert probe([*COMMAND, "listen"], {**sound, "DATABASE_URL": f"postgresql://a@127.0.0.1:{free_port}/b"}) != ""
    assert probe([*COMMAND, "relay"], {**sound, "REDIS_URL": f"redis://127.0.0.1:{free_port}"}) != ""

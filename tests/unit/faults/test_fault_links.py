"""A link passes bytes on until it is told otherwise, and then does exactly that harm."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from copydesk.faults.links import Links, Place, Weather
from copydesk.stack import wait_until


class Echo(socketserver.BaseRequestHandler):
    """Answer each piece with the same in capitals, and remember it."""

    def handle(self) -> None:
        try:
            while data := self.request.recv(1024):
                self.server.heard.append(data)  # type: ignore[attr-defined]
                self.request.sendall(data.upper())
        except ConnectionError:
            return


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Echo)
        self.heard: list[bytes] = []


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as opened:
        thread = threading.Thread(target=opened.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield opened
        opened.shutdown()
        thread.join()


@pytest.fixture
def links() -> Iterator[Links]:
    opened = Links()
    yield opened
    opened.close()


@pytest.fixture
def client(server: Server, links: Links) -> Iterator[socket.socket]:
    link = links.open("echo", Place(), Place(port=server.server_address[1]))
    with socket.create_connection(("127.0.0.1", link.port), timeout=5) as connected:
        yield connected


def ask(client: socket.socket, words: bytes) -> bytes:
    client.sendall(words)
    return client.recv(1024)


def is_broken(client: socket.socket) -> bool:
    try:
        return client.recv(1024) == b""
    except ConnectionResetError:
        return True


def test_a_link_passes_both_ways(client: socket.socket) -> None:
    assert ask(client, b"hello") == b"HELLO"


def test_a_cut_link_breaks_what_is_open_and_serves_who_dials_again(client: socket.socket, links: Links) -> None:
    assert ask(client, b"one") == b"ONE"
    links.harm("echo", Weather(), cut=True)
    assert is_broken(client)
    with socket.create_connection(("127.0.0.1", links["echo"].port), 5) as again:
        assert ask(again, b"two") == b"TWO"


def test_a_refusing_link_serves_nobody_until_it_is_healed(links: Links, client: socket.socket) -> None:
    links.harm("echo", Weather(refuse=True), cut=True)
    with socket.socket() as refused, suppress(ConnectionResetError):
        refused.settimeout(5)
        refused.connect(("127.0.0.1", links["echo"].port))
        assert is_broken(refused)
    links.heal()
    with socket.create_connection(("127.0.0.1", links["echo"].port), 5) as served:
        assert ask(served, b"back") == b"BACK"


def test_a_deaf_link_brings_words_there_and_no_answer_back(client: socket.socket, links: Links, server: Server) -> None:
    assert ask(client, b"one") == b"ONE"
    links.harm("echo", Weather(deaf=True))
    client.sendall(b"two")
    assert wait_until(lambda: b"two" in server.heard, patience_s=5)
    client.settimeout(0.1)
    with pytest.raises(TimeoutError):
        client.recv(1024)
    client.settimeout(5)
    links.heal()
    assert is_broken(client)


def test_a_held_link_passes_nothing_until_it_is_healed_and_then_breaks(
    client: socket.socket, links: Links, server: Server
) -> None:
    links.harm("echo", Weather(hold=True))
    client.sendall(b"late")
    client.settimeout(0.1)
    with pytest.raises(TimeoutError):
        client.recv(1024)
    assert server.heard == []
    client.settimeout(5)
    links.heal()
    assert is_broken(client) or server.heard == [b"late"]


def test_a_link_that_is_cut_after_a_word_delivers_the_word_first(
    client: socket.socket, links: Links, server: Server
) -> None:
    links.harm("echo", Weather(cut_after=b"COMMIT", cuts_left=1))
    assert ask(client, b"insert") == b"INSERT"
    client.sendall(b"COMMIT")
    assert is_broken(client) or is_broken(client)
    # The word is on its way to a thread of the server's own, which may read it later than we read of the cut.
    assert wait_until(lambda: server.heard == [b"insert", b"COMMIT"], patience_s=5), server.heard
    assert links["echo"].weather.cuts_left == 0


def test_a_link_may_be_a_socket_file(server: Server, links: Links, tmp_path: Path) -> None:
    links.open("file", Place(tmp_path / "here.sock"), Place(port=server.server_address[1]))
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(str(tmp_path / "here.sock"))
        assert ask(client, b"hello") == b"HELLO"

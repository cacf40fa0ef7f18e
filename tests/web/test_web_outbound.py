"""Requests to other people's addresses reach the public internet, or nobody."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from copydesk.kernel import InvalidInput, OutcomeUnknown, Unavailable
from copydesk.venues.lab.tls import open_authority
from copydesk.web.outbound import Outbound, is_public

PRIVATE = (
    *("127.0.0.1", "127.1.2.3", "0.0.0.0", "0.1.2.3", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    *("169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.1"),
    *("203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "192.88.99.1"),
    *("::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "100::1"),
    *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe"),
    *("64:ff9b:1::1", "2002:7f00:1::", "2002:a9fe:a9fe::", "2001:0:4136:e378:8000:63bf:80ff:fffe"),
)
PUBLIC = (
    "1.1.1.1",
    "8.8.8.8",
    "172.32.0.1",
    "100.128.0.1",
    "2606:4700:4700::1111",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
)


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_nobodys_or_somebodys_own_is_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://example.com/", "expected https://"),
        ("ftp://example.com/", "expected https://"),
        ("file:///etc/passwd", "expected https://"),
        ("gopher://example.com/", "expected https://"),
        ("https:///path", "expected https://"),
        ("https://exa mple.com/", "expected https://"),
        ("https://example.com/\r\nX-Evil: 1", "expected https://"),
        ("https://éxample.com/", "expected https://"),
        ("https://example.com:99999/", "expected https://"),
        ("https://[::1/", "expected https://"),
        ("https://" + "a" * 2000, "expected https://"),
        ("https://user:secret@example.com/", "none with a user name"),
        ("https://example.com:22/", "expected port 443, found 22"),
        ("https://example.com:8443/", "expected port 443, found 8443"),
        ("", "expected https://"),
    ],
)
def test_an_address_of_another_form_is_refused_unresolved(url: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as refusal:
        Outbound(resolve=never).send("GET", url)
    assert "secret" not in str(refusal.value)


def never(host: str, port: int) -> list[str]:
    raise AssertionError(f"{host} was resolved")


@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_that_leads_inside_is_refused_before_anybody_is_called(address: str) -> None:
    with pytest.raises(InvalidInput, match="does not lead into the public internet"):
        Outbound(resolve=lambda *_: [address]).send("GET", "https://inside.example/")


def test_one_address_inside_among_public_ones_is_enough() -> None:
    with pytest.raises(InvalidInput):
        Outbound(resolve=lambda *_: ["8.8.8.8", "127.0.0.1"]).send("GET", "https://mixed.example/")


@pytest.mark.parametrize(
    "url",
    (
        *("https://127.0.0.1/", "https://[::1]/", "https://localhost/", "https://2130706433/", "https://0x7f.1/"),
        *("https://127.1/", "https://0177.0.0.1/", "https://[::ffff:127.0.0.1]/", "https://0/"),
    ),
)
def test_this_machine_is_found_under_none_of_its_names(url: str) -> None:
    with pytest.raises((InvalidInput, Unavailable)):
        Outbound().send("GET", url)


def test_a_name_without_an_address_is_nobody() -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror("no such name")

    with pytest.raises(Unavailable, match="has no address"):
        Outbound(resolve=unknown).send("GET", "https://nobody.example/")


@dataclass
class Receiver:
    """A TLS server on loopback that stands for a customer's; it says what `answers` has for a path."""

    port: int = 0
    ca_file: str = ""
    asked: list[str] = field(default_factory=list)
    answers: dict[str, Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=dict)

    def ways(self, *addresses: str) -> Outbound:
        """Ask this server, as if loopback were the public internet; each time the next addresses are resolved."""
        left = [list(addresses)] if addresses else [["127.0.0.1"]]
        return Outbound(
            resolve=lambda *_: left[0],
            ports=frozenset({self.port}),
            allowed=lambda address: str(address) == "127.0.0.1",
            context=ssl.create_default_context(cafile=self.ca_file),
            timeout_s=2.0,
        )

    def url(self, path: str = "/", host: str = "api.binance.com") -> str:
        return f"https://{host}:{self.port}{path}"


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    made = Receiver()
    authority = open_authority(Path(tmp_path_factory.mktemp("tls")))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            made.asked.append(f"{self.command} {self.path} {self.headers['Host']}")
            length = int(self.headers.get("Content-Length") or 0)
            made.asked.append(self.rfile.read(length).decode())
            made.answers[self.path.partition("?")[0]](self)

        do_POST = do_GET  # noqa: N815 - the library's name

        def log_message(self, *args: Any) -> None:
            """Keep requests out of the test output."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *args: Any) -> None:
            """A client that hangs up is what some tests want."""

    server = Server(("127.0.0.1", 0), Handler)
    server.socket = authority.context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    made.port, made.ca_file = server.server_port, str(authority.ca_file)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


def say(status: int, body: bytes = b"", **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        with suppress(OSError):
            request.wfile.write(body)

    return answer


def test_a_request_reaches_the_looked_up_address_under_its_own_name(receiver: Receiver) -> None:
    receiver.answers["/hook"] = say(200, b"thanks")
    receiver.asked.clear()
    sent = {"Content-Type": "application/json", "Host": "evil.example", "Content-Length": "1"}
    answer = receiver.ways().send("POST", receiver.url("/hook?a=1"), headers=sent, body=b'{"a": 1}')
    assert (answer.status, answer.body) == (200, b"thanks")
    assert receiver.asked == [f"POST /hook?a=1 api.binance.com:{receiver.port}", '{"a": 1}']


def test_a_redirect_is_an_answer_and_is_not_followed(receiver: Receiver) -> None:
    receiver.answers["/away"] = say(302, Location="https://169.254.169.254/latest/meta-data/")
    receiver.asked.clear()
    answer = receiver.ways().send("GET", receiver.url("/away"))
    assert (answer.status, answer.headers["location"]) == (302, "https://169.254.169.254/latest/meta-data/")
    assert len(receiver.asked) == 2


def test_a_name_that_answers_differently_the_second_time_changes_nothing(receiver: Receiver) -> None:
    """The classic rebinding: public when it is checked, private when it is called. It is looked up once."""
    receiver.answers["/"] = say(200, b"here")
    looked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        looked.append(host)
        return ["127.0.0.1"] if len(looked) == 1 else ["127.0.0.2"]

    ways = receiver.ways()
    answer = Outbound(rebinding, ways.ports, ways.allowed, ways.context, 2.0).send("GET", receiver.url())
    assert answer.body == b"here"
    assert looked == ["api.binance.com"]


def test_a_certificate_for_another_name_is_nobody_we_asked_for(receiver: Receiver) -> None:
    with pytest.raises(Unavailable, match="SSLCertVerificationError"):
        receiver.ways().send("GET", receiver.url(host="customer.example"))


def test_an_answer_is_read_no_further_than_asked_for(receiver: Receiver) -> None:
    receiver.answers["/long"] = say(200, b"x" * 1_000_000)
    assert len(receiver.ways().send("GET", receiver.url("/long"), answer_bytes_max=1_000).body) == 1_000


def test_a_server_that_hangs_up_leaves_the_outcome_unknown(receiver: Receiver) -> None:
    receiver.answers["/gone"] = lambda request: request.connection.shutdown(socket.SHUT_RDWR)
    with pytest.raises(OutcomeUnknown, match="did not answer"):
        receiver.ways().send("POST", receiver.url("/gone"), body=b"x")


def test_a_server_that_says_nothing_is_not_waited_for(receiver: Receiver) -> None:
    done = threading.Event()

    def silent(request: BaseHTTPRequestHandler) -> None:
        done.wait(10)
        request.close_connection = True

    receiver.answers["/silent"] = silent
    ways = receiver.ways()
    try:
        with pytest.raises(OutcomeUnknown, match="TimeoutError"):
            Outbound(ways.resolve, ways.ports, ways.allowed, ways.context, 0.2).send("GET", receiver.url("/silent"))
    finally:
        done.set()


def test_an_answer_that_drips_is_cut_when_the_time_for_all_of_it_is_over(receiver: Receiver) -> None:
    done = threading.Event()

    def drip(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\n")
        with suppress(OSError):
            while not done.wait(0.05):
                request.wfile.write(b"X-More: 1\r\n")
        request.close_connection = True

    receiver.answers["/drip"] = drip
    ways = receiver.ways()
    try:
        with pytest.raises(OutcomeUnknown, match="TimeoutError"):
            Outbound(ways.resolve, ways.ports, ways.allowed, ways.context, 0.4).send("GET", receiver.url("/drip"))
    finally:
        done.set()


def test_nobody_at_the_door_is_told_as_such(receiver: Receiver) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    ways = receiver.ways()
    with pytest.raises(Unavailable, match="cannot be reached"):
        Outbound(ways.resolve, frozenset({port}), ways.allowed).send("GET", f"https://api.binance.com:{port}/")

"""The short way of reading an answer: exactly the usual form, and never another meaning than the parser's."""

from __future__ import annotations

from typing import cast

import pytest
from copydesk.venues.client.http_answer import whole_success
from copydesk.venues.client.http_pool import HttpPool
from copydesk.venues.client.http_wire import Call, Connection
from copydesk.venues.client.wire import header_of
from copydesk.venues.traits import Endpoint
from raw_exchange import ok

USUAL = ok(b'{"a":1}', "Content-Type: application/json", "X-Seen: Yes", "connection: keep-alive").data


def test_an_answer_that_came_whole_is_read_with_its_headers() -> None:
    read = whole_success(USUAL)
    assert read is not None
    head, body = read
    assert (body, header_of(head, b"x-seen"), header_of(head, b"content-length")) == (b'{"a":1}', b"Yes", b"7")
    assert header_of(head, b"retry-after") is None


def test_an_answer_without_a_body_is_whole() -> None:
    assert whole_success(ok(b"").data) == (b"HTTP/1.1 200 OK\r\nContent-Length: 0", b"")


@pytest.mark.parametrize(
    "data",
    [
        USUAL[:-1],
        USUAL + b"x",
        USUAL + USUAL,
        USUAL[:60],
        USUAL.replace(b"HTTP/1.1", b"HTTP/1.0"),
        USUAL.replace(b"200 OK", b"400 Bad Request"),
        USUAL.replace(b"200 OK", b"100 Continue"),
        USUAL.replace(b"keep-alive", b"close"),
        USUAL.replace(b"keep-alive", b"keep-alive\r\nConnection: close"),
        USUAL.replace(b"keep-alive", b"keep-alive, upgrade"),
        USUAL.replace(b"Content-Length: 7", b"Content-Length: +7"),
        USUAL.replace(b"Content-Length: 7", b"Content-Length: 7, 7"),
        USUAL.replace(b"Content-Length: 7", b"Content-Length: 7\r\ncontent-length: 8"),
        USUAL.replace(b"Content-Length: 7", b"X-Length: 7"),
        USUAL.replace(b"X-Seen: Yes", b"Transfer-Encoding: chunked"),
        b"this is not HTTP at all\r\n\r\n",
        b"",
    ],
)
def test_any_other_form_is_left_to_the_parser(data: bytes) -> None:
    assert whole_success(data) is None


class Told:
    """Stands for the pool of one connection: takes its answers."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, bytes, bytes | None, bool]] = []

    def answered(self, connection: Connection, call: Call, *, reusable: bool) -> None:
        self.answers.append((call.status, call.body, header_of(call.head, b"x-seen"), reusable))


def test_an_answer_means_the_same_in_one_piece_or_in_two() -> None:
    """In one piece it is read the short way, in two the parser reads it, on the same connection by turns."""
    told = Told()
    connection = Connection(cast(HttpPool, told), secure=False)
    for cut in range(len(USUAL)):
        connection.call = Call(Endpoint("POST", "/order"))
        for piece in filter(None, (USUAL[:cut], USUAL[cut:])):
            connection.data_received(piece)
    assert told.answers == [(200, b'{"a":1}', b"Yes", True)] * len(USUAL)

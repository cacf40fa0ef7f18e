"""The express lane of the REST door: plain orders in light mode are read, carried out and answered in one go.

What it takes is an order endpoint's POST on a kept-alive connection, in the form that trading clients send. Whatever
is unusual about a request goes the ordinary way, which also answers every error. What a head says is worked out once:
heads of one account's requests are equal but for the header values that a lane names (signature, time), which are cut
out before.
"""

from __future__ import annotations

import ipaddress
import string
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from copydesk.venues.lab.exchange import Exchange
    from copydesk.venues.lab.keys import ApiKey
    from copydesk.venues.lab.world import World

# How much of some bytes was taken, the answers to that, and whether the rest is not whole yet.
Taken = tuple[int, list[bytes], bool]
# Of each key there are some: the body's length is part of a head.
DOORS_MAX = 65_536
_NOTHING: list[bytes] = []
BODY_LEN_MAX = 4096
# What header names are made of (RFC 9110, 5.6.2), and what else may stand in a head.
_TOKEN = f"{string.ascii_letters}{string.digits}!#$%&'*+-.^_`|~".encode()
_PLAIN = bytes(range(32, 127)) + b"\t\r\n"
_UNUSUAL = frozenset({b"transfer-encoding", b"expect", b"upgrade", b"trailer", b"te"})


class Door:
    """What the head of a request says. `key` is None while the key may not come in; `ends_ms` is when it expires.

    `forwarded` is the address that a test names in place of its own.
    """

    __slots__ = ("account", "api_key", "body_len", "ends_ms", "forwarded", "headers", "key", "lane", "name_json")

    def __init__(self, lane: Lane, headers: Mapping[bytes, bytes], forwarded: str) -> None:
        self.lane = lane
        self.headers = headers
        self.forwarded = forwarded
        self.body_len = int(headers[b"content-length"])
        self.account = ""
        self.api_key = ""
        self.name_json = b""
        self.key: ApiKey | None = None
        self.ends_ms = 0.0


class Lane(Protocol):
    """One order endpoint. `marks` begin the header lines whose values differ from request to request."""

    path: str
    exchange: Exchange
    marks: tuple[bytes, ...]

    def enter(self, door: Door) -> None:
        """Find the key and what it may; called once for each door."""
        ...

    def order(self, door: Door, body: bytes, said: list[bytes], ip: str, arrived_s: float) -> bytes | None:
        """Carry out an order and return its whole answer; None leaves everything as it was. `said` are the marked."""
        ...


class Express:
    """Take requests off the front of what a connection has received.

    `named_ip` tells the address that a head names in place of the caller's own, "" for none; only calls from this
    machine may.
    """

    def __init__(self, world: World, lanes: Iterable[Lane], named_ip: Callable[[Mapping[bytes, bytes]], str]) -> None:
        self._world = world
        self._named_ip = named_ip
        self._lanes = {f"POST {lane.path}".encode(): lane for lane in lanes}
        # By heads with the blank line after them, but without the values that are marked.
        self._doors: dict[bytes, Door] = {}

    @property
    def hold_ms(self) -> float:
        """Return how long answers wait."""
        return self._world.rtt_ms

    def take(self, data: bytes, peer_ip: str, arrived_s: float) -> Taken:
        """Carry out the orders at the front, up to the first request that goes the ordinary way."""
        answers: list[bytes] = []
        at, size = 0, len(data)
        if self._world.faults:
            return 0, answers, False
        while at < size:
            body_at = data.find(b"\r\n\r\n", at) + 4
            if body_at < 4:
                break
            head, said = data[at:body_at], _NOTHING
            door = self._doors.get(head)
            if door is None or door.lane.marks:
                door, said = self._found(head)
                if door is None:
                    break
            if not door.lane.exchange.light:
                break
            stop = body_at + door.body_len
            if stop > size:
                return at, answers, door.key is not None
            ip = door.forwarded if door.forwarded and _is_near(peer_ip) else peer_ip
            answer = door.lane.order(door, data[body_at:stop], said, ip, arrived_s)
            if answer is None:
                break
            answers.append(answer)
            at = stop
        return at, answers, False

    def _found(self, head: bytes) -> tuple[Door | None, list[bytes]]:
        """Find or make the door of a head that has marked values, or is new; return what those say."""
        lane = self._lanes.get(head[: head.find(b" ", 5)])
        if lane is None or not lane.exchange.light:
            return None, _NOTHING
        head, said = _without(head, lane.marks)
        return self._doors.get(head) or self._open(head, lane), said

    def _open(self, head: bytes, lane: Lane) -> Door | None:
        """Make the door of a head, or None if there is anything unusual about it."""
        headers = _read(head[:-4])
        if headers is None:
            return None
        if len(self._doors) >= DOORS_MAX:
            self._doors.clear()
        door = self._doors[head] = Door(lane, headers, self._named_ip(headers))
        lane.enter(door)
        return door


@lru_cache(maxsize=1024)
def _is_near(ip: str) -> bool:
    """Tell whether an address is one of this machine's own."""
    return ipaddress.ip_address(ip).is_loopback


def _without(head: bytes, marks: tuple[bytes, ...]) -> tuple[bytes, list[bytes]]:
    """Cut the values of the marked lines out of a head; what is not there counts as empty."""
    said = []
    for mark in marks:
        at = head.find(mark) + len(mark)
        if at < len(mark):
            said.append(b"")
            continue
        end = head.find(b"\r", at)
        if end < 0:
            end = len(head)
        said.append(head[at:end])
        head = head[:at] + head[end:]
    return head, said


def _read(head: bytes) -> dict[bytes, bytes] | None:
    """Read the header lines; None unless they are of the plainest form and ask for a kept-alive connection."""
    first, *lines = head.split(b"\r\n")
    headers: dict[bytes, bytes] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not name or name.translate(None, _TOKEN):
            return None
        headers[name.lower()] = value.strip(b" \t")
    length = headers.get(b"content-length", b"")
    if head.translate(None, _PLAIN) or head.count(b"\r") + head.count(b"\n") != 2 * len(lines):
        return None
    if not first.endswith(b" HTTP/1.1") or first.count(b" ") != 2 or len(headers) < len(lines):
        return None
    if not length.isdigit() or int(length) > BODY_LEN_MAX or not _UNUSUAL.isdisjoint(headers):
        return None
    return headers if headers.get(b"connection", b"keep-alive").lower() == b"keep-alive" else None

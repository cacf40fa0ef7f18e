"""The front door: routes a request to a dialect, applies scripted faults and the artificial round trip."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence

from copydesk.venues.lab.control import has_token
from copydesk.venues.lab.dialect import Dialect
from copydesk.venues.lab.faults import Fault, Harm
from copydesk.venues.lab.server import DROP, Answer, Request
from copydesk.venues.lab.world import World

OWNERS_MAX = 4096
_NOT_FOUND = Answer(404, b'{"error":"no exchange of this lab answers on this path"}')


class Gate:
    """Answer every HTTP request of the lab."""

    def __init__(self, world: World, dialects: Sequence[Dialect], token: str) -> None:
        self._world = world
        self._dialects = dialects
        self._token = token
        self._owners: dict[str, Dialect] = {}

    def __call__(self, request: Request) -> Answer:
        dialect = self._owners.get(request.path) or self._owner(request)
        if dialect is None:
            return _NOT_FOUND
        world, ip = self._world, self.ip_of(request.peer_ip, request.headers)
        if world.exchanges[dialect.venue].maintenance:
            return Answer(503, dialect.failure(503), hold_ms=world.rtt_ms)
        if world.faults:
            account = dialect.account_of(request)
            fault = world.faults.strike(dialect.venue, request.method, request.path, account)
            if fault is not None:
                world.exchanges[dialect.venue].fault_struck(fault, request.method, request.path, account)
                return self._harmed(dialect, fault, request, ip)
        return dialect.answer(request, ip, world.rtt_ms)

    def ip_of(self, peer_ip: str, headers: Mapping[bytes, bytes]) -> str:
        """Return the caller's address; a test on this machine that knows the token may name another one."""
        named = self.named_ip(headers)
        return named if named and ipaddress.ip_address(peer_ip).is_loopback else peer_ip

    def named_ip(self, headers: Mapping[bytes, bytes]) -> str:
        """Return the address that a request with the token names, "" without one."""
        forwarded = headers.get(b"x-forwarded-for")
        if not forwarded or not has_token(headers, self._token):
            return ""
        return forwarded.decode("latin-1").partition(",")[0].strip()

    def _owner(self, request: Request) -> Dialect | None:
        for dialect in self._dialects:
            if dialect.handles(request):
                if request.path.startswith(dialect.prefixes) and len(self._owners) < OWNERS_MAX:
                    self._owners[request.path] = dialect
                return dialect
        return None

    def _harmed(self, dialect: Dialect, fault: Fault, request: Request, ip: str) -> Answer:
        hold_ms = self._world.rtt_ms
        answer = dialect.answer(request, ip, hold_ms) if fault.executes else DROP
        if fault.harm == Harm.DELAY:
            return answer._replace(hold_ms=hold_ms + fault.delay_ms)
        if fault.harm == Harm.STATUS:
            body = fault.body.encode() or dialect.failure(fault.status)
            return Answer(fault.status, body, hold_ms=hold_ms)
        if fault.harm == Harm.GARBAGE:
            return Answer(200, fault.content().encode(), content_type=b"text/html", hold_ms=hold_ms)
        return DROP._replace(hold_ms=hold_ms)

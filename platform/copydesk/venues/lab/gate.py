"""The front door: routes a request to control or dialect, applies scripted faults and the artificial round trip."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from copydesk.venues.lab.control import PREFIX, Control
from copydesk.venues.lab.dialects.binance import BinanceSpot
from copydesk.venues.lab.exchange import Lab
from copydesk.venues.lab.faults import Fault, Harm
from copydesk.venues.lab.server import DROP, Answer, Request


class Gate:
    """Answer every HTTP request of the lab."""

    def __init__(self, lab: Lab, spot: BinanceSpot, control: Control) -> None:
        self._lab = lab
        self._spot = spot
        self._control = control

    def __call__(self, request: Request) -> Answer:
        if request.path.startswith(PREFIX):
            return self._control.answer(request)
        lab, ip = self._lab, self.ip_of(request.peer_ip, request.headers)
        if lab.faults:
            account = self._spot.account_of(request)
            fault = lab.faults.strike(request.method, request.path, account)
            if fault is not None:
                lab.fault_struck(fault, request.method, request.path, account)
                return self._harmed(fault, request, ip)
        return self._spot.answer(request, ip, lab.rtt_ms)

    def ip_of(self, peer_ip: str, headers: Mapping[bytes, bytes]) -> str:
        """Return the caller's address; a test on this machine that knows the token may name another one."""
        forwarded = headers.get(b"x-forwarded-for")
        if forwarded and self._control.has_token(headers) and ipaddress.ip_address(peer_ip).is_loopback:
            return forwarded.decode("latin-1").partition(",")[0].strip()
        return peer_ip

    def _harmed(self, fault: Fault, request: Request, ip: str) -> Answer:
        hold_ms = self._lab.rtt_ms
        answer = self._spot.answer(request, ip, hold_ms) if fault.executes else DROP
        if fault.harm == Harm.DELAY:
            return answer._replace(hold_ms=hold_ms + fault.delay_ms)
        if fault.harm == Harm.STATUS:
            return Answer(fault.status, fault.content().encode(), hold_ms=hold_ms)
        if fault.harm == Harm.GARBAGE:
            return Answer(200, fault.content().encode(), content_type=b"text/html", hold_ms=hold_ms)
        return DROP._replace(hold_ms=hold_ms)

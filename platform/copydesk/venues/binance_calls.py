"""Requests to Binance on their way through the pool: an order of a fan-out, and any other call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from orjson import JSONDecodeError, loads

from copydesk.kernel import OutcomeUnknown, Unavailable, VenueRefused
from copydesk.trading import Credentials, OrderRequest
from copydesk.venues.binance_errors import classify, refuses_time
from copydesk.venues.binance_orders import check_credentials, order_form, order_view, query_text, sign
from copydesk.venues.budget import Reported
from copydesk.venues.http_wire import Call
from copydesk.venues.model import Outcome, SubmitResult
from copydesk.venues.traits import Endpoint

if TYPE_CHECKING:
    from copydesk.venues.binance import BinanceSpot

# What reading an answer of another form may raise; OSError and OverflowError come from impossible timestamps.
MISREAD = (JSONDecodeError, KeyError, ValueError, TypeError, ArithmeticError, AttributeError, OSError)
COUNT_DIGITS_MAX = 12
_SILENT = Reported()
_FORM = "Content-Type: application/x-www-form-urlencoded\r\n"


class BudgetedCall(Call):
    """Take the rate budget when it is sent and settle it by the answer's headers."""

    __slots__ = ("credentials", "failed", "venue")

    def __init__(
        self, venue: BinanceSpot, endpoint: Endpoint, credentials: Credentials | None, *, urgent: bool
    ) -> None:
        super().__init__(endpoint, urgent=urgent)
        self.venue = venue
        self.credentials = credentials
        self.failed: VenueRefused | Unavailable | OutcomeUnknown | None = None

    @property
    def _key(self) -> str:
        return self.credentials.api_key if self.credentials else ""

    def take_budget(self) -> None:
        """Raise `Unavailable` when sending now would exceed a limit."""
        if self.replayed:
            return
        wait_s = self.venue.budget.try_take(self.endpoint, self._key, reduces=self.urgent, now=self.venue.now())
        if wait_s > 0:
            raise Unavailable(f"not sent: rate budget spent for {wait_s:.1f} s", retry_after_s=wait_s)

    def finished(self) -> None:
        self.failed = self.failure
        if self.status and self.status != 200:
            self.failed = classify(self.status, self.body, self.header(b"retry-after"), self.venue.now())
        if self.sent_at is not None:
            self._settle_budget()
            if self.status == 400 and refuses_time(self.body):
                self.venue.doubt_clock(self.sent_at)

    def _settle_budget(self) -> None:
        now = self.venue.now()
        accepted = self.status == 200
        # An accepted order weighs nothing: reading a thousand equal counts would only delay the next answer.
        reported = _SILENT if accepted and self.endpoint.orders else _reported(self.headers)
        self.venue.budget.settle(self.endpoint, self._key, accepted=accepted, reported=reported, now=now)
        if self.status in (418, 429) and isinstance(self.failed, Unavailable):
            self._block(self.failed, now)

    def _block(self, failed: Unavailable, now: float) -> None:
        """A ban or spent weight concerns the address; too many orders (-1015) only this account."""
        if b"-1015" not in self.body:
            self.venue.budget.block(failed.retry_after_s, now)


class PlainCall(BudgetedCall):
    """One request whose caller awaits the answer's body."""

    __slots__ = ("future", "parameters")

    def __init__(
        self, venue: BinanceSpot, endpoint: Endpoint, credentials: Credentials | None, parameters: dict[str, str | int]
    ) -> None:
        super().__init__(venue, endpoint, credentials, urgent=endpoint.mutates or endpoint.settles)
        self.parameters = parameters
        self.future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def render(self) -> tuple[str, str, str]:
        if self.future.done():
            raise Unavailable("not sent: the caller stopped waiting")
        self.take_budget()
        if self.credentials is None:
            return query_text(self.parameters), "", ""
        stamp = {"timestamp": self.venue.timestamp_ms(), "recvWindow": 2 * self.venue.traits.recv_window_ms}
        query = sign(query_text(self.parameters | stamp), self.credentials.secret)
        return query, f"X-MBX-APIKEY: {self.credentials.api_key}\r\n", ""

    def finished(self) -> None:
        super().finished()
        if self.future.done():  # The caller stopped waiting.
            return
        if self.failed is None:
            self.future.set_result(self.body)
        elif isinstance(self.failed, OutcomeUnknown) and not self.endpoint.mutates:
            self.future.set_exception(Unavailable(str(self.failed)))
        else:
            self.future.set_exception(self.failed)


class Fanout:
    """Count the orders of one `submit_many` that are still open; `done` is set when the last is over.

    The right to send, once lost, does not come back: another worker may have adopted what is left.
    """

    __slots__ = ("_asked", "_may_send", "done", "open")

    def __init__(self, size: int, may_send: Callable[[], bool]) -> None:
        self.open = size
        self._asked = may_send
        self._may_send = True
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def may_send(self) -> bool:
        """Ask the sender again, until its first no."""
        self._may_send = self._may_send and self._asked()
        return self._may_send

    def one_is_over(self) -> None:
        self.open -= 1
        if self.open == 0 and not self.done.done():
            self.done.set_result(None)


class OrderCall(BudgetedCall):
    """One order of a fan-out."""

    __slots__ = ("_fanout", "order", "refusal", "signer")

    def __init__(self, venue: BinanceSpot, credentials: Credentials, order: OrderRequest, *, fanout: Fanout) -> None:
        super().__init__(venue, venue.traits.endpoints["submit"], credentials, urgent=order.reduces)
        self.signer = credentials
        self.order = order
        self.refusal: VenueRefused | None = None
        self._fanout = fanout

    def render(self) -> tuple[str, str, str]:
        if not self._fanout.may_send():
            raise Unavailable("not sent: the sender's right to send has ended")
        try:
            check_credentials(self.signer)
        except VenueRefused as refusal:
            self.refusal = refusal
            raise Unavailable("not sent: the key is malformed") from refusal
        self.take_budget()
        form = order_form(
            self.order, timestamp_ms=self.venue.timestamp_ms(), recv_window_ms=self.venue.traits.recv_window_ms
        )
        return "", f"X-MBX-APIKEY: {self.signer.api_key}\r\n{_FORM}", sign(form, self.signer.secret)

    def finished(self) -> None:
        try:
            super().finished()
        finally:
            self._fanout.one_is_over()

    def outcome(self) -> Outcome:
        """Read the answer; called when the whole fan-out is over."""
        return Outcome(self.refusal or self._result(), self.sent_at, self.acked_at)

    def _result(self) -> SubmitResult:
        if self.failed is not None:
            return self.failed
        try:
            view = order_view(loads(self.body))
        except MISREAD as error:
            return OutcomeUnknown(f"Binance's answer to an order cannot be read: {error!r}")
        if view.client_order_id != self.order.client_order_id:
            return OutcomeUnknown(f"Binance answered for order {view.client_order_id}")
        return view


def _reported(headers: list[tuple[bytes, bytes]]) -> Reported:
    weight: int | None = None
    orders_10s: int | None = None
    orders_1d: int | None = None
    for name, value in headers:
        if name[:6].lower() != b"x-mbx-" or not value.isdigit() or len(value) > COUNT_DIGITS_MAX:
            continue
        match name.lower():
            case b"x-mbx-used-weight-1m":
                weight = int(value)
            case b"x-mbx-order-count-10s":
                orders_10s = int(value)
            case b"x-mbx-order-count-1d":
                orders_1d = int(value)
    return Reported(weight, orders_10s, orders_1d)

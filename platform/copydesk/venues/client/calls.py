"""Requests on their way through the pool: an order of a fan-out, and any other call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from orjson import loads

from copydesk.kernel import OutcomeUnknown, Unavailable, VenueRefused
from copydesk.trading import Credentials, Denial, Instrument, OrderRequest
from copydesk.venues.client.budget import SILENT, Coming
from copydesk.venues.client.draw import Draw, chosen_draw
from copydesk.venues.client.http_wire import Call
from copydesk.venues.client.wire import MISREAD, Blocks, Failure, Params, Rendered
from copydesk.venues.model import Outcome, SubmitResult
from copydesk.venues.traits import Endpoint

if TYPE_CHECKING:
    from copydesk.venues.client.core import VenueClient


class BudgetedCall(Call):
    """Take the rate budget when it is sent and settle it by the answer's headers."""

    __slots__ = ("client", "credentials", "draw", "failed", "symbol")

    def __init__(
        self, client: VenueClient, endpoint: Endpoint, credentials: Credentials | None, symbol: str, *, draw: Draw
    ) -> None:
        super().__init__(endpoint, urgent=draw is Draw.RESERVE)
        self.client = client
        self.draw = draw
        self.credentials = credentials
        self.symbol = symbol
        self.failed: Failure | None = None

    @property
    def _key(self) -> str:
        return self.credentials.api_key if self.credentials else ""

    def coming(self) -> Coming:
        """Say what this call will take of the budget."""
        return Coming(self.endpoint, self._key, self.symbol, self.draw)

    def take_budget(self) -> None:
        """Raise `Unavailable` when sending now would exceed a limit."""
        if self.replayed:
            return
        client = self.client
        spare, now = self.draw is Draw.SPARE, client.now()
        wait_s = client.budget.try_take(
            self.endpoint, self._key, self.symbol, reduces=self.urgent, spare=spare, now=now
        )
        if wait_s > 0:
            raise Unavailable(f"not sent: rate budget spent for {wait_s:.1f} s", retry_after_s=wait_s)

    def finished(self) -> None:
        """Judge the answer; whatever goes wrong in that, the call has an end and its budget is given back."""
        self.failed = self.failure
        if self.status:
            try:
                self.failed = self.client.wire.classify(self.status, self.headers, self.body, self.client.now())
            except MISREAD as error:
                self.failed = OutcomeUnknown(f"{self.client.wire.name}'s answer cannot be read: {error!r}")
        if self.sent_at is not None:
            self._settle_budget()
            self._judge_clock(self.sent_at)

    def _settle_budget(self) -> None:
        client, now = self.client, self.client.now()
        accepted = self.failed is None
        # An accepted order weighs nothing: reading a thousand equal counts would only delay the next answer.
        reported = SILENT if accepted and self.endpoint.orders else client.wire.reported(self.endpoint, self.headers)
        client.budget.settle(self.endpoint, self._key, self.symbol, accepted=accepted, reported=reported, now=now)
        if self.status and self.endpoint.orders and (accepted or isinstance(self.failed, VenueRefused)):
            client.budget.book_order(self.endpoint, now, accepted=accepted, reduces=self.urgent)
        if self.status and isinstance(self.failed, Unavailable):
            self._block(self.failed, now)

    def _block(self, failed: Unavailable, now: float) -> None:
        blocks = self.client.wire.blocks(self.status, self.body)
        if blocks is Blocks.ADDRESS:
            self.client.budget.block(failed.retry_after_s, now)
        elif blocks is Blocks.KEY and self._key:
            self.client.budget.block(failed.retry_after_s, now, self._key)

    def _judge_clock(self, sent_at: float) -> None:
        """Set the clock right after the first refused time; one that is refused again is a refusal by name."""
        client = self.client
        if self.failed is None:
            if self.credentials is not None:
                client.clock.accepted()
        elif self.status and client.wire.refuses_time(self.status, self.body):
            if client.clock.persists(sent_at):
                self.failed = VenueRefused(str(self.failed), code=Denial.CLOCK_SKEWED.value)
            client.doubt_clock(sent_at)


class PlainCall(BudgetedCall):
    """One request whose caller awaits the answer's body."""

    __slots__ = ("future", "params")

    def __init__(
        self, client: VenueClient, endpoint: Endpoint, credentials: Credentials | None, params: Params, symbol: str = ""
    ) -> None:
        own = Draw.RESERVE if endpoint.mutates or endpoint.settles else Draw.OPENS
        super().__init__(client, endpoint, credentials, symbol, draw=chosen_draw(own))
        self.params = params
        self.future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def render(self) -> Rendered:
        if self.future.done():
            raise Unavailable("not sent: the caller stopped waiting")
        self.take_budget()
        client = self.client
        return client.wire.render(self.endpoint, self.params, self.credentials, client.timestamp_ms())

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
    """Count the orders of one fan-out that are still open; `done` is set when the last is over.

    The right to send, once lost, does not come back: another worker may have adopted what is left.
    """

    __slots__ = ("_asked", "_may_send", "done", "open")

    def __init__(self, may_send: Callable[[], bool]) -> None:
        self.open = 0
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

    __slots__ = ("_fanout", "instrument", "order", "refusal", "signer")

    def __init__(
        self,
        client: VenueClient,
        credentials: Credentials,
        order: OrderRequest,
        instrument: Instrument,
        fanout: Fanout,
    ) -> None:
        draw = Draw.RESERVE if order.reduces else Draw.OPENS
        super().__init__(client, client.wire.order_endpoint(order), credentials, order.symbol, draw=draw)
        self.signer = credentials
        self.order = order
        self.instrument = instrument
        self.refusal: VenueRefused | None = None
        self._fanout = fanout
        fanout.open += 1

    def render(self) -> Rendered:
        if not self._fanout.may_send():
            raise Unavailable("not sent: the sender's right to send has ended")
        client = self.client
        try:
            client.require_sound(self.signer)
            params = client.wire.order_params(self.order, self.instrument)
        except VenueRefused as refusal:
            self.refusal = refusal
            raise Unavailable("not sent: the key is malformed, or the exchange has no such order") from refusal
        self._pass_breaker()
        self.take_budget()
        return client.wire.render(self.endpoint, params, self.signer, client.timestamp_ms())

    def finished(self) -> None:
        try:
            super().finished()
        finally:
            self._fanout.one_is_over()

    def _pass_breaker(self) -> None:
        """Refuse an open while the exchange refuses all; not sent later either, so that nobody asks about it."""
        stopped_s = 0.0 if self.urgent else self.client.budget.breaker_s(self.endpoint, self.client.now())
        if stopped_s:
            said = f"not sent: {self.client.wire.name} refused nearly all orders; opens wait {stopped_s:.0f} s"
            self.refusal = VenueRefused(said, code=Denial.VENUE_BREAKER_OPEN.value)
            raise Unavailable(said)

    def outcome(self) -> Outcome:
        """Read the answer; called when the whole fan-out is over."""
        return Outcome(self.refusal or self._result(), self.sent_at, self.acked_at)

    def _result(self) -> SubmitResult:
        if self.failed is not None:
            return self.failed
        wire = self.client.wire
        try:
            view = wire.read_order(loads(self.body), self.order, self.instrument)
        except (VenueRefused, Unavailable, OutcomeUnknown) as verdict:
            return verdict
        except MISREAD as error:
            return OutcomeUnknown(f"{wire.name}'s answer to an order cannot be read: {error!r}")
        if view.client_order_id != self.order.client_order_id:
            return OutcomeUnknown(f"{wire.name} answered for order {view.client_order_id}")
        return view

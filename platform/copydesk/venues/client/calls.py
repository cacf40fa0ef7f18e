"""Requests on their way through the pool: an order of a fan-out, and any other call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from orjson import loads

from copydesk.kernel import OutcomeUnknown, Unavailable, VenueRefused
from copydesk.trading import Credentials, Denial, Instrument, OrderRequest
from copydesk.venues.client.budget import SILENT
from copydesk.venues.client.draw import Draw, chosen_draw
from copydesk.venues.client.http_wire import Call, Postponed
from copydesk.venues.client.windows import LEASE_WAIT_S
from copydesk.venues.client.wire import MISREAD, Blocks, Failure, Params, Rendered
from copydesk.venues.model import Outcome, SubmitResult
from copydesk.venues.traits import Endpoint

if TYPE_CHECKING:
    from copydesk.venues.client.core import VenueClient

POSTPONED_MAX = 2
_RESERVE, _OPENS = Draw.RESERVE, Draw.OPENS  # Asking an enum for a member costs as much as making a small object.


class BudgetedCall(Call):
    """Take the rate budget when it is sent and settle it by the answer's headers."""

    __slots__ = ("brand", "client", "credentials", "draw", "failed", "key", "postponed", "symbol")

    def __init__(
        self, client: VenueClient, endpoint: Endpoint, credentials: Credentials | None, symbol: str, *, draw: Draw
    ) -> None:
        super().__init__(endpoint, urgent=draw is _RESERVE)
        self.client = client
        self.draw = draw
        self.credentials = credentials
        self.key = credentials.api_key if credentials else ""
        self.brand = credentials.tenant_id if credentials else 0
        self.symbol = symbol
        self.postponed = 0
        self.failed: Failure | None = None

    def take_budget(self, now: float) -> None:
        """Raise `Unavailable` when sending now would exceed a limit, `Postponed` when it may not any moment now.

        Most often a lease is missing, because a window has turned or others were quicker: it is asked for at once, and
        once more after the wait.
        """
        if self.replayed:
            return
        budget, where = self.client.budget, (self.endpoint, self.key, self.symbol)
        wait_s = budget.try_take(*where, draw=self.draw, now=now, brand=self.brand)
        if not wait_s:
            return
        if wait_s <= LEASE_WAIT_S and self.postponed < POSTPONED_MAX:
            self.client.postpone(self, wait_s if self.postponed else 0.0)
            self.postponed += 1
            raise Postponed
        raise Unavailable(f"not sent: rate budget spent for {wait_s:.2f} s", retry_after_s=wait_s)

    def finished(self) -> None:
        """Judge the answer; whatever goes wrong in that, the call has an end and its budget is given back."""
        client = self.client
        now = client.now()
        failed: Failure | None = self.failure
        if self.status:
            try:
                failed = client.wire.classify(self.status, self.head, self.body, now)
            except MISREAD as error:
                failed = OutcomeUnknown(f"{client.wire.name}'s answer cannot be read: {error!r}")
        self.failed = failed
        if self.sent_at is None:
            return
        self._settle_budget(now)
        if failed is None:
            if self.credentials is not None:
                client.clock.accepted()
        elif self.status:
            self._judge_refusal(failed, self.sent_at, now)

    def _settle_budget(self, now: float) -> None:
        budget, endpoint, accepted = self.client.budget, self.endpoint, self.failed is None
        # An accepted order weighs nothing: reading a thousand equal counts would only delay the next answer.
        silent = accepted and endpoint.orders
        reported = SILENT if silent else self.client.wire.reported(endpoint, self.head)
        where = (endpoint, self.key, self.symbol)
        budget.settle(*where, accepted=accepted, reported=reported, now=now, brand=self.brand)
        if endpoint.orders and self.status and (accepted or isinstance(self.failed, VenueRefused)):
            budget.book_order(endpoint, now, accepted=accepted, reduces=self.urgent)

    def _judge_refusal(self, failed: Failure, sent_at: float, now: float) -> None:
        """Wait as the exchange says, and set the clock right after the first refused time.

        A time that is refused again is a refusal by name.
        """
        client = self.client
        if isinstance(failed, Unavailable):
            self._block(failed, now)
        if client.wire.refuses_time(self.status, self.body):
            if client.clock.persists(sent_at):
                self.failed = VenueRefused(str(failed), code=Denial.CLOCK_SKEWED.value)
            client.doubt_clock(sent_at)

    def _block(self, failed: Unavailable, now: float) -> None:
        blocks = self.client.wire.blocks(self.status, self.body)
        if blocks is Blocks.ADDRESS:
            self.client.budget.block(failed.retry_after_s, now)
        elif blocks is Blocks.KEY and self.key:
            self.client.budget.block(failed.retry_after_s, now, self.key)


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

    def render(self, now: float) -> Rendered:
        if self.future.done():
            raise Unavailable("not sent: the caller stopped waiting")
        self.take_budget(now)
        client = self.client
        return client.wire.render(self.endpoint, self.params, self.credentials, client.clock.timestamp_ms(now))

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

    __slots__ = ("_fanout", "instrument", "order", "refusal")

    credentials: Credentials

    def __init__(
        self,
        client: VenueClient,
        credentials: Credentials,
        order: OrderRequest,
        instrument: Instrument,
        fanout: Fanout,
    ) -> None:
        draw = _RESERVE if order.reduces else _OPENS
        super().__init__(client, client.wire.order_endpoint(order), credentials, order.symbol, draw=draw)
        self.order = order
        self.instrument = instrument
        self.refusal: VenueRefused | None = None
        self._fanout = fanout
        fanout.open += 1

    def render(self, now: float) -> Rendered:
        if not self._fanout.may_send():
            raise Unavailable("not sent: the sender's right to send has ended")
        client = self.client
        try:
            client.require_sound(self.credentials)
            params = client.wire.order_params(self.order, self.instrument)
        except VenueRefused as refusal:
            self.refusal = refusal
            raise Unavailable("not sent: the key is malformed, or the exchange has no such order") from refusal
        if not self.urgent:
            self._pass_breaker(now)
        self._pass_policy(now)
        self.take_budget(now)
        client.policy.signed(self.credentials, self.order, now)
        return client.wire.render(self.endpoint, params, self.credentials, client.clock.timestamp_ms(now))

    def finished(self) -> None:
        try:
            super().finished()
        finally:
            self._fanout.one_is_over()

    def _pass_policy(self, now: float) -> None:
        """Refuse what may not be signed; nobody asks about it later."""
        refusal = self.client.policy.refusal(self.credentials, self.order, now)
        if refusal is not None:
            self.refusal = refusal
            raise Unavailable(str(refusal))

    def _pass_breaker(self, now: float) -> None:
        """Refuse an open while the exchange refuses all; not sent later either, so that nobody asks about it."""
        stopped_s = self.client.budget.breaker_s(self.endpoint, now)
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

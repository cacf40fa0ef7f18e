"""The life of orders, the same on spot and perpetuals: accepting, resting, amending, canceling, expiring.

Engines say what an order may do (`_fit`, `_admit`) and what it keeps busy while it rests (`_hold`, `_release`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from decimal import Decimal
from heapq import heappop, heappush

from copydesk.venues.lab.book import NO_PLAN, Plan
from copydesk.venues.lab.clearing import Turn
from copydesk.venues.lab.filters import filter_refusal
from copydesk.venues.lab.floor import Floor
from copydesk.venues.lab.model import (
    AMENDED,
    CANCELED,
    EXPIRED,
    FOK,
    GTC,
    GTD,
    MARKET,
    NEW,
    Event,
    LabInstrument,
    NewOrder,
    Order,
    Reject,
    Result,
)
from copydesk.venues.lab.rules import OrderRules


def refused(reject: Reject) -> Result:
    return Result(None, (), reject, [])


class Desk(Floor):
    """Take orders and let them go."""

    def __init__(self, instruments: Iterable[LabInstrument], rules: OrderRules) -> None:
        super().__init__(instruments)
        self.order_rules = rules
        # Good-till-date orders by when they end: (expire_ms, order id, account).
        self.timed: list[tuple[int, int, str]] = []

    def check(self, new: NewOrder) -> Reject | None:
        """Say whether this order would be refused now, without placing it (`order/test`)."""
        fitted = self._fit(new)
        if isinstance(fitted, Reject):
            return fitted
        answer = self._admit(fitted)
        if answer is Reject.WOULD_TAKE and self.order_rules.post_only_cancels:
            return None
        return answer if isinstance(answer, Reject) else None

    def submit(self, new: NewOrder, now_ms: int) -> Result:
        """Place an order. Unfilled rests of market, IOC and FOK orders end EXPIRED with a `reason`, not refused.

        `events` also tell what the order's trades have set off.
        """
        result, turn = self._place(new, now_ms)
        return result if turn is None else result._replace(events=self.settled(turn))

    def _place(
        self, new: NewOrder, now_ms: int, *, order_id: int = 0, conditional_id: int | None = None
    ) -> tuple[Result, Turn | None]:
        """Place an order and leave the turn open; without one it was refused. `order_id` 0 takes the next."""
        fitted = self._fit(new)
        if isinstance(fitted, Reject):
            return refused(fitted), None
        plan = self._admit(fitted)
        canceled = plan is Reject.WOULD_TAKE and self.order_rules.post_only_cancels
        if isinstance(plan, Reject):
            if not canceled:
                return refused(plan), None
            plan = NO_PLAN
        turn = self.turn(fitted.symbol, now_ms)
        order = self._accept(fitted, plan, now_ms, order_id, conditional_id)
        turn.tell(order, NEW)
        self._prepare(turn, order, fitted)
        if plan.takes and not (order.tif == FOK and plan.short):
            self._execute(turn, order.side, plan, order)
        if canceled:
            order.status, order.reason = CANCELED, Reject.WOULD_TAKE
            turn.tell(order, CANCELED)
        elif order.leaves or plan.short:
            self._rest_or_expire(turn, order)
        self.registries[order.account].register(order)
        if not order.is_open:
            turn.done.append(order)
        self._touch(turn, order)
        return Result(order, tuple(turn.executions), None, turn.events), turn

    def _accept(self, new: NewOrder, plan: Plan, now_ms: int, order_id: int, conditional_id: int | None) -> Order:
        if not order_id:
            self.order_id += 1
            order_id = self.order_id
        qty = plan.qty if new.qty is None else new.qty
        return Order(
            order_id,
            new.account,
            new.client_order_id or f"lab-{order_id}",
            new.symbol,
            new.side,
            new.type,
            qty,
            new.quote_qty,
            new.px,
            new.tif,
            now_ms,
            now_ms,
            qty,
            market=new.market,
            position_side=new.position_side,
            reduce_only=new.reduce_only,
            expire_ms=new.expire_ms,
            margin_mode=new.margin_mode,
            tag=new.tag,
            conditional_id=conditional_id,
            order_list_id=new.order_list_id,
        )

    def _rest_or_expire(self, turn: Turn, order: Order) -> None:
        if order.type != MARKET and order.tif in (GTC, GTD):
            self._hold(order)
            side = turn.book.side(order.side)
            assert order.px is not None
            side.add(side.key(order.px), order)
            if order.expire_ms is not None:
                heappush(self.timed, (order.expire_ms, order.order_id, order.account))
            return
        order.status = EXPIRED
        order.reason = Reject.NO_LIQUIDITY_FOK if order.tif == FOK else Reject.NO_LIQUIDITY
        turn.tell(order, EXPIRED)

    def cancel(
        self,
        account: str,
        symbol: str | None,
        order_id: int | None = None,
        client_order_id: str | None = None,
        *,
        now_ms: int,
    ) -> Result:
        """Cancel an open order; a finished or foreign one is refused as UNKNOWN_ORDER."""
        order = self.order(account, symbol, order_id, client_order_id)
        if order is None or not order.is_open:
            return refused(Reject.UNKNOWN_ORDER)
        turn = self.turn(order.symbol, now_ms)
        self._end(turn, order, CANCELED)
        return Result(order, (), None, self.settled(turn))

    def cancel_all(self, account: str, symbol: str | None, now_ms: int) -> list[Result]:
        """Cancel every open order of the account on this symbol (None: on all), oldest first."""
        return [self.cancel(account, o.symbol, o.order_id, now_ms=now_ms) for o in self.open_orders(account, symbol)]

    def cancel_replace(
        self,
        new: NewOrder,
        order_id: int | None = None,
        client_order_id: str | None = None,
        *,
        stop_on_failure: bool = True,
        now_ms: int,
    ) -> tuple[Result, Result | None]:
        """Cancel one order, then place `new`; with `stop_on_failure` a failed cancel places nothing (None)."""
        canceled = self.cancel(new.account, new.symbol, order_id, client_order_id, now_ms=now_ms)
        if canceled.reject is not None and stop_on_failure:
            return canceled, None
        return canceled, self.submit(new, now_ms)

    def _end(self, turn: Turn, order: Order, status: str, reason: Reject | None = None) -> None:
        """Take a resting order out of the book, in a turn on its symbol."""
        assert order.px is not None, "only limit orders rest"
        side = turn.book.side(order.side)
        side.remove(side.key(order.px), order)
        self._release(order)
        order.status, order.reason, order.updated_ms = status, reason, turn.now_ms
        self.registries[order.account].finish(order)
        turn.done.append(order)
        self._touch(turn, order)
        turn.tell(order, status)

    def amend(
        self,
        account: str,
        symbol: str | None,
        order_id: int | None = None,
        client_order_id: str | None = None,
        *,
        qty: Decimal | None = None,
        px: Decimal | None = None,
        new_client_order_id: str | None = None,
        now_ms: int,
    ) -> Result:
        """Change an open order in place; `qty` is the new whole quantity, what is filled included.

        A smaller quantity at the same price keeps its place in the queue; anything else goes to the back, and may
        trade at once. Refused as NOT_MODIFIED when nothing would change; a refused change leaves the order as it was.
        """
        order = self.order(account, symbol, order_id, client_order_id)
        if order is None or not order.is_open:
            return refused(Reject.UNKNOWN_ORDER)
        assert order.px is not None, "only limit orders rest"
        wanted = _as_asked(order, qty or order.qty, px or order.px, new_client_order_id or order.client_order_id)
        reject = self._amend_refusal(order, wanted)
        if reject is not None:
            return refused(reject)
        turn = self.turn(order.symbol, now_ms)
        refusal = self._requeue(turn, order, wanted)
        if refusal is not None:
            return refused(refusal)
        return Result(order, tuple(turn.executions), None, self.settled(turn))

    def _amend_refusal(self, order: Order, wanted: NewOrder) -> Reject | None:
        named = wanted.client_order_id
        if (wanted.qty, wanted.px, named) == (order.qty, order.px, order.client_order_id):
            return Reject.NOT_MODIFIED
        book = self.books[order.symbol]
        if book.halted:
            return Reject.MARKET_HALTED
        namesake = self.registries[order.account].by_client_id.get((order.symbol, named))
        if namesake is not None and namesake is not order and namesake.is_open:
            return Reject.DUPLICATE_CLIENT_ORDER_ID
        assert wanted.qty is not None
        if wanted.qty <= order.cum_qty:
            return Reject.INVALID_PARAMETERS
        return filter_refusal(wanted, book.instrument, book.last_px or book.reference_px())

    def _requeue(self, turn: Turn, order: Order, wanted: NewOrder) -> Reject | None:
        """Shrink in place, or leave the queue and come again; nothing has changed when this is refused."""
        assert wanted.qty is not None and wanted.px is not None and order.px is not None
        leaves = wanted.qty - order.cum_qty
        if wanted.px == order.px and leaves <= order.leaves:
            self._shrink(turn, order, order.leaves - leaves)
            self._rename(turn, order, wanted.client_order_id)
            return None
        self._release(order)
        plan = self._admit(wanted._replace(qty=leaves, client_order_id=""), amends=True)
        if isinstance(plan, Reject):
            self._hold(order)
            return plan
        side = turn.book.side(order.side)
        side.remove(side.key(order.px), order)
        order.qty, order.px, order.leaves, order.updated_ms = wanted.qty, wanted.px, leaves, turn.now_ms
        self._rename(turn, order, wanted.client_order_id)
        if plan.takes:
            self._execute(turn, order.side, plan, order)
        if order.leaves:
            self._rest_or_expire(turn, order)
        else:
            self.registries[order.account].finish(order)
            turn.done.append(order)
        self._touch(turn, order)
        return None

    def _rename(self, turn: Turn, order: Order, client_order_id: str) -> None:
        if client_order_id != order.client_order_id:
            self.registries[order.account].rename(order, client_order_id)
        self._touch(turn, order)
        turn.tell(order, AMENDED)

    def _shrink(self, turn: Turn, order: Order, by: Decimal) -> None:
        """Take `by` off a resting order's quantity; it keeps its place."""
        assert order.px is not None
        self._release(order)
        order.qty -= by
        order.leaves -= by
        order.updated_ms = turn.now_ms
        self._hold(order)
        if by:
            side = turn.book.side(order.side)
            side.shrink(side.key(order.px), by)

    def expire(self, now_ms: int) -> list[Event]:
        """End the good-till-date orders that are due."""
        events: list[Event] = []
        while self.timed and self.timed[0][0] <= now_ms:
            _, order_id, account = heappop(self.timed)
            order = self.registries[account].open.get(order_id)
            if order is not None:
                turn = self.turn(order.symbol, now_ms)
                self._end(turn, order, EXPIRED)
                events += self.settled(turn)
        return events

    def _fit(self, new: NewOrder) -> NewOrder | Reject:
        """Give an order the form in which it is checked."""
        return new

    @abstractmethod
    def _admit(self, new: NewOrder, *, amends: bool = False) -> Plan | Reject:
        """Return what the order would get from the book now, or the reason to refuse it; an amended one is filtered."""

    @abstractmethod
    def _hold(self, order: Order) -> None:
        """Set aside what a resting order needs."""

    @abstractmethod
    def _release(self, order: Order) -> None:
        """Give back what `_hold` has set aside."""

    @abstractmethod
    def _touch(self, turn: Turn, order: Order) -> None:
        """Note that the order's account has changed in this turn."""

    def _prepare(self, turn: Turn, order: Order, new: NewOrder) -> None:
        """Do what else belongs to accepting an order."""


def _as_asked(order: Order, qty: Decimal, px: Decimal, client_order_id: str) -> NewOrder:
    """Write an open order down as if it was asked for anew."""
    return NewOrder(
        order.account,
        client_order_id,
        order.symbol,
        order.side,
        order.type,
        qty,
        None,
        px,
        order.tif,
        order.market,
        order.position_side,
        order.reduce_only,
        order.expire_ms,
    )

"""Order lists on an engine: placing and canceling them, and what one leg does to the others.

The first trade of a leg, its trigger or its end ends the other legs: EXPIRED, or CANCELED when the leg was canceled.
The list is done when no leg is open. Source: binance-spot-api-docs `rest-api.md`, "New Order list - OCO".
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from decimal import Decimal

from copydesk.kernel import ZERO
from copydesk.venues.lab.accounts import Account, lock_need
from copydesk.venues.lab.clearing import Turn
from copydesk.venues.lab.conditional import TRAILING, Conditional, ConditionalResult, NewConditional
from copydesk.venues.lab.model import (
    AMENDED,
    BUY,
    CANCELED,
    EXPIRED,
    NEW,
    UPDATED,
    Event,
    LabInstrument,
    NewOrder,
    OrderListUpdate,
    OrderUpdate,
    Reject,
    Result,
)
from copydesk.venues.lab.order_lists import Leg, NewOrderList, OrderList, OrderListBook, OrderListResult
from copydesk.venues.lab.rules import OrderRules
from copydesk.venues.lab.triggers import TriggerDesk


class ListDesk(TriggerDesk):
    """Keep order lists. Conditionals must keep their id when they fire (`OrderRules.conditional_keeps_id`)."""

    def __init__(self, instruments: Iterable[LabInstrument], rules: OrderRules) -> None:
        super().__init__(instruments, rules)
        self.order_lists = OrderListBook()

    @abstractmethod
    def purse(self, account: str) -> Account:
        """Return the account whose money the lists lock."""

    def place_order_list(self, asked: NewOrderList, now_ms: int) -> OrderListResult:
        """Accept all legs or none; each leg is checked as if it was placed alone."""
        assert self.order_rules.conditional_keeps_id, "a leg is known by one id for all its life"
        reject = self._list_refusal(asked)
        if reject is not None:
            return OrderListResult(None, reject, [])
        lists, first = self.order_lists, self.order_id + 1
        list_id = lists.last_id + 1
        legs = tuple(Leg(first + place, _name_of(leg, first + place)) for place, leg in enumerate(asked.legs))
        asset = self._asset(asked)
        one = OrderList(
            list_id, asked.account, asked.client_id or f"list-{list_id}", asked.symbol, legs, asset, now_ms, now_ms
        )
        lists.put(one)
        events: list[Event] = []
        for leg, named in zip(asked.legs, legs, strict=True):
            events += self._place_leg(leg, named, list_id, now_ms)
        events += self._relock(one, now_ms)
        return OrderListResult(one, None, [*events, _told(one, NEW, now_ms)])

    def _list_refusal(self, asked: NewOrderList) -> Reject | None:
        if asked.account not in self.registries:
            return Reject.UNKNOWN_ACCOUNT
        if asked.symbol not in self.instruments:
            return Reject.UNKNOWN_SYMBOL
        named = [one.client_id for one in self.order_lists.of(asked.account, open_only=True)]
        legs = [name for leg in asked.legs if (name := _name_of(leg, 0))]
        if asked.client_id in named or len(set(legs)) < len(legs):
            return Reject.DUPLICATE_CLIENT_ORDER_ID
        for leg in asked.legs:
            reject = self._leg_refusal(leg) if isinstance(leg, NewConditional) else self.check(leg)
            if reject is not None:
                return reject
        need = max(self._need(leg) for leg in asked.legs)
        short = self.purse(asked.account).available(self._asset(asked)) < need
        return Reject.INSUFFICIENT_BALANCE if short else None

    def _leg_refusal(self, asked: NewConditional) -> Reject | None:
        reject = self._conditional_refusal(asked)
        if reject is not None or asked.kind == TRAILING:
            return reject
        one = self._conditional_of(asked, 0)
        watched = self.watched_px(one.symbol, one.watch)
        return Reject.WOULD_TRIGGER if watched and one.reached(watched) else None

    def _place_leg(self, asked: NewOrder | NewConditional, named: Leg, list_id: int, now_ms: int) -> list[Event]:
        if isinstance(asked, NewConditional):
            new = asked.new._replace(client_order_id=named.client_id, order_list_id=list_id)
            placed = self.place_conditional(asked._replace(new=new, client_id=named.client_id), now_ms)
            assert placed.conditional is not None, "it was checked a moment ago"
            return placed.events
        new = asked._replace(client_order_id=named.client_id, order_list_id=list_id)
        result = self.submit(new, now_ms)
        assert result.order is not None, "it was checked a moment ago"
        return result.events

    def cancel_order_list(self, one: OrderList, now_ms: int) -> list[Event]:
        """Cancel every open leg of an open list."""
        return self._end_others(one, 0, CANCELED, now_ms)

    def cancel_conditional(
        self,
        account: str,
        symbol: str | None,
        conditional_id: int | None = None,
        client_id: str | None = None,
        *,
        now_ms: int,
    ) -> ConditionalResult:
        result = super().cancel_conditional(account, symbol, conditional_id, client_id, now_ms=now_ms)
        if result.conditional is not None:
            result.events.extend(self._over(result.conditional, now_ms))
        return result

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
        named = {"qty": qty, "px": px}
        result = super().amend(
            account, symbol, order_id, client_order_id, **named, new_client_order_id=new_client_order_id, now_ms=now_ms
        )
        order = result.order
        one = None if order is None else self.order_lists.open.get(order.order_list_id or 0)
        if order is not None and one is not None:
            fresh = Leg(order.order_id, order.client_order_id)
            one.legs = tuple(fresh if leg.order_id == fresh.order_id else leg for leg in one.legs)
            result.events.extend([*self._relock(one, now_ms), _told(one, AMENDED, now_ms)])
        return result

    def _linked(self, turn: Turn) -> Sequence[Event]:
        lists = self.order_lists.open
        if not lists:
            return ()
        legs = {
            event.order.order_id: event.order
            for event in turn.events
            if isinstance(event, OrderUpdate) and event.order.order_list_id in lists
        }
        events: list[Event] = []
        for order in legs.values():
            one = lists.get(order.order_list_id or 0)
            if one is not None and (order.cum_qty or not order.is_open):
                status = CANCELED if order.status == CANCELED else EXPIRED
                events += self._end_others(one, order.order_id, status, turn.now_ms)
        return events

    def _firing_leg(self, one: Conditional, now_ms: int) -> list[Event]:
        """Free the money before the leg's order is placed: both legs share it."""
        of_list = self.order_lists.open.get(one.new.order_list_id or 0)
        if of_list is None:
            return []
        return self._end_others(of_list, one.conditional_id, EXPIRED, now_ms, fires=True)

    def _over(self, one: Conditional, now_ms: int) -> list[Event]:
        of_list = self.order_lists.open.get(one.new.order_list_id or 0)
        if of_list is None:
            return []
        status = CANCELED if one.status == CANCELED else EXPIRED
        return self._end_others(of_list, one.conditional_id, status, now_ms)

    def _end_others(
        self, one: OrderList, survivor_id: int, status: str, now_ms: int, *, fires: bool = False
    ) -> list[Event]:
        """End the open legs but one, give back what the list held for them, and tell if that changes the list.

        Nothing is held any more for a survivor that `fires`: its order pays for itself.
        """
        others = [leg.order_id for leg in one.legs if leg.order_id != survivor_id and self._is_open(one, leg.order_id)]
        done = survivor_id == 0 or not self._is_open(one, survivor_id)
        if not others and not done:
            return []
        events: list[Event] = []
        for order_id in others:
            events += self._end_leg(one, order_id, status, now_ms)
        events += self._hold_more(one, -one.held, now_ms) if fires else self._relock(one, now_ms)
        one.updated_ms = now_ms
        if done:
            self.order_lists.finish(one)
        return [*events, _told(one, UPDATED, now_ms)]

    def _is_open(self, one: OrderList, order_id: int) -> bool:
        waiting = self.conditional_book.open.get(one.account, {})
        return order_id in self.registries[one.account].open or order_id in waiting

    def _end_leg(self, one: OrderList, order_id: int, status: str, now_ms: int) -> list[Event]:
        order = self.registries[one.account].open.get(order_id)
        if order is None:
            return [self._finish_conditional(self.conditional_book.table[order_id], status, now_ms)]
        turn = self.turn(order.symbol, now_ms)
        self._end(turn, order, status)
        return turn.close(self.heard)

    def _relock(self, one: OrderList, now_ms: int) -> list[Event]:
        """Hold what the dearest waiting leg needs beyond what the resting one has locked."""
        resting, waiting = self.registries[one.account].open, self.conditional_book.open.get(one.account, {})
        ids = [leg.order_id for leg in one.legs]
        needs = [self._need_of(waiting[i].new, waiting[i].trigger_px) for i in ids if i in waiting]
        locked = sum((lock_need(resting[i], one.asset, one.asset)[1] for i in ids if i in resting), ZERO)
        wanted = max(ZERO, max(needs) - locked) if needs else ZERO
        return self._hold_more(one, wanted - one.held, now_ms)

    def _hold_more(self, one: OrderList, qty: Decimal, now_ms: int) -> list[Event]:
        """Lock so much more, or less, beside what resting legs lock."""
        if not qty:
            return []
        purse = self.purse(one.account)
        purse.lock(one.asset, qty)
        one.held += qty
        if self.heard is not None and one.account not in self.heard:
            return []
        return [purse.update((one.asset,), now_ms)]

    def _need(self, leg: NewOrder | NewConditional) -> Decimal:
        if isinstance(leg, NewConditional):
            return self._need_of(leg.new, leg.trigger_px or ZERO)
        return self._need_of(leg, ZERO)

    def _need_of(self, new: NewOrder, trigger_px: Decimal) -> Decimal:
        """Return what a leg costs: a market order to buy at its trigger price, or at the last one while it trails."""
        assert new.qty is not None, "legs have a quantity"
        if new.side != BUY:
            return new.qty
        return new.qty * (new.px or trigger_px or self.books[new.symbol].last_px)

    def _asset(self, asked: NewOrderList) -> str:
        first = asked.legs[0]
        side = first.new.side if isinstance(first, NewConditional) else first.side
        instrument = self.instruments[asked.symbol]
        return instrument.quote if side == BUY else instrument.base


def _name_of(leg: NewOrder | NewConditional, order_id: int) -> str:
    """Return the leg's client id; one without gets a name from its order id, or none if that is 0."""
    named = leg.client_id if isinstance(leg, NewConditional) else leg.client_order_id
    return named or (f"lab-{order_id}" if order_id else "")


def _told(one: OrderList, change: str, now_ms: int) -> OrderListUpdate:
    return OrderListUpdate(one.account, one.copy(), change, now_ms)

"""Conditional orders on an engine: placing and changing them, firing them, and those attached to an order."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from decimal import Decimal

from copydesk.kernel import ZERO
from copydesk.venues.lab.clearing import Turn
from copydesk.venues.lab.conditional import (
    KINDS,
    STOP,
    TAKE_PROFIT,
    TRAILING,
    Conditional,
    ConditionalBook,
    ConditionalResult,
    NewConditional,
)
from copydesk.venues.lab.desk import Desk
from copydesk.venues.lab.model import (
    AMENDED,
    BUY,
    CANCELED,
    GTC,
    LAST,
    LIMIT,
    MARKET,
    NEW,
    PERP,
    REJECTED,
    SELL,
    TRIGGERED,
    Attached,
    ConditionalUpdate,
    Event,
    LabInstrument,
    NewOrder,
    Order,
    Reject,
)
from copydesk.venues.lab.rules import OrderRules

ACTIVE = "ACTIVE"


def _no(reject: Reject) -> ConditionalResult:
    return ConditionalResult(None, reject, [])


class TriggerDesk(Desk):
    """Keep conditional orders and place what they say once their price is reached.

    Where a price is not `watchable` the last price is watched in its place.
    """

    watchable = frozenset({LAST})

    def __init__(self, instruments: Iterable[LabInstrument], rules: OrderRules) -> None:
        super().__init__(instruments, rules)
        self.conditional_book = ConditionalBook()
        self._firing = False

    def place_conditional(self, asked: NewConditional, now_ms: int) -> ConditionalResult:
        """Accept a conditional order; its own order is checked when it fires. WOULD_TRIGGER when that were now."""
        reject = self._conditional_refusal(asked)
        if reject is not None:
            return _no(reject)
        one = self._conditional_of(asked, now_ms)
        watched = self.watched_px(one.symbol, one.watch)
        if one.active and one.kind != TRAILING and watched and one.reached(watched):
            return _no(Reject.WOULD_TRIGGER)
        self.order_id = one.conditional_id
        self.conditional_book.add(one)
        return ConditionalResult(one, None, [_told(one, NEW, now_ms)])

    def _conditional_refusal(self, asked: NewConditional) -> Reject | None:
        new, book = asked.new, self.conditional_book
        if new.account not in self.registries:
            return Reject.UNKNOWN_ACCOUNT
        if new.symbol not in self.instruments:
            return Reject.UNKNOWN_SYMBOL
        if asked.kind not in KINDS or new.side not in (BUY, SELL):
            return Reject.INVALID_PARAMETERS
        if asked.kind == TRAILING:
            distances = [d for d in (asked.callback_ratio, asked.callback_px) if d is not None]
            if len(distances) != 1 or distances[0] <= ZERO:
                return Reject.INVALID_PARAMETERS
        elif asked.trigger_px is None or asked.trigger_px <= ZERO:
            return Reject.INVALID_PARAMETERS
        if len(book.open.get(new.account, ())) >= self.order_rules.conditionals_max:
            return Reject.TOO_MANY_CONDITIONALS
        namesake = book.by_client_id.get((new.account, new.symbol, asked.client_id))
        if namesake is not None and namesake.is_open:
            return Reject.DUPLICATE_CLIENT_ORDER_ID
        return self._side_refusal(new)

    def _conditional_of(self, asked: NewConditional, now_ms: int) -> Conditional:
        new, rises = asked.new._replace(market=self.market), asked.rises
        watch = asked.watch if asked.watch in self.watchable else LAST
        if rises is None:
            watched = self.watched_px(new.symbol, watch)
            rises = new.side == BUY if asked.trigger_px is None else asked.trigger_px > watched
        return Conditional(
            self.order_id + 1,
            new.account,
            asked.client_id,
            new.symbol,
            new.market,
            asked.kind,
            new,
            asked.trigger_px or ZERO,
            watch,
            rises,
            asked.callback_ratio,
            asked.callback_px,
            asked.activation_px,
            asked.parent_order_id,
            asked.tag,
            now_ms,
            now_ms,
            asked.siblings,
            active=asked.parent_order_id is None,
        )

    def cancel_conditional(
        self,
        account: str,
        symbol: str | None,
        conditional_id: int | None = None,
        client_id: str | None = None,
        *,
        now_ms: int,
    ) -> ConditionalResult:
        """Cancel an open conditional; its siblings stay. Refused as UNKNOWN_CONDITIONAL when finished or foreign."""
        one = self.conditional(account, symbol, conditional_id, client_id)
        if one is None or not one.is_open:
            return _no(Reject.UNKNOWN_CONDITIONAL)
        return ConditionalResult(one, None, [self._finish_conditional(one, CANCELED, now_ms)])

    def amend_conditional(
        self,
        account: str,
        symbol: str | None,
        conditional_id: int | None = None,
        client_id: str | None = None,
        *,
        trigger_px: Decimal | None = None,
        px: Decimal | None = None,
        qty: Decimal | None = None,
        now_ms: int,
    ) -> ConditionalResult:
        """Change an open conditional's trigger, or the price or quantity of what it places."""
        one = self.conditional(account, symbol, conditional_id, client_id)
        if one is None or not one.is_open:
            return _no(Reject.UNKNOWN_CONDITIONAL)
        trigger = trigger_px or one.trigger_px
        new = one.new._replace(px=px or one.new.px, qty=qty or one.new.qty)
        if trigger == one.trigger_px and new == one.new:
            return _no(Reject.NOT_MODIFIED)
        if one.kind == TRAILING and trigger != one.trigger_px:
            return _no(Reject.INVALID_PARAMETERS)
        watched = self.watched_px(one.symbol, one.watch)
        if one.active and trigger_px and watched and (watched >= trigger if one.rises else watched <= trigger):
            return _no(Reject.WOULD_TRIGGER)
        book = self.conditional_book
        book.unwatch(one)
        one.trigger_px, one.new, one.updated_ms = trigger, new, now_ms
        if one.active:
            book.watch(one)
        return ConditionalResult(one, None, [_told(one, AMENDED, now_ms)])

    def conditionals(self, account: str, symbol: str | None = None, *, open_only: bool = True) -> list[Conditional]:
        """Return the account's conditionals, oldest first; with `open_only=False` the finished ones kept too."""
        book = self.conditional_book
        found = book.of(account)
        if not open_only:
            found = sorted([*book.finished.get(account, ()), *found], key=lambda one: one.conditional_id)
        return [one for one in found if symbol in (None, one.symbol)]

    def conditional(
        self, account: str, symbol: str | None, conditional_id: int | None = None, client_id: str | None = None
    ) -> Conditional | None:
        """Find one conditional of the account by either id (a client id needs its symbol), open or finished."""
        return self.conditional_book.find(account, symbol, conditional_id, client_id)

    @abstractmethod
    def watched_px(self, symbol: str, watch: str) -> Decimal:
        """Return the last, mark or index price; 0 while there is none."""

    def fire(self, symbol: str, now_ms: int) -> list[Event]:
        """Place what the last price has set off, and what that sets off in turn; later orders see earlier fills."""
        return self._fire(symbol, LAST, now_ms)

    def _fire(self, symbol: str, watch: str, now_ms: int) -> list[Event]:
        book, events = self.conditional_book, list[Event]()
        if self._firing or not book.watches:
            return events
        self._firing = True
        while due := book.due(symbol, watch, self.watched_px(symbol, watch)):
            for one in due:
                # An earlier one may have canceled it: a sibling, or one bound to a position that is closed now.
                if one.is_open:
                    events += self._trigger(one, now_ms)
        self._firing = False
        if watch != LAST and events:
            events += self._fire(symbol, LAST, now_ms)
        return events

    def _trigger(self, one: Conditional, now_ms: int) -> list[Event]:
        keeps = self.order_rules.conditional_keeps_id
        new = one.new
        if keeps and not new.client_order_id:
            new = new._replace(client_order_id=one.client_id)
        order_id = one.conditional_id if keeps else 0
        events = self._firing_leg(one, now_ms)
        result, turn = self._place(new, now_ms, order_id=order_id, conditional_id=one.conditional_id)
        if result.reject is not None:
            one.reason = result.reject
            events += [self._finish_conditional(one, REJECTED, now_ms), *self._over(one, now_ms)]
        else:
            assert result.order is not None and turn is not None
            one.order_id = result.order.order_id
            events += [self._finish_conditional(one, TRIGGERED, now_ms), *self.settled(turn)]
        for sibling_id in one.siblings:
            sibling = self.conditional_book.table.get(sibling_id)
            if sibling is not None and sibling.is_open:
                events.append(self._finish_conditional(sibling, CANCELED, now_ms))
        return events

    def _finish_conditional(self, one: Conditional, status: str, now_ms: int) -> ConditionalUpdate:
        self.conditional_book.finish(one, status, now_ms)
        return _told(one, status, now_ms)

    def settled(self, turn: Turn) -> list[Event]:
        events = turn.close(self.heard)
        events += self._linked(turn)
        if self.conditional_book.waiting:
            for order in turn.done:
                events += self._parent_done(order, turn.now_ms)
        if self.conditional_book.watches and not self._firing:
            events += self.fire(turn.book.instrument.venue_symbol, turn.now_ms)
        return events

    def _linked(self, turn: Turn) -> Sequence[Event]:  # noqa: ARG002 - lists link orders, see list_desk.py
        """Let orders that moved in a turn end those that they are linked with."""
        return ()

    def _firing_leg(self, one: Conditional, now_ms: int) -> list[Event]:  # noqa: ARG002
        """Let go what is linked with a conditional that is about to place its order."""
        return []

    def _over(self, one: Conditional, now_ms: int) -> Sequence[Event]:  # noqa: ARG002
        """Let go what is linked with a conditional that has ended without placing anything."""
        return ()

    def _parent_done(self, parent: Order, now_ms: int) -> list[Event]:
        """Activate what was attached to a finished order, for the quantity filled; without fills it is canceled."""
        events: list[Event] = []
        book = self.conditional_book
        for conditional_id in list(book.waiting.get(parent.order_id, ())):
            one = book.table[conditional_id]
            qty = self._attached_qty(parent)
            if not qty:
                events.append(self._finish_conditional(one, CANCELED, now_ms))
                continue
            one.new = one.new._replace(qty=qty)
            one.updated_ms = now_ms
            book.waiting[parent.order_id].remove(conditional_id)
            book.activate(one)
            events.append(_told(one, ACTIVE, now_ms))
        if not book.waiting.get(parent.order_id, True):
            del book.waiting[parent.order_id]
        return events

    def _attached_qty(self, parent: Order) -> Decimal:
        """Return how much of what the parent has traded there is to close."""
        return parent.cum_qty

    @abstractmethod
    def _side_refusal(self, new: NewOrder) -> Reject | None:
        """Refuse an order whose position side does not fit the account."""

    def _attach(self, turn: Turn, order: Order, new: NewOrder) -> None:
        """Create the take-profit and the stop-loss given with an order; each cancels the other when it fires."""
        pairs = [(TAKE_PROFIT, new.take_profit), (STOP, new.stop_loss)]
        made = [self._attached(order, kind, asked, turn.now_ms) for kind, asked in pairs if asked is not None]
        ids = tuple(one.conditional_id for one in made)
        for one in made:
            one.siblings = tuple(i for i in ids if i != one.conditional_id)
            turn.events.append(_told(one, NEW, turn.now_ms))

    def _attached(self, order: Order, kind: str, asked: Attached, now_ms: int) -> Conditional:
        closes = NewOrder(
            order.account,
            "",
            order.symbol,
            SELL if order.side == BUY else BUY,
            MARKET if asked.px is None else LIMIT,
            qty=order.qty,
            px=asked.px,
            tif=GTC,
            market=order.market,
            position_side=order.position_side,
            reduce_only=order.market == PERP,
            margin_mode=order.margin_mode,
            tag=order.tag,
        )
        rises = (order.side == BUY) == (kind == TAKE_PROFIT)
        request = NewConditional(
            closes, kind, asked.trigger_px, asked.watch, rises, parent_order_id=order.order_id, tag=order.tag
        )
        one = self._conditional_of(request, now_ms)
        self.order_id = one.conditional_id
        self.conditional_book.add(one)
        return one


def _told(one: Conditional, change: str, now_ms: int) -> ConditionalUpdate:
    return ConditionalUpdate(one.account, one.copy(), change, now_ms)

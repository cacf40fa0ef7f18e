"""The simulated perpetuals exchange's core: positions, margin, funding and liquidation around the order books.

Pure and deterministic: the same calls in the same order always give the same events and state. It counts base units
and one settle currency; the marks of all contracts should be set before positions are opened on them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from copydesk.kernel import ZERO
from copydesk.venues.lab.accounts import Account
from copydesk.venues.lab.book import Plan, Room
from copydesk.venues.lab.clearing import Turn
from copydesk.venues.lab.model import (
    CANCELED,
    FUNDING_FEE,
    INDEX,
    LAST,
    MARK,
    NET,
    PERP,
    Event,
    LabInstrument,
    NewOrder,
    Order,
    PositionUpdate,
    Reject,
)
from copydesk.venues.lab.perp import settings
from copydesk.venues.lab.perp.admission import RoomLeft, admit, fit, mode_refusal
from copydesk.venues.lab.perp.clearing import ORDER_REASON, PerpClearing, PerpTurn, sign_of
from copydesk.venues.lab.perp.liquidation import judge
from copydesk.venues.lab.perp.margin import position_view, valuation
from copydesk.venues.lab.perp.model import PLACES, PerpRules
from copydesk.venues.lab.perp.portfolio import Portfolio
from copydesk.venues.lab.perp.positions import Leg
from copydesk.venues.lab.perp.snapshot import fill_perp, perp_state
from copydesk.venues.lab.snapshot import check_version, instruments_of

SOUND_RULES = PerpRules()


class PerpEngine(Portfolio):
    """Match orders on linear perpetuals. `symbol` is always the venue symbol; quantities are base units.

    `purses` hold the money, by account: the accounts of a spot engine where both share one purse, else a table of
    their own. Fees are ratios of the quote amount, paid in the settle currency. Position sides are NET in one-way
    mode, LONG and SHORT in hedge mode.
    """

    market = PERP
    watchable = frozenset({LAST, MARK, INDEX})
    clearing: PerpClearing

    def __init__(
        self,
        instruments: Iterable[LabInstrument],
        *,
        purses: dict[str, Account],
        maker_fee: Decimal = Decimal("0.0002"),
        taker_fee: Decimal = Decimal("0.0005"),
        rules: PerpRules = SOUND_RULES,
    ) -> None:
        super().__init__(instruments, purses, rules)
        self.clearing = PerpClearing(
            self.account_table,
            self.markets,
            maker_fee=maker_fee,
            taker_fee=taker_fee,
            leg_of=self.leg,
            trim=self._trim,
        )
        # Dead man's switches: (account, symbol or "" for all) to when they strike.
        self.switches: dict[tuple[str, str], int] = {}

    def mark(self, symbol: str, mark_px: Decimal, index_px: Decimal, now_ms: int) -> list[Event]:
        """Set a contract's prices, fire what watches them, liquidate whom they ruin; cheap when nothing happens."""
        market = self.markets[symbol]
        market.mark_px, market.index_px = mark_px, index_px
        events = self._fire(symbol, MARK, now_ms)
        events += self._fire(symbol, INDEX, now_ms)
        suspects = self.clearing.suspects
        for leg in market.legs.values():
            owner = leg.owner
            # Money is replaced when it changes, so the same value is the same object: nothing has moved.
            if leg.lo < mark_px < leg.hi and owner.checked_free is owner.money.free:
                continue
            if not owner.house:
                suspects[owner.name] = owner
        while self.clearing.suspects:
            events += self._judge_suspects(now_ms)
        return events

    def _judge_suspects(self, now_ms: int) -> list[Event]:
        suspects, self.clearing.suspects = self.clearing.suspects, {}
        # What liquidations set off has to wait, so that each is settled apart.
        self._firing = True
        events = [event for account in suspects.values() for event in judge(self, account, now_ms)]
        self._firing = False
        if events:
            for symbol in self.books:
                events += self.fire(symbol, now_ms)
        return events

    def fund(self, symbol: str, rate: Decimal, now_ms: int) -> list[Event]:
        """Let longs pay the rate on their notional at the mark price, and shorts receive it (negative: reversed).

        Payments are rounded to 8 places; the fees account takes what that leaves. Isolated positions pay from, and
        receive into, their own margin; what that lacks comes from the wallet.
        """
        market, events, paid = self.markets[symbol], list[Event](), ZERO
        px = market.px()
        for leg in market.legs.values():
            due = (leg.qty * px * rate).quantize(PLACES, ROUND_HALF_EVEN)
            paid += due
            owner = leg.owner
            owner.money.free -= due
            if owner.house:
                continue
            if leg.isolated:
                leg.margin = max(leg.margin - due, ZERO)
            owner.checked_free = None
            self.clearing.suspects[owner.name] = owner
            events += self._funding_told(leg, -due, now_ms)
        self.clearing.fees.free += paid
        return events

    def _funding_told(self, leg: Leg, delta: Decimal, now_ms: int) -> list[Event]:
        """Tell of a payment; that is wanted of every account, for the record."""
        name = leg.owner.name
        told = leg.owner.purse.update((self.settle,), now_ms)._replace(
            change=FUNDING_FEE, delta=delta, market=PERP, symbol=leg.symbol, position_side=leg.position_side
        )
        if self.heard is not None and name not in self.heard:
            return [told]
        view = position_view(leg, valuation(leg.owner))
        return [told, PositionUpdate(name, view, FUNDING_FEE, now_ms)]

    def kill_after(self, account: str, symbol: str | None, countdown_ms: int, now_ms: int) -> None:
        """Cancel all orders after a while unless called again in time (dead man's switch); 0 takes it away."""
        key = account, symbol or ""
        if countdown_ms:
            self.switches[key] = now_ms + countdown_ms
        else:
            self.switches.pop(key, None)

    def expire(self, now_ms: int) -> list[Event]:
        """End the good-till-date orders and strike the dead man's switches that are due."""
        events = super().expire(now_ms)
        for key in [key for key, due_ms in self.switches.items() if due_ms <= now_ms]:
            del self.switches[key]
            account, symbol = key
            for result in self.cancel_all(account, symbol or None, now_ms):
                events += result.events
        return events

    def watched_px(self, symbol: str, watch: str) -> Decimal:
        """Return the last, mark or index price; 0 while there is none."""
        market = self.markets[symbol]
        if watch == LAST:
            return market.book.last_px
        return market.mark_px if watch == MARK else market.index_px

    def snapshot(self) -> dict[str, Any]:
        """Return the whole state, purses' settle money included, as JSON-able values, decimals as text."""
        return perp_state(self)

    def fill(self, state: Mapping[str, Any]) -> None:
        """Take over the state of a snapshot; another version raises ValueError. Only for an engine not used yet."""
        check_version(state)
        fill_perp(self, state)

    @classmethod
    def restore(
        cls, state: Mapping[str, Any], *, purses: dict[str, Account] | None = None, rules: PerpRules = SOUND_RULES
    ) -> PerpEngine:
        """Rebuild an engine equal to the one that was snapshot; shared purses must be restored before."""
        check_version(state)
        engine = cls(
            instruments_of(state),
            purses={} if purses is None else purses,
            maker_fee=Decimal(state["maker_fee"]),
            taker_fee=Decimal(state["taker_fee"]),
            rules=rules,
        )
        engine.fill(state)
        return engine

    def turn(self, symbol: str, now_ms: int, reason: str = ORDER_REASON) -> PerpTurn:
        return PerpTurn(self.markets[symbol], self.account_table, now_ms, self.settle, reason)

    def settled(self, turn: Turn) -> list[Event]:
        assert isinstance(turn, PerpTurn)
        if self.conditional_book.open:
            for leg, before in turn.legs.items():
                if before and sign_of(leg) != before:
                    turn.events += self._unbind(leg, turn.now_ms)
        return super().settled(turn)

    def _unbind(self, leg: Leg, now_ms: int) -> list[Event]:
        """Cancel the conditionals that belonged to a position which is closed."""
        bound = [
            one
            for one in self.conditional_book.of(leg.owner.name)
            if one.bound and one.active and (one.symbol, one.new.position_side) == (leg.symbol, leg.position_side)
        ]
        return [self._finish_conditional(one, CANCELED, now_ms) for one in bound]

    def _leg_of(self, order: Order | NewOrder) -> Leg:
        return self.leg(order.account, order.symbol, order.position_side)

    def _side_refusal(self, new: NewOrder) -> Reject | None:
        hedge = self.hedge(new.account, new.symbol)
        return Reject.POSITION_SIDE if hedge == (new.position_side == NET) else None

    def _fit(self, new: NewOrder) -> NewOrder | Reject:
        if new.account not in self.account_table:
            return Reject.UNKNOWN_ACCOUNT
        if new.symbol not in self.markets:
            return Reject.UNKNOWN_SYMBOL
        if self._side_refusal(new) is not None:
            return Reject.POSITION_SIDE
        leg = self._leg_of(new)
        return mode_refusal(new, leg.owner, leg) or fit(new, leg)

    def _admit(self, new: NewOrder, *, amends: bool = False) -> Plan | Reject:
        leg = self._leg_of(new)
        return admit(new, leg, self.clearing.taker_fee, self.room(leg), filtered=amends)

    def room(self, taker: Leg) -> Room | None:
        """Return what limits resting reduce-only orders while this position takes, if there are any."""
        return RoomLeft(self.account_table, taker) if taker.market.reducers else None

    def _execute(self, turn: Turn, side: str, plan: Plan, order: Order | None) -> None:
        assert isinstance(turn, PerpTurn)
        taker = self.clearing.makers[turn.book.instrument.venue_symbol] if order is None else self._leg_of(order)
        self.clearing.execute(turn, side, plan, taker, order)

    def _prepare(self, turn: Turn, order: Order, new: NewOrder) -> None:
        """Take the margin mode that the order names, and what is attached to it."""
        owner = self.account_table[order.account]
        config = owner.configs[order.symbol]
        if new.margin_mode and new.margin_mode != config.margin_mode:
            config.margin_mode = new.margin_mode
            hedge = self.hedge(order.account, order.symbol)
            turn.events += settings.told_sides(owner, order.symbol, turn.now_ms, hedge=hedge)
        order.margin_mode = config.margin_mode
        if new.take_profit is not None or new.stop_loss is not None:
            self._attach(turn, order, new)

    def _hold(self, order: Order) -> None:
        self._leg_of(order).hold(order)

    def _release(self, order: Order) -> None:
        self._leg_of(order).release(order)

    def _touch(self, turn: Turn, order: Order) -> None:
        assert isinstance(turn, PerpTurn)
        turn.parties[order.account] = self.account_table[order.account]

    def _trim(self, turn: PerpTurn, leg: Leg) -> None:
        """Cut the reduce-only orders of a position that has shrunk below them."""
        for _, order in sorted(leg.reducers.items()):
            room = leg.room(order.side)
            if not room:
                self._end(turn, order, CANCELED, Reject.REDUCE_ONLY)
            elif order.leaves > room:
                self._shrink(turn, order, order.leaves - room)
                turn.tell(order, "AMENDED")

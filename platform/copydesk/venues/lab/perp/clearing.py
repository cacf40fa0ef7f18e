"""Clearing of perpetuals: turns planned takes into positions, profits, fees and events."""

from __future__ import annotations

from collections.abc import Callable, Container
from decimal import ROUND_DOWN, Decimal

from copydesk.kernel import ZERO
from copydesk.venues.lab.book import Plan, Quote, Room, Take
from copydesk.venues.lab.clearing import Tape, Turn
from copydesk.venues.lab.model import (
    BUY,
    FEES_ACCOUNT,
    FILLED,
    INSURANCE_ACCOUNT,
    MAKER_ACCOUNT,
    NET,
    PERP,
    TRADE,
    BookChange,
    Event,
    Execution,
    Order,
    PositionUpdate,
)
from copydesk.venues.lab.perp.admission import RoomLeft
from copydesk.venues.lab.perp.margin import position_view, valuation
from copydesk.venues.lab.perp.model import PLACES
from copydesk.venues.lab.perp.positions import Leg, PerpAccount, PerpMarket

ORDER_REASON = "ORDER"


def sign_of(leg: Leg) -> int:
    return 1 if leg.qty > ZERO else -1 if leg.qty < ZERO else 0


class PerpTurn(Turn):
    """One call on one book: also the accounts and positions that it changed. `legs` maps to the sign before."""

    __slots__ = ("accounts", "legs", "market", "parties", "reason", "settle")

    def __init__(
        self, market: PerpMarket, accounts: dict[str, PerpAccount], now_ms: int, settle: str, reason: str
    ) -> None:
        super().__init__(market.book, now_ms)
        self.market = market
        self.accounts = accounts
        self.settle = settle
        self.reason = reason
        self.parties: dict[str, PerpAccount] = {}
        self.legs: dict[Leg, int] = {}

    def room(self) -> Room | None:
        return RoomLeft(self.accounts, None) if self.market.reducers else None

    def note(self, leg: Leg) -> None:
        """Remember a position that is about to change, and its account."""
        if leg not in self.legs:
            self.legs[leg] = sign_of(leg)
            self.parties[leg.owner.name] = leg.owner

    def close(self, heard: Container[str] | None) -> list[Event]:
        """Append balance and positions of real accounts that changed (and are heard), and the book's change."""
        for name, account in self.parties.items():
            if (heard is None or name in heard) and not account.house:
                self._tell_account(account)
        if self.book.commit():
            self.events.append(BookChange(self.book.instrument.venue_symbol, self.book.update_id, self.now_ms))
        return self.events

    def _tell_account(self, account: PerpAccount) -> None:
        self.events.append(account.purse.update((self.settle,), self.now_ms)._replace(market=PERP))
        legs = [leg for leg in self.legs if leg.owner is account]
        if legs:
            value = valuation(account)
            self.events += [
                PositionUpdate(account.name, position_view(leg, value), self.reason, self.now_ms) for leg in legs
            ]


class PerpClearing(Tape):
    """Settle trades between positions and collect fees, rounded down to 8 places; the house pays none.

    `suspects` are the real accounts whose money or positions have changed since they were last found sound.
    `trim` cuts the reduce-only orders of a position that has shrunk.
    """

    market = PERP

    def __init__(
        self,
        accounts: dict[str, PerpAccount],
        markets: dict[str, PerpMarket],
        *,
        maker_fee: Decimal,
        taker_fee: Decimal,
        leg_of: Callable[[str, str, str], Leg],
        trim: Callable[[PerpTurn, Leg], None],
    ) -> None:
        super().__init__(maker_fee, taker_fee)
        self.accounts = accounts
        self.trim = trim
        self.suspects: dict[str, PerpAccount] = {}
        self.fees = accounts[FEES_ACCOUNT].money
        self.insurance = accounts[INSURANCE_ACCOUNT]
        self.makers = {symbol: leg_of(MAKER_ACCOUNT, symbol, NET) for symbol in markets}
        self.insurers = {symbol: leg_of(INSURANCE_ACCOUNT, symbol, NET) for symbol in markets}

    def execute(self, turn: PerpTurn, side: str, plan: Plan, taker: Leg, order: Order | None) -> None:
        """Carry out a plan made on this book just now. `order` is None when the house's maker takes."""
        levels = turn.book.opposite(side)
        for take in plan.takes:
            entry, qty = take.entry, take.qty
            signed = qty if side == BUY else -qty
            self.trade_id += 1
            if isinstance(entry, Order):
                cost = take.px * qty
                entry.fill(qty, cost, turn.now_ms)
                levels.consume(take)
                maker = self.accounts[entry.account].legs[entry.symbol, entry.position_side]
                maker.consume(entry, cost)
                self._settle_taker(turn, taker, order, take, signed)
                self._settle_half(turn, maker, entry, take, -signed, maker=True)
                if entry.status == FILLED:
                    maker.owner.finish(entry)
                    turn.done.append(entry)
                self.show(turn, side, take, order, entry.order_id)
                if maker.reducers:
                    self.trim(turn, maker)
            else:
                entry.leaves -= qty
                levels.consume(take)
                self._settle_taker(turn, taker, order, take, signed)
                self._settle_house(self.makers[taker.symbol], take, -signed, turn.now_ms)
                self.show(turn, side, take, order, 0)
            if taker.reducers:
                self.trim(turn, taker)

    def take_over(self, turn: PerpTurn, side: str, leg: Leg, order: Order, px: Decimal) -> None:
        """Let the insurance take what the book did not, at this price."""
        qty = order.leaves
        take = Take(0, px, Quote(qty), qty)
        signed = qty if side == BUY else -qty
        self.trade_id += 1
        self._settle_taker(turn, leg, order, take, signed)
        self._settle_house(self.insurers[leg.symbol], take, -signed, turn.now_ms)
        self.show(turn, side, take, order, 0)

    def _settle_house(self, leg: Leg, take: Take, signed: Decimal, now_ms: int) -> None:
        leg.owner.money.free += leg.trade(signed, take.px, now_ms)

    def _settle_taker(self, turn: PerpTurn, leg: Leg, order: Order | None, take: Take, signed: Decimal) -> None:
        if order is None:
            self._settle_house(leg, take, signed, turn.now_ms)
            return
        order.fill(take.qty, take.px * take.qty, turn.now_ms)
        self._settle_half(turn, leg, order, take, signed, maker=False)

    def _settle_half(self, turn: PerpTurn, leg: Leg, order: Order, take: Take, signed: Decimal, *, maker: bool) -> None:
        """Move position and money of a real account, and tell of it."""
        turn.note(leg)
        owner, rate = leg.owner, self.maker_fee if maker else self.taker_fee
        realized = leg.trade(signed, take.px, turn.now_ms)
        fee = (take.px * take.qty * rate).quantize(PLACES, ROUND_DOWN)
        owner.money.free += realized - fee
        owner.checked_free = None
        self.fees.free += fee
        self.suspects[owner.name] = owner
        order.realized += realized
        execution = Execution(
            self.trade_id,
            order.order_id,
            order.account,
            order.symbol,
            order.side,
            take.px,
            take.qty,
            fee,
            turn.settle,
            maker,
            turn.now_ms,
            realized,
            order.position_side,
        )
        order.fills.append(execution)
        turn.tell(order, TRADE, execution)
        if not maker:
            turn.executions.append(execution)

"""A follower copying a leader, in memory: plans are the real ones, fills and books follow the rules of `settle`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from copydesk.kernel import ZERO, floor_to_step
from copydesk.replication.model import Book, Follower, Limits, Planned, SignalFact
from copydesk.replication.plan import plan_copies
from copydesk.trading import Instrument, Side, SizePolicy, SizingMode, SubscriptionState
from hypothesis import strategies as st

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LIMITS = Limits(slippage_bps_max=50, signal_age_ms_max=20_000)
FEE = Decimal("0.001")


def decimals(low: str, high: str, places: int = 4) -> st.SearchStrategy[Decimal]:
    return st.decimals(Decimal(low), Decimal(high), places=places, allow_nan=False, allow_infinity=False)


@st.composite
def instruments(draw: st.DrawFn, symbol: str = "BTC/USDT") -> Instrument:
    """Any spot pair: quantity minima may bind, or the notional one."""
    base, _, quote = symbol.partition("/")
    step = draw(st.sampled_from([Decimal("0.00001"), Decimal("0.001"), Decimal("0.1"), Decimal(1)]))
    return Instrument(
        venue="binance",
        symbol=symbol,
        venue_symbol=base + quote,
        base=base,
        quote=quote,
        px_tick=Decimal("0.01"),
        qty_step=step,
        qty_min=step * draw(st.integers(1, 20)),
        qty_max=Decimal(10) ** 12,
        notional_min=Decimal(draw(st.sampled_from([1, 5, 10]))),
    )


sizings = st.one_of(
    st.just((SizingMode.EQUITY_RATIO, None)),
    st.tuples(st.just(SizingMode.MULTIPLIER), decimals("0.1", "5")),
    st.tuples(st.just(SizingMode.FIXED_RATIO), decimals("0.001", "3")),
    st.tuples(st.just(SizingMode.FIXED_QTY), decimals("0.001", "10")),
    st.tuples(st.just(SizingMode.FIXED_NOTIONAL), decimals("1", "5000", 2)),
)
allocations = decimals("10", "100000", 2)
prices = decimals("0.5", "90000", 2)


@dataclass
class Position:
    """One book as `settle` keeps it, and the fills that it must be the sum of."""

    qty: Decimal = ZERO
    target_qty: Decimal = ZERO
    cost: Decimal = ZERO
    last_signal_id: int = 0
    carried_qty: Decimal = ZERO
    carried_at: datetime | None = None
    fills: list[tuple[Side, Decimal, Decimal]] = field(default_factory=list)


@dataclass
class Flight:
    """An order whose outcome is not known yet."""

    symbol: str
    plan: Planned


@dataclass
class World:
    """One follower and one leader on some instruments; `share` answers how much of an order is filled."""

    mode: SizingMode = SizingMode.EQUITY_RATIO
    value: Decimal | None = None
    allocation: Decimal = Decimal(1000)
    equity: Decimal = Decimal(100_000)
    policy: SizePolicy = SizePolicy.SKIP
    leader: dict[str, Decimal] = field(default_factory=dict)
    books: dict[str, Position] = field(default_factory=dict)
    in_flight: list[Flight] = field(default_factory=list)
    signals: int = 0

    def trade(self, instrument: Instrument, after: Decimal, px: Decimal, *, first_of_order: bool = True) -> Planned:
        """Let the leader hold `after` and return what is planned for the follower, stored and in flight."""
        symbol = instrument.symbol
        self.signals += 1
        before = self.leader.get(symbol, ZERO)
        signal = SignalFact(self.signals, symbol, px, before, after, self.equity, NOW, first_of_order)
        self.leader[symbol] = after
        (plan,) = plan_copies(signal, [self.follower(symbol)], instrument, LIMITS, now=NOW)
        book = self.books[symbol]
        book.target_qty, book.last_signal_id = plan.target_qty, signal.id
        book.carried_qty, book.carried_at = plan.carried_qty, plan.carried_at
        if plan.denial is None:
            self.in_flight.append(Flight(symbol, plan))
        return plan

    def follower(self, symbol: str) -> Follower:
        """Read the follower as the planner's query does."""
        book = self.books.setdefault(symbol, Position())
        moving = [flight.plan for flight in self.in_flight if flight.symbol == symbol]
        return Follower(
            1,
            1,
            SubscriptionState.SYNCED,
            True,
            self.mode,
            self.value,
            self.allocation,
            self.exposure(),
            Book(
                book.qty,
                book.target_qty,
                sum((plan.qty for plan in moving if plan.side is Side.BUY), ZERO),
                sum((plan.qty for plan in moving if plan.side is Side.SELL), ZERO),
                book.last_signal_id,
                carried_qty=book.carried_qty,
                carried_at=book.carried_at,
            ),
            size_policy=self.policy,
        )

    def settle(self, instrument: Instrument, *, share: Decimal = Decimal(1), px: Decimal | None = None) -> None:
        """Fill that share of everything in flight on the instrument at `px`, an open no worse than its limit."""
        mine = [flight for flight in self.in_flight if flight.symbol == instrument.symbol]
        self.in_flight = [flight for flight in self.in_flight if flight.symbol != instrument.symbol]
        for flight in mine:
            plan, book = flight.plan, self.books[flight.symbol]
            filled = floor_to_step(plan.qty * share, instrument.qty_step)
            paid = plan.px if plan.px is not None and (px is None or px > plan.px) else px
            assert paid is not None, "a close needs a price to be filled at"
            if plan.side is Side.BUY:
                self._bought(book, filled, paid, missed=plan.qty - filled)
            else:
                self._sold(book, filled)

    def _bought(self, book: Position, qty: Decimal, px: Decimal, *, missed: Decimal) -> None:
        fee = qty * FEE
        book.fills.append((Side.BUY, qty, fee))
        book.qty += qty - fee
        book.cost += qty * px
        book.target_qty = max(book.target_qty - missed - fee, ZERO)

    def _sold(self, book: Position, qty: Decimal) -> None:
        book.fills.append((Side.SELL, qty, ZERO))
        left = book.qty - qty
        book.cost = book.cost * left / book.qty if left > 0 else ZERO
        book.qty = left

    def exposure(self) -> Decimal:
        """Return what is invested plus what orders in flight may still spend, in quote currency."""
        return sum((book.cost for book in self.books.values()), ZERO) + reserved(f.plan for f in self.in_flight)


def reserved(plans: Iterable[Planned]) -> Decimal:
    """Return what opening orders may spend at their limit."""
    return sum((plan.qty * plan.px for plan in plans if plan.px is not None), ZERO)


def sellable(qty: Decimal, px: Decimal, instrument: Instrument) -> bool:
    """Tell whether the exchange would accept a sale of what is held."""
    whole = floor_to_step(qty, instrument.qty_step)
    return whole > 0 and whole >= instrument.qty_min and whole * px >= instrument.notional_min

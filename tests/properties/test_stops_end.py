"""A fired stop leaves the book flat or flagged, whatever the exchange answers, and never closes more than is held.

Orders are those of the real rules; the exchange and the desk's rows are on paper: an order may be refused, filled in
part, lost, carried out without an answer, or answered late.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from copydesk.kernel import ZERO, OutcomeUnknown, Unavailable, VenueRefused, floor_to_step
from copydesk.replication import Exposure, HeldBook
from copydesk.replication.outcomes import settlement_of, settlement_of_view
from copydesk.replication.settle import Settlement
from copydesk.replication.stop_orders import HeldNow, Market, Remainder, StopOrder, stop_order
from copydesk.risk.acts import Act, ActState
from copydesk.risk.monitor import Key
from copydesk.trading import (
    TERMINAL,
    Denial,
    Fill,
    Instrument,
    OrderStatus,
    OrderView,
    PositionSide,
    Side,
    SubscriptionState,
)
from copydesk.venues import BINANCE, Outcome
from copydesk.workers.risk_acts import Closing
from hypothesis import given
from hypothesis import strategies as st

D = Decimal
NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
SPOT, PERPETUAL = "BTC/USDT", "BTC/USDT:USDT"
INSTRUMENTS = {
    SPOT: Instrument("binance", SPOT, "BTCUSDT", "BTC", "USDT", D("0.01"), D("0.001"), D("0.002"), D(2), D(5)),
    PERPETUAL: Instrument(
        "binance", PERPETUAL, "BTCUSDT", "BTC", "USDT", D("0.01"), D("0.001"), D("0.001"), D(2), D(5)
    ),
}
MARKET = Market(INSTRUMENTS, BINANCE, "cd-")
ACT = Act("1-1", "subscription", 1, 1, "loss > 20 % of equity -> close", "close", ActState.FIRING, {}, NOW)
ROUNDS = 12

fates = st.sampled_from(["fill", "part", "nothing", "refuse", "lost", "unheard", "late", "unsent"])
sizes = st.decimals("-6", "6", places=5).filter(bool)


@dataclass
class Placed:
    """One order of the stop as rows know it, and as the exchange does."""

    order: StopOrder
    status: OrderStatus = OrderStatus.IN_FLIGHT
    cum_qty: Decimal = ZERO
    executed: Decimal = ZERO
    arrived: bool = False

    @property
    def moving(self) -> bool:
        return self.status not in TERMINAL


@dataclass
class Paper:
    """A book, what the exchange holds of it, and every order that a stop has made of it."""

    symbol: str
    start: Decimal
    placed: list[Placed] = field(default_factory=list)

    @property
    def held(self) -> Decimal:
        """Return what is really held."""
        return self._less(sum((one.executed for one in self.placed), ZERO))

    @property
    def booked(self) -> Decimal:
        return self._less(sum((one.cum_qty for one in self.placed), ZERO))

    def _less(self, qty: Decimal) -> Decimal:
        return self.start - qty if self.start > 0 else self.start + qty

    def next(self, px: Decimal | None) -> StopOrder | Remainder:
        """Make the order for what is held by the books and not being closed, as a stop does."""
        closing = sum((one.order.qty - one.cum_qty for one in self.placed if one.moving), ZERO)
        now = HeldNow(1, 1, D(1000), self.symbol, "net", self.booked, 5, px, closing, len(self.placed))
        return stop_order(1, now, MARKET)

    def send(self, order: StopOrder, fate: str) -> None:
        """Let the exchange do with an order what fate wants, and take its answer in."""
        one = Placed(order)
        self.placed.append(one)
        if fate in ("fill", "part", "unheard", "late", "nothing"):
            one.arrived = True
            share = {"part": D("0.5"), "nothing": ZERO}.get(fate, D(1))
            step = INSTRUMENTS[self.symbol].qty_step
            one.executed = min(floor_to_step(order.qty * share, step), abs(self.held))
        self.hear(one, settlement_of(1, self.answer(one, fate), checks=0, unknown_wait_ms=3000, now=NOW, reduces=True))

    def answer(self, one: Placed, fate: str) -> Outcome:
        match fate:
            case "refuse":
                return Outcome(VenueRefused("no", code=Denial.VENUE_REFUSED), 0.0, 0.0)
            case "lost" | "unheard":
                return Outcome(OutcomeUnknown("no answer"), 0.0, None)
            case "unsent":
                return Outcome(Unavailable("not sent"), None, None)
            case "late":
                return Outcome(view(one, OrderStatus.ACCEPTED, ZERO), 0.0, 0.0)
        return Outcome(view(one, ended(one), one.executed), 0.0, 0.0)

    def hear(self, one: Placed, told: Settlement) -> None:
        one.status, one.cum_qty = told.status, max(one.cum_qty, told.cum_qty)

    def look(self) -> None:
        """Ask the exchange about what is open, as the lane does: that there is no such order is proof by then."""
        for one in self.placed:
            if one.moving and one.arrived:
                self.hear(one, settlement_of_view(1, view(one, ended(one), one.executed), now=NOW, looks=1))
            elif one.moving:
                one.status = OrderStatus.EXPIRED


def ended(one: Placed) -> OrderStatus:
    return OrderStatus.FILLED if one.executed == one.order.qty else OrderStatus.EXPIRED


def view(one: Placed, status: OrderStatus, cum_qty: Decimal) -> OrderView:
    order = one.order
    fills = (Fill("1", cum_qty, D(100), ZERO, "USDT", NOW),) if cum_qty else ()
    return OrderView(
        order.client_order_id, "1", order.symbol, order.side, status, order.qty, cum_qty, D(100), fills, NOW
    )


def closing_of(paper: Paper, left: Remainder | None) -> Closing:
    """Return what the risk role knows of the stop when it looks at its end."""
    book = HeldBook(paper.symbol, PositionSide.NET, paper.booked, ZERO, ZERO, 5)
    exposure = Exposure(1, 1, 1, "binance-lab:0", SubscriptionState.DISARMED, D(1000), (book,))
    return Closing(Key(1, 1), ACT, (exposure,), disarms=True, left=() if left is None else (left,))


@given(
    st.sampled_from([SPOT, PERPETUAL]),
    sizes,
    st.lists(fates, max_size=ROUNDS),
    st.sampled_from([None, D(100), D(60_000)]),
)
def test_a_fired_stop_leaves_the_book_flat_or_flagged_and_never_closes_more_than_is_held(
    symbol, start, story, px
) -> None:
    start = abs(start) if symbol == SPOT else floor_to_step(start, D("0.001")) or D("0.001")
    paper, left = Paper(symbol, start), None
    for fate in [*story, *["fill"] * ROUNDS]:
        found = paper.next(px)
        if isinstance(found, StopOrder):
            assert found.qty + sum((one.order.qty - one.cum_qty for one in paper.placed if one.moving), ZERO) <= abs(
                paper.booked
            )
            paper.send(found, fate)
        left = found if isinstance(found, Remainder) else None
        assert paper.held * start >= 0, "closed beyond flat"
        paper.look()
    closing, instrument = closing_of(paper, left), INSTRUMENTS[symbol]
    assert paper.held == paper.booked
    assert closing.flat
    if paper.held:
        assert left is not None and left.why is not None
        worth_least = px is None or abs(paper.held) * px < (instrument.notional_min or 0)
        assert abs(paper.held) < instrument.qty_min or worth_least


@given(sizes, st.lists(st.sampled_from(["lost", "refuse", "unsent", "nothing"]), min_size=1, max_size=ROUNDS))
def test_a_stop_that_gets_nothing_closed_is_given_up_with_everything_still_held(start, story) -> None:
    start = floor_to_step(start, D("0.001")) or D("0.001")
    paper = Paper(PERPETUAL, start)
    for fate in story:
        found = paper.next(D(60_000))
        assert isinstance(found, StopOrder)
        assert found.side is (Side.SELL if start > 0 else Side.BUY)
        paper.send(found, fate)
        paper.look()
    closing = closing_of(paper, None)
    closing.began_at -= timedelta(minutes=2).total_seconds()
    assert (paper.held, closing.flat, closing.given_up) == (start, False, True)


@given(sizes, st.integers(1, 8))
def test_every_order_of_a_stop_has_an_id_of_its_own(start, refusals) -> None:
    paper = Paper(PERPETUAL, floor_to_step(start, D("0.001")) or D("0.001"))
    for _ in range(refusals):
        found = paper.next(D(60_000))
        assert isinstance(found, StopOrder)
        paper.send(found, "refuse")
    ids = [one.order.client_order_id for one in paper.placed]
    assert len(set(ids)) == len(ids)

"""What an order would cost, whom it would not reach, and what an exchange's answer makes of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from copydesk.kernel import OutcomeUnknown, Unavailable, VenueRefused
from copydesk.terminal import (
    AccountView,
    Ended,
    Follower,
    HandOrder,
    Held,
    HeldPosition,
    OpenOrder,
    OrderState,
    Planned,
    below_minimum,
    estimate_of,
)
from copydesk.terminal.estimate import needs_confirming
from copydesk.terminal.outcome import after_looking, after_sending
from copydesk.terminal.view import account_json, account_view
from copydesk.trading import (
    Denial,
    Fill,
    MarginMode,
    OrderStatus,
    OrderType,
    OrderView,
    PositionSide,
    Side,
    SizePolicy,
    SizingMode,
)
from copydesk.venues import Outcome
from test_tickets import PX, SPOT, SWAP, D

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MARKET = Planned("BTC/USDT:USDT", Side.BUY, OrderType.MARKET, D("0.1"))
BUY = Planned("BTC/USDT", Side.BUY, OrderType.LIMIT, D("0.1"), D(60000))


def hand(state: OrderState = OrderState.SENDING, **more: object) -> HandOrder:
    told = {"client_order_id": "cd-1", "sent_at": NOW} | more
    return HandOrder(1, 2, 3, BUY, state, NOW, **told)  # type: ignore[arg-type]


def view_of(status: OrderStatus, filled: str = "0") -> OrderView:
    cum, fills = D(filled), ()
    if cum:
        fills = (Fill("t", cum, D(60000), D("0.01"), "USDT", NOW),)
    return OrderView("cd-1", "9", "BTC/USDT", Side.BUY, status, D("0.1"), cum, D(60000) if cum else None, fills)


def test_a_perpetual_takes_its_margin_and_names_where_it_is_liquidated() -> None:
    told = estimate_of(MARKET, SWAP, px=PX, held=Held(10, MarginMode.ISOLATED, D(10_000)))
    assert (told.notional, told.margin, told.fee) == (D(6400), D(640), D("3.84"))
    assert told.liquidation_px is not None
    assert PX * D("0.90") < told.liquidation_px < PX * D("0.91")
    assert told.equity_ratio == D("0.64")
    short = estimate_of(MARKET._replace(side=Side.SELL), SWAP, px=PX, held=Held(10))
    assert short.liquidation_px is not None
    assert short.liquidation_px > PX


def test_what_is_not_known_is_not_guessed() -> None:
    assert estimate_of(MARKET, SWAP, px=None, held=Held()).notional is None
    unknown = estimate_of(MARKET, SWAP, px=PX, held=Held())
    assert (unknown.margin, unknown.liquidation_px, unknown.equity_ratio) == (None, None, None)
    assert estimate_of(MARKET, SWAP, px=PX, held=Held(1)).liquidation_px is None


def test_only_market_orders_that_open_much_are_asked_about() -> None:
    large = estimate_of(MARKET, SWAP, px=PX, held=Held(10, None, D(10_000)))
    small = estimate_of(MARKET, SWAP, px=PX, held=Held(10, None, D(100_000)))
    assert needs_confirming(MARKET, large, percent_max=25)
    assert not needs_confirming(MARKET, small, percent_max=25)
    assert needs_confirming(MARKET, estimate_of(MARKET, SWAP, px=PX, held=Held()), percent_max=25)
    assert not needs_confirming(MARKET._replace(reduce_only=True), large, percent_max=25)
    assert not needs_confirming(BUY, large, percent_max=25)


def test_followers_below_the_minimum_are_counted_by_how_they_copy() -> None:
    def follower(allocation: int, people: int, policy: SizePolicy = SizePolicy.SKIP, place: str = "x") -> Follower:
        return Follower(place, D(allocation), SizingMode.EQUITY_RATIO, None, policy, people)

    crowd = [follower(10, 9), follower(20, 5, SizePolicy.ROUND_UP), follower(1000, 298), follower(5, 1, place="y")]
    told = below_minimum(crowd, {"x": SPOT}, qty=D("0.01"), px=PX, equity=D(10_000))
    assert (told.below, told.skipped, told.whole, told.unknown) == (14, 9, 313, 1)
    assert told.least is not None
    enough = below_minimum(crowd[:3], {"x": SPOT}, qty=told.least * D("1.0001"), px=PX, equity=D(10_000))
    assert (enough.below, enough.least) == (0, None)


def test_an_answer_becomes_a_state() -> None:
    def after(result: object) -> tuple[OrderState, str | None]:
        outcome = Outcome(result, NOW.timestamp(), NOW.timestamp())  # type: ignore[arg-type]
        told = after_sending(hand(), outcome, now=NOW, unknown_wait_ms=5_000)
        return told.state, told.reason

    assert after(view_of(OrderStatus.ACCEPTED)) == (OrderState.OPEN, None)
    assert after(view_of(OrderStatus.FILLED, "0.1")) == (OrderState.FILLED, None)
    assert after(view_of(OrderStatus.EXPIRED)) == (OrderState.CANCELED, None)
    refused = VenueRefused("no money", code=Denial.INSUFFICIENT_BALANCE)
    assert after(refused) == (OrderState.REJECTED, Denial.INSUFFICIENT_BALANCE)
    assert after(Unavailable("no line")) == (OrderState.REJECTED, Ended.NOT_SENT)
    assert after(OutcomeUnknown("cut off")) == (OrderState.IN_FLIGHT, None)


def test_no_such_order_is_proof_only_after_a_while_and_nothing_is_sent_again() -> None:
    doubtful = hand(OrderState.IN_FLIGHT, proof_at=NOW + timedelta(seconds=5))
    early = after_looking(doubtful, None, now=NOW)
    assert (early.state, early.next_check_at) == (OrderState.IN_FLIGHT, doubtful.proof_at)
    late = after_looking(doubtful, None, now=NOW + timedelta(seconds=6))
    assert (late.state, late.reason, late.ended) == (OrderState.REJECTED, Denial.NEVER_ARRIVED, True)


def test_an_order_that_was_acknowledged_is_not_ended_by_silence() -> None:
    resting = hand(OrderState.OPEN, acked_at=NOW, venue_order_id="9", checks=7)
    assert after_looking(resting, None, now=NOW).state is OrderState.OPEN
    assert after_looking(resting, Unavailable("no line"), now=NOW).state is OrderState.OPEN
    part = after_looking(resting, view_of(OrderStatus.PARTIALLY_FILLED, "0.04"), now=NOW)
    assert (part.state, part.cum_qty, len(part.fills)) == (OrderState.OPEN, D("0.04"), 1)
    assert part.next_check_at == NOW + timedelta(seconds=5)


def test_what_was_seen_of_an_account_comes_back_as_it_was() -> None:
    position = HeldPosition(
        "BTC/USDT:USDT", D("-0.5"), PositionSide.NET, PX, None, 10, MarginMode.CROSS, D("-3.2"), None
    )
    order = OpenOrder("7", "BTC/USDT", Side.SELL, OrderType.STOP_LIMIT, D(1), D(0), PX, Decimal("63000.5"), True, 1)
    view = AccountView(NOW, "USDT", D("123.45"), {"USDT": D(7)}, (position,), {"BTC": D("0.1")}, (order,))
    assert account_view(account_json(view), NOW) == view

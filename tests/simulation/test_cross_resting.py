"""A trader's resting orders on one exchange, mirrored on all of them; the lab's journal is the truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import ROUND_DOWN, Decimal
from typing import Any

import pytest
from copydesk.stack import wait_until
from cross_cast import PRICES, VENUES, Cast
from cross_desk import CrossDesk, step_of
from cross_stage import CrossScript
from sqlalchemy import text

SCRIPT = CrossScript()
OVER = {"CANCELED", "EXPIRED", "REJECTED", "FILLED"}

_COPY_ORDERS = text("UPDATE subscription SET copies = 'orders'")
_LIVE = text("SELECT count(*) FROM resting_order WHERE state <> 'done'")
_STATES = text(
    "SELECT a.label, r.type, r.state, r.reason FROM resting_order r JOIN account a ON a.id = r.account_id "
    "WHERE r.leader_order_id = (SELECT max(id) FROM leader_order)"
)


@pytest.fixture(params=["okx", "bybit", "spot"])
def cast(desk: CrossDesk, request: pytest.FixtureRequest) -> Iterator[Cast]:
    """Each brand in turn, its followers copying orders, its prices where they were."""
    yield from copying_orders(desk, desk.casts[request.param])


@pytest.fixture(params=["okx", "bybit"])
def perpetual(desk: CrossDesk, request: pytest.FixtureRequest) -> Iterator[Cast]:
    """The brands that trade perpetuals; what a stop on spot sells is in the contract cards."""
    yield from copying_orders(desk, desk.casts[request.param])


def copying_orders(desk: CrossDesk, found: Cast) -> Iterator[Cast]:
    with desk.session(found) as session:
        session.execute(_COPY_ORDERS)
    for base, px in PRICES.items():
        desk.exchange.pin(f"{base}USDT", px)
    desk.restart("listener")
    assert wait_until(lambda: watched(desk, found), patience_s=30, poll_s=0.1), desk.where()
    yield found
    for base, px in PRICES.items():
        desk.exchange.pin(f"{base}USDT", px)


def watched(desk: CrossDesk, cast: Cast) -> bool:
    streams = desk.exchange.control.call("GET", "state")["exchanges"][cast.troupe.leads_on]["streams"]
    return cast.leader in streams


def place(cast: Cast, kind: str, side: str, qty: str, px: Decimal | None = None, **params: Any) -> str:
    """Place the leader's order, in base units, and return its id."""
    size = Decimal(str(cast.client.market(cast.troupe.symbol)["contractSize"] or 1))
    params |= {"marginMode": "cross"} if cast.troupe.perpetual else {}
    amount = float(Decimal(qty) / size)
    order = cast.client.create_order(cast.troupe.symbol, kind, side, amount, px and float(px), params)
    return str(order["id"])


def mark(cast: Cast, share: str) -> Decimal:
    """Return a price near the market's."""
    return PRICES[cast.troupe.base] * Decimal(share)


def resting(desk: CrossDesk, cast: Cast) -> dict[str, list[tuple[Decimal, Decimal]]]:
    """Return price and quantity of every follower's order that the journal shows and shows no end of."""
    accounts = {seat.account for seat in cast.seats}
    market = "perp" if cast.troupe.perpetual else "spot"
    known: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}
    for record in desk.exchange.records():
        if record["kind"] not in ("order", "execution") or record["account"] not in accounts:
            continue
        if record["market"] != market or "order_id" not in record:
            continue  # What was refused has no number.
        key = record["account"], str(record["order_id"])
        if record.get("order_status", record.get("status")) in OVER:
            known.pop(key, None)
        elif record["kind"] == "order":
            known[key] = Decimal(record["px"] or 0), Decimal(record["qty"])
    found: dict[str, list[tuple[Decimal, Decimal]]] = {}
    for (account, _), order in known.items():
        found.setdefault(account, []).append(order)
    return found


def await_resting(desk: CrossDesk, cast: Cast, px: Decimal, qty: str) -> None:
    """Wait until every follower has exactly one order, at this price and for its part, to its exchange's step."""
    seen: dict[str, list[tuple[Decimal, Decimal]]] = {}

    def so() -> bool:
        seen.clear()
        seen.update(resting(desk, cast))
        return all(fits(seat) for seat in cast.seats)

    def fits(seat: Any) -> bool:
        orders, step = seen.get(seat.account, []), step_of(cast, seat)
        of = (Decimal(qty) * seat.ratio / step).to_integral_value(ROUND_DOWN) * step
        return len(orders) == 1 and orders[0][0] == px and abs(orders[0][1] - of) <= step

    assert wait_until(so, patience_s=45, poll_s=0.3), (seen, states(desk, cast), desk.where())


def states(desk: CrossDesk, cast: Cast) -> list[tuple[Any, ...]]:
    with desk.session(cast) as session:
        return [tuple(row) for row in session.execute(_STATES)]


def await_done(desk: CrossDesk, cast: Cast) -> None:
    done = wait_until(lambda: desk.scalar(cast, _LIVE) == 0 and desk.settled(), patience_s=45, poll_s=0.2)
    assert done, (states(desk, cast), desk.where())


def test_an_order_is_placed_moved_and_canceled_on_every_exchange(desk: CrossDesk, cast: Cast) -> None:
    assert {seat.venue for seat in cast.seats} == set(VENUES)
    qty = "40" if cast.troupe.base == "SOL" else "4" if cast.troupe.base == "ETH" else "0.4"
    order = place(cast, "limit", "buy", qty, mark(cast, "0.9"))
    await_resting(desk, cast, mark(cast, "0.9"), qty)
    size = Decimal(str(cast.client.market(cast.troupe.symbol)["contractSize"] or 1))
    amount, px = float(Decimal(qty) / size), float(mark(cast, "0.88"))
    moved = cast.client.edit_order(order, cast.troupe.symbol, "limit", "buy", amount, px)
    await_resting(desk, cast, mark(cast, "0.88"), qty)
    cast.client.cancel_order(str(moved["id"]), cast.troupe.symbol)
    await_done(desk, cast)
    assert resting(desk, cast) == {}


def test_an_order_that_the_market_reaches_is_copied_once_everywhere(desk: CrossDesk, cast: Cast) -> None:
    qty, seq = "40" if cast.troupe.base == "SOL" else "4" if cast.troupe.base == "ETH" else "0.4", desk.exchange.now()
    place(cast, "limit", "buy", qty, mark(cast, "0.95"))
    await_resting(desk, cast, mark(cast, "0.95"), qty)
    desk.exchange.pin(f"{cast.troupe.base}USDT", mark(cast, "0.94"))
    await_done(desk, cast)
    desk.await_copied(cast, seq)
    seq = desk.exchange.now()
    cast.trade("sell", cast.free() if not cast.troupe.perpetual else qty)
    desk.await_copied(cast, seq)


def test_a_stop_of_the_trader_closes_everyone_once(desk: CrossDesk, perpetual: Cast) -> None:
    cast = perpetual
    qty, seq = "4" if cast.troupe.base == "ETH" else "0.4", desk.exchange.now()
    cast.trade("buy", qty)
    desk.await_copied(cast, seq)
    place(cast, "market", "sell", qty, None, stopLossPrice=float(mark(cast, "0.95")), reduceOnly=True)

    def waits() -> bool:
        return Counter(state for _, _, state, _ in states(desk, cast)) == {"resting": len(cast.seats)}

    assert wait_until(waits, patience_s=45, poll_s=0.3), (states(desk, cast), desk.where())
    desk.exchange.pin(f"{cast.troupe.base}USDT", mark(cast, "0.94"))
    await_done(desk, cast)
    assert wait_until(lambda: set(desk.held(cast).values()) == {Decimal(0)}, patience_s=30, poll_s=0.3), desk.where()
    assert wait_until(lambda: desk.misbooked(cast) == {}, patience_s=30, poll_s=0.3), desk.misbooked(cast)

"""A trader's resting orders are followed order by order; what the exchange's journal shows is the truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import ROUND_DOWN, Decimal

import ccxt
import pytest
from copydesk.stack import wait_until
from simulation_desk import Desk
from simulation_stage import PRICES, Script
from sqlalchemy import text

SCRIPT = Script(north=12, south=1, perpetuals=True)
PAIR, PERPETUAL = "BTC/USDT", "BTC/USDT:USDT"
STEPS = {PAIR: Decimal("0.00001"), PERPETUAL: Decimal("0.001")}
RTT_MS = 120
OVER = {"CANCELED", "EXPIRED", "REJECTED", "FILLED"}

_COPY_ORDERS = text("UPDATE subscription SET copies = 'orders'")
_LIVE = text("SELECT count(*) FROM resting_order WHERE state <> 'done'")
_BOOKS = text(
    "SELECT a.label, b.qty FROM book b JOIN subscription s ON s.id = b.subscription_id "
    "JOIN account a ON a.id = s.account_id WHERE b.symbol = :symbol"
)


@pytest.fixture
def orders(desk: Desk) -> Iterator[Desk]:
    """The desk, its first brand copying orders, its prices where they were."""
    with desk.session(desk.north) as session:
        session.execute(_COPY_ORDERS)
    for symbol, px in PRICES.items():
        desk.exchange.pin(symbol, px)
    streams = desk.exchange.control

    def watched() -> bool:
        return desk.north.leader in streams.call("GET", "state")["exchanges"]["binance"]["streams"]

    desk.roles.kill("listener")
    # The stream of the one that was killed is no sign of the new one.
    assert wait_until(lambda: not watched(), patience_s=20, poll_s=0.02), desk.where()
    desk.roles.start("listener")
    assert wait_until(watched, patience_s=20, poll_s=0.1), desk.where()
    yield desk


@pytest.fixture
def perpetual(desk: Desk) -> Iterator[ccxt.binance]:
    client = desk.exchange.perpetual_client(desk.north.leader_key, desk.north.client.secret)
    client.load_markets()
    yield client
    client.session.close()


def open_orders(desk: Desk, market: str = "spot") -> dict[str, list[tuple[Decimal, Decimal]]]:
    """Return price and quantity of every order of a follower that the journal shows and shows no end of."""
    known: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}
    for record in desk.exchange.records():
        of_order = record["kind"] in ("order", "execution") and record["market"] == market
        if not of_order or record["account"] not in desk.north.ratios:
            continue
        key = record["account"], str(record["order_id"])
        if record.get("order_status", record.get("status")) in OVER:
            known.pop(key, None)
        elif record["kind"] == "order":
            known[key] = Decimal(record["px"] or 0), Decimal(record["qty"])
    found: dict[str, list[tuple[Decimal, Decimal]]] = {}
    for (account, _), order in known.items():
        found.setdefault(account, []).append(order)
    return found


def part(desk: Desk, qty: str, symbol: str = PAIR) -> dict[str, Decimal]:
    step = STEPS[symbol]
    return {n: (Decimal(qty) * r / step).to_integral_value(ROUND_DOWN) * step for n, r in desk.north.ratios.items()}


def await_resting(desk: Desk, px: str, qty: str, *, symbol: str = PAIR) -> None:
    """Wait until every follower has exactly one order, at this price and for its part of this quantity."""
    market = "perp" if ":" in symbol else "spot"
    expected = part(desk, qty, symbol)
    seen: dict[str, list[tuple[Decimal, Decimal]]] = {}

    def so() -> bool:
        seen.clear()
        seen.update(open_orders(desk, market))
        return seen.keys() == expected.keys() and all(fits(seen[name], of) for name, of in expected.items())

    def fits(orders: list[tuple[Decimal, Decimal]], of: Decimal) -> bool:
        # Dust of an earlier position is counted: one step less.
        return len(orders) == 1 and orders[0][0] == Decimal(px) and abs(orders[0][1] - of) <= STEPS[symbol]

    assert wait_until(so, patience_s=40, poll_s=0.3), (seen, expected, desk.where())


def await_done(desk: Desk) -> None:
    def done() -> bool:
        with desk.session(desk.north) as session:
            return session.execute(_LIVE).scalar() == 0 and desk.settled()

    assert wait_until(done, patience_s=40, poll_s=0.2), desk.where()


def placed(desk: Desk, after_seq: int) -> Counter[str]:
    return Counter(record["account"] for record in desk.glance(desk.north, after_seq))


def books(desk: Desk, symbol: str) -> dict[str, Decimal]:
    with desk.session(desk.north) as session:
        return dict(session.execute(_BOOKS, {"symbol": symbol}).all())


def test_a_limit_order_is_placed_amended_and_canceled_with_the_traders(orders: Desk) -> None:
    leader = orders.north.client
    order = leader.create_order(PAIR, "limit", "buy", 0.2, 90_000)
    await_resting(orders, "90000", "0.2")
    moved = leader.cancel_order(order["id"], PAIR) and leader.create_order(PAIR, "limit", "buy", 0.1, 91_000)
    await_resting(orders, "91000", "0.1")
    leader.cancel_order(moved["id"], PAIR)
    await_done(orders)
    assert open_orders(orders) == {}


def test_an_order_that_is_filled_for_all_is_copied_once(orders: Desk) -> None:
    leader, seq = orders.north.client, orders.exchange.now()
    leader.create_order(PAIR, "limit", "buy", 0.2, 95_000)
    await_resting(orders, "95000", "0.2")
    orders.exchange.pin("BTCUSDT", Decimal(94_000))
    await_done(orders)
    orders.exchange.records()
    assert set(placed(orders, seq).values()) == {1}
    held, wanted = books(orders, PAIR), part(orders, "0.2")
    assert all(abs(held[name] - wanted[name] * Decimal("0.999")) <= STEPS[PAIR] for name in wanted), (held, wanted)
    orders.north.sell_all()
    assert wait_until(lambda: set(placed(orders, seq).values()) == {2}, patience_s=30, poll_s=0.2), orders.where()
    assert wait_until(orders.settled, patience_s=30, poll_s=0.2), orders.where()


def test_a_replicator_killed_while_it_places_orders_leaves_one_for_each(orders: Desk) -> None:
    leader, seq = orders.north.client, orders.exchange.now()
    orders.exchange.rtt(RTT_MS)
    order = leader.create_order(PAIR, "limit", "buy", 0.2, 90_000)
    orders.await_orders(orders.north, seq, 1)
    orders.roles.kill("replicator")
    orders.exchange.rtt(0)
    orders.roles.start("replicator")
    await_resting(orders, "90000", "0.2")
    assert set(placed(orders, seq).values()) == {1}
    leader.cancel_order(order["id"], PAIR)
    await_done(orders)
    assert open_orders(orders) == {}


@pytest.mark.parametrize("point", ["copies-stored", "each-send:5", "answered"])
def test_a_replicator_that_dies_at_a_step_of_placing_leaves_one_order_for_each(orders: Desk, point: str) -> None:
    leader, seq = orders.north.client, orders.exchange.now()
    orders.roles.kill("replicator")
    orders.roles.start("replicator", dies_at=point)
    order = leader.create_order(PAIR, "limit", "buy", 0.2, 90_000)
    orders.roles.await_end("replicator")
    orders.roles.start("replicator")
    await_resting(orders, "90000", "0.2")
    assert set(placed(orders, seq).values()) == {1}
    leader.cancel_order(order["id"], PAIR)
    await_done(orders)
    assert open_orders(orders) == {}


def test_a_listener_that_was_away_learns_of_orders_by_its_snapshot(orders: Desk) -> None:
    leader = orders.north.client
    gone = leader.create_order(PAIR, "limit", "buy", 0.2, 90_000)
    await_resting(orders, "90000", "0.2")
    orders.roles.kill("listener")
    leader.cancel_order(gone["id"], PAIR)
    kept = leader.create_order(PAIR, "limit", "buy", 0.1, 89_000)
    orders.roles.start("listener")
    await_resting(orders, "89000", "0.1")
    leader.cancel_order(kept["id"], PAIR)
    await_done(orders)


def test_a_perpetuals_limit_order_is_amended_in_place(orders: Desk, perpetual: ccxt.binance) -> None:
    seq = orders.exchange.now()
    order = perpetual.create_order(PERPETUAL, "limit", "buy", 0.4, 90_000)
    await_resting(orders, "90000", "0.4", symbol=PERPETUAL)
    perpetual.edit_order(order["id"], PERPETUAL, "limit", "buy", 0.6, 91_000)
    await_resting(orders, "91000", "0.6", symbol=PERPETUAL)
    assert set(placed(orders, seq).values()) == {1}
    perpetual.cancel_order(order["id"], PERPETUAL)
    await_done(orders)
    assert open_orders(orders, "perp") == {}


def test_a_stop_of_the_trader_closes_everyone_once(orders: Desk, perpetual: ccxt.binance) -> None:
    perpetual.create_order(PERPETUAL, "market", "buy", 0.6)
    wanted = part(orders, "0.6", PERPETUAL)

    def opened() -> bool:
        return all(orders.exchange.position(name) >= qty > 0 for name, qty in wanted.items())

    assert wait_until(opened, patience_s=30, poll_s=0.2), orders.where()
    stop = {"stopPrice": 95_000, "reduceOnly": True}
    perpetual.create_order(PERPETUAL, "market", "sell", 0.6, None, stop)

    def stopped() -> bool:
        with orders.session(orders.north) as session:
            states = session.execute(text("SELECT state FROM resting_order WHERE type = 'stop_market'")).scalars().all()
        return states == ["resting"] * len(wanted)

    assert wait_until(stopped, patience_s=30, poll_s=0.2), orders.where()
    orders.exchange.pin("BTCUSDT", Decimal(94_000))
    await_done(orders)

    def flat() -> bool:
        return all(orders.exchange.position(name) == 0 for name in wanted)

    assert wait_until(flat, patience_s=30, poll_s=0.2), orders.where()
    assert wait_until(lambda: set(books(orders, PERPETUAL).values()) == {0}, patience_s=30, poll_s=0.2)


def test_an_entry_that_waits_for_a_trigger_is_copied_once(orders: Desk, perpetual: ccxt.binance) -> None:
    seq = orders.exchange.now()
    perpetual.create_order(PERPETUAL, "limit", "buy", 0.4, 105_500, {"stopPrice": 105_000})
    wanted = part(orders, "0.4", PERPETUAL)

    def waits() -> bool:
        with orders.session(orders.north) as session:
            states = session.execute(text("SELECT state FROM resting_order WHERE type = 'stop_limit'")).scalars().all()
        return states == ["resting"] * len(wanted)

    assert wait_until(waits, patience_s=30, poll_s=0.2), orders.where()
    orders.exchange.pin("BTCUSDT", Decimal(105_100))

    def opened() -> bool:
        return all(orders.exchange.position(name) == qty for name, qty in wanted.items())

    assert wait_until(opened, patience_s=40, poll_s=0.3), orders.where()
    await_done(orders)
    assert opened() and books(orders, PERPETUAL) == wanted
    orders.exchange.records()
    assert set(placed(orders, seq).values()) == {1}, "nobody has opened twice"
    perpetual.create_order(PERPETUAL, "market", "sell", 0.4)
    assert wait_until(lambda: set(books(orders, PERPETUAL).values()) == {0}, patience_s=30, poll_s=0.2)

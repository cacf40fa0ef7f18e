"""Light mode: filled at the last price without a book, with money, positions, journal and recovery as true as ever."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from control_world import PERP, ControlWorld, control_world, submit
from copydesk.venues.lab import LISTINGS, read_journal
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.model import SELL, AccountEvent, BalanceUpdate, OrderUpdate, PositionUpdate
from lab_process import LabProcess

VENUES = tuple(LISTINGS)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[ControlWorld]:
    with control_world(tmp_path) as made:
        made.call("POST", "light")
        yield made


def last_px(exchange: Exchange, market: str = "spot") -> Decimal:
    engine = exchange.engine(market)
    symbol = next(i.venue_symbol for i in engine.instruments.values() if i.base == "BTC")
    return engine.ticker(symbol).last_px


def usdt(exchange: Exchange) -> Decimal:
    """Sum all money there is, positions at their entry cost counted against it."""
    purses = exchange.perp.purses
    seen = {id(purse): purse for purse in (*exchange.spot.account_table.values(), *purses.values())}
    costs = sum(leg.cost for market in exchange.perp.markets.values() for leg in market.legs.values())
    return sum((b.free + b.locked for p in seen.values() for a, b in p.balances.items() if a == "USDT"), -costs)


@pytest.mark.parametrize("venue", VENUES)
def test_spot_orders_of_any_size_fill_at_the_last_price_and_pay_their_fee(lab: ControlWorld, venue: str) -> None:
    exchange = lab.account("ada", venue, USDT="100000000")
    px = last_px(exchange)
    result = submit(exchange, "ada", "500", px="1")
    (fill,) = result.executions
    assert (fill.px, fill.qty) == (px, Decimal(500))
    free = {asset: pair[0] for asset, pair in exchange.spot.balances("ada").items()}
    assert free == {"USDT": 100_000_000 - 500 * px, "BTC": 500 - fill.fee}
    assert (result.order and result.order.status) == "FILLED"


def test_what_cannot_be_paid_is_refused(lab: ControlWorld) -> None:
    exchange = lab.account("ada", "okx", USDT="10")
    assert submit(exchange, "ada", "1").reject == "INSUFFICIENT_BALANCE"
    assert submit(exchange, "ada", "1", side=SELL).reject == "INSUFFICIENT_BALANCE"
    assert submit(exchange, "ada", "0").reject == "LOT_SIZE"
    assert submit(exchange, "nobody", "1").reject == "UNKNOWN_ACCOUNT"


@pytest.mark.parametrize("venue", VENUES)
def test_positions_are_opened_cut_and_closed_and_no_money_is_made(lab: ControlWorld, venue: str) -> None:
    exchange = lab.account("ada", venue)
    lab.call("POST", "deposits", account="ada", asset="USDT", qty="1000000", wallet="futures")
    before = usdt(exchange)
    submit(exchange, "ada", "2", market=PERP)
    lab.call("POST", "marks", symbol="BTCUSDT", px="101000")
    cut = submit(exchange, "ada", "0.5", market=PERP, side=SELL)
    assert [p.qty for p in exchange.perp.positions("ada")] == [Decimal("1.5")]
    assert cut.executions[0].realized > 0
    closed = submit(exchange, "ada", "9", market=PERP, side=SELL, reduce_only=True)
    assert closed.executions[0].qty == Decimal("1.5")
    assert exchange.perp.positions("ada") == []
    assert submit(exchange, "ada", "1", market=PERP, side=SELL, reduce_only=True).reject == "REDUCE_ONLY"
    assert usdt(exchange) == before


def test_hedge_positions_stand_side_by_side(lab: ControlWorld) -> None:
    exchange = lab.account("ada", "okx")
    exchange.perp.set_position_mode("ada", True, 1)
    submit(exchange, "ada", "1", market=PERP, position_side="long")
    submit(exchange, "ada", "2", market=PERP, side=SELL, position_side="short")
    held = {p.position_side: p.qty for p in exchange.perp.positions("ada")}
    assert held == {"long": Decimal(1), "short": Decimal(-2)}


def test_listeners_hear_order_money_and_position(lab: ControlWorld) -> None:
    exchange, told = lab.account("ada", "bybit"), list[AccountEvent]()
    exchange.streams.listen("ada", told.append)
    submit(exchange, "ada", "1", market=PERP)
    assert [type(event) for event in told] == [OrderUpdate, OrderUpdate, BalanceUpdate, PositionUpdate]


def test_who_is_ruined_is_liquidated_as_always(lab: ControlWorld) -> None:
    exchange = lab.account("ada", "okx", USDT="6000")
    submit(exchange, "ada", "1", market=PERP)
    lab.call("POST", "marks", symbol="BTCUSDT", px="90000")
    assert exchange.perp.positions("ada") == []


@pytest.mark.parametrize("market", ["spot", PERP])
def test_the_journal_tells_the_same_of_an_order_whether_or_not_somebody_listens(
    lab: ControlWorld, tmp_path: Path, market: str
) -> None:
    """Who listens hears of acceptance and trade; of others both are told at once, and written down alike."""
    exchange = lab.account("ada", "okx", USDT="1000000")
    lab.call("POST", "deposits", account="ada", asset="USDT", qty="1000000", wallet="futures")
    first, heard = lab.world.journal.seq, list[AccountEvent]()
    unheard = submit(exchange, "ada", "0.5", market=market, client_order_id="one").events
    exchange.streams.listen("ada", heard.append)
    submit(exchange, "ada", "0.5", market=market, client_order_id="two")
    lab.world.journal.flush()
    records = [r for r in read_journal(tmp_path / "journal.jsonl", first) if r["kind"] in ("order", "execution")]
    of_one, of_two = ([r for r in records if r["client_order_id"] == name] for name in ("one", "two"))
    varying = {"seq", "at_ms", "order_id", "trade_id", "client_order_id"}
    assert [{k: r[k] for k in r.keys() - varying} for r in of_one] == [
        {k: r[k] for k in r.keys() - varying} for r in of_two
    ]
    assert [(r["kind"], r.get("change")) for r in of_one] == [("order", "NEW"), ("execution", None)]
    assert [r["seq"] for r in records] == list(range(first + 1, first + 5))
    assert [event.change for event in heard if isinstance(event, OrderUpdate)] == ["NEW", "TRADE"]
    assert [event.change for event in unheard if isinstance(event, OrderUpdate)] == ["FILLED"]


def test_matching_comes_back_when_light_mode_ends(lab: ControlWorld) -> None:
    exchange = lab.account("ada", "bitget")
    lab.call("POST", "light", light=False, venue="bitget")
    order = submit(exchange, "ada", "0.1", px="50000").order
    assert order is not None
    assert order.status == "NEW"


def test_what_was_answered_is_in_the_journal_of_a_killed_lab(tmp_path: Path) -> None:
    """Nothing waits for a timer: what the express lane and the ordinary way answer is written before."""
    process = LabProcess(tmp_path)
    process.start("--light", "--speed", "0")
    try:
        keys = process.open_account("ada", USDT="100000")
        for number in range(4):
            at_ms = int(time.time() * 1000)
            terms = f"symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01&newClientOrderId=o{number}&timestamp={at_ms}"
            body = f"{terms}&signature={keys.sign(terms)}"
            assert process.call("POST", "/api/v3/order", body, {"X-MBX-APIKEY": keys.api_key}).status == 200
        process.stop(kill=True)
    finally:
        process.stop()
    for kind in ("order", "execution", "request"):
        assert [r["client_order_id"] for r in process.journal(kind)][-4:] == ["o0", "o1", "o2", "o3"]


def test_wrong_quantities_and_names_in_use_are_refused(lab: ControlWorld) -> None:
    """A name is in use while its order is open, which only an order from before light mode can be."""
    exchange = lab.account("ada", USDT="1000000")
    assert submit(exchange, "ada", "0.0000001").reject == "LOT_SIZE"
    assert submit(exchange, "ada", "0.00001").reject == "MIN_NOTIONAL"
    assert submit(exchange, "ada", "9" * 20).reject == "LOT_SIZE"
    assert submit(exchange, "ada", "9" * 20, market=PERP).reject == "LOT_SIZE"
    assert submit(exchange, "ada", "0.00001", market=PERP).reject == "LOT_SIZE"
    lab.call("POST", "light", light=False)
    assert submit(exchange, "ada", "0.1", px="50000", client_order_id="mine").reject is None
    lab.call("POST", "light")
    assert submit(exchange, "ada", "0.1", client_order_id="mine").reject == "DUPLICATE_CLIENT_ORDER_ID"


def test_a_killed_lab_knows_its_light_orders_and_positions_again(tmp_path: Path) -> None:
    process = LabProcess(tmp_path)
    process.start("--light", "--speed", "0")
    try:
        keys = process.open_account("ada", permissions=("read", "trade", "perp"), USDT="100000")
        process.control("POST", "deposits", account="ada", asset="USDT", qty="100000", wallet="futures")
        terms = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.5"}
        for path in ("/api/v3/order", "/fapi/v1/order"):
            assert process.signed("POST", path, keys, terms).status == 200
        (before,) = process.control("GET", "accounts", account="ada")["accounts"]
        while len([r for r in read_journal(tmp_path / "data" / "journal.jsonl") if r["kind"] == "execution"]) < 2:
            pass
        process.stop(kill=True)
        process.start("--light", "--speed", "0")
        (after,) = process.control("GET", "accounts", account="ada")["accounts"]
    finally:
        process.stop()
    assert after["trading"] == before["trading"]
    assert [(p["symbol"], p["qty"], p["entry_px"]) for p in after["positions"]] == [
        (p["symbol"], p["qty"], p["entry_px"]) for p in before["positions"]
    ]
    assert after["futures"]["wallet"] == before["futures"]["wallet"]

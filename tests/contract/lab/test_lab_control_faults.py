"""Faults by name: what each puts in force, whom it hits, and that lifting it leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from control_world import PERP, ControlWorld, control_world, submit
from copydesk.venues.lab.faults import FIELDS, KINDS, SCOPE_FIELDS
from copydesk.venues.lab.model import SELL, AccountEvent, OrderUpdate

DOC = Path(__file__).parents[3] / "platform" / "docs" / "lab.md"


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[ControlWorld]:
    with control_world(tmp_path) as made:
        yield made


def heard(lab: ControlWorld, account: str, venue: str) -> list[str]:
    """Listen to an account and return the list in which its orders' ids and changes will appear."""
    told: list[str] = []

    def listen(event: AccountEvent) -> None:
        if isinstance(event, OrderUpdate):
            told.append(f"{event.order.client_order_id} {event.change}")

    lab.world.exchanges[venue].streams.listen(account, listen)
    return told


def test_every_fault_and_every_field_is_documented() -> None:
    page = DOC.read_text()
    assert [harm for harm in KINDS if f"`{harm}`" not in page] == []
    assert [name for name in FIELDS if f"`{name}`" not in page] == []


def test_kinds_are_listed_with_the_fields_they_take(lab: ControlWorld) -> None:
    rows = {row["harm"]: row for row in lab.call("GET", "faults/kinds")["kinds"]}
    assert list(rows) == [str(harm) for harm in KINDS]
    assert list(rows["gap"]["fields"]) == ["symbol", "percent"]
    assert set(SCOPE_FIELDS["request"]) < set(rows["delay"]["fields"])


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"harm": "delay"}, "delay_ms: expected a value, which delay needs, found none"),
        ({"harm": "delay", "delay_ms": -1}, "delay_ms: expected at least 0, found -1"),
        ({"harm": "status", "status": 42}, "status: expected at least 100, found 42"),
        ({"harm": "drop", "times": True}, "times: expected at most so many are hit; null: without end, found True"),
        ({"harm": "drop", "probability": 1.5}, "probability: expected at most 1, found 1.5"),
        ({"harm": "gap", "symbol": "BTCUSDT", "percent": -95}, "percent: expected at least -90, found -95"),
        ({"harm": "maintenance"}, "venue: expected a value, which maintenance needs, found none"),
        ({"harm": "expire_listen_keys", "venue": "x"}, "venue: expected one of "),
        ({"harm": "mute", "account": "nobody"}, "account: expected one of the lab's accounts, found 'nobody'"),
        ({"harm": "delist", "venue": "okx", "symbol": "DOGE"}, "symbol: expected one of "),
    ],
    ids=str,
)
def test_a_fault_that_cannot_be_is_refused_and_leaves_nothing(
    lab: ControlWorld, body: dict[str, Any], sentence: str
) -> None:
    status, said = lab.refusal("POST", "faults", **body)
    assert status in (404, 422)
    assert said.startswith(sentence)
    assert lab.call("GET", "faults") == {"faults": []}


def test_duplicated_events_are_told_twice_as_often_as_asked(lab: ControlWorld) -> None:
    exchange, told = lab.account("ada", "okx"), heard(lab, "ada", "okx")
    lab.call("POST", "faults", harm="duplicate", account="ada", times=1)
    submit(exchange, "ada", "0.01", client_order_id="a")
    submit(exchange, "ada", "0.01", client_order_id="b")
    assert told == ["a NEW", "a NEW", "a TRADE", "b NEW", "b TRADE"]


def test_reordered_events_change_places_with_the_next(lab: ControlWorld) -> None:
    exchange, told = lab.account("ada", "okx"), heard(lab, "ada", "okx")
    lab.call("POST", "faults", harm="reorder", account="ada", times=1)
    submit(exchange, "ada", "0.01", client_order_id="a")
    assert told == ["a TRADE", "a NEW"]


def test_an_event_held_back_is_told_when_the_fault_is_lifted(lab: ControlWorld) -> None:
    exchange, told = lab.account("ada", "okx"), heard(lab, "ada", "okx")
    order = submit(exchange, "ada", "0.01", client_order_id="a", px="50000").order
    fault = lab.call("POST", "faults", harm="reorder", account="ada")
    assert order is not None
    exchange.publish(exchange.spot.cancel("ada", order.symbol, order.order_id, now_ms=1).events[:1], 1)
    assert told == ["a NEW"]
    lab.call("DELETE", "faults", id=fault["id"])
    assert told == ["a NEW", "a CANCELED"]


def test_swallowed_events_of_one_account_are_lost_and_others_are_not(lab: ControlWorld) -> None:
    exchange = lab.account("ada", "okx")
    lab.account("eve", "okx")
    ada, eve = heard(lab, "ada", "okx"), heard(lab, "eve", "okx")
    lab.call("POST", "faults", harm="swallow", account="ada", times=2)
    for account in ("ada", "eve"):
        submit(exchange, account, "0.01", client_order_id="a")
    assert (ada[:1], eve) == ([], ["a NEW", "a TRADE"])


def test_a_muted_stream_speaks_again_when_all_faults_are_lifted(lab: ControlWorld) -> None:
    exchange, told = lab.account("ada", "bybit"), heard(lab, "ada", "bybit")
    lab.call("POST", "faults", harm="mute", venue="bybit")
    submit(exchange, "ada", "0.01", client_order_id="a")
    assert lab.call("DELETE", "faults") == {"cleared": 1}
    submit(exchange, "ada", "0.01", client_order_id="b")
    assert told == ["b NEW", "b TRADE"]
    assert lab.call("POST", "replay", account="ada", count=50)["replayed"] >= 4


def test_an_order_is_filled_in_as_many_parts_as_scripted(lab: ControlWorld) -> None:
    exchange = lab.account("ada", "binance")
    lab.call("POST", "faults", harm="partial_fill", venue="binance", parts=4, times=1)
    first, second = submit(exchange, "ada", "0.4"), submit(exchange, "ada", "0.01")
    assert [fill.qty for fill in first.executions] == [Decimal("0.1")] * 4
    assert len({fill.px for fill in first.executions}) == 4
    assert [fill.qty for fill in second.executions] == [Decimal("0.01")]


def test_a_book_that_gives_only_a_part_leaves_the_rest_of_a_limit_order_waiting_for_the_next_quotes(
    lab: ControlWorld,
) -> None:
    exchange = lab.account("ada", "bybit")
    lab.call("POST", "faults", harm="partial_fill", account="ada", ratio=0.25, times=1)
    order = submit(exchange, "ada", "0.4", market=PERP, px="100500").order
    assert order is not None
    assert (order.status, order.cum_qty) == ("PARTIALLY_FILLED", Decimal("0.1"))
    lab.world.tick()
    assert (order.status, order.cum_qty) == ("FILLED", Decimal("0.4"))


def test_an_order_that_takes_nothing_does_not_use_a_pattern_up(lab: ControlWorld) -> None:
    exchange = lab.account("ada", "binance")
    lab.call("POST", "faults", harm="partial_fill", ratio=0.5, times=1)
    submit(exchange, "ada", "0.1", px="90000")
    assert lab.call("GET", "faults")["faults"][0]["hits"] == 0


def test_cancel_only_refuses_opening_and_lets_reducing_through(lab: ControlWorld) -> None:
    exchange = lab.account("ada", "bybit")
    submit(exchange, "ada", "0.1", market=PERP)
    fault = lab.call("POST", "faults", harm="cancel_only", venue="bybit")
    assert submit(exchange, "ada", "0.1", market=PERP).reject == "MARKET_HALTED"
    assert submit(exchange, "ada", "0.1", market=PERP, side=SELL, reduce_only=True).reject is None
    lab.call("DELETE", "faults", id=fault["id"])
    assert submit(exchange, "ada", "0.1", market=PERP).reject is None


def test_two_faults_of_one_kind_are_over_when_both_are_lifted(lab: ControlWorld) -> None:
    first, second = (lab.call("POST", "faults", harm="maintenance", venue="bitget")["id"] for _ in range(2))
    lab.call("DELETE", "faults", id=first)
    assert lab.world.exchanges["bitget-uta"].maintenance
    lab.call("DELETE", "faults", id=second)
    assert not lab.world.exchanges["bitget-uta"].maintenance


def test_a_clock_offset_is_the_exchanges_own(lab: ControlWorld) -> None:
    okx, bybit = lab.world.exchanges["okx"], lab.world.exchanges["bybit"]
    lab.call("POST", "faults", harm="clock_offset", venue="okx", offset_ms=-40_000)
    assert -41_000 < okx.now_ms() - bybit.now_ms() < -39_000
    lab.call("DELETE", "faults")
    assert abs(okx.now_ms() - bybit.now_ms()) < 1_000


def test_a_gap_moves_pinned_and_following_prices_on_every_exchange_and_back(lab: ControlWorld) -> None:
    lab.call("POST", "marks", symbol="ETHUSDT")
    eth = Decimal(lab.best("okx", "ETH-USDT")[0][0])
    for symbol in ("BTCUSDT", "ETHUSDT"):
        lab.call("POST", "faults", harm="gap", symbol=symbol, percent=-10)
    assert Decimal(lab.best("binance", "BTCUSDT")[0][0]) < 90_000
    assert abs(Decimal(lab.best("okx", "ETH-USDT")[0][0]) / eth - Decimal("0.9")) < Decimal("0.001")
    lab.call("DELETE", "faults")
    assert abs(Decimal(lab.best("okx", "ETH-USDT")[0][0]) / eth - 1) < Decimal("0.001")
    assert Decimal(lab.best("binance", "BTCUSDT")[0][0]) > 99_000


def test_a_gap_liquidates_whom_it_ruins(lab: ControlWorld) -> None:
    exchange = lab.account("ada", "okx", USDT="11000")
    exchange.perp.set_leverage("ada", "BTC-USDT-SWAP", 20, 1)
    assert submit(exchange, "ada", "1", market=PERP).reject is None
    lab.call("POST", "faults", harm="gap", symbol="BTCUSDT", percent=-30)
    assert exchange.perp.positions("ada") == []
    assert exchange.perp.margin("ada").equity >= 0


def test_a_delisted_perpetual_is_closed_at_the_mark_and_gone_until_listed_again(lab: ControlWorld) -> None:
    exchange, told = lab.account("ada", "bybit"), heard(lab, "ada", "bybit")
    submit(exchange, "ada", "0.5", market=PERP, client_order_id="held")
    submit(exchange, "ada", "0.1", market=PERP, client_order_id="waiting", px="90000")
    fault = lab.call("POST", "faults", harm="delist", venue="bybit", market="perp", symbol="BTCUSDT")
    assert "waiting CANCELED" in told
    assert exchange.perp.positions("ada") == []
    assert "BTCUSDT" not in exchange.perp.instruments
    assert all(
        row["market"] == "spot"
        for row in lab.call("GET", "books")["books"]
        if row["symbol"] == "BTCUSDT" and row["venue"] == "bybit"
    )
    lab.world.tick()
    lab.call("DELETE", "faults", id=fault["id"])
    lab.world.tick()
    assert submit(exchange, "ada", "0.1", market=PERP).reject is None

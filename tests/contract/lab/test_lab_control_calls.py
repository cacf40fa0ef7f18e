"""The control API: accounts, wallets, time, prices, depth, the journal, and the table that tells of it all."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import orjson
import pytest
from control_world import PERP, ControlWorld, control_world, submit
from copydesk.venues.lab.control import CALLS
from copydesk.venues.lab.control.reader import MARK_EVERY, JournalReader
from copydesk.venues.lab.model import SELL

DOC = Path(__file__).parents[3] / "platform" / "docs" / "lab.md"


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[ControlWorld]:
    with control_world(tmp_path) as made:
        yield made


def test_every_call_is_documented() -> None:
    page = DOC.read_text()
    assert [f"{call.method} {call.path}" for call in CALLS if f"`{call.method} {call.path}`" not in page] == []


def test_the_table_of_calls_is_answered(lab: ControlWorld) -> None:
    told = [row["call"] for row in lab.call("GET", "calls")["calls"]]
    assert told == [f"{call.method} {call.path}" for call in CALLS]


@pytest.mark.parametrize("token", ["", "another"])
def test_without_the_token_nothing_is_told(lab: ControlWorld, token: str) -> None:
    assert lab.answer("GET", "/lab/v1/state", token=token).status == 401


def test_an_account_is_opened_funded_in_every_wallet_and_listed(lab: ControlWorld) -> None:
    lab.account("ada", "bitget", USDT="1000")
    lab.call("POST", "deposits", account="ada", asset="USDT", qty="200", wallet="futures")
    lab.call("POST", "deposits", account="ada", asset="USDT", qty="30", wallet="funding")
    lab.call("POST", "deposits", account="ada", asset="USDT", qty="-1", wallet="trading")
    (found,) = lab.call("GET", "accounts", venue="bitget")["accounts"]
    assert (found["account"], found["trading"]["USDT"], found["funding"]) == ("ada", ["999", "0"], {"USDT": "30"})
    assert found["futures"]["wallet"] == "200"


def test_an_accounts_position_is_listed(lab: ControlWorld) -> None:
    exchange = lab.account("ada", "okx")
    submit(exchange, "ada", "0.1", market=PERP)
    (found,) = lab.call("GET", "accounts", account="ada")["accounts"]
    (position,) = found["positions"]
    assert (position["symbol"], position["qty"]) == ("BTC-USDT-SWAP", "0.1")


def test_a_name_is_taken_in_the_whole_lab(lab: ControlWorld) -> None:
    lab.account("ada", "okx")
    assert lab.refusal("POST", "accounts", account="ada", venue="bybit") == (
        422,
        "account: account 'ada' exists already",
    )


def test_accounts_are_listed_in_pages(lab: ControlWorld) -> None:
    for number in range(5):
        lab.account(f"a{number}", "bybit")
    page = lab.call("GET", "accounts", venue="bybit", offset=2, limit=2)
    assert (page["total"], [row["account"] for row in page["accounts"]]) == (5, ["a2", "a3"])


def test_a_thinner_book_gives_less_and_a_deeper_one_more(lab: ControlWorld) -> None:
    usual = Decimal(lab.best("bybit", "BTCUSDT")[1][1])
    lab.call("POST", "depth", factor="0.1")
    thin = Decimal(lab.best("bybit", "BTCUSDT")[1][1])
    lab.call("POST", "depth", factor=10, venue="bybit")
    deep = Decimal(lab.best("bybit", "BTCUSDT")[1][1])
    assert thin < usual / 9 < usual * 9 < deep


def test_volatility_changes_how_far_prices_go_and_not_where_they_are(tmp_path: Path) -> None:
    with control_world(tmp_path) as lab:
        lab.call("POST", "marks", symbol="BTCUSDT")
        market, now_ms = lab.world.market, lab.world.market_ms()
        before, later = market.price("BTCUSDT", now_ms), market.price("BTCUSDT", now_ms + 3_600_000)
        lab.call("POST", "volatility", factor=5)
        stretched = market.price("BTCUSDT", now_ms + 3_600_000)
        assert market.price("BTCUSDT", now_ms) == before
        assert abs((stretched - before) / (later - before) - 5) < Decimal("0.01")
        lab.call("POST", "volatility", factor=0)
        assert market.price("BTCUSDT", now_ms + 3_600_000) == market.price("BTCUSDT", now_ms)


def test_a_halt_names_exchange_and_market(lab: ControlWorld) -> None:
    exchange = lab.account("ada", "okx")
    lab.call("POST", "halt", venue="okx", market="perp", symbol="BTC-USDT-SWAP")
    assert submit(exchange, "ada", "0.1", market=PERP).reject == "MARKET_HALTED"
    assert submit(exchange, "ada", "0.1").reject is None
    assert lab.call("GET", "market")["halted"] == [{"venue": "okx", "market": "perp", "symbol": "BTC-USDT-SWAP"}]
    lab.call("POST", "halt", venue="okx", market="perp", symbol="BTC-USDT-SWAP", halted=False)
    assert submit(exchange, "ada", "0.1", market=PERP).reject is None


def test_the_journal_is_read_from_its_end_by_filter_and_from_any_place(lab: ControlWorld) -> None:
    exchange = lab.account("ada", "okx", USDT="1000000", BTC="1")
    lab.account("eve", "bybit")
    submit(exchange, "ada", "0.1", client_order_id="one")
    submit(exchange, "ada", "0.1", client_order_id="two", side=SELL)
    last = lab.call("GET", "journal", limit=1, kind="execution")
    assert [r["client_order_id"] for r in last["records"]] == ["two"]
    opened = lab.call("GET", "journal", venue="bybit", kind="account")["records"]
    assert [r["account"] for r in opened] == ["eve"]
    seq = opened[0]["seq"]
    first = lab.call("GET", "journal", after=seq, limit=1, kind="order")
    assert [r["client_order_id"] for r in first["records"]] == ["one"]
    rest = lab.call("GET", "journal", after=first["next"], kind="order")
    assert "two" in {r["client_order_id"] for r in rest["records"]}


def test_a_get_may_bring_its_fields_in_the_query(lab: ControlWorld) -> None:
    answer = lab.answer("GET", "/lab/v1/journal", query="limit=2&kind=mark")
    assert [r["kind"] for r in orjson.loads(answer.body)["records"]] == ["mark", "mark"]


def test_a_long_journal_is_read_on_without_beginning_anew(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    total = MARK_EVERY * 3 + 7
    path.write_bytes(b"".join(orjson.dumps({"seq": n + 1, "kind": "mark"}) + b"\n" for n in range(total)))
    reader = JournalReader(path)
    assert [r["seq"] for r in reader.after(total - 2)] == [total - 1, total]
    with path.open("ab") as file:
        file.write(orjson.dumps({"seq": total + 1, "kind": "mark"}) + b"\n")
    assert [r["seq"] for r in reader.after(total)] == [total + 1]
    assert [r["seq"] for r in reader.after(MARK_EVERY)][:2] == [MARK_EVERY + 1, MARK_EVERY + 2]

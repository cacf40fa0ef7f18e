"""What the lab's Bybit sends, held against the exchange's v5 documentation: fields, types, signatures, ids."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import bybit_fields as documented
import orjson
import pytest
from copydesk.venues.lab.dialects.bybit import Bybit
from copydesk.venues.lab.dialects.bybit.ids import (
    link_number,
    link_text,
    order_id_number,
    order_id_text,
    trade_id_text,
)
from copydesk.venues.lab.dialects.bybit.limits import IpMeter, UserMeter
from copydesk.venues.lab.dialects.bybit.params import read_query
from copydesk.venues.lab.dialects.bybit.tags import Tag, tag_of
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.faults import FaultPlan
from copydesk.venues.lab.journal import Journal
from copydesk.venues.lab.keys import ApiKey, KeyRing
from copydesk.venues.lab.listings import LISTINGS
from copydesk.venues.lab.market import Market
from copydesk.venues.lab.model import PERP, SPOT
from copydesk.venues.lab.server import Request
from copydesk.venues.lab.world import MarketClock, World
from hypothesis import given
from hypothesis import strategies as st

NOW_MS = 1_750_000_000_000


class Desk:
    """One Bybit without a network: requests go straight to the dialect, at a fixed time."""

    def __init__(self, folder: Any) -> None:
        market = Market(seed=0)
        world = World(
            market=market,
            journal=Journal(folder / "journal.jsonl"),
            faults=FaultPlan(0),
            clock=MarketClock(market.start_ms + 2 * 86_400_000, NOW_MS, 1.0),
            clock_ms=lambda: float(NOW_MS),
        )
        self.exchange = Exchange(world, LISTINGS["bybit"], keys=KeyRing())
        world.exchanges["bybit"] = self.exchange
        world.pins["BTCUSDT"] = Decimal(100_000)
        world.tick()
        self.bybit = Bybit(self.exchange)
        self.exchange.create_account("desk", {"USDT": Decimal(10_000), "BTC": Decimal(1)})
        rights = ("read", "trade", "perp")
        self.key: ApiKey = self.exchange.keys.issue(self.bybit.key_texts(), "desk", rights, (), NOW_MS, None)

    def ask(self, method: str, path: str, query: str = "", body: bytes = b"", **headers: str) -> dict[str, Any]:
        window, payload = "5000", query.encode() or body
        signed = f"{NOW_MS}{self.key.api_key}{window}".encode() + payload
        sent = {
            "x-bapi-api-key": self.key.api_key,
            "x-bapi-timestamp": str(NOW_MS),
            "x-bapi-recv-window": window,
            "x-bapi-sign": hmac.new(self.key.secret.encode(), signed, hashlib.sha256).hexdigest(),
            **headers,
        }
        raw = {name.encode(): value.encode() for name, value in sent.items()}
        request = Request(method, path, query, raw, body, "192.0.2.1", True, time.monotonic())
        answer: dict[str, Any] = orjson.loads(self.bybit.answer(request, "192.0.2.1").body)
        return answer

    def get(self, path: str, query: str = "") -> Any:
        answer = self.ask("GET", path, query)
        assert answer["retCode"] == 0, answer
        return answer["result"]

    def post(self, path: str, **body: Any) -> Any:
        answer = self.ask("POST", path, body=orjson.dumps(body))
        assert answer["retCode"] == 0, answer
        return answer["result"]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = Desk(tmp_path_factory.mktemp("desk"))
    for category in ("linear", "spot"):
        made.post(
            "/v5/order/create",
            category=category,
            symbol="BTCUSDT",
            side="Buy",
            orderType="Market",
            qty="0.01",
            marketUnit="baseCoin",
        )
    yield made
    made.exchange.world.journal.close()


def assert_documented(told: dict[str, Any], fields: documented.Fields) -> None:
    """Every documented field is there, and of its type."""
    assert {name: type(told.get(name)) for name in fields} == fields


@pytest.mark.parametrize(
    ("path", "query", "fields"),
    [
        ("/v5/order/history", "category=linear", documented.LINEAR_ORDER),
        ("/v5/order/history", "category=spot", documented.SPOT_ORDER),
        ("/v5/execution/list", "category=linear", documented.LINEAR_EXECUTION),
        ("/v5/execution/list", "category=spot", documented.EXECUTION),
        ("/v5/position/list", "category=linear&symbol=BTCUSDT", documented.REST_POSITION),
        ("/v5/position/list", "category=linear&symbol=ETHUSDT", documented.REST_POSITION),
        ("/v5/account/wallet-balance", "accountType=UNIFIED", documented.WALLET),
        ("/v5/market/instruments-info", "category=linear", documented.LINEAR_INSTRUMENT),
        ("/v5/market/instruments-info", "category=spot", documented.SPOT_INSTRUMENT),
        ("/v5/market/tickers", "category=linear", documented.LINEAR_TICKER),
        ("/v5/market/tickers", "category=spot", documented.SPOT_TICKER),
        ("/v5/market/recent-trade", "category=linear&symbol=BTCUSDT", documented.TRADE),
    ],
)
def test_rows_have_every_documented_field(desk: Desk, path: str, query: str, fields: documented.Fields) -> None:
    assert_documented(desk.get(path, query)["list"][0], fields)


def test_spot_orders_lack_what_only_contracts_have(desk: Desk) -> None:
    (order,) = desk.get("/v5/order/history", "category=spot")["list"]

    assert not {"createType", "tpslMode", "lastPriceOnCreated"} & set(order)


def test_coins_and_keys_have_every_documented_field(desk: Desk) -> None:
    (wallet,) = desk.get("/v5/account/wallet-balance", "accountType=UNIFIED")["list"]
    told = desk.get("/v5/user/query-api")

    for coin in wallet["coin"]:
        assert_documented(coin, documented.COIN)
    assert_documented(told, documented.API_KEY)
    assert set(documented.PERMISSIONS) <= set(told["permissions"])


def test_every_answer_has_the_same_envelope(desk: Desk) -> None:
    good, bad = desk.ask("GET", "/v5/market/time"), desk.ask("GET", "/v5/market/tickers", "category=nothing")

    for answer in (good, bad):
        types = {name: type(value) for name, value in answer.items()}
        assert types == {"retCode": int, "retMsg": str, "result": dict, "retExtInfo": dict, "time": int}
    assert (good["retCode"], good["retMsg"]) == (0, "OK")


def test_the_key_probe_says_success_without_a_word(desk: Desk) -> None:
    assert desk.ask("GET", "/v5/user/query-api")["retMsg"] == ""


def test_the_signature_covers_time_key_window_and_payload_as_sent(desk: Desk) -> None:
    query = "category=linear&symbol=BTCUSDT"
    swapped = desk.ask("GET", "/v5/position/list", query, **{"x-bapi-recv-window": "5001"})
    other = desk.ask("GET", "/v5/position/list", query, **{"x-bapi-sign": "0" * 64})

    assert desk.ask("GET", "/v5/position/list", query)["retCode"] == 0
    assert (swapped["retCode"], other["retCode"]) == (10004, 10004)
    assert f"origin_string[{NOW_MS}{desk.key.api_key}5000{query}]" in other["retMsg"]


@pytest.mark.parametrize(
    ("offset_ms", "code"), [(-5001, 10002), (-5000, 10004), (0, 10004), (999, 10004), (1000, 10002)]
)
def test_a_timestamp_may_be_as_old_as_the_window_and_less_than_a_second_ahead(
    desk: Desk, offset_ms: int, code: int
) -> None:
    stamp = {"x-bapi-timestamp": str(NOW_MS + offset_ms), "x-bapi-sign": "0" * 64}

    assert desk.ask("GET", "/v5/account/info", **stamp)["retCode"] == code


@given(order_id=st.integers(1, 2**48), market=st.sampled_from([SPOT, PERP]))
def test_order_ids_are_read_back_and_belong_to_one_market(order_id: int, market: str) -> None:
    text = order_id_text(market, order_id)

    assert order_id_number(market, text) == order_id
    assert order_id_number(PERP if market == SPOT else SPOT, text) is None


@given(text=st.text(max_size=40))
def test_a_foreign_id_names_nothing(text: str) -> None:
    for market in (SPOT, PERP):
        number = order_id_number(market, text)
        assert number is None or order_id_text(market, number) == text


@given(first=st.integers(1, 2**39), second=st.integers(1, 2**39))
def test_ids_differ_where_numbers_do(first: int, second: int) -> None:
    for market in (SPOT, PERP):
        assert (order_id_text(market, first) == order_id_text(market, second)) == (first == second)
        assert (trade_id_text(market, first) == trade_id_text(market, second)) == (first == second)
        assert order_id_text(market, first) != trade_id_text(market, second)


def test_the_link_of_an_unnamed_order_leads_back_to_it() -> None:
    assert link_number(SPOT, link_text(SPOT, 7, "lab-7")) == 7
    assert link_text(PERP, 7, "lab-7") == ""
    assert link_text(PERP, 7, "lab-8") == "lab-8"


@given(st.lists(st.text(st.characters(blacklist_characters="|")), min_size=15, max_size=15))
def test_tags_are_read_back(parts: list[str]) -> None:
    tag = Tag(*parts)

    assert tag_of(tag.pack()) == tag


def test_a_query_is_read_as_the_exchange_reads_it() -> None:
    assert read_query("a=1&b=x%3A2%2C3&a=2&c=") == {"a": "2", "b": "x:2,3", "c": ""}
    assert read_query("") == {}


def test_an_address_is_shut_out_by_its_601st_request_in_five_seconds() -> None:
    meter = IpMeter()
    spread = [meter.allows("a", at_ms) for at_ms in range(0, 50_000, 10)]
    burst = [meter.allows("b", 1000) for _ in range(601)]

    assert all(spread)
    assert (burst.count(True), burst[-1]) == (600, False)
    assert [meter.allows("b", at_ms) for at_ms in (500_000, 600_999, 601_000)] == [False, False, True]


def test_a_users_window_rolls_on() -> None:
    meter = UserMeter()
    taken = [meter.take(("u", "/x"), 2, at_ms, window_ms=1000)[0] for at_ms in (0, 900, 950, 1000, 1001, 1900)]

    assert taken == [1, 1, 0, 1, 0, 1]
    assert meter.take(("u", "/x"), 2, 1950, window_ms=1000)[1].reset_ms == 2000

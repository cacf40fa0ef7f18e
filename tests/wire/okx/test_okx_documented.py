"""Payloads from OKX's own documents against what the lab takes and gives.

Source: okx.com/docs-v5: "REST Authentication", "WS / Login", "WS / Order book channel" (checksum), and the response
objects of "Place order", "Order details", "Positions", "Balance", "Account configuration", "Fills", "Instruments".
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import orjson
import pytest
from copydesk.venues.lab.dialects.okx import Okx, errors
from copydesk.venues.lab.dialects.okx.access import VERIFY, stamp_ms
from copydesk.venues.lab.dialects.okx.account import balance_view
from copydesk.venues.lab.dialects.okx.catalog import algo_text, order_text, read_id
from copydesk.venues.lab.dialects.okx.feeds import checksum
from copydesk.venues.lab.dialects.okx.fill_shapes import fill_view
from copydesk.venues.lab.dialects.okx.limits import Meters
from copydesk.venues.lab.dialects.okx.market import ticker_view
from copydesk.venues.lab.dialects.okx.params import decimal_in, read_query, text_of
from copydesk.venues.lab.dialects.okx.position_shapes import position_rows
from copydesk.venues.lab.dialects.okx.public import instrument_view
from copydesk.venues.lab.dialects.okx.shapes import order_event, order_view
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.faults import FaultPlan
from copydesk.venues.lab.journal import Journal
from copydesk.venues.lab.keys import ApiKey, KeyRing
from copydesk.venues.lab.listings import LISTINGS
from copydesk.venues.lab.market import Market
from copydesk.venues.lab.model import NewOrder, OrderUpdate, Reject
from copydesk.venues.lab.world import MarketClock, World

NOW_MS = 1_597_026_383_085


@pytest.fixture(scope="module")
def okx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Okx]:
    market = Market(seed=0)
    journal = Journal(tmp_path_factory.mktemp("okx") / "journal.jsonl")
    world = World(
        market=market,
        journal=journal,
        faults=FaultPlan(0),
        clock=MarketClock(market.start_ms + 86_400_000 * 2, NOW_MS, 1.0),
        clock_ms=lambda: float(NOW_MS),
    )
    world.exchanges["okx"] = Exchange(world, LISTINGS["okx"], keys=KeyRing())
    world.pins["BTCUSDT"] = Decimal(100_000)
    world.tick()
    dialect = Okx(world.exchanges["okx"])
    dialect.exchange.create_account("ada", {"USDT": Decimal(10_000)})
    for new in (
        NewOrder(
            "ada", "b15", "BTC-USDT-SWAP", "buy", "market", qty=Decimal("0.05"), market="perp", margin_mode="cross"
        ),
        NewOrder("ada", "", "BTC-USDT", "buy", "market", qty=Decimal("0.01")),
    ):
        assert dialect.exchange.submit(new, NOW_MS).reject is None
    yield dialect
    journal.close()


def words(text: str) -> set[str]:
    return set(text.split())


def test_what_is_signed_is_time_method_path_and_body() -> None:
    key = ApiKey("", "22582BD0CFF14C41EDBF1AB98506286D", "ada", frozenset({"read"}), frozenset(), 0, "pass")
    text = "2020-12-08T09:08:57.715ZGET/api/v5/account/balance?ccy=BTC"
    # Computed apart: echo -n "$text" | openssl dgst -sha256 -hmac "$secret" -binary | base64
    assert key.signs_base64(text.encode(), "HiZhvSfMtWJA3uUIVXV3a/bSXNPCWvYFXoGCVS8V4zY=")


def test_the_login_signs_seconds_and_a_fixed_path() -> None:
    assert b"1538054050" + VERIFY == b"1538054050GET/users/self/verify"


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("2020-12-08T09:08:57.715Z", 1_607_418_537_715.0),
        ("2020-12-08T09:08:57Z", 1_607_418_537_000.0),
        ("1607418537.715", 1_607_418_537_715.0),
    ],
)
def test_the_documented_timestamps_are_read(text: str, at_ms: float) -> None:
    assert stamp_ms(text) == pytest.approx(at_ms)


def test_the_checksum_takes_bids_and_asks_in_turn() -> None:
    bids = [["3366.1", "7", "0", "3"], ["3366", "6", "3", "4"]]
    asks = [["3366.8", "9", "10", "3"], ["3368", "8", "3", "4"]]
    # "3366.1:7:3366.8:9:3366:6:3368:8", the example of the documentation, as a signed CRC32.
    assert checksum(bids, asks) == -1_881_014_294
    assert -(2**31) <= checksum(bids[:1], asks) < 2**31


def test_a_shorter_side_leaves_the_longer_one_to_go_on() -> None:
    bids = [["3366.1", "7", "0", "3"]]
    asks = [["3366.8", "9", "10", "3"], ["3368", "8", "3", "4"], ["3372", "8", "3", "4"]]
    # The text is then "3366.1:7:3366.8:9:3368:8:3372:8".
    assert checksum(bids, asks) == 831_078_360


ORDER = words(
    "accFillSz algoClOrdId algoId attachAlgoClOrdId attachAlgoOrds avgPx cTime cancelSource cancelSourceReason "
    "category ccy clOrdId fee feeCcy fillPx fillSz fillTime instId instType isTpLimit lever linkedAlgoOrd ordId "
    "ordType pnl posSide px pxType pxUsd pxVol quickMgnType rebate rebateCcy reduceOnly side slOrdPx slTriggerPx "
    "slTriggerPxType source state stpId stpMode sz tag tdMode tgtCcy tpOrdPx tpTriggerPx tpTriggerPxType tradeId "
    "tradeQuoteCcy uTime"
)
PUSHED = words(
    "amendResult amendSource code execType fillFee fillFeeCcy fillFwdPx fillIdxPx fillMarkPx fillMarkVol "
    "fillNotionalUsd fillPnl fillPxUsd fillPxVol lastPx msg notionalUsd reqId"
)
FILL = words(
    "instType instId tradeId ordId clOrdId billId subType tag fillPx fillSz fillIdxPx fillPnl fillPxVol fillPxUsd "
    "fillMarkVol fillFwdPx fillMarkPx side posSide execType feeCcy fee feeRate ts fillTime tradeQuoteCcy"
)
POSITION = words(
    "adl availPos avgPx baseBal baseBorrowed baseInterest bePx bizRefId bizRefType cTime ccy clSpotInUseAmt "
    "closeOrderAlgo deltaBS deltaPA fee fundingFee gammaBS gammaPA hedgedPos idxPx imr instId instType interest last "
    "lever liab liabCcy liqPenalty liqPx margin markPx maxSpotInUseAmt mgnMode mgnRatio mmr nonSettleAvgPx notionalUsd "
    "optVal pTime pendingCloseOrdLiabVal pnl pos posCcy posId posSide quoteBal quoteBorrowed quoteInterest realizedPnl "
    "settledPnl spotInUseAmt spotInUseCcy thetaBS thetaPA tradeId uTime upl uplLastPx uplRatio uplRatioLastPx usdPx "
    "vegaBS vegaPA"
)
INSTRUMENT = words(
    "alias auctionEndTime baseCcy category contTdSwTime ctMult ctType ctVal ctValCcy expTime futureSettlement groupId "
    "instFamily instId instIdCode instType lever listTime lotSz maxIcebergSz maxLmtAmt maxLmtSz maxMktAmt maxMktSz "
    "maxStopSz maxTriggerSz maxTwapSz minSz openType optType quoteCcy ruleType settleCcy state stk tickSz "
    "tradeQuoteCcyList uly"
)
TICKER = words(
    "instType instId last lastSz askPx askSz bidPx bidSz open24h high24h low24h volCcy24h vol24h sodUtc0 sodUtc8 ts"
)


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for one in value.values():
            yield from leaves(one)
    elif isinstance(value, list):
        for one in value:
            yield from leaves(one)
    else:
        yield value


def test_orders_have_the_documented_fields_and_are_all_text(okx: Okx) -> None:
    (order,) = okx.exchange.perp.orders("ada", "BTC-USDT-SWAP")
    view = order_view(okx.desk, order)
    assert set(view) == ORDER
    assert all(isinstance(leaf, str) for leaf in leaves(view))
    assert (view["clOrdId"], view["sz"], view["state"], view["fee"]) == ("b15", "5", "filled", "-2.500125")


def test_pushed_orders_tell_the_fill_beside_the_order(okx: Okx) -> None:
    (order,) = okx.exchange.perp.orders("ada", "BTC-USDT-SWAP")
    fill = order.fills[0]
    event = OrderUpdate("ada", order, "TRADE", order.status, order.cum_qty, order.cum_quote, fill, NOW_MS)
    row = order_event(okx.desk, event)
    assert set(row) == (ORDER | PUSHED) - {"cancelSourceReason"}
    assert (row["fillSz"], row["fillPx"], row["execType"], row["tradeId"]) == ("5", "100005", "T", str(fill.trade_id))


def test_a_pushed_order_is_told_as_it_was_then(okx: Okx) -> None:
    (order,) = okx.exchange.perp.orders("ada", "BTC-USDT-SWAP")
    event = OrderUpdate("ada", order, "NEW", "NEW", Decimal(0), Decimal(0), None, NOW_MS)
    row = order_event(okx.desk, event)
    told = [row[name] for name in ("state", "accFillSz", "avgPx", "fee", "fillSz", "fillPx", "tradeId")]
    assert told == ["live", "0", "", "0", "0", "", ""]


def test_what_an_order_says_survives_a_snapshot(okx: Okx) -> None:
    state = orjson.loads(orjson.dumps(okx.exchange.snapshot()))
    again = Okx(Exchange(okx.exchange.world, LISTINGS["okx"], keys=KeyRing()))
    again.exchange.restore(state)
    for market, inst_id in (("perp", "BTC-USDT-SWAP"), ("spot", "BTC-USDT")):
        before, after = (
            [order_view(one.desk, order) for order in one.exchange.engine(market).orders("ada", inst_id)]
            for one in (okx, again)
        )
        assert before == after != []


def test_an_id_that_the_client_did_not_give_stays_empty(okx: Okx) -> None:
    (order,) = okx.exchange.spot.orders("ada", "BTC-USDT")
    assert order_view(okx.desk, order)["clOrdId"] == ""


def test_fills_and_positions_have_the_documented_fields(okx: Okx) -> None:
    (order,) = okx.exchange.perp.orders("ada", "BTC-USDT-SWAP")
    assert set(fill_view(okx.desk, order, order.fills[0])) == FILL
    (position,) = position_rows(okx.desk, "ada", {"BTC-USDT-SWAP"}, NOW_MS)
    assert set(position) == POSITION
    assert (position["pos"], position["imr"], position["notionalUsd"]) == ("5", "1666.6666666667", "5000")


def test_instruments_and_tickers_have_the_documented_fields(okx: Okx) -> None:
    for listed in okx.desk.catalog.all:
        assert set(instrument_view(okx.desk, listed)) == INSTRUMENT
        assert set(ticker_view(okx.desk, listed, NOW_MS)) == TICKER


def test_the_balance_adds_up(okx: Okx) -> None:
    balance = balance_view(okx.desk, "ada", None, NOW_MS)
    usdt = next(row for row in balance["details"] if row["ccy"] == "USDT")
    assert Decimal(usdt["eq"]) == Decimal(usdt["cashBal"]) + Decimal(usdt["upl"])
    assert Decimal(usdt["eq"]) == Decimal(usdt["availEq"]) + Decimal(usdt["frozenBal"])
    assert Decimal(balance["totalEq"]) == sum(Decimal(row["eqUsd"]) for row in balance["details"])


def test_every_refusal_of_the_engine_has_a_code() -> None:
    # Setting what is set already is no failure on this exchange.
    silent = {Reject.LEVERAGE_UNCHANGED, Reject.MARGIN_MODE_UNCHANGED, Reject.POSITION_MODE_UNCHANGED}
    assert set(Reject) - set(errors.REJECTS) == silent
    assert all(code.isdecimal() and len(code) == 5 and text for code, text in errors.REJECTS.values())


@pytest.mark.parametrize("market", ["spot", "perp"])
def test_ids_tell_market_and_kind(market: str) -> None:
    assert read_id(order_text(7, market), algo=False, name="ordId") == (7, market)
    assert read_id(algo_text(7, market), algo=True, name="algoId") == (7, market)
    assert read_id(order_text(7, market), algo=True, name="algoId") is None
    assert len({order_text(7, "spot"), order_text(7, "perp"), algo_text(7, "spot"), algo_text(7, "perp")}) == 4


@pytest.mark.parametrize("text", ["", "-1", "0", "1e5", "1,5", "nan", " 1", "0.000"])
def test_what_is_no_positive_decimal_is_refused(text: str) -> None:
    with pytest.raises(errors.ApiError) as refused:
        decimal_in("sz", text)
    assert (refused.value.code, refused.value.msg) == ("51000", "Parameter sz error")


def test_empty_parameters_count_as_not_sent() -> None:
    assert read_query("instType=SPOT&uly=&instId=BTC-USDT%2CETH-USDT") == {
        "instType": "SPOT",
        "instId": "BTC-USDT,ETH-USDT",
    }


@pytest.mark.parametrize(("value", "text"), [(True, "true"), (1, "1"), (0.001, "0.001"), (None, ""), ("x", "x")])
def test_numbers_and_booleans_are_read_as_written(value: Any, text: str) -> None:
    assert text_of({"sz": value}, "sz") == text


def test_a_window_ends_on_its_boundary() -> None:
    meters = Meters()
    assert [meters.take("a", 2, 2000, at) for at in (1000, 1500, 1999, 2000, 3999, 3999, 4000)] == [
        True,
        True,
        False,
        True,
        True,
        False,
        True,
    ]


def test_a_refused_batch_uses_nothing_up() -> None:
    meters = Meters()
    assert not meters.take("a", 10, 2000, 0, count=11)
    assert meters.take("a", 10, 2000, 0, count=10)

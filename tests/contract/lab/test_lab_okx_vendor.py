"""OKX through the exchange's own client, python-okx, which reads whole answers and sends empty parameters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest
from lab_thread import PX
from okx.Account import AccountAPI
from okx.Funding import FundingAPI
from okx.MarketData import MarketAPI
from okx.PublicData import PublicAPI
from okx.Trade import TradeAPI
from okx_lab import OkxLab

INST, SWAP = "BTC-USDT", "BTC-USDT-SWAP"
LIVE = "0"
# The vendor's client hands httpx its bodies under an old name.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


class Vendor(NamedTuple):
    trade: TradeAPI
    account: AccountAPI
    funding: FundingAPI
    market: MarketAPI
    public: PublicAPI


@pytest.fixture
def vendor(fresh_okx: OkxLab) -> Iterator[Vendor]:
    keys = fresh_okx.open_account()
    login: dict[str, Any] = {
        "api_key": keys.api_key,
        "api_secret_key": keys.secret,
        "passphrase": keys.passphrase,
        "flag": LIVE,
        "domain": fresh_okx.rest,
    }
    with ExitStack() as open_clients:
        private = [open_clients.enter_context(api(**login)) for api in (TradeAPI, AccountAPI, FundingAPI)]
        open_ones = [
            open_clients.enter_context(api(flag=LIVE, domain=fresh_okx.rest)) for api in (MarketAPI, PublicAPI)
        ]
        yield Vendor(*private, *open_ones)
    fresh_okx.pin(PX)


def data(answer: dict[str, Any]) -> list[Any]:
    assert (answer["code"], answer["msg"]) == ("0", ""), answer
    return answer["data"]


def test_the_market_is_read_without_a_key(vendor: Vendor) -> None:
    (ticker,) = data(vendor.market.get_ticker(SWAP))
    assert (ticker["instType"], ticker["bidPx"], ticker["askPx"]) == ("SWAP", "99995", "100005")
    (book,) = data(vendor.market.get_orderbook(INST, "3"))
    assert [len(book[side]) for side in ("bids", "asks")] == [3, 3]
    assert len(book["bids"][0]) == 4
    assert len(data(vendor.market.get_candlesticks(INST, bar="1H", limit="2"))[0]) == 9
    (swap,) = data(vendor.public.get_instruments("SWAP", instId=SWAP))
    assert (swap["ctVal"], swap["ctValCcy"], swap["settleCcy"], swap["lotSz"]) == ("0.01", "BTC", "USDT", "0.01")
    assert data(vendor.public.get_system_time())[0]["ts"].isdecimal()
    assert data(vendor.public.get_mark_price("SWAP", instId=SWAP))[0]["markPx"] == str(PX)


def test_a_spot_order_lives_and_dies(vendor: Vendor) -> None:
    placed = vendor.trade.place_order(INST, "cash", "buy", "limit", "0.01", px="90000", clOrdId="vendor1")
    (ack,) = data(placed)
    assert (ack["sCode"], ack["clOrdId"]) == ("0", "vendor1")
    assert placed["inTime"] <= placed["outTime"] and len(placed["inTime"]) == 16
    (order,) = data(vendor.trade.get_order(INST, clOrdId="vendor1"))
    assert (order["state"], order["px"], order["sz"], order["tdMode"], order["avgPx"]) == (
        "live",
        "90000",
        "0.01",
        "cash",
        "",
    )
    data(vendor.trade.amend_order(INST, ordId=ack["ordId"], newSz="0.02"))
    assert [row["sz"] for row in data(vendor.trade.get_order_list())] == ["0.02"]
    data(vendor.trade.cancel_order(INST, ordId=ack["ordId"]))
    assert data(vendor.trade.get_order_list()) == []
    assert data(vendor.trade.get_orders_history("SPOT"))[0]["state"] == "canceled"


def test_a_swap_position_is_opened_read_and_closed(vendor: Vendor) -> None:
    data(vendor.account.set_leverage("20", "cross", instId=SWAP))
    assert data(vendor.account.get_leverage("cross", instId=SWAP))[0]["lever"] == "20"
    data(vendor.trade.place_order(SWAP, "cross", "buy", "market", "2", reduceOnly="false"))
    (held,) = data(vendor.account.get_positions("SWAP"))
    assert (held["pos"], held["posSide"], held["mgnMode"], held["avgPx"], held["lever"]) == (
        "2",
        "net",
        "cross",
        "100005",
        "20",
    )
    (fill,) = data(vendor.trade.get_fills("SWAP"))
    assert (fill["fillSz"], fill["fillPx"], fill["fee"], fill["execType"]) == ("2", "100005", "-1.00005", "T")
    (balance,) = data(vendor.account.get_account_balance("USDT"))
    (usdt,) = balance["details"]
    assert (usdt["ccy"], usdt["imr"]) == ("USDT", "100")
    data(vendor.trade.close_positions(SWAP, "cross"))
    assert data(vendor.account.get_positions("SWAP")) == []


def test_a_batch_is_placed_and_canceled(vendor: Vendor) -> None:
    order = {"instId": SWAP, "tdMode": "cross", "side": "buy", "ordType": "post_only", "sz": "1", "px": "90000"}
    acks = data(vendor.trade.place_multiple_orders([order, {**order, "px": "91000"}]))
    assert [ack["sCode"] for ack in acks] == ["0", "0"]
    gone = data(vendor.trade.cancel_multiple_orders([{"instId": SWAP, "ordId": ack["ordId"]} for ack in acks]))
    assert [ack["ordId"] for ack in gone] == [ack["ordId"] for ack in acks]


def test_an_algo_order_fires(fresh_okx: OkxLab, vendor: Vendor) -> None:
    data(vendor.trade.place_order(SWAP, "cross", "buy", "market", "1"))
    placed = vendor.trade.place_algo_order(
        SWAP,
        "cross",
        "sell",
        "conditional",
        closeFraction="1",
        reduceOnly="true",
        slTriggerPx="98000",
        slOrdPx="-1",
        algoClOrdId="guard1",
    )
    algo_id = data(placed)[0]["algoId"]
    (listed,) = data(vendor.trade.order_algos_list("conditional"))
    assert (listed["algoId"], listed["algoClOrdId"], listed["closeFraction"], listed["sz"]) == (
        algo_id,
        "guard1",
        "1",
        "",
    )
    fresh_okx.pin(97_000)
    assert data(vendor.account.get_positions("SWAP")) == []
    (fired,) = data(vendor.trade.order_algos_history("conditional", state="effective"))
    assert (fired["algoId"], fired["state"], fired["actualSide"]) == (algo_id, "effective", "sl")


def test_money_moves_between_the_wallets(vendor: Vendor) -> None:
    (moved,) = data(vendor.funding.funds_transfer("USDT", "25", "18", "6"))
    assert (moved["amt"], moved["from"], moved["to"]) == ("25", "18", "6")
    assert data(vendor.funding.get_balances("USDT")) == [
        {"availBal": "25", "bal": "25", "ccy": "USDT", "frozenBal": "0"}
    ]
    assert data(vendor.funding.transfer_state(moved["transId"]))[0]["state"] == "success"
    assert {row["ccy"] for row in data(vendor.funding.get_currencies())} >= {"BTC", "USDT"}


def test_the_mode_of_positions_can_be_switched(vendor: Vendor) -> None:
    data(vendor.account.set_position_mode("long_short_mode"))
    assert data(vendor.account.get_account_config())[0]["posMode"] == "long_short_mode"
    data(vendor.trade.place_order(SWAP, "isolated", "sell", "market", "1", posSide="short"))
    (held,) = data(vendor.account.get_positions())
    assert (held["pos"], held["posSide"], held["mgnMode"]) == ("1", "short", "isolated")
    data(vendor.account.adjustment_margin(SWAP, "short", "add", "10"))
    (more,) = data(vendor.account.get_positions())
    assert float(more["margin"]) == pytest.approx(float(held["margin"]) + 10)


def test_sizes_and_fees_are_told(vendor: Vendor) -> None:
    (size,) = data(vendor.account.get_max_order_size(SWAP, "cross"))
    assert 29 < float(size["maxBuy"]) <= 30
    (fees,) = data(vendor.account.get_fee_rates("SWAP", uly="BTC-USDT"))
    assert (fees["makerU"], fees["takerU"]) == ("-0.0002", "-0.0005")

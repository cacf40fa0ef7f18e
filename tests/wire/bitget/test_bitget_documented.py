"""Payloads from Bitget's own documents against what the lab takes and gives.

Source: bitget.com/api-doc and bitget.com/docs: "Signature", "Check Sum", and the response samples of the endpoints
named below; the names of their fields are listed here, values differ.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple
from zlib import crc32

import orjson
import pytest
from copydesk.venues.lab.dialects.bitget import Bitget
from copydesk.venues.lab.dialects.bitget.channels import checksum
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.faults import FaultPlan
from copydesk.venues.lab.journal import Journal
from copydesk.venues.lab.keys import ApiKey, KeyRing
from copydesk.venues.lab.listings import LISTINGS
from copydesk.venues.lab.market import Market
from copydesk.venues.lab.server import Request
from copydesk.venues.lab.world import MarketClock, World

NOW_MS = 1_790_000_000_000
SCIENTIFIC = re.compile(r"-?[\d.]+[eE][+-]?\d+")
MIX = {"symbol": "BTCUSDT", "productType": "USDT-FUTURES", "marginMode": "crossed", "marginCoin": "USDT"}
UTA = {"category": "USDT-FUTURES", "symbol": "BTCUSDT"}


class Venue(NamedTuple):
    bitget: Bitget
    classic: ApiKey
    unified: ApiKey

    def send(self, method: str, target: str, body: Any = None, **headers: str) -> tuple[int, dict[str, Any]]:
        """Answer a request signed as documented; headers given replace those of the signature."""
        key = self.unified if "/v3/" in target else self.classic
        text = b"" if body is None else orjson.dumps(body)
        path, _, query = target.partition("?")
        signature = sign(key.secret, f"{NOW_MS}{method}{target}{text.decode()}")
        told = {
            "access-key": key.api_key,
            "access-sign": signature,
            "access-timestamp": str(NOW_MS),
            "access-passphrase": key.passphrase,
            **headers,
        }
        sent = {name.encode(): value.encode() for name, value in told.items()}
        answer = self.bitget.answer(
            Request(method, path, query, sent, text, "203.0.113.7", True, time.monotonic()), "203.0.113.7"
        )
        return answer.status, orjson.loads(answer.body)

    def data(self, method: str, target: str, body: Any = None) -> Any:
        status, answer = self.send(method, target, body)
        assert (status, answer["code"], answer["msg"]) == (200, "00000", "success"), answer
        return answer["data"]


def sign(secret: str, text: str) -> str:
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()).decode()


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Venue]:
    """Both kinds of account, each with trades, an open order and a plan."""
    market = Market(seed=0)
    journal = Journal(tmp_path_factory.mktemp("bitget") / "journal.jsonl")
    world = World(
        market=market,
        journal=journal,
        faults=FaultPlan(0),
        clock=MarketClock(market.start_ms + 86_400_000 * 2, NOW_MS, 1.0),
        clock_ms=lambda: float(NOW_MS),
    )
    classic, unified = (Exchange(world, LISTINGS[name], keys=KeyRing()) for name in ("bitget", "bitget-uta"))
    world.exchanges |= {"bitget": classic, "bitget-uta": unified}
    world.pins["BTCUSDT"] = Decimal(100_000)
    world.tick()
    bitget = Bitget(classic, unified)
    keys = []
    for exchange, account in ((classic, "ada"), (unified, "uma")):
        exchange.create_account(account, {"USDT": Decimal(100_000), "BTC": Decimal(1)})
        keys.append(exchange.keys.issue(bitget.key_texts(), account, ["read", "trade", "perp"], (), NOW_MS, None))
    classic.deposit("ada", "USDT", Decimal(10_000), "futures")
    opened = Venue(bitget, *keys)
    for target, order in ORDERS:
        opened.data("POST", target, order)
    yield opened
    journal.close()


SPOT_PLACE, MIX_PLACE, UTA_PLACE = (
    f"/api/{path}/place-order" for path in ("v2/spot/trade", "v2/mix/order", "v3/trade")
)
SPOT = {"symbol": "BTCUSDT", "side": "buy", "force": "gtc"}
ORDERS: list[tuple[str, dict[str, str]]] = [
    (SPOT_PLACE, {**SPOT, "orderType": "market", "size": "1000", "clientOid": "done"}),
    (SPOT_PLACE, {**SPOT, "orderType": "limit", "price": "90000", "size": "0.01"}),
    (MIX_PLACE, {**MIX, "side": "buy", "orderType": "market", "size": "0.05", "clientOid": "done"}),
    (MIX_PLACE, {**MIX, "side": "buy", "orderType": "limit", "price": "90000", "size": "0.05"}),
    (
        "/api/v2/mix/order/place-plan-order",
        {
            **MIX,
            "planType": "normal_plan",
            "side": "buy",
            "orderType": "market",
            "size": "0.01",
            "triggerPrice": "90000",
            "triggerType": "mark_price",
        },
    ),
    (UTA_PLACE, {**UTA, "category": "SPOT", "side": "buy", "orderType": "market", "qty": "100", "clientOid": "done"}),
    (UTA_PLACE, {**UTA, "side": "buy", "orderType": "market", "qty": "0.05"}),
    (UTA_PLACE, {**UTA, "side": "buy", "orderType": "limit", "qty": "0.05", "price": "90000"}),
    ("/api/v3/trade/place-strategy-order", {**UTA, "type": "tpsl", "stopLoss": "90000", "takeProfit": "110000"}),
]
FUTURES = "productType=USDT-FUTURES"
FIELDS = {
    "/api/v2/spot/public/symbols?symbol=BTCUSDT": (
        "symbol baseCoin quoteCoin minTradeAmount maxTradeAmount takerFeeRate makerFeeRate pricePrecision"
        " quantityPrecision quotePrecision minTradeUSDT status buyLimitPriceRatio sellLimitPriceRatio"
    ),
    "/api/v2/spot/market/tickers?symbol=BTCUSDT": (
        "symbol high24h open low24h lastPr quoteVolume baseVolume usdtVolume bidPr askPr bidSz askSz openUtc ts"
        " changeUtc24h change24h"
    ),
    "/api/v2/spot/account/info": "userId inviterId ips authorities parentId traderType channelCode channel regisTime",
    "/api/v2/spot/account/assets": "coin available frozen locked limitAvailable uTime",
    "/api/v2/spot/trade/orderInfo?clientOid=done": (
        "userId symbol orderId clientOid price size orderType side status priceAvg baseVolume quoteVolume"
        " enterPointSource feeDetail orderSource cTime uTime"
    ),
    "/api/v2/spot/trade/fills?symbol=BTCUSDT": (
        "userId symbol orderId tradeId orderType side priceAvg size amount feeDetail tradeScope cTime uTime"
    ),
    f"/api/v2/mix/market/contracts?{FUTURES}&symbol=BTCUSDT": (
        "symbol baseCoin quoteCoin buyLimitPriceRatio sellLimitPriceRatio feeRateUpRatio makerFeeRate takerFeeRate"
        " openCostUpRatio supportMarginCoins minTradeNum priceEndStep volumePlace pricePlace sizeMultiplier symbolType"
        " minTradeUSDT maxSymbolOrderNum maxProductOrderNum maxPositionNum symbolStatus offTime limitOpenTime"
        " deliveryTime deliveryStartTime launchTime fundInterval minLever maxLever posLimit maintainTime"
    ),
    f"/api/v2/mix/market/ticker?symbol=BTCUSDT&{FUTURES}": (
        "symbol lastPr askPr bidPr bidSz askSz high24h low24h ts change24h baseVolume quoteVolume usdtVolume openUtc"
        " changeUtc24h indexPrice fundingRate holdingAmount open24h markPrice"
    ),
    f"/api/v2/mix/account/account?symbol=BTCUSDT&{FUTURES}&marginCoin=USDT": (
        "marginCoin locked available crossedMaxAvailable isolatedMaxAvailable maxTransferOut accountEquity usdtEquity"
        " btcEquity crossedRiskRate crossedMarginLeverage isolatedLongLever isolatedShortLever marginMode posMode"
        " unrealizedPL coupon"
    ),
    f"/api/v2/mix/order/detail?symbol=BTCUSDT&{FUTURES}&clientOid=done": (
        "symbol size orderId clientOid baseVolume priceAvg fee price state side force totalProfits posSide marginCoin"
        " presetStopSurplusPrice presetStopLossPrice quoteVolume orderType leverage marginMode reduceOnly"
        " enterPointSource tradeSide posMode orderSource cTime uTime"
    ),
    f"/api/v2/mix/order/fills?{FUTURES}": (
        "tradeId symbol orderId price baseVolume feeDetail side quoteVolume profit enterPointSource tradeSide posMode"
        " tradeScope cTime"
    ),
    f"/api/v2/mix/position/all-position?{FUTURES}&marginCoin=USDT": (
        "marginCoin symbol holdSide openDelegateSize marginSize available locked total leverage achievedProfits"
        " openPriceAvg marginMode posMode unrealizedPL liquidationPrice keepMarginRate markPrice breakEvenPrice"
        " totalFee deductedFee marginRatio cTime"
    ),
    f"/api/v2/mix/order/orders-plan-pending?{FUTURES}&planType=normal_plan": (
        "planType symbol size orderId clientOid price callbackRatio triggerPrice triggerType planStatus side posSide"
        " marginCoin marginMode enterPointSource tradeSide posMode orderType orderSource cTime uTime"
        " stopSurplusTriggerPrice stopSurplusTriggerType stopLossTriggerPrice stopLossTriggerType"
    ),
    "/api/v3/account/info": "userId inviterId parentId channelCode channel ips permType permissions regisTime",
    "/api/v3/account/settings": "uid accountMode assetMode accountLevel holdMode stpMode symbolConfigList",
    "/api/v3/account/assets": (
        "accountEquity usdtEquity btcEquity unrealisedPnl usdtUnrealisedPnl btcUnrealizedPnl effEquity mmr imr mgnRatio"
        " positionMgnRatio assets"
    ),
    "/api/v3/trade/order-info?clientOid=done": (
        "orderId clientOid category symbol orderType side price qty amount cumExecQty cumExecValue avgPrice timeInForce"
        " orderStatus posSide holdMode reduceOnly marginMode stpMode feeDetail cancelReason createdTime updatedTime"
    ),
    "/api/v3/trade/fills?category=USDT-FUTURES": (
        "execId execLinkId orderId clientOid category symbol orderType side execPrice execQty execValue tradeScope"
        " tradeSide feeDetail createdTime updatedTime execPnl isRPI"
    ),
    "/api/v3/position/current-position?category=USDT-FUTURES": (
        "category symbol marginCoin holdMode posSide marginMode positionBalance available frozen total leverage"
        " curRealisedPnl avgPrice positionStatus unrealisedPnl liquidationPrice mmr profitRate markPrice breakEvenPrice"
        " totalFunding openFeeTotal closeFeeTotal createdTime updatedTime"
    ),
    "/api/v3/trade/unfilled-strategy-orders?category=USDT-FUTURES": (
        "orderId clientOid category symbol qty posSide status tpTriggerBy slTriggerBy takeProfit stopLoss tpOrderType"
        " slOrderType tpLimitPrice slLimitPrice triggerBy triggerPrice triggerOrderType triggerOrderPrice createdTime"
        " updatedTime"
    ),
}


def _rows(data: Any) -> list[dict[str, Any]]:
    """Return the objects of an answer: bare, in a list, or in the list of a page."""
    if isinstance(data, dict):
        page = next((data[name] for name in ("list", "entrustedList", "fillList") if name in data), None)
        return [data] if page is None else list(page)
    return list(data)


@pytest.mark.parametrize("target", FIELDS)
def test_an_answer_has_the_documented_fields_and_numbers_as_plain_texts(venue: Venue, target: str) -> None:
    rows = _rows(venue.data("GET", target))
    assert rows
    for row in rows:
        assert set(FIELDS[target].split()) - set(row) == set()
        assert not any(isinstance(value, float) for value in row.values())
        assert not [value for value in row.values() if isinstance(value, str) and SCIENTIFIC.fullmatch(value)]


def test_the_signature_is_over_time_method_path_query_and_body(venue: Venue) -> None:
    target = f"/api/v2/mix/market/ticker?symbol=BTCUSDT&{FUTURES}"
    text = f"{NOW_MS}GET/api/v2/spot/trade/fills?symbol=BTCUSDT"
    key = venue.classic
    assert venue.data("GET", "/api/v2/spot/trade/fills?symbol=BTCUSDT")
    wrong = {
        "without the query": sign(key.secret, text.partition("?")[0]),
        "method in lower case": sign(key.secret, text.replace("GET", "get")),
        "as hex": hmac.new(key.secret.encode(), text.encode(), hashlib.sha256).hexdigest(),
        "another's": sign("other", text),
    }
    for name, signature in wrong.items():
        status, answer = venue.send("GET", "/api/v2/spot/trade/fills?symbol=BTCUSDT", **{"access-sign": signature})
        assert (status, answer["code"], answer["msg"]) == (400, "40009", "sign signature error"), name
    assert venue.data("GET", target)


def test_a_query_may_be_signed_as_sent_or_unescaped(venue: Venue) -> None:
    escaped, plain = "clientOid=a%20b", "clientOid=a b"
    path = "/api/v2/spot/trade/orderInfo"
    for query in (escaped, plain):
        signature = sign(venue.classic.secret, f"{NOW_MS}GET{path}?{query}")
        _, answer = venue.send("GET", f"{path}?{escaped}", **{"access-sign": signature})
        assert answer["code"] != "40009"


def test_every_answer_has_the_documented_envelope(venue: Venue) -> None:
    status, good = venue.send("GET", "/api/v2/public/time")
    assert (status, list(good)) == (200, ["code", "msg", "requestTime", "data"])
    assert good["data"] == {"serverTime": str(NOW_MS)}
    status, bad = venue.send("GET", "/api/v2/mix/order/detail?symbol=BTCUSDT&" + FUTURES + "&orderId=1")
    assert (status, list(bad)) == (400, ["code", "msg", "requestTime", "data"])
    assert (bad["code"], bad["data"]) == ("40109", None)


def test_the_sum_of_a_book_joins_25_levels_of_both_sides_bid_first() -> None:
    bids = [["43231.1", "4"], ["43231", "6"]]
    asks = [["43232.8", "9"], ["43232.9", "7"], ["43233", "1"]]
    joined = "43231.1:4:43232.8:9:43231:6:43232.9:7:43233:1"
    value = crc32(joined.encode())
    assert checksum(asks, bids) == (value - 2**32 if value >= 2**31 else value)
    deep = [[str(px), "1"] for px in range(100, 140)]
    assert checksum(deep, bids) == checksum(deep[:25], bids)

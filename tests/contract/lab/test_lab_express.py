"""The express lane of light mode answers, journals and settles exactly as the ordinary way, and leaves it the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest
from copydesk.venues.lab.server import LOOK_LEN
from express_world import ACCOUNT, IP, NOW_MS, TOKEN, USUAL, TwinWorld, Written, order_bytes, twin_world

SPOT, UM = "/api/v3/order", "/fapi/v1/order"
OKX, OKX_BATCH = "/api/v5/trade/order", "/api/v5/trade/batch-orders"
BYBIT = "/v5/order/create"
BITGET_SPOT, BITGET_MIX = "/api/v2/spot/trade/place-order", "/api/v2/mix/order/place-order"


class Case(NamedTuple):
    """Orders of one kind, and the same words for all of them but what differs."""

    name: str
    venue: str
    path: str
    words: dict[str, Any]
    orders: tuple[dict[str, Any], ...]
    hedge: bool = False


BINANCE_BUY = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET"}
UM_BUY = {"symbol": "BTCUSDT", "side": "BUY", "positionSide": "BOTH", "type": "MARKET"}
SWAP = {"instId": "BTC-USDT-SWAP", "tdMode": "cross", "side": "buy", "ordType": "market"}
OKX_SPOT = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "market"}
LINEAR = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Market"}
BYBIT_SPOT = {"category": "spot", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Market"}
MIX = {
    "symbol": "BTCUSDT",
    "productType": "USDT-FUTURES",
    "marginMode": "crossed",
    "marginCoin": "USDT",
    "side": "buy",
    "orderType": "market",
}
BITGET = {"symbol": "BTCUSDT", "side": "buy", "orderType": "market", "force": "gtc"}

CASES = (
    Case(
        "spot market",
        "binance",
        SPOT,
        BINANCE_BUY,
        ({"quantity": "0.001"}, {"quantity": "0.5"}, {"side": "SELL", "quantity": "0.01"}),
    ),
    Case(
        "spot forms",
        "binance",
        SPOT,
        {**BINANCE_BUY, "quantity": "0.001"},
        tuple({"newOrderRespType": form} for form in ("ACK", "RESULT", "FULL")),
    ),
    Case("spot by money", "binance", SPOT, BINANCE_BUY, ({"quoteOrderQty": "100"}, {"quoteOrderQty": "250.5"})),
    Case(
        "spot limit",
        "binance",
        SPOT,
        {**BINANCE_BUY, "type": "LIMIT", "quantity": "0.01"},
        ({"timeInForce": "GTC", "price": "90000.00"}, {"timeInForce": "IOC", "price": "110000"}),
    ),
    Case(
        "spot maker", "binance", SPOT, {**BINANCE_BUY, "type": "LIMIT_MAKER"}, ({"quantity": "0.01", "price": "90000"},)
    ),
    Case(
        "um market",
        "binance",
        UM,
        UM_BUY,
        (
            {"quantity": "0.01"},
            {"quantity": "0.02", "newOrderRespType": "RESULT"},
            {"side": "SELL", "quantity": "0.05"},
        ),
    ),
    Case(
        "um limit",
        "binance",
        UM,
        {**UM_BUY, "type": "LIMIT", "quantity": "0.01", "price": "90000"},
        ({"timeInForce": "GTC"}, {"timeInForce": "GTX", "newOrderRespType": "RESULT"}),
    ),
    Case(
        "um reducing",
        "binance",
        UM,
        UM_BUY,
        (
            {"quantity": "0.05"},
            {"side": "SELL", "quantity": "0.02", "reduceOnly": "true"},
            {"side": "SELL", "quantity": "0.03", "reduceOnly": "true"},
        ),
    ),
    Case(
        "um hedged",
        "binance",
        UM,
        UM_BUY,
        (
            {"quantity": "0.05", "positionSide": "LONG"},
            {"quantity": "0.02", "side": "SELL", "positionSide": "SHORT"},
            {"quantity": "0.05", "side": "SELL", "positionSide": "LONG"},
        ),
        hedge=True,
    ),
    Case("swap", "okx", OKX, SWAP, ({"sz": "1"}, {"sz": "2.5", "tag": "desk1"}, {"side": "sell", "sz": "5"})),
    Case("swap batch", "okx", OKX_BATCH, SWAP, ({"sz": "1"}, {"sz": "1", "side": "sell"})),
    Case(
        "swap limit",
        "okx",
        OKX,
        {**SWAP, "ordType": "limit", "px": "90000"},
        ({"sz": "1"}, {"sz": "1", "ordType": "post_only"}, {"sz": "1", "ordType": "ioc", "px": "1"}),
    ),
    Case("swap reducing", "okx", OKX, SWAP, ({"sz": "3"}, {"side": "sell", "sz": "2", "reduceOnly": True})),
    Case(
        "swap hedged",
        "okx",
        OKX,
        SWAP,
        ({"sz": "3", "posSide": "long"}, {"side": "sell", "sz": "2", "posSide": "long"}),
        hedge=True,
    ),
    Case(
        "okx spot",
        "okx",
        OKX,
        OKX_SPOT,
        ({"sz": "100"}, {"sz": "0.01", "tgtCcy": "base_ccy"}, {"side": "sell", "sz": "0.01"}),
    ),
    Case(
        "linear",
        "bybit",
        BYBIT,
        LINEAR,
        ({"qty": "0.01"}, {"qty": "0.02", "side": "Sell"}, {"qty": "0.01", "positionIdx": 0}),
    ),
    Case(
        "linear limit",
        "bybit",
        BYBIT,
        {**LINEAR, "orderType": "Limit", "price": "90000"},
        ({"qty": "0.01"}, {"qty": "0.01", "timeInForce": "PostOnly"}),
    ),
    Case(
        "linear reducing",
        "bybit",
        BYBIT,
        LINEAR,
        ({"qty": "0.05"}, {"side": "Sell", "qty": "0.02", "reduceOnly": True}),
    ),
    Case(
        "bybit spot",
        "bybit",
        BYBIT,
        BYBIT_SPOT,
        ({"qty": "500"}, {"qty": "0.01", "marketUnit": "baseCoin"}, {"qty": "0.01", "side": "Sell"}),
    ),
    Case(
        "mix",
        "bitget",
        BITGET_MIX,
        MIX,
        ({"size": "0.01"}, {"size": "0.02", "side": "sell"}, {"size": "0.01", "force": "GTC"}),
    ),
    Case(
        "mix limit",
        "bitget",
        BITGET_MIX,
        {**MIX, "orderType": "limit", "price": "90000"},
        ({"size": "0.01", "force": "gtc"}, {"size": "0.01", "force": "post_only"}),
    ),
    Case(
        "mix reducing",
        "bitget",
        BITGET_MIX,
        MIX,
        ({"size": "0.05"}, {"side": "sell", "size": "0.02", "reduceOnly": "YES"}),
    ),
    Case(
        "mix hedged",
        "bitget",
        BITGET_MIX,
        MIX,
        ({"size": "0.05", "tradeSide": "open"}, {"size": "0.02", "tradeSide": "close"}),
        hedge=True,
    ),
    Case(
        "bitget spot",
        "bitget",
        BITGET_SPOT,
        BITGET,
        ({"size": "200"}, {"size": "0.01", "side": "sell"}, {"size": "0.01", "orderType": "limit", "price": "90000"}),
    ),
)
NAMES = {"binance": "newClientOrderId", "okx": "clOrdId", "bybit": "orderLinkId", "bitget": "clientOid"}
PLAIN = {case.venue: case for case in reversed(CASES)}


def raw_order(case: Case, number: int = 0, more: dict[str, Any] | None = None, written: Written = USUAL) -> bytes:
    """Write one order of a case."""
    fields: Any = {**case.words, NAMES[case.venue]: f"ord{number}", **case.orders[number], **(more or {})}
    return order_bytes(case.venue, case.path, [fields] if case.path == OKX_BATCH else fields, written)


def prepare(world: TwinWorld, case: Case, *, express: bool = True) -> None:
    """Set the position mode of a case, and place its orders once: the lane takes what comes again."""
    if case.hedge:
        world.exchange.publish(world.exchange.perp.set_position_mode(ACCOUNT, True, int(NOW_MS)).events, int(NOW_MS))
    for number in range(len(case.orders)):
        world.serve(raw_order(case, number, {NAMES[case.venue]: f"first{number}"}), express=express)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_answer_journal_and_state_are_those_of_the_ordinary_way(case: Case, tmp_path: Path) -> None:
    with twin_world(tmp_path / "a", case.venue) as quick, twin_world(tmp_path / "b", case.venue) as slow:
        prepare(quick, case)
        prepare(slow, case, express=False)
        for number in range(len(case.orders)):
            raw = raw_order(case, number)
            answer = quick.take(raw)
            assert answer
            assert answer == slow.serve(raw)
        assert quick.records() == slow.records()
        assert quick.state() == slow.state()


@pytest.mark.parametrize("venue", NAMES)
def test_the_lane_goes_on_with_a_moved_price(venue: str, tmp_path: Path) -> None:
    case = PLAIN[venue]
    with twin_world(tmp_path / "a", venue) as quick, twin_world(tmp_path / "b", venue) as slow:
        prepare(quick, case)
        prepare(slow, case, express=False)
        for number, px in enumerate((100_000, 101_000)):
            quick.pin(px)
            slow.pin(px)
            raw = raw_order(case, number)
            assert quick.take(raw) == slow.serve(raw) != b""
        assert quick.records() == slow.records()


def refused(world: TwinWorld, raw: bytes) -> bool:
    """Tell whether the lane leaves a request, and the world as it was."""
    before = world.records(), world.state()
    return world.take(raw) == b"" and (world.records(), world.state()) == before


@pytest.mark.parametrize("venue", NAMES)
def test_what_is_wrong_about_a_request_is_left_to_the_ordinary_way(venue: str, tmp_path: Path) -> None:
    case = PLAIN[venue]
    with twin_world(tmp_path, venue) as world:
        prepare(world, case)
        assert refused(world, raw_order(case, written=Written(spoilt=True)))
        assert refused(world, raw_order(case, written=Written(stamp_ms=NOW_MS - 60_000)))
        assert refused(world, raw_order(case, written=Written(stamp_ms=NOW_MS + 60_000)))
        assert refused(world, raw_order(case, written=Written(more="Connection: close\r\n")))
        assert refused(world, raw_order(case, written=Written(more="Transfer-Encoding: chunked\r\n")))
        assert refused(world, raw_order(case, written=Written(end="HTTP/1.0")))
        assert refused(world, raw_order(case, more={"unknownName": "1"}))
        assert refused(world, raw_order(case, more={NAMES[venue]: ""}))
        size = {"binance": "quantity", "okx": "sz", "bybit": "qty", "bitget": "size"}[venue]
        for wrong in ("0", "-1", "x", "", "1e3", "0.0000001", "9" * 20):
            assert refused(world, raw_order(case, more={size: wrong}))
        assert world.take(raw_order(case))
        assert refused(world, raw_order(case))


@pytest.mark.parametrize("venue", NAMES)
def test_a_key_without_the_right_or_bound_elsewhere_or_expired_is_left_to_the_ordinary_way(
    venue: str, tmp_path: Path
) -> None:
    case = PLAIN[venue]
    wrongs: tuple[dict[str, Any], ...] = ({"rights": ("read",)}, {"ips": ("203.0.113.1",)}, {"expires_ms": int(NOW_MS)})
    for number, wrong in enumerate(wrongs):
        with twin_world(tmp_path / str(number), venue, **wrong) as world:
            prepare(world, case)
            assert refused(world, raw_order(case))
    with twin_world(tmp_path / "right", venue, ips=(IP,)) as world:
        prepare(world, case)
        assert world.take(raw_order(case))


def test_a_key_that_changes_is_read_anew(tmp_path: Path) -> None:
    case = PLAIN["binance"]
    with twin_world(tmp_path, "binance") as world:
        prepare(world, case)
        assert world.take(raw_order(case, 0))
        key = next(iter(world.exchange.keys)).api_key
        world.exchange.keys.change(key, ("read",), ())
        assert refused(world, raw_order(case, 1))
        world.exchange.keys.change(key, ("read", "trade"), ())
        assert world.take(raw_order(case, 1))
        world.exchange.keys.revoke(key)
        assert refused(world, raw_order(case, 2))


@pytest.mark.parametrize("harm", ["delay", "status", "partial_fill", "maintenance", "cancel_only"])
@pytest.mark.parametrize("venue", NAMES)
def test_scripted_faults_take_the_ordinary_way(venue: str, harm: str, tmp_path: Path) -> None:
    with twin_world(tmp_path, venue) as world:
        prepare(world, PLAIN[venue])
        exchange = world.exchange
        if harm in ("delay", "status"):
            world.world.faults.add({"harm": harm, "venue": venue, **({"delay_ms": 5} if harm == "delay" else {})})
        elif harm == "partial_fill":
            exchange.fills.patterns.append(world.world.faults.add({"harm": harm}))
        else:
            setattr(exchange, harm, True)
        assert refused(world, raw_order(PLAIN[venue]))


def test_an_account_that_somebody_listens_to_and_a_matching_exchange_take_the_ordinary_way(tmp_path: Path) -> None:
    case, told = PLAIN["bybit"], list[Any]()
    with twin_world(tmp_path, "bybit") as world:
        prepare(world, case)
        world.exchange.streams.listen(ACCOUNT, told.append)
        assert refused(world, raw_order(case))
        assert b'"retCode":0' in world.serve(raw_order(case), express=True)
        assert len(told) == 4
    with twin_world(tmp_path / "matching", "bybit") as world:
        prepare(world, case)
        world.exchange.light = False
        assert refused(world, raw_order(case))


def test_a_full_meter_is_left_to_the_ordinary_way(tmp_path: Path) -> None:
    """Bybit takes ten orders a second of one account; both ways count on the same meters."""
    case = PLAIN["bybit"]
    with twin_world(tmp_path, "bybit") as world:
        prepare(world, case)
        for number in range(10 - len(case.orders)):
            assert world.take(raw_order(case, more={"orderLinkId": f"m{number}"}))
        assert refused(world, raw_order(case))
        assert b"10006" in world.serve(raw_order(case))


def test_an_address_named_with_the_token_counts_as_the_callers(tmp_path: Path) -> None:
    named = f"X-Lab-Token: {TOKEN}\r\nX-Forwarded-For: 203.0.113.7\r\n"
    case = PLAIN["okx"]
    with twin_world(tmp_path / "a", "okx", ips=("203.0.113.7",)) as world:
        world.serve(raw_order(case, more={"clOrdId": "first"}, written=Written(more=named)), express=True)
        assert refused(world, raw_order(case))
        assert refused(world, raw_order(case, written=Written(more="X-Forwarded-For: 203.0.113.7\r\n")))
        assert world.take(raw_order(case, written=Written(more=named)))
        assert world.records()[-1]["ip"] == "203.0.113.7"


def test_answers_keep_the_order_of_a_pipeline_of_both_ways(tmp_path: Path) -> None:
    case = PLAIN["binance"]
    asks = [raw_order(case, 0), raw_order(case, 1, {"unknownName": "1"}), raw_order(case, 2)]
    with twin_world(tmp_path, "binance") as world:
        prepare(world, case)
        sent = world.serve(b"".join(asks), raw_order(case, 1), express=True)
    statuses = [part[:3] for part in sent.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"400", b"200", b"200"]
    assert [part[:4] for part in sent.split(b'"clientOrderId":"')[1:]] == [b"ord0", b"ord2", b"ord1"]


def test_more_orders_than_one_look_takes_are_answered_in_their_order(tmp_path: Path) -> None:
    case = PLAIN["binance"]
    with twin_world(tmp_path, "binance") as world:
        prepare(world, case)
        names = [f"many{number}" for number in range(3 * LOOK_LEN)]
        sent = world.serve(*[raw_order(case, 0, {"newClientOrderId": name}) for name in names], express=True)
    assert [part.partition(b'"')[0].decode() for part in sent.split(b'"clientOrderId":"')[1:]] == names


def test_a_marked_header_without_a_value_is_left_to_the_ordinary_way(tmp_path: Path) -> None:
    """Doors are found by heads without what is marked, and such a head looks like one."""
    case = PLAIN["bybit"]
    with twin_world(tmp_path, "bybit") as world:
        prepare(world, case)
        raw = raw_order(case)
        sign = raw.split(b"X-BAPI-SIGN: ")[1].partition(b"\r")[0]
        stamp = raw.split(b"X-BAPI-TIMESTAMP: ")[1].partition(b"\r")[0]
        assert refused(world, raw.replace(b"SIGN: " + sign, b"SIGN: ").replace(b"STAMP: " + stamp, b"STAMP: "))


def test_a_body_may_come_after_its_head(tmp_path: Path) -> None:
    case = PLAIN["okx"]
    raw = raw_order(case)
    cut = raw.index(b"\r\n\r\n") + 4
    with twin_world(tmp_path / "a", "okx") as quick, twin_world(tmp_path / "b", "okx") as slow:
        prepare(quick, case)
        prepare(slow, case, express=False)
        assert quick.serve(raw[:cut], raw[cut : cut + 9], raw[cut + 9 :], express=True) == slow.serve(raw)
        early = raw_order(case, more={"clOrdId": "early"})
        assert quick.serve(early[:40], early[40:], express=True) == slow.serve(early)


@pytest.mark.parametrize("words", ["", "newClientOrderId=a&", "timestamp=1795000000123&", "newOrderRespType=FULLabc&"])
def test_a_form_without_client_id_or_time_is_left_to_the_ordinary_way(words: str, tmp_path: Path) -> None:
    """Places of parts that were learned from another form must not be taken for granted."""
    case = PLAIN["binance"]
    with twin_world(tmp_path, "binance") as world:
        prepare(world, case)
        raw = raw_order(case)
        head, _, body = raw.partition(b"\r\n\r\n")
        terms = f"{words}symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.001".encode()
        spoilt = terms + body[body.index(b"&signature=") :]
        length = f"Content-Length: {len(spoilt)}".encode()
        head = head.replace(f"Content-Length: {len(body)}".encode(), length)
        assert refused(world, head + b"\r\n\r\n" + spoilt)


@pytest.mark.parametrize(
    ("venue", "was", "spoilt"),
    [
        ("bybit", b"X-BAPI-RECV-WINDOW: 5000", b"X-BAPI-RECV-WINDOW: 5O00"),
        ("okx", b"OK-ACCESS-TIMESTAMP: 2026-", b"OK-ACCESS-TIMESTAMP: 2026-9"),
        ("okx", b"OK-ACCESS-TIMESTAMP: 2026-11", b"OK-ACCESS-TIMESTAMP: 2026-13"),
        ("bitget", b"ACCESS-TIMESTAMP: 17", b"ACCESS-TIMESTAMP: 1x"),
    ],
)
def test_nonsense_in_a_header_is_answered_by_the_ordinary_way(
    venue: str, was: bytes, spoilt: bytes, tmp_path: Path
) -> None:
    case = PLAIN[venue]
    with twin_world(tmp_path, venue) as world:
        prepare(world, case)
        raw = raw_order(case)
        assert was in raw
        assert refused(world, raw.replace(was, spoilt))
        assert world.serve(raw.replace(was, spoilt), express=True).startswith(b"HTTP/1.1 ")

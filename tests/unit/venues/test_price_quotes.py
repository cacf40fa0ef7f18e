"""Public price messages as the exchanges document them, and subscriptions within their limits."""

from __future__ import annotations

from decimal import Decimal

import orjson
import pytest
from copydesk.venues.binance import quotes as binance
from copydesk.venues.bitget import quotes as bitget
from copydesk.venues.bybit import quotes as bybit
from copydesk.venues.client.wire import MISREAD
from copydesk.venues.okx import quotes as okx
from copydesk.venues.quotes import Name, Part, Quote, Speech, price
from copydesk.venues.urls import VenueUrls

D = Decimal
BINANCE_SPOT, BINANCE_PERPETUAL = (part.speech for part in binance.PARTS)
(OKX,) = (part.speech for part in okx.PARTS)
BYBIT_SPOT, BYBIT_LINEAR = (part.speech for part in bybit.PARTS)
(BITGET,) = (part.speech for part in bitget.PARTS)
PARTS = {"binance": binance.PARTS, "okx": okx.PARTS, "bybit": bybit.PARTS, "bitget": bitget.PARTS}

# Speech, a message of the exchange's documentation (shortened where it goes on with what is not read), what it says.
DOCUMENTED: list[tuple[Speech, str, Quote]] = [
    (
        BINANCE_SPOT,
        '{"e":"24hrMiniTicker","E":1672515782136,"s":"BNBBTC","c":"0.0025","o":"0.0010","h":"0.0025","l":"0.0010",'
        '"v":"10000","q":"18"}',
        Quote(Name(False, "BNBBTC"), 1672515782136, px=D("0.0025")),
    ),
    (
        BINANCE_PERPETUAL,
        '{"e":"24hrMiniTicker","E":123456789,"s":"BTCUSDT","c":"0.0025","o":"0.0010","h":"0.0025","l":"0.0010",'
        '"v":"10000","q":"18"}',
        Quote(Name(True, "BTCUSDT"), 123456789, px=D("0.0025")),
    ),
    (
        BINANCE_PERPETUAL,
        '{"e":"markPriceUpdate","E":1562305380000,"s":"BTCUSDT","p":"11794.15000000","i":"11784.62659091",'
        '"P":"11784.25641265","r":"0.00038167","T":1562306400000}',
        Quote(Name(True, "BTCUSDT"), 1562305380000, mark=D("11794.15")),
    ),
    (
        OKX,
        '{"arg":{"channel":"tickers","instId":"BTC-USDT"},"data":[{"instType":"SPOT","instId":"BTC-USDT",'
        '"last":"9999.99","lastSz":"0.1","askPx":"9999.99","askSz":"11","bidPx":"8888.88","bidSz":"5",'
        '"open24h":"9000","high24h":"10000","low24h":"8888.88","volCcy24h":"2222","vol24h":"2222","sodUtc0":"2222",'
        '"sodUtc8":"2222","ts":"1597026383085"}]}',
        Quote(Name(False, "BTC-USDT"), 1597026383085, px=D("9999.99")),
    ),
    (
        OKX,
        '{"arg":{"channel":"mark-price","instId":"LTC-USD-SWAP"},"data":[{"instType":"SWAP","instId":"LTC-USD-SWAP",'
        '"markPx":"0.1","ts":"1597026383085"}]}',
        Quote(Name(True, "LTC-USD-SWAP"), 1597026383085, mark=D("0.1")),
    ),
    (
        BYBIT_SPOT,
        '{"topic":"tickers.BTCUSDT","ts":1673853746003,"type":"snapshot","cs":2588407389,"data":{"symbol":"BTCUSDT",'
        '"lastPrice":"21109.77","highPrice24h":"21426.99","lowPrice24h":"20575","prevPrice24h":"20704.93",'
        '"volume24h":"6780.866843","turnover24h":"141946527.22907118","price24hPcnt":"0.0196",'
        '"usdIndexPrice":"21120.2400136"}}',
        Quote(Name(False, "BTCUSDT"), 1673853746003, px=D("21109.77"), whole=True),
    ),
    (
        BYBIT_LINEAR,
        '{"topic":"tickers.BTCUSDT","type":"delta","data":{"symbol":"BTCUSDT","tickDirection":"PlusTick",'
        '"price24hPcnt":"0.017103","markPrice":"17217.33","fundingRate":"-0.000212"},"cs":24987956059,'
        '"ts":1673272861686}',
        Quote(Name(True, "BTCUSDT"), 1673272861686, mark=D("17217.33"), whole=True),
    ),
    (
        BITGET,
        '{"action":"snapshot","arg":{"instType":"SPOT","channel":"ticker","instId":"ETHUSDT"},"data":[{'
        '"instId":"ETHUSDT","lastPr":"2200.10","open24h":"0.00","high24h":"0.00","low24h":"0.00","change24h":"0.00",'
        '"bidPr":"1792","askPr":"2200.1","bidSz":"0.0084","askSz":"19740.8811","baseVolume":"0.0000",'
        '"quoteVolume":"0.0000","openUtc":"0.00","changeUtc24h":"0","ts":"1695702438018"}],"ts":1695702438029}',
        Quote(Name(False, "ETHUSDT"), 1695702438018, px=D("2200.1")),
    ),
    (
        BITGET,
        '{"action":"snapshot","arg":{"instType":"USDT-FUTURES","channel":"ticker","instId":"BTCUSDT"},"data":[{'
        '"instId":"BTCUSDT","lastPr":"27000.5","bidPr":"27000","askPr":"27000.5","bidSz":"2.71","askSz":"8.76",'
        '"open24h":"27000.5","high24h":"30668.5","low24h":"26999.0","change24h":"-0.00002","fundingRate":"0.000010",'
        '"nextFundingTime":"1695722400000","markPrice":"27000.0","indexPrice":"25702.4","holdingAmount":"929.502",'
        '"baseVolume":"368.900","quoteVolume":"10152429.961","openUtc":"27000.5","symbolType":1,"symbol":"BTCUSDT",'
        '"deliveryPrice":"0","ts":"1695715383021"}],"ts":1695715383039}',
        Quote(Name(True, "BTCUSDT"), 1695715383021, px=D("27000.5"), mark=D(27_000)),
    ),
]


@pytest.mark.parametrize(("speech", "message", "quote"), DOCUMENTED)
def test_a_documented_message_is_read(speech: Speech, message: str, quote: Quote) -> None:
    assert speech.read(message).quotes == (quote,)


@pytest.mark.parametrize(
    ("speech", "accepted", "refused"),
    [
        (
            BINANCE_SPOT,
            '{"result":null,"id":1}',
            '{"error":{"code":2,"msg":"Invalid request: invalid stream"},"id":1}',
        ),
        (
            OKX,
            '{"event":"subscribe","arg":{"channel":"tickers","instId":"LTC-USDT"},"connId":"a4d3ae55"}',
            '{"event":"error","code":"60018","msg":"Wrong URL or channel:tickers,instId:X doesn\'t exist.",'
            '"connId":"a4d3ae55"}',
        ),
        (
            BYBIT_LINEAR,
            '{"success":true,"ret_msg":"","conn_id":"2324d924","req_id":"10001","op":"subscribe"}',
            '{"success":false,"ret_msg":"error:handler not found,topic:tickers.X","conn_id":"2324d924","req_id":"",'
            '"op":"subscribe"}',
        ),
        (
            BITGET,
            '{"event":"subscribe","arg":{"instType":"SPOT","channel":"ticker","instId":"ETHUSDT"}}',
            '{"event":"error","arg":{"instType":"SPOT","channel":"ticker","instId":"X"},"code":30001,'
            '"msg":"instType:SPOT,channel:ticker,instId:X doesn\'t exist","op":"subscribe"}',
        ),
    ],
)
def test_answers_to_subscriptions_are_counted(speech: Speech, accepted: str, refused: str) -> None:
    assert (speech.read(accepted).accepted, speech.read(accepted).refused) == (1, "")
    assert speech.read(refused).accepted == 0
    assert speech.read(refused).refused


@pytest.mark.parametrize(
    ("speech", "message"),
    [
        (OKX, "pong"),
        (BITGET, "pong"),
        (BYBIT_SPOT, '{"success":true,"ret_msg":"pong","conn_id":"0970e817","op":"ping"}'),
        (BYBIT_LINEAR, '{"success":true,"ret_msg":"pong","conn_id":"36db0b81","req_id":"","op":"ping"}'),
        (BINANCE_SPOT, '{"e":"aggTrade","E":1672515782136,"s":"BNBBTC","p":"0.001"}'),
    ],
)
def test_what_is_no_price_is_passed_over(speech: Speech, message: str) -> None:
    assert speech.read(message) == ((), 0, "", None)


def test_announced_ends_end_the_connection() -> None:
    assert BINANCE_SPOT.read('{"e":"serverShutdown","E":1770123456789}').failure
    notice = '{"event":"notice","code":"64008","msg":"The connection will soon be closed","connId":"a4d3ae55"}'
    assert OKX.read(notice).failure


@pytest.mark.parametrize("speech", [BINANCE_SPOT, OKX, BYBIT_LINEAR, BITGET])
@pytest.mark.parametrize("message", ["", "[]", '{"topic":"tickers.A","arg":{},"e":"24hrMiniTicker"}', "\x00"])
def test_nonsense_is_a_misreading_and_nothing_else(speech: Speech, message: str) -> None:
    with pytest.raises(MISREAD):
        speech.read(message)


@pytest.mark.parametrize("text", ["", None, "0", "0.00000000"])
def test_an_instrument_that_was_never_traded_has_no_price(text: str | None) -> None:
    assert price(text) is None


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1,5"])
def test_no_number_is_no_price(text: str) -> None:
    with pytest.raises(MISREAD):
        price(text)


@pytest.mark.parametrize("part", [part for parts in PARTS.values() for part in parts], ids=lambda part: part.name)
def test_a_full_connection_stays_within_the_exchanges_limits(part: Part) -> None:
    names = [Name(part.perpetual is not False, f"N{number:04d}USDT") for number in range(part.symbols_max)]
    frames = [orjson.loads(frame) for frame in part.speech.frames(names)]
    asked = [one for frame in frames for one in frame.get("args") or frame["params"]]
    assert len(asked) == len({orjson.dumps(one) for one in asked}) <= 1_000
    assert len(frames) <= {"Binance": 5, "Bitget": 10}.get(part.name.split()[0], 20)
    assert all(len(frame) < 21_000 for frame in part.speech.frames(names))
    whole_frames = part.name.startswith(("Binance", "Bybit"))
    assert part.speech.answers(names) == (len(frames) if whole_frames else len(asked))
    if part.name == "Bybit spot prices":
        assert max(len(frame["args"]) for frame in frames) <= 10


@pytest.mark.parametrize("venue", PARTS)
def test_every_part_has_its_address(venue: str) -> None:
    for urls in (VenueUrls.live(venue), VenueUrls.lab(venue, "http://127.0.0.1:1", "ws://127.0.0.1:2")):
        assert all(urls.streams[part.stream] for part in PARTS[venue])

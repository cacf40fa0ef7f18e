"""Faults of the exchange and of the way to it: refused, cut, mute, answers lost, garbled or never meant."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

from copydesk.faults.links import Weather
from copydesk.faults.stage import REST
from copydesk.faults.strike import Strike

# "We do not know whether it happened" in each exchange's words, with the HTTP status that they come with
# (the shared study of unknown outcomes names the pages).
_UNKNOWN_WORDS: Mapping[str, tuple[int, str]] = {
    "binance": (
        408,
        '{"code":-1007,"msg":"Timeout waiting for response from backend server. Send status unknown; '
        'execution status unknown."}',
    ),
    "okx": (400, '{"code":"50004","msg":"API endpoint request timeout","data":[]}'),
    "bybit": (200, '{"retCode":10016,"retMsg":"Server error","result":{},"retExtInfo":{},"time":0}'),
    "bitget": (500, '{"code":"40725","msg":"service return an error","requestTime":0,"data":null}'),
}
# Exchanges that the brand "south" has followers on, but not its leader, who could not trade either.
AWAY = ("binance", "bybit", "bitget")


def refuse(strike: Strike) -> Iterator[None]:
    """Let nobody connect, and break every connection there is."""
    strike.stage.links.harm(REST, Weather(refuse=True), cut=True)
    yield
    strike.stage.links.heal()


def cut(strike: Strike) -> Iterator[None]:
    """Reset every connection at once; whoever dials again is served."""
    strike.stage.links.harm(REST, Weather(), cut=True)
    yield


def hold(strike: Strike) -> Iterator[None]:
    """Pass nothing on: both ends stay connected, and what was said arrives later than anybody waited."""
    strike.stage.links.harm(REST, Weather(hold=True))
    yield
    strike.stage.links.heal()


def deafen(strike: Strike) -> Iterator[None]:
    """Carry orders to the exchange, and none of its answers back."""
    strike.stage.links.harm(REST, Weather(deaf=True))
    yield
    strike.stage.links.heal()


def slow(strike: Strike) -> Iterator[None]:
    """Let every piece of every connection take its time."""
    strike.stage.links.harm(REST, Weather(delay_s=0.08))
    yield
    strike.stage.links.harm(REST, Weather())


def lose_answers(strike: Strike) -> Iterator[None]:
    """Carry some followers' orders out, and close the connection instead of answering."""
    strike.orders("execute_then_drop", strike.some())
    yield
    strike.struck = strike.hit()


def lose_orders(strike: Strike) -> Iterator[None]:
    """Close the connection instead of carrying some followers' orders out."""
    strike.orders("drop", strike.some())
    yield
    strike.struck = strike.hit()


def delay_answers(strike: Strike) -> Iterator[None]:
    """Answer some followers' orders late."""
    for one in strike.some():
        strike.orders("delay", [one], delay_ms=strike.rng.uniform(50, 900))
    yield
    strike.struck = strike.hit()


def gateway_errors(strike: Strike) -> Iterator[None]:
    """Answer 502 to 504 after the order was carried out, or instead of it."""
    for one in strike.some():
        status, executes = strike.rng.choice((502, 503, 504)), strike.rng.random() < 0.7
        strike.orders("status", [one], status=status, executes=executes, times=strike.rng.randint(1, 2))
    yield
    strike.struck = strike.hit()


def unknown_words(strike: Strike) -> Iterator[None]:
    """Say of some followers' orders that nobody knows what became of them, which is mostly that they were executed."""
    for one in strike.some():
        status, body = _UNKNOWN_WORDS[one.venue]
        strike.orders("status", [one], status=status, body=body, executes=strike.rng.random() < 0.7)
    yield
    strike.struck = strike.hit()


def garbage(strike: Strike) -> Iterator[None]:
    """Answer some followers' orders with what cannot be read."""
    bodies = ("", '{"orderId":1', "null", "[]", '{"retCode":0}')
    for one in strike.some():
        strike.orders("garbage", [one], body=strike.rng.choice(bodies), executes=strike.rng.random() < 0.7)
    yield
    strike.struck = strike.hit()


def all_doubts(strike: Strike) -> Iterator[None]:
    """Let several kinds of doubt befall different followers at once."""
    for one in strike.some(0.3, 0.6):
        harm = strike.rng.choice(("drop", "execute_then_drop", "garbage"))
        strike.orders(harm, [one], **({"executes": True} if harm == "garbage" else {}))
    yield
    strike.struck = strike.hit()


def too_many(strike: Strike) -> Iterator[None]:
    """Tell one follower's order that the address asks too much; it may ask again two seconds later."""
    _ban(strike, 429)
    yield
    strike.struck = strike.hit()


def banned(strike: Strike) -> Iterator[None]:
    """Shut the address out for a few seconds, as after many refusals."""
    _ban(strike, 418)
    yield
    strike.struck = strike.hit()


def _ban(strike: Strike, status: int) -> None:
    until_ms = int((time.time() + strike.rng.uniform(1.0, 3.0)) * 1000)
    body = f'{{"code":-1003,"msg":"Way too much request weight used; IP banned until {until_ms}."}}'
    crowd = [one for one in strike.cast.followers if one.venue == "binance"]
    strike.orders("status", [strike.rng.choice(crowd)], status=status, body=body)


def refuse_orders(strike: Strike) -> Iterator[None]:
    """Refuse many followers' orders at once with proof."""
    strike.refuse(strike.some(0.2, 0.9))
    yield
    strike.struck = strike.hit()


def fill_in_parts(strike: Strike) -> Iterator[None]:
    """Fill some followers' orders in several parts."""
    for one in strike.some():
        strike.rule("partial_fill", account=one.account, parts=strike.rng.randint(2, 5), ratio=1, times=2)
    yield
    strike.struck = strike.hit()


def fill_a_part(strike: Strike) -> Iterator[None]:
    """Give takers only a part of what they ask for; the rest of an open is not owed."""
    crowd = strike.some()
    strike.excused |= {one.account for one in crowd}
    for one in crowd:
        strike.rule("partial_fill", account=one.account, parts=1, ratio=strike.rng.uniform(0.2, 0.9), times=1)
    yield
    strike.struck = strike.hit()


def maintenance(strike: Strike) -> Iterator[None]:
    """Close one exchange to everybody."""
    strike.rule("maintenance", venue=strike.rng.choice(AWAY))
    yield


def cancel_only(strike: Strike) -> Iterator[None]:
    """Let one exchange take only what reduces."""
    venue = strike.rng.choice(AWAY)
    strike.excused |= {one.account for one in strike.cast.followers if one.venue == venue}
    strike.rule("cancel_only", venue=venue)
    yield


def clock_off(strike: Strike) -> Iterator[None]:
    """Put one exchange's clock ninety seconds or an hour off."""
    offset_ms = strike.rng.choice((-3_600_000, -90_000, 90_000))
    strike.rule("clock_offset", venue=strike.rng.choice(AWAY), offset_ms=offset_ms)
    yield


def absurd_price(strike: Strike) -> Iterator[None]:
    """Let the price jump far away and back."""
    strike.rule("gap", symbol="BTCUSDT", percent=strike.rng.choice((-60, 150)))
    yield

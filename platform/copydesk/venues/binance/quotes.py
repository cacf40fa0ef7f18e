"""Binance's public prices: `miniTicker` of both markets, and `markPrice@1s` of perpetuals on the `/market` address.

Source: binance-spot-api-docs, web-socket-streams.md (1,024 streams a connection, 5 messages a second to it, mini
tickers every second); developers.binance.com, USDⓈ-M futures, "Websocket Market Streams" (mini tickers every two
seconds, mark prices every second).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orjson import dumps, loads

from copydesk.kernel import Unavailable
from copydesk.venues.quotes import BTC_PERPETUAL, BTC_SPOT, SILENCE, Name, Part, Quote, Speech, Told, pieces, price

_STREAMS_PER_FRAME = 200
_SYMBOLS_MAX = 400


class BinanceSpeech(Speech):
    """Speak on one market's stream; `streams` are what is subscribed to of each instrument."""

    def __init__(self, *, perpetual: bool, streams: tuple[str, ...]) -> None:
        self._perpetual = perpetual
        self._streams = streams

    def frames(self, names: Sequence[Name]) -> list[str]:
        asked = [f"{name.text.lower()}@{stream}" for name in names for stream in self._streams]
        return [
            dumps({"method": "SUBSCRIBE", "params": params, "id": place}).decode()
            for place, params in enumerate(pieces(asked, _STREAMS_PER_FRAME), start=1)
        ]

    def answers(self, names: Sequence[Name]) -> int:
        return len(self.frames(names))

    def read(self, message: str) -> Told:
        said = loads(message)
        kind = said.get("e")
        if kind is None:
            return _answered(said)
        if kind == "24hrMiniTicker":
            return Told((Quote(self._named(said), said["E"], px=price(said["c"])),))
        if kind == "markPriceUpdate":
            return Told((Quote(self._named(said), said["E"], mark=price(said["p"])),))
        if kind == "serverShutdown":
            return Told(failure=Unavailable("Binance announces that it closes the connection"))
        return SILENCE

    def _named(self, said: Mapping[str, Any]) -> Name:
        return Name(self._perpetual, said["s"])


def _answered(said: Mapping[str, Any]) -> Told:
    if "error" in said or "code" in said:
        return Told(refused=dumps(said).decode())
    return Told(accepted=1) if "result" in said else SILENCE


PARTS = (
    Part(
        "Binance spot prices",
        "spot_market",
        BinanceSpeech(perpetual=False, streams=("miniTicker",)),
        False,
        _SYMBOLS_MAX,
        (BTC_SPOT,),
    ),
    Part(
        "Binance perpetual prices",
        "perpetual_market",
        BinanceSpeech(perpetual=True, streams=("miniTicker", "markPrice@1s")),
        True,
        _SYMBOLS_MAX,
        (BTC_PERPETUAL,),
    ),
)

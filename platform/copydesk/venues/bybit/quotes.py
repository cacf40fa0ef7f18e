"""Bybit's public prices: the topic `tickers` of spot and linear.

Source: Bybit v5 API: WebSocket Connect (heartbeat every 20 s; spot takes 10 topics a request, others 21,000
characters), Ticker (spot sends whole tickers; linear a snapshot, then what has changed, by which the rest has not).
"""

from __future__ import annotations

from collections.abc import Sequence

from orjson import dumps, loads

from copydesk.venues.quotes import BTC_PERPETUAL, BTC_SPOT, SILENCE, Name, Part, Quote, Speech, Told, pieces, price

_TOPIC = "tickers."
_SYMBOLS_MAX = 200
_SPOT_TOPICS_PER_FRAME, _LINEAR_TOPICS_PER_FRAME = 10, 100
_PING = '{"op":"ping"}'
_BEAT_EVERY_S = 18.0


class BybitSpeech(Speech):
    """Each request is accepted or refused as a whole; `data` has `markPrice` for perpetuals alone."""

    def __init__(self, *, perpetual: bool, topics_per_frame: int) -> None:
        self._perpetual = perpetual
        self._topics_per_frame = topics_per_frame

    def frames(self, names: Sequence[Name]) -> list[str]:
        topics = [_TOPIC + name.text for name in names]
        return [
            dumps({"op": "subscribe", "args": list(args)}).decode() for args in pieces(topics, self._topics_per_frame)
        ]

    def answers(self, names: Sequence[Name]) -> int:
        return len(self.frames(names))

    def read(self, message: str) -> Told:
        said = loads(message)
        topic = said.get("topic")
        if topic is None:
            if said.get("op") != "subscribe":
                return SILENCE
            return Told(accepted=1) if said["success"] else Told(refused=str(said["ret_msg"]))
        data = said["data"]
        return Told(
            (
                Quote(
                    Name(self._perpetual, data["symbol"]),
                    said["ts"],
                    px=price(data.get("lastPrice")),
                    mark=price(data.get("markPrice")),
                    whole=True,
                ),
            )
        )


def _part(name: str, stream: str, *, perpetual: bool, topics_per_frame: int) -> Part:
    speech = BybitSpeech(perpetual=perpetual, topics_per_frame=topics_per_frame)
    lively = (BTC_PERPETUAL,) if perpetual else (BTC_SPOT,)
    return Part(name, stream, speech, perpetual, _SYMBOLS_MAX, lively, _PING, _BEAT_EVERY_S)


PARTS = (
    _part("Bybit spot prices", "public_spot", perpetual=False, topics_per_frame=_SPOT_TOPICS_PER_FRAME),
    _part("Bybit perpetual prices", "public_linear", perpetual=True, topics_per_frame=_LINEAR_TOPICS_PER_FRAME),
)

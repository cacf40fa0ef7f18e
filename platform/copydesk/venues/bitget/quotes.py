"""Bitget's public prices: the channel `ticker` of spot and USDT futures on the classic (v2) public address.

Accounts of both generations share these prices.
Source: Bitget API v2: WebSocket "Introduction" (text ping every 30 s, 10 messages a second, 240 subscriptions an hour,
fewer than 1,000 channels), spot and futures "Market Channel" (about every 300 ms when something changes).
"""

from __future__ import annotations

from collections.abc import Sequence

from orjson import dumps, loads

from copydesk.venues.quotes import BTC_PERPETUAL, SILENCE, Name, Part, Quote, Speech, Told, price

_ARGS_PER_FRAME = 50
_SYMBOLS_MAX = 200
_SPOT, _PERPETUAL = "SPOT", "USDT-FUTURES"


class BitgetSpeech(Speech):
    """Every channel of an instrument is accepted or refused by a message of its own."""

    def frames(self, names: Sequence[Name]) -> list[str]:
        args = [
            {"instType": _PERPETUAL if name.perpetual else _SPOT, "channel": "ticker", "instId": name.text}
            for name in names
        ]
        return [
            dumps({"op": "subscribe", "args": args[start : start + _ARGS_PER_FRAME]}).decode()
            for start in range(0, len(args), _ARGS_PER_FRAME)
        ]

    def answers(self, names: Sequence[Name]) -> int:
        return len(names)

    def read(self, message: str) -> Told:
        if message == "pong":
            return SILENCE
        said = loads(message)
        event = said.get("event")
        if event == "subscribe":
            return Told(accepted=1)
        if event == "error":
            return Told(refused=f"{said['code']} {said['msg']}")
        if event is not None:
            return SILENCE
        perpetual = said["arg"]["instType"] == _PERPETUAL
        return Told(
            tuple(
                Quote(
                    Name(perpetual, row["instId"]),
                    int(row["ts"]),
                    px=price(row["lastPr"]),
                    mark=price(row.get("markPrice")),
                )
                for row in said["data"]
            )
        )


PARTS = (Part("Bitget prices", "public", BitgetSpeech(), None, _SYMBOLS_MAX, (BTC_PERPETUAL,), "ping", 25.0),)

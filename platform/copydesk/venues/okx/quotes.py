"""OKX's public prices: the channels `tickers` and `mark-price`.

Source: OKX API guide v5: WebSocket Subscribe (64 KB of channels a request, 480 requests an hour), Tickers channel
(every 100 ms when something changes), Mark price channel (every 200 ms when it changes, else every 10 s).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orjson import dumps, loads

from copydesk.kernel import Unavailable
from copydesk.venues.quotes import BTC_PERPETUAL, SILENCE, Name, Part, Quote, Speech, Told, price

_ARGS_PER_FRAME = 100
_SYMBOLS_MAX = 200
_SWAP = "-SWAP"
_TICKERS, _MARKS = "tickers", "mark-price"


class OkxSpeech(Speech):
    """Every channel of an instrument is accepted or refused by a message of its own."""

    def frames(self, names: Sequence[Name]) -> list[str]:
        args = _args(names)
        return [
            dumps({"op": "subscribe", "args": args[start : start + _ARGS_PER_FRAME]}).decode()
            for start in range(0, len(args), _ARGS_PER_FRAME)
        ]

    def answers(self, names: Sequence[Name]) -> int:
        return len(_args(names))

    def read(self, message: str) -> Told:
        if message == "pong":
            return SILENCE
        said = loads(message)
        event = said.get("event")
        if event is not None:
            return _answered(event, said)
        marks = said["arg"]["channel"] == _MARKS
        return Told(tuple(_quote(row, marks=marks) for row in said["data"]))


def _args(names: Sequence[Name]) -> list[dict[str, str]]:
    tickers = [{"channel": _TICKERS, "instId": name.text} for name in names]
    return tickers + [{"channel": _MARKS, "instId": name.text} for name in names if name.perpetual]


def _answered(event: str, said: Mapping[str, Any]) -> Told:
    if event == "subscribe":
        return Told(accepted=1)
    if event == "error":
        return Told(refused=f"{said['code']} {said['msg']}")
    if event == "notice":
        return Told(failure=Unavailable(f"OKX: {said.get('msg', 'the connection will be closed')}"))
    return SILENCE


def _quote(row: Mapping[str, Any], *, marks: bool) -> Quote:
    name = Name(row["instId"].endswith(_SWAP), row["instId"])
    if marks:
        return Quote(name, int(row["ts"]), mark=price(row["markPx"]))
    return Quote(name, int(row["ts"]), px=price(row["last"]))


PARTS = (Part("OKX prices", "public", OkxSpeech(), None, _SYMBOLS_MAX, (BTC_PERPETUAL,), "ping", 18.0),)

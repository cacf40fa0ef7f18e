"""A program that knows nothing of any lab: plain pybit with a key, streams and all. Run by test_lab_bybit_tls.py."""

from __future__ import annotations

import json
import queue
import sys
from typing import Any

from pybit.unified_trading import HTTP, WebSocket, WebSocketTrading

WAIT_S = 20
BTC = {"category": "linear", "symbol": "BTCUSDT"}


class Heard:
    """What a stream has told, by topic."""

    def __init__(self) -> None:
        self._told: queue.Queue[dict[str, Any]] = queue.Queue()

    def __call__(self, message: dict[str, Any]) -> None:
        self._told.put(message)

    def next(self) -> dict[str, Any]:
        return self._told.get(timeout=WAIT_S)


def main(login: dict[str, str]) -> dict[str, Any]:
    """Listen to everything, trade over REST and over the socket, and tell what was heard."""
    rest = HTTP(**login)
    public = WebSocket(testnet=False, channel_type="linear")
    private = WebSocket(testnet=False, channel_type="private", **login)
    trading = WebSocketTrading(testnet=False, **login)
    book, ticker, orders, fills, positions, wallets, placed = (Heard() for _ in range(7))
    public.orderbook_stream(50, "BTCUSDT", book)
    public.ticker_stream("BTCUSDT", ticker)
    private.order_stream(orders)
    private.execution_stream(fills)
    private.position_stream(positions)
    private.wallet_stream(wallets)
    best = book.next()["data"]["b"][0]
    last = ticker.next()["data"]["lastPrice"]
    market = rest.place_order(**BTC, side="Buy", orderType="Market", qty="0.01")["result"]["orderId"]
    filled = orders.next()["data"][0]
    trading.place_order(placed, **BTC, side="Buy", orderType="Limit", qty="0.01", price="50000")
    limit = placed.next()["data"]["orderId"]
    resting = orders.next()["data"][0]
    told = {
        "book": float(best[0]) > 0 and float(last) > 0,
        "market": (filled["orderId"] == market, filled["orderStatus"], fills.next()["data"][0]["execQty"]),
        "position": positions.next()["data"][0]["size"],
        "wallet": wallets.next()["data"][0]["coin"][0]["coin"],
        "limit": (resting["orderId"] == limit, resting["orderStatus"]),
    }
    for stream in (public, private, trading):
        stream.exit()
    return told


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(json.loads(sys.argv[1]))) + "\n")

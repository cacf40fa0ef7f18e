"""A program that knows nothing of any lab: plain ccxt with a key, and no address anywhere. Run by test_lab_tls.py."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import ccxt
import ccxt.pro
from ccxt import async_support

SWAP = "BTC/USDT:USDT"


def contracts(client: Any) -> float:
    return float(client.amount_to_precision(SWAP, 0.01 / client.market(SWAP)["contractSize"]))


def bought(client: Any, positions: list[dict[str, Any]]) -> float:
    (position,) = [p for p in positions if p["symbol"] == SWAP]
    return float(position["contracts"]) * float(client.market(SWAP)["contractSize"])


def sync(venue: str, login: dict[str, str]) -> dict[str, Any]:
    client = getattr(ccxt, venue)(login)
    client.load_markets()
    client.create_order(SWAP, "market", "buy", contracts(client))
    return {"bought": bought(client, client.fetch_positions())}


async def waiting(venue: str, login: dict[str, str]) -> dict[str, Any]:
    client = getattr(async_support, venue)(login)
    try:
        await client.load_markets()
        await client.create_order(SWAP, "market", "buy", contracts(client))
        return {"bought": bought(client, await client.fetch_positions())}
    finally:
        await client.close()


async def streaming(venue: str, login: dict[str, str]) -> dict[str, Any]:
    """Watch the tape, then our own orders, until the bought quantity is told of."""
    client = getattr(ccxt.pro, venue)(login)
    try:
        await client.load_markets()
        assert (await client.watch_ticker("BTC/USDT"))["last"] > 0
        orders = asyncio.ensure_future(client.watch_orders(SWAP))
        filled, size = 0.0, float(client.market(SWAP)["contractSize"])
        while not filled:
            # An order that comes before the subscription is not told of, so another follows until one is.
            done, _ = await asyncio.wait([orders], timeout=1.0)
            if done:
                filled = max(float(order["filled"] or 0) * size for order in orders.result())
                orders = asyncio.ensure_future(client.watch_orders(SWAP))
            else:
                await client.create_order(SWAP, "market", "buy", contracts(client))
        orders.cancel()
        return {"bought": filled}
    finally:
        await client.close()


def poor(venue: str, login: dict[str, str]) -> dict[str, Any]:
    """Ask for what cannot be paid and tell how ccxt understood the answer."""
    client = getattr(ccxt, venue)(login)
    client.load_markets()
    try:
        client.create_order(SWAP, "market", "buy", contracts(client))
    except ccxt.BaseError as error:
        return {"refused": type(error).__name__}
    return {"refused": ""}


def main(venue: str, kind: str, login: str) -> None:
    acts: dict[str, Any] = {"sync": sync, "poor": poor, "async": waiting, "pro": streaming}
    told = acts[kind](venue, json.loads(login))
    sys.stdout.write(json.dumps(asyncio.run(told) if asyncio.iscoroutine(told) else told) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])

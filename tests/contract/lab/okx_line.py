"""Bare WebSocket connections to a lab's OKX, for tests that look at single frames."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import aiohttp
import orjson
from okx_lab import Keys, OkxLab

WAIT_S = 10.0
T = TypeVar("T")


def run(talk: Callable[[], Awaitable[T]]) -> T:
    """Let a conversation take place, for a minute at most."""

    async def bounded() -> T:
        return await asyncio.wait_for(talk(), 60)

    return asyncio.run(bounded())


class Line:
    """One bare connection."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws
        self.heard: list[dict[str, Any]] = []

    async def say(self, op: str, *args: dict[str, Any], **more: Any) -> None:
        await self.ws.send_str(orjson.dumps({**more, "op": op, "args": list(args)}).decode())

    async def next(self) -> dict[str, Any]:
        message = orjson.loads(await self.ws.receive_str(timeout=WAIT_S))
        self.heard.append(message)
        return message

    async def until(self, done: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return the first frame that answers; those before it stay in `heard`."""
        while True:
            message = await self.next()
            if done(message):
                return message

    async def event(self, name: str) -> dict[str, Any]:
        return await self.until(lambda message: message.get("event") == name)

    async def push(self, channel: str) -> dict[str, Any]:
        return await self.until(lambda m: m.get("arg", {}).get("channel") == channel and "data" in m)

    async def login(self, keys: Keys, **wrong: Any) -> dict[str, Any]:
        stamp = str(int(time.time()))
        arg = {"apiKey": keys.api_key, "passphrase": keys.passphrase, "timestamp": stamp}
        await self.say("login", {**arg, "sign": keys.sign(f"{stamp}GET/users/self/verify"), **wrong})
        return await self.next()

    async def subscribe(self, channel: str, **more: str) -> dict[str, Any]:
        await self.say("subscribe", {"channel": channel, **more})
        return await self.event("subscribe")


@asynccontextmanager
async def line(lab: OkxLab, path: str) -> AsyncIterator[Line]:
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{lab.ws}/ws/v5/{path}") as ws:
        yield Line(ws)

"""The ccxt seam: one ccxt.pro connection to Binance's user data stream, its failures in our words.

Loaded only by whoever opens a stream: importing ccxt.pro takes half a second.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from typing import Any

import ccxt.pro  # type: ignore[import-untyped]
import orjson
from ccxt.base.errors import BaseError  # type: ignore[import-untyped]

from copydesk.kernel import Unavailable
from copydesk.trading import Credentials
from copydesk.venues.binance_errors import classify
from copydesk.venues.urls import VenueUrls

CONFIRM_MAX_S = 10.0


class _Connection(ccxt.pro.binance):  # type: ignore[misc]
    """ccxt.pro's client, with raw reports instead of caches and our error table instead of its classes."""

    reports: asyncio.Queue[dict[str, Any]]

    def handle_message(self, client: Any, message: Any) -> None:
        """Take account events ourselves: an exception in one of ccxt's handlers would end its receive loop."""
        event = message.get("event") if isinstance(message, dict) else None
        if not isinstance(event, dict):
            super().handle_message(client, message)
        elif event.get("e") == "executionReport":
            self.reports.put_nowait(event)
        elif event.get("e") == "eventStreamTerminated":
            client.reject(Unavailable("Binance ended the user data stream"))

    def handle_ws_error(self, client: Any, message: dict[str, Any]) -> None:
        error = message.get("error")
        status = message.get("status")
        failure = classify(status if isinstance(status, int) else 400, orjson.dumps(error), None, time.time())
        client.reject(failure, str(message.get("id")))


class UserFeed:
    """One account's confirmed stream: reports by queue, and a future that fails when the connection does."""

    def __init__(self, credentials: Credentials, urls: VenueUrls, ssl_context: ssl.SSLContext) -> None:
        self._ws_api = urls.ws_api
        self._connection = _Connection(
            {
                "apiKey": credentials.api_key,
                "secret": credentials.secret,
                "enableRateLimit": False,
                "urls": urls.ccxt_urls(),
                "timeout_on_exit": 0,
            }
        )
        self._connection.ssl_context = ssl_context  # Each instance would build its own, at 15 ms.
        self.reports: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._connection.reports = self.reports

    async def subscribe(self) -> asyncio.Future[Any]:
        """Connect and confirm; raises `VenueRefused`, `OutcomeUnknown` or `Unavailable`."""
        try:
            async with asyncio.timeout(CONFIRM_MAX_S):
                await self._connection.authenticate({"type": "spot"})
        except (BaseError, TimeoutError) as error:
            raise Unavailable(f"no user data stream: {error}") from error
        lost: asyncio.Future[Any] = self._connection.client(self._ws_api).future("copydesk:lost")
        return lost

    async def close(self) -> None:
        await self._connection.close()

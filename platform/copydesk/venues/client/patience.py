"""Requests that wait for the rate budget instead of giving up half-way.

A list of many pages, or a question about each of many instruments, may need more requests than one window of a limit
has. To fail there would mean to begin again at the first page, and to fail there again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

from copydesk.kernel import Unavailable
from copydesk.trading import Credentials
from copydesk.venues.client.core import VenueClient
from copydesk.venues.client.wire import Params

T = TypeVar("T")

WAIT_S_MAX = 5.0  # What lasts longer is a ban or an outage, which the caller must hear of.


class Patience:
    """How long somebody waits for the rate budget, with all their requests together.

    Only for what may be asked twice: what changes nothing, or says what is to be rather than how it is to change.
    """

    def __init__(self, wait_s_max: float) -> None:
        self._left_s = wait_s_max

    async def with_(self, request: Callable[[], Awaitable[T]]) -> T:
        """Make a request as soon as its limit allows; raises what it raises, so too `Unavailable` when that is late.

        Only a wait that was told is waited for: who is away says nothing of when.
        """
        while True:
            try:
                return await request()
            except Unavailable as later:
                if not later.told_s or later.told_s > self._left_s:
                    raise
                pause_s = later.told_s
            self._left_s -= pause_s
            await asyncio.sleep(pause_s)


async def ask_patiently(
    client: VenueClient, endpoint: str, credentials: Credentials, params: Params, read: Callable[[Any], T]
) -> T:
    """Ask for one part of a longer read, as soon as its limit allows; raises what `VenueClient.ask` does.

    Only for what changes nothing.
    """
    assert not client.endpoints[endpoint].mutates, "a change is not repeated"
    return await Patience(WAIT_S_MAX).with_(partial(client.ask, endpoint, credentials, params, read))

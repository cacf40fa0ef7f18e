"""Reads of many requests that wait for the rate budget instead of giving up half-way.

A list of many pages, or a question about each of many instruments, may need more requests than one window of a limit
has. To fail there would mean to begin again at the first page, and to fail there again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from copydesk.kernel import Unavailable
from copydesk.trading import Credentials
from copydesk.venues.client.core import VenueClient
from copydesk.venues.client.wire import Params

T = TypeVar("T")

WAIT_S_MAX = 5.0  # What lasts longer is a ban or an outage, which the caller must hear of.


async def ask_patiently(
    client: VenueClient, endpoint: str, credentials: Credentials, params: Params, read: Callable[[Any], T]
) -> T:
    """Ask for one part of a longer read, as soon as its limit allows; raises what `VenueClient.ask` does.

    Only for what changes nothing.
    """
    assert not client.endpoints[endpoint].mutates, "a change is not repeated"
    waited_s = 0.0
    while True:
        try:
            return await client.ask(endpoint, credentials, params, read)
        except Unavailable as later:
            pause_s = later.retry_after_s
            if pause_s <= 0 or waited_s + pause_s > WAIT_S_MAX:
                raise
        waited_s += pause_s
        await asyncio.sleep(pause_s)

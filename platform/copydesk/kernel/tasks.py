"""The end of asyncio tasks."""

from __future__ import annotations

import asyncio
from typing import Any

# Longer than what a task has to tidy up takes; only one that has lost its cancellation is asked again.
AGAIN_S = 2.0


async def end(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks and wait until every one has ended; what they return or raise is dropped.

    A cancellation may get lost on its way: redis-py swallows it while it connects, and so does `asyncio.wait_for` of
    Python 3.11 where what it waits for is done in the same moment. Therefore it is repeated.
    """
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=AGAIN_S)
    for task in tasks:
        if not task.cancelled():
            task.exception()

"""Whether the sessions that open pages belong to still stand: asked for many at once, when a page joins and after."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection

from sqlalchemy.exc import SQLAlchemyError

from copydesk.kernel import end

GATHERED_S = 0.005
Ask = Callable[[str, Collection[int]], Awaitable[frozenset[int]]]


class Sessions:
    """Ask about sessions; those that are asked about in the same moment are one question."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._waiting: dict[str, dict[int, asyncio.Future[bool]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def stands(self, slug: str, session_id: int) -> bool:
        """Tell whether a session of a brand still stands. Raises what asking raises."""
        waiting = self._waiting.get(slug)
        if waiting is None:
            waiting = self._waiting[slug] = {}
            task = asyncio.create_task(self._answer(slug))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if session_id not in waiting:
            waiting[session_id] = asyncio.get_running_loop().create_future()
        return await asyncio.shield(waiting[session_id])

    async def of(self, slug: str, ids: Collection[int]) -> frozenset[int]:
        """Return those of a brand's sessions that still stand."""
        return await self._ask(slug, ids)

    async def close(self) -> None:
        """Stop what still runs."""
        await end(*self._tasks)

    async def _answer(self, slug: str) -> None:
        await asyncio.sleep(GATHERED_S)
        waiting = self._waiting.pop(slug)
        try:
            standing = await self._ask(slug, waiting.keys())
        except SQLAlchemyError as error:
            for future in waiting.values():
                future.set_exception(error)
                future.exception()  # Whoever waited may have gone.
        else:
            for session_id, future in waiting.items():
                future.set_result(session_id in standing)

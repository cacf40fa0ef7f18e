"""Who listens to live events, and what is sent to whom: rooms per brand and locale, no I/O of its own.

A listener that does not keep up is dropped, so that one slow phone never delays the others; the browser
connects again by itself.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from copydesk.kernel import end

QUEUE_MAX = 64
K = TypeVar("K", bound=Hashable)


@dataclass(eq=False)
class Listener:
    """One open event stream. `address` is the client's; `dropped` is set when it fell too far behind."""

    slug: str
    locale: str
    address: str = ""
    queue: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue(QUEUE_MAX))
    dropped: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, frame: bytes) -> bool:
        """Hand over a frame; a full queue drops the listener."""
        try:
            self.queue.put_nowait(frame)
        except asyncio.QueueFull:
            self.dropped.set()
            return False
        return True


class Rooms:
    """Every listener, grouped by brand."""

    def __init__(self) -> None:
        self._rooms: defaultdict[str, set[Listener]] = defaultdict(set)
        self._clients: Counter[tuple[str, str]] = Counter()

    def __len__(self) -> int:
        return sum(len(room) for room in self._rooms.values())

    def join(self, listener: Listener) -> None:
        self._rooms[listener.slug].add(listener)
        self._clients[listener.slug, listener.address] += 1

    def leave(self, listener: Listener) -> None:
        self._rooms[listener.slug].discard(listener)
        if not self._rooms[listener.slug]:
            del self._rooms[listener.slug]
        client = (listener.slug, listener.address)
        self._clients[client] -= 1
        if not self._clients[client]:
            del self._clients[client]

    def count(self, slug: str, address: str) -> int:
        """Return how many streams of this brand one address holds open."""
        return self._clients[slug, address]

    def room(self, slug: str) -> frozenset[Listener]:
        """Return everyone who listens to this brand now."""
        return frozenset(self._rooms.get(slug, ()))

    def locales(self, slug: str) -> set[str]:
        """Return the locales that someone of this brand reads now."""
        return {listener.locale for listener in self._rooms.get(slug, ())}

    def send(self, slug: str, locale: str, frame: bytes) -> int:
        """Offer a frame to each listener of that brand and locale; returns how many took it."""
        return sum(listener.offer(frame) for listener in self.room(slug) if listener.locale == locale)


class Coalescer(Generic[K]):
    """Run a piece of work per key at once, and again after a pause if it was asked for meanwhile."""

    def __init__(self, work: Callable[[K], Awaitable[None]], *, pause_s: float) -> None:
        self._work = work
        self._pause_s = pause_s
        self._asked: dict[K, bool] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> bool:
        """Tell whether anything runs or waits."""
        return bool(self._tasks)

    def ask(self, key: K) -> None:
        """Want the work done; a burst of calls costs one run now and one after the pause."""
        if key in self._asked:
            self._asked[key] = True
            return
        self._asked[key] = False
        task = asyncio.get_running_loop().create_task(self._run(key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, key: K) -> None:
        again = True
        try:
            while again:
                self._asked[key] = False
                await self._work(key)
                await asyncio.sleep(self._pause_s)
                again = self._asked[key]
        finally:
            del self._asked[key]

    async def close(self) -> None:
        """Stop what still runs."""
        await end(*self._tasks)


def sse_frame(event: str, event_id: int, data: str) -> bytes:
    """Write one server-sent event. Source: HTML Living Standard, §9.2.6."""
    lines = "".join(f"data: {line}\n" for line in data.splitlines() or [""])
    return f"event: {event}\nid: {event_id}\n{lines}\n".encode()

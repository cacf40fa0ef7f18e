"""Open pages of signed-in people, and how a brand's news reach them: in the order of its log, each once.

A page that does not take what it is sent is dropped alone; its browser connects again and hears what it has missed.
Nothing waits for a page: what it is sent goes to its socket's buffer, and there is no task and no queue for each.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from copydesk.kernel import end
from copydesk.web.live_news import END, Found, News, Position, Reading, me_frame, told

log = logging.getLogger(__name__)

BEHIND_BYTES_MAX = 65_536
PAUSE_S = 0.1
_TRY_AGAIN_S = 1.0
T = TypeVar("T", bound=Hashable)


def chunk_of(*frames: bytes) -> bytes:
    """Write frames as one piece of an answer that is sent in chunks (RFC 9112, 7.1); of no frames there is none."""
    frame = b"".join(frames)
    return b"%x\r\n%b\r\n" % (len(frame), frame) if frame else b""


AGAIN = chunk_of(me_frame("again", b"{}", None))


class Page(asyncio.Protocol):
    """One open page. It wants what came `after` a place in its brand's log.

    It is its connection's own protocol: once an answer has begun, nothing of the server's is kept for it, neither a
    task nor a request. What its browser still sends is passed over.
    """

    __slots__ = ("address", "after", "left", "session_id", "slug", "transport", "user_id")

    def __init__(self, slug: str, user_id: int, session_id: int, address: str, after: Position | None = None) -> None:
        self.slug = slug
        self.user_id = user_id
        self.session_id = session_id
        self.address = address
        self.after = after
        self.transport: asyncio.Transport | None = None
        self.left: Callable[[Page], None] | None = None

    def take(self, transport: asyncio.Transport, left: Callable[[Page], None]) -> None:
        """Take a connection over whose answer has begun; `left` is called once when it is lost."""
        self.transport, self.left = transport, left
        transport.set_protocol(self)
        # What is written goes to the socket at once, and not when everybody's has been written.
        transport.set_write_buffer_limits(0)

    def connection_lost(self, _error: Exception | None) -> None:
        left, self.transport, self.left = self.left, None, None
        if left is not None:
            left(self)

    def eof_received(self) -> bool:
        """Let the transport close itself: a browser that ends its side has gone."""
        return False

    @property
    def open(self) -> bool:
        """Tell whether it can be sent anything."""
        return self.transport is not None and not self.transport.is_closing()

    @property
    def behind(self) -> int:
        """Return how many bytes it was sent that its socket has not taken yet."""
        return 0 if self.transport is None else self.transport.get_write_buffer_size()

    def offer(self, chunk: bytes) -> None:
        """Send a piece of the answer, as `chunk_of` makes it; a page that is too far behind is dropped."""
        if not chunk or self.transport is None or self.transport.is_closing():
            return
        if self.behind > BEHIND_BYTES_MAX:
            self.transport.abort()
        else:
            self.transport.write(chunk)

    def close(self) -> None:
        """End the answer in order; its browser will ask again, and may be refused."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(b"0\r\n\r\n")
            self.transport.close()


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a brand's pages get what they are told: its log, and whom news concern of some users."""

    read: Callable[[Position], Awaitable[Reading]]
    ask: Callable[[Sequence[News], frozenset[int]], Awaitable[Found]]


class BrandPages:
    """Everybody of one brand who has a page open."""

    def __init__(self, desk: Desk, *, pause_s: float = PAUSE_S) -> None:
        self._desk = desk
        self._pause_s = pause_s
        self._hearing: dict[int, set[Page]] = {}
        self._joining: dict[Page, None] = {}
        self._clients: Counter[str] = Counter()
        self._users: Counter[int] = Counter()
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._position: Position | None = None

    def __len__(self) -> int:
        return self._users.total()

    def __iter__(self) -> Iterator[Page]:
        """Iterate over every page, those included that are still to hear what they have missed."""
        return iter([page for pages in self._hearing.values() for page in pages] + list(self._joining))

    @property
    def joining(self) -> int:
        """Return how many pages are still to hear what they have missed."""
        return len(self._joining)

    def of_client(self, address: str) -> int:
        """Return how many streams a client holds open."""
        return self._clients[address]

    def of_user(self, user_id: int) -> int:
        """Return how many streams somebody holds open."""
        return self._users[user_id]

    def join(self, page: Page) -> None:
        """Take a page in; what it has missed it hears before anything new."""
        self._clients[page.address] += 1
        self._users[page.user_id] += 1
        self._joining[page] = None
        self.wake()

    def leave(self, page: Page) -> None:
        """Let a page go."""
        _drop_one(self._clients, page.address)
        _drop_one(self._users, page.user_id)
        self._joining.pop(page, None)
        pages = self._hearing.get(page.user_id, set())
        pages.discard(page)
        if not pages:
            self._hearing.pop(page.user_id, None)
        if not self._users:
            self._position = None

    def wake(self) -> None:
        """Look at the log soon; where nobody listens, nobody looks."""
        if not self._users:
            return
        self._woken.set()
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    def beat(self) -> None:
        """Tell every page that all is well, and how far it has heard."""
        if self._position is not None:
            chunk = chunk_of(me_frame("beat", b"", self._position))
            for page in [page for pages in self._hearing.values() for page in pages]:
                page.offer(chunk)

    async def close(self) -> None:
        """End every page's answer, and stop what still runs."""
        for page in self:
            page.close()
        if self._task is not None:
            await end(self._task)

    async def _run(self) -> None:
        """Read on whenever something was added, and not at once again: a burst is read in one go."""
        while self._woken.is_set() and self._users:
            self._woken.clear()
            try:
                await self._round()
            except (RedisError, OSError, SQLAlchemyError) as error:
                log.warning("open pages wait for news: %s", " ".join(str(error).split())[:200])
                self._woken.set()
                await asyncio.sleep(_TRY_AGAIN_S)
            else:
                await asyncio.sleep(self._pause_s)

    async def _round(self) -> None:
        """Read what is new for those who hear already, and what they have missed for those who join."""
        joining, known = dict(self._joining), self._position
        wanted = [page.after for page in joining if page.after is not None]
        after = min([*wanted, *([] if known is None else [known])], default=END)
        reading = await self._desk.read(after)
        users = frozenset(page.user_id for page in joining) | frozenset(self._hearing)
        found = await self._desk.ask(reading.news, users) if reading.news else Found()
        frames = told(reading.news, found, users)
        # From here on nothing waits, so that nobody joins or hears in between.
        write = cache(chunk_of)  # Many are told the same, and that is written once.
        if known is not None:
            lost = reading.newest < known or reading.misses(known)  # Or Redis lost its log and began another one.
            for user_id in list(self._hearing if lost else frames.keys() & self._hearing.keys()):
                chunk = AGAIN if lost else write(*_since(frames[user_id], known))
                for page in list(self._hearing[user_id]):
                    page.offer(chunk)
        for page in joining.keys() & self._joining.keys():
            del self._joining[page]
            self._hearing.setdefault(page.user_id, set()).add(page)
            if page.after is not None:
                chunk = (
                    AGAIN if reading.misses(page.after) else write(*_since(frames.get(page.user_id, ()), page.after))
                )
                page.offer(chunk)
        self._position = reading.newest


def _since(frames: Iterable[tuple[Position, bytes]], place: Position) -> list[bytes]:
    return [frame for at, frame in frames if at > place]


def _drop_one(counter: Counter[T], key: T) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]

"""Who is told what of a brand's news, and what becomes of a page that does not keep up."""

from __future__ import annotations

import asyncio
import socket
from contextlib import AsyncExitStack

import pytest
from copydesk.web.live_concerned import Copied
from copydesk.web.live_news import BEGIN, Found, News, Position, Reading, told
from copydesk.web.live_pages import BEHIND_BYTES_MAX, BrandPages, Desk, Page
from test_live_events import played

ME, OTHER = 3, 4
FOUND = Found(
    copies={7: [Copied("a", ME, 30), Copied("a", ME, 31), Copied("b", OTHER, 40)]},
    followers={1: frozenset({ME, OTHER})},
    owners={30: ME, 40: OTHER},
)


def lines(frames: list[tuple[Position, bytes]]) -> list[str]:
    return [frame.decode() for _, frame in frames]


def test_of_several_events_of_one_entry_only_the_last_has_its_id() -> None:
    frames = told(
        [News(Position(5, 1), "copies", signal_id=7, strategy_id=1, shard="a")], FOUND, frozenset({ME, OTHER})
    )
    assert set(frames) == {ME}
    assert lines(frames[ME]) == [
        'event: position\ndata: {"subscription":30}\n\n',
        'event: receipt\ndata: {"signal":7,"subscription":30}\n\n',
        'event: position\ndata: {"subscription":31}\n\n',
        'event: receipt\nid: 5-1\ndata: {"signal":7,"subscription":31}\n\n',
    ]


def test_what_is_told_several_times_in_a_burst_is_told_once_at_its_last_place() -> None:
    burst = [News(Position(place), "figures", strategy_id=1) for place in (5, 6, 9)]
    frames = told([*burst, News(Position(10), "notice", user_id=ME)], FOUND, frozenset({ME}))
    assert [at for at, _ in frames[ME]] == [Position(9), Position(10)]


@pytest.mark.parametrize(
    ("news", "event"),
    [
        (News(Position(1), "signal", signal_id=7, strategy_id=1), "signal"),
        (News(Position(1), "leverage", strategy_id=1), "signal"),
        (News(Position(1), "risk", strategy_id=1), "position"),
        (News(Position(1), "figures", strategy_id=1), "equity"),
        (News(Position(1), "risk", subscription_id=30), "position"),
        (News(Position(1), "subscription", subscription_id=30), "position"),
        (News(Position(1), "order", user_id=ME), "order"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.kind,
)
def test_each_kind_of_news_is_an_event_of_its_own_for_whom_it_concerns(news: News, event: str) -> None:
    frames = told([news], FOUND, frozenset({ME}))
    assert lines(frames[ME])[0].startswith(f"event: {event}\n")


@pytest.mark.parametrize(
    "news",
    [
        News(Position(1), "risk", subscription_id=40),
        News(Position(1), "notice", user_id=OTHER),
        News(Position(1), "notice"),
        News(Position(1), "figures"),
        News(Position(1), "figures", strategy_id=2),
        News(Position(1), "copies", signal_id=8, strategy_id=1),
        News(Position(1), "something else", strategy_id=1),
    ],
    ids=str,
)
def test_what_concerns_nobody_here_is_told_to_nobody(news: News) -> None:
    assert told([news], FOUND, frozenset({ME})) == {}


@pytest.mark.parametrize("text", ["", "7", "x-1", "7-", "-1-2", "7-1-2", f"{2**63}-0", "٣-٤"])
def test_a_last_event_id_that_is_none_is_passed_over(text: str) -> None:
    assert Position.read(text) is None


def test_a_slow_page_is_dropped_alone() -> None:
    news = [News(Position(place), "notice", user_id=ME) for place in range(1, 2_000)]

    async def scene() -> tuple[list[bool], bytes]:
        async with AsyncExitStack() as stack:
            slow, quick = [await _page(stack) for _ in range(2)]
            read = iter([Reading((), BEGIN, BEGIN, cut=False), Reading(news, BEGIN, Position(2_000), cut=False)])

            async def reading(_after: Position) -> Reading:
                return next(read)

            async def asking(_news: object, _users: object) -> Found:
                return Found()

            pages = BrandPages(Desk(reading, asking), pause_s=0)
            for page, _ in (slow, quick):
                pages.join(page)
            while pages.joining:
                await asyncio.sleep(0)
            assert slow[0].transport is not None
            slow[0].transport.write(b"x" * (8 * 1024 * 1024))
            assert slow[0].behind > BEHIND_BYTES_MAX
            pages.wake()
            heard = await quick[1].readuntil(b"id: 1999-0")
            still = [page.open for page, _ in (slow, quick)]
            await pages.close()
            return still, heard

    still, heard = played(scene)
    assert still == [False, True]
    assert heard.count(b"event: notice\n") == 1


async def _page(stack: AsyncExitStack) -> tuple[Page, asyncio.StreamReader]:
    """Open a page over a real connection; return it with what its browser reads."""
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=theirs)
    stack.callback(writer.close)
    transport, _ = await asyncio.get_running_loop().connect_accepted_socket(asyncio.Protocol, ours)
    stack.callback(transport.close)
    page = Page("aurora", ME, 1, "192.0.2.7")
    page.take(transport, lambda _page: None)
    return page, reader

"""`copydesk bench push`: what it refuses, how its pages read their streams, and what its figures are held against."""

from __future__ import annotations

import asyncio
import smtplib
from email.message import EmailMessage

import pytest
from copydesk.bench.bars import PUSH_BARS, verdicts
from copydesk.bench.figures import percentiles
from copydesk.bench.push_pages import Event, PageStream, Reader
from copydesk.bench.push_post import post_office
from copydesk.bench.push_ways import OwnBrowser, mail_number
from copydesk.cli import run
from pywebpush import WebPusher  # type: ignore[import-untyped]


@pytest.mark.parametrize(
    "words", (["--followers", "0"], ["--signals", "0"], ["--clients", "10001"], ["--news", "0"]), ids=" ".join
)
def test_what_cannot_be_measured_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "push", *words]) == 2
    assert f"Invalid value for '{words[0]}'" in capsys.readouterr().err


def test_a_page_notes_every_event_once_however_it_is_cut_on_its_way() -> None:
    stream = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"d\r\nretry: 2000\n\n\r\n"
        b"20\r\nevent: beat\nid: 1-0\ndata: \n\n\r\n"
        b'3c\r\nevent: position\ndata: {"subscription":3}\n\n\r\n'
        b'40\r\nevent: receipt\nid: 5-1\ndata: {"signal":7,"subscription":3}\n\n\r\n'
    )

    async def scene(cut: int) -> tuple[bool, list[tuple[int, str, object]]]:
        reader, heard = Reader(), list[Event]()
        page = PageStream(4, reader.arrived)
        for part in (stream[:cut], stream[cut:]):
            page.data_received(part)
            heard += reader.read()
        return page.let_in.result(), [(one.page, one.name, one.data) for one in heard]

    events = [(4, "position", {"subscription": 3}), (4, "receipt", {"signal": 7, "subscription": 3})]
    assert all(asyncio.run(scene(cut)) == (True, events) for cut in range(12, len(stream), 7))


def test_a_page_that_is_refused_is_not_let_in() -> None:
    async def scene() -> bool:
        page = PageStream(0, [])
        page.data_received(b"HTTP/1.1 403 Forbidden\r\n\r\nForbidden\n")
        return page.let_in.result()

    assert not asyncio.run(scene())


def test_the_post_office_notes_what_came_whole_and_only_its_browser_reads_it() -> None:
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Message-ID"] = "desk@bench.invalid", "mara@bench.invalid", "<41.17@bench>"
    letter.set_content("Hello\n.\nand more\n")
    with post_office() as office:
        browser = OwnBrowser(f"{office.push_url}/push/7")
        keys = {"p256dh": browser.subscription.p256dh, "auth": browser.subscription.auth}
        pusher = WebPusher({"endpoint": browser.subscription.endpoint, "keys": keys})
        for number in range(2):
            assert pusher.send(b'{"id": %d}' % number, ttl=0).status_code == 201
        with smtplib.SMTP(office.mail_host, office.mail_port) as server:
            for _ in range(2):
                server.send_message(letter)
    assert [(one.to, browser.reads(one.content)) for one in office.pushes] == [("/push/7", {"id": n}) for n in (0, 1)]
    assert [(one.to, mail_number(one.content)) for one in office.letters] == [("mara@bench.invalid", 41)] * 2
    assert b"and more" in office.letters[0].content
    assert office.pushes[0].at_ms <= office.letters[1].at_ms


def test_figures_are_held_against_the_bars_they_have() -> None:
    figures = percentiles("execution_to_page", [float(ms) for ms in range(1, 101)])
    assert figures["execution_to_page_n"] == 100
    assert figures["execution_to_page_p50_ms"] < figures["execution_to_page_p95_ms"] < 100
    figures |= {"execution_to_push_p95_ms": 2_000, "news_to_clients_p99_ms": 250.1, "live_rss_mb": 150.0}
    missed = {verdict.figure for verdict in verdicts(figures, PUSH_BARS) if not verdict.met}
    assert missed == {"news_to_clients_p99_ms"}


def test_a_single_wait_is_all_its_percentiles() -> None:
    assert set(percentiles("any", [7.0]).values()) == {7.0, 1}

"""Lanes that are about to send go before lanes that only book."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

from copydesk.replication.rush import Rush

PATIENCE_S = 10


def test_who_books_waits_until_nobody_hurries() -> None:
    rush, in_a_hurry, arrived = Rush(PATIENCE_S), Event(), Event()
    said: list[str] = []

    def send() -> None:
        with rush.hurry():
            in_a_hurry.set()
            assert arrived.wait(PATIENCE_S)
            said.append("sent")

    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(send)
        assert in_a_hurry.wait(PATIENCE_S)
        arrived.set()
        rush.give_way()
        said.append("booked")
        sending.result()
    assert said == ["sent", "booked"]


def test_who_books_does_not_wait_for_ever() -> None:
    rush = Rush(give_way_s_max=0.001)
    with rush.hurry():
        rush.give_way()


def test_a_lane_whose_sending_breaks_off_no_longer_hurries() -> None:
    rush = Rush(PATIENCE_S)
    try:
        with rush.hurry():
            raise ValueError("broken off")
    except ValueError:
        rush.give_way()

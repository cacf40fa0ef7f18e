"""Stream connections by address on the lab's Binance."""

from __future__ import annotations

from copydesk.venues.lab.dialects.binance.connects import CONNECTS_MAX, WINDOW_MS, Connects


def test_an_address_opens_three_hundred_connections_in_five_minutes_and_no_more() -> None:
    connects = Connects()
    assert all(connects.admit("10.0.0.1", 0) for _ in range(CONNECTS_MAX))
    assert not connects.admit("10.0.0.1", WINDOW_MS - 1)
    assert connects.admit("10.0.0.2", WINDOW_MS - 1)
    assert connects.admit("10.0.0.1", WINDOW_MS)

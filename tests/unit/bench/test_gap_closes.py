"""What a journal proves about a gap: when it was, who was closed when, and who once too often."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from copydesk.bench.gap import SCENARIOS
from copydesk.bench.gap_closes import GAP_SCENARIOS, Gap, Holdings, flawless, gap_figures

FALLEN, RTT_MS = 80_000, 20.0


def mark(px: str, at_ms: float, market: str = "perp") -> dict[str, Any]:
    return {"kind": "mark", "market": market, "symbol": "BTCUSDT", "px": px, "at_ms": at_ms}


def executed(account: str, side: str, at_ms: float, qty: str = "2") -> dict[str, Any]:
    return {"kind": "execution", "market": "perp", "account": account, "side": side, "qty": qty, "at_ms": at_ms}


def order(account: str, at_ms: float, change: str = "NEW", conditional_id: int | None = None) -> dict[str, Any]:
    return {"kind": "order", "change": change, "account": account, "conditional_id": conditional_id, "at_ms": at_ms}


def closed(account: str, at_ms: float) -> list[dict[str, Any]]:
    path = {"method": "POST", "path": "/fapi/v1/order", "status": 200}
    asked = {"kind": "request", "account": account, "at_ms": at_ms, **path}
    return [order(account, at_ms), executed(account, "sell", at_ms), asked]


def gap(*records: Iterable[dict[str, Any]]) -> Gap:
    holdings = Holdings(("ada", "bob"))
    for account in ("ada", "bob", "a stranger"):
        holdings.book(executed(account, "buy", 0.0))
    found = Gap(holdings, FALLEN, RTT_MS)
    for some in records:
        found.take(some)
    return found


FELL = [mark("100000", 900), mark("80000", 950, "spot"), mark("80000", 1_250)]


def test_times_count_from_the_fall_and_from_the_breach_that_was_seen() -> None:
    found = gap(FELL, closed("ada", 2_100), closed("bob", 2_300))
    assert found.flat
    figures = gap_figures("redis", 2, found.closes(), seen_ms=2_050)
    assert (figures["price_to_ack_p50_ms"], figures["price_to_ack_ms"]) == (970, 1_070)
    assert figures["breach_to_ack_ms"] == 270
    assert flawless(figures)


def test_who_still_holds_something_is_missing() -> None:
    found = gap(FELL, closed("ada", 2_100))
    assert not found.flat
    figures = gap_figures("redis", 2, found.closes(), seen_ms=2_050)
    assert (figures["acknowledged"], figures["missing"], flawless(figures)) == (1, 1, False)


@pytest.mark.parametrize("change", ["NEW", "REJECTED"])
def test_a_second_close_is_a_duplicate_whether_the_exchange_took_it_or_not(change: str) -> None:
    found = gap(FELL, closed("ada", 2_100), closed("bob", 2_100), [order("bob", 9_000, change)])
    figures = gap_figures("redis", 2, found.closes(), seen_ms=2_050)
    assert (figures["duplicates"], flawless(figures)) == (1, False)


def test_who_was_closed_beyond_flat_is_named_even_when_it_was_made_good() -> None:
    found = gap(
        FELL, closed("ada", 2_100), closed("bob", 2_100), [executed("bob", "sell", 1), executed("bob", "buy", 2)]
    )
    figures = gap_figures("redis", 2, found.closes(), seen_ms=2_050)
    assert (figures["over_closed"], figures["missing"], flawless(figures)) == (1, 0, False)


def test_a_stop_that_rested_at_the_exchange_needs_no_answer_and_leaves_nothing_to_reduce() -> None:
    rested = [order("bob", 1_260, conditional_id=5), executed("bob", "sell", 1_260), order("bob", 2_100, "REJECTED")]
    figures = gap_figures("redis", 2, gap(FELL, closed("ada", 2_100), rested).closes(), seen_ms=2_050)
    assert (figures["acknowledged"], figures["duplicates"], flawless(figures)) == (2, 0, True)


def test_every_scenario_has_a_name_that_can_be_asked_for() -> None:
    assert tuple(SCENARIOS) == GAP_SCENARIOS

"""Activity: each signal with what became of it for its reader, narrowed, paged, and never anybody else's."""

from __future__ import annotations

from datetime import timedelta

import pytest
from copydesk.replication.own_receipts import Cursor, Outcome, own_receipts, read_cursor
from home_people import D, Follower, HomeSite, joined, many
from site_seed import NOW

BELOW = {"notional": "4.1", "minimum": "5", "currency": "USDT", "allocation_needed": "122"}


@pytest.fixture
def copied(site: HomeSite, ada: Follower) -> tuple[int, dict[str, int]]:
    """Return a subscription, and a signal of every outcome, the newest last."""
    number = site.subscription(ada)
    signals = {name: site.signal(at=NOW - timedelta(minutes=9 - place)) for place, name in enumerate(Outcome)}
    site.copy(number, signals["copied"], qty=D("0.004"))
    site.copy(number, signals["partial"], "canceled", cum_qty=D("0.001"), avg_px=D("64012.8"))
    site.copy(number, signals["skipped"], "denied", qty=D(0), reason="below_notional_min", reason_facts=BELOW)
    site.copy(number, signals["failed"], "rejected", reason="insufficient_balance")
    site.copy(number, signals["waiting"], "in_flight")
    return number, {str(name): number for name, number in signals.items()}


def test_each_signal_tells_its_outcome_slippage_and_time(
    site: HomeSite, ada: Follower, copied: tuple[int, dict[str, int]]
) -> None:
    page = ada.words("/activity")
    for word in ("Copied", "Partly copied", "Skipped", "Sent, not filled", "On its way"):
        assert word in page
    # 64,006.40 against 64,000 is one basis point; the newest confirmation came 80 ms after now.
    assert "You bought 0.004 @ 64,006.40" in page and "+1.0 bps" in page and "+2.0 bps" in page
    assert "4.10 USDT" in page


@pytest.mark.parametrize("outcome", list(Outcome))
def test_the_list_is_narrowed_to_an_outcome(
    site: HomeSite, ada: Follower, copied: tuple[int, dict[str, int]], outcome: Outcome
) -> None:
    page = ada.get(f"/activity?outcome={outcome}").text
    assert page.count('class="signal own-receipt"') == 1
    assert f'href="/activity/{copied[1][outcome]}"' in page


def test_the_list_is_narrowed_to_a_subscription_of_ones_own(
    site: HomeSite, ada: Follower, copied: tuple[int, dict[str, int]]
) -> None:
    other = site.subscription(ada)
    site.copy(other, copied[1]["copied"])
    assert ada.get(f"/activity?subscription={other}").text.count('class="signal own-receipt"') == 1
    assert ada.get("/activity").text.count('class="signal own-receipt"') == 6
    theirs = site.subscription(site.follower())
    site.copy(theirs, copied[1]["copied"])
    for query in (f"?subscription={theirs}", "?subscription=99999999", "?subscription=999999999999999999"):
        assert "No receipts" in ada.words(f"/activity{query}")
    for query in ("?subscription=x", "?outcome=gone", "?before=x", "?before=1-2-3"):
        assert ada.get(f"/activity{query}").status_code == 200


def test_a_receipt_tells_everything_of_ones_own_and_nothing_of_others(
    site: HomeSite, ada: Follower, copied: tuple[int, dict[str, int]]
) -> None:
    number, signals = copied
    page = ada.words(f"/activity/{signals['copied']}")
    assert "Opening order: Copied" in page and "Wanted 0.004 BTC, and sent exactly that." in page
    assert "Planned, sent, confirmed" in page and "+1.0 bps" in page and f"Subscription {number}" in page
    # What the trader's account is worth, and the exchange's number of their order, are not the follower's.
    assert "100,000.00" not in page and "Exchange's order number" in page
    assert "My account · Binance (simulated)" in page, "an account is told by its name, not its number"
    skipped = ada.words(f"/activity/{signals['skipped']}")
    assert "4.10 USDT" in skipped
    bob = site.follower()
    assert bob.get(f"/activity/{signals['copied']}").status_code == 404
    for odd in (0, 2**63, 10**25):
        assert ada.get(f"/activity/{odd}").status_code == 404


def test_a_signal_without_a_copy_says_why_there_is_none(site: HomeSite, ada: Follower) -> None:
    before = site.signal(at=NOW - timedelta(days=3))
    site.subscription(ada)
    assert "the subscription began after this trade" in ada.words(f"/activity/{before}")


def test_pages_follow_each_other_without_a_gap_or_a_repeat(site: HomeSite, ada: Follower) -> None:
    first, second = site.subscription(ada), site.subscription(ada)
    expected = []
    for place in range(9):
        signal_id = site.signal(at=NOW - timedelta(minutes=30 - place))
        for number in (first, second):
            site.copy(number, signal_id)
            expected.append((signal_id, number))
    seen: list[tuple[int, int]] = []
    before: Cursor | None = None
    for _ in range(20):
        with site.storing() as session:
            page = own_receipts(session, ada.user_id, before=before, most=5)
        seen += [(one.signal_id, one.subscription_id) for one in page.receipts]
        # What comes in between two pages moves nothing.
        site.copy(first, site.signal())
        before = page.older
        if before is None:
            break
    assert seen == sorted(expected, reverse=True)


def test_a_cursor_that_somebody_typed_is_none() -> None:
    assert read_cursor("12-7") == Cursor(12, 7)
    for typed in ("", "12", "12-", "-7", "a-b", "1-2-3", f"{10**19}-1", "١-٢"):
        assert read_cursor(typed) is None


def test_a_rare_outcome_is_looked_for_a_bounded_way_and_then_further_back(site: HomeSite, ada: Follower) -> None:
    number = site.subscription(ada, created_at=NOW - timedelta(days=9))
    rare = site.signal(at=NOW - timedelta(days=8))
    site.copy(number, rare, "rejected", reason="insufficient_balance")
    with site.storing() as session:
        many(session, site.tenant_id, number)
    with site.storing() as session:
        newest = own_receipts(session, ada.user_id, outcome=Outcome.FAILED)
        assert not newest.receipts and newest.looked_back and newest.older
        further = own_receipts(session, ada.user_id, outcome=Outcome.FAILED, before=newest.older)
        while further.older and not further.receipts:
            further = own_receipts(session, ada.user_id, outcome=Outcome.FAILED, before=further.older)
    assert [one.signal_id for one in further.receipts] == [rare]
    page = ada.words(f"/activity?outcome=failed&subscription={number}")
    assert "None among the newest signals" in page and "Look further back" in page


def test_fills_of_a_burst_are_held_against_its_average_price(site: HomeSite, ada: Follower) -> None:
    number = site.subscription(ada)
    first = site.signal(at=NOW - timedelta(seconds=9), px=D(64_000))
    second = site.signal(at=NOW, px=D(64_200), position_before=D("0.5"), position_after=D(1))
    with site.storing() as session:
        joined(session, first, second)
    site.copy(number, second, avg_px=D(64_100))
    with site.storing() as session:
        (receipt,) = own_receipts(session, ada.user_id).receipts
    assert receipt.slippage_bps == 0

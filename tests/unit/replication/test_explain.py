"""What follows from stored facts about one follower's copy: what made its size, what a leg is, why there is none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from copydesk.replication.explain import (
    Absence,
    CopyTold,
    Decision,
    Explanation,
    FollowerTerms,
    Handover,
    LeaderMove,
    LegKind,
    Sizing,
    absence_of,
    copy_slippage_bps,
    leg_kind,
)
from copydesk.replication.model import Bound, SignalFact
from copydesk.trading import SizingMode

D = Decimal
AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
FOLLOWER = FollowerTerms(
    subscription_id=3,
    strategy_id=1,
    account_id=7,
    account="My account",
    shard="binance-lab:0",
    exchange="binance",
    environment="lab",
    state="synced",
    state_reason=None,
    copies="fills",
    sizing_mode=SizingMode.EQUITY_RATIO,
    sizing_value=None,
    size_policy="skip",
    leverage_max=None,
    allocation=D(500),
    created_at=AT - HOUR,
    ended_at=None,
)


def move(signal_id: int = 9, before: str = "0", after: str = "0.5", px: str = "50000", **changed: object) -> LeaderMove:
    fact = SignalFact(signal_id, "BTC/USDT:USDT", D(px), D(before), D(after), D(100_000), AT)
    told = LeaderMove(
        signal_id=signal_id,
        strategy_id=1,
        strategy_slug="steady",
        strategy_name="Steady",
        trader_name="A",
        exchange="okx",
        fact=fact,
        side="buy",
        qty=abs(D(after) - D(before)),
        cum_qty=abs(D(after) - D(before)),
        order_id="77",
        seen_at=AT + timedelta(milliseconds=12),
        stored_at=AT + timedelta(milliseconds=15, microseconds=600),
    )
    return replace(told, **changed)


def explained(*together: LeaderMove, copies: tuple[CopyTold, ...] = (), **terms: object) -> Explanation:
    return Explanation(together[-1], together, replace(FOLLOWER, **terms), None, copies)


def decided(bound: Bound, wanted: str, sent: str) -> Sizing:
    return Decision(D(wanted), D(sent), D(500), D(0), bound).sizing


@pytest.mark.parametrize(
    ("bound", "wanted", "sent", "sizing"),
    [
        (Bound.NONE, "0.004", "0.004", Sizing.EXACT),
        (Bound.NONE, "0.004", "0.0041", Sizing.MADE_UP),
        (Bound.NONE, "0.004", "0.0039", Sizing.HELD_ALREADY),
        (Bound.STEP, "0.0042", "0.004", Sizing.STEP),
        (Bound.STEP, "0.0042", "0.0043", Sizing.MADE_UP),
        (Bound.STEP, "0.0002", "0", Sizing.NOTHING),
        (Bound.ALLOCATION, "0.0042", "0.001", Sizing.ALLOCATION),
        (Bound.QTY_MAX, "900", "100", Sizing.QTY_MAX),
        (Bound.BALANCE, "0.0042", "0.001", Sizing.BALANCE),
        (Bound.MINIMUM_ROUNDED_UP, "0.00005", "0.0001", Sizing.MINIMUM_ROUNDED_UP),
        (Bound.CARRIED, "0.0042", "0.005", Sizing.CARRIED),
        (Bound.CARRIED, "0.00005", "0", Sizing.KEPT_FOR_NEXT),
    ],
)
def test_what_made_the_size_is_told_by_the_limit_that_bit(bound: Bound, wanted: str, sent: str, sizing: Sizing) -> None:
    assert decided(bound, wanted, sent) is sizing


def test_every_limit_leads_to_a_sentence_of_its_own() -> None:
    assert len({decided(bound, "1", "0.9") for bound in Bound}) == len(Bound)


@pytest.mark.parametrize(
    ("leg", "kind", "number"),
    [
        ("open", LegKind.OPEN, 1),
        ("close", LegKind.CLOSE, 1),
        ("fix-2", LegKind.FIX, 2),
        ("top-up", LegKind.TOP_UP, 1),
        ("join-3", LegKind.JOIN, 3),
        ("end-12", LegKind.END, 12),
        ("stop-2", LegKind.STOP, 2),
        ("rest-4", LegKind.REST, 4),
        ("give-back-2", LegKind.GIVE_BACK, 2),
        ("moon-7", None, 7),
        ("", None, 1),
    ],
)
def test_a_leg_is_its_kind_and_its_number(leg: str, kind: LegKind | None, number: int) -> None:
    assert leg_kind(leg) == (kind, number)


def test_an_increase_is_told_as_a_share_of_the_equity() -> None:
    told = explained(move(before="0", after="0.5"))
    assert (told.equity_share, told.kept_share) == (D("0.25"), None)


def test_through_zero_only_what_lies_beyond_is_an_increase() -> None:
    told = explained(move(before="0.5", after="-0.25"))
    assert (told.equity_share, told.kept_share) == (D("0.125"), None)


def test_a_reduction_is_told_as_the_share_that_the_leader_kept() -> None:
    assert explained(move(before="-0.8", after="-0.2")).kept_share == D("0.25")
    assert explained(move(before="0.5", after="0")).kept_share == 0


def test_a_burst_is_told_as_one_move_at_its_average_price() -> None:
    told = explained(move(8, "0", "0.1", "50000"), move(9, "0.1", "0.4", "50400"))
    whole = told.whole
    assert (whole.id, whole.position_before, whole.position_after, whole.px) == (9, 0, D("0.4"), D(50_300))
    assert told.equity_share == D("0.4") * 50_300 / 100_000


@pytest.mark.parametrize(
    ("mode", "value", "ratio"),
    [
        (SizingMode.EQUITY_RATIO, None, D("0.005")),
        (SizingMode.MULTIPLIER, D(3), D("0.015")),
        (SizingMode.FIXED_RATIO, D("0.02"), D("0.02")),
        (SizingMode.FIXED_NOTIONAL, D(40), None),
        (SizingMode.FIXED_QTY, D("0.002"), None),
    ],
)
def test_the_factor_between_leader_and_follower_is_told_where_there_is_one(
    mode: SizingMode, value: Decimal | None, ratio: Decimal | None
) -> None:
    assert explained(move(), sizing_mode=mode, sizing_value=value).ratio == ratio


def test_the_factor_is_that_of_the_allocation_at_the_time_of_the_copy() -> None:
    copy = CopyTold(
        *(1, "open", "buy", "limit", D("0.004"), D(50_250), False, False, "filled", None, None, "cd-1", "5"),
        *(D("0.004"), D(50_000), 18, 21, 80, D(0), Decision(D("0.004"), D("0.004"), D(800), D(0), Bound.NONE)),
    )
    assert explained(move(), copies=(copy,)).ratio == D("0.008")


DRAINED = Handover(AT, being_sent=False, joined_into=None)


@pytest.mark.parametrize(
    ("absence", "handover", "terms", "changed"),
    [
        (Absence.JOINED, Handover(AT, False, 11), {}, {}),
        (Absence.NOT_SUBSCRIBED_YET, DRAINED, {"created_at": AT + HOUR}, {}),
        (Absence.SUBSCRIPTION_ENDED, DRAINED, {"ended_at": AT - HOUR / 2}, {}),
        (Absence.ORDER_PLACED, None, {}, {"cum_qty": D(0)}),
        (Absence.NOT_DELIVERED, None, {}, {}),
        (Absence.NOT_PLANNED_YET, Handover(None, False, None), {}, {}),
        (Absence.BEING_SENT, Handover(AT, True, None), {}, {}),
        (Absence.SEEN_ALREADY, DRAINED, {}, {}),
    ],
)
def test_a_signal_without_a_copy_has_a_reason(
    absence: Absence, handover: Handover | None, terms: dict[str, object], changed: dict[str, object]
) -> None:
    told = move(**changed)
    assert absence_of(told, told.fact, replace(FOLLOWER, **terms), handover) is absence


def test_a_subscription_that_began_in_the_middle_of_a_burst_was_not_part_of_it() -> None:
    first, last = move(8), move(9)
    later = replace(last, fact=replace(last.fact, venue_at=AT + timedelta(milliseconds=400)))
    joined_between = replace(FOLLOWER, created_at=AT + timedelta(milliseconds=100))
    assert absence_of(later, first.fact, joined_between, DRAINED) is Absence.NOT_SUBSCRIBED_YET


def test_milliseconds_count_from_the_exchanges_time_of_the_leaders_trade() -> None:
    assert (move().seen_ms, move().stored_ms) == (12, 16)


@pytest.mark.parametrize(("side", "avg_px", "bps"), [("buy", "50005", D(1)), ("sell", "50005", D(-1))])
def test_a_worse_price_than_the_leaders_is_above_zero_on_both_sides(side: str, avg_px: str, bps: Decimal) -> None:
    assert copy_slippage_bps(side, D(50_000), D(avg_px), D(1)) == bps


def test_without_a_fill_or_a_price_there_is_no_price_difference() -> None:
    assert copy_slippage_bps("buy", D(50_000), None, D(0)) is None
    assert copy_slippage_bps("buy", D(0), D(50_000), D(1)) is None

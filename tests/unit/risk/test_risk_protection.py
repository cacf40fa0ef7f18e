"""Where the stop that rests at the exchange lies, and what is done so that it lies there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from copydesk.risk.protection import (
    Guarded,
    Protection,
    ProtectionTerms,
    ProtectiveState,
    StopRow,
    Wish,
    protection,
    reached,
    try_again_at,
    wish,
)
from copydesk.trading import Instrument, Side

D = Decimal
TERMS = ProtectionTerms(share=D("0.5"), behind=D("0.01"))
BTC = Instrument(
    venue="binance",
    symbol="BTC/USDT:USDT",
    venue_symbol="BTCUSDT",
    base="BTC",
    quote="USDT",
    qty_step=D("0.001"),
    qty_min=D("0.001"),
    qty_max=D(1000),
    notional_min=D(5),
    px_tick=D("0.1"),
)
LONG = Guarded(D("0.5"), entry_px=D(100), mark_px=D(100))
SHORT = LONG._replace(qty=D("-0.5"))
RESTS = Protection(Side.SELL, D("0.5"), D(50))
NEXT = Protection(Side.SELL, D("0.6"), D(50))


def row(revision: int, state: ProtectiveState = ProtectiveState.RESTING, terms: Protection = RESTS) -> StopRow:
    return StopRow(revision, state, terms)


@pytest.mark.parametrize(
    ("held", "trigger"),
    [
        pytest.param(LONG, D(50), id="no limit: half of the entry price"),
        pytest.param(SHORT, D(150), id="a short: half above it"),
        pytest.param(LONG._replace(left=D(10)), D(79), id="10 left are 20 a coin, and 1 % behind that"),
        pytest.param(SHORT._replace(left=D(10)), D(121), id="a short: 20 a coin above, and 1 % behind that"),
        pytest.param(LONG._replace(left=D(-3)), D(99), id="past the limit: 1 % behind the mark"),
        pytest.param(LONG._replace(left=D(100)), D(50), id="the limit is farther than half of the entry price"),
        pytest.param(LONG._replace(liquidation_px=D(60)), D(68), id="liquidated at 60: four fifths of the way"),
        pytest.param(SHORT._replace(liquidation_px=D(120)), D(116), id="a short: four fifths of the way up"),
        pytest.param(LONG._replace(mark_px=D(130), left=D(20)), D("88.7"), id="with gains the limit is what counts"),
        pytest.param(LONG._replace(entry_px=D("33.333")), D("16.7"), id="rounded towards the mark: it acts sooner"),
        pytest.param(SHORT._replace(entry_px=D("33.333"), mark_px=D(33)), D("49.9"), id="a short rounds down"),
    ],
)
def test_the_nearest_of_limit_share_and_liquidation_is_where_the_stop_lies(held: Guarded, trigger: Decimal) -> None:
    found = protection(held, BTC, TERMS)
    assert found == Protection(Side.SELL if held.qty > 0 else Side.BUY, D("0.5"), trigger)


@pytest.mark.parametrize(
    "held",
    [
        pytest.param(LONG._replace(qty=D("0.0009")), id="less than can be traded"),
        pytest.param(LONG._replace(mark_px=D("50.1")), id="the mark is next to the stop"),
        pytest.param(LONG._replace(mark_px=D(40)), id="the mark is beyond it already"),
        pytest.param(SHORT._replace(mark_px=D(160)), id="a short's mark is beyond it already"),
    ],
)
def test_no_stop_is_placed_that_would_act_at_once_or_cannot_be_traded(held: Guarded) -> None:
    assert protection(held, BTC, TERMS) is None


def test_a_missing_stop_is_placed_and_one_that_fits_stays() -> None:
    assert wish(RESTS, [], held=True) == Wish(RESTS)
    assert wish(RESTS, [row(1)], held=True) == Wish()


def test_the_next_stop_rests_before_the_last_one_is_canceled() -> None:
    assert wish(NEXT, [row(1)], held=True) == Wish(NEXT)
    assert wish(NEXT, [row(1), row(2, ProtectiveState.PLACING, NEXT)], held=True) == Wish()
    assert wish(NEXT, [row(1), row(2, terms=NEXT)], held=True) == Wish(cancel=(1,))


def test_nothing_rests_for_a_position_that_is_gone() -> None:
    assert wish(None, [row(1), row(2)], held=False) == Wish(cancel=(1, 2))
    assert wish(None, [row(1, ProtectiveState.CANCELING)], held=False) == Wish()


def test_a_stop_that_the_price_has_come_close_to_stays() -> None:
    assert wish(None, [row(1)], held=True) == Wish()


def test_a_trigger_within_one_percent_is_not_worth_two_requests() -> None:
    assert wish(RESTS._replace(trigger_px=D("50.4")), [row(1)], held=True) == Wish()
    moved = RESTS._replace(trigger_px=D("50.6"))
    assert wish(moved, [row(1)], held=True) == Wish(moved)


def test_a_stop_is_reached_from_its_side() -> None:
    assert reached(RESTS, D(50)) and not reached(RESTS, D("50.1"))
    buys = Protection(Side.BUY, D(1), D(150))
    assert reached(buys, D(150)) and not reached(buys, D("149.9"))


def test_what_the_exchange_refuses_is_tried_ever_later() -> None:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    assert try_again_at([]) is None
    assert try_again_at([at]) == at + timedelta(seconds=30)
    assert try_again_at([at, at + timedelta(seconds=30)]) == at + timedelta(seconds=90)
    assert try_again_at([at] * 12) == at + timedelta(seconds=1_920)

"""What a replay says that limits would have done to a follower of a strategy, by worked examples.

The follower has a tenth of the leader's equity, so ten of the leader's units are one of the follower's.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from copydesk.kernel import InvalidInput
from copydesk.risk.replay import Deed
from copydesk.risk.simulate import simulate
from copydesk.risk.stops import StopState
from copydesk.trading import Denial, PositionSide
from history_values import BTC, ETH, FREE, at, funded, limits, marks, move

CRASH = [move(0, "0", "50", "100"), *marks((1, "100"), (2, "60"), (3, "50"), (4, "20"))]
STOP_LOSS = limits("loss > 15 % of equity -> close_and_disarm")


def replayed(events, told=None, **terms):
    return simulate(events, replace(FREE, **terms), told or limits())


def deeds(run) -> list[tuple[Deed, Decimal, Decimal]]:
    return [(act.deed, act.value, act.bound) for act in run.acts]


def test_a_follower_takes_the_same_share_of_the_allocation_as_the_leader_of_the_equity() -> None:
    run = replayed([move(0, "0", "50", "100"), *marks((1, "120"))]).without
    assert [(fill.qty, fill.px) for fill in run.fills] == [(5, 100)]
    assert run.equity == 1000 + 5 * 20


def test_more_than_the_allocation_is_never_invested() -> None:
    run = replayed([move(0, "0", "150", "100"), move(1, "150", "200", "100")]).without
    assert [fill.qty for fill in run.fills] == [10]


def test_a_decrease_keeps_the_share_that_the_leader_keeps_and_the_last_close_closes_all() -> None:
    run = replayed([move(0, "0", "50", "100"), move(1, "50", "20", "110"), move(2, "20", "0", "120")]).without
    assert [fill.qty for fill in run.fills] == [5, -3, -2]
    assert run.equity == 1000 + 3 * 10 + 2 * 20


def test_a_leader_who_turns_round_is_followed_through_zero() -> None:
    run = replayed([move(0, "0", "50", "100"), move(1, "50", "-30", "110"), *marks((2, "110"), (3, "100"))]).without
    assert [fill.qty for fill in run.fills] == [5, -5, -3]
    assert run.equity == 1000 + 50 + 30


def test_the_two_sides_of_hedge_mode_are_two_books() -> None:
    long = move(0, "0", "20", "100")._replace(position_side=PositionSide.LONG)
    short = move(1, "0", "-30", "100")._replace(position_side=PositionSide.SHORT)
    run = replayed([long, short, *marks((2, "90"))]).without
    assert run.equity == 1000 - 20 + 30


def test_fees_slippage_and_funding_are_paid() -> None:
    run = replayed(
        [move(0, "0", "50", "100"), *marks((1, "100")), funded(2, "0.001")],
        fee_bps=Decimal(10),
        slippage_bps=Decimal(100),
    ).without
    (fill,) = run.fills
    assert (fill.px, fill.fee) == (101, Decimal("0.505"))
    assert (run.fees, run.funding) == (Decimal("0.505"), Decimal("-0.5"))
    assert run.equity == 1000 - 5 - Decimal("0.505") - Decimal("0.5")


def test_a_stop_closes_at_the_mark_after_the_breach_and_shows_what_it_saved() -> None:
    told = replayed(CRASH, STOP_LOSS)

    assert told.without.equity == 600
    # 60 is the breach (equity 800 below 850), 50 the price that was there next.
    assert told.guarded.equity == 750
    assert told.saved == 150
    fired, closed = told.guarded.acts
    assert (fired.deed, fired.at, fired.value, fired.bound) == (Deed.FIRED, at(2), 800, 850)
    assert (closed.deed, closed.at, closed.value, closed.bound, closed.symbol) == (Deed.CLOSED, at(3), 50, 50, BTC)
    assert told.guarded.stop is StopState.CLOSED


def test_a_stop_pays_slippage_and_may_cost_more_than_it_saves() -> None:
    events = [move(0, "0", "50", "100"), *marks((1, "80"), (2, "70"), (3, "110"))]
    told = replayed(events, limits("loss > 5 % of equity -> close"), stop_slippage_bps=Decimal(100))
    assert told.guarded.acts[-1].value == Decimal("69.3")
    assert told.saved == 5 * (Decimal("69.3") - 110)


def test_a_fired_stop_never_opens_again() -> None:
    events = [*CRASH, move(5, "50", "0", "20"), move(6, "0", "50", "20"), *marks((7, "200"))]
    told = replayed(events, STOP_LOSS)
    assert told.guarded.equity == 750
    assert told.guarded.opens_blocked == 1
    assert told.saved < 0


def test_a_soft_stop_blocks_opens_and_still_follows_closes() -> None:
    events = [*CRASH[:3], move(3, "50", "80", "60"), move(4, "80", "0", "70")]
    told = replayed(events, limits("loss > 15 % of equity -> block_opens"))
    assert [fill.qty for fill in told.guarded.fills] == [5, -5]
    assert deeds(told.guarded) == [(Deed.BLOCKED, 800, 850)]
    assert told.guarded.stop is StopState.SOFT


def test_a_leap_past_several_limits_is_told_from_the_mildest_on() -> None:
    told = replayed(
        CRASH,
        limits(
            *(f"loss > {at} % of equity -> {deed}" for at, deed in ((15, "close"), (10, "block_opens"), (5, "warn")))
        ),
    )
    assert [act.deed for act in told.guarded.acts] == [Deed.WARNED, Deed.BLOCKED, Deed.FIRED, Deed.CLOSED]


def test_a_drawdown_limit_trails_from_the_peak() -> None:
    events = [move(0, "0", "50", "100"), *marks((1, "200"), (2, "140"), (3, "135"))]
    told = replayed(events, limits("drawdown > 15 % of equity -> close"))
    fired = told.guarded.acts[0]
    assert (fired.at, fired.value, fired.bound) == (at(2), 1200, 1275)
    assert told.without.peak == 1500
    assert told.without.drawdown_ratio_max.quantize(Decimal("1E-9")) == Decimal("0.216666667")


def test_a_profit_is_taken() -> None:
    events = [move(0, "0", "50", "100"), *marks((1, "140"), (2, "141"), (3, "100"))]
    told = replayed(events, limits("profit > 15 % of equity -> close"))
    assert (told.guarded.equity, told.saved) == (1205, 205)


def test_a_loss_of_what_was_realized_does_not_count_what_is_held() -> None:
    events = [move(0, "0", "50", "100"), *marks((1, "50")), move(2, "50", "25", "80"), *marks((3, "80"), (4, "80"))]
    told = replayed(events, limits("loss > 40 USDT of realised per day -> close"))
    assert deeds(told.guarded)[:1] == [(Deed.FIRED, -50, -40)]
    assert told.guarded.acts[0].at == at(2)


def test_a_daily_loss_counts_from_midnight() -> None:
    # Twelve hours after the start a day begins, at 940.
    events = [move(0, "0", "50", "100"), *marks((1, "88"), (721, "87"), (722, "80"), (723, "80"))]
    told = replayed(events, limits("loss > 7 % of equity per day -> close"))
    assert [(act.deed, act.at) for act in told.guarded.acts] == []
    later = replayed([*events, *marks((724, "74"), (725, "74"))], limits("loss > 7 % of equity per day -> close"))
    assert later.guarded.acts[0][1:5:2] == (Deed.FIRED, 870)
    assert later.guarded.acts[0].bound == Decimal("874.2")


@pytest.mark.parametrize(("window", "bound"), [("week", 846), ("month", 855)])
def test_weeks_begin_on_monday_and_months_on_the_first(window: str, bound: int) -> None:
    # Days since Monday, the second of March: April begins at 950 on day 30, the week of the sixth at 940 on day 35.
    days = ((29, "90"), (31, "88"), (36, "60"), (37, "60"))
    events = [move(0, "0", "50", "100"), *marks(*((day * 1440 - 720, px) for day, px in days))]
    told = replayed(events, limits(f"loss > 10 % of equity per {window} -> close"))
    assert deeds(told.guarded)[0] == (Deed.FIRED, 800, bound)


def test_what_a_decrease_sets_free_of_the_allocation_may_be_used_again() -> None:
    events = [move(0, "0", "100", "100"), move(1, "100", "25", "200"), move(2, "25", "100", "100")]
    run = replayed(events).without
    assert [fill.qty for fill in run.fills] == [10, Decimal("-7.5"), Decimal("7.5")]


def test_a_share_of_the_balance_counts_what_was_realized_and_not_what_is_held() -> None:
    # The first order is cut to one unit; half of it is sold 50 higher. Equity is 1,050 then, the balance 1,025.
    events = [move(0, "0", "20", "100"), move(1, "20", "10", "150"), *marks((2, "150"))]
    told = replayed([*events, move(3, "0", "50", "30", symbol=ETH)], limits("order > 10 % of balance -> shrink"))
    assert deeds(told.guarded) == [(Deed.SHRUNK, 200, 100), (Deed.SHRUNK, 150, Decimal("102.5"))]


def test_orders_are_shrunk_and_denied_as_real_ones_would_be() -> None:
    events = [move(0, "0", "50", "100"), move(1, "0", "20", "10", symbol=ETH)]
    shrunk = replayed(events, limits("order > 200 USDT -> shrink")).guarded
    assert [fill.qty for fill in shrunk.fills] == [2, 2]
    assert deeds(shrunk) == [(Deed.SHRUNK, 500, 200)]

    denied = replayed(events, limits(f"instruments in {ETH} -> block_opens")).guarded
    assert [fill.slot.symbol for fill in denied.fills] == [ETH]
    assert denied.acts[0].denial is Denial.RISK_INSTRUMENT_NOT_ALLOWED


def test_limits_of_which_a_history_cannot_tell_are_named() -> None:
    told = limits("depth_share > 2 % -> shrink", "loss > 5 EUR of equity -> close", "loss > 5 % of equity -> close")
    assert len(replayed(CRASH, told).unjudged) == 2


def test_a_stop_that_found_no_further_mark_is_told_as_unclosed() -> None:
    run = replayed(CRASH[:3], STOP_LOSS).guarded
    assert (run.stop, run.unclosed) == (StopState.FIRING, (BTC,))


def test_a_leader_who_closes_before_the_next_mark_ends_the_stop_flat() -> None:
    run = replayed([*CRASH[:3], move(2.5, "50", "0", "55"), *marks((3, "20"))], STOP_LOSS).guarded
    assert run.equity == 775
    assert (run.stop, run.unclosed) == (StopState.CLOSED, ())


def test_a_hole_in_the_history_does_not_leave_a_position_on_the_wrong_side() -> None:
    run = replayed([move(0, "0", "50", "100"), move(1, "0", "-20", "100")]).without
    assert [fill.qty for fill in run.fills] == [5, -5, -2]


def test_a_ratio_of_ones_own_replaces_that_of_equity() -> None:
    run = replayed(CRASH[:2], ratio=lambda _: Decimal("0.02")).without
    assert [fill.qty for fill in run.fills] == [1]


def test_an_allocation_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidInput):
        replayed(CRASH, allocation=Decimal(0))

"""When a strategy is warned or suspended for what its equity lost, and that it stays so."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from copydesk.kernel import InvalidInput
from copydesk.risk.guard import EquityPoint, GuardState, Verdict, judge, window_start, worths_of
from copydesk.risk.model import Action, Basis, Limit, Measure, Threshold, Unit, Window

UTC_ZONE = ZoneInfo("UTC")
TOKYO = ZoneInfo("Asia/Tokyo")


def limit(measure=Measure.LOSS, value="5", window=Window.DAY, action=Action.BLOCK_OPENS, **told) -> Limit:
    threshold = Threshold(Decimal(value), told.get("unit", Unit.PERCENT), told.get("currency", ""))
    return Limit(measure, threshold, told.get("basis", Basis.EQUITY), window, action)


def drawdown(value: str, action=Action.BLOCK_OPENS, **told) -> Limit:
    return limit(Measure.DRAWDOWN, value, Window.PEAK, action, **told)


def at(text: str) -> datetime:
    """Read "day hour" of March 2026, which begins on a Sunday."""
    day, hour = text.split()
    return datetime(2026, 3, int(day), int(hour), tzinfo=UTC)


def points(*told: tuple[str, int] | tuple[str, int, int]) -> list[EquityPoint]:
    return [EquityPoint(at(when), *map(Decimal, numbers)) for when, *numbers in told]


def judged(equity, *limits: Limit, now: str = "31 23", zone=UTC_ZONE, state=GuardState.OK) -> Verdict:
    return judge(equity, limits, now=at(now), zone=zone, state=state)


def test_a_strategy_that_gains_is_well() -> None:
    verdict = judged(points(("2 0", 1000), ("2 9", 1200)), limit(), drawdown("20"), now="2 9")
    assert verdict.state is GuardState.OK
    assert [finding.value for finding in verdict.findings] == [0, 0]


def test_a_strategy_without_a_point_is_well() -> None:
    assert judged([], limit(), drawdown("20")).state is GuardState.OK


def test_a_daily_loss_beyond_the_limit_suspends_with_its_number() -> None:
    verdict = judged(points(("1 12", 900), ("1 23", 1000), ("2 9", 940)), limit(value="5"), now="2 9")
    assert verdict.state is GuardState.SUSPENDED
    (finding,) = verdict.broken
    assert (finding.value, finding.limit.threshold.value) == (6, 5)


def test_a_loss_of_exactly_the_limit_is_allowed() -> None:
    assert judged(points(("1 23", 1000), ("2 9", 950)), limit(value="5"), now="2 9").state is GuardState.OK


def test_yesterdays_loss_is_not_todays() -> None:
    equity = points(("1 1", 1000), ("1 20", 900), ("2 9", 890))
    assert judged(equity, limit(value="5"), now="2 9").state is GuardState.OK


def test_the_day_is_that_of_the_brand() -> None:
    # At 16 h UTC it is already the second of March in Tokyo.
    equity = points(("1 1", 1000), ("1 14", 900), ("1 16", 900))
    assert judged(equity, limit(value="5"), now="1 16").state is GuardState.SUSPENDED
    assert judged(equity, limit(value="5"), now="1 16", zone=TOKYO).state is GuardState.OK


@pytest.mark.parametrize(
    ("window", "loss"), [(Window.DAY, 0), (Window.WEEK, 10), (Window.MONTH, 20), (Window.START, 28)]
)
def test_each_window_counts_from_its_beginning(window: Window, loss: int) -> None:
    equity = [
        EquityPoint(datetime(2026, 2, 20, tzinfo=UTC), Decimal(1000)),
        EquityPoint(datetime(2026, 2, 28, tzinfo=UTC), Decimal(900)),
        *points(("9 0", 800), ("12 0", 720), ("12 9", 720)),
    ]
    (finding,) = judged(equity, limit(value="50", window=window), now="12 9").findings
    assert finding.value.quantize(Decimal("1E-20")) == loss


def test_drawdown_trails_from_the_peak() -> None:
    equity = points(("2 0", 1000), ("3 0", 2000), ("4 0", 1500))
    verdict = judged(equity, drawdown("20", Action.CLOSE))
    assert (verdict.state, verdict.findings[0].value) == (GuardState.SUSPENDED, 25)


def test_money_taken_out_is_no_loss_and_money_paid_in_hides_none() -> None:
    out = points(("2 0", 1000), ("2 5", 400, -600))
    assert judged(out, limit(), drawdown("1"), now="2 9").broken == ()
    hidden = points(("2 0", 1000), ("2 5", 1500, 700))
    verdict = judged(hidden, drawdown("10"), limit(value="100", unit=Unit.MONEY), now="2 9")
    assert [finding.value for finding in verdict.broken] == [20, 200]


def test_a_withdrawal_after_a_loss_leaves_the_drawdown_as_it_was() -> None:
    equity = points(("2 0", 1000), ("2 1", 900), ("2 2", 450, -450))
    assert judged(equity, drawdown("50")).findings[0].value == 10


def test_an_account_that_lost_everything_stays_suspended_however_much_is_paid_in() -> None:
    equity = points(("2 0", 1000), ("2 1", -50), ("2 2", 1000, 1050), ("3 0", 5000))
    verdict = judged(equity, drawdown("99"))
    assert (verdict.state, verdict.findings[0].value) == (GuardState.SUSPENDED, 100)


def test_an_account_emptied_by_its_owner_goes_on_where_it_was() -> None:
    equity = points(("2 0", 1000), ("2 1", 0, -1000), ("3 0", 500, 500), ("4 0", 450))
    assert worths_of(equity)[-1].unit == Decimal("0.9")


def test_a_limit_that_warns_does_not_suspend_and_the_graver_of_two_counts() -> None:
    equity = points(("2 0", 1000), ("2 1", 880))
    warning, stop = drawdown("10", Action.WARN), drawdown("15")
    assert judged(equity, warning, stop).state is GuardState.WARNED
    assert judged([*equity, *points(("2 2", 840))], warning, stop).state is GuardState.SUSPENDED


def test_a_warning_goes_when_the_loss_is_made_good_but_a_suspension_never_does() -> None:
    equity = points(("2 0", 1000), ("2 1", 1100))
    assert judged(equity, drawdown("10"), state=GuardState.WARNED).state is GuardState.OK
    assert judged(equity, drawdown("10"), state=GuardState.SUSPENDED).state is GuardState.SUSPENDED


def test_points_may_come_in_any_order_and_those_of_the_future_are_not_seen() -> None:
    equity = points(("4 0", 100), ("3 0", 900), ("2 0", 1000))
    assert judged(equity, drawdown("5"), now="3 0").findings[0].value == 10


@pytest.mark.parametrize(
    ("odd", "code"),
    [
        (limit(Measure.POSITIONS), "limit_measure"),
        (limit(basis=Basis.BALANCE), "limit_basis"),
        (limit(unit=Unit.COUNT), "limit_basis"),
        (limit(unit=Unit.MONEY, currency="EUR"), "limit_currency_foreign"),
    ],
)
def test_a_limit_that_equity_cannot_tell_is_refused(odd: Limit, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        judged([], odd)
    assert refused.value.code == code


def test_a_day_begins_at_local_midnight_also_when_clocks_change() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    start = window_start(Window.DAY, datetime(2026, 3, 29, 12, tzinfo=UTC), berlin)
    assert start == datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert window_start(Window.WEEK, at("29 12"), UTC_ZONE) == at("23 0")
    # Sunday evening in UTC is Monday in Tokyo.
    assert window_start(Window.WEEK, at("1 16"), TOKYO) == at("1 15")
    assert window_start(Window.PEAK, at("29 12"), UTC_ZONE) is None

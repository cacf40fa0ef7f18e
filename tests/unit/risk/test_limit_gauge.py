"""A bar is empty where a window begins and full at the limit, whatever a limit is told in."""

from __future__ import annotations

from decimal import Decimal

import pytest
from copydesk.risk.gauge import Distance, fullness, nearest_first
from copydesk.risk.grammar import parse
from copydesk.risk.limits import Holding
from copydesk.risk.model import Scope, Scoped
from copydesk.risk.readings import Reading

D = Decimal
# A limit, where it lies, an equity of each figure, and how full the bar then is.
CASES = [
    ("drawdown > 20 % of equity -> close", "800", "1000", "0"),
    ("drawdown > 20 % of equity -> close", "800", "900", "0.5"),
    ("drawdown > 20 % of equity -> close", "800", "800", "1"),
    ("drawdown > 20 % of equity -> close", "800", "700", "1"),
    ("drawdown > 20 % of equity -> close", "800", "1200", "0"),
    ("loss > 100 USDT per day -> block_opens", "900", "975", "0.25"),
    ("loss > 10 % of balance -> warn", "900", "950", "0.5"),
    ("profit > 50 % of equity -> close", "1500", "1250", "0.5"),
    ("profit > 50 % of equity -> close", "1500", "900", "0"),
    ("loss > 500 USDT of realised per week -> warn", "-500", "-125", "0.25"),
    ("loss > 500 USDT of realised per week -> warn", "-500", "80", "0"),
    ("profit > 5 % of realised -> warn", "50", "40", "0.8"),
    ("margin_distance < 10 % -> warn", "0.1", "0.4", "0.25"),
    ("margin_distance < 10 % -> warn", "0.1", "0.05", "1"),
    ("margin_distance < 10 % -> warn", "0.1", "0", "1"),
    ("positions > 5 -> block_opens", "5", "2", "0.4"),
    ("exposure > 300 % of equity -> shrink", "3000", "3000", "1"),
]


@pytest.mark.parametrize(("line", "at", "now", "full"), CASES)
def test_a_bar_shows_how_much_of_the_way_is_used_up(line: str, at: str, now: str, full: str) -> None:
    found = fullness(parse(line), now=D(now), at=D(at), balance=D(1000))
    assert found is not None
    assert round(found, 6) == D(full)


def test_no_way_is_told_where_all_of_the_equity_may_be_lost() -> None:
    assert fullness(parse("loss > 100 % of equity -> close"), now=D(500), at=D(0), balance=D(500)) is None


def test_a_limit_that_lies_at_nothing_has_no_way() -> None:
    assert fullness(parse("exposure > 300 % of equity -> shrink"), now=D(0), at=D(0), balance=D(0)) is None


def test_the_nearest_limit_comes_first_and_one_that_cannot_be_told_last() -> None:
    half, spent, unknown = (
        Distance(Holding(Scoped(Scope.SUBSCRIPTION, parse("drawdown > 20 % of equity -> close"))), reading, D(1000))
        for reading in (Reading(D(900), D(800), D(100)), Reading(D(800), D(800), D(0)), None)
    )
    assert nearest_first([unknown, half, spent]) == [spent, half, unknown]
    assert [one.left for one in (spent, half, unknown)] == [0, 100, None]

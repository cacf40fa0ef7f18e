"""The page on limits says of each measure what the code says, and its lines and numbers are true."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

from copydesk.risk.equity_rules import EquityState, Spans, equity_bounds, level_of
from copydesk.risk.grammar import bounds_text, parse, text_of
from copydesk.risk.limits import effective
from copydesk.risk.measures import MEASURES, UNSPOKEN_BASES, UNSPOKEN_WINDOWS, Judged, Subject, Telling
from copydesk.risk.model import Scope, Scoped, Unit
from copydesk.risk.order_rules import DENIALS, Opening, OrderState, Sums, judge_opening, order_bounds
from copydesk.risk.profiles import PROFILES, profile_limits

D = Decimal
PAGE = (Path(__file__).parents[3] / "platform" / "docs" / "algorithms" / "risk.md").read_text()
ROWS = {line for line in PAGE.splitlines() if line.startswith("|")}


def cells(*said: str) -> str:
    return f"| {' | '.join(said)} |".replace("|  |", "| |")


def told(telling: Telling) -> str:
    if telling.unit is Unit.NAMES:
        return "names"
    bases = [basis for basis in telling.bases if basis not in UNSPOKEN_BASES]
    return bounds_text(telling, "USDT" if telling.unit is Unit.MONEY else "") + (
        f" of {', '.join(bases)}" if bases else ""
    )


def test_the_page_says_of_every_measure_what_it_measures() -> None:
    assert [row for m, rule in MEASURES.items() if (row := cells(f"`{m}`", rule.measures)) not in ROWS] == []


def test_the_page_says_of_every_measure_between_what_bounds_it_lies() -> None:
    rows = [cells(f"`{m}`", f"`{r.comparison}`", "; ".join(map(told, r.tellings))) for m, r in MEASURES.items()]
    assert [row for row in rows if row not in ROWS] == []


def test_the_page_says_of_every_measure_its_windows_actions_and_denial() -> None:
    rows = []
    for measure, rule in MEASURES.items():
        windows = ", ".join("–" if window in UNSPOKEN_WINDOWS else f"per {window}" for window in rule.windows)
        at = ", ".join({Judged.ORDER: "orders", Judged.EQUITY: "prices"}[each] for each in rule.judged)
        of = "account" if rule.account_only else "either"
        actions = ", ".join(f"`{action}`" for action in rule.actions)
        rows.append(cells(f"`{measure}`", windows, at, of, actions))
        rows.append(cells(f"`{DENIALS[measure]}`", f"`{measure}`"))
    assert [row for row in rows if row not in ROWS] == []


def test_every_line_of_the_page_is_read_and_written_alike() -> None:
    blocks = re.findall(r"```\n(.*?)```", PAGE, re.DOTALL)
    lines = [line.split("  #")[0].strip() for block in blocks for line in block.splitlines() if "->" in line]
    # Of a command only what it is given in quotes is a limit.
    lines = [line.split('"')[1] if '"' in line else line for line in lines if not line.startswith("<")]
    assert len(lines) > 10
    assert [line for line in lines if text_of(parse(line)) != line] == []


def test_the_page_shows_the_profiles_as_they_are_shipped() -> None:
    rows = []
    for together in zip(*(profile_limits(profile, currency="USDT") for profile in PROFILES), strict=True):
        names = {re.sub(r"[0-9.]+", "…", text_of(limit), count=1) for limit in together}
        assert len(names) == 1
        rows.append(cells(f"`{names.pop()}`", *(f"{limit.threshold.value:f}" for limit in together)))
    assert [row for row in rows if row not in ROWS] == []


def test_the_worked_stops_are_true() -> None:
    worked = re.findall(r"^\| `(.+?)` \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", PAGE, re.MULTILINE)
    assert len(worked) >= 5
    for line, opened, peak, balance, at in worked:
        bound = equity_bounds(
            effective([Scoped(Scope.SUBSCRIPTION, parse(line))]), Subject.SUBSCRIPTION, currency="USDT"
        )[0]
        spans = Spans(*(D(opened),) * 4)
        level = level_of(bound, EquityState(D(1000), D(balance), spans, Spans(*(D(0),) * 4), D(peak)))
        assert level is not None
        assert level.at == D(at)


def test_the_worked_orders_are_true() -> None:
    worked = re.findall(r"^\| `(.+?)` \| (\d+) \| (allowed|denied|to \d+) \|.*\|$", PAGE, re.MULTILINE)
    assert len(worked) >= 5
    own = Sums(D(1000), D(950), exposure=D(600), positions=2, orders=3)
    state = OrderState(own, own, position=D(100), instrument=D(400), overlap=D(300), depth=D(10_000))
    for line, wanted, said in worked:
        limits = effective([Scoped(Scope.SUBSCRIPTION, parse(line))])
        verdict = judge_opening(order_bounds(limits, currency="USDT"), Opening(D(wanted), "BTC/USDT", 3), state)
        outcome = f"to {verdict.notional:f}" if verdict.notional != D(wanted) else "allowed"
        assert said == (
            "denied" if verdict.denial else outcome.replace(".000", "").replace(".00", "").replace(".0", "")
        )

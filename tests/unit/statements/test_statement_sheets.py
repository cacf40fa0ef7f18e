"""A statement as CSV and JSON: plain to spreadsheets and programs, and dangerous to neither."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from copydesk.statements import document, summary_csv, transactions_csv
from copydesk.statements.build import built
from copydesk.statements.cells import BOM, cell_text, csv_text
from statement_rows import FEBRUARY, PERSON, D, at, statement, strategy, subscription


class PlainWords:
    """Words that say what they were asked for."""

    def label(self, name: str, values: Mapping[str, str] | None = None) -> str:
        return f"{name} {dict(values or {})}" if values else name

    def money(self, value: Decimal | None, currency: str = "", *, signed: bool = False) -> str:
        return f"{value} {currency}" if value is not None and not signed else f"{value}"

    def qty(self, value: Decimal | None) -> str:
        return str(value)

    px = ratio = qty

    def count(self, value: int) -> str:
        return str(value)

    def moment(self, value: datetime) -> str:
        return value.isoformat()

    def day(self, value: date) -> str:
        return value.isoformat()

    def state(self, value: str) -> str:
        return value

    def reason(self, value: str, facts: Mapping[str, str] | None) -> str:
        return f"{value}, because {sorted(facts or {})}"

    exchange = state


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix(BOM), newline="")))


def test_transactions_stand_in_the_order_of_time_with_exact_numbers() -> None:
    found = rows(transactions_csv(statement(), PlainWords()))
    mine = [row for row in found if row["of"] == "subscription"]
    assert [row["kind"] for row in mine] == ["fill", "copy", "funding", "fill", "copy", "copy", "flow", "fill"]
    assert found == sorted(found, key=lambda row: row["time_utc"])
    assert (mine[0]["time_utc"], mine[0]["time_local"]) == ("2026-02-03T00:00:00.000Z", "2026-02-03T01:00:00+01:00")
    assert (mine[0]["qty"], mine[0]["px"], mine[0]["value"], mine[0]["realized"]) == ("1", "130", "130", "30")
    assert mine[5]["told"] == "below_notional_min, because ['currency', 'minimum', 'notional']"


def test_sums_have_one_row_for_each_subscription_and_strategy() -> None:
    found = rows(summary_csv(statement()))
    assert [(row["of"], row["number"]) for row in found] == [("subscription", "17"), ("strategy", "3")]
    opening, flow, net, closing = (Decimal(found[0][name]) for name in ("opening", "flow", "net", "closing"))
    assert opening + flow + net == closing
    assert (found[0]["copies"], found[0]["copies_filled"], found[1]["followers"]) == ("3", "2", "4")


@pytest.mark.parametrize("text", ["=1+1", "+49", "-1+1|cmd", "@SUM(A1)", "\tx", "\rx", "＝1", "%0A"])
def test_no_text_is_a_formula(text: str) -> None:
    assert cell_text(text) == f"'{text}"


def test_numbers_keep_their_minus_and_nothing_is_nothing() -> None:
    assert [cell_text(one) for one in (D("-1.50"), D("1E+3"), -2, None, "")] == ["-1.5", "1000", "-2", "", ""]


def test_a_name_with_commas_quotes_and_lines_stays_in_its_cell() -> None:
    name = 'Dawn, "Runner"\nof =Mara'
    named = built(PERSON, FEBRUARY, [subscription(strategy_name=name)], [strategy(name="=cmd()")])
    found = rows(summary_csv(named))
    assert [row["name"] for row in found] == [name, "'=cmd()"]


def test_lines_end_as_the_standard_says_and_the_mark_is_an_option() -> None:
    text = csv_text(("a", "b"), [("1", "ü")], bom=True)
    assert text == "\ufeffa,b\r\n1,ü\r\n"
    assert not csv_text(("a",), []).startswith(BOM)


def test_json_has_every_amount_as_text_and_no_number_that_is_none() -> None:
    told = json.loads(json.dumps(document(statement()), allow_nan=False))
    part = told["subscriptions"][0]
    assert part["money"]["net"] == "-5.8" and part["money"]["closing"] == "613.4"
    assert part["closed"][0]["realized"] == "20" and part["movements"][0]["kind"] == "fill"
    assert told["period"] == {
        "name": "2026-02",
        "kind": "month",
        "since": "2026-02-01T00:00:00.000Z",
        "until": "2026-03-01T00:00:00.000Z",
        "unfinished": False,
    }
    assert told["tax_document"] is False and told["strategies"][0]["earnings"] == {"settled": False}


def test_a_period_that_still_runs_says_so() -> None:
    running = replace(FEBRUARY, made_at=datetime(2026, 2, 10, tzinfo=UTC))
    assert document(built(PERSON, running, [], []))["period"]["unfinished"]
    assert built(PERSON, running, [subscription()], []).subscriptions[0].until == at(2, 10)

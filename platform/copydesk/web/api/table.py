"""Everything that the API offers: one table, of which the OpenAPI description and `platform/docs/api.md` are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from copydesk.performance.board import Market, Sort
from copydesk.performance.page import COMPARED_MAX
from copydesk.web.api.schemas import Shape

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}


@dataclass(frozen=True, slots=True)
class Given:
    """One parameter: where it stands ("path" or "query"), what it may be, and what it means."""

    name: str
    where: str
    schema: Schema
    meaning: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address. `own` ones need a session; `shape` is what comes back."""

    path: str
    name: str
    summary: str
    shape: Shape
    given: tuple[Given, ...] = ()
    own: bool = False


def _query(name: str, schema: Schema, meaning: str, *, required: bool = False) -> Given:
    return Given(name, "query", schema, meaning, required)


_SLUG = Given("slug", "path", TEXT, "The strategy, by the last part of its page's address.", required=True)

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "/strategies",
        "strategies",
        "The leaderboard: strategies filtered, best first, a page at a time.",
        Shape.BOARD,
        (
            _query(
                "sort", {"type": "string", "enum": [str(sort) for sort in Sort]}, "What comes first. Default: score."
            ),
            _query("market", {"type": "string", "enum": [str(one) for one in Market]}, "Which markets it must trade."),
            _query("exchange", TEXT, "Only of this exchange, by its name in small letters."),
            _query("risk_max", {"type": "integer", "minimum": 1, "maximum": 10}, "The highest risk score."),
            _query("drawdown_max", {"type": "number", "minimum": 0, "maximum": 1}, "The deepest fall, as a fraction."),
            _query("allocation_max", {"type": "number", "minimum": 0}, "Copied with no more than this allocation."),
            _query("style", TEXT, "Only of this style of trading."),
            _query("age_days_min", {"type": "integer", "minimum": 0}, "At least so many days of record."),
            _query("text", TEXT, "Part of a strategy's or a trader's name."),
            _query("limit", {"type": "integer", "minimum": 1, "maximum": 100}, "Strategies a page. Default: 25."),
            _query("after", TEXT, "The page behind the one whose `next` this is."),
        ),
    ),
    Endpoint("/strategies/<slug>", "strategy", "One strategy in full.", Shape.STRATEGY, (_SLUG,)),
    Endpoint(
        "/strategies/<slug>/equity",
        "equity",
        "One strategy's equity, index and drawdown over time.",
        Shape.EQUITY,
        (_SLUG, _query("days", TEXT, "The last so many days (1 to 3650), or `all`. Default: 90.")),
    ),
    Endpoint(
        "/compare",
        "compare",
        f"Up to {COMPARED_MAX} strategies beside each other.",
        Shape.COMPARISON,
        (_query("strategies", TEXT, "Their slugs, with commas between them.", required=True),),
    ),
    Endpoint(
        "/me/subscriptions", "subscriptions", "What you copy, and what it brought.", Shape.SUBSCRIPTIONS, own=True
    ),
    Endpoint(
        "/me/statement",
        "statement",
        "Your statement of a period, to the last digit.",
        Shape.STATEMENT,
        (
            _query(
                "period",
                TEXT,
                "`2026`, `2026-Q1`, `2026-02`, or two days: `2026-02-01--2026-02-14`. In UTC.",
                required=True,
            ),
        ),
        own=True,
    ),
)

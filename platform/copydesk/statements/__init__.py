"""Statements: what a period did to one person's money, as a model, as CSV and as PDF.

A follower's subscriptions are followed book by book to the last digit, as `replication.earnings` does; a trader's
strategies are told by their points (`performance`) and executions. Must not know web or language: words come from
outside (`port.Words`).
"""

from copydesk.statements.model import (
    ClosedPosition,
    Followers,
    Held,
    Money,
    MonthLine,
    Movement,
    MovementKind,
    Outcome,
    Person,
    Statement,
    StrategyPart,
    SubscriptionPart,
)
from copydesk.statements.own import OwnSubscription, own_subscriptions
from copydesk.statements.paper import statement_pdf
from copydesk.statements.period import Period, PeriodKind, months_between, period_between, period_named
from copydesk.statements.plain import document
from copydesk.statements.port import Look, Words
from copydesk.statements.read import read_person, read_statement
from copydesk.statements.sheets import summary_csv, transactions_csv

__all__ = [
    "ClosedPosition",
    "Followers",
    "Held",
    "Look",
    "Money",
    "MonthLine",
    "Movement",
    "MovementKind",
    "Outcome",
    "OwnSubscription",
    "Period",
    "PeriodKind",
    "Person",
    "Statement",
    "StrategyPart",
    "SubscriptionPart",
    "Words",
    "document",
    "months_between",
    "own_subscriptions",
    "period_between",
    "period_named",
    "read_person",
    "read_statement",
    "statement_pdf",
    "summary_csv",
    "transactions_csv",
]

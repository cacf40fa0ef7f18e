"""The worked examples of platform/docs/algorithms/sizing.md come true in the planner."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import ROUND_DOWN, Decimal

import pytest
from copydesk.kernel import decimal_text
from copydesk.replication.model import Book, Follower, Limits, SignalFact
from copydesk.replication.plan import plan_copies
from copydesk.trading import Instrument, SizingMode, SubscriptionState
from project import ROOT

PAGE = ROOT / "platform" / "docs" / "algorithms" / "sizing.md"
BTC = Instrument(
    "binance",
    "BTC/USDT",
    "BTCUSDT",
    "BTC",
    "USDT",
    px_tick=Decimal("0.01"),
    qty_step=Decimal("0.00001"),
    qty_min=Decimal("0.00001"),
    qty_max=Decimal(9000),
    notional_min=Decimal(5),
)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def rows() -> Iterator[dict[str, str]]:
    """Read every table of the page whose head begins with "before"."""
    head: list[str] = []
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if not cells or cells[0] == "before":
            head = cells
        elif head and head[0] == "before" and not cells[0].startswith("---"):
            yield dict(zip(head, cells, strict=True))


def outcome(row: dict[str, str]) -> tuple[str, str]:
    """Plan what a row describes and write it as the row does."""
    mode, _, value = row.get("sizing", "equity_ratio").partition(" ")
    before = Decimal(row["before"])
    signal = SignalFact(
        2,
        BTC.symbol,
        px=Decimal(60_000),
        position_before=before,
        position_after=Decimal(row["after"]),
        leader_equity=Decimal(100_000),
        venue_at=NOW,
        first_of_order=before == 0,
    )
    follower = Follower(
        1,
        1,
        SubscriptionState.SYNCED,
        usable=True,
        sizing_mode=SizingMode(mode),
        sizing_value=Decimal(value) if value else None,
        allocation=Decimal(row.get("allocation", 1000)),
        spent=Decimal(row.get("spent", 0)),
        book=Book(Decimal(row["held"]), Decimal(row["target"]), last_signal_id=1),
    )
    (planned,) = plan_copies(signal, [follower], BTC, Limits(50, 20_000), now=NOW)
    target = decimal_text(planned.target_qty.quantize(Decimal("0.00000001"), ROUND_DOWN))
    if planned.denial:
        return f"denied {planned.denial}", target
    bound = f" up to {decimal_text(planned.px)}" if planned.px is not None else ""
    return f"{planned.side} {decimal_text(planned.qty)}{bound}", target


@pytest.mark.parametrize("row", list(rows()), ids=lambda row: f"{row['before']} to {row['after']}, {row['order']}")
def test_a_worked_example_comes_true(row: dict[str, str]) -> None:
    assert outcome(row) == (row["order"], row["new target"])


def test_the_page_has_examples_of_both_directions() -> None:
    orders = [row["order"].split()[0] for row in rows()]
    assert {"buy", "sell", "denied"} <= set(orders)
    assert len(orders) >= 15

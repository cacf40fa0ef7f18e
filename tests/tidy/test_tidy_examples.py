"""The worked examples of platform/docs/algorithms/sizing.md come true in the planner."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import ROUND_DOWN, Decimal

import pytest
from copydesk.kernel import decimal_text
from copydesk.replication.model import Book, Follower, Limits, Planned, SignalFact
from copydesk.replication.plan import plan_copies
from copydesk.trading import Instrument, Side, SizePolicy, SizingMode, SubscriptionState
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


PERPETUAL = replace(
    BTC,
    symbol="BTC/USDT:USDT",
    px_tick=Decimal("0.1"),
    qty_step=Decimal("0.001"),
    qty_min=Decimal("0.001"),
    settle="USDT",
)


def rows(first: str = "before", *, within: str = "") -> Iterator[dict[str, str]]:
    """Read every table of the page whose head begins with that word: "before" on spot, "from" on perpetuals.

    `within` names another word that the head must have.
    """
    head: list[str] = []
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if not cells or cells[0] == first:
            head = cells
        elif head and head[0] == first and (not within or within in head) and not cells[0].startswith("---"):
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
    return written(planned), target_of(planned)


def perpetual_outcome(row: dict[str, str]) -> tuple[str, str]:
    """Plan what a row about a perpetual describes; the second leg of a reversal waits for the first."""
    signal = SignalFact(
        2,
        PERPETUAL.symbol,
        px=Decimal(50_000),
        position_before=Decimal(row["from"]),
        position_after=Decimal(row["to"]),
        leader_equity=Decimal(100_000),
        venue_at=NOW,
    )
    spent = Decimal(row["spent"])
    follower = Follower(
        1,
        1,
        SubscriptionState.SYNCED,
        usable=True,
        sizing_mode=SizingMode.EQUITY_RATIO,
        sizing_value=None,
        allocation=Decimal(row["allocation"]),
        spent=spent,
        book=Book(Decimal(row["held"]), Decimal(row["target"]), last_signal_id=1, cost=spent),
    )
    plans = plan_copies(signal, [follower], PERPETUAL, Limits(50, 20_000), now=NOW)
    assert [plan.waits for plan in plans if plan.denial is None][1:] in ([], [True])
    return ", then ".join(written(plan) for plan in plans), target_of(plans[-1])


def small_outcome(row: dict[str, str]) -> tuple[str, str, str]:
    """Plan what a row about an order that is too small describes, for an account of 50 USDT."""
    signal = SignalFact(
        2,
        BTC.symbol,
        px=Decimal(60_000),
        position_before=Decimal(row["from"]),
        position_after=Decimal(row["to"]),
        leader_equity=Decimal(100_000),
        venue_at=NOW,
        first_of_order=row["first"] == "yes",
    )
    held, target, carried = (Decimal(row[name]) for name in ("held", "target", "carried"))
    book = Book(held, target, last_signal_id=1, carried_qty=carried, carried_at=NOW if carried else None)
    follower = Follower(
        1,
        1,
        SubscriptionState.SYNCED,
        usable=True,
        sizing_mode=SizingMode.EQUITY_RATIO,
        sizing_value=None,
        allocation=Decimal(50),
        spent=held * 60_000,
        book=book,
        size_policy=SizePolicy(row["policy"]),
    )
    (planned,) = plan_copies(signal, [follower], BTC, Limits(50, 20_000), now=NOW)
    return written(planned), target_of(planned), decimal_text(planned.carried_qty)


def target_of(planned: Planned) -> str:
    return decimal_text(planned.target_qty.quantize(Decimal("0.00000001"), ROUND_DOWN))


def written(planned: Planned) -> str:
    """Write an order or a denial as the page does."""
    if planned.denial:
        return f"denied {planned.denial}"
    word = "up to" if planned.side is Side.BUY else "from"
    bound = f" {word} {decimal_text(planned.px)}" if planned.px is not None else ""
    return f"{planned.side} {decimal_text(planned.qty)}{bound}"


@pytest.mark.parametrize("row", list(rows()), ids=lambda row: f"{row['before']} to {row['after']}, {row['order']}")
def test_a_worked_example_comes_true(row: dict[str, str]) -> None:
    assert outcome(row) == (row["order"], row["new target"])


@pytest.mark.parametrize("row", list(rows("from")), ids=lambda row: f"{row['from']} to {row['to']}, {row['orders']}")
def test_a_worked_example_of_a_perpetual_comes_true(row: dict[str, str]) -> None:
    assert perpetual_outcome(row) == (row["orders"], row["new target"])


@pytest.mark.parametrize(
    "row", list(rows("policy", within="first")), ids=lambda row: f"{row['policy']}, {row['to']}, {row['order']}"
)
def test_a_worked_example_of_a_small_order_comes_true(row: dict[str, str]) -> None:
    assert small_outcome(row) == (row["order"], row["new target"], row["new carried"])


def test_the_page_has_examples_of_every_policy_for_small_orders() -> None:
    assert {row["policy"] for row in rows("policy", within="first")} == set(SizePolicy)


def test_the_page_has_examples_of_reversals_and_of_both_directions() -> None:
    orders = [row["orders"] for row in rows("from")]
    assert any(", then " in order for order in orders)
    assert {"buy", "sell", "denied"} <= {order.split()[0] for order in orders}


def test_the_page_has_examples_of_both_directions() -> None:
    orders = [row["order"].split()[0] for row in rows()]
    assert {"buy", "sell", "denied"} <= set(orders)
    assert len(orders) >= 15

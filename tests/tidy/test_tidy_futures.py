"""The worked numbers about futures in platform/docs/algorithms/risk.md come true."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from copydesk.risk.futures import Held, LeverageBound, funding_payment, leverage_permitted, standing
from copydesk.trading import Bracket
from project import ROOT

D = Decimal
PAGE = (ROOT / "platform" / "docs" / "algorithms" / "risk.md").read_text().partition("## Futures")[2]
BRACKETS = (Bracket(D(300_000), 125, D("0.004")), Bracket(D(1_500_000), 62, D("0.0081"), D(1230)))
PX = D(50_000)
CENT = D("0.01")


def rows(head: str) -> Iterator[list[str]]:
    """Read the cells of the one table whose head ends so."""
    table = PAGE.partition(head)[2].partition("\n\n")[0]
    lines = table.strip().splitlines()[1:]
    assert lines, head
    for line in lines:
        yield [cell.strip().replace(" ", "") for cell in line.strip("|").split("|")]


def test_leverage_is_bound_as_the_page_says() -> None:
    for position, own, brand, leverage, by in rows("| set to | bound by |"):
        found = leverage_permitted(
            leader=100,
            follower_max=None if own == "–" else int(own),
            brand_max=int(brand),
            brackets=BRACKETS,
            notional=D(position),
        )
        assert (found.leverage, found.by) == (int(leverage), LeverageBound.LEADER if by == "–" else LeverageBound(by))


def test_positions_are_liquidated_where_the_page_says() -> None:
    for position, behind, liquidated_at, away in rows("| liquidated at | distance |"):
        qty = D("0.02") if "0.02" in position else D(1)
        stands = standing(Held(qty, PX, PX, D(behind), BRACKETS))
        assert stands.liquidation_px is not None and stands.distance_ratio is not None
        assert stands.liquidation_px.quantize(CENT) == D(liquidated_at), position
        assert (stands.distance_ratio * 100).quantize(CENT) == D(away.rstrip("%")), position


def test_funding_is_what_the_page_says() -> None:
    for qty, mark, rate, payment in rows("| rate | next payment |"):
        assert funding_payment(D(qty), D(mark), D(rate.rstrip("%")) / 100) == D(payment)

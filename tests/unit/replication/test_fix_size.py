"""How much of an excess a corrective close may sell."""

from __future__ import annotations

from dataclasses import replace

import pytest
from copydesk.replication.excess import Excess
from copydesk.trading import PositionSide, Side
from perpetual_values import PERP
from plan_values import BTC, D


def excess(qty: str, target: str, px: int = 50_000) -> Excess:
    return Excess(1, 11, "BTC/USDT", PositionSide.NET, D(qty), D(target), 10, D(px), 0)


def test_the_excess_is_sold_down_to_the_step() -> None:
    assert excess("0.0100199", "0.005").closable_qty(BTC) == D("0.00501")


@pytest.mark.parametrize(("qty", "target"), [("0.01", "0.0099999"), ("0.01", "0.00995"), ("0.000099", "0")])
def test_dust_is_not_sold(qty: str, target: str) -> None:
    assert excess(qty, target).closable_qty(BTC) == 0


def test_what_is_dust_depends_on_the_price() -> None:
    assert excess("0.0002", "0").closable_qty(BTC) == D("0.0002")
    assert excess("0.0002", "0", px=20_000).closable_qty(BTC) == 0


@pytest.mark.parametrize(
    ("qty", "target", "side", "closed"),
    [
        ("-0.01", "-0.004", Side.BUY, "0.006"),
        ("-0.01", "0", Side.BUY, "0.01"),
        ("0.01", "-0.004", Side.SELL, "0.01"),
        ("-0.01", "0.004", Side.BUY, "0.01"),
        ("-0.0009", "0", Side.BUY, "0"),
    ],
)
def test_a_perpetual_is_closed_towards_zero_and_never_beyond(qty: str, target: str, side: Side, closed: str) -> None:
    over = Excess(1, 11, PERP.symbol, PositionSide.NET, D(qty), D(target), 10, D(50_000), 0)
    assert (over.side, over.closable_qty(PERP)) == (side, D(closed))


def test_no_more_is_sold_at_once_than_the_exchange_takes() -> None:
    assert excess("5", "0").closable_qty(replace(BTC, qty_max=D(2))) == 2

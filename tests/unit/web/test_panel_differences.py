"""What differs between two values of a setting: plain ones, lists, maps, and lists of maps."""

from __future__ import annotations

from decimal import Decimal

import pytest
from copydesk.web.panel.differences import Difference, differences

BINANCE = {"venue": "binance", "environment": "lab", "markets": ["BTC/USDT"]}
OKX = {"venue": "okx", "environment": "lab", "markets": ["BTC/USDT", "ETH/USDT"]}


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (40, 40, []),
        (40, 60, [("", 40, 60)]),
        (None, "#112233", [("", None, "#112233")]),
        (["a", "b"], ["b", "c"], [("", "a", None), ("", None, "c")]),
        (["a", "b"], ["b", "a"], [("", ["a", "b"], ["b", "a"])]),
        ({}, {"BTC/USDT": {"on": False}}, [("BTC/USDT on", None, False)]),
        ({"BTC/USDT": {"on": False}}, {}, [("BTC/USDT on", False, None)]),
        (
            {"BTC/USDT": {"on": True, "payout": Decimal(1)}},
            {"BTC/USDT": {"on": True, "payout": Decimal("0.9")}},
            [("BTC/USDT payout", Decimal(1), Decimal("0.9"))],
        ),
        ([BINANCE, OKX], [OKX], [("binance venue", "binance", None), ("binance environment", "lab", None)]),
        ([OKX], [{**OKX, "broker_id": "DESK1"}], [("okx broker_id", None, "DESK1")]),
        ([OKX], [{**OKX, "markets": ["ETH/USDT"]}], [("okx markets", "BTC/USDT", None)]),
        ([{**OKX, "broker_id": None}], [OKX], []),
    ],
)
def test_each_place_that_differs_is_named_with_both_values(
    before: object, after: object, found: list[tuple[str, object, object]]
) -> None:
    told = differences(before, after)
    assert list(told[: len(found)]) == [Difference(*one) for one in found]
    assert bool(told) == bool(found)


def test_what_an_exchange_that_goes_had_is_told_with_it() -> None:
    told = differences([BINANCE, OKX], [OKX])
    assert Difference("binance markets", ["BTC/USDT"], None) in told

"""How OKX's adapter words orders and reads instruments, balances, positions and rights.

Payloads from OKX API guide v5: Place order, Place algo order, Instruments, Position tiers, Balance, Positions, Account
configuration.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from copydesk.kernel import VenueRefused
from copydesk.trading import Bracket, Denial, Instrument, MarginMode, OrderRequest, OrderType, PositionSide, Side
from copydesk.venues.model import Balance
from copydesk.venues.okx.account import (
    balances_of,
    brackets_of,
    key_scope_of,
    perpetual_instruments,
    positions_of,
    spot_instruments,
)
from copydesk.venues.okx.orders import conditional_view, order_params, order_view
from json_exchange import OKX_BTC, OKX_PERP, known

D = Decimal
BUY, SELL = Side.BUY, Side.SELL
PREOPEN = {"instId": "ETH-USD_UM-SWAP", "instType": "SWAP", "state": "preopen"}
SWAP: dict[str, Any] = {
    "instType": "SWAP", "instId": "BTC-USDT-SWAP", "baseCcy": "", "quoteCcy": "", "settleCcy": "USDT",
    "uly": "BTC-USDT", "ctVal": "0.01", "ctMult": "1", "ctValCcy": "BTC", "ctType": "linear", "tickSz": "0.1",
    "lotSz": "0.01", "minSz": "0.01", "maxLmtSz": "100000000", "maxMktSz": "12000", "lever": "100", "state": "live",
}  # fmt: skip
PAIR: dict[str, Any] = {
    "instType": "SPOT", "instId": "BTC-USDT", "baseCcy": "BTC", "quoteCcy": "USDT", "tickSz": "0.1",
    "lotSz": "0.00000001", "minSz": "0.00001", "maxLmtSz": "9999999999", "maxMktSz": "1000000", "state": "live",
}  # fmt: skip


def worded(side: Side, kind: OrderType, of: Instrument = OKX_PERP, **more: Any) -> dict[str, Any]:
    return order_params(OrderRequest("b15", of.symbol, side, kind, D("0.03"), **more), of, "")


def test_a_swap_is_ordered_in_contracts_and_a_pair_in_base_units() -> None:
    assert worded(BUY, OrderType.MARKET)["sz"] == "3"
    assert worded(BUY, OrderType.MARKET, OKX_BTC)["sz"] == "0.03"


@pytest.mark.parametrize(
    ("kind", "prices"),
    [
        (OrderType.MARKET, {}),
        (OrderType.STOP_MARKET, {"trigger_px": D(61000)}),
        (OrderType.TAKE_PROFIT_MARKET, {"trigger_px": D(59000)}),
    ],
)
def test_whatever_buys_a_pair_at_market_says_that_its_size_is_not_what_it_spends(
    kind: OrderType, prices: dict[str, Any]
) -> None:
    assert worded(BUY, kind, OKX_BTC, **prices)["tgtCcy"] == "base_ccy"
    assert "tgtCcy" not in worded(BUY, kind, OKX_PERP, **prices)


def test_a_quantity_between_the_steps_of_now_is_refused_by_name() -> None:
    """OKX changes lot sizes: what was planned by the older one would otherwise never be sent and never be ended."""
    coarser = replace(OKX_PERP, qty_step=D("0.02"))
    with pytest.raises(VenueRefused) as refused:
        worded(BUY, OrderType.MARKET, coarser)
    assert refused.value.code == Denial.BELOW_QTY_MIN.value


def test_a_limit_names_no_unit_unless_it_waits_for_a_trigger() -> None:
    """Of an algo order a purchase is counted in quote currency where nothing is said."""
    assert "tgtCcy" not in worded(BUY, OrderType.LIMIT, OKX_BTC, px=D(61100))
    waits = worded(BUY, OrderType.STOP_LIMIT, OKX_BTC, px=D(61100), trigger_px=D(61000))
    assert waits["tgtCcy"] == "base_ccy"


def test_a_close_is_reduce_only_in_one_way_mode_and_told_by_its_side_in_hedge_mode() -> None:
    assert worded(SELL, OrderType.MARKET, reduces=True)["reduceOnly"] is True
    hedged = worded(SELL, OrderType.MARKET, reduces=True, position_side=PositionSide.LONG)
    assert (hedged["side"], hedged["posSide"]) == ("sell", "long")
    assert "reduceOnly" not in hedged
    assert "reduceOnly" not in worded(SELL, OrderType.MARKET, OKX_BTC, reduces=True)


def test_each_order_names_its_margin_mode() -> None:
    assert worded(BUY, OrderType.MARKET)["tdMode"] == "cross"
    assert worded(BUY, OrderType.MARKET, margin_mode=MarginMode.ISOLATED)["tdMode"] == "isolated"
    assert worded(BUY, OrderType.MARKET, OKX_BTC)["tdMode"] == "cash"


def test_a_pair_s_order_without_a_position_side_is_read() -> None:
    row = {
        "instType": "SPOT", "ordId": "1", "clOrdId": "", "side": "sell", "posSide": "", "sz": "0.03", "accFillSz": "",
        "avgPx": "", "state": "live", "uTime": "1597026383085",
    }  # fmt: skip
    view = order_view(row, OKX_BTC)
    assert (view.position_side, view.cum_qty, view.avg_px, view.qty) == (PositionSide.NET, 0, None, D("0.03"))


def test_a_conditional_order_that_closes_a_whole_position_has_no_size() -> None:
    row = {
        "algoId": "7", "algoClOrdId": "", "side": "sell", "posSide": "long", "sz": "", "state": "live",
        "cTime": "1724751378980", "uTime": "",
    }  # fmt: skip
    assert conditional_view(row, OKX_PERP).qty == 0


def test_a_contract_that_has_only_a_name_yet_does_not_spoil_the_list() -> None:
    assert list(perpetual_instruments([PREOPEN, SWAP])) == ["BTC/USDT:USDT"]
    nameless = PAIR | {"instId": "NEW-USDT", "baseCcy": "", "tickSz": "", "state": "preopen"}
    assert list(spot_instruments([nameless, PAIR])) == ["BTC/USDT"]


def test_a_contract_s_steps_are_told_in_base_units() -> None:
    (swap,) = perpetual_instruments([SWAP]).values()
    assert (swap.contract_size, swap.qty_step, swap.qty_min) == (D("0.01"), D("0.0001"), D("0.0001"))
    assert swap.qty_max == D(120), "the smaller of the limit's and the market's bound"


def test_contracts_that_are_not_settled_in_their_quote_currency_are_left_out() -> None:
    inverse = SWAP | {"instId": "BTC-USD-SWAP", "uly": "BTC-USD", "ctType": "inverse", "settleCcy": "BTC"}
    other = SWAP | {"instId": "BTC-USD_UM-SWAP", "uly": "BTC-USD", "settleCcy": "USDG"}
    assert perpetual_instruments([inverse, other]) == {}


def test_a_suspended_instrument_is_listed_and_not_traded() -> None:
    assert not perpetual_instruments([SWAP | {"state": "suspend"}])["BTC/USDT:USDT"].trading


@pytest.mark.parametrize(
    ("row", "balance"),
    [
        ({"cashBal": "100", "availBal": "60", "availEq": "60"}, Balance(D(60), D(40))),
        ({"cashBal": "100", "availBal": "", "availEq": "70"}, Balance(D(70), D(30))),
        ({"cashBal": "100", "availBal": "140", "availEq": "140"}, Balance(D(100), D(0))),  # Profit not realized yet.
        ({"cashBal": "-30", "availBal": "0", "availEq": "0"}, Balance(D(0), D(-30))),  # Borrowed.
    ],
)
def test_free_and_locked_add_up_to_what_is_owned(row: dict[str, str], balance: Balance) -> None:
    assert balances_of([{"details": [{"ccy": "USDT", **row}]}]) == {"USDT": balance}


def held(**more: str) -> dict[str, str]:
    return {
        "instId": "BTC-USDT-SWAP", "posSide": "net", "pos": "-3", "avgPx": "60000", "markPx": "59000", "lever": "10.00",
        "mgnMode": "cross", "upl": "30", "liqPx": "",
    } | more  # fmt: skip


def test_positions_are_signed_base_units() -> None:
    symbols = known(OKX_BTC, OKX_PERP)
    rows = [held(), held(posSide="long", pos="3"), held(posSide="short", pos="3"), held(pos="0")]
    net, long, short = positions_of(rows, symbols)
    assert [(p.side.value, p.qty) for p in (net, long, short)] == [
        ("net", D("-0.03")),
        ("long", D("0.03")),
        ("short", D("-0.03")),
    ]
    assert (net.leverage, net.liquidation_px) == (10, None)


def test_an_isolated_position_has_margin_of_its_own() -> None:
    cross, own = positions_of([held(margin=""), held(mgnMode="isolated", margin="180.5")], known(OKX_PERP))
    assert (cross.margin, own.margin) == (None, D("180.5"))


def test_tiers_count_contracts_and_have_nothing_to_deduct() -> None:
    tier = {
        "baseMaxLoan": "", "imr": "0.01", "instFamily": "BTC-USDT", "instId": "", "maxLever": "100", "maxSz": "1000",
        "minSz": "0", "mmr": "0.004", "optMgnFactor": "0", "quoteMaxLoan": "", "tier": "1", "uly": "BTC-USDT",
    }  # fmt: skip
    second = tier | {"tier": "2", "maxLever": "66.66", "maxSz": "2000", "mmr": "0.005"}
    # A contract is 0.01 BTC here.
    assert brackets_of([second, tier], OKX_PERP, D(60_000)) == (
        Bracket(D(600_000), 100, D("0.004")),
        Bracket(D(1_200_000), 66, D("0.005")),
    )


def test_broken_leverage_counts_as_the_whole_number_below_so_that_nobody_takes_more() -> None:
    (position,) = positions_of([held(lever="3.5")], known(OKX_PERP))
    assert position.leverage == 3


def test_a_right_that_no_list_names_makes_a_key_unsafe() -> None:
    config = {"perm": "read_only,trade", "ip": "1.2.3.4", "acctLv": "2"}
    assert key_scope_of(config).denial() is None
    assert key_scope_of(config | {"perm": "read_only,trade,lend"}).unknown == {"lend"}
    assert key_scope_of(config | {"perm": "read_only,withdraw,trade"}).can_withdraw
    assert not key_scope_of(config | {"acctLv": "1"}).can_trade_perpetuals
    assert not key_scope_of(config | {"ip": ""}).ip_bound

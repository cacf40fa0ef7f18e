"""How Bybit's adapter words orders and reads instruments, balances and rights.

Payloads from Bybit v5 API: Place Order, Get Instruments Info, Get Risk Limit, Get Wallet Balance, Get API Key
Information.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from copydesk.kernel import VenueRefused
from copydesk.trading import Bracket, Credentials, Denial, Instrument, OrderRequest, OrderType, PositionSide, Side
from copydesk.venues.bybit.account import balances_of, brackets_of, key_scope_of, perpetual_instruments
from copydesk.venues.bybit.orders import order_params
from copydesk.venues.bybit.traits import REST
from copydesk.venues.bybit.wire import BybitWire
from copydesk.venues.model import Balance
from copydesk.venues.traits import LimitUnit
from json_exchange import BYBIT_BTC, BYBIT_PERP

D = Decimal
BUY, SELL = Side.BUY, Side.SELL
LINEAR: dict[str, Any] = {
    "symbol": "BTCUSDT", "contractType": "LinearPerpetual", "status": "Trading", "baseCoin": "BTC",
    "quoteCoin": "USDT", "settleCoin": "USDT", "leverageFilter": {"maxLeverage": "100.00"},
    "priceFilter": {"tickSize": "0.10"},
    "lotSizeFilter": {"maxOrderQty": "1190.000", "minOrderQty": "0.001", "qtyStep": "0.001"},
}  # fmt: skip


def worded(side: Side, kind: OrderType, of: Instrument = BYBIT_PERP, **more: Any) -> dict[str, Any]:
    return order_params(OrderRequest("cd-1", of.symbol, side, kind, D("0.03"), **more), of)


@pytest.mark.parametrize("maint", ["0.5", "0.005"])
def test_a_tier_is_read_whether_its_maintenance_is_told_in_percent_or_as_a_ratio(maint: str) -> None:
    row = {"id": 1, "symbol": "BTCUSDT", "riskLimitValue": "2000000", "maintenanceMargin": maint, "initialMargin": "1",
           "isLowestRisk": 1, "maxLeverage": "100.00", "mmDeduction": ""}  # fmt: skip
    second = row | {"id": 2, "riskLimitValue": "2600000", "maxLeverage": "90.00", "mmDeduction": "1200"}
    assert brackets_of({"category": "linear", "list": [second, row]}) == (
        Bracket(D(2_000_000), 100, D("0.005")),
        Bracket(D(2_600_000), 90, D("0.005"), D(1200)),
    )


def test_a_hedge_order_names_its_position_and_a_close_is_reduce_only_in_both_modes() -> None:
    one_way = worded(SELL, OrderType.MARKET, reduces=True)
    assert (one_way["positionIdx"], one_way["reduceOnly"]) == (0, True)
    hedged = worded(BUY, OrderType.MARKET, reduces=True, position_side=PositionSide.SHORT)
    assert (hedged["side"], hedged["positionIdx"], hedged["reduceOnly"]) == ("Buy", 2, True)
    assert "reduceOnly" not in worded(SELL, OrderType.MARKET, BYBIT_BTC, reduces=True)


@pytest.mark.parametrize("kind", [OrderType.MARKET, OrderType.STOP_MARKET])
def test_whatever_trades_a_pair_at_market_names_base_units(kind: OrderType) -> None:
    prices = {"trigger_px": D(61000)} if kind.conditional else {}
    assert worded(BUY, kind, BYBIT_BTC, **prices)["marketUnit"] == "baseCoin"


@pytest.mark.parametrize(
    ("kind", "side", "direction"),
    [
        (OrderType.STOP_MARKET, BUY, 1),
        (OrderType.STOP_MARKET, SELL, 2),
        (OrderType.TAKE_PROFIT_MARKET, BUY, 2),
        (OrderType.TAKE_PROFIT_MARKET, SELL, 1),
    ],
)
def test_a_contract_s_trigger_names_the_direction_it_waits_for(kind: OrderType, side: Side, direction: int) -> None:
    assert worded(side, kind, trigger_px=D(61000))["triggerDirection"] == direction
    assert "triggerDirection" not in worded(side, kind, BYBIT_BTC, trigger_px=D(61000))


def test_contracts_keep_the_multiple_in_their_name_and_the_coin_that_settles_them() -> None:
    many = LINEAR | {"symbol": "1000PEPEUSDT", "baseCoin": "1000PEPE"}
    usdc = LINEAR | {"symbol": "BTCPERP", "quoteCoin": "USDC", "settleCoin": "USDC"}
    dated = LINEAR | {"symbol": "BTCUSDT-26DEC26", "contractType": "LinearFutures"}
    assert list(perpetual_instruments([LINEAR, many, usdc, dated])) == [
        "BTC/USDT:USDT",
        "1000PEPE/USDT:USDT",
        "BTC/USDC:USDC",
    ]


def coin(**more: str) -> dict[str, str]:
    return {
        "coin": "USDT", "walletBalance": "100", "locked": "10", "totalOrderIM": "5", "totalPositionIM": "25",
        "spotBorrow": "0",
    } | more  # fmt: skip


@pytest.mark.parametrize(
    ("row", "balance"),
    [
        (coin(), Balance(D(60), D(40))),
        (coin(totalOrderIM="", totalPositionIM=""), Balance(D(90), D(10))),  # Portfolio margin tells none of one coin.
        (coin(totalPositionIM="500"), Balance(D(0), D(100))),  # Backed by other coins.
        (coin(walletBalance="-20", locked="0", totalOrderIM="0", totalPositionIM="0"), Balance(D(0), D(-20))),
        (coin(spotBorrow="30"), Balance(D(30), D(40))),  # What was borrowed is in the wallet and not owned.
        (coin(spotBorrow="130"), Balance(D(0), D(-30))),
    ],
)
def test_free_and_locked_add_up_to_what_is_owned(row: dict[str, str], balance: Balance) -> None:
    assert balances_of({"list": [{"coin": [row]}]}) == {"USDT": balance}


def key(*rights: str, **more: Any) -> dict[str, Any]:
    return {"uta": 1, "readOnly": 0, "ips": ["1.2.3.4"], "permissions": {"ContractTrade": list(rights)}} | more


def test_rights_count_by_a_list_of_ours() -> None:
    good = ("Order", "Position", "SpotTrade", "AccountTransfer")
    assert key_scope_of(key(*good)).denial() is None
    assert key_scope_of(key(*good, "Withdraw")).denial() is Denial.KEY_CAN_WITHDRAW
    assert key_scope_of(key(*good, "SubMemberTransfer")).denial() is Denial.KEY_CAN_TRANSFER
    assert key_scope_of(key(*good, "FiatP2POrder")).denial() is Denial.KEY_RIGHTS_UNKNOWN
    assert key_scope_of(key(*good, readOnly=1)).denial() is Denial.KEY_READ_ONLY
    assert not key_scope_of(key("SpotTrade", "Order")).can_trade_perpetuals


@pytest.mark.parametrize("ips", [["*"], [], ["1.2.3.4", "*"]])
def test_a_key_that_any_address_may_use_is_not_bound(ips: list[str]) -> None:
    assert not key_scope_of(key("SpotTrade", ips=ips)).ip_bound


def test_a_classic_account_is_refused_by_name() -> None:
    with pytest.raises(VenueRefused) as refused:
        key_scope_of(key("SpotTrade", uta=0))
    assert refused.value.code == Denial.KEY_ACCOUNT_TYPE_WRONG.value


def test_usage_is_what_the_headers_leave_of_the_limit() -> None:
    limit = b"HTTP/1.1 200 OK\r\nX-Bapi-Limit: 20"
    left = b"\r\nX-Bapi-Limit-Status: 17\r\nX-Bapi-Limit-Reset-Timestamp: 1"
    endpoint = REST.endpoints["query"]
    assert BybitWire("").reported(endpoint, limit + left) == {(LimitUnit.REQUESTS, 1, "order_realtime"): 3}
    assert BybitWire("").reported(REST.endpoints["time"], limit + left) == {}
    assert BybitWire("").reported(endpoint, limit) == {}


def test_a_name_beyond_ascii_is_signed_and_sent() -> None:
    _, headers, body = BybitWire("").render(
        REST.endpoints["submit_spot"], {"symbol": "龙虾USDT"}, Credentials(1, "key", "s" * 32), 1_700_000_000_000
    )
    assert "龙虾USDT" in body.decode()
    assert "X-BAPI-RECV-WINDOW: 2000" in headers

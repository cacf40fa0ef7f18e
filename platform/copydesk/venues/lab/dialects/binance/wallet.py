"""The lab as Binance's wallet API (`/sapi`): what a key may do, coins, fees, and money between wallets.

Every path has weights of its own: 12,000 a minute per address, or 180,000 per account where it counts accounts
(binance-spot-api-docs, "API Limits" of the wallet; the vendor's SDK gives the weight of each call).
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import orjson

from copydesk.venues.lab.accounts import Account
from copydesk.venues.lab.dialects.binance.errors import ApiError, rejected
from copydesk.venues.lab.dialects.binance.front import Front
from copydesk.venues.lab.dialects.binance.meters import NoOrders
from copydesk.venues.lab.dialects.binance.params import Call, decimal_of, integer_of, limit_of, required
from copydesk.venues.lab.dialects.binance.routes import Route, Routes, instrument_of, route
from copydesk.venues.lab.dialects.binance.shapes import eight
from copydesk.venues.lab.exchange import FUNDING, FUTURES, TRADING, Exchange
from copydesk.venues.lab.keys import MARGIN, OTHER, PERP, READ, TRADE, TRANSFER, WITHDRAW
from copydesk.venues.lab.limits import Address, WeightMeter
from copydesk.venues.lab.model import Reject
from copydesk.venues.lab.server import Request

FEE_RATIO = "0.001"
ADDRESS_WEIGHT_MAX = 12_000
ACCOUNT_WEIGHT_MAX = 180_000
TRANSFERS_LEN = 1000
# What `type` of a universal transfer moves: from which wallet to which.
WALLETS = {"MAIN": TRADING, "UMFUTURE": FUTURES, "FUNDING": FUNDING}
PATHS = {f"{a}_{b}": (WALLETS[a], WALLETS[b]) for a in WALLETS for b in WALLETS if a != b}
TRANSFER_PATH = "/sapi/v1/asset/transfer"


class Transferred(NamedTuple):
    """One universal transfer that went through."""

    tran_id: int
    type: str
    asset: str
    amount: Decimal
    at_ms: int


class BinanceWallet(Front):
    """Answer the `/sapi` calls that count against an address."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exchange, ROUTES, WeightMeter(ADDRESS_WEIGHT_MAX), NoOrders())

    def meter(self, call: Call, request: Request) -> Address:
        return self.weights.address(f"{request.path} {call.ip}", call.now_ms)

    def usage(self, route: Route | None, call: Call, meter: Address) -> bytes:  # noqa: ARG002 - as elsewhere
        return b"x-sapi-used-ip-weight-1m: %d\r\n" % meter.used


class BinanceTransfers(Front):
    """Answer the universal transfer, which counts against an account, and remember what went through."""

    def __init__(self, exchange: Exchange) -> None:
        self.done: defaultdict[str, deque[Transferred]] = defaultdict(lambda: deque(maxlen=TRANSFERS_LEN))
        self._tran_id = int(exchange.now_ms())
        routes: Routes = {
            ("POST", TRANSFER_PATH): route(
                self._transfer, "type asset amount fromSymbol toSymbol", weight=300, needs=TRANSFER
            ),
            ("GET", TRANSFER_PATH): route(
                self._transferred, "type startTime endTime current size fromSymbol toSymbol", needs=READ
            ),
        }
        super().__init__(exchange, routes, WeightMeter(ACCOUNT_WEIGHT_MAX), NoOrders())

    def meter(self, call: Call, request: Request) -> Address:
        key = self.exchange.keys.get(request.headers.get(b"x-mbx-apikey", b"").decode("latin-1"))
        return self.weights.address(call.ip if key is None else key.account, call.now_ms)

    def usage(self, route: Route | None, call: Call, meter: Address) -> bytes:  # noqa: ARG002 - as elsewhere
        return b"x-sapi-used-uid-weight-1m: %d\r\n" % meter.used

    def _transfer(self, exchange: Exchange, call: Call) -> bytes:
        kind, asset, amount = required(call.params, "type"), required(call.params, "asset"), _amount(call)
        if kind not in PATHS:
            raise ApiError(-1130, "Data sent for parameter 'type' is not valid.")
        source, target = PATHS[kind]
        if FUTURES in (source, target) and asset != "USDT":
            raise ApiError(-5012, f"The asset '{asset}' is not supported.")
        reject = exchange.transfer(call.account, asset, amount, source, target)
        if reject is Reject.INSUFFICIENT_BALANCE:
            raise ApiError(-5013, "Asset transfer failed: insufficient balance")
        if reject is not None:
            raise rejected(reject)
        self._tran_id += 1
        self.done[call.account].append(Transferred(self._tran_id, kind, asset, amount, call.now_ms))
        return b'{"tranId":%d}' % self._tran_id

    def _transferred(self, _exchange: Exchange, call: Call) -> bytes:
        kind, size = required(call.params, "type"), min(integer_of(call.params, "size") or 10, 100)
        page = max(1, integer_of(call.params, "current") or 1)
        rows = [one for one in reversed(self.done[call.account]) if one.type == kind]
        return orjson.dumps(
            {
                "total": len(rows),
                "rows": [
                    {
                        "asset": one.asset,
                        "amount": eight(one.amount),
                        "type": one.type,
                        "status": "CONFIRMED",
                        "tranId": one.tran_id,
                        "timestamp": one.at_ms,
                    }
                    for one in rows[(page - 1) * size : page * size]
                ],
            }
        )


def _amount(call: Call) -> Decimal:
    required(call.params, "amount")
    amount = decimal_of(call.params, "amount")
    if not amount:
        raise ApiError(-9000, "amount must be greater than 0")
    return amount


def _restrictions(_exchange: Exchange, call: Call) -> bytes:
    key = call.key
    assert key is not None
    has = key.permissions
    answer: dict[str, Any] = {
        "ipRestrict": bool(key.ips),
        "createTime": key.created_ms,
        "enableReading": READ in has,
        "enableWithdrawals": WITHDRAW in has and bool(key.ips),
        "enableInternalTransfer": TRANSFER in has,
        "enableMargin": MARGIN in has,
        "enableFutures": PERP in has,
        "permitsUniversalTransfer": TRANSFER in has,
        "enableVanillaOptions": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": False,
        "enableSpotAndMarginTrading": TRADE in has,
        "enablePortfolioMarginTrading": False,
    }
    if key.expires_ms is not None:
        answer["tradingAuthorityExpirationTime"] = key.expires_ms
    if OTHER in has:
        answer["enableCustodyTrading"] = True  # Binance may add rights at any time: this one is on no list of its.
    return orjson.dumps(answer)


def _coins(exchange: Exchange, call: Call) -> bytes:
    assets = {asset for i in exchange.spot.instruments.values() for asset in (i.base, i.quote)}
    balances = exchange.spot.balances(call.account)
    return orjson.dumps([_coin(asset, *balances.get(asset, (0, 0))) for asset in sorted(assets)])


def _coin(asset: str, free: Any, locked: Any) -> dict[str, Any]:
    """Describe a coin; nothing can be deposited or withdrawn over a network here."""
    return {
        "coin": asset,
        "depositAllEnable": False,
        "free": eight(free),
        "freeze": "0",
        "ipoable": "0",
        "ipoing": "0",
        "isLegalMoney": False,
        "locked": eight(locked),
        "name": asset,
        "networkList": [],
        "storage": "0",
        "trading": True,
        "withdrawAllEnable": False,
        "withdrawing": "0",
    }


def _assets(balances: Mapping[str, tuple[Decimal, Decimal]], call: Call) -> list[dict[str, Any]]:
    """List what a wallet holds, or the one asset asked for."""
    chosen: Iterable[str] = balances
    if "asset" in call.params:
        chosen = [call.params["asset"]] if call.params["asset"] in balances else []
    return [
        {
            "asset": asset,
            "free": eight(balances[asset][0]),
            "locked": eight(balances[asset][1]),
            "freeze": "0",
            "withdrawing": "0",
            "btcValuation": "0",
        }
        for asset in chosen
        if any(balances[asset])
    ]


def _funding_assets(exchange: Exchange, call: Call) -> bytes:
    wallet = exchange.funding.get(call.account, Account(call.account))
    balances = {asset: (balance.free, balance.locked) for asset, balance in wallet.balances.items()}
    return orjson.dumps(_assets(balances, call))


def _user_assets(exchange: Exchange, call: Call) -> bytes:
    rows = _assets(exchange.spot.balances(call.account), call)
    return orjson.dumps([{**row, "ipoable": "0"} for row in rows])


def _trade_fee(exchange: Exchange, call: Call) -> bytes:
    chosen = [instrument_of(exchange, call)] if "symbol" in call.params else exchange.spot.instruments.values()
    return orjson.dumps(
        [{"symbol": i.venue_symbol, "makerCommission": FEE_RATIO, "takerCommission": FEE_RATIO} for i in chosen]
    )


def _no_pairs(_exchange: Exchange, _call: Call) -> bytes:
    return b"[]"


def _no_sub_accounts(_exchange: Exchange, call: Call) -> bytes:
    limit_of(call.params, 1, 200)
    return b'{"subAccounts":[]}'


def _system_status(_exchange: Exchange, _call: Call) -> bytes:
    return b'{"status":0,"msg":"normal"}'


def _account_status(_exchange: Exchange, _call: Call) -> bytes:
    return b'{"data":"Normal"}'


ROUTES: Routes = {
    ("GET", "/sapi/v1/account/apiRestrictions"): route(_restrictions, needs=READ),
    ("GET", "/sapi/v1/account/status"): route(_account_status, needs=READ),
    ("GET", "/sapi/v1/capital/config/getall"): route(_coins, weight=10, needs=READ),
    ("GET", "/sapi/v1/asset/tradeFee"): route(_trade_fee, "symbol", needs=READ),
    ("POST", "/sapi/v1/asset/get-funding-asset"): route(_funding_assets, "asset needBtcValuation", needs=READ),
    ("POST", "/sapi/v3/asset/getUserAsset"): route(_user_assets, "asset needBtcValuation", weight=5, needs=READ),
    ("GET", "/sapi/v1/margin/allPairs"): route(_no_pairs, "symbol", needs=READ),
    ("GET", "/sapi/v1/margin/isolated/allPairs"): route(_no_pairs, "symbol", needs=READ),
    ("GET", "/sapi/v1/sub-account/list"): route(_no_sub_accounts, "email isFreeze page limit", needs=READ),
    ("GET", "/sapi/v1/system/status"): route(_system_status),
}

"""Bybit's asset endpoints: coins, the funding wallet, and transfers between it and the unified account.

Source: v5 documentation, "Asset". Coins can be moved between wallets, but neither deposited nor withdrawn over a chain.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import orjson

from copydesk.kernel import ZERO, decimal_text
from copydesk.venues.lab.dialects.bybit import errors
from copydesk.venues.lab.dialects.bybit.ids import user_id
from copydesk.venues.lab.dialects.bybit.limits import per_minute, per_second
from copydesk.venues.lab.dialects.bybit.listing import page_of, span_of
from copydesk.venues.lab.dialects.bybit.params import Call, decimal_of, limit_of, required, text_of
from copydesk.venues.lab.dialects.bybit.routes import ANY, Route, Routes
from copydesk.venues.lab.dialects.bybit.wallet import transferable
from copydesk.venues.lab.exchange import FUNDING, TRADING, Exchange
from copydesk.venues.lab.keys import TRANSFER

WALLETS = {"UNIFIED": TRADING, "FUND": FUNDING}
# The account types as Bybit numbers them.
BIZ_TYPES = {"UNIFIED": 1, "FUND": 2}
COINS_MAX = 10
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def coins_of(exchange: Exchange) -> list[str]:
    """Name every coin that something here trades, in order."""
    return sorted({asset for i in exchange.spot.instruments.values() for asset in (i.base, i.quote)})


def _coin_info(exchange: Exchange, call: Call) -> bytes:
    asked = text_of(call.params, "coin")
    rows = [_coin_row(coin) for coin in coins_of(exchange) if asked in ("", coin)]
    return orjson.dumps({"rows": rows})


def _coin_row(coin: str) -> dict[str, Any]:
    return {"name": coin, "coin": coin, "remainAmount": "0", "chains": []}


def _amounts(exchange: Exchange, account: str, account_type: str, coin: str) -> tuple[Decimal, Decimal]:
    """Return what a wallet has of a coin, and how much of that may be moved."""
    if account_type == "FUND":
        free = exchange.funding[account].balances[coin].free
        return free, free
    balance = exchange.spot.account_table[account].balances[coin]
    return balance.free + balance.locked, transferable(exchange, account, coin)


def _account_type(call: Call, name: str = "accountType") -> str:
    kind = required(call.params, name)
    if kind not in WALLETS:
        raise errors.ApiError(131204, "Account info error")
    return kind


def _balances(exchange: Exchange, call: Call) -> bytes:
    kind = _account_type(call)
    coins = [coin for coin in text_of(call.params, "coin").split(",") if coin]
    if kind == "UNIFIED" and not 0 < len(coins) <= COINS_MAX:
        raise errors.ApiError(131203, "Request parameter error")
    listed = []
    for coin in coins or coins_of(exchange):
        wallet, movable = _amounts(exchange, call.account, kind, coin)
        row = {
            "coin": coin,
            "transferBalance": decimal_text(movable),
            "walletBalance": decimal_text(wallet),
            "bonus": "",
        }
        listed.append(row)
    return orjson.dumps({"memberId": str(user_id(call.account)), "accountType": kind, "balance": listed})


def _balance(exchange: Exchange, call: Call) -> bytes:
    kind, coin = _account_type(call), required(call.params, "coin")
    wallet, movable = _amounts(exchange, call.account, kind, coin)
    uid = user_id(call.account)
    return orjson.dumps(
        {
            "accountType": kind,
            "bizType": BIZ_TYPES[kind],
            "accountId": str(uid + BIZ_TYPES[kind]),
            "memberId": str(uid),
            "balance": {
                "coin": coin,
                "walletBalance": decimal_text(wallet),
                "transferBalance": decimal_text(movable),
                "bonus": "0",
                "transferSafeAmount": "",
                "ltvTransferSafeAmount": "",
            },
        }
    )


def _transfer(exchange: Exchange, call: Call) -> bytes:
    params, account = call.params, call.account
    transfer_id, coin = text_of(params, "transferId"), text_of(params, "coin")
    if _UUID.fullmatch(transfer_id) is None or coin not in coins_of(exchange):
        raise errors.ApiError(131203, "Request parameter error")
    source, target = _account_type(call, "fromAccountType"), _account_type(call, "toAccountType")
    if source == target:
        raise errors.ApiError(131211, "fromAccountType can't be the same as toAccountType")
    done = call.memory.transfers.setdefault(account, [])
    if any(one["transferId"] == transfer_id for one in done):
        raise errors.ApiError(131214, "TransferId exist")
    amount = decimal_of(params, "amount")
    if amount is None or amount <= ZERO:
        raise errors.ApiError(131215, "Amount error")
    if amount != round(amount, 8):
        raise errors.ApiError(131210, "Amount accuracy error")
    reject = exchange.transfer(account, coin, amount, WALLETS[source], WALLETS[target])
    if reject is not None:
        raise errors.ApiError(131212, "Insufficient balance")
    done.append(
        {
            "transferId": transfer_id,
            "coin": coin,
            "amount": decimal_text(amount),
            "fromAccountType": source,
            "toAccountType": target,
            "timestamp": str(call.now_ms),
            "status": "SUCCESS",
        }
    )
    return orjson.dumps({"transferId": transfer_id, "status": "SUCCESS"})


def _transfers(_exchange: Exchange, call: Call) -> bytes:
    params, (start, end) = call.params, span_of(call.params, call.now_ms)
    asked = {name: text_of(params, name) for name in ("transferId", "coin", "status") if text_of(params, name)}
    chosen = [
        one
        for one in reversed(call.memory.transfers.get(call.account, []))
        if start <= int(one["timestamp"]) <= end and all(one[name] == value for name, value in asked.items())
    ]
    page, cursor = page_of(params, chosen, lambda one: one["transferId"], limit_of(params, 20, 50))
    return orjson.dumps({"list": page, "nextPageCursor": cursor})


ROUTES: Routes = {
    ("GET", "/v5/asset/coin/query-info"): Route(_coin_info, ANY, per_second(5), says=b"success"),
    ("GET", "/v5/asset/transfer/query-account-coins-balance"): Route(_balances, ANY, per_second(5), says=b"success"),
    ("GET", "/v5/asset/transfer/query-account-coin-balance"): Route(_balance, ANY, per_second(450), says=b"success"),
    ("POST", "/v5/asset/transfer/inter-transfer"): Route(_transfer, TRANSFER, per_minute(60), says=b"success"),
    ("GET", "/v5/asset/transfer/query-inter-transfer-list"): Route(_transfers, ANY, per_minute(60), says=b"success"),
}

"""OKX endpoints about the funding account: currencies, balances and moves between the own wallets.

Source: okx.com/docs-v5, "Funding Account". Wallet 6 is funding, 18 trading. Nothing can be deposited or withdrawn over
a chain, and sub-accounts are not simulated; transfers are remembered until the process ends.
"""

from __future__ import annotations

from typing import Any

from copydesk.kernel import ZERO, decimal_text
from copydesk.venues.lab.dialects.okx import errors
from copydesk.venues.lab.dialects.okx.account import assets_of
from copydesk.venues.lab.dialects.okx.desk import Desk
from copydesk.venues.lab.dialects.okx.params import Call, decimal_of, required, text_of
from copydesk.venues.lab.dialects.okx.routes import TRADE, Routes, private
from copydesk.venues.lab.exchange import FUNDING, TRADING

ONE_SECOND_MS = 1000
WALLETS = {"6": FUNDING, "18": TRADING}
CHAINS = {"BTC": "Bitcoin", "ETH": "ERC20", "SOL": "Solana", "XRP": "Ripple", "BNB": "BSC", "USDT": "ERC20"}
_EMPTY = ("burningFeeRate", "ctAddr", "depQuoteDailyLayer2", "fee", "logoLink", "minFee", "maxFee", "wdQuota")
_TRANSFER_ID_FIRST = 754_147


def _currency(asset: str) -> dict[str, Any]:
    return {
        **dict.fromkeys(_EMPTY, ""),
        "canDep": False,
        "canInternal": False,
        "canWd": False,
        "ccy": asset,
        "chain": f"{asset}-{CHAINS.get(asset, asset)}",
        "depQuotaFixed": "",
        "mainNet": True,
        "maxWd": "0",
        "minDep": "0",
        "minDepArrivalConfirm": "1",
        "minInternal": "0",
        "minWd": "0",
        "minWdUnlockConfirm": "1",
        "name": asset,
        "needTag": asset == "XRP",
        "usedDepQuotaFixed": "",
        "usedWdQuota": "0",
        "wdTickSz": "8",
    }


def _currencies(desk: Desk, call: Call) -> list[dict[str, Any]]:
    wanted = assets_of(call.params)
    return [_currency(asset) for asset in desk.catalog.currencies() if wanted is None or asset in wanted]


def _balances(desk: Desk, call: Call) -> list[dict[str, str]]:
    wanted, purse = assets_of(call.params), desk.exchange.funding[call.account]
    return [
        {
            "availBal": decimal_text(balance.free),
            "bal": decimal_text(balance.free + balance.locked),
            "ccy": asset,
            "frozenBal": decimal_text(balance.locked),
        }
        for asset, balance in sorted(purse.balances.items())
        if (balance.free or balance.locked) and (wanted is None or asset in wanted)
    ]


def _transfer(desk: Desk, call: Call) -> list[dict[str, Any]]:
    """Move money between the funding and the trading account."""
    params = call.params
    asset, source, target = (required(params, name) for name in ("ccy", "from", "to"))
    qty = decimal_of(params, "amt")
    if qty is None:
        raise errors.missing("amt")
    if asset not in desk.catalog.currencies():
        raise errors.bad_parameter("ccy")
    if text_of(params, "type") not in ("", "0"):
        raise errors.ApiError("58009", "Sub-account doesn't exist")
    for name, wallet in (("from", source), ("to", target)):
        if wallet not in WALLETS:
            raise errors.bad_parameter(name)
    if source == target:
        raise errors.bad_parameter("to")
    exchange = desk.exchange
    if source == "18" and qty > max(exchange.spot.account_table[call.account].available(asset), ZERO):
        raise errors.ApiError("58350", "Insufficient balance")
    if exchange.transfer(call.account, asset, qty, WALLETS[source], WALLETS[target]) is not None:
        raise errors.ApiError("58350", "Insufficient balance")
    desk.transfer_id += 1
    told = {
        "amt": decimal_text(qty),
        "ccy": asset,
        "clientId": text_of(params, "clientId"),
        "from": source,
        "to": target,
        "transId": str(_TRANSFER_ID_FIRST + desk.transfer_id),
    }
    desk.transfers.append((call.account, told, call.now_ms))
    return [told]


def _transfer_state(desk: Desk, call: Call) -> list[dict[str, Any]]:
    wanted, client_id = text_of(call.params, "transId"), text_of(call.params, "clientId")
    if not wanted and not client_id:
        raise errors.either_id("transId", "clientId")
    for account, told, _ in reversed(desk.transfers):
        if account == call.account and wanted in ("", told["transId"]) and client_id in ("", told["clientId"]):
            return [{**told, "instId": "", "state": "success", "subAcct": "", "toInstId": "", "type": "0"}]
    raise errors.ApiError("58129", "Transfer ID does not exist")


ROUTES: Routes = {
    ("GET", "/asset/currencies"): private(_currencies, 6, every_ms=ONE_SECOND_MS),
    ("GET", "/asset/balances"): private(_balances, 6, every_ms=ONE_SECOND_MS),
    ("POST", "/asset/transfer"): private(_transfer, 2, needs=TRADE, per="ccy", every_ms=ONE_SECOND_MS),
    ("GET", "/asset/transfer-state"): private(_transfer_state, 10, every_ms=ONE_SECOND_MS),
}

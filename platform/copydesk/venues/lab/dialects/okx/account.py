"""OKX endpoints about the trading account: configuration with the key's rights, balances and fees.

Source: okx.com/docs-v5, "Trading Account". The lab's accounts are in futures mode (`acctLv` 2): spot and swaps share
one purse, and each settle currency margins its own contracts.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from copydesk.kernel import ZERO, decimal_text
from copydesk.venues.lab.dialects.okx import errors
from copydesk.venues.lab.dialects.okx.access import words_of
from copydesk.venues.lab.dialects.okx.catalog import number_of
from copydesk.venues.lab.dialects.okx.desk import Desk
from copydesk.venues.lab.dialects.okx.params import Call, required, text_of
from copydesk.venues.lab.dialects.okx.position_shapes import text
from copydesk.venues.lab.dialects.okx.public import instruments
from copydesk.venues.lab.dialects.okx.routes import Routes, private
from copydesk.venues.lab.model import ISOLATED

FUTURES_MODE = "2"
LEVEL = "Lv1"


def uid_of(account: str) -> str:
    """Return the number that the exchange knows an account by."""
    return number_of(account)


def _config(desk: Desk, call: Call) -> list[dict[str, Any]]:
    key = call.key
    assert key is not None
    uid, hedge = uid_of(call.account), desk.exchange.perp.hedge(call.account)
    return [
        {
            "acctLv": FUTURES_MODE,
            "acctStpMode": "cancel_maker",
            "autoLoan": False,
            "ctIsoMode": "automatic",
            "enableSpotBorrow": False,
            "feeType": "0",
            "greeksType": "PA",
            "ip": ",".join(sorted(key.ips)),
            "kycLv": "2",
            "label": "lab",
            "level": LEVEL,
            "levelTmp": "",
            "liquidationGear": "-1",
            "mainUid": uid,
            "mgnIsoMode": "automatic",
            "opAuth": "0",
            "perm": ",".join(words_of(key)),
            "posMode": "long_short_mode" if hedge else "net_mode",
            "roleType": "0",
            "settleCcy": "USDT",
            "settleCcyList": ["USDT"],
            "spotBorrowAutoRepay": False,
            "spotOffsetType": "",
            "spotRoleType": "0",
            "spotTraderInsts": [],
            "stgyType": "0",
            "traderInsts": [],
            "type": "0",
            "uid": uid,
        }
    ]


def usd_px(desk: Desk, asset: str) -> Decimal:
    """Return what one unit of an asset is worth; the dollar coin counts as a dollar, what is not listed as nothing."""
    if asset == "USDT":
        return Decimal(1)
    listed = desk.catalog.by_id.get(f"{asset}-USDT")
    return ZERO if listed is None else desk.exchange.world.index(listed.instrument)


def balance_details(desk: Desk, account: str, assets: set[str] | None, now_ms: int) -> list[dict[str, str]]:
    """Write the balances of an account that are not zero, or those of the assets named."""
    purse = desk.exchange.spot.account_table[account]
    rows = []
    for asset, balance in sorted(purse.balances.items()):
        if asset in assets if assets is not None else (balance.free or balance.locked):
            row = _plain_detail(desk, asset, balance.free, balance.locked, now_ms)
            if asset == desk.exchange.perp.settle:
                row |= _margin_fields(desk, account, balance.free + balance.locked, balance.locked)
            rows.append(row)
    return rows


def _plain_detail(desk: Desk, asset: str, free: Decimal, locked: Decimal, now_ms: int) -> dict[str, str]:
    """Write a balance of which only spot orders hold a part."""
    cash = free + locked
    worth = text(cash * usd_px(desk, asset))
    return {
        "accAvgPx": "",
        "autoLendAmt": "",
        "autoLendMtAmt": "",
        "autoLendStatus": "unsupported",
        "availBal": text(free),
        "availEq": text(free),
        "borrowFroz": "",
        "cashBal": text(cash),
        "ccy": asset,
        "clSpotInUseAmt": "",
        "colBorrAutoConversion": "",
        "colRes": "",
        "collateralEnabled": "",
        "collateralRestrict": "",
        "crossLiab": "",
        "disEq": worth,
        "eq": text(cash),
        "eqUsd": worth,
        "fixedBal": "0",
        "frozenBal": text(locked),
        "frpType": "",
        "imr": "0",
        "interest": "",
        "isoEq": "0",
        "isoLiab": "",
        "isoUpl": "0",
        "liab": "",
        "maxLoan": "",
        "maxSpotInUse": "",
        "mgnRatio": "",
        "mmr": "0",
        "notionalLever": "0",
        "openAvgPx": "",
        "ordFrozen": text(locked),
        "rewardBal": "",
        "smtSyncEq": "0",
        "spotBal": "",
        "spotCopyTradingEq": "0",
        "spotInUseAmt": "",
        "spotIsoBal": "0",
        "spotUpl": "",
        "spotUplRatio": "",
        "stgyEq": "0",
        "totalPnl": "",
        "totalPnlRatio": "",
        "twap": "0",
        "uTime": str(now_ms),
        "upl": "0",
        "uplLiab": "",
    }


def _margin_fields(desk: Desk, account: str, cash: Decimal, locked: Decimal) -> dict[str, str]:
    """Write what swaps make of the balance of their settle currency."""
    perp = desk.exchange.perp
    margin, positions = perp.margin(account), perp.positions(account)
    isolated = [p for p in positions if p.margin_mode == ISOLATED]
    isolated_upl = sum((p.unrealized for p in isolated), ZERO)
    equity = cash + margin.unrealized
    spendable = max(desk.exchange.spot.account_table[account].available(perp.settle), ZERO)
    return {
        "availBal": text(spendable),
        "availEq": text(margin.available),
        "disEq": text(equity),
        "eq": text(equity),
        "eqUsd": text(equity),
        "frozenBal": text(max(equity - margin.available, ZERO)),
        "imr": text(margin.initial_margin + margin.order_margin),
        "isoEq": text(sum((p.isolated_margin for p in isolated), ZERO) + isolated_upl),
        "isoUpl": text(isolated_upl),
        "mgnRatio": text(margin.equity / margin.maint_margin) if margin.maint_margin else "",
        "mmr": text(margin.maint_margin),
        "notionalLever": text(sum((p.notional for p in positions), ZERO) / equity) if equity else "0",
        "ordFrozen": text(locked + margin.order_margin),
        "upl": text(margin.unrealized),
    }


def balance_view(desk: Desk, account: str, assets: set[str] | None, now_ms: int) -> dict[str, Any]:
    """Write the account's balance; the totals that only other account modes have are empty."""
    details = balance_details(desk, account, assets, now_ms)
    empty = ("adjEq", "availEq", "borrowFroz", "delta", "deltaLever", "deltaNeutralStatus", "imr", "mgnRatio", "mmr")
    also_empty = ("notionalUsd", "notionalUsdForBorrow", "notionalUsdForFutures", "notionalUsdForOption")
    return {
        **dict.fromkeys((*empty, *also_empty, "notionalUsdForSwap", "ordFroz"), ""),
        "details": details,
        "isoEq": _sum(details, "isoEq"),
        "totalEq": _sum(details, "eqUsd"),
        "uTime": str(now_ms),
        "upl": _sum(details, "upl"),
    }


def _sum(rows: list[dict[str, str]], name: str) -> str:
    return decimal_text(sum((Decimal(row[name]) for row in rows), ZERO))


def assets_of(params: dict[str, Any]) -> set[str] | None:
    """Read `ccy`: one asset or several; None when it was not sent."""
    names = text_of(params, "ccy")
    return set(names.split(",")) if names else None


def _balance(desk: Desk, call: Call) -> list[dict[str, Any]]:
    return [balance_view(desk, call.account, assets_of(call.params), call.now_ms)]


def _trade_fee(desk: Desk, call: Call) -> list[dict[str, Any]]:
    """Write the account's fee rates, negative for what is paid; swaps settled in dollar coins have theirs under U."""
    inst_type, listing = required(call.params, "instType"), desk.exchange.listing
    if inst_type not in ("SPOT", "SWAP"):
        raise errors.bad_parameter("instType")
    spot = inst_type == "SPOT"
    maker = decimal_text(-(listing.spot_fee if spot else listing.perp_maker_fee))
    taker = decimal_text(-(listing.spot_fee if spot else listing.perp_taker_fee))
    return [
        {
            "category": "1",
            "delivery": "",
            "exercise": "",
            "fiat": [],
            "instType": inst_type,
            "level": LEVEL,
            "maker": maker,
            "makerU": "" if spot else maker,
            "makerUSDC": maker if spot else "",
            "taker": taker,
            "takerU": "" if spot else taker,
            "takerUSDC": taker if spot else "",
            "ts": str(call.now_ms),
        }
    ]


ROUTES: Routes = {
    ("GET", "/account/config"): private(_config, 5),
    ("GET", "/account/balance"): private(_balance, 10),
    ("GET", "/account/trade-fee"): private(_trade_fee, 5),
    ("GET", "/account/instruments"): private(instruments, 20, per="instType"),
}

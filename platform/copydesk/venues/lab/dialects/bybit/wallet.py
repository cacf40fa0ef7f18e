"""The unified account's wallet as Bybit shows it, over REST and in the wallet stream.

One purse holds spot money and perpetual margin; a dollar is worth a USDT here. Source: v5 documentation, "Get Wallet
Balance".
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from copydesk.kernel import ZERO, decimal_text
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.model import ISOLATED

SETTLE = "USDT"
NO_MARGIN = {"totalOrderIM": "0", "totalPositionIM": "0", "totalPositionMM": "0"}


def usd_px(exchange: Exchange, asset: str) -> Decimal:
    """Return what a coin is worth in dollars; 0 for coins that nothing here prices."""
    if asset == SETTLE:
        return Decimal(1)
    for instrument in exchange.spot.instruments.values():
        if instrument.base == asset:
            return exchange.world.index(instrument)
    return ZERO


def wallet_view(exchange: Exchange, account: str, coins: Iterable[str] | None = None) -> dict[str, Any]:
    """Write the whole account with the coins named, else with those that it has."""
    balances, margin = exchange.spot.balances(account), exchange.perp.margin(account)
    values = {asset: usd_px(exchange, asset) for asset in balances}
    total = sum(((free + locked) * values[asset] for asset, (free, locked) in balances.items()), ZERO)
    locked_usd = sum((locked * values[asset] for asset, (_, locked) in balances.items()), ZERO)
    margin_total = total + margin.unrealized
    initial = margin.initial_margin + margin.order_margin
    held = {asset for asset, (free, locked) in balances.items() if free or locked}
    listed = sorted(held) if coins is None else list(coins)
    rate_im, rate_mm = _rate(initial, margin_total), _rate(margin.maint_margin, margin_total)
    return {
        "totalEquity": _money(margin_total),
        "accountIMRate": rate_im,
        "accountIMRateByMp": rate_im,
        "totalMarginBalance": _money(margin_total),
        "totalInitialMargin": _money(initial),
        "totalInitialMarginByMp": _money(initial),
        "accountType": "UNIFIED",
        "totalAvailableBalance": _money(max(ZERO, margin_total - initial - locked_usd)),
        "accountMMRate": rate_mm,
        "accountMMRateByMp": rate_mm,
        "totalPerpUPL": _money(margin.unrealized),
        "totalWalletBalance": _money(total),
        "accountLTV": "0",
        "totalMaintenanceMargin": _money(margin.maint_margin),
        "totalMaintenanceMarginByMp": _money(margin.maint_margin),
        "coin": [_coin(exchange, account, asset, balances.get(asset, (ZERO, ZERO))) for asset in listed],
    }


def _coin(exchange: Exchange, account: str, asset: str, balance: tuple[Decimal, Decimal]) -> dict[str, Any]:
    free, locked = balance
    wallet, unrealized, used = free + locked, ZERO, NO_MARGIN
    if asset == exchange.perp.settle:
        margin = exchange.perp.margin(account)
        unrealized = margin.unrealized
        used = {
            "totalOrderIM": _money(margin.order_margin),
            "totalPositionIM": _money(margin.initial_margin),
            "totalPositionMM": _money(margin.maint_margin),
        }
    return {
        "availableToBorrow": "",
        "bonus": "0",
        "accruedInterest": "0",
        "availableToWithdraw": "",
        **used,
        "equity": _money(wallet + unrealized),
        "usdValue": _money((wallet + unrealized) * usd_px(exchange, asset)),
        "spotHedgingQty": "0",
        "unrealisedPnl": _money(unrealized),
        "collateralSwitch": True,
        "marginCollateral": True,
        "borrowAmount": "0",
        "walletBalance": _money(wallet),
        "cumRealisedPnl": "0",
        "locked": _money(locked),
        "coin": asset,
        "spotBorrow": "0",
        "colRes": "0",
    }


def transferable(exchange: Exchange, account: str, asset: str) -> Decimal:
    """Return what may leave the unified wallet."""
    purse = exchange.spot.account_table[account]
    return max(ZERO, purse.available(asset))


def margin_mode_of(exchange: Exchange, account: str) -> str:
    """Name the account's margin mode; it is the same for every symbol."""
    symbol = next(iter(exchange.perp.instruments))
    isolated = exchange.perp.settings(account, symbol).margin_mode == ISOLATED
    return "ISOLATED_MARGIN" if isolated else "REGULAR_MARGIN"


def _money(amount: Decimal) -> str:
    return decimal_text(round(amount, 8))


def _rate(part: Decimal, whole: Decimal) -> str:
    return decimal_text(round(part / whole, 4)) if whole > 0 else "0"

"""Bybit's words for everything but orders: instruments, prices, balances, positions and key rights. Pure.

Source: Bybit v5 API: Get Instruments Info, Get Tickers, Get Wallet Balance, Get Position Info, Get Risk Limit, Get
API Key Information, Create Internal Transfer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from copydesk.kernel import OutcomeUnknown, VenueRefused
from copydesk.trading import Bracket, Denial, Instrument, PositionSide
from copydesk.venues.bearing import Levels
from copydesk.venues.bybit.orders import POSITION_SIDE
from copydesk.venues.client.wire import number
from copydesk.venues.model import Balance, FundingRate, KeyScope, Position
from copydesk.venues.symbols import SymbolMap

# The rights that copying may have. `AccountTransfer` moves money between one's own wallets alone.
_HARMLESS = frozenset(
    {"Order", "Position", "SpotTrade", "DerivativesTrade", "OptionsTrade", "ExchangeHistory", "AccountTransfer"}
)
_WITHDRAW = "Withdraw"
_TO_OTHERS = frozenset({"SubMemberTransfer", "SubMemberTransferList"})
# What the page where keys are made calls them.
_NAMES = {_WITHDRAW: "Withdrawal", **dict.fromkeys(_TO_OTHERS, "Subaccount Transfer")}


def spot_instruments(rows: Iterable[Mapping[str, Any]]) -> dict[str, Instrument]:
    """Read the pairs of `instruments-info`."""
    return {i.symbol: i for i in (_spot(row) for row in rows)}


def _spot(row: Mapping[str, Any]) -> Instrument:
    lot = row["lotSizeFilter"]
    most = [number(lot[name]) for name in ("maxLimitOrderQty", "maxMarketOrderQty", "maxOrderQty") if lot.get(name)]
    return Instrument(
        venue="bybit",
        symbol=f"{row['baseCoin']}/{row['quoteCoin']}",
        venue_symbol=row["symbol"],
        base=row["baseCoin"],
        quote=row["quoteCoin"],
        px_tick=number(row["priceFilter"]["tickSize"]),
        qty_step=number(lot["basePrecision"]),
        qty_min=number(lot["minOrderQty"]),
        qty_max=min(most),
        notional_min=number(lot["minOrderAmt"]),
        trading=row["status"] == "Trading",
    )


def perpetual_instruments(rows: Iterable[Mapping[str, Any]]) -> dict[str, Instrument]:
    """Read the linear perpetuals of `instruments-info`."""
    return {i.symbol: i for i in (_perpetual(row) for row in rows if row["contractType"] == "LinearPerpetual")}


def _perpetual(row: Mapping[str, Any]) -> Instrument:
    lot = row["lotSizeFilter"]
    return Instrument(
        venue="bybit",
        symbol=f"{row['baseCoin']}/{row['quoteCoin']}:{row['settleCoin']}",
        venue_symbol=row["symbol"],
        base=row["baseCoin"],
        quote=row["quoteCoin"],
        px_tick=number(row["priceFilter"]["tickSize"]),
        qty_step=number(lot["qtyStep"]),
        qty_min=number(lot["minOrderQty"]),
        qty_max=min(number(lot["maxOrderQty"]), number(lot.get("maxMktOrderQty") or lot["maxOrderQty"])),
        notional_min=number(lot.get("minNotionalValue") or "0"),
        trading=row["status"] == "Trading",
        settle=row["settleCoin"],
        leverage_max=int(number(row["leverageFilter"]["maxLeverage"])),
    )


def prices_of(answer: Mapping[str, Any], symbols: SymbolMap, *, perpetual: bool) -> dict[str, Decimal]:
    """Read `market/tickers`: last prices of the instruments that we know."""
    rows = answer["result"]["list"]
    named = ((symbols.of_venue(row["symbol"], perpetual=perpetual), row["lastPrice"]) for row in rows)
    return {instrument.symbol: number(last) for instrument, last in named if instrument is not None and last}


def book_of(answer: Mapping[str, Any]) -> tuple[Levels, Levels]:
    """Read `market/orderbook`: bids and asks, the best first."""
    return answer["result"]["b"], answer["result"]["a"]


def volume_of(answer: Mapping[str, Any]) -> Decimal:
    """Read one instrument's `market/tickers`: what a day traded in quote currency."""
    (row,) = answer["result"]["list"]
    return number(row["turnover24h"])


def funding_rate_of(answer: Mapping[str, Any]) -> FundingRate:
    """Read one contract's `market/tickers`: the rate of the running period, and when it ends."""
    (row,) = answer["result"]["list"]
    return FundingRate(number(row["fundingRate"]), int(row["nextFundingTime"]))


def balances_of(result: Mapping[str, Any]) -> dict[str, Balance]:
    """Read `wallet-balance`: what spot orders, futures orders and positions hold counts as locked.

    What was borrowed to be traded on spot lies in the wallet and is not owned.
    """
    balances: dict[str, Balance] = {}
    for row in (coin for account in result["list"] for coin in account["coin"]):
        wallet = number(row["walletBalance"] or "0") - number(row.get("spotBorrow") or "0")
        if wallet:
            held = sum(
                (number(row.get(name) or "0") for name in ("locked", "totalOrderIM", "totalPositionIM")), Decimal(0)
            )
            free = max(min(wallet - held, wallet), Decimal(0))
            balances[row["coin"]] = Balance(free, wallet - free)
    return balances


def funding_of(result: Mapping[str, Any]) -> dict[str, Balance]:
    """Read the funding account's coins."""
    balances: dict[str, Balance] = {}
    for row in result["balance"]:
        wallet, free = number(row["walletBalance"] or "0"), number(row["transferBalance"] or "0")
        if wallet:
            balances[row["coin"]] = Balance(free, wallet - free)
    return balances


def transferred(result: Mapping[str, Any]) -> None:
    """Judge the answer to a transfer, which may have been taken and still not have happened."""
    status = result["status"]
    if status == "FAILED":
        raise VenueRefused("Bybit: the transfer failed", code=Denial.VENUE_REFUSED.value, venue_code=status)
    if status != "SUCCESS":
        raise OutcomeUnknown(f"Bybit says of the transfer: {status}")


def brackets_of(result: Mapping[str, Any]) -> tuple[Bracket, ...]:
    """Read `risk-limit` of one contract."""
    return tuple(sorted(_bracket(row) for row in result["list"]))


def _bracket(row: Mapping[str, Any]) -> Bracket:
    """Read one tier. The page's example has maintenance in percent, answers have ratios: those are below 1/leverage."""
    leverage_max, maint = number(row["maxLeverage"]), number(row["maintenanceMargin"])
    ratio = maint / 100 if maint * leverage_max >= 1 else maint
    return Bracket(number(row["riskLimitValue"]), int(leverage_max), ratio, number(row.get("mmDeduction") or "0"))


def positions_of(result: Mapping[str, Any], symbols: SymbolMap) -> list[Position]:
    """Read `position/list` without flat ones. The margin mode is the account's, and told elsewhere."""
    found = []
    for row in result["list"]:
        instrument = symbols.of_venue(row["symbol"], perpetual=True)
        size = number(row["size"] or "0")
        if instrument is None or not size:
            continue
        side = POSITION_SIDE[int(row["positionIdx"])]
        short = side is PositionSide.SHORT or (side is PositionSide.NET and row["side"] == "Sell")
        found.append(
            Position(
                symbol=instrument.symbol,
                side=side,
                qty=-size if short else size,
                entry_px=number(row["avgPrice"]),
                mark_px=number(row["markPrice"]),
                leverage=int(number(row["leverage"])) if row["leverage"] else None,
                margin_mode=None,
                unrealized=number(row["unrealisedPnl"] or "0"),
                liquidation_px=number(row["liqPrice"]) if row["liqPrice"] else None,
                margin=number(row.get("positionBalance") or "0") or None,
            )
        )
    return found


def key_scope_of(result: Mapping[str, Any]) -> KeyScope:
    """Read `user/query-api`. A classic account is refused; rights count by a list of ours."""
    if not result["uta"]:
        raise VenueRefused("Bybit: this is not a unified account", code=Denial.KEY_ACCOUNT_TYPE_WRONG.value)
    rights = {right for group in result["permissions"].values() for right in group}
    writes = int(result["readOnly"]) == 0
    contracts = {"Order", "Position"} <= rights or "DerivativesTrade" in rights
    return KeyScope(
        can_read=True,
        can_trade=writes and "SpotTrade" in rights,
        can_withdraw=_WITHDRAW in rights,
        can_transfer=bool(rights & _TO_OTHERS),
        ip_bound=bool(result["ips"]) and "*" not in result["ips"],
        can_trade_perpetuals=writes and contracts,
        unknown=frozenset(rights - _HARMLESS - _NAMES.keys()),
        named=frozenset(_NAMES.get(right, right) for right in rights - _HARMLESS),
        expires_at=_expiry(result.get("expiredAt")),
        uid=str(result.get("userID", "")),
    )


def _expiry(told: str | None) -> datetime | None:
    """Read `expiredAt`; a key that lasts has the year 1970, or none."""
    ends = datetime.fromisoformat(told) if told else None
    return None if ends is None or ends.timestamp() <= 0 else ends

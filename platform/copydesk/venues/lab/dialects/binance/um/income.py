"""What Binance USDⓈ-M tells of money that came and went, and of past funding rates.

Realized profits and commissions come from an account's executions, transfers from the wallet, and
funding from the exchange's own record of what it has charged.
Source: developers.binance.com, USDⓈ-M futures, "Get Income History", "Get Funding Rate History".
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

import orjson

from copydesk.venues.lab.dialects.binance.params import Call, integer_of, limit_of
from copydesk.venues.lab.dialects.binance.routes import Routes, route
from copydesk.venues.lab.dialects.binance.um import errors
from copydesk.venues.lab.dialects.binance.um.formats import eight
from copydesk.venues.lab.dialects.binance.um.orders import within
from copydesk.venues.lab.dialects.binance.um.terms import instrument_of
from copydesk.venues.lab.dialects.binance.wallet import Transferred
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.keys import READ
from copydesk.venues.lab.world import FUNDING_EVERY_MS, FUNDING_RATE_MAX

HOUR_MS = 3_600_000
_SIGNS = {"UMFUTURE_MAIN": -1, "UMFUTURE_FUNDING": -1, "MAIN_UMFUTURE": 1, "FUNDING_UMFUTURE": 1}


class FundingCalls:
    """The calls about funding rates share a limit of their own: 500 in five minutes per address."""

    MAX = 500
    WINDOW_MS = 300_000

    def __init__(self) -> None:
        self._window = -1
        self._counts: dict[str, int] = {}

    def count(self, call: Call) -> None:
        """Count one call, or refuse it."""
        window = call.now_ms // self.WINDOW_MS
        if window != self._window:
            self._window = window
            self._counts.clear()
        used = self._counts.get(call.ip, 0)
        if used >= self.MAX:
            until_ms = (window + 1) * self.WINDOW_MS
            raise errors.too_many_funding_calls(call.ip, self.MAX, 1 + (until_ms - call.now_ms) // 1000)
        self._counts[call.ip] = used + 1


class Income(NamedTuple):
    """One row of the income history."""

    at_ms: int
    type: str
    symbol: str
    amount: Decimal
    asset: str
    info: str
    tran_id: int
    trade_id: str


class IncomeLog:
    """Answer for all kinds of income."""

    def __init__(self, exchange: Exchange, transfers: defaultdict[str, deque[Transferred]]) -> None:
        self._exchange = exchange
        self._transfers = transfers
        self._calls = FundingCalls()
        self.routes: Routes = {
            ("GET", "/fapi/v1/income"): route(self._income, weight=30, needs=READ),
            ("GET", "/fapi/v1/fundingRate"): route(self._funding_rates, weight=0),
            ("GET", "/fapi/v1/fundingInfo"): route(self._funding_info, weight=0),
        }

    def _rows(self, account: str, symbol: str | None) -> Iterable[Income]:
        for fill in self._exchange.perp.trades(account, symbol):
            trade_id = str(fill.trade_id)
            fee = -fill.fee
            yield Income(
                fill.at_ms, "COMMISSION", fill.symbol, fee, fill.fee_currency, trade_id, fill.trade_id, trade_id
            )
            if fill.realized:
                yield Income(
                    fill.at_ms,
                    "REALIZED_PNL",
                    fill.symbol,
                    fill.realized,
                    fill.fee_currency,
                    trade_id,
                    fill.trade_id,
                    trade_id,
                )
        for paid in self._exchange.funding_paid.of(account):
            if symbol in (None, paid.symbol):
                yield Income(
                    paid.at_ms, "FUNDING_FEE", paid.symbol, paid.amount, "USDT", "FUNDING_FEE", paid.number, ""
                )
        for moved in self._transfers.get(account, ()) if symbol is None else ():
            sign = _SIGNS.get(moved.type)
            if sign:
                yield Income(
                    moved.at_ms, "TRANSFER", "", sign * moved.amount, moved.asset, "TRANSFER", moved.tran_id, ""
                )

    def _income(self, exchange: Exchange, call: Call) -> bytes:
        symbol = instrument_of(exchange, call.params).venue_symbol if "symbol" in call.params else None
        kind, limit = call.params.get("incomeType"), limit_of(call.params, 100, 1000)
        rows = [r for r in self._rows(call.account, symbol) if kind in (None, r.type) and within(call, r.at_ms)]
        rows.sort(key=lambda row: row.at_ms)
        cut = rows[:limit] if "startTime" in call.params else rows[-limit:]
        return orjson.dumps(
            [
                {
                    "symbol": row.symbol,
                    "incomeType": row.type,
                    "income": eight(row.amount),
                    "asset": row.asset,
                    "time": row.at_ms,
                    "info": row.info,
                    "tranId": row.tran_id,
                    "tradeId": row.trade_id,
                }
                for row in cut
            ]
        )

    def _funding_info(self, exchange: Exchange, call: Call) -> bytes:
        self._calls.count(call)
        return orjson.dumps(
            [
                {
                    "symbol": symbol,
                    "adjustedFundingRateCap": eight(FUNDING_RATE_MAX),
                    "adjustedFundingRateFloor": eight(-FUNDING_RATE_MAX),
                    "fundingIntervalHours": FUNDING_EVERY_MS // HOUR_MS,
                    "disclaimer": False,
                }
                for symbol in exchange.perp.instruments
            ]
        )

    def _funding_rates(self, exchange: Exchange, call: Call) -> bytes:
        self._calls.count(call)
        symbol = instrument_of(exchange, call.params).venue_symbol if "symbol" in call.params else None
        limit, since = limit_of(call.params, 100, 1000), integer_of(call.params, "startTime")
        rates = [one for one in exchange.funding_paid.rates if symbol in (None, one.symbol) and within(call, one.at_ms)]
        return orjson.dumps(
            [
                {
                    "symbol": one.symbol,
                    "fundingTime": one.at_ms,
                    "fundingRate": eight(one.rate),
                    "markPrice": eight(one.px),
                }
                for one in (rates[-limit:] if since is None else rates[:limit])
            ]
        )

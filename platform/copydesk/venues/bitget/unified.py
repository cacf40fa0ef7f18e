"""A unified account: API v3, one purse for spot and perpetuals, and a funding wallet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from copydesk.kernel import VenueRefused
from copydesk.trading import Bracket, Credentials, Fill, Instrument, MarginMode, OrderView, PositionSide
from copydesk.venues.bitget import errors
from copydesk.venues.bitget import unified_account as account
from copydesk.venues.bitget.kinds import Kind
from copydesk.venues.bitget.unified_calls import Row, UnifiedCalls, rows_of
from copydesk.venues.bitget.unified_orders import (
    SPOT,
    category_of,
    fills_of,
    hedged_side,
    leader_trade,
    position_side_of,
)
from copydesk.venues.bitget.unified_strategy_calls import UnifiedStrategyCalls
from copydesk.venues.bitget.words import HEDGE, MARGIN_TEXT, USDT_FUTURES
from copydesk.venues.client.core import VenueClient
from copydesk.venues.client.patience import ask_patiently
from copydesk.venues.client.wire import EVERY_QTY, reading
from copydesk.venues.model import Balance, FundingPayment, KeyScope, LeaderTrade, OrderFact, Position, Wallet
from copydesk.venues.symbols import SymbolMap

_WALLET_TEXT = {Wallet.SPOT: "uta", Wallet.FUTURES: "uta", Wallet.FUNDING: "spot"}
_SPAN_MS = 30 * 86_400_000 - 1_000  # The longest time between start and end of a question for fills or orders.
_AGE_MAX_MS = 90 * 86_400_000 - 60_000  # Older ones are not told.


class Unified(Kind):
    """See `kinds.Kind`."""

    def __init__(self, client: VenueClient, symbols: SymbolMap) -> None:
        self._client = client
        self._symbols = symbols
        self._orders = UnifiedCalls(client, symbols)
        self._strategies = UnifiedStrategyCalls(client, symbols, self._orders)

    @property
    def client(self) -> VenueClient:
        return self._client

    async def query(
        self, credentials: Credentials, instrument: Instrument, client_order_id: str, *, conditional: bool
    ) -> OrderView | None:
        if conditional:
            return await self._strategies.query(credentials, instrument, client_order_id)
        return await self._orders.query(credentials, instrument, {"clientOid": client_order_id})

    async def fills(
        self, credentials: Credentials, instrument: Instrument, order_id: str, *, since_ms: int
    ) -> tuple[Fill, ...]:
        """Return all executions of an order that was placed at `since_ms` or later, asked for month by month."""
        found: dict[str, Row] = {}
        for span in self._spans(since_ms):
            rows = await self._orders.executions(credentials, instrument, order_id, span)
            found |= {row["execId"]: row for row in rows}
        with reading(self._client.wire.name):
            return fills_of(found.values(), EVERY_QTY)

    async def cancel(
        self, credentials: Credentials, instrument: Instrument, client_order_id: str, *, conditional: bool
    ) -> OrderView | None:
        calls = self._strategies if conditional else self._orders
        return await calls.cancel(credentials, instrument, client_order_id)

    async def cancel_all(self, credentials: Credentials, instrument: Instrument) -> None:
        await self._orders.cancel_all(credentials, instrument)
        await self._strategies.cancel_all(credentials, instrument)

    async def open_orders(
        self, credentials: Credentials, instrument: Instrument | None, *, perpetual: bool, conditional: bool
    ) -> list[OrderView]:
        calls = self._strategies if conditional else self._orders
        return await calls.open_orders(credentials, instrument, category=USDT_FUTURES if perpetual else SPOT)

    async def resting(self, credentials: Credentials, instrument: Instrument) -> list[OrderFact]:
        plain = await self._orders.resting(credentials, instrument)
        return plain + await self._strategies.resting(credentials, instrument)

    async def balances(self, credentials: Credentials, wallet: Wallet) -> dict[str, Balance]:
        """Read the purse as SPOT; there is no FUTURES besides it, so that nobody counts it twice."""
        if wallet is Wallet.FUTURES:
            return {}
        if wallet is Wallet.FUNDING:
            return await self._client.ask("funding_balances", credentials, {}, lambda a: account.funding_of(a["data"]))
        return await self._client.ask("balances", credentials, {}, lambda a: account.balances_of(a["data"]))

    async def positions(self, credentials: Credentials, instrument: Instrument | None) -> list[Position]:
        params = {"category": USDT_FUTURES}
        if instrument is not None:
            params["symbol"] = instrument.venue_symbol
        return await self._client.ask(
            "positions", credentials, params, lambda a: account.positions_of(rows_of(a), self._symbols)
        )

    async def brackets(self, instrument: Instrument) -> tuple[Bracket, ...]:
        params = {"category": USDT_FUTURES, "symbol": instrument.venue_symbol}
        return await self._client.ask("brackets", None, params, lambda a: account.brackets_of(a["data"]))

    async def set_leverage(
        self, credentials: Credentials, instrument: Instrument, leverage: int, margin_mode: MarginMode
    ) -> None:
        """Set the leverage of one instrument and margin mode; isolated margin has one for each side of hedge mode."""
        params = {
            "category": USDT_FUTURES,
            "symbol": instrument.venue_symbol,
            "leverage": str(leverage),
            "marginMode": MARGIN_TEXT[margin_mode],
        }
        if margin_mode is MarginMode.ISOLATED:
            params |= {"longLeverage": str(leverage), "shortLeverage": str(leverage)}
        await self._set("leverage", credentials, params)

    async def set_margin_mode(
        self, credentials: Credentials, instrument: Instrument, margin_mode: MarginMode, leverage: int
    ) -> None:
        """Set the leverage of that mode: the mode itself is named by each order."""
        await self.set_leverage(credentials, instrument, leverage, margin_mode)

    async def set_position_mode(self, credentials: Credentials, *, hedge: bool) -> None:
        await self._set("position_mode", credentials, {"holdMode": HEDGE if hedge else "one_way_mode"})

    async def transfer(
        self, credentials: Credentials, currency: str, amount: Decimal, source: Wallet, target: Wallet
    ) -> None:
        """Move money between the purse and the funding wallet, which v3 calls `spot`."""
        if _WALLET_TEXT[source] == _WALLET_TEXT[target]:
            return
        params = {
            "fromType": _WALLET_TEXT[source],
            "toType": _WALLET_TEXT[target],
            "amount": f"{amount:f}",
            "coin": currency,
        }
        await self._set("transfer", credentials, params)

    async def trades_since(self, credentials: Credentials, instrument: Instrument, since_ms: int) -> list[LeaderTrade]:
        """Return the executions since that time, oldest first, with the position that each order belonged to."""
        found: dict[str, LeaderTrade] = {}
        for span in self._spans(since_ms):
            found |= await self._trades(credentials, instrument, span)
        return sorted(found.values(), key=lambda trade: (trade.at_ms, int(trade.trade_id)))

    async def funding(self, credentials: Credentials, since_ms: int) -> list[FundingPayment]:
        """Return the funding payments, oldest first, out of all financial records of futures, month by month."""
        found: dict[str, FundingPayment] = {}
        for span in self._spans(since_ms):
            rows = await self._orders.pages("funding", credentials, {"category": USDT_FUTURES, **span})
            with reading(self._client.wire.name):
                found |= account.funding_of_records(rows, self._symbols)
        return sorted(found.values(), key=lambda payment: (payment.at_ms, int(payment.payment_id)))

    async def account_uid(self, credentials: Credentials) -> str:
        return await self._client.ask("key_scope", credentials, {}, lambda a: str(a["data"]["userId"]))

    async def key_scope(self, credentials: Credentials) -> KeyScope:
        return await self._client.ask("key_scope", credentials, {}, lambda a: account.key_scope_of(a["data"]))

    def _spans(self, since_ms: int) -> Iterator[dict[str, int]]:
        now_ms = self._client.timestamp_ms()
        for start_ms in range(max(since_ms, now_ms - _AGE_MAX_MS), now_ms + 1, _SPAN_MS):
            yield {"startTime": start_ms, "endTime": start_ms + _SPAN_MS - 1}

    async def _trades(
        self, credentials: Credentials, instrument: Instrument, span: dict[str, int]
    ) -> dict[str, LeaderTrade]:
        params = {"category": category_of(instrument), **span}
        rows = await self._orders.pages("trades", credentials, params)
        with reading(self._client.wire.name):
            ours = [row for row in rows if row["symbol"] == instrument.venue_symbol]
            trades = [leader_trade(row, instrument) for row in ours]
        if not (trades and instrument.perpetual):
            return {trade.trade_id: trade for trade in trades}
        sides = await self._position_sides(credentials, params, {row["orderId"]: row for row in ours})
        return {t.trade_id: replace(t, position_side=sides[t.venue_order_id]) for t in trades}

    async def _position_sides(
        self, credentials: Credentials, params: dict[str, Any], executed: Mapping[str, Row]
    ) -> dict[str, PositionSide]:
        """Return the position of each order, from the lists of orders or else one by one: some are older.

        Liquidations have none; `executed` has an execution of each, which tells what it did.
        """
        rows: list[Row] = await self._orders.pages("orders_old", credentials, params)
        rows += await self._orders.pages("open_orders", credentials, {"category": params["category"]})
        with reading(self._client.wire.name):
            sides = {row["orderId"]: position_side_of(row) for row in rows}
        for order_id in set(executed) - set(sides):
            sides[order_id] = await self._position_side(credentials, order_id, executed[order_id])
        return sides

    async def _position_side(self, credentials: Credentials, order_id: str, execution: Row) -> PositionSide:
        try:
            return await ask_patiently(
                self._client, "query", credentials, {"orderId": order_id}, lambda a: position_side_of(a["data"])
            )
        except VenueRefused as refusal:
            if refusal.venue_code not in errors.NO_SUCH_ORDER:
                raise
        if await self._client.ask("settings", credentials, {}, lambda a: a["data"]["holdMode"]) != HEDGE:
            return PositionSide.NET
        with reading(self._client.wire.name):
            return hedged_side(execution)

    async def _set(self, endpoint: str, credentials: Credentials, params: dict[str, Any]) -> None:
        await self._client.ask(endpoint, credentials, params, lambda answer: answer["code"])

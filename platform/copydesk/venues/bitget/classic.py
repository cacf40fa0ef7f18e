"""A classic account: API v2, a spot wallet, a futures wallet and a funding wallet."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from copydesk.trading import Credentials, Instrument, MarginMode, OrderView
from copydesk.venues.bitget import classic_account as account
from copydesk.venues.bitget.classic_calls import ClassicCalls, market_params
from copydesk.venues.bitget.classic_orders import leader_trade
from copydesk.venues.bitget.classic_plan_calls import ClassicPlanCalls
from copydesk.venues.bitget.kinds import Kind
from copydesk.venues.bitget.words import HEDGE, MARGIN_TEXT, USDT_FUTURES
from copydesk.venues.client.core import VenueClient
from copydesk.venues.client.wire import reading
from copydesk.venues.model import Balance, KeyScope, LeaderTrade, Position, Wallet
from copydesk.venues.symbols import SymbolMap

_WALLET_TEXT = {Wallet.SPOT: "spot", Wallet.FUTURES: "usdt_futures", Wallet.FUNDING: "p2p"}
_SETTLE = "USDT"
_WEEK_MS = 7 * 86_400_000  # The longest time between start and end of a question for fills.
_AGE_MAX_MS = 90 * 86_400_000 - 60_000  # Older ones are not told.


class Classic(Kind):
    """See `kinds.Kind`."""

    def __init__(self, client: VenueClient, symbols: SymbolMap) -> None:
        self._client = client
        self._symbols = symbols
        self._orders = ClassicCalls(client, symbols)
        self._plans = ClassicPlanCalls(client, symbols, self._orders)

    @property
    def client(self) -> VenueClient:
        return self._client

    async def query(
        self, credentials: Credentials, instrument: Instrument, client_order_id: str, *, conditional: bool
    ) -> OrderView | None:
        if conditional:
            return await self._plans.query(credentials, instrument, client_order_id)
        return await self._orders.query(credentials, instrument, {"clientOid": client_order_id})

    async def cancel(
        self, credentials: Credentials, instrument: Instrument, client_order_id: str, *, conditional: bool
    ) -> OrderView | None:
        calls = self._plans if conditional else self._orders
        return await calls.cancel(credentials, instrument, client_order_id)

    async def cancel_all(self, credentials: Credentials, instrument: Instrument) -> None:
        await self._orders.cancel_all(credentials, instrument)
        await self._plans.cancel_all(credentials, instrument)

    async def open_orders(
        self, credentials: Credentials, instrument: Instrument | None, *, perpetual: bool, conditional: bool
    ) -> list[OrderView]:
        calls = self._plans if conditional else self._orders
        return await calls.open_orders(credentials, instrument, perpetual=perpetual)

    async def balances(self, credentials: Credentials, wallet: Wallet) -> dict[str, Balance]:
        if wallet is Wallet.FUTURES:
            params = {"productType": USDT_FUTURES}
            return await self._client.ask(
                "futures_balances", credentials, params, lambda a: account.margins_of(a["data"])
            )
        endpoint = "spot_balances" if wallet is Wallet.SPOT else "funding_balances"
        return await self._client.ask(endpoint, credentials, {}, lambda a: account.coins_of(a["data"]))

    async def positions(self, credentials: Credentials, instrument: Instrument | None) -> list[Position]:
        """Read all positions, and leave out those that were not asked for: flat ones are not listed either."""
        params = {"productType": USDT_FUTURES, "marginCoin": _SETTLE}
        found = await self._client.ask(
            "positions", credentials, params, lambda a: account.positions_of(a["data"], self._symbols)
        )
        return [p for p in found if instrument is None or p.symbol == instrument.symbol]

    async def set_leverage(
        self, credentials: Credentials, instrument: Instrument, leverage: int, margin_mode: MarginMode
    ) -> None:
        """Set the leverage in the contract's margin mode; isolated positions of hedge mode have one each."""
        params = market_params(instrument) | {"marginCoin": instrument.settle}
        isolated_sides = await self._client.ask("perpetual_account", credentials, params, _has_isolated_sides)
        for side in ("long", "short") if isolated_sides else ("",):
            asked = params | {"leverage": str(leverage)} | ({"holdSide": side} if side else {})
            await self._set("leverage", credentials, asked)

    async def set_margin_mode(
        self, credentials: Credentials, instrument: Instrument, margin_mode: MarginMode, leverage: int
    ) -> None:
        """Set the contract's margin mode, which each order names as well, and the leverage in it."""
        params = market_params(instrument) | {
            "marginCoin": instrument.settle,
            "marginMode": MARGIN_TEXT[margin_mode],
        }
        await self._set("margin_mode", credentials, params)
        await self.set_leverage(credentials, instrument, leverage, margin_mode)

    async def set_position_mode(self, credentials: Credentials, *, hedge: bool) -> None:
        mode = HEDGE if hedge else "one_way_mode"
        await self._set("position_mode", credentials, {"productType": USDT_FUTURES, "posMode": mode})

    async def transfer(
        self, credentials: Credentials, currency: str, amount: Decimal, source: Wallet, target: Wallet
    ) -> None:
        params = {
            "fromType": _WALLET_TEXT[source],
            "toType": _WALLET_TEXT[target],
            "amount": f"{amount:f}",
            "coin": currency,
        }
        await self._set("transfer", credentials, params)

    async def trades_since(self, credentials: Credentials, instrument: Instrument, since_ms: int) -> list[LeaderTrade]:
        """Return the executions since that time, oldest first: week by week, each page by page."""
        found: dict[str, LeaderTrade] = {}
        now_ms = self._client.timestamp_ms()
        start_ms = max(since_ms, now_ms - _AGE_MAX_MS)
        while start_ms <= now_ms:
            span = {"startTime": start_ms, "endTime": start_ms + _WEEK_MS - 1}
            found |= await self._trades(credentials, instrument, span)
            start_ms += _WEEK_MS
        return sorted(found.values(), key=lambda trade: (trade.at_ms, int(trade.trade_id)))

    async def key_scope(self, credentials: Credentials) -> KeyScope:
        return await self._client.ask("key_scope", credentials, {}, lambda a: account.key_scope_of(a["data"]))

    async def _trades(
        self, credentials: Credentials, instrument: Instrument, span: dict[str, int]
    ) -> dict[str, LeaderTrade]:
        endpoint = "perpetual_trades" if instrument.perpetual else "spot_trades"
        params = market_params(instrument) | span
        rows = await self._orders.pages(endpoint, credentials, params, name="tradeId")
        with reading(self._client.wire.name):
            return {trade.trade_id: trade for trade in (leader_trade(row, instrument) for row in rows)}

    async def _set(self, endpoint: str, credentials: Credentials, params: dict[str, Any]) -> None:
        await self._client.ask(endpoint, credentials, params, lambda answer: answer["code"])


def _has_isolated_sides(answer: Any) -> bool:
    data = answer["data"]
    return bool(data["posMode"] == HEDGE and data["marginMode"] == MARGIN_TEXT[MarginMode.ISOLATED])

"""A classic account: API v2, a spot wallet, a futures wallet and a funding wallet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from copydesk.trading import Bracket, Credentials, Fill, Instrument, MarginMode, OrderView
from copydesk.venues.bitget import classic_account as account
from copydesk.venues.bitget.classic_calls import ClassicCalls, market_params
from copydesk.venues.bitget.classic_orders import fills_of, leader_trade
from copydesk.venues.bitget.classic_plan_calls import ClassicPlanCalls
from copydesk.venues.bitget.kinds import Kind
from copydesk.venues.bitget.words import HEDGE, MARGIN_TEXT, USDT_FUTURES
from copydesk.venues.client.core import VenueClient
from copydesk.venues.client.wire import EVERY_QTY, reading
from copydesk.venues.model import Balance, FundingPayment, KeyScope, LeaderTrade, OrderFact, Position, Wallet
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

    async def fills(
        self, credentials: Credentials, instrument: Instrument, order_id: str, *, since_ms: int
    ) -> tuple[Fill, ...]:
        """Return all executions of an order that was placed at `since_ms` or later, asked for week by week."""
        found: dict[str, Mapping[str, Any]] = {}
        for week in self._weeks(since_ms):
            rows = await self._orders.executions(credentials, instrument, order_id, week)
            found |= {row["tradeId"]: row for row in rows}
        with reading(self._client.wire.name):
            return fills_of(found.values(), EVERY_QTY)

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

    async def resting(self, credentials: Credentials, instrument: Instrument) -> list[OrderFact]:
        plain = await self._orders.resting(credentials, instrument)
        return plain + await self._plans.resting(credentials, instrument)

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

    async def brackets(self, instrument: Instrument) -> tuple[Bracket, ...]:
        params = market_params(instrument)
        return await self._client.ask("brackets", None, params, lambda a: account.brackets_of(a["data"]))

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
        for week in self._weeks(since_ms):
            found |= await self._trades(credentials, instrument, week)
        return sorted(found.values(), key=lambda trade: (trade.at_ms, int(trade.trade_id)))

    async def funding(self, credentials: Credentials, since_ms: int) -> list[FundingPayment]:
        """Return the funding payments, oldest first: bills of the business type contract_settle_fee, week by week."""
        found: dict[str, FundingPayment] = {}
        for week in self._weeks(since_ms):
            params = {"productType": USDT_FUTURES, "businessType": "contract_settle_fee", **week}
            rows = await self._orders.pages("funding", credentials, params, name="billId")
            with reading(self._client.wire.name):
                found |= account.funding_of_bills(rows, self._symbols)
        return sorted(found.values(), key=lambda payment: (payment.at_ms, int(payment.payment_id)))

    async def account_uid(self, credentials: Credentials) -> str:
        return await self._client.ask("key_scope", credentials, {}, lambda a: str(a["data"]["userId"]))

    async def key_scope(self, credentials: Credentials) -> KeyScope:
        return await self._client.ask("key_scope", credentials, {}, lambda a: account.key_scope_of(a["data"]))

    def _weeks(self, since_ms: int) -> Iterator[dict[str, int]]:
        now_ms = self._client.timestamp_ms()
        for start_ms in range(max(since_ms, now_ms - _AGE_MAX_MS), now_ms + 1, _WEEK_MS):
            yield {"startTime": start_ms, "endTime": start_ms + _WEEK_MS - 1}

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

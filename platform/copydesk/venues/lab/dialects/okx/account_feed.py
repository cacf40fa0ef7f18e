"""OKX private channels: what happens to one account, told to one connection.

Source: okx.com/docs-v5, "WS / Order channel", "Account channel", "Positions channel", "Balance and position channel",
"Algo orders channel", "Position risk warning". Orders are told one by one as they happen; the account, then the
positions, then both together follow once the events of a moment are through, as on the exchange.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

import orjson

from copydesk.venues.lab.dialects.okx.account import balance_view, uid_of
from copydesk.venues.lab.dialects.okx.algo_lists import algo_view
from copydesk.venues.lab.dialects.okx.algo_note import algo_of
from copydesk.venues.lab.dialects.okx.catalog import Listed
from copydesk.venues.lab.dialects.okx.desk import Desk
from copydesk.venues.lab.dialects.okx.position_shapes import position_rows, position_view, text
from copydesk.venues.lab.dialects.okx.shapes import order_event
from copydesk.venues.lab.faults import Harm
from copydesk.venues.lab.model import (
    AMENDED,
    CANCELED,
    FUNDING_FEE,
    LIQUIDATION,
    NEW,
    PERP,
    TRANSFER,
    AccountEvent,
    BalanceUpdate,
    ConditionalUpdate,
    MarginCall,
    OrderUpdate,
    PositionUpdate,
)

ORDERS, ALGOS, ACCOUNT, POSITIONS = "orders", "orders-algo", "account", "positions"
BOTH, WARNING = "balance_and_position", "liquidation-warning"
# The path on which each channel is served.
CHANNELS = {
    ORDERS: "private",
    ACCOUNT: "private",
    POSITIONS: "private",
    BOTH: "private",
    WARNING: "private",
    ALGOS: "business",
}
_TYPED = frozenset({ORDERS, ALGOS, POSITIONS, WARNING})
INST_TYPES = frozenset({"ANY", "SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION"})
EVERY_MS = 5000
# What a change of money or of a position is called on the combined channel.
_REASONS = {
    "ORDER": "filled",
    FUNDING_FEE: "funding_fee",
    LIQUIDATION: "liquidation",
    TRANSFER: "transferred",
    "DEPOSIT": "transferred",
    "LEVERAGE": "set_leverage",
    "MARGIN_TRANSFER": "transferred",
}


class Subscription(NamedTuple):
    """One private channel with what narrows it; `steady` ones repeat themselves every few seconds."""

    channel: str
    inst_type: str
    inst_id: str
    family: str
    assets: frozenset[str]
    steady: bool
    arg: dict[str, str]

    def wants(self, listed: Listed) -> bool:
        return (
            self.inst_type in ("ANY", "", listed.inst_type)
            and self.inst_id in ("", listed.inst_id)
            and self.family in ("", listed.family)
        )


def subscription_of(desk: Desk, path: str, arg: dict[str, Any]) -> Subscription | None:
    """Read a private subscription; None for what does not exist on this path."""
    if not all(isinstance(value, str) for value in arg.values()):
        return None
    channel, inst_type, inst_id = (arg.get(name, "") for name in ("channel", "instType", "instId"))
    if CHANNELS.get(channel) != path or (channel in _TYPED and inst_type not in INST_TYPES):
        return None
    if inst_id and inst_id not in desk.catalog.by_id:
        return None
    told = {name: arg[name] for name in ("channel", "ccy", "instType", "instFamily", "instId") if arg.get(name)}
    assets = frozenset(arg["ccy"].split(",")) if arg.get("ccy") else frozenset()
    steady = channel in (ACCOUNT, POSITIONS) and '"updateInterval":"0"' not in arg.get("extraParams", "").replace(
        " ", ""
    )
    family = arg.get("instFamily", "") or arg.get("uly", "")
    return Subscription(channel, inst_type, inst_id, family, assets, steady, told)


class AccountFeed:
    """Tell one connection of one account what it has subscribed to."""

    def __init__(self, desk: Desk, account: str, send: Callable[[bytes], None]) -> None:
        self.account = account
        self._desk = desk
        self._send = send
        self._uid = uid_of(account)
        self.subscriptions: dict[str, Subscription] = {}
        self._assets: dict[str, BalanceUpdate] = {}
        self._positions: dict[tuple[str, str], PositionUpdate] = {}
        self._reason = ""
        self._flushing = False
        self._steady_ms = 0
        desk.exchange.streams.listen(account, self._hear)

    def close(self) -> None:
        self._desk.exchange.streams.leave(self.account, self._hear)
        self.subscriptions.clear()

    def begin(self, key: str, wanted: Subscription) -> None:
        """Add a subscription and send how things stand, where the channel does that."""
        self.subscriptions[key] = wanted
        now_ms = int(self._desk.exchange.now_ms())
        self._steady_ms = self._steady_ms or now_ms
        if wanted.channel == ACCOUNT:
            self._push_account(wanted, set(wanted.assets) or None, "snapshot", now_ms)
        elif wanted.channel == POSITIONS:
            self._push_positions(wanted, self._rows(wanted, now_ms), "snapshot")
        elif wanted.channel == BOTH:
            self._push_both_snapshot(wanted, now_ms)

    def repeat(self, now_ms: int) -> None:
        """Repeat account and positions every five seconds."""
        if now_ms - self._steady_ms < EVERY_MS or self._muted():
            return
        self._steady_ms = now_ms
        for wanted in self._on(ACCOUNT):
            if wanted.steady:
                self._push_account(wanted, set(wanted.assets) or None, "snapshot", now_ms)
        for wanted in self._on(POSITIONS):
            rows = self._rows(wanted, now_ms) if wanted.steady else []
            if rows:
                self._push_positions(wanted, rows, "snapshot")

    def _muted(self) -> bool:
        harms = self._desk.exchange.streams.harms
        return any(one.harm == Harm.MUTE and one.account in ("", self.account) for one in harms)

    def _on(self, channel: str) -> list[Subscription]:
        return [one for one in self.subscriptions.values() if one.channel == channel]

    def _hear(self, event: AccountEvent) -> None:
        if isinstance(event, OrderUpdate):
            self._tell_order(event)
        elif isinstance(event, ConditionalUpdate):
            self._tell_algo(event)
        elif isinstance(event, MarginCall):
            self._warn(event)
        elif isinstance(event, BalanceUpdate):
            self._gather_balance(event)
        elif isinstance(event, PositionUpdate):
            self._gather_position(event)

    def _tell_order(self, event: OrderUpdate) -> None:
        listed = self._desk.catalog.by_id[event.order.symbol]
        row: dict[str, Any] | None = None
        for wanted in self._on(ORDERS):
            if wanted.wants(listed):
                row = row or order_event(self._desk, event)
                self._push(wanted, [row])

    def _tell_algo(self, event: ConditionalUpdate) -> None:
        """Tell a change of an algo order once, though two conditionals may have changed."""
        one, subscriptions = event.conditional, self._on(ALGOS)
        if not subscriptions or not one.active:
            return
        algo = algo_of(self._desk, one)
        fired = algo.fired
        if fired is not None and fired.conditional_id != one.conditional_id:
            return
        if event.change in (NEW, CANCELED, "ACTIVE") and one.conditional_id != algo.first.conditional_id:
            return
        if event.change == AMENDED and algo.second is not None and one.conditional_id != algo.second.conditional_id:
            return
        listed, row = self._desk.catalog.by_id[one.symbol], None
        for wanted in subscriptions:
            if wanted.wants(listed):
                row = row or algo_view(self._desk, algo)
                self._push(wanted, [row])

    def _warn(self, event: MarginCall) -> None:
        for wanted in self._on(WARNING):
            margin = self._desk.exchange.perp.margin(self.account)
            rows = [
                position_view(self._desk, position, margin, event.at_ms)
                for position in event.positions
                if wanted.wants(self._desk.catalog.by_id[position.symbol])
            ]
            if rows:
                self._push(wanted, rows)

    def _gather_balance(self, event: BalanceUpdate) -> None:
        for asset, _, _ in event.balances:
            self._assets[asset] = event
        self._reason = self._reason or _REASONS.get(event.change, "")
        self._flush_soon()

    def _gather_position(self, event: PositionUpdate) -> None:
        self._positions[event.position.symbol, event.position.position_side] = event
        self._reason = _REASONS.get(event.reason, "filled")
        self._flush_soon()

    def _flush_soon(self) -> None:
        if not self._flushing:
            self._flushing = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        assets, self._assets = set(self._assets), {}
        updates, self._positions = list(self._positions.values()), {}
        reason, self._reason = self._reason or "filled", ""
        now_ms = int(self._desk.exchange.now_ms())
        if updates:
            assets.add(self._desk.exchange.perp.settle)
        for wanted in self._on(ACCOUNT):
            chosen = assets & wanted.assets if wanted.assets else assets
            if chosen:
                self._push_account(wanted, chosen, "event_update", now_ms)
        rows = self._changed_rows(updates, now_ms)
        for wanted in self._on(POSITIONS):
            mine = [row for row in rows if wanted.wants(self._desk.catalog.by_id[row["instId"]])]
            if mine:
                self._push_positions(wanted, mine, "event_update")
        for wanted in self._on(BOTH):
            self._push(wanted, [self._both(assets, rows, reason, now_ms)])

    def _changed_rows(self, updates: list[PositionUpdate], now_ms: int) -> list[dict[str, Any]]:
        if not updates:
            return []
        margin = self._desk.exchange.perp.margin(self.account)
        return [position_view(self._desk, update.position, margin, now_ms) for update in updates]

    def _rows(self, wanted: Subscription, now_ms: int) -> list[dict[str, Any]]:
        names = {one.inst_id for one in self._desk.catalog.all if one.market == PERP and wanted.wants(one)}
        return position_rows(self._desk, self.account, names, now_ms)

    def _push_account(self, wanted: Subscription, assets: set[str] | None, kind: str, now_ms: int) -> None:
        self._push(wanted, [balance_view(self._desk, self.account, assets, now_ms)], kind)

    def _push_positions(self, wanted: Subscription, rows: list[dict[str, Any]], kind: str) -> None:
        self._push(wanted, rows, kind)

    def _push_both_snapshot(self, wanted: Subscription, now_ms: int) -> None:
        purse = self._desk.exchange.spot.account_table[self.account]
        held = {asset for asset, balance in purse.balances.items() if balance.free or balance.locked}
        names = {one.inst_id for one in self._desk.catalog.all}
        rows = position_rows(self._desk, self.account, names, now_ms)
        self._push(wanted, [self._both(held, rows, "snapshot", now_ms)])

    def _both(self, assets: set[str], rows: list[dict[str, Any]], reason: str, now_ms: int) -> dict[str, Any]:
        purse, at = self._desk.exchange.spot.account_table[self.account], str(now_ms)
        names = ("avgPx", "ccy", "instId", "instType", "mgnMode", "nonSettleAvgPx", "pos", "posCcy", "posId", "posSide")
        return {
            "pTime": at,
            "eventType": reason,
            "balData": [
                {"ccy": asset, "cashBal": text(purse.balances[asset].free + purse.balances[asset].locked), "uTime": at}
                for asset in sorted(assets)
            ],
            "posData": [
                {**{name: row[name] for name in names}, "baseBal": "", "quoteBal": "", "settledPnl": "", "uTime": at}
                | {"tradeId": row["tradeId"]}
                for row in rows
            ],
            "trades": [{"instId": row["instId"], "tradeId": row["tradeId"]} for row in rows],
        }

    def _push(self, wanted: Subscription, rows: list[dict[str, Any]], kind: str = "") -> None:
        message: dict[str, Any] = {"arg": {**wanted.arg, "uid": self._uid}}
        if kind == "snapshot":
            message |= {"eventType": kind, "curPage": 1, "lastPage": True}
        elif kind:
            message["eventType"] = kind
        self._send(orjson.dumps({**message, "data": rows}))

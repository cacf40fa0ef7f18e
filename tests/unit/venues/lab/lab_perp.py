"""Shorthand of the tests of the lab's perpetuals: two small contracts without the noise of real filters."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from copydesk.venues.lab.accounts import Account
from copydesk.venues.lab.model import Bracket, LabInstrument, NewOrder, PositionView, Result
from copydesk.venues.lab.perp import PerpEngine, PerpRules

SYMBOL = "BTCUSDT"
OTHER = "ETHUSDT"
D = Decimal

# Up to 10,000 of notional at 100 times and 0.5 %, up to 50,000 at 20 times and 2 %, above at 5 times and 10 %.
BRACKETS = (
    Bracket(D(0), D(10_000), 100, D("0.005"), D(0)),
    Bracket(D(10_000), D(50_000), 20, D("0.02"), D(150)),
    Bracket(D(50_000), D(1_000_000), 5, D("0.1"), D(4150)),
)


def contract(symbol: str = SYMBOL, *, tick: str = "0.1", step: str = "0.001") -> LabInstrument:
    base = symbol.removesuffix("USDT")
    return LabInstrument(
        symbol=f"{base}/USDT:USDT",
        venue_symbol=symbol,
        base=base,
        quote="USDT",
        px_tick=D(tick),
        qty_step=D(step),
        qty_min=D(step),
        qty_max=D(1000),
        notional_min=D(5),
        settle="USDT",
        brackets=BRACKETS,
    )


def perps_with(
    *accounts: str, money: str = "1000", px: str = "100", rules: PerpRules | None = None, **fees: Decimal
) -> PerpEngine:
    """Open an exchange on which each account owns this much USDT and both contracts are marked at `px`."""
    purses: dict[str, Account] = {}
    engine = PerpEngine([contract(), contract(OTHER)], purses=purses, rules=rules or PerpRules(), **fees)
    for account in accounts:
        engine.open_account(account)
        purses[account].balances["USDT"].free = D(money)
    for symbol in (SYMBOL, OTHER):
        engine.mark(symbol, D(px), D(px), 0)
    return engine


def quoted(engine: PerpEngine, bid: str, ask: str, *, qty: str = "1000", symbol: str = SYMBOL) -> None:
    """Let the house quote one price on each side."""
    tick = engine.instruments[symbol].px_tick
    bids, asks = ([(int(D(px) / tick), D(qty))] for px in (bid, ask))
    engine.place_quotes(symbol, bids, asks, 1)


def market(account: str, side: str, qty: str, **more: Any) -> NewOrder:
    return NewOrder(account, more.pop("cid", ""), SYMBOL, side, "market", qty=D(qty), market="perp", **more)


def limit(account: str, side: str, qty: str, px: str, **more: Any) -> NewOrder:
    kind = more.pop("type", "limit")
    return NewOrder(account, more.pop("cid", ""), SYMBOL, side, kind, qty=D(qty), px=D(px), market="perp", **more)


def placed(engine: PerpEngine, new: NewOrder, now_ms: int = 1) -> Result:
    """Submit an order that must be accepted."""
    result = engine.submit(new, now_ms)
    assert result.reject is None, result.reject
    return result


def traded(engine: PerpEngine, new: NewOrder, px: str, now_ms: int = 1) -> Result:
    """Fill an order whole at this price, against the house."""
    quoted(engine, px, str(D(px) + engine.instruments[new.symbol].px_tick), symbol=new.symbol)
    if new.side == "buy":
        quoted(engine, str(D(px) - engine.instruments[new.symbol].px_tick), px, symbol=new.symbol)
    result = placed(engine, new, now_ms)
    assert result.order is not None
    assert result.order.status == "FILLED"
    return result


def held(engine: PerpEngine, account: str, side: str = "net", symbol: str = SYMBOL) -> PositionView:
    return engine.position(account, symbol, side)


def wallet(engine: PerpEngine, account: str) -> Decimal:
    return engine.margin(account).wallet

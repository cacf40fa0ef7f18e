"""Shorthand of the lab's engine tests: one small instrument without the noise of real filters."""

from __future__ import annotations

from decimal import Decimal

from copydesk.venues.lab.engine import Engine
from copydesk.venues.lab.model import LabInstrument, NewOrder, Result

SYMBOL = "BTCUSDT"
BTC = LabInstrument(
    symbol="BTC/USDT",
    venue_symbol=SYMBOL,
    base="BTC",
    quote="USDT",
    px_tick=Decimal("0.01"),
    qty_step=Decimal("0.001"),
    qty_min=Decimal("0.001"),
    qty_max=Decimal(1000),
    notional_min=Decimal(5),
)


def engine_with(*accounts: str) -> Engine:
    """Open an exchange on which each account owns 100,000 USDT and 10 BTC."""
    engine = Engine([BTC])
    for account in accounts:
        engine.create_account(account, {"USDT": Decimal(100_000), "BTC": Decimal(10)})
    return engine


def market(account: str, side: str, qty: str, cid: str = "") -> NewOrder:
    return NewOrder(account, cid, SYMBOL, side, "market", qty=Decimal(qty))


def limit(account: str, side: str, qty: str, px: str, *, cid: str = "", tif: str = "GTC") -> NewOrder:
    return NewOrder(account, cid, SYMBOL, side, "limit", qty=Decimal(qty), px=Decimal(px), tif=tif)


def placed(engine: Engine, new: NewOrder, now_ms: int = 1) -> Result:
    """Submit an order that must be accepted."""
    result = engine.submit(new, now_ms)
    assert result.reject is None, result.reject
    return result


def funds(engine: Engine, account: str, asset: str) -> tuple[Decimal, Decimal]:
    return engine.balances(account)[asset]

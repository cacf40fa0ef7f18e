"""The lab's listed pairs, with filters close to the real exchange's (Binance spot exchangeInfo, 2025)."""

from __future__ import annotations

from decimal import Decimal

from copydesk.venues.lab.model import LabInstrument


def _usdt_pair(base: str, *, px_tick: str, qty_step: str, qty_max: str) -> LabInstrument:
    return LabInstrument(
        symbol=f"{base}/USDT",
        venue_symbol=f"{base}USDT",
        base=base,
        quote="USDT",
        px_tick=Decimal(px_tick),
        qty_step=Decimal(qty_step),
        qty_min=Decimal(qty_step),
        qty_max=Decimal(qty_max),
        notional_min=Decimal(5),
    )


LAB_INSTRUMENTS: tuple[LabInstrument, ...] = (
    _usdt_pair("BTC", px_tick="0.01", qty_step="0.00001", qty_max="9000"),
    _usdt_pair("ETH", px_tick="0.01", qty_step="0.0001", qty_max="9000"),
    _usdt_pair("SOL", px_tick="0.01", qty_step="0.001", qty_max="90000"),
    _usdt_pair("XRP", px_tick="0.0001", qty_step="0.1", qty_max="9222449"),
    _usdt_pair("BNB", px_tick="0.01", qty_step="0.001", qty_max="90000"),
)

"""Taking an instrument off one exchange's lists while it trades, and putting it back."""

from __future__ import annotations

from copydesk.kernel import ZERO
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.light import fill_perp
from copydesk.venues.lab.model import BUY, HOUSE_ACCOUNTS, MARKET, PERP, SELL, LabInstrument, NewOrder
from copydesk.venues.lab.perp import PerpEngine


def delist(exchange: Exchange, market: str, symbol: str) -> LabInstrument:
    """End everything that is open on an instrument and take it off the lists; return it for `relist`.

    Orders and conditional orders are canceled and positions closed at the mark price, as exchanges do at the
    announced hour. What accounts hold of a spot asset stays theirs.
    """
    engine, now_ms = exchange.engine(market), int(exchange.now_ms())
    for account in [name for name in engine.registries if name not in HOUSE_ACCOUNTS]:
        for result in engine.cancel_all(account, symbol, now_ms):
            exchange.publish(result.events, now_ms)
        for waiting in engine.conditionals(account, symbol):
            canceled = engine.cancel_conditional(account, symbol, waiting.conditional_id, now_ms=now_ms)
            exchange.publish(canceled.events, now_ms)
    if isinstance(engine, PerpEngine):
        _close_positions(exchange, engine, symbol, now_ms)
    exchange.publish(engine.place_quotes(symbol, [], [], now_ms), now_ms)
    engine.halt(symbol)
    return engine.instruments.pop(symbol)


def relist(exchange: Exchange, market: str, instrument: LabInstrument) -> None:
    """Put an instrument back on the lists; the house quotes it again with the next tick."""
    engine = exchange.engine(market)
    engine.instruments[instrument.venue_symbol] = instrument
    engine.halt(instrument.venue_symbol, halted=False)
    exchange.makers[market].forget(instrument.venue_symbol)


def _close_positions(exchange: Exchange, engine: PerpEngine, symbol: str, now_ms: int) -> None:
    contract = engine.markets[symbol]
    for leg in [leg for leg in contract.legs.values() if not leg.owner.house]:
        side = SELL if leg.qty > ZERO else BUY
        closing = NewOrder(
            leg.owner.name,
            "",
            symbol,
            side,
            MARKET,
            abs(leg.qty),
            market=PERP,
            position_side=leg.position_side,
            reduce_only=True,
        )
        exchange.publish(fill_perp(engine, closing, contract.px(), now_ms).events, now_ms)

"""Dialects: how the lab speaks as a given exchange, one package for each.

A dialect may use the lab's engine side and nothing of our own adapters: shared mistakes must not cancel out.
"""

from __future__ import annotations

from copydesk.venues.lab.dialect import Dialect
from copydesk.venues.lab.world import World


def open_dialects(world: World) -> list[Dialect]:
    """Open every dialect on its exchange; the first that handles a path answers it."""
    from copydesk.venues.lab.dialects.binance import Binance
    from copydesk.venues.lab.dialects.bitget import Bitget
    from copydesk.venues.lab.dialects.bybit import Bybit
    from copydesk.venues.lab.dialects.okx import Okx

    on = world.exchanges
    return [Bitget(on["bitget"], on["bitget-uta"]), Okx(on["okx"]), Bybit(on["bybit"]), Binance(on["binance"])]

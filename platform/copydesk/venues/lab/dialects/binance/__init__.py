"""The lab as Binance: spot, wallet and USDⓈ-M futures over REST and WebSocket.

Owns Binance's wording of everything: paths, parameters, signatures, limits, errors, objects and events.
"""

from copydesk.venues.lab.dialects.binance.dialect import Binance

__all__ = ["Binance"]

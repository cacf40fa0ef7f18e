"""The lab as Bybit v5, unified trading account 2.0: spot and USDT perpetuals in one purse, and a funding wallet.

Facts come from the official v5 documentation (state of July 2026), what ccxt 4.5.90 and pybit 5.17 read and send, and
answers of production recorded in public issue trackers. Owns everything about how Bybit is spoken; knows no adapter.
"""

from copydesk.venues.lab.dialects.bybit.bybit import Bybit

__all__ = ["Bybit"]

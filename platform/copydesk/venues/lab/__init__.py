"""The lab: simulated exchanges that speak the real wire formats, with a journal as the test oracle.

Owns matching, accounts, the replayed market, and the servers that speak as Binance, OKX, Bybit and Bitget. It never
imports the adapters beside it, nor they it, so that a shared mistake cannot cancel out.
"""

from copydesk.venues.lab.faults import KINDS
from copydesk.venues.lab.journal import read_journal
from copydesk.venues.lab.listings import LISTINGS
from copydesk.venues.lab.run import ADDRESSES, Addresses, LabConfig, running, serve
from copydesk.venues.lab.same_host import exports, ports_to, write_same_host
from copydesk.venues.lab.tls import open_authority
from copydesk.venues.lab.urls import CCXT_VENUES, LAB_HOST, binance_urls, ccxt_urls

__all__ = [
    "ADDRESSES",
    "CCXT_VENUES",
    "KINDS",
    "LAB_HOST",
    "LISTINGS",
    "Addresses",
    "LabConfig",
    "binance_urls",
    "ccxt_urls",
    "exports",
    "open_authority",
    "ports_to",
    "read_journal",
    "running",
    "serve",
    "write_same_host",
]

"""The lab: a simulated exchange that speaks real wire formats, with a journal as the test oracle.

Owns matching, accounts, the replayed market, and the server that speaks Binance Spot. It never imports the
adapters beside it, nor they it, so that a shared mistake cannot cancel out.
"""

from copydesk.venues.lab.instruments import LAB_INSTRUMENTS
from copydesk.venues.lab.journal import read_journal
from copydesk.venues.lab.run import Addresses, LabConfig, running, serve
from copydesk.venues.lab.urls import binance_urls

__all__ = ["LAB_INSTRUMENTS", "Addresses", "LabConfig", "binance_urls", "read_journal", "running", "serve"]

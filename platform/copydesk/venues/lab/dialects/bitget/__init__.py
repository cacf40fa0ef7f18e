"""The lab as Bitget: the classic API v2 with two wallets, and the unified account's API v3 with one.

Owns paths, envelopes, signatures, errors, limits and streams of both generations; what orders do is the engines'
business. A key belongs to one kind of account and is refused by the other generation's private paths.
"""

from copydesk.venues.lab.dialects.bitget.rest import Bitget

__all__ = ["Bitget"]

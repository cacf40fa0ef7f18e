"""The lab as OKX v5: REST and WebSocket in the exchange's words. What orders do is the engines' business.

Sources: okx.com/docs-v5 (section names stand beside what they explain), ccxt's `okx` and `pro/okx`, which say what
is really read and sent, and python-okx, the exchange's own client. Where these leave a question open, the module
that had to answer it says so.
"""

from copydesk.venues.lab.dialects.okx.venue import Okx

__all__ = ["Okx"]

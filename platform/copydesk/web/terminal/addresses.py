"""Addresses of the terminal."""

from __future__ import annotations

from urllib.parse import urlencode

from copydesk.web.terminal.blueprint import HOME


def back_to(account_id: int, symbol: str) -> str:
    """Return the address of an account's terminal at one market, where its orders are listed."""
    return f"{HOME}/{account_id}?{urlencode({'symbol': symbol})}#orders"

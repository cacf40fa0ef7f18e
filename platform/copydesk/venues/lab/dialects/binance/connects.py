"""How often one address may open a stream connection on Binance.

Source: binance-spot-api-docs, web-socket-streams.md: 300 connections every 5 minutes for each address.
"""

from __future__ import annotations

CONNECTS_MAX = 300
WINDOW_MS = 5 * 60_000


class Connects:
    """Count connections by address in fixed windows of five minutes."""

    def __init__(self) -> None:
        self._window = -1
        self._counts: dict[str, int] = {}

    def admit(self, ip: str, now_ms: int) -> bool:
        """Count one more connection; False when the address has had its share."""
        window = now_ms // WINDOW_MS
        if window != self._window:
            self._window = window
            self._counts.clear()
        self._counts[ip] = self._counts.get(ip, 0) + 1
        return self._counts[ip] <= CONNECTS_MAX

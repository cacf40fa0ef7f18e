"""Bybit's rate limits: requests per address in five seconds, and calls per user, endpoint and product in one second.

Source: v5 documentation, "Rate Limit Rules". An address above 600 requests in 5 seconds is shut out with HTTP 403
for ten minutes. A user's limits are rolling windows of one second (some asset endpoints: one minute); spot and
perpetuals count apart on trading endpoints, and a batch counts once per order.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from copydesk.venues.lab.dialects.bybit.params import Used

IP_WINDOW_MS = 5_000
IP_REQUESTS_MAX = 600
IP_BAN_MS = 600_000
SECOND_MS = 1_000
MINUTE_MS = 60_000
CONNECT_WINDOW_MS = 300_000
CONNECTS_MAX = 500


class Quota(NamedTuple):
    """How many calls a user may make of one endpoint in a window; `spot` differs on trading endpoints."""

    linear: int
    spot: int
    window_ms: int = SECOND_MS
    by_category: bool = False


def per_second(count: int) -> Quota:
    return Quota(count, count)


def per_minute(count: int) -> Quota:
    return Quota(count, count, MINUTE_MS)


def trading(linear: int, spot: int) -> Quota:
    return Quota(linear, spot, by_category=True)


class _Address:
    __slots__ = ("banned_until_ms", "seen")

    def __init__(self) -> None:
        self.seen: deque[int] = deque()
        self.banned_until_ms = 0


class IpMeter:
    """Count requests per address in a rolling window; who goes above it stays out for a while.

    `requests_max` may be raised for load tests from one address.
    """

    def __init__(
        self, requests_max: int = IP_REQUESTS_MAX, window_ms: int = IP_WINDOW_MS, ban_ms: int = IP_BAN_MS
    ) -> None:
        self.requests_max = requests_max
        self._window_ms = window_ms
        self._ban_ms = ban_ms
        self._addresses: dict[str, _Address] = {}

    def allows(self, ip: str, now_ms: int) -> bool:
        """Count one request and tell whether it may be answered."""
        address = self._addresses.get(ip)
        if address is None:
            address = self._addresses[ip] = _Address()
        if address.banned_until_ms > now_ms:
            return False
        seen = address.seen
        seen.append(now_ms)
        while seen[0] <= now_ms - self._window_ms:
            seen.popleft()
        if len(seen) <= self.requests_max:
            return True
        seen.clear()
        address.banned_until_ms = now_ms + self._ban_ms
        return False


class UserMeter:
    """Count calls per user and endpoint in rolling windows."""

    def __init__(self) -> None:
        self._windows: dict[tuple[str, str], deque[int]] = {}

    def take(
        self, name: tuple[str, str], limit: int, now_ms: int, *, window_ms: int, count: int = 1
    ) -> tuple[int, Used]:
        """Count up to `count` calls; return how many were within the limit, and what is left."""
        window = self._windows.get(name)
        if window is None:
            window = self._windows[name] = deque()
        oldest = now_ms - window_ms
        while window and window[0] <= oldest:
            window.popleft()
        left = limit - len(window)
        taken = count if count < left else left
        if taken == 1:
            window.append(now_ms)
        else:
            window.extend([now_ms] * max(0, taken))
        reset_ms = now_ms if taken == count else window[0] + window_ms
        return taken, Used(limit, limit - len(window), reset_ms)

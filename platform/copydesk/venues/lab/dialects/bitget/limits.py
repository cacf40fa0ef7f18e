"""Bitget's rate limits: so many calls a second per endpoint, and so many a minute per address.

Source: the reference's "Frequency limit" of each endpoint (per address for public data, per user id else), and its
questions and answers: "The overall rate limit is 6000/IP/Min. After the rate limit is triggered, it takes 5 minutes
to recover", and the header `x-mbx-used-remain-limit`.
"""

from __future__ import annotations

MINUTE_MS = 60_000
ADDRESS_MINUTE_MAX = 6000
RECOVERY_MS = 5 * MINUTE_MS


class SecondMeter:
    """Count calls per caller and endpoint in whole seconds of the exchange's clock."""

    def __init__(self) -> None:
        self._used: dict[tuple[str, str], list[int]] = {}

    def spend(self, who: str, endpoint: str, second: int, most: int) -> int:
        """Count one more call; return how many are left in this second, below 0 when it is refused."""
        used = self._used.get((who, endpoint))
        if used is None:
            self._used[who, endpoint] = [second, 1]
            return most - 1
        if used[0] != second:
            used[0], used[1] = second, 1
            return most - 1
        used[1] += 1
        return most - used[1]

    def has_room(self, who: str, endpoint: str, second: int, most: int) -> bool:
        """Tell whether one more call may pass in this second, without counting it."""
        used = self._used.get((who, endpoint))
        return used is None or used[0] != second or used[1] < most


class AddressMeter:
    """Count all calls of an address in a minute; who goes over waits five minutes."""

    def __init__(self, most: int = ADDRESS_MINUTE_MAX) -> None:
        self._most = most
        self._used: dict[str, list[int]] = {}
        self._until: dict[str, int] = {}

    def has_room(self, ip: str, now_ms: int) -> bool:
        """Tell whether one more call would not be refused, without counting it."""
        if self._until and self._until.get(ip, 0) > now_ms:
            return False
        used = self._used.get(ip)
        return used is None or used[0] != now_ms // MINUTE_MS or used[1] < self._most

    def refuses(self, ip: str, now_ms: int) -> bool:
        """Count one more call and tell whether it is refused."""
        if self._until and self._until.get(ip, 0) > now_ms:
            return True
        minute = now_ms // MINUTE_MS
        used = self._used.get(ip)
        if used is None or used[0] != minute:
            self._used[ip] = [minute, 1]
            return False
        used[1] += 1
        if used[1] <= self._most:
            return False
        self._until[ip] = now_ms + RECOVERY_MS
        return True

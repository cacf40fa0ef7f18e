"""OKX rate limits: so many calls of one endpoint in so many milliseconds, per address, user or instrument.

Source: okx.com/docs-v5, "Overview", "Rate Limits", and the line "Rate Limit" of each endpoint. Windows are fixed and
aligned to the clock; whether the exchange's slide is not documented.
"""

from __future__ import annotations

from collections.abc import Hashable

ORDERS_MAX = 1000
ORDERS_EVERY_MS = 2000
# So many meters may gather before those of past windows are dropped.
METERS_MAX = 50_000


class Meters:
    """Count calls by whatever key names their scope; each meter knows when its window ends."""

    def __init__(self) -> None:
        self._used: dict[Hashable, tuple[int, int]] = {}

    def take(self, scope: Hashable, most: int, every_ms: int, now_ms: int, count: int = 1) -> bool:
        """Count `count` calls, unless they would go over `most` in the present window; say whether they may pass."""
        kept = self._used.get(scope)
        used = kept[1] if kept is not None and now_ms < kept[0] else 0
        if used + count > most:
            return False
        if kept is None and len(self._used) >= METERS_MAX:
            self._used = {key: meter for key, meter in self._used.items() if meter[0] > now_ms}
        self._used[scope] = (now_ms // every_ms + 1) * every_ms, used + count
        return True

    def has_room(self, scope: Hashable, most: int, now_ms: int) -> bool:
        """Tell whether one more call may pass, without counting it."""
        kept = self._used.get(scope)
        return kept is None or now_ms >= kept[0] or kept[1] < most

    def take_order(self, account: str, now_ms: int) -> bool:
        """Count a new or amended order of a sub-account: at most 1,000 in two seconds over all endpoints."""
        return self.take(("orders", account), ORDERS_MAX, ORDERS_EVERY_MS, now_ms)

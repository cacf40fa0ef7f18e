"""Whose lane is worked on next: brands take turns, so that the many lanes of one keep no other waiting. Pure.

Most lanes at once may be anybody's. Beyond those, a few places are kept for brands that have hardly anything running:
whoever comes while a noisy neighbour holds all the rest begins at once.
"""

from __future__ import annotations

from collections import Counter, deque

Lane = tuple[int, str]


class Turns:
    """Hold the lanes that wait, by brand; `at_once` places are everybody's, `kept` those of who has little running."""

    def __init__(self, at_once: int, kept: int) -> None:
        self._at_once = at_once
        self._kept = kept
        # Brands in the order in which they had their last turn, the longest ago first.
        self._ready: dict[int, deque[str]] = {}
        self._running: Counter[int] = Counter()

    def add(self, lane: Lane) -> None:
        """Have a lane wait for its turn; the caller adds none that waits or runs already."""
        self._ready.setdefault(lane[0], deque()).append(lane[1])

    def next(self) -> Lane | None:
        """Take the lane whose turn it is, None where nobody may begin now: the brand with the fewest running."""
        tenant_id = min(self._ready, key=self._running.__getitem__, default=None)
        if tenant_id is None or not self._may_begin(tenant_id):
            return None
        shard = self._ready[tenant_id].popleft()
        waiting = self._ready.pop(tenant_id)
        if waiting:
            self._ready[tenant_id] = waiting
        self._running[tenant_id] += 1
        return tenant_id, shard

    def done(self, lane: Lane) -> None:
        """Take note that a lane's place is free again."""
        self._running[lane[0]] -= 1
        if not self._running[lane[0]]:
            del self._running[lane[0]]

    def crowded_by(self, tenant_id: int) -> bool:
        """Tell whether a brand should give way: another one waits that has fewer lanes running."""
        mine = self._running[tenant_id]
        return any(self._running[other] < mine for other in self._ready if other != tenant_id)

    def _may_begin(self, tenant_id: int) -> bool:
        busy = self._running.total()
        if busy < self._at_once:
            return True
        fair = max(self._kept // len(self._ready), 1)
        return busy < self._at_once + self._kept and self._running[tenant_id] < fair

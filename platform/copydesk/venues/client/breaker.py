"""A breaker for opens, pure: where a refused order costs what an accepted one does not, a storm of refusals is ended.

Closed, it counts answers; once nearly all orders of the last seconds were refused, and many were, it opens: no open is
sent for a while, closes go on. Then a few opens are let through as probes: one that is accepted closes it, refused
ones open it again for twice as long. Times are epoch seconds, given by the caller.
"""

from __future__ import annotations

SPAN_S = 10.0
REFUSED_RATIO = 0.9
TRIP_RATIO = 0.1  # Of the limit that refusals weigh on: 600 refused orders in a minute of Binance spot.
PAUSE_S, PAUSE_MAX_S = 10.0, 300.0
PROBES = 3
PROBE_S = 5.0  # A probe whose answer takes longer is not waited for.


class Breaker:
    """Judge the orders of one address of one exchange. `trip` is how many refusals within 10 to 20 seconds are many."""

    __slots__ = ("_accepted", "_open_until", "_pause_s", "_probed_at", "_probes", "_refused", "_span_ends", "_trip")

    def __init__(self, trip: int) -> None:
        assert trip > 0, "a breaker that nothing trips is none"
        self._trip = trip
        self._span_ends = 0.0
        self._accepted = [0, 0]
        self._refused = [0, 0]
        self._open_until = 0.0  # 0 while closed; in the past while half open.
        self._pause_s = PAUSE_S
        self._probes = 0
        self._probed_at = 0.0

    def wait_s(self, now: float) -> float:
        """Return 0 when an open may be sent, else the seconds until one may be tried."""
        if not self._open_until:
            return 0.0
        if now < self._open_until:
            return self._open_until - now
        if now - self._probed_at >= PROBE_S:
            self._probes, self._probed_at = PROBES, now
        if self._probes:
            self._probes -= 1
            return 0.0
        return self._probed_at + PROBE_S - now

    def book(self, now: float, *, accepted: bool, reduces: bool) -> float:
        """Count an order's answer; return for how many seconds the breaker has just opened, or 0."""
        if self._open_until:
            return 0.0 if reduces or now < self._open_until else self._judge_probe(now, accepted)
        if now >= self._span_ends:
            self._turn(now)
        if accepted:
            self._accepted[0] += 1
            return 0.0
        self._refused[0] += 1
        refused, accepted_too = sum(self._refused), sum(self._accepted)
        if refused < self._trip or refused < REFUSED_RATIO * (refused + accepted_too):
            return 0.0
        return self._open(now)

    def hear(self, open_s: float, now: float) -> None:
        """Open as long as another process that sends from this address says."""
        self._open_until = max(self._open_until, now + open_s)
        self._probes, self._probed_at = 0, 0.0

    def _judge_probe(self, now: float, accepted: bool) -> float:
        if not accepted:
            self._pause_s = min(2 * self._pause_s, PAUSE_MAX_S)
            return self._open(now)
        self._open_until, self._pause_s = 0.0, PAUSE_S
        self._accepted, self._refused = [0, 0], [0, 0]
        return 0.0

    def _open(self, now: float) -> float:
        self._open_until = now + self._pause_s
        self._probes, self._probed_at = 0, 0.0
        return self._pause_s

    def _turn(self, now: float) -> None:
        """Begin a new span; what was counted in the one before still counts, if it ended just now."""
        follows = now < self._span_ends + SPAN_S
        for counts in (self._accepted, self._refused):
            counts[:] = [0, counts[0] if follows else 0]
        self._span_ends = (now // SPAN_S + 1) * SPAN_S

"""Fair shares of one address's limit between the brands that send from it, pure: nobody's burst takes all of it.

While one brand sends, all of a limit is its own. As soon as others want some of it too, each may always use an equal
part; what the others are not likely to need is lent. What somebody is likely to need is what they took or were refused
in this period or the last, doubled, and never less than a little: whoever comes back finds room.

Only what opens is held to this. Closes go first, whoever they are of. Times are epoch seconds, given by the caller.
"""

from __future__ import annotations

_GROWS = 2
_LEAST_SHARE = 8  # A brand that was seen keeps at least this part of its share free, whatever it used.


class BrandShares:
    """Count one limit by brand. `most` is how much of it may be used for opens in a period of `period_s`."""

    __slots__ = ("_before", "_from", "_index", "_known", "_period_s", "_taken", "_total", "_until", "_wanted", "most")

    def __init__(self, most: int, period_s: int) -> None:
        self.most = most
        self._period_s = period_s
        self._index = self._total = 0
        self._from = self._until = 0.0
        self._taken: dict[int, int] = {}
        self._wanted: dict[int, int] = {}
        self._before: dict[int, int] = {}
        # Whoever sent or was refused in this period or the last.
        self._known: set[int] = set()

    def take(self, brand: int, cost: int, now: float, *, urgent: bool = False) -> float:
        """Count what a brand sends and return 0, or count nothing and return the seconds until the period ends.

        What is `urgent` is counted, and never refused.
        """
        if not self._from <= now < self._until:
            self._turn(now)
        mine = self._taken.get(brand, 0) + cost
        if mine == cost:
            self._known.add(brand)
        if len(self._known) > 1 and not urgent and not self._fits(brand, mine, cost):
            self.want(brand, cost)
            return self._until - now
        self._taken[brand] = mine
        self._total += cost
        return 0.0

    def want(self, brand: int, cost: int) -> None:
        """Take note that a brand was refused: what it needs is more than it had."""
        self._known.add(brand)
        self._wanted[brand] = self._wanted.get(brand, 0) + cost

    def give_back(self, brand: int, cost: int, now: float) -> None:
        """Count less, because a request weighed less than expected, or was not sent."""
        if not self._from <= now < self._until:
            return  # What was counted then counts no more.
        left = self._taken.get(brand, 0) - cost
        if left >= 0:
            self._taken[brand] = left
            self._total -= cost

    def _fits(self, brand: int, mine: int, cost: int) -> bool:
        share = self.most // len(self._known)
        return mine <= share or self._total + cost + self._kept_for_others(brand, share) <= self.most

    def _kept_for_others(self, brand: int, share: int) -> int:
        kept = 0
        for other in self._known:
            if other != brand:
                used = self._taken.get(other, 0)
                need = max(used + self._wanted.get(other, 0), self._before.get(other, 0)) * _GROWS
                kept += max(min(max(need, used + share // _LEAST_SHARE), share) - used, 0)
        return kept

    def _turn(self, now: float) -> None:
        index = int(now // self._period_s)
        gone = self._taken.keys() | self._wanted.keys() if index == self._index + 1 else set()
        self._before = {one: self._taken.get(one, 0) + self._wanted.get(one, 0) for one in gone}
        self._known = set(self._before)
        self._index, self._total, self._taken, self._wanted = index, 0, {}, {}
        self._from, self._until = index * self._period_s, (index + 1) * self._period_s

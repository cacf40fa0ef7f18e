"""The rate budget of one of several processes that send from one address: what it leases, and what it tells.

Sending asks nobody: `try_take` looks at what this process holds. Leases are asked for ahead of a fan-out and renewed
beside it, by `BudgetLink`, which speaks to Redis.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from decimal import Decimal
from typing import Protocol

from copydesk.venues.client.budget import CLOSES_RESERVE_RATIO, Coming, RateBudget
from copydesk.venues.client.draw import Draw
from copydesk.venues.client.leases import Ask
from copydesk.venues.client.windows import Charge, Seat, Window, bounds_of
from copydesk.venues.traits import Endpoint, LimitScope, RateLimit

SLICE_RATIO = 16  # An address leases this part of a pool at once, so that others find some too.
CONFIRM_EVERY_S = 0.5
_DIGEST_LEN = 16

# What is wanted of a window, and for which draw.
Wants = dict[Window, tuple[int, Draw]]


class Line(Protocol):
    """What a shared budget needs of its link."""

    def wake(self) -> None:
        """Ask soon for what budgets lack."""
        ...

    async def lease(self, budget: SharedBudget, wants: Wants) -> None:
        """Ask now; returns without a lease, and soon, while Redis is away."""
        ...

    def tell_block(self, scope: str, key_digest: str, block_s: float) -> None: ...

    def tell_breaker(self, scope: str, open_s: float) -> None: ...


class SharedBudget(RateBudget):
    """A budget that leases. `scope` names what an exchange counts as one: environment, origin and address."""

    def __init__(
        self,
        limits: tuple[RateLimit, ...],
        *,
        scope: str,
        seat: Seat,
        line: Line,
        reserve_ratio: Decimal = CLOSES_RESERVE_RATIO,
    ) -> None:
        super().__init__(limits, reserve_ratio=reserve_ratio, seat=seat)
        self.scope = scope
        self._line = line
        self._names: dict[Window, str] = {}
        self._address_windows: list[Window] = []
        self._leased: set[Window] = set()  # Windows of keys alone; those of the address are few and always looked at.
        self._short: Wants = {}
        self._fresh: set[Window] = set()  # Leased since the last renewal, most likely for what is not sent yet.
        self._keyed: dict[Endpoint, bool] = {}
        self._said: dict[Window, tuple[tuple[int, ...], float]] = {}
        self._keys: dict[str, str] = {}
        self._blocked_digests: dict[str, float] = {}

    async def ahead(self, coming: Iterable[Coming], now: float, *, at_once: int) -> None:
        """Lease what requests that are about to be sent lack, in one round trip; none is made if they lack nothing."""
        wants = self._wants(coming, now, at_once)
        if wants:
            await self._line.lease(self, wants)

    def block(self, retry_after_s: float, now: float, key: str = "") -> None:
        super().block(retry_after_s, now, key)
        self._line.tell_block(self.scope, digest_of(key) if key else "", retry_after_s)

    def hear_block(self, block_s: float, now: float, key_digest: str = "") -> None:
        """Send nothing for a while because another process was told so."""
        if key_digest and key_digest not in self._keys:
            self._blocked_digests[key_digest] = now + block_s  # Should this process ever meet that key.
        else:
            super().block(block_s, now, self._keys.get(key_digest, ""))

    def hear_breaker(self, open_s: float, now: float) -> None:
        """Stop opens because another process met a storm of refusals."""
        if self._breaker:
            self._breaker.hear(open_s, now)

    def asks(self, now: float, wants: Wants | None = None) -> list[Ask]:
        """Return what is to be said and asked: leases that are unused given back, those that run short renewed.

        With `wants` it is a fan-out that asks ahead; what it is lent is kept over the next renewal, used or not.
        """
        short, self._short = self._short | (wants or {}), {}
        kept = self._fresh
        if wants is None:
            self._fresh = set()
        for window in self._address_windows:
            pool = window.bounds.pool
            slice_ = max(pool.reserve // SLICE_RATIO, 1)
            if window not in short and window not in kept:
                window.give_back(slice_, now)
                if window.busy(now) and window.lacks(slice_ // 2, Draw.OPENS, now):
                    short[window] = (slice_, Draw.OPENS)
        for window in self._leased - short.keys() - kept:
            window.give_back(0, now)
        looked_at = dict.fromkeys((*short, *self._address_windows, *self._leased))
        asks = [self._ask(window, short.get(window), now) for window in looked_at]
        return [ask for ask in asks if ask.want or self._is_news(ask, now)]

    def answered(self, ask: Ask, granted: int, told: int, now: float) -> None:
        """Take the answer to one ask."""
        ask.window.leased(ask.said, granted, ask.draw, told, now)
        self._said[ask.window] = (ask.said, now)
        if granted:
            self._fresh.add(ask.window)
        if ask.window in self._address_windows:
            return
        if ask.window.leases:
            self._leased.add(ask.window)
        else:
            self._leased.discard(ask.window)
            self._said.pop(ask.window, None)

    def drop_leases(self, now: float) -> None:
        """Hold nothing that Redis has not confirmed for long: it may have forgotten whose it is."""
        for window in (*self._address_windows, *self._leased):
            window.give_back(0, now)

    def _breaker_opened(self, open_s: float) -> None:
        self._line.tell_breaker(self.scope, open_s)

    def _wants(self, coming: Iterable[Coming], now: float, at_once: int) -> Wants:
        """Return what requests lack: counted together for the address, one by one where their keys lease anything."""
        kinds: dict[tuple[Endpoint, Draw], list[Coming]] = {}
        for one in coming:
            kinds.setdefault((one.endpoint, one.draw), []).append(one)
        wants: Wants = {}
        for (endpoint, _), alike in kinds.items():
            for one in alike if self._leases_by_key(endpoint) else ():
                self._want(wants, one, now, by_key=True)
            self._want(wants, alike[0], now, by_key=False, count=len(alike), at_once=at_once)
        return wants

    def _want(self, wants: Wants, one: Coming, now: float, *, by_key: bool, count: int = 1, at_once: int = 1) -> None:
        for charge in self._charges_of(one.endpoint, one.key, one.symbol):
            if (charge.limit.scope is not LimitScope.IP) is not by_key:
                continue
            together = count if charge.cost_accepted else min(count, at_once)
            draw = Draw.RESERVE if charge.others else one.draw
            units = charge.window.lacks(together * charge.cost, draw, now)
            if units:
                wants[charge.window] = (self._at_least(charge.window, units), draw)

    def _leases_by_key(self, endpoint: Endpoint) -> bool:
        """Tell whether any limit that counts this request by key has a pool to lease from."""
        leases = self._keyed.get(endpoint)
        if leases is None:
            limits = (limit for limit in self._limits_of(endpoint) if limit.scope is not LimitScope.IP)
            leases = any(bounds_of(limit, self._reserve_ratio, self._seat).pool.reserve for limit in limits)
            self._keyed[endpoint] = leases
        return leases

    def _denied(self, charge: Charge, draw: Draw, now: float) -> None:
        window, draw = charge.window, Draw.RESERVE if charge.others else draw
        units = window.lacks(charge.cost, draw, now)
        if units:
            self._short[window] = (self._at_least(window, units), draw)
            self._line.wake()

    def _at_least(self, window: Window, units: int) -> int:
        return max(units, window.bounds.pool.reserve // SLICE_RATIO) if window in self._address_windows else units

    def _ask(self, window: Window, short: tuple[int, Draw] | None, now: float) -> Ask:
        want, draw = short or (0, Draw.OPENS)
        return Ask(self._names[window], window, window.statement(now), want, draw)

    def _is_news(self, ask: Ask, now: float) -> bool:
        """Tell whether Redis does not know this yet, or should hear it again because something is held."""
        said, at = self._said.get(ask.window, ((0, 0, 0, 0), 0.0))
        if tuple(said)[1:] == ask.said[1:] == (0, 0, 0):
            return False
        return said != ask.said or (ask.said.held > 0 and now - at >= CONFIRM_EVERY_S)

    def _opened(self, window: Window, limit: RateLimit, key: str, symbol: str) -> None:
        name = f"{limit.scope}-{limit.unit}-{limit.count}-{limit.period_s}-{limit.group}"
        if limit.scope is LimitScope.IP:
            self._address_windows.append(window)
        else:
            digest = digest_of(key)
            self._keys[digest] = key
            name = f"{name}:{digest}:{symbol}"
            blocked_until = self._blocked_digests.pop(digest, 0.0)
            if blocked_until:
                self._keys_blocked_until[key] = blocked_until
        self._names[window] = name


def digest_of(key: str) -> str:
    """Name a key in Redis without telling it."""
    return hashlib.sha256(key.encode()).hexdigest()[:_DIGEST_LEN]

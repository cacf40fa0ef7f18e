"""Rate limits: request weight per address, new orders per account, and bans for those who go on.

Windows are fixed and aligned to the clock, as the exchange's own counters are.
"""

from __future__ import annotations

from dataclasses import dataclass

MINUTE_MS = 60_000
TEN_SECONDS_MS = 10_000
DAY_MS = 86_400_000
REFUSALS_BEFORE_BAN = 20
BAN_FIRST_MS = 2 * MINUTE_MS
BAN_LONGEST_MS = 3 * DAY_MS


@dataclass(frozen=True, slots=True)
class Refusal:
    """Say that a caller must wait. `banned` marks the harder answer, `until_ms` its end in epoch ms."""

    banned: bool
    until_ms: int
    retry_after_s: int


@dataclass(slots=True)
class Address:
    """The meter of one address: the weight `used` in the current minute, and its record of refusals."""

    window: int = -1
    used: int = 0
    refusals: int = 0
    bans: int = 0
    banned_until_ms: int = 0


class WeightMeter:
    """Count request weight per address and minute; refuse above the limit, ban after repeated refusals."""

    def __init__(self, weight_max: int = 6000) -> None:
        self.weight_max = weight_max
        self._addresses: dict[str, Address] = {}

    def address(self, ip: str, now_ms: int) -> Address:
        """Return the address's meter of the current minute; it must not be kept longer than one request."""
        address = self._addresses.get(ip)
        if address is None:
            address = self._addresses[ip] = Address()
        window = now_ms // MINUTE_MS
        if window != address.window:
            address.window, address.used, address.refusals = window, 0, 0
        return address

    def refusal(self, address: Address, now_ms: int) -> Refusal | None:
        """Return why this address must wait, or None; asking while refused counts toward a ban."""
        if address.banned_until_ms > now_ms:
            return _wait(True, address.banned_until_ms, now_ms)
        if address.used <= self.weight_max:
            return None
        address.refusals += 1
        if address.refusals > REFUSALS_BEFORE_BAN:
            length_ms = min(BAN_FIRST_MS * 2**address.bans, BAN_LONGEST_MS)
            address.bans += 1
            address.refusals = 0
            address.banned_until_ms = now_ms + length_ms
            return _wait(True, address.banned_until_ms, now_ms)
        return _wait(False, (address.window + 1) * MINUTE_MS, now_ms)


def _wait(banned: bool, until_ms: int, now_ms: int) -> Refusal:
    return Refusal(banned, until_ms, max(1, -((now_ms - until_ms) // 1000)))


@dataclass(slots=True)
class Placed:
    """Orders of one account in the current ten seconds and the current day."""

    window: int = -1
    count: int = 0
    day: int = -1
    count_day: int = 0


class OrderMeter:
    """Count unfilled new orders per account in ten seconds and in a day; a fill gives its count back."""

    def __init__(self, ten_seconds_max: int = 50, day_max: int = 160_000) -> None:
        self.ten_seconds_max = ten_seconds_max
        self.day_max = day_max
        self._accounts: dict[str, Placed] = {}

    def place(self, account: str, now_ms: int, many: int = 1) -> str | None:
        """Count the orders of one request; return the name of the interval that is full, or None."""
        placed = self.of(account, now_ms)
        if placed.count + many > self.ten_seconds_max:
            return f"{self.ten_seconds_max} orders per 10 SECOND"
        if placed.count_day + many > self.day_max:
            return f"{self.day_max} orders per 1 DAY"
        placed.count += many
        placed.count_day += many
        return None

    def give_back(self, account: str, now_ms: int) -> None:
        placed = self.of(account, now_ms)
        if placed.count:
            placed.count -= 1
        if placed.count_day:
            placed.count_day -= 1

    def of(self, account: str, now_ms: int) -> Placed:
        """Return the account's counts of the current ten seconds and the current day."""
        placed = self._accounts.get(account)
        if placed is None:
            placed = self._accounts[account] = Placed()
        window, day = now_ms // TEN_SECONDS_MS, now_ms // DAY_MS
        if window != placed.window:
            placed.window, placed.count = window, 0
        if day != placed.day:
            placed.day, placed.count_day = day, 0
        return placed

"""What replication needs from outside, each with one real implementation in `bootstrap`."""

from __future__ import annotations

from collections.abc import Collection, Coroutine, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from copydesk.trading import Credentials, Instrument
from copydesk.venues import Venue

T = TypeVar("T")


@dataclass(frozen=True)
class Terms:
    """One brand's bounds on copies on one exchange: its markets there, limits, and how its client order ids begin."""

    markets: frozenset[str]
    slippage_bps_max: int
    signal_age_ms_max: int
    broker_prefix: str
    leverage_max: int = 1


@dataclass(frozen=True)
class Timing:
    """The installation's clockwork, in milliseconds."""

    lease_ms: int
    unknown_wait_ms: int


class Exchange(Protocol):
    """One venue environment with its instruments at hand, by ccxt symbol."""

    @property
    def venue(self) -> Venue: ...

    @property
    def instruments(self) -> Mapping[str, Instrument]: ...


class Surroundings(Protocol):
    """Everything around the replicator: exchanges by shard, keys, brand terms, announcements, the event loop.

    What is asked for a shard may differ between brands; `exchange` and `terms` are asked outside the loop.
    """

    def exchange(self, tenant_id: int, shard: str) -> Exchange: ...

    def credentials(self, tenant_id: int, account_ids: Collection[int]) -> dict[int, Credentials]:
        """Open the accounts' keys; an account whose key cannot be opened is left out."""
        ...

    def terms(self, tenant_id: int, shard: str) -> Terms: ...

    def announce(self, tenant_id: int, event: Mapping[str, Any]) -> None:
        """Tell watching browsers; lost announcements cost nothing but freshness."""
        ...

    def look_soon(self, tenant_id: int, shard: str) -> None:
        """Have the lane reconciled in a moment; returns at once. Should it get lost, the relay wakes the lane."""
        ...

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Start a coroutine on the resident loop; the caller goes on and waits for the future later."""
        ...

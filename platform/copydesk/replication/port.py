"""What replication needs from outside, each with one real implementation in `bootstrap`."""

from __future__ import annotations

from collections.abc import Collection, Coroutine, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol, TypeVar

from copydesk.marks import FreshPrice
from copydesk.replication.model import (
    CARRY_S_MAX_PLAIN,
    LEVERAGE_HIGHEST,
    MARK_BPS_MAX_PLAIN,
    ROUND_UP_MAX_PLAIN,
    Limits,
    No,
)
from copydesk.risk import SwitchesNow
from copydesk.risk.model import Scoped
from copydesk.trading import Bracket, Credentials, Instrument, MarginMode
from copydesk.venues import Liquidity, Venue

T = TypeVar("T")


@dataclass(frozen=True)
class Terms:
    """One brand's bounds on copies on one exchange: its markets there, limits, and how its client order ids begin.

    `markets` are those in which something may be opened. The last four numbers are those of `model.Limits`;
    `risk_limits` are the platform's and the brand's by their files. `margin_mode` is what perpetuals are opened in,
    `leverage_caps` what single markets allow beside `leverage_max`.
    """

    markets: frozenset[str]
    slippage_bps_max: int
    signal_age_ms_max: int
    broker_prefix: str
    leverage_max: int = 1
    round_up_max: Decimal = ROUND_UP_MAX_PLAIN
    carry_s_max: int = CARRY_S_MAX_PLAIN
    mark_bps_max: int = MARK_BPS_MAX_PLAIN
    exposure_max: int = LEVERAGE_HIGHEST
    risk_limits: tuple[Scoped, ...] = ()
    margin_mode: MarginMode = MarginMode.CROSS
    leverage_caps: Mapping[str, int] = field(default_factory=dict)

    def leverage_max_of(self, symbol: str) -> int:
        """Return the highest leverage that the brand allows in a market."""
        return min(self.leverage_max, self.leverage_caps.get(symbol, self.leverage_max))

    def limits(
        self,
        symbol: str,
        *,
        strategy_live: bool,
        strategy_suspended: bool = False,
        mark_px: Decimal | None = None,
        unrest: No | None = None,
        brackets: tuple[Bracket, ...] = (),
    ) -> Limits:
        """Return the bounds on copies of one instrument, `mark_px` being what the market says of its price.

        `unrest` is why nothing of it is opened for now; `brackets` are what the exchange allows by size.
        """
        return Limits(
            self.slippage_bps_max,
            self.signal_age_ms_max,
            market_allowed=symbol in self.markets,
            strategy_live=strategy_live,
            leverage_max=self.leverage_max_of(symbol),
            round_up_max=self.round_up_max,
            carry_s_max=self.carry_s_max,
            mark_px=mark_px,
            mark_bps_max=self.mark_bps_max,
            exposure_max=self.exposure_max,
            strategy_suspended=strategy_suspended,
            unrest=unrest,
            brackets=brackets,
        )


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

    def price_now(self, shard: str, symbol: str) -> FreshPrice:
        """Return the public price of an instrument on the shard's exchange, and what keeps it from being opened."""
        ...

    def liquidity(self, tenant_id: int, shard: str, symbol: str) -> Liquidity | None:
        """Return what the market of an instrument bears, a few seconds old at most; None where it cannot be told now.

        Asked only where a limit is about it; it may wait a moment for the exchange.
        """
        ...

    def switches(self) -> SwitchesNow:
        """Return where the kill switches that are on are looked up; asked again for each order that opens."""
        ...

    def announce(self, tenant_id: int, event: Mapping[str, Any]) -> None:
        """Tell watching browsers; lost announcements cost nothing but freshness."""
        ...

    def look_soon(self, tenant_id: int, shard: str) -> None:
        """Have the lane reconciled in a moment; returns at once. Should it get lost, the relay wakes the lane."""
        ...

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Start a coroutine on the resident loop; the caller goes on and waits for the future later."""
        ...


def copies_booked(signal_id: int, strategy_id: int, shard: str) -> dict[str, Any]:
    """Return the event that says: copies of this signal, which is of this strategy, were booked in a lane."""
    return {"type": "copies", "signal_id": signal_id, "strategy_id": strategy_id, "shard": shard}

"""What a stop would do to a brand, before anybody confirms it: whom it reaches, what they hold, what closing may cost.

Changes nothing. Notional is at the prices that are given; slippage is what the last closes of an instrument lost
against the leader's price, in basis points, and not known where there were none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.kernel import ZERO
from copydesk.replication.stopping import reached_subscriptions
from copydesk.risk import Reach, ThrownSwitch
from copydesk.trading import quote_currency

# Of how many of an instrument's last closes.
_CLOSES_MAX = 50
_BPS = Decimal("0.01")
_CENT = Decimal("0.01")

_HELD = text(
    """
    SELECT a.venue || '-' || a.environment AS exchange, b.symbol, count(*) AS positions,
           sum(greatest(b.qty, 0)) AS long_qty, sum(greatest(-b.qty, 0)) AS short_qty
    FROM book b
    JOIN subscription s ON s.tenant_id = b.tenant_id AND s.id = b.subscription_id
    JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    WHERE b.qty <> 0 AND s.id = ANY(CAST(:ids AS bigint[])) AND b.symbol = coalesce(CAST(:symbol AS text), b.symbol)
    GROUP BY 1, 2 ORDER BY 1, 2
    """
)
# Above zero is worse than the leader's price.
_SLIPPED = text(
    """
    SELECT (c.avg_px / g.px - 1) * CASE c.side WHEN 'buy' THEN 10000 ELSE -10000 END
    FROM copy c
    JOIN signal g ON g.tenant_id = c.tenant_id AND g.id = c.signal_id
    JOIN account a ON a.tenant_id = c.tenant_id AND a.id = c.account_id
    WHERE c.leg = 'close' AND c.cum_qty > 0 AND c.avg_px IS NOT NULL AND g.px > 0 AND c.symbol = :symbol
      AND a.venue || '-' || a.environment = :exchange
    ORDER BY c.planned_at DESC LIMIT :most
    """
)
_FOLLOWERS = text(
    "SELECT count(DISTINCT a.user_id) FROM subscription s JOIN account a ON a.tenant_id = s.tenant_id "
    "AND a.id = s.account_id WHERE s.id = ANY(CAST(:ids AS bigint[]))"
)
_RESTING = text(
    """
    SELECT count(*) FROM resting_order WHERE subscription_id = ANY(CAST(:ids AS bigint[])) AND NOT reduces
      AND state <> 'done' AND symbol = coalesce(CAST(:symbol AS text), symbol)
    """
)

PriceOf = Callable[[str, str], Decimal | None]


@dataclass(frozen=True, slots=True)
class Exposed:
    """What is held of one instrument on one exchange by whom a switch reaches; `slipped_bps` are its last closes."""

    exchange: str
    symbol: str
    positions: int
    long_qty: Decimal
    short_qty: Decimal
    px: Decimal | None
    slipped_bps: tuple[Decimal, ...] = ()

    @property
    def currency(self) -> str:
        return quote_currency(self.symbol)

    @property
    def notional(self) -> Decimal | None:
        """Return what all positions are worth, longs and shorts added up; None where no price is known."""
        return None if self.px is None else ((self.long_qty + self.short_qty) * self.px).quantize(_CENT)

    @property
    def slippage_bps(self) -> Decimal | None:
        """Return the median loss of the last closes against the leader's price; None where there were none."""
        return median(self.slipped_bps).quantize(_BPS) if self.slipped_bps else None

    @property
    def slippage(self) -> Decimal | None:
        """Return what closing all at once may lose by that, in quote currency; a larger order loses more."""
        if self.notional is None or self.slippage_bps is None:
            return None
        return (self.notional * max(self.slippage_bps, ZERO) / 10_000).quantize(_CENT)


@dataclass(frozen=True, slots=True)
class SwitchPreview:
    """Whom a switch reaches, and what they hold by exchange and instrument; `resting` orders would be recalled."""

    followers: int = 0
    subscriptions: int = 0
    resting: int = 0
    exposed: tuple[Exposed, ...] = ()

    @property
    def positions(self) -> int:
        return sum(one.positions for one in self.exposed)


def preview_switch(session: TenantSession, switch: ThrownSwitch, px_of: PriceOf) -> SwitchPreview:
    """Return what a switch would reach in this brand; a price is None where it is not known."""
    ids = reached_subscriptions(session, switch)
    return preview_stop(session, ids, px_of, symbol=switch.subject if switch.reach is Reach.INSTRUMENT else None)


def preview_stop(
    session: TenantSession, ids: Sequence[int], px_of: PriceOf, *, symbol: str | None = None
) -> SwitchPreview:
    """Return what these subscriptions hold, of one instrument or of all."""
    if not ids:
        return SwitchPreview()
    keys = {"ids": list(ids), "symbol": symbol}
    exposed = []
    for row in session.execute(_HELD, keys).all():
        slipped = session.execute(_SLIPPED, {"symbol": row.symbol, "exchange": row.exchange, "most": _CLOSES_MAX})
        held = row.positions, row.long_qty, row.short_qty, px_of(row.exchange, row.symbol)
        exposed.append(Exposed(row.exchange, row.symbol, *held, tuple(slipped.scalars())))
    followers = session.execute(_FOLLOWERS, {"ids": ids}).scalar_one()
    return SwitchPreview(followers, len(ids), session.execute(_RESTING, keys).scalar_one(), tuple(exposed))


def together(previews: Iterable[SwitchPreview]) -> SwitchPreview:
    """Add several brands up, for a switch of the platform. Pure."""
    all_of = list(previews)
    found: dict[tuple[str, str], Exposed] = {}
    for one in (exposed for preview in all_of for exposed in preview.exposed):
        place = one.exchange, one.symbol
        found[place] = one if place not in found else _added(found[place], one)
    return SwitchPreview(
        sum(preview.followers for preview in all_of),
        sum(preview.subscriptions for preview in all_of),
        sum(preview.resting for preview in all_of),
        tuple(found[place] for place in sorted(found)),
    )


def _added(one: Exposed, other: Exposed) -> Exposed:
    return Exposed(
        one.exchange,
        one.symbol,
        one.positions + other.positions,
        one.long_qty + other.long_qty,
        one.short_qty + other.short_qty,
        one.px if one.px is not None else other.px,
        one.slipped_bps + other.slipped_bps,
    )

"""What `copydesk risk status` says of the stops that rest at exchanges: how many do, and which positions have none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from copydesk.kernel import decimal_text
from copydesk.replication import StopStanding

_NAMED = 10
_NOT_YET = "none was placed yet"


def protection_words(positions: Sequence[StopStanding], now: datetime) -> Iterator[str]:
    """Say in lines for a person how a brand's perpetual positions are protected."""
    bare = [one for one in positions if not one.protected]
    oldest = min((one.verified_at for one in positions if one.protected and one.verified_at), default=None)
    seen = f", the longest ago seen {(now - oldest).total_seconds():.0f} s ago" if oldest else ""
    yield f"  stops at exchanges: {len(positions) - len(bare)} of {len(positions)} positions{seen}"
    for one in bare[:_NAMED]:
        why = one.reason or (_NOT_YET if one.state is None else str(one.state))
        yield f"    without one: subscription {one.subscription_id}, {one.symbol} {one.position_side}: {why}"
    if len(bare) > _NAMED:
        yield f"    and {len(bare) - _NAMED} more without one"


def protection_json(positions: Sequence[StopStanding]) -> list[dict[str, Any]]:
    """Put it in plain JSON."""
    return [
        {
            "subscription": one.subscription_id,
            "symbol": one.symbol,
            "position_side": str(one.position_side),
            "state": one.state and str(one.state),
            "trigger_px": None if one.trigger_px is None else decimal_text(one.trigger_px),
            "verified_at": one.verified_at and one.verified_at.isoformat(),
            "reason": one.reason,
        }
        for one in positions
    ]

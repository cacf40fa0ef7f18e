"""What `copydesk risk status` says of the stops that rest at exchanges: how many do, and which positions have none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from copydesk.kernel import decimal_text
from copydesk.replication import PositionStop, StopStanding

_NAMED = 10
_NOT_YET = "none was placed yet"


def protection_words(positions: Sequence[StopStanding], now: datetime) -> Iterator[str]:
    """Say in lines for a person how a brand's perpetual positions are protected."""
    bare = [one for one in positions if not one.protected]
    resting = [one.stop for one in positions if one.stop is not None and one.protected]
    oldest = min((stop.verified_at for stop in resting if stop.verified_at), default=None)
    seen = f", the longest ago seen {(now - oldest).total_seconds():.0f} s ago" if oldest else ""
    yield f"  stops at exchanges: {len(resting)} of {len(positions)} positions{seen}"
    for one in bare[:_NAMED]:
        why = _NOT_YET if one.stop is None else one.stop.reason or str(one.stop.state)
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
        }
        | _stop_json(one.stop)
        for one in positions
    ]


def _stop_json(stop: PositionStop | None) -> dict[str, Any]:
    if stop is None:
        return dict.fromkeys(("state", "trigger_px", "verified_at", "reason"))
    return {
        "state": str(stop.state),
        "trigger_px": decimal_text(stop.trigger_px),
        "verified_at": stop.verified_at and stop.verified_at.isoformat(),
        "reason": stop.reason,
    }

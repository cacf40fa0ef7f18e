"""`copydesk risk perpetuals`: leverage and liquidation of leader and follower side by side, and the funding to come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Any

import click

from copydesk.bootstrap import Runtime
from copydesk.cli.brand import brand_id, on_brand
from copydesk.cli.installation import print_json
from copydesk.kernel import decimal_text, utc_now
from copydesk.marks import ComingFunding, Marks
from copydesk.replication import CopiedPerpetual, LeaderEventShown, Stand, leader_events, read_perpetuals
from copydesk.web.news_words import change_words
from copydesk.web.speaking import speaking

_CENT = Decimal("0.01")
_PX = Decimal("1E-8")
_RATE = Decimal("0.0001")


@click.command("perpetuals")
@click.option("--subscription", type=int, help="Only of this subscription, with what its trader changed.")
@on_brand
def perpetuals(runtime: Runtime, tenant: str, subscription: int | None, as_json: bool) -> int:
    """Show every copied perpetual, the closest to liquidation first, with the trader's beside the follower's.

    How far a position is from liquidation is counted at the newest marks, from the price that its exchange named when
    it was last looked at. Funding below zero is paid.

    \b
    Examples:
      copydesk risk perpetuals --tenant aurora
      copydesk risk perpetuals --tenant aurora --subscription 17 --json
    """
    found = open_perpetuals(runtime, tenant, subscription)
    changes = [] if subscription is None else _changes(runtime, tenant, subscription)
    for line in [f"{len(found)} copied perpetuals", *told(found, utc_now()), *(line for line, _ in changes)]:
        click.echo(line, err=as_json)
    if as_json:
        news = [_change_json(change) for _, change in changes]
        print_json({"perpetuals": [perpetual_json(one) for one in found], "changes": news})
    return 0


def open_perpetuals(runtime: Runtime, tenant: str, subscription: int | None = None) -> list[CopiedPerpetual]:
    """Read a brand's copied perpetuals at the public marks and funding rates of now."""
    marks, coming = Marks(runtime.hasty_redis), ComingFunding(runtime.hasty_redis)

    with runtime.db.tenant(brand_id(runtime, tenant)) as session:
        return read_perpetuals(session, marks.worths, coming.read, subscription_id=subscription)


def told(found: Sequence[CopiedPerpetual], now: datetime) -> Iterator[str]:
    """Put copied perpetuals in lines for a person."""
    for one in found:
        side = "short" if one.short else "long"
        yield (
            f"  subscription {one.subscription_id} of {one.strategy}: {one.symbol} {side} "
            f"{decimal_text(abs(one.qty))} at {one.exchange}"
        )
        yield f"    trader    {stand_words(one.leader)}"
        yield f"    follower  {stand_words(one.follower)}{_nearer_words(one)}"
        yield f"    funding   {funding_words(one, now)}"


def nearest_words(nearest: Sequence[CopiedPerpetual], count: int, now: datetime) -> Iterator[str]:
    """Put the copied perpetuals that are closest to liquidation in lines that stand below a brand's own."""
    more = f" {count - len(nearest)} more by copydesk risk perpetuals" if count > len(nearest) else ""
    yield "  perpetuals closest to liquidation:" + (more if nearest else " none is copied")
    yield from (f"  {line}" for line in told(nearest, now))


def stand_words(stand: Stand | None) -> str:
    """Say in one line what leverage a position has, where it is liquidated, and how far that is."""
    if stand is None:
        return "not looked at yet"
    leverage = "leverage not known" if stand.leverage is None else f"{stand.leverage}×"
    mode = f" {stand.margin_mode}" if stand.margin_mode else ""
    margin = f", margin {_plain(stand.margin, _CENT)}" if stand.margin is not None else ""
    if stand.liquidation_px is None or stand.distance is None:
        return f"{leverage}{mode}{margin}, the exchange names no price that liquidates it"
    away = f"{_percent(stand.distance)} % away" if stand.distance > 0 else "which is reached"
    return f"{leverage}{mode}{margin}, liquidated at {_plain(stand.liquidation_px, _PX)}, {away}"


def funding_words(one: CopiedPerpetual, now: datetime) -> str:
    """Say what comes next, and what was booked so far."""
    so_far = f"{_signed(one.paid)} {one.currency} so far"
    if one.rate is None:
        return f"the next rate is not known, {so_far}"
    left_s = max(int(one.rate.next_at_ms / 1000 - now.timestamp()), 0)
    due = f"in {left_s // 3600} h {left_s % 3600 // 60} min"
    about = "" if one.coming is None else f", about {_signed(one.coming)} {one.currency}"
    return f"{_plain(one.rate.rate * 100, _RATE)} % {due}{about}; {so_far}"


def perpetual_json(one: CopiedPerpetual) -> dict[str, Any]:
    """Put one in plain JSON: prices, money and ratios as decimal text, times in ISO 8601."""
    next_at = None if one.rate is None else datetime.fromtimestamp(one.rate.next_at_ms / 1000, UTC).isoformat()
    return {
        "subscription": one.subscription_id,
        "strategy": one.strategy,
        "exchange": one.exchange,
        "symbol": one.symbol,
        "position_side": str(one.position_side),
        "side": "short" if one.short else "long",
        "qty": decimal_text(one.qty),
        "leader": _stand_json(one.leader),
        "follower": _stand_json(one.follower),
        "nearer_by": _text(one.nearer_by),
        "funding": {
            "rate": None if one.rate is None else decimal_text(one.rate.rate),
            "next_at": next_at,
            "coming": _text(one.coming),
            "so_far": decimal_text(one.paid),
            "currency": one.currency,
        },
    }


def _changes(runtime: Runtime, tenant: str, subscription: int) -> list[tuple[str, LeaderEventShown]]:
    """Return what the trader of a subscription changed without trading, each with its line."""
    with runtime.db.tenant(brand_id(runtime, tenant)) as session:
        shown = leader_events(session, subscription)
    with speaking("en"):
        return [(f"  {one.at:%Y-%m-%d %H:%M:%S} UTC {change_words(one)}", one) for one in shown]


def _change_json(change: LeaderEventShown) -> dict[str, Any]:
    ratios = {
        name: _text(getattr(change, name)) for name in ("distance_before", "distance", "own_distance", "nearer_by")
    }
    return asdict(change) | ratios | {"amount": _text(change.amount), "at": change.at.isoformat()}


def _stand_json(stand: Stand | None) -> dict[str, Any] | None:
    if stand is None:
        return None
    numbers = ("qty", "margin", "mark_px", "liquidation_px", "distance")
    return {
        "leverage": stand.leverage,
        "margin_mode": stand.margin_mode and str(stand.margin_mode),
        **{name: _text(getattr(stand, name)) for name in numbers},
        "seen_at": stand.seen_at.isoformat(),
    }


def _nearer_words(one: CopiedPerpetual) -> str:
    if one.nearer_by is None or one.nearer_by <= 0:
        return ""
    return f", {_percent(one.nearer_by)} % nearer than the trader's"


def _percent(ratio: Decimal) -> str:
    """Write a ratio as percent, rounded down, so that what is left is never told as more."""
    return _plain(ratio * 100, _CENT, ROUND_FLOOR)


def _plain(value: Decimal, places: Decimal, rounding: str | None = None) -> str:
    return decimal_text(value.quantize(places, rounding))


def _signed(amount: Decimal) -> str:
    return f"{amount.quantize(_CENT):+f}"


def _text(value: Decimal | None) -> str | None:
    return None if value is None else decimal_text(value)

"""`copydesk risk status`: whether a brand is watched, who is closest to a limit, what fired, and what is held where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Any

import click

from copydesk.bootstrap import Runtime
from copydesk.cli.brand import brand_id, on_installation
from copydesk.cli.installation import print_json
from copydesk.cli.risk_perpetuals import nearest_words, open_perpetuals, perpetual_json
from copydesk.cli.risk_protection import protection_json, protection_words
from copydesk.kernel import decimal_text, utc_now
from copydesk.marks import Marks
from copydesk.replication import Held, Near, RiskPicture, StopStanding, read_picture, stop_standings
from copydesk.risk.acts import ActState
from copydesk.risk.grammar import text_of
from copydesk.risk.sentences import english
from copydesk.risk.service import ground_of
from copydesk.risk.status import LateAct, WatchNow
from copydesk.web.reason_words import state_reason_words

_CENT = Decimal("0.01")
_NEAREST = 10


@click.command("status")
@click.option("--tenant", help="One brand, by its slug; all of them otherwise.")
@on_installation
def status(runtime: Runtime, tenant: str | None, as_json: bool) -> int:
    """Show how brands stand under their limits; exit 1 where nobody watches one, or a stop did not get to its end.

    Equity is counted at the newest public prices. What has none is not guessed at, and said so.

    \b
    Examples:
      copydesk risk status --tenant aurora
      copydesk risk status --json
    """
    slugs = sorted(runtime.tenant_ids) if tenant is None else [tenant]
    shown: dict[str, Any] = {}
    sound = True
    for slug in slugs:
        picture, currency = _picture(runtime, slug)
        for line in told(slug, picture, currency):
            click.echo(line, err=as_json)
        held, guarded = open_perpetuals(runtime, slug), _guarded(runtime, slug)
        for line in protection_words(guarded, utc_now()):
            click.echo(line, err=as_json)
        for line in nearest_words(held[:_NEAREST], len(held), utc_now()):
            click.echo(line, err=as_json)
        shown[slug] = picture_json(picture, currency) | {
            "perpetuals": [perpetual_json(one) for one in held],
            "exchange_stops": protection_json(guarded),
        }
        sound = sound and picture.alive and not picture.flagged
    if as_json:
        print_json({"ok": sound, "brands": shown})
    return 0 if sound else 1


def _picture(runtime: Runtime, slug: str) -> tuple[RiskPicture, str]:
    tenant_id = brand_id(runtime, slug)
    ground = ground_of(runtime.tenant(tenant_id))
    marks = Marks(runtime.hasty_redis)

    with runtime.db.tenant(tenant_id) as session:
        return read_picture(session, ground.limits, marks.worths, currency=ground.currency), ground.currency


def _guarded(runtime: Runtime, slug: str) -> list[StopStanding]:
    with runtime.db.tenant(brand_id(runtime, slug)) as session:
        return stop_standings(session)


def told(slug: str, picture: RiskPicture, currency: str) -> Iterator[str]:
    """Put a picture in lines for a person, what is wrong first."""
    yield f"{slug}: {watch_words(picture.watch)}"
    for scope, number in picture.flagged:
        yield f"  FAIL the stop of {scope} {number} did not get to its end: look at its books (runbooks/stop-fired)"
    fired = [act for act in picture.acts if act.fired]
    warned = [act for act in picture.acts if act.state is ActState.WARNED]
    blocked = len(picture.acts) - len(fired) - len(warned)
    yield f"  last day: {len(fired)} stops fired, {blocked} stops of opens, {len(warned)} warnings"
    for act in picture.acts:
        if act.state is not ActState.WARNED:
            yield f"    {act_words(act, currency)}"
    yield "  closest to a limit:" + ("" if picture.near else " nobody whom one could still stop")
    for near in picture.near:
        yield from (f"    {line}" for line in near_words(near, currency))
    if picture.unpriced:
        yield f"    {picture.unpriced} more hold something that has no fresh price"
    for name in ("strategy", "instrument", "exchange"):
        yield from _held_words(name, getattr(picture, f"by_{name}"), currency)
    yield f"  out of sync: {len(picture.adrift)}"
    for adrift in picture.adrift:
        reason = state_reason_words(adrift.reason or "no reason stored")
        yield f"    subscription {adrift.subscription_id} of {adrift.strategy}: {reason}"


def watch_words(watch: WatchNow | None) -> str:
    """Say in one line whether somebody watches, and what is on its way."""
    if watch is None:
        return "FAIL nobody has ever watched it: start copydesk risk"
    if not watch.alive:
        return f"FAIL nobody watches it: the risk role was last heard of {watch.age_s:.0f} s ago"
    behind = f", {watch.behind} copies not known yet" if watch.behind else ""
    return (
        f"watched {watch.age_s:.1f} s ago, {watch.holders} holders, {watch.stops} stops on their way, "
        f"{watch.doubts} prices in doubt{behind}"
    )


def act_words(act: LateAct, currency: str) -> str:
    """Say in one line what was done, how far it is, and the numbers that proved it."""
    known = {"now", "at"} <= act.facts.keys()
    proof = f" It was {act.facts['now']}, the limit lay at {act.facts['at']}." if known else ""
    if known and act.scope != "strategy":
        now, at = Decimal(act.facts["now"]), Decimal(act.facts["at"])
        proof = f" It was {_money(now, currency)}, the limit lay at {_money(at, currency)}."
    whose = f"{act.scope} {act.facts.get('strategy', act.subject_id)}"
    took = f" after {(act.ended_at - act.at).total_seconds():.1f} s" if act.ended_at else ""
    return f"{act.at:%Y-%m-%d %H:%M:%S} UTC {whose}, {act.state}{took}: {act.sentence}{proof}"


def near_words(near: Near, currency: str) -> Iterator[str]:
    """Say who it is, what is left, and which limit that is."""
    whose = f"{near.scope} {near.number}" + (f" of {near.strategy}" if near.strategy else "")
    left = f"{_money(near.level.left, currency)} left ({percent(near.ratio)} % of {_money(near.equity, currency)})"
    yield f"{whose}: {'past it, ' if near.level.broken else ''}{left}"
    yield f"  {english(near.scoped.limit)} [{near.scoped.scope}]"


def _held_words(kind: str, held: tuple[Held, ...], currency: str) -> Iterator[str]:
    yield f"  held by {kind}:" + ("" if held else " nothing")
    for one in held:
        unpriced = f", {one.unpriced} of {one.books} books without a price" if one.unpriced else ""
        yield f"    {one.name}: long {_money(one.long, currency)}, short {_money(one.short, currency)}{unpriced}"


def picture_json(picture: RiskPicture, currency: str) -> dict[str, Any]:
    """Put a picture in plain JSON: money and ratios as decimal text."""
    return {
        "alive": picture.alive,
        "currency": currency,
        "watch": None if picture.watch is None else asdict(picture.watch),
        "flagged": [{"scope": scope, "id": number} for scope, number in picture.flagged],
        "nearest": [_near_json(near) for near in picture.near],
        "unpriced": picture.unpriced,
        "acts": [_act_json(act) for act in picture.acts],
        **{f"by_{name}": _held_json(getattr(picture, f"by_{name}")) for name in ("strategy", "instrument", "exchange")},
        "out_of_sync": [adrift._asdict() for adrift in picture.adrift],
    }


def _near_json(near: Near) -> dict[str, Any]:
    return {
        "scope": near.scope,
        "id": near.number,
        "strategy": near.strategy,
        "line": text_of(near.scoped.limit),
        "whose": str(near.scoped.scope),
        "sentence": english(near.scoped.limit),
        "equity": decimal_text(near.equity),
        "now": decimal_text(near.level.now),
        "at": decimal_text(near.level.at),
        "left": decimal_text(near.level.left),
        "left_percent": percent(near.ratio),
    }


def _act_json(act: LateAct) -> dict[str, Any]:
    times = {name: getattr(act, name) and getattr(act, name).isoformat() for name in ("at", "sent_at", "ended_at")}
    return asdict(act) | times | {"facts": dict(act.facts), "fired": act.fired, "sentence": act.sentence}


def _held_json(held: tuple[Held, ...]) -> list[dict[str, Any]]:
    return [
        one._asdict()
        | {"long": decimal_text(one.long), "short": decimal_text(one.short), "gross": decimal_text(one.gross)}
        for one in held
    ]


def percent(ratio: Decimal) -> str:
    """Write a ratio as percent, rounded down, so that what is left is never told as more."""
    return decimal_text((ratio * 100).quantize(_CENT, ROUND_FLOOR))


def _money(amount: Decimal, currency: str) -> str:
    return f"{amount.quantize(_CENT, ROUND_HALF_EVEN):f} {currency}"

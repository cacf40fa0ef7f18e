"""`copydesk subscriptions`: who copies whom; begin, pause and end it, with what it costs shown before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

import click

from copydesk.bootstrap import Runtime
from copydesk.cli.brand import brand_id, on_brand
from copydesk.cli.follower_desk import FollowerDesk
from copydesk.cli.installation import print_json
from copydesk.kernel import decimal_text
from copydesk.replication import (
    JoinLine,
    Leaving,
    NewSubscription,
    SubscriptionLine,
    Suitability,
    Wanted,
    doorway,
    end_subscription,
    pause,
    reattach,
    resume,
    subscribe,
    subscription_lines,
)
from copydesk.trading import EndMode, JoinMode, PositionSide, SizingMode
from copydesk.web.words import words
from copydesk.workers.wake import Waker

_F = TypeVar("_F", bound=Callable[..., Any])


class Amount(click.ParamType[Decimal]):
    """A decimal number above zero, exactly as written."""

    name = "amount"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        try:
            amount = Decimal(str(value))
        except InvalidOperation:
            amount = Decimal(0)
        if not amount.is_finite() or amount <= 0:
            self.fail(f"expected a number above 0, found {value!r}", param, ctx)
        return amount


_TERMS = (
    click.option("--strategy", required=True, help="The strategy, by its slug."),
    click.option("--account", type=int, required=True, help="The follower's account, by its number."),
    click.option("--allocation", type=Amount(), required=True, help="Most that may be invested, in quote currency."),
    click.option(
        "--sizing",
        type=click.Choice([mode.value for mode in SizingMode]),
        default=SizingMode.EQUITY_RATIO.value,
        show_default=True,
        help="How quantities follow from the trader's.",
    ),
    click.option("--value", type=Amount(), help="The ratio or amount that the sizing needs."),
    click.option(
        "--join",
        type=click.Choice([mode.value for mode in JoinMode]),
        default=JoinMode.IGNORE.value,
        show_default=True,
        help="What to do about positions that the trader holds already.",
    ),
)


def _with_terms(command: _F) -> _F:
    for option in reversed(_TERMS):
        command = option(command)
    return command


@click.group("subscriptions")
def command() -> None:
    """Look at who copies whom, and begin, pause and end it.

    \b
    Examples:
      copydesk subscriptions list --tenant aurora
      copydesk subscriptions end 17 --tenant aurora --mode close_now
    """


@command.command("list")
@click.option("--strategy", help="Only this strategy's, by its slug.")
@click.option("--ended", is_flag=True, help="Also those that have ended.")
@on_brand
def list_(runtime: Runtime, tenant: str, strategy: str | None, ended: bool, as_json: bool) -> int:
    """List a brand's subscriptions with what they hold and what is kept back.

    \b
    Examples:
      copydesk subscriptions list --tenant aurora
      copydesk subscriptions list --tenant aurora --strategy steady --ended --json
    """
    with runtime.db.tenant(brand_id(runtime, tenant)) as session:
        lines = subscription_lines(session, strategy_slug=strategy, ended=ended)
    for line in lines:
        for said in _told(line):
            click.echo(said, err=as_json)
    if as_json:
        print_json({"subscriptions": [asdict(line) for line in lines]})
    return 0


@command.command("preview")
@_with_terms
@on_brand
def preview(runtime: Runtime, tenant: str, as_json: bool, **terms: Any) -> int:
    """Say whether an account can copy a strategy, and what joining it now would cost. Changes nothing.

    Exits 1 where the account cannot copy it.

    \b
    Example:
      copydesk subscriptions preview --tenant aurora --strategy steady --account 12 --allocation 500 --join at_market
    """
    found, lines = asyncio.run(_looked_at(runtime, tenant, terms))
    _show(found, lines, as_json=as_json)
    return 0 if found.fits else 1


@command.command("start")
@_with_terms
@on_brand
def start(runtime: Runtime, tenant: str, as_json: bool, **terms: Any) -> int:
    """Begin to copy a strategy with an account, if it can; exits 1 and says why if it cannot.

    \b
    Example:
      copydesk subscriptions start --tenant aurora --strategy steady --account 12 --allocation 500
    """
    found, lines = asyncio.run(_looked_at(runtime, tenant, terms))
    if not found.fits:
        _show(found, lines, as_json=as_json)
        return 1
    desk = FollowerDesk(runtime, brand_id(runtime, tenant))
    with runtime.db.tenant(desk.tenant_id) as session:
        new = NewSubscription(
            desk.strategy(session, terms["strategy"]).strategy_id,
            terms["account"],
            terms["allocation"],
            SizingMode(terms["sizing"]),
            terms["value"],
            JoinMode(terms["join"]),
        )
        subscription_id = subscribe(session, new)
        shard = desk.shard(session, terms["account"])
    _wake(runtime, desk.tenant_id, Leaving(subscription_id, shard))
    click.echo(f"Subscription {subscription_id} copies {terms['strategy']}.", err=as_json)
    if as_json:
        print_json({"ok": True, "subscription_id": subscription_id, "joining": [_line_json(line) for line in lines]})
    return 0


@command.command("pause")
@click.argument("subscription", type=int)
@on_brand
def pause_(runtime: Runtime, tenant: str, subscription: int, as_json: bool) -> int:
    """Open nothing any more; positions are still closed with the trader's.

    \b
    Example:
      copydesk subscriptions pause 17 --tenant aurora
    """
    with runtime.db.tenant(brand_id(runtime, tenant)) as session:
        pause(session, subscription)
    return _done(f"Subscription {subscription} is paused; closing orders still go through.", as_json=as_json)


@command.command("resume")
@click.argument("subscription", type=int)
@on_brand
def resume_(runtime: Runtime, tenant: str, subscription: int, as_json: bool) -> int:
    """Open again from the trader's next trade on, also after a liquidation or a stop.

    \b
    Example:
      copydesk subscriptions resume 17 --tenant aurora
    """
    with runtime.db.tenant(brand_id(runtime, tenant)) as session:
        resume(session, subscription)
    return _done(f"Subscription {subscription} copies again.", as_json=as_json)


@command.command("end")
@click.argument("subscription", type=int)
@click.option(
    "--mode",
    required=True,
    type=click.Choice([mode.value for mode in EndMode]),
    help="Close all now, follow the trader's closes until flat, or leave the positions to the account's owner.",
)
@on_brand
def end(runtime: Runtime, tenant: str, subscription: int, mode: str, as_json: bool) -> int:
    """End a subscription; what becomes of its positions must be said.

    \b
    Examples:
      copydesk subscriptions end 17 --tenant aurora --mode close_now
      copydesk subscriptions end 17 --tenant aurora --mode hand_over --json
    """
    tenant_id = brand_id(runtime, tenant)
    with runtime.db.tenant(tenant_id) as session:
        leaving = end_subscription(session, subscription, EndMode(mode))
    _wake(runtime, tenant_id, leaving)
    return _done(f"Subscription {subscription} is ending: {mode}.", as_json=as_json)


@command.command("reattach")
@click.argument("subscription", type=int)
@click.option("--symbol", required=True, help='The instrument, as "BTC/USDT:USDT".')
@click.option(
    "--side",
    default=PositionSide.NET.value,
    show_default=True,
    type=click.Choice([side.value for side in PositionSide]),
    help="Which position of hedge mode.",
)
@on_brand
def reattach_(runtime: Runtime, tenant: str, subscription: int, symbol: str, side: str, as_json: bool) -> int:
    """Copy an instrument again that its owner closed by hand, or that was waited for.

    \b
    Example:
      copydesk subscriptions reattach 17 --tenant aurora --symbol BTC/USDT
    """
    with runtime.db.tenant(brand_id(runtime, tenant)) as session:
        reattach(session, doorway(subscription, symbol, side))
    return _done(f"{symbol} is copied again from the trader's next trade on.", as_json=as_json)


async def _looked_at(runtime: Runtime, tenant: str, terms: Mapping[str, Any]) -> tuple[Suitability, list[JoinLine]]:
    desk = FollowerDesk(runtime, brand_id(runtime, tenant))
    wanted = Wanted(terms["allocation"], SizingMode(terms["sizing"]), terms["value"], JoinMode(terms["join"]))
    return await desk.look(terms["strategy"], terms["account"], wanted)


def _wake(runtime: Runtime, tenant_id: int, leaving: Leaving) -> None:
    """Have the lane begin at once; without Redis the relay wakes it within a moment."""
    with suppress(OSError):
        reason = f"errand-{leaving.subscription_id}"
        Waker(runtime.redis).wake("reconcile", tenant_id=tenant_id, shard=leaving.shard, reason=reason)


def _done(said: str, *, as_json: bool) -> int:
    click.echo(said, err=as_json)
    if as_json:
        print_json({"ok": True})
    return 0


def _told(line: SubscriptionLine) -> Iterator[str]:
    reason = f" ({line.state_reason})" if line.state_reason else ""
    ending = f", {line.end_mode}" if line.state == "ending" else ""
    yield (
        f"{line.id} {line.strategy_slug} account {line.account_id} {line.exchange} {line.state}{reason}{ending} "
        f"allocation {decimal_text(line.allocation)}"
    )
    for held in line.held:
        yield f"  holds {decimal_text(held.qty or Decimal(0))} {held.symbol} {held.position_side}"
    for kept in (*line.kept_back, *line.joining):
        yield f"  {kept.symbol} {kept.position_side}: {words(kept.reason, {}) if kept.reason else kept.state}"


def _show(found: Suitability, lines: list[JoinLine], *, as_json: bool) -> None:
    for denial, facts in (*found.against, *found.notes):
        click.echo(words(denial, facts), err=as_json)
    for line in lines:
        click.echo(_costs(line), err=as_json)
    if as_json:
        against = [{"reason": denial, "sentence": words(denial, facts)} for denial, facts in found.against]
        notes = [{"reason": denial, "sentence": words(denial, facts)} for denial, facts in found.notes]
        joining = [_line_json(line) for line in lines]
        print_json({"ok": found.fits, "against": against, "notes": notes, "joining": joining})


def _costs(line: JoinLine) -> str:
    place = f"{line.symbol} {line.position_side}"
    if line.skipped is not None:
        denial, facts = line.skipped
        return f"{place}: {words(denial, facts)}"
    worst = "" if line.px_worst is None else f" at {decimal_text(line.px_worst)} or better"
    return (
        f"{place}: {line.side} {decimal_text(line.qty)}{worst}, worth {decimal_text(line.notional)}, "
        f"takes {decimal_text(line.margin)}, fee about {decimal_text(line.fee)}"
    )


def _line_json(line: JoinLine) -> dict[str, Any]:
    shown = line._asdict()
    if line.skipped is not None:
        denial, facts = line.skipped
        shown["skipped"] = {"reason": denial, "sentence": words(denial, facts)}
    return shown

"""`copydesk subscriptions`: who copies whom; begin, pause and end it, with what it costs shown before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

import click

from copydesk.bootstrap import Runtime
from copydesk.cli.brand import brand_id, on_brand
from copydesk.cli.follower_desk import FollowerDesk
from copydesk.cli.installation import print_json
from copydesk.cli.risk_history import history_json, history_lines, read_history
from copydesk.cli.subscription_acts import ACTS, wake_lane
from copydesk.cli.subscription_earnings import earnings
from copydesk.kernel import decimal_text
from copydesk.replication import (
    JoinLine,
    NewSubscription,
    RestingLine,
    SubscriptionLine,
    Suitability,
    Wanted,
    require_allocation,
    strategy_keys,
    subscribe,
    subscription_lines,
)
from copydesk.risk.profiles import Profile
from copydesk.risk.service import choose_profile, ground_of
from copydesk.trading import CopyMode, JoinMode, SizingMode
from copydesk.web.reason_words import state_reason_words
from copydesk.web.risk_words import limit_words
from copydesk.web.words import words

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
    click.option(
        "--copies",
        type=click.Choice([mode.value for mode in CopyMode]),
        default=CopyMode.FILLS.value,
        show_default=True,
        help="What of the trader's is copied: what orders fill, or the orders themselves, resting ones as well.",
    ),
)
_PROFILE = click.option(
    "--profile",
    type=click.Choice([profile.value for profile in Profile]),
    help="A named set of limits to begin with: copydesk risk profile show.",
)


def _with_terms(command: _F) -> _F:
    for option in reversed(_TERMS):
        command = option(command)
    return command


@click.group("subscriptions")
def command() -> None:
    """Look at who copies whom and what it has earned, and begin, change, pause and end it.

    \b
    Examples:
      copydesk subscriptions list --tenant aurora
      copydesk subscriptions show 17 --tenant aurora
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


@command.command("show")
@click.argument("subscription", type=int)
@on_brand
def show(runtime: Runtime, tenant: str, subscription: int, as_json: bool) -> int:
    """Show one subscription, also one that has ended: what it holds, what rests for it, what is kept back and why.

    Then what was done because of limits, and news of the strategy.

    \b
    Example:
      copydesk subscriptions show 17 --tenant aurora
    """
    with runtime.db.tenant(brand_id(runtime, tenant)) as session:
        lines = subscription_lines(session, ended=True, number=subscription)
        history = read_history(session, subscription)
    for said in (*_told(lines[0]), *history_lines(history)):
        click.echo(said, err=as_json)
    if as_json:
        print_json({"subscription": asdict(lines[0]), **history_json(history)})
    return 0


@command.command("preview")
@_with_terms
@_PROFILE
@on_brand
def preview(runtime: Runtime, tenant: str, profile: str | None, as_json: bool, **terms: Any) -> int:
    """Say whether an account can copy a strategy, what joining it now would cost, and what limits would make of it.

    Exits 1 where the account cannot copy it.

    \b
    Example:
      copydesk subscriptions preview --tenant aurora --strategy steady --account 12 --allocation 500 --join at_market
    """
    found, lines = asyncio.run(_looked_at(runtime, tenant, terms, profile))
    _show(found, lines, as_json=as_json)
    return 0 if found.fits else 1


@command.command("start")
@_with_terms
@_PROFILE
@on_brand
def start(runtime: Runtime, tenant: str, profile: str | None, as_json: bool, **terms: Any) -> int:
    """Begin to copy a strategy with an account, if it can; exits 1 and says why if it cannot.

    \b
    Examples:
      copydesk subscriptions start --tenant aurora --strategy steady --account 12 --allocation 500 --profile balanced
      copydesk subscriptions start --tenant aurora --strategy steady --account 12 --allocation 500 --copies orders
    """
    found, lines = asyncio.run(_looked_at(runtime, tenant, terms, profile))
    if not found.fits:
        _show(found, lines, as_json=as_json)
        return 1
    desk = FollowerDesk(runtime, brand_id(runtime, tenant))
    ground = ground_of(runtime.tenant(desk.tenant_id))
    with runtime.db.tenant(desk.tenant_id) as session:
        new = NewSubscription(
            strategy_keys(session, terms["strategy"]).strategy_id,
            terms["account"],
            terms["allocation"],
            SizingMode(terms["sizing"]),
            terms["value"],
            JoinMode(terms["join"]),
            copies=CopyMode(terms["copies"]),
        )
        subscription_id = subscribe(session, new, ground)
        if profile is not None:
            choose_profile(session, ground, subscription_id, Profile(profile))
            require_allocation(session, ground, subscription_id)
        shard = desk.shard(session, terms["account"])
    wake_lane(runtime, desk.tenant_id, shard, subscription_id)
    click.echo(f"Subscription {subscription_id} copies {terms['strategy']}: {terms['copies']}.", err=as_json)
    if as_json:
        print_json({"ok": True, "subscription_id": subscription_id, "joining": [_line_json(line) for line in lines]})
    return 0


async def _looked_at(
    runtime: Runtime, tenant: str, terms: Mapping[str, Any], profile: str | None
) -> tuple[Suitability, list[JoinLine]]:
    desk = FollowerDesk(runtime, brand_id(runtime, tenant))
    wanted = Wanted(terms["allocation"], SizingMode(terms["sizing"]), terms["value"], JoinMode(terms["join"]))
    return await desk.look(terms["strategy"], terms["account"], wanted, None if profile is None else Profile(profile))


def _told(line: SubscriptionLine) -> Iterator[str]:
    reason = f" ({state_reason_words(line.state_reason)})" if line.state_reason else ""
    ending = f", {line.end_mode}" if line.state == "ending" else ""
    yield (
        f"{line.id} {line.strategy_slug} account {line.account_id} {line.exchange} {line.state}{reason}{ending} "
        f"allocation {decimal_text(line.allocation)} copies {line.copies}"
    )
    if line.account_reason is not None:
        left = ": what rests at the exchange cannot be canceled" if line.resting else ""
        yield f"  account {line.account_status}{left}. {words(line.account_reason, {})}"
    for held in line.held:
        yield f"  holds {decimal_text(held.qty or Decimal(0))} {held.symbol} {held.position_side}"
    for order in line.resting:
        yield f"  {order.state} {_ordered(order)}"
    for kept in (*line.kept_back, *line.joining):
        yield f"  {kept.symbol} {kept.position_side}: {words(kept.reason, {}) if kept.reason else kept.state}"


def _ordered(order: RestingLine) -> str:
    prices = {"limit": order.px, "trigger": order.trigger_px}
    bounds = "".join(f" {name} {decimal_text(px)}" for name, px in prices.items() if px is not None)
    what = "closing " if order.reduces else ""
    reason = f": {words(order.reason, {})}" if order.reason else ""
    limited = "".join(f" {said}" for said in limit_words(order.facts))
    return f"{what}{order.side} {decimal_text(order.qty)} {order.symbol} {order.position_side}{bounds}{reason}{limited}"


def _show(found: Suitability, lines: list[JoinLine], *, as_json: bool) -> None:
    for denial, facts in (*found.against, *found.notes):
        click.echo(" ".join(filter(None, (words(denial, facts), facts.get("excess")))), err=as_json)
    for line in lines:
        click.echo(_costs(line), err=as_json)
    if as_json:
        against = [
            {"reason": denial, "sentence": words(denial, facts), "excess": facts.get("excess")}
            for denial, facts in found.against
        ]
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
        f"takes {decimal_text(line.margin)}, fee about {decimal_text(line.fee)}{_limited(line)}"
    )


def _limited(line: JoinLine) -> str:
    """Say which limit would make the order smaller, or only warn, and whose it is."""
    if line.limited is None:
        return ""
    cut = "" if line.cut_from is None else f"; cut from {decimal_text(line.cut_from)} to {decimal_text(line.qty)}"
    return ". ".join([cut, *limit_words(line.limited)])


def _line_json(line: JoinLine) -> dict[str, Any]:
    shown = line._asdict()
    if line.skipped is not None:
        denial, facts = line.skipped
        shown["skipped"] = {"reason": denial, "sentence": words(denial, facts)}
    return shown


for act in (*ACTS, earnings):
    command.add_command(act)

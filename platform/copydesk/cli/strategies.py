"""`copydesk strategies`: what can be copied; replay its past, pause it, let it go on, close it for good."""

from __future__ import annotations

from dataclasses import asdict

import click

from copydesk.bootstrap import Runtime
from copydesk.cli.brand import brand_id, on_brand
from copydesk.cli.installation import print_json
from copydesk.cli.subscription_acts import done, wake_lane
from copydesk.cli.what_if import command as whatif
from copydesk.replication import (
    close_strategy,
    news_of_strategy,
    pause_strategy,
    resume_strategy,
    strategy_keys,
    strategy_lines,
)
from copydesk.web.news_words import news_words
from copydesk.web.speaking import speaking


@click.group("strategies")
def command() -> None:
    """Look at the strategies of a brand, their news and their past, pause one, let it go on, or close it.

    \b
    Examples:
      copydesk strategies list --tenant aurora
      copydesk strategies news steady --tenant aurora
      copydesk strategies whatif steady --tenant aurora --amount 500
      copydesk strategies close steady --tenant aurora
    """


command.add_command(whatif)


@command.command("list")
@on_brand
def list_(runtime: Runtime, tenant: str, as_json: bool) -> int:
    """List a brand's strategies with who copies them.

    \b
    Example:
      copydesk strategies list --tenant aurora
    """
    with runtime.db.tenant(brand_id(runtime, tenant)) as session:
        lines = strategy_lines(session)
    for line in lines:
        key = "" if line.account_status == "active" else f", account {line.account_status}"
        said = f"{line.slug} {line.status} account {line.account_id} {line.exchange}{key}: {line.copied_by} copy it"
        click.echo(f"{said}, {line.orders_copied_by} of them its orders", err=as_json)
    if as_json:
        print_json({"strategies": [asdict(line) for line in lines]})
    return 0


@command.command("news")
@click.argument("strategy")
@on_brand
def news(runtime: Runtime, tenant: str, strategy: str, as_json: bool) -> int:
    """Tell what happened to a strategy besides trading: margin, leverage, suspensions; the newest first.

    \b
    Example:
      copydesk strategies news steady --tenant aurora
    """
    tenant_id = brand_id(runtime, tenant)
    with runtime.db.tenant(tenant_id) as session:
        found = news_of_strategy(session, strategy_keys(session, strategy).strategy_id)
    with speaking("en"):
        said = [news_words(one) for one in found]
    for one, words in zip(found, said, strict=True):
        click.echo(f"{one.at:%Y-%m-%d %H:%M:%S} UTC {words}", err=as_json)
    if not found:
        click.echo("no news", err=True)
    if as_json:
        told = [asdict(one) | {"at": one.at.isoformat(), "said": words} for one, words in zip(found, said, strict=True)]
        print_json({"news": told})
    return 0


@command.command("pause")
@click.argument("strategy")
@on_brand
def pause(runtime: Runtime, tenant: str, strategy: str, as_json: bool) -> int:
    """Open nothing any more for anyone; what is held is still closed with the trader's.

    \b
    Example:
      copydesk strategies pause steady --tenant aurora
    """
    tenant_id = brand_id(runtime, tenant)
    with runtime.db.tenant(tenant_id) as session:
        shards = pause_strategy(session, strategy_keys(session, strategy).strategy_id)
    _wake(runtime, tenant_id, shards)
    return done(f"{strategy} is paused; closing orders still go through.", as_json=as_json)


@command.command("resume")
@click.argument("strategy")
@on_brand
def resume(runtime: Runtime, tenant: str, strategy: str, as_json: bool) -> int:
    """Open again from the trader's next trade on.

    Also where the guard has suspended the strategy for its losses: these are counted anew from now on.

    \b
    Example:
      copydesk strategies resume steady --tenant aurora
    """
    tenant_id = brand_id(runtime, tenant)
    with runtime.db.tenant(tenant_id) as session:
        shards = resume_strategy(session, strategy_keys(session, strategy).strategy_id)
    _wake(runtime, tenant_id, shards)
    return done(f"{strategy} is copied again.", as_json=as_json)


@command.command("close")
@click.argument("strategy")
@on_brand
def close(runtime: Runtime, tenant: str, strategy: str, as_json: bool) -> int:
    """Close a strategy for good: every subscription ends as soon as the trader has left what it holds.

    Nobody can begin to copy it any more. The trader's account is watched until the last subscription has ended.

    \b
    Example:
      copydesk strategies close steady --tenant aurora --json
    """
    tenant_id = brand_id(runtime, tenant)
    with runtime.db.tenant(tenant_id) as session:
        leaving = close_strategy(session, strategy_keys(session, strategy).strategy_id)
    _wake(runtime, tenant_id, sorted({one.shard for one in leaving}))
    click.echo(f"{strategy} is closed; {len(leaving)} subscriptions end with the trader's positions.", err=as_json)
    if as_json:
        print_json({"ok": True, "ending": [one.subscription_id for one in leaving]})
    return 0


def _wake(runtime: Runtime, tenant_id: int, shards: list[str]) -> None:
    for shard in shards:
        wake_lane(runtime, tenant_id, shard, "strategy")

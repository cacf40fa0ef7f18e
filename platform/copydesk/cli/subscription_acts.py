"""What is done to a subscription that exists: pause, resume, end, attach again, copy orders instead of fills."""

from __future__ import annotations

import time
from contextlib import suppress

import click

from copydesk.bootstrap import Runtime
from copydesk.cli.brand import brand_id, on_brand
from copydesk.cli.installation import print_json
from copydesk.replication import (
    Changeover,
    doorway,
    end_subscription,
    pause,
    reattach,
    resume,
    switch_copies,
)
from copydesk.trading import CopyMode, EndMode, PositionSide
from copydesk.workers.wake import Waker

_LOOK_AGAIN_S = 0.25


def wake_lane(runtime: Runtime, tenant_id: int, shard: str, why: object, *, job: str = "reconcile") -> None:
    """Have the lane begin at once; without Redis the relay wakes it within a moment."""
    with suppress(OSError):
        Waker(runtime.redis).wake(job, tenant_id=tenant_id, shard=shard, reason=f"errand-{why}")


def done(said: str, *, as_json: bool) -> int:
    """Say what was done, and return the exit code."""
    click.echo(said, err=as_json)
    if as_json:
        print_json({"ok": True})
    return 0


@click.command("pause")
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
    return done(f"Subscription {subscription} is paused; closing orders still go through.", as_json=as_json)


@click.command("resume")
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
    return done(f"Subscription {subscription} copies again.", as_json=as_json)


@click.command("end")
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
    wake_lane(runtime, tenant_id, leaving.shard, subscription)
    return done(f"Subscription {subscription} is ending: {mode}.", as_json=as_json)


@click.command("reattach")
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
    return done(f"{symbol} is copied again from the trader's next trade on.", as_json=as_json)


@click.command("copies")
@click.argument("subscription", type=int)
@click.argument("what", type=click.Choice([mode.value for mode in CopyMode]))
@click.option(
    "--wait-s",
    type=click.IntRange(0, 600),
    default=15,
    show_default=True,
    help="How long to wait until resting orders are recalled.",
)
@on_brand
def copies_(runtime: Runtime, tenant: str, subscription: int, what: str, wait_s: int, as_json: bool) -> int:
    """Copy the trader's orders, resting ones as well, or what they fill.

    Back to fills all resting orders of the subscription are recalled first, stops and take-profits too, and until then
    orders are copied. Exits 1 if some are still there after the wait; the same command goes on.

    \b
    Examples:
      copydesk subscriptions copies 17 orders --tenant aurora
      copydesk subscriptions copies 17 fills --tenant aurora --wait-s 60
    """
    found = _go_over(runtime, brand_id(runtime, tenant), subscription, CopyMode(what), wait_s)
    said = f"Subscription {subscription} copies {what}."
    if not found.done:
        said = (
            f"Subscription {subscription} still copies orders: {found.resting} of them are being recalled. "
            "Run this again to go on; `copydesk subscriptions show` tells what keeps them."
        )
    click.echo(said, err=as_json)
    if as_json:
        print_json({"ok": found.done, "resting": found.resting})
    return 0 if found.done else 1


def _go_over(runtime: Runtime, tenant_id: int, subscription_id: int, mode: CopyMode, wait_s: float) -> Changeover:
    until = time.monotonic() + wait_s
    while True:
        with runtime.db.tenant(tenant_id) as session:
            found = switch_copies(session, subscription_id, mode)
        wake_lane(runtime, tenant_id, found.shard, subscription_id, job="mirror")
        if found.done or time.monotonic() >= until:
            return found
        time.sleep(_LOOK_AGAIN_S)


ACTS = (pause_, resume_, end, reattach_, copies_)

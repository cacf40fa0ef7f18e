"""`copydesk risk`: the role that watches, how it stands, kill switches, and stopping everything of one follower."""

from __future__ import annotations

import signal
import threading

import click

from copydesk.audit import OPERATOR, record
from copydesk.bootstrap import Runtime
from copydesk.cli.brand import brand_id, on_brand
from copydesk.cli.installation import print_json
from copydesk.cli.risk_limits import explain, limits, profile
from copydesk.cli.risk_link import link
from copydesk.cli.risk_perpetuals import perpetuals
from copydesk.cli.risk_simulate import simulate
from copydesk.cli.risk_status import status
from copydesk.cli.risk_switch import agreed, preview_lines, switch
from copydesk.cli.roles import role
from copydesk.cli.switch_desk import preview_json, wake
from copydesk.kernel import InvalidInput, utc_now
from copydesk.marks import Marks
from copydesk.replication import copying, preview_stop, stop_everything


@click.group("risk", invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """Watch every position and close what is past a limit; with a command, stop copying by hand, or set limits.

    Alone it is the role that watches: it needs PostgreSQL to learn of changes, and neither Redis nor a replicator to
    act.

    \b
    Examples:
      copydesk risk
      copydesk risk status --tenant aurora
      copydesk risk perpetuals --tenant aurora --subscription 17
      copydesk risk simulate --tenant aurora --strategy steady --profile balanced
      copydesk risk switch on --tenant aurora --instrument BTC/USDT:USDT --reason "exchange halts" --by Mara
      copydesk risk switch list
      copydesk risk stop-all --tenant aurora --user 17 --yes
      copydesk risk profile choose 17 balanced --tenant aurora
      copydesk risk link --tenant aurora
      copydesk risk explain 17 --tenant aurora
    """

    if context.invoked_subcommand is None:
        _watch()


def _watch() -> None:
    from copydesk.workers.risk import run_risk

    with role("risk"):
        stopped = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopped.set())
        runtime = Runtime(role="risk")
        try:
            run_risk(runtime, stopped)
        finally:
            runtime.close()


@command.command("stop-all")
@click.option("--account", type=int, help="One account of the follower, by its number.")
@click.option("--user", type=int, help="All accounts of the follower, by the user's number.")
@click.option("--dry-run", is_flag=True, help="Only show what would be closed.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@on_brand
def stop_all(
    runtime: Runtime, tenant: str, account: int | None, user: int | None, dry_run: bool, yes: bool, as_json: bool
) -> int:
    """Stop all of one follower's copying, and close what it holds at market. It stays stopped until resumed.

    \b
    Examples:
      copydesk risk stop-all --tenant aurora --user 17 --dry-run
      copydesk risk stop-all --tenant aurora --account 12 --yes --json
    """
    if (account is None) is (user is None):
        raise InvalidInput("whom: expected either --account or --user")
    marks, tenant_id = Marks(runtime.hasty_redis), brand_id(runtime, tenant)
    with runtime.db.tenant(tenant_id) as session:
        preview = preview_stop(session, copying(session, user_id=user, account_id=account), marks.worth)
    for line in preview_lines(preview):
        click.echo(line, err=as_json)
    if dry_run or not (yes or agreed("Stop all of it and close these positions?")):
        if as_json:
            print_json({"ok": dry_run, "dry_run": dry_run, "preview": preview_json(preview)})
        return 0 if dry_run else 1
    with runtime.db.tenant(tenant_id) as session:
        stopped = stop_everything(session, user_id=user, account_id=account)
        whom = f"user:{user}" if account is None else f"account:{account}"
        after = {"subscriptions": list(stopped.subscription_ids)}
        record(session, tenant_id, OPERATOR, "copying.stopped", whom, at=utc_now(), after=after)
    wake(runtime, tenant_id, stopped.shards)
    click.echo(f"{len(stopped.subscription_ids)} subscriptions are stopped, and their positions closed.", err=as_json)
    if as_json:
        ids = stopped.subscription_ids
        print_json({"ok": True, "dry_run": False, "subscription_ids": ids, "preview": preview_json(preview)})
    return 0


for part in (status, perpetuals, simulate, switch, limits, profile, explain, link):
    command.add_command(part)

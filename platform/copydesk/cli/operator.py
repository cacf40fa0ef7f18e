"""`copydesk operator`: all brands at once: how they stand, what they use, their plans, the way into the console."""

from __future__ import annotations

import csv
import sys
from dataclasses import asdict

import click

from copydesk.bootstrap import Runtime
from copydesk.cli import show
from copydesk.cli.brand import brand_id, on_installation
from copydesk.cli.installation import print_json
from copydesk.estate import BrandState, Month, Plan, Promise, UsageLine, brand_states, brand_usage, plan_of, set_plan
from copydesk.estate.health import queue_depths
from copydesk.estate.passes import end_all, make_link
from copydesk.estate.settings import CONSOLE_HOSTS
from copydesk.estate.words import limit, money, percent
from copydesk.kernel import InvalidInput, utc_now
from copydesk.tenancy import installation_value

_UNLIMITED = "none"
_PORT = 8000


@click.group("operator")
def command() -> None:
    """Look at all brands at once, set what their plans allow, and open the console.

    \b
    Examples:
      copydesk operator tenants
      copydesk operator usage --month 2026-11 --csv
      copydesk operator plan set aurora --followers 500 --strategies 20
      copydesk operator link
    """


@command.command("tenants")
@on_installation
def tenants(runtime: Runtime, as_json: bool) -> int:
    """List every brand with its plan, what waits for it, and what is left of this month's error budget.

    \b
    Examples:
      copydesk operator tenants
      copydesk operator tenants --json
    """
    states = list(brand_states(runtime.db, Promise.of(runtime.directory.defaults), at=utc_now()))
    depths = queue_depths(runtime.redis, [state.tenant_id for state in states])
    rows = [_row(state, runtime, depths.get(state.tenant_id)) for state in states]
    columns = ("brand", "status", "revision", "followers", "strategies", "waiting", "queue", "in time", "budget left")
    show.table(columns, rows, err=as_json)
    if as_json:
        print_json({"tenants": [_told(state, runtime, depths.get(state.tenant_id)) for state in states]})
    return 0


def _row(state: BrandState, runtime: Runtime, depth: int | None) -> tuple[object, ...]:
    brand, crowd, plan = runtime.directory.by_slug(state.slug), state.crowd, state.plan
    return (
        state.slug,
        state.status if brand else "not served",
        brand.revision_hash if brand else "",
        f"{crowd.followers} of {limit(plan.followers_max)}",
        f"{crowd.strategies} of {limit(plan.strategies_max)}",
        crowd.waiting,
        "-" if depth is None else depth,
        percent(state.budget.in_time_ratio),
        percent(state.budget.left_ratio),
    )


def _told(state: BrandState, runtime: Runtime, depth: int | None) -> dict[str, object]:
    brand = runtime.directory.by_slug(state.slug)
    return {
        "tenant": state.slug,
        "status": state.status,
        "served": brand is not None,
        "suspend_reason": state.suspend_reason,
        "revision": brand.revision_hash if brand else None,
        "plan": state.plan._asdict(),
        "followers": state.crowd.followers,
        "strategies": state.crowd.strategies,
        "over_plan": state.over_plan,
        "deliveries_waiting": state.crowd.waiting,
        "queue_depth": depth,
        "copies_due": state.budget.duty.due,
        "copies_late": state.budget.duty.late,
        "in_time_ratio": state.budget.in_time_ratio,
        "budget_left_ratio": state.budget.left_ratio,
    }


@command.command("usage")
@click.option("--month", default="", help="A month such as 2026-11 [default: this one, in UTC].")
@click.option("--csv", "as_csv", is_flag=True, help="Print the statement for spreadsheets.")
@on_installation
def usage(runtime: Runtime, month: str, as_csv: bool, as_json: bool) -> int:
    """Say what each brand used in a month: followers who traded, strategies copied, copies sent, bought and sold.

    \b
    Examples:
      copydesk operator usage
      copydesk operator usage --month 2026-10 --csv
      copydesk operator usage --json
    """
    if as_csv and as_json:
        raise InvalidInput("which: expected either --csv or --json")
    asked = Month.parse(month) if month else Month.of(utc_now())
    found = brand_usage(runtime.db, asked)
    lines = [line for slug, used in found.items() for line in UsageLine.lines(slug, asked, used)]
    if as_csv:
        rows = csv.writer(sys.stdout, lineterminator="\r\n")
        rows.writerow(UsageLine._fields)
        rows.writerows(lines)
        return 0
    columns = ("brand", "followers", "strategies", "copies", "bought and sold")
    rows_ = [(one.tenant, one.followers, one.strategies, one.copies, _traded(one)) for one in lines]
    show.table(columns, rows_, err=as_json)
    if as_json:
        print_json({"month": str(asked), "usage": {slug: asdict(used) for slug, used in found.items()}})
    return 0


def _traded(line: UsageLine) -> str:
    return f"{money(line.notional)} {line.currency}" if line.currency else "-"


@command.group("plan")
def plan() -> None:
    """See and set how many followers and strategies a brand's plan allows.

    \b
    Examples:
      copydesk operator plan show aurora
      copydesk operator plan set aurora --followers 500 --strategies none
    """


@plan.command("show")
@click.argument("slug")
@on_installation
def plan_show(runtime: Runtime, slug: str, as_json: bool) -> int:
    """Say what a brand's plan allows.

    \b
    Example:
      copydesk operator plan show aurora
    """
    tenant_id = brand_id(runtime, slug)
    with runtime.db.tenant(tenant_id) as session:
        _say_plan(slug, plan_of(session, tenant_id), "", as_json=as_json)
    return 0


class Most(click.ParamType[int]):
    """A limit: a whole number, or "none" for no limit, which is -1 here."""

    name = "limit"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value).strip().lower()
        if text == _UNLIMITED:
            return -1
        if not text.isdecimal():
            self.fail(f'expected a whole number, or "{_UNLIMITED}" for no limit, found {value!r}', param, ctx)
        return int(text)


@plan.command("set")
@click.argument("slug")
@click.option("--followers", type=Most(), help='Followers at most, or "none" [default: as it is].')
@click.option("--strategies", type=Most(), help='Strategies at most, or "none" [default: as it is].')
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@on_installation
def plan_set(
    runtime: Runtime, slug: str, followers: int | None, strategies: int | None, dry_run: bool, as_json: bool
) -> int:
    """Set what a brand's plan allows. Who is in already stays; nobody else gets in while there are more.

    \b
    Examples:
      copydesk operator plan set aurora --followers 500 --strategies 20
      copydesk operator plan set aurora --followers none --dry-run
    """
    if followers is None and strategies is None:
        raise InvalidInput("which: expected --followers, --strategies or both")
    tenant_id = brand_id(runtime, slug)
    with runtime.db.tenant(tenant_id) as session:
        before = plan_of(session, tenant_id)
        wanted = Plan(_most(followers, before.followers_max), _most(strategies, before.strategies_max))
        if dry_run:
            done = "would be set" if wanted != before else "nothing to do"
        else:
            done = "set" if set_plan(session, wanted, at=utc_now()) else "nothing to do"
    _say_plan(slug, wanted, done, as_json=as_json)
    return 0


def _most(asked: int | None, before: int | None) -> int | None:
    if asked is None:
        return before
    return None if asked < 0 else asked


def _say_plan(slug: str, told: Plan, done: str, *, as_json: bool) -> None:
    ending = f" ({done})" if done else ""
    allowed = f"followers {limit(told.followers_max)}, strategies {limit(told.strategies_max)}"
    click.echo(f"{slug}: {allowed}{ending}", err=as_json)
    if as_json:
        print_json({"ok": True, "tenant": slug, "plan": told._asdict(), "done": done})


@command.command("link")
@click.option("--site-url", default="", help="Address of the console [default: http on the first of operator.hosts].")
@click.option(
    "--end-all", "ends", is_flag=True, help="End every session of the console and every link that is still unused."
)
@on_installation
def link(runtime: Runtime, site_url: str, ends: bool, as_json: bool) -> int:
    """Print a link that opens the console once within ten minutes, then for eight hours in that browser.

    \b
    Examples:
      copydesk operator link
      copydesk operator link --site-url https://console.example.com
      copydesk operator link --end-all
    """
    if ends:
        return _end_all(runtime, as_json=as_json)
    hosts = installation_value(runtime.directory.defaults, CONSOLE_HOSTS, list)
    if not hosts:
        raise InvalidInput("operator.hosts: expected a host for the console in config/defaults.yaml, found none")
    with runtime.db.installation() as session:
        token, until = make_link(session, at=utc_now())
    address = site_url.rstrip("/") or f"http://{hosts[0]}:{_PORT}"
    url = f"{address}/enter?token={token}"
    click.echo(f"opens the console once, until {until:%H:%M} UTC:", err=True)
    click.echo(url, err=as_json)
    if as_json:
        print_json({"url": url, "until": until.isoformat()})
    return 0


def _end_all(runtime: Runtime, *, as_json: bool) -> int:
    with runtime.db.installation() as session:
        ended = end_all(session, at=utc_now())
    click.echo(f"Sessions and links ended: {ended}.", err=as_json)
    if as_json:
        print_json({"ok": True, "ended": ended})
    return 0

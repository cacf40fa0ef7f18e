"""`copydesk risk link`: open the risk desk to somebody by a signed link, or end every such link."""

from __future__ import annotations

from configparser import RawConfigParser
from datetime import datetime, timedelta

import click

from copydesk.audit import OPERATOR, Act, record_all
from copydesk.bootstrap import Runtime
from copydesk.cli.brand import brand_id, on_installation
from copydesk.cli.installation import print_json
from copydesk.cli.surroundings import ports_of
from copydesk.kernel import InvalidInput, NotFound, utc_now
from copydesk.replication import subscription_lines
from copydesk.stack import RoleOptions, VarDir
from copydesk.web.grants import HOURS_DEFAULT, HOURS_MAX, PURPOSE, Grant, Permission, page_token


@click.command("link")
@click.option("--tenant", help="The brand, by its slug.")
@click.option("--subscription", type=int, help="Open this subscription's page only; else the whole brand's desk.")
@click.option(
    "--hours",
    type=click.IntRange(1, HOURS_MAX),
    default=HOURS_DEFAULT,
    show_default=True,
    help="How long the link opens it.",
)
@click.option(
    "--site-url",
    default="",
    envvar="COPYDESK_SITE_URL",
    help="Address of the sites behind a proxy; {host} stands for the brand's host.",
)
@click.option("--end-all", is_flag=True, help="End every link of every brand that was given out before.")
@on_installation
def link(
    runtime: Runtime,
    tenant: str | None,
    subscription: int | None,
    hours: int,
    site_url: str,
    end_all: bool,
    as_json: bool,
) -> int:
    """Print a link that opens the risk desk; whoever has it may look, and change nothing.

    A brand's link opens its desk and the page of each subscription, another one the page of one subscription. Without
    --site-url the address has the port that `copydesk up` serves on.

    \b
    Examples:
      copydesk risk link --tenant aurora
      copydesk risk link --tenant aurora --subscription 17 --hours 24 --json
      copydesk risk link --tenant aurora --site-url https://{host}
      copydesk risk link --end-all
    """
    if end_all is (tenant is not None) or (end_all and subscription is not None):
        raise InvalidInput("which: expected either --tenant, or --end-all alone")
    if tenant is None:
        version = runtime.link_keys.turn()
        for slug in sorted(runtime.tenant_ids):
            _note(runtime, slug, Act("links.ended", "links"))
        click.echo("Every link that was given out before is void, and so is every page that one opened.", err=as_json)
        if as_json:
            print_json({"ok": True, "key_version": version})
        return 0
    until = utc_now() + timedelta(hours=hours)
    grant = _grant(runtime, tenant, subscription, until.replace(microsecond=0))
    told = {"permission": str(grant.permission), "subscription": subscription, "until": grant.until}
    _note(runtime, tenant, Act("link.made", "links", after=told))
    token = page_token(runtime.link_keys.made(PURPOSE, tenant), grant)
    url = f"{_site(runtime, tenant, site_url)}/risk/enter?token={token}"
    click.echo(f"opens {grant.path} of {tenant} until {grant.until:%Y-%m-%d %H:%M} UTC:", err=True)
    click.echo(url, err=as_json)
    if as_json:
        print_json({"url": url, "tenant": tenant, **told, "until": grant.until.isoformat()})
    return 0


def _note(runtime: Runtime, tenant: str, act: Act) -> None:
    """Write into a brand's record what was done about links; the link itself stands nowhere."""
    tenant_id = brand_id(runtime, tenant)
    with runtime.db.tenant(tenant_id) as session:
        record_all(session, tenant_id, OPERATOR, [act], at=utc_now())


def _grant(runtime: Runtime, tenant: str, subscription: int | None, until: datetime) -> Grant:
    tenant_id = brand_id(runtime, tenant)
    if subscription is not None:
        with runtime.db.tenant(tenant_id) as session:
            if not subscription_lines(session, number=subscription):
                raise NotFound(f"there is no subscription {subscription} that has not ended")
    permission = Permission.RISK_READ if subscription is None else Permission.RISK_OWN
    return Grant(tenant, permission, until, subscription)


def _site(runtime: Runtime, tenant: str, site_url: str) -> str:
    """Return how addresses of a brand's site begin."""
    host = runtime.tenant(brand_id(runtime, tenant)).hosts[0]
    return site_url.rstrip("/").replace("{host}", host) or f"http://{host}:{_web_port(runtime)}"


def _web_port(runtime: Runtime) -> str:
    """Return the port that `copydesk up` has the sites listen on, its usual one where it never ran."""
    var = VarDir(runtime.places.var)
    config = RawConfigParser()
    config.read(var.run / "roles.conf")
    ports = ports_of(config.get("program:web", "command", fallback=""))
    return ports[0] if ports else str(RoleOptions(runtime.places.root, var.root).port)

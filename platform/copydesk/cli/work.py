"""`copydesk work`: run a queue worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from copydesk.bootstrap import Runtime
from copydesk.cli.options import PORT
from copydesk.cli.roles import role

if TYPE_CHECKING:
    from copydesk.notices import Wordsmith


@click.group("work")
def command() -> None:
    """Run a queue worker.

    \b
    Examples:
      copydesk work replicate
      copydesk work default
    """


@command.command("replicate")
def replicate() -> None:
    """Copy trades: plan, store, send and settle what the listener stored.

    \b
    Example:
      copydesk work replicate
    """
    from copydesk.workers.replicator import run_replicator

    with role("replicator"):
        runtime = Runtime(role="replicator")
        try:
            run_replicator(runtime)
        finally:
            runtime.close()


@command.command("default")
@click.option("--port", default=8000, show_default=True, type=PORT, help="Port of the sites, for links in notices.")
@click.option(
    "--site-url",
    default="",
    envvar="COPYDESK_SITE_URL",
    help="Address of the sites behind a proxy, for links in notices; {host} stands for the brand's host.",
)
def default(port: int, site_url: str) -> None:
    """Keep figures and tell people: follow trades and copies, keep each minute's marks, send notices.

    \b
    Examples:
      copydesk work default
      copydesk work default --site-url https://{host}
    """
    from copydesk.cli.web import site_address
    from copydesk.workers.clerk import run_clerk

    with role("worker"):
        runtime = Runtime(opens_exchange_keys=False, role="worker")
        try:
            run_clerk(runtime, lambda: _wordsmith(runtime, site_address(site_url, port)))
        finally:
            runtime.close()


def _wordsmith(runtime: Runtime, site: str) -> Wordsmith:
    """Have the sites' own words said; what that takes is loaded when the first are needed."""
    from copydesk.cli.web import SiteRuntime
    from copydesk.web.app import create_app
    from copydesk.web.wordsmith import SiteWordsmith

    sites = SiteRuntime(runtime, site, site)
    return SiteWordsmith(create_app(sites), lambda: sites.tenant_ids, sites.site_url)

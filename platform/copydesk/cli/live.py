"""`copydesk live`: serve live events to browsers."""

from __future__ import annotations

import os

import click

from copydesk.bootstrap import Runtime
from copydesk.cli.options import PORT
from copydesk.cli.roles import role
from copydesk.cli.web import LIVE_PORT, SiteRuntime, live_address
from copydesk.stack import require_redis


@click.command("live")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=LIVE_PORT, show_default=True, type=PORT, help="Port to listen on.")
def command(host: str, port: int) -> None:
    """Send each signal and its copies to the browsers that watch a brand's desk.

    \b
    Example:
      copydesk live --host 0.0.0.0 --port 8001
    """
    from copydesk.web import LOOPBACK, serve_live

    with role("live"):
        runtime = Runtime(opens_exchange_keys=False, role="live")
        try:
            site = SiteRuntime(runtime, live_address("", port))
            require_redis(site.redis_url)
            site.check()
            proxies = os.environ.get("FORWARDED_ALLOW_IPS", LOOPBACK)
            serve_live(site, host=host, port=port, trusted_proxies=proxies)
        finally:
            runtime.close()

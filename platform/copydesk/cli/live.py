"""`copydesk live`: serve live events to browsers."""

from __future__ import annotations

import click

from copydesk.bootstrap import Runtime
from copydesk.cli.roles import role
from copydesk.cli.web import LIVE_PORT, SiteRuntime, live_address


@click.command("live")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=LIVE_PORT, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on.")
def command(host: str, port: int) -> None:
    """Send each signal and its copies to the browsers that watch a brand's desk."""
    from copydesk.web import serve_live

    with role("live"):
        runtime = Runtime()
        try:
            serve_live(SiteRuntime(runtime, live_address("", port)), host=host, port=port)
        finally:
            runtime.close()

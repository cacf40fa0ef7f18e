"""`copydesk web`: serve the branded sites."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import click

from copydesk.bootstrap import Runtime
from copydesk.cli.options import PORT
from copydesk.cli.roles import role
from copydesk.kernel import ConfigError
from copydesk.tenancy import TenantDirectory
from copydesk.vault import FileKeyStore, LinkKeys

LIVE_PORT = 8001


@dataclass(frozen=True)
class SiteRuntime:
    """The installation as the web layer needs it. `live_address` has `{host}` where the brand's host goes."""

    runtime: Runtime
    live_address: str

    @property
    def database_url(self) -> str:
        return self.runtime.require("DATABASE_URL")

    @property
    def redis_url(self) -> str:
        return self.runtime.require("REDIS_URL")

    @property
    def directory(self) -> TenantDirectory:
        return self.runtime.directory

    @property
    def tenant_ids(self) -> Mapping[str, int]:
        return self.runtime.tenant_ids

    @property
    def themes_dir(self) -> Path:
        return self.runtime.places.themes

    def live_url(self, host: str) -> str:
        """Return the origin of live events for a `Host` header."""
        return self.live_address.replace("{host}", host.partition(":")[0])

    def link_key(self, purpose: str, slug: str) -> bytes | None:
        """Return the key that signs a brand's links of one purpose, None where no link was ever made."""
        return self._link_keys.known(purpose, slug)

    @cached_property
    def _link_keys(self) -> LinkKeys:
        return link_keys(self.runtime)

    def check(self) -> None:
        """Raise ConfigError now for what would fail every request later, then let go of every connection."""
        try:
            if not self.tenant_ids:
                raise ConfigError(
                    f"no brand can be served from {self.runtime.places.tenants}: see copydesk tenant check"
                )
        finally:
            self.runtime.close()


def link_keys(runtime: Runtime) -> LinkKeys:
    """Open the keys of links under the pages' own key file, which opens nothing that the vault seals."""
    return LinkKeys(FileKeyStore(runtime.places.var / "web" / "key"), runtime.db)


def live_address(live_url: str, live_port: int) -> str:
    """Return where browsers find live events: the operator's address, else the brand's host on the live port."""
    return live_url.rstrip("/") or f"http://{{host}}:{live_port}"


@click.command("web")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=PORT, help="Port to listen on.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64), help="Processes.")
@click.option("--live-port", default=LIVE_PORT, show_default=True, type=PORT, help="Port of live events.")
@click.option(
    "--live-url",
    default="",
    envvar="COPYDESK_LIVE_URL",
    help="Address of live events behind a proxy; {host} stands for the brand's host.",
)
def command(host: str, port: int, workers: int, live_port: int, live_url: str) -> None:
    """Serve every brand's site; the Host header says which.

    \b
    Examples:
      copydesk web --port 8080 --workers 4
      copydesk web --live-url https://live.{host}
    """
    from copydesk.web import serve_sites

    address = live_address(live_url, live_port)
    with role("web"):
        SiteRuntime(Runtime(), address).check()
        serve_sites(lambda: SiteRuntime(Runtime(), address), host=host, port=port, workers=workers)

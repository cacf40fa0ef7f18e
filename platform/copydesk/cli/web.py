"""`copydesk web`: serve the branded sites."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import click

from copydesk.bootstrap import Runtime
from copydesk.bootstrap.mail import open_mailer
from copydesk.cli.options import PORT
from copydesk.cli.roles import role
from copydesk.identity.settings import TEXT_MESSAGES
from copydesk.kernel import ConfigError
from copydesk.notifications import Mailer
from copydesk.tenancy import SettingsDesk, TenantDirectory, setting_value
from copydesk.vault import FileSecretStore, IntakePublic, Vault

if TYPE_CHECKING:
    from copydesk.guests.port import LabDoor
    from copydesk.identity.factors import Texter
    from copydesk.identity.hashing import Hasher

LIVE_PORT = 8001


@dataclass(frozen=True)
class SiteRuntime:
    """The installation as the web layer needs it. `live_address` has `{host}` where the brand's host goes."""

    runtime: Runtime
    live_address: str
    site_address: str = ""

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

    def site_url(self, host: str) -> str:
        """Return how the addresses of a brand's pages begin, for links in mails; `host` is the brand's first."""
        return self.site_address.replace("{host}", host)

    def mailer(self, tenant_id: int) -> Mailer:
        """Return who carries a brand's mail."""
        return open_mailer(self.runtime, tenant_id)

    def link_key(self, purpose: str, slug: str) -> bytes | None:
        """Return the key that signs a brand's links of one purpose, None where no link was ever made."""
        return self.runtime.link_keys.known(purpose, slug)

    def signing_key(self, purpose: str, slug: str) -> bytes:
        """Return the key that signs for a brand and one purpose, made where there is none yet."""
        return self.runtime.link_keys.made(purpose, slug)

    @property
    def trusted_proxies(self) -> str:
        from copydesk.web import LOOPBACK

        return self.runtime.environ.get("FORWARDED_ALLOW_IPS", LOOPBACK)

    @property
    def identity_vault(self) -> Vault:
        return self.runtime.identity_vault

    @property
    def intake(self) -> IntakePublic:
        return self.runtime.intake

    @property
    def secrets(self) -> FileSecretStore:
        return self.runtime.secrets

    @cached_property
    def hashing(self) -> Hasher:
        """Hash passwords at OWASP's parameters; the installation says only how many at once."""
        from copydesk.identity.hashing import Hasher, HashLimits
        from copydesk.identity.settings import HASH_THREADS, HASHES_WAITING_MAX

        threads, waiting = (self.runtime.number(one) for one in (HASH_THREADS, HASHES_WAITING_MAX))
        return Hasher(limits=HashLimits(threads, waiting))

    @property
    def lab_door(self) -> LabDoor | None:
        """Return who opens demo accounts at the simulated exchange; looked up anew, for it may start after us."""
        from copydesk.bootstrap.demo_lab import open_lab_door

        return open_lab_door(self.runtime)

    def texter(self, slug: str) -> Texter | None:
        """Return who carries a brand's text messages: nobody, or a folder that stands in for a provider."""
        from copydesk.identity.factors import TextFiles

        tenant = self.directory.by_slug(slug)
        if tenant is None or setting_value(tenant, TEXT_MESSAGES, str) == "off":
            return None
        return TextFiles(self.runtime.places.var / "sms" / slug)

    @property
    def settings_desk(self) -> SettingsDesk:
        return self.runtime.settings_desk

    def check(self, *, pages: bool = False) -> None:
        """Raise ConfigError now for what would fail every request later, then let go of every connection.

        With `pages` that includes the address of the simulated exchange, where one is named, and the key that forms are
        signed with, which is made where there is none yet.
        """
        try:
            if not self.tenant_ids:
                raise ConfigError(
                    f"no brand can be served from {self.runtime.places.tenants}: see copydesk tenant check"
                )
            if pages:
                self.signing_key("csrf", next(iter(self.tenant_ids)))
                self._require_lab_address()
        finally:
            self.runtime.close()

    def _require_lab_address(self) -> None:
        from copydesk.bootstrap.demo_lab import open_lab_door

        open_lab_door(self.runtime)


def site_address(site_url: str, port: int) -> str:
    """Return where browsers find the sites: the operator's address, else the brand's host on our port."""
    return site_url.rstrip("/") or f"http://{{host}}:{port}"


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
@click.option(
    "--site-url",
    default="",
    envvar="COPYDESK_SITE_URL",
    help="Address of the sites behind a proxy, for links in mails; {host} stands for the brand's host.",
)
def command(host: str, port: int, workers: int, live_port: int, live_url: str, site_url: str) -> None:
    """Serve every brand's site; the Host header says which.

    \b
    Examples:
      copydesk web --port 8080 --workers 4
      copydesk web --live-url https://live.{host} --site-url https://{host}
    """
    from copydesk.web import serve_sites

    live, site = live_address(live_url, live_port), site_address(site_url, port)
    with role("web"):
        _site(live, site).check(pages=True)
        serve_sites(lambda: _site(live, site), host=host, port=port, workers=workers)


def _site(live: str, site: str) -> SiteRuntime:
    return SiteRuntime(Runtime(opens_exchange_keys=False, role="web"), live, site)

"""What the doctor is given to look at, one brand and the installation around it; and what one check is."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from redis import Redis

from copydesk.audit.notary import Notary
from copydesk.doctor.model import Result
from copydesk.kernel import Setting
from copydesk.tenancy import LayerValues, Tenant, installation_value
from copydesk.trading import Environment
from copydesk.vault.turns import Keyroom
from copydesk.venues import VenueUrls

# How long one connection may take; shorter than a check's deadline, so that the check can say which one it was.
PATIENCE_S = 4.0


def resolved(host: str) -> Collection[str]:
    """Return the addresses of a name; raises OSError."""
    return {str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}


@dataclass(frozen=True)
class Case:
    """One brand with everything that a check may ask. Checks change nothing.

    `site_url` is how the addresses of pages begin ("https://{host}"), empty where no proxy is told of. `catalogs` are
    the languages that pages have texts in. `mail_to` wants a test letter. `trust` says whose certificates count, and
    `provider_urls` where a payment or identity provider is asked instead of its own address. `patience_s` is how long
    one connection may take.
    """

    tenant: Tenant
    tenant_id: int
    room: Keyroom
    redis: Redis
    notary: Notary
    var: Path
    database_url: str
    defaults: LayerValues
    urls: Callable[[str, Environment], VenueUrls]
    now: datetime
    site_url: str = ""
    catalogs: frozenset[str] = frozenset()
    mail_to: str = ""
    trust: ssl.SSLContext | None = None
    resolve: Callable[[str], Collection[str]] = resolved
    provider_urls: Mapping[str, str] = field(default_factory=dict)
    patience_s: float = PATIENCE_S

    def number(self, setting: Setting) -> int:
        """Return an installation-wide whole number."""
        return installation_value(self.defaults, setting, int)

    def listed(self, setting: Setting) -> list[str]:
        """Return an installation-wide list."""
        return installation_value(self.defaults, setting, list)

    def secret(self, reference: str) -> str | None:
        """Return what a `secret:<name>` stands for, None where it is not stored."""
        return self.room.secrets.get(self.tenant.slug, reference.removeprefix("secret:"))

    @property
    def trusted(self) -> ssl.SSLContext:
        """Return whose certificates count."""
        return self.trust or ssl.create_default_context()


@dataclass(frozen=True)
class Check:
    """A named question about a brand, or about the whole installation, which is asked once for all brands.

    What `look` raises of the errors that are to be expected is a failure, with `remedy` beside it; so is no answer
    within `deadline_s`, where that is not the usual deadline.
    """

    name: str
    look: Callable[[Case], Iterable[Result]]
    remedy: str
    whole: bool = False
    deadline_s: float | None = None


def is_loopback(host: str) -> bool:
    """Say whether a name or address never leaves this machine (RFC 6761 for `.localhost`)."""
    return host in {"localhost", "127.0.0.1", "::1"} or host.endswith(".localhost")

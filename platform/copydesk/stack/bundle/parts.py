"""What a deployment of one brand is made of: roles as containers, what each may open, where things lie. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from copydesk.stack.roles import ROLES, Role, RoleOptions
from copydesk.venues import EXCHANGES, VenueUrls

# As the Dockerfile has them; a test compares.
USER = 10001
ROOT = "/srv/copydesk"
VAR = "/var/lib/copydesk"
PROBE = ("python", "-m", "copydesk.cli.probe")
# Where proxies of the deployment are, so that they are believed.
FRONT_SUBNET = "172.31.71.0/24"
SECRETS = "/run/secrets"
# Where the operator's container finds parcels, and leaves them.
PARCELS = "parcels"
EXCHANGE_KEY, PAGES_KEY = f"{VAR}/key", f"{VAR}/web/key"
# Where simulated exchanges run, for a brand that offers some: to be replaced.
LAB_EXAMPLE = {"COPYDESK_LAB_REST": "http://lab.example:8010", "COPYDESK_LAB_STREAM": "ws://lab.example:8011"}
OWNER, APP, DATABASE = "copydesk_owner", "copydesk_app", "copydesk"


@dataclass(frozen=True)
class Needs:
    """What a role gets besides database and Redis (platform/docs/security.md, "Who opens what").

    `kept` are folders under the data folder that outlive the container; `alone` says that there may be one at a time.
    """

    exchange_key: bool = False
    pages_key: bool = False
    kept: tuple[str, ...] = ()
    alone: bool = False
    replicas: int = 1
    memory_mb: int = 512


NEEDS: Mapping[str, Needs] = {
    "web": Needs(pages_key=True, kept=("secrets", "mail"), replicas=2),
    "live": Needs(pages_key=True, replicas=2),
    "listener": Needs(exchange_key=True, pages_key=True, alone=True),
    "replicator": Needs(exchange_key=True),
    "relay": Needs(kept=("audit",), alone=True),
    "risk": Needs(exchange_key=True, kept=("risk",), alone=True),
    "worker": Needs(pages_key=True, kept=("secrets",), alone=True, memory_mb=1024),
}
OPERATOR = Needs(exchange_key=True, pages_key=True, kept=("secrets", "audit"), memory_mb=1024)


@dataclass(frozen=True)
class Container:
    """One role as a container: what it runs, what it serves and what it needs."""

    name: str
    argv: tuple[str, ...]
    port: int | None
    needs: Needs


@dataclass(frozen=True)
class Deployment:
    """One brand that is to stand alone. `files` are its folder's; `lab` says that it offers simulated exchanges."""

    slug: str
    name: str
    hosts: tuple[str, ...]
    image: str
    version: str
    files: Mapping[str, bytes] = field(repr=False)
    defaults: bytes = field(repr=False, default=b"")
    nginx: str = field(repr=False, default="")
    caddy: str = field(repr=False, default="")
    lab: bool = False
    mail_port: int = 587

    @property
    def ports_out(self) -> list[int]:
        """Return the ports that roles speak to outside: the web's, the mail server's, and the exchanges' own."""
        live = [VenueUrls.live(venue) for venue in EXCHANGES]
        addresses = [address for urls in live for address in (*urls.rest.values(), *urls.streams.values())]
        addresses += LAB_EXAMPLE.values() if self.lab else ()
        return sorted({443, 465, 587, self.mail_port} | {urlsplit(address).port or 443 for address in addresses})


def containers() -> Iterator[Container]:
    """Return every role that an installation runs, as `copydesk up` would run it, on all addresses of its container."""
    options = RoleOptions(Path(ROOT), Path(VAR), host="0.0.0.0")  # noqa: S104 - a container's own addresses
    for role in ROLES:
        if role.wanted:
            yield Container(role.name, _argv(role, options), _port(role, options), NEEDS[role.name])


def port_of(name: str) -> int:
    """Return the port that a role serves."""
    return next(one.port for one in containers() if one.name == name and one.port)


def environment(deployment: Deployment) -> dict[str, str]:
    """Return what every role is told, but for where the servers are; nothing of it is secret."""
    told = {
        "COPYDESK_SITE_URL": "https://{host}",
        "COPYDESK_LIVE_URL": "https://{host}",
    }
    return told | (LAB_EXAMPLE if deployment.lab else {})


def _argv(role: Role, options: RoleOptions) -> tuple[str, ...]:
    assert role.command[0] == "{copydesk}", "the image's entry point is the command line"
    return tuple(role.argv(options)[1:])


def _port(role: Role, options: RoleOptions) -> int | None:
    return int(getattr(options, role.ports[0][0])) if role.ports else None

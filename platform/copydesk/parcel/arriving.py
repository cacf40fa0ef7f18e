"""Decides, before anything is written, whether a brand can arrive, and as what."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import text

from copydesk.db import Database
from copydesk.kernel import ConfigError, InvalidInput, Refused
from copydesk.parcel.depot import Depot
from copydesk.parcel.folder import with_hosts, write_folder
from copydesk.parcel.lines import SLUG
from copydesk.parcel.verify import Contents
from copydesk.tenancy import TENANT_FILE, Overrides, Tenant, host_conflicts
from copydesk.tenancy.overlay import hash_of, unpacked

_REVISION = text("SELECT version_num FROM alembic_version")
_KNOWN = text("SELECT id FROM tenant WHERE slug = :slug")
_CAME_AS = text(
    "SELECT 1 FROM audit_entry WHERE tenant_id = :tenant_id AND act = :act AND after ->> 'parcel' = :number LIMIT 1"
)
ARRIVED = "tenant.imported"
HOSTS = "brand.hosts"


@dataclass(frozen=True)
class Address:
    """Under which name and hosts a brand arrives, empty for those that it left with; and whether it serves at once."""

    slug: str = ""
    hosts: tuple[str, ...] = ()
    active: bool = False


AS_IT_LEFT = Address()


@dataclass(frozen=True)
class Plan:
    """A brand as it is going to arrive, with its files as they will lie there.

    `overrides` are what its panel has set; `frees_hosts` says that hosts which the panel has set give way to others.
    """

    slug: str
    files: Mapping[str, bytes] = field(repr=False)
    overrides: Overrides = field(repr=False)
    frees_hosts: bool = False


def planned(contents: Contents, address: Address) -> Plan:
    """Return under which name a brand arrives, and its files with the hosts that it is given."""
    if address.slug and not re.fullmatch(SLUG, address.slug):
        raise InvalidInput(
            f"--slug: expected lower-case letters, digits and hyphens, at most 31, found {address.slug!r}"
        )
    files, values = dict(contents.files), unpacked(contents.panel)
    if TENANT_FILE not in files:
        raise InvalidInput(f"the parcel has no {TENANT_FILE}: the brand had no folder when it was packed")
    if address.hosts:
        files[TENANT_FILE] = with_hosts(files[TENANT_FILE], address.hosts)
    frees = bool(address.hosts) and HOSTS in values
    kept = {key: value for key, value in values.items() if not (frees and key == HOSTS)}
    return Plan(address.slug or contents.head.slug, files, Overrides(hash=hash_of(kept), values=kept), frees)


def arrived_before(db: Database, slug: str, number: str) -> int | None:
    """Return a brand's number where this very parcel was unpacked as that brand; raises `Refused` for another one."""
    with db.installation() as session:
        tenant_id = session.execute(_KNOWN, {"slug": slug}).scalar()
    if tenant_id is None:
        return None
    with db.tenant(tenant_id) as session:
        found = session.execute(_CAME_AS, {"tenant_id": tenant_id, "act": ARRIVED, "number": number}).scalar()
    if found is None:
        raise Refused(f"there is a brand {slug} here already; give another name with --slug, or remove that one first")
    return int(tenant_id)


def require_fit(depot: Depot, db: Database, contents: Contents, plan: Plan) -> None:
    """Raise for another revision of the database, a folder that is there, a file that is not valid, a host taken."""
    with db.installation() as session:
        revision = session.execute(_REVISION).scalar_one()
    if revision != contents.head.revision:
        raise Refused(
            f"the parcel was made at revision {contents.head.revision} of the database, this one is at {revision}: "
            "bring both to the same version of copydesk first (copydesk migrate)"
        )
    if (depot.tenants / plan.slug).exists():
        raise Refused(f"{depot.tenants / plan.slug} exists already; give another name with --slug")
    if depot.room.secrets.names(plan.slug):
        raise Refused(f"there are secrets of a brand {plan.slug} here already; give another name with --slug")
    with standing(plan) as path:
        tenant = read_brand(depot, plan, path, plan.overrides)
    if taken := host_conflicts(tenant, depot.brands()):
        raise Refused(f"{taken[0].found}: expected {taken[0].expected}; give others with --host")


@contextmanager
def standing(plan: Plan) -> Iterator[Path]:
    """Let the brand's file lie somewhere for a moment, in a folder of its name."""
    with tempfile.TemporaryDirectory(prefix="copydesk-parcel-") as folder:
        place = Path(folder) / plan.slug
        write_folder(place, plan.files)
        yield place / TENANT_FILE


def read_brand(depot: Depot, plan: Plan, path: Path, overrides: Overrides) -> Tenant:
    """Read the brand as this installation would; raises `ConfigError` with the first error."""
    loaded = depot.load(path, overrides=overrides)
    if isinstance(loaded, Tenant):
        return loaded
    more = f" and {len(loaded) - 1} more" if len(loaded) > 1 else ""
    first = loaded[0]
    place = f"{plan.slug}/{TENANT_FILE}:{first.line}" if first.line else "its panel's settings"
    raise ConfigError(
        f"{place}: {first.key}: expected {first.expected}, found {first.found}{more}; "
        "the brand is not valid in this installation"
    )

"""Unpacks a brand: everything is checked before the first row is written, and all rows are one transaction."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import text

from copydesk.audit import OPERATOR, record
from copydesk.audit.arrival import read_record, take_over
from copydesk.audit.signing import PublicKey
from copydesk.db import Database, TenantSession
from copydesk.kernel import ConfigError
from copydesk.parcel.arriving import (
    ARRIVED,
    AS_IT_LEFT,
    HOSTS,
    Address,
    Plan,
    arrived_before,
    planned,
    read_brand,
    require_fit,
    standing,
)
from copydesk.parcel.catalog import APART, BrandTable, brand_tables, insert_rows, move_sequences
from copydesk.parcel.depot import Depot
from copydesk.parcel.folder import drop_folder, place_folder, write_folder
from copydesk.parcel.intakes import seal_intakes
from copydesk.parcel.model import Arrival, ParcelBroken
from copydesk.parcel.owner import as_owner
from copydesk.parcel.send import PRICES, ROWS
from copydesk.parcel.settle import forget_fingerprints, note_kinship, seal_anew, shut_out_operators
from copydesk.parcel.stream import Begin, open_parcel
from copydesk.parcel.verify import Contents, read_contents
from copydesk.performance.moving import room_for_points, take_prices
from copydesk.tenancy import TenantStatus

REASON = "imported; resume it when nothing else serves it any more"
_NEXT = text("SELECT nextval(pg_get_serial_sequence('tenant', 'id'))")
_ADD = text("INSERT INTO tenant SELECT r.* FROM jsonb_populate_record(CAST(NULL AS tenant), CAST(:row AS jsonb)) r")
# Roles count changes of brands' standing, and a brand that comes suspended is one.
_STANDS = text("UPDATE tenant SET status = status WHERE id = :id")


@dataclass
class _Unpacked:
    """What was written so far."""

    tenant_id: int
    rows: dict[str, int] = field(default_factory=dict)
    record: dict[str, Any] = field(default_factory=dict)
    broken: int = 0
    operators: int = 0


def import_tenant(depot: Depot, file: Path, passphrase: str, *, address: Address = AS_IT_LEFT, at: datetime) -> Arrival:
    """Unpack a parcel. A brand arrives suspended, unless its address says otherwise: two installations must not copy
    for it at once.

    Raises `ParcelBroken`, `PassphraseWrong`, `Refused` for a name or host that is taken or another revision of the
    database, `ConfigError` for a brand's file that is not valid here. The same parcel a second time changes nothing.
    """
    with _judged(depot, file, passphrase, address) as (db, begin, case, known):
        if known is not None:
            return _again(depot, case.contents, case.plan, known)
        return _unpack(depot, db, begin, replace(case, at=at))


def try_import(depot: Depot, file: Path, passphrase: str, *, address: Address = AS_IT_LEFT) -> Arrival:
    """Judge everything as `import_tenant` does, and write nothing; `fresh` says whether it would bring a brand."""
    with _judged(depot, file, passphrase, address) as (_, _, case, known):
        manifest = case.contents.manifest
        assert manifest is not None, "a parcel that was read to its end has a manifest"
        return Arrival(case.plan.slug, known or 0, manifest, manifest.rows, fresh=known is None)


@dataclass(frozen=True)
class _Case:
    contents: Contents
    plan: Plan
    active: bool
    at: datetime | None = None


@contextmanager
def _judged(
    depot: Depot, file: Path, passphrase: str, address: Address
) -> Iterator[tuple[Database, Begin, _Case, int | None]]:
    """Read the whole parcel and decide whether it can come in; with the number of the brand that it came in as."""
    with as_owner(depot.owner_url, "unpacking a brand") as db, open_parcel(file, passphrase) as begin:
        contents = read_contents(begin)
        plan = planned(contents, address)
        known = arrived_before(db, plan.slug, contents.head.number)
        if known is None:
            require_fit(depot, db, contents, plan)
        yield db, begin, _Case(contents, plan, address.active), known


def _unpack(depot: Depot, db: Database, begin: Begin, case: _Case) -> Arrival:
    contents, plan = case.contents, case.plan
    depot.room.intake.ready()
    draft = depot.tenants / f".{plan.slug}.{contents.head.number}"
    with db.installation() as session:
        done = _Unpacked(int(session.execute(_NEXT).scalar_one()))
    with _kept_record(depot, plan, contents) as kept, _undone(depot, draft, plan.slug):
        write_folder(draft, plan.files)
        with db.tenant(done.tenant_id) as session:
            _fill(depot, session, begin, case, done, kept)
            for name, value in contents.secrets.items():
                depot.room.secrets.set(plan.slug, name, value)
    place_folder(draft, depot.tenants / plan.slug)
    assert contents.manifest is not None, "a parcel that was read to its end has a manifest"
    return Arrival(plan.slug, done.tenant_id, contents.manifest, done.rows, broken=done.broken)


def _fill(depot: Depot, session: TenantSession, begin: Begin, case: _Case, done: _Unpacked, kept: BinaryIO) -> None:
    """Write every row, then what rows need here; the caller's transaction is what makes it one act."""
    contents = case.contents
    session.execute(_ADD, {"row": json.dumps(_brand_row(case, done.tenant_id))})
    session.execute(_STANDS, {"id": done.tenant_id})
    tables = {table.name: table for table in brand_tables(session)}
    room_for_points(session, at=contents.head.made_at)
    reader, _ = begin()
    for name, lines in reader.sections():
        if name == "record":
            _take_record(session, lines, contents.head.tenant_id, done, kept)
        elif name == PRICES:
            take_prices(session, lines)
        elif name.startswith(ROWS):
            table = _table(tables, name.removeprefix(ROWS))
            done.rows[table.name] = insert_rows(session, table, done.tenant_id, lines)
    for table in tables.values():
        move_sequences(session, table, done.tenant_id)
    forget_fingerprints(session, done.tenant_id)
    done.operators = shut_out_operators(session, done.tenant_id)
    done.broken = seal_anew(
        session, contents.vaults, depot.room.stores, former_id=contents.head.tenant_id, tenant_id=done.tenant_id
    )
    done.broken += seal_intakes(session, depot.intake, done.tenant_id, contents.intakes)
    note_kinship(session)
    _record_arrival(session, case, done)
    if case.plan.frees_hosts:
        _free_hosts(depot, session, case)


def _take_record(
    session: TenantSession, lines: Iterator[bytes], former_id: int, done: _Unpacked, kept: BinaryIO
) -> None:
    digest = hashlib.sha256()

    def told() -> Iterator[bytes]:
        for line in lines:
            kept.write(line + b"\n")
            digest.update(line + b"\n")
            yield line

    count = take_over(session, done.tenant_id, read_record(told(), former_id))
    done.record = {"entries": count, "record_sha256": digest.hexdigest()}


def _record_arrival(session: TenantSession, case: _Case, done: _Unpacked) -> None:
    """Name the record that came along by its hash: whoever holds that file can prove what was before."""
    contents = case.contents
    assert contents.manifest is not None, "a parcel that was read to its end has a manifest"
    after = done.record | {
        "parcel": contents.head.number,
        "from_tenant": contents.head.slug,
        "from_tenant_id": contents.head.tenant_id,
        "from_hash": contents.manifest.audit_hash,
        "signed_by": PublicKey.parse(contents.manifest.key).key_id,
        "rows": sum(done.rows.values()),
        "broken": done.broken,
        "operators_blocked": done.operators,
    }
    assert case.at is not None, "who unpacks says when"
    record(session, done.tenant_id, OPERATOR, ARRIVED, f"tenant:{done.tenant_id}", at=case.at, after=after)


def _free_hosts(depot: Depot, session: TenantSession, case: _Case) -> None:
    """Take back what the panel said of hosts, as a revision of the operator's: those of the file hold."""
    assert case.at is not None, "who unpacks says when"
    with standing(case.plan) as path:
        tenant = read_brand(depot, case.plan, path, depot.desk.overrides(session))
        told = {"actor": OPERATOR, "author": "command line", "reason": "imported under other hosts", "at": case.at}
        depot.desk.change(session, tenant, {HOSTS: None}, by_operator=True, **told)  # type: ignore[arg-type]


def _brand_row(case: _Case, tenant_id: int) -> dict[str, Any]:
    row = case.contents.tenant | {"id": tenant_id, "slug": case.plan.slug}
    if row.get("status") not in set(TenantStatus):
        raise ParcelBroken(f"the parcel's brand is {row.get('status')!r}, which is no standing that a brand has")
    if not case.active:
        row |= {"status": "suspended", "suspend_reason": REASON}
    elif row.get("suspend_reason") == REASON:
        row |= {"status": "active", "suspend_reason": ""}
    return row


def _table(tables: dict[str, BrandTable], name: str) -> BrandTable:
    if name not in tables or name in APART:
        raise ParcelBroken(f"the parcel holds rows of {name}, which is no table of this database")
    return tables[name]


def _again(depot: Depot, contents: Contents, plan: Plan, tenant_id: int) -> Arrival:
    """Say that this parcel is here; where the folder never got to its place, because of a power cut, put it there."""
    place = depot.tenants / plan.slug
    if not place.exists():
        draft = depot.tenants / f".{plan.slug}.{contents.head.number}"
        write_folder(draft, plan.files)
        place_folder(draft, place)
    assert contents.manifest is not None, "a parcel that was read to its end has a manifest"
    return Arrival(plan.slug, tenant_id, contents.manifest, {}, fresh=False)


@contextmanager
def _undone(depot: Depot, draft: Path, slug: str) -> Iterator[None]:
    """Leave neither folder nor secrets behind where the rows did not come in."""
    try:
        yield
    except BaseException:
        depot.room.secrets.forget(slug)
        drop_folder(draft)
        raise


@contextmanager
def _kept_record(depot: Depot, plan: Plan, contents: Contents) -> Iterator[BinaryIO]:
    """Keep the record as it came, with the public key that judges it, beside this installation's own."""
    name = f"{plan.slug}-{contents.head.number}"
    path = depot.audit / f"{name}.jsonl"
    draft = path.with_name(f".{path.name}")
    assert contents.manifest is not None, "a parcel that was read to its end has a manifest"
    try:
        depot.audit.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            yield file
        draft.replace(path)
        path.with_suffix(".public").write_text(contents.manifest.key + "\n")
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}") from None
    finally:
        draft.unlink(missing_ok=True)

"""What rows need after they came in: seals of this installation, its fingerprints, and who copies whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

from sqlalchemy import text
from sqlalchemy.orm import Session

from copydesk.db import TenantSession
from copydesk.parcel.wrapping import SessionDataKeys
from copydesk.replication.kinship import add_edge
from copydesk.vault import Purpose, SealBroken, TurningKeyStore, Vault
from copydesk.vault.sealed_columns import SEALED_COLUMNS, SealedColumn

_BATCH = 200
# Fingerprints under a key of the installation (`vault.fingerprint`): here they would say nothing. The key desk asks the
# exchanges anew at once, and notes its own. Every other hash is of what it hashes alone, and holds anywhere.
FOREIGN_HASHES = (("account", "uid_hash"), ("account_key", "key_hash"), ("account_key", "uid_hash"))
_FORGOTTEN = (
    text("UPDATE account SET uid_hash = NULL WHERE tenant_id = :tenant_id AND uid_hash IS NOT NULL"),
    text(
        "UPDATE account_key SET key_hash = NULL, uid_hash = NULL, due_at = now() WHERE tenant_id = :tenant_id "
        "AND (key_hash IS NOT NULL OR uid_hash IS NOT NULL)"
    ),
)
# Who operated the installation that the brand comes from does not operate this one.
_OPERATORS = text(
    "UPDATE user_account SET status = 'blocked' WHERE tenant_id = :tenant_id AND role = 'operator' "
    "AND status IN ('active', 'pending') RETURNING id"
)
_OPERATORS_TO_BE = text(
    "UPDATE invite SET revoked_at = now() WHERE tenant_id = :tenant_id AND role = 'operator' "
    "AND used_at IS NULL AND revoked_at IS NULL RETURNING id"
)
_COPYING = text(
    "SELECT id, strategy_id, account_id FROM subscription WHERE tenant_id = :tenant_id AND state <> 'ended' ORDER BY id"
)


def seal_anew(
    session: Session,
    packed: Mapping[Purpose, Vault],
    stores: Mapping[Purpose, TurningKeyStore],
    *,
    former_id: int,
    tenant_id: int,
) -> int:
    """Seal every sealed value for its place here, and return how many did not open; those stay as they are."""
    vaults = {purpose: Vault(store, SessionDataKeys(session, purpose)) for purpose, store in stores.items()}
    broken = 0
    for column in SEALED_COLUMNS:
        replace = text(
            f"UPDATE {column.table} AS kept SET {column.column} = new.value FROM "  # noqa: S608 - our own names
            "unnest(CAST(:ids AS bigint[]), CAST(:news AS bytea[])) AS new (id, value) "
            "WHERE kept.tenant_id = :tenant_id AND kept.id = new.id"
        )
        for batch in _sealed(session, column, tenant_id):
            fresh: dict[int, bytes] = {}
            for number, sealed in batch:
                with suppress(SealBroken):
                    plain = packed[column.purpose].open(former_id, number, column.field, sealed)
                    fresh[number] = vaults[column.purpose].seal(tenant_id, number, column.field, plain)
            session.execute(replace, {"tenant_id": tenant_id, "ids": list(fresh), "news": list(fresh.values())})
            broken += len(batch) - len(fresh)
    return broken


def forget_fingerprints(session: Session, tenant_id: int) -> None:
    """Empty what only the installation that it came from can compare."""
    for statement in _FORGOTTEN:
        session.execute(statement, {"tenant_id": tenant_id})


def shut_out_operators(session: Session, tenant_id: int) -> int:
    """Block the operators that a brand brings along, invited ones too, and return how many: ours invite themselves."""
    return sum(len(session.execute(one, {"tenant_id": tenant_id}).all()) for one in (_OPERATORS, _OPERATORS_TO_BE))


def note_kinship(session: TenantSession) -> None:
    """Note who copies whom, so that no account copies itself over brands of this installation."""
    for row in session.execute(_COPYING, {"tenant_id": session.tenant_id}).all():
        add_edge(session, row.id, strategy_id=row.strategy_id, account_id=row.account_id)


def _sealed(session: Session, column: SealedColumn, tenant_id: int) -> Iterator[list[tuple[int, bytes]]]:
    query = text(
        f"SELECT id, {column.column} FROM {column.table} WHERE tenant_id = :tenant_id AND id > :after "  # noqa: S608 - our own names
        f"AND {column.column} IS NOT NULL ORDER BY id LIMIT {_BATCH}"
    )
    after = 0
    while batch := session.execute(query, {"tenant_id": tenant_id, "after": after}).all():
        after = batch[-1][0]
        yield [(int(number), bytes(sealed)) for number, sealed in batch]

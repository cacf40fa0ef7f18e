"""What an operator turns: a brand's data keys, or the keys that wrap all others; and how far either has come."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import text

from copydesk.audit import OPERATOR, record
from copydesk.db import Database
from copydesk.kernel import Clock, ConfigError
from copydesk.vault.intake import IntakePrivate
from copydesk.vault.model import Purpose
from copydesk.vault.port import KeyEncryptionStore, TurningKeyStore
from copydesk.vault.rotation import (
    Older,
    Resealed,
    Rewrap,
    Rewrapped,
    columns_of,
    count_older,
    count_wrapped,
    reseal,
)
from copydesk.vault.secret_file import FileSecretStore
from copydesk.vault.service import Vault

Told = Callable[[int], None]


@dataclass(frozen=True)
class Keyroom:
    """Everything that is turned: by purpose the vaults and the stores that wrap their data keys."""

    db: Database
    clock: Clock
    vaults: Mapping[Purpose, Vault]
    stores: Mapping[Purpose, TurningKeyStore]
    secrets: FileSecretStore
    intake: IntakePrivate


class BrandState(NamedTuple):
    """One purpose of a brand: its newest data key, and what lies under it and under older ones."""

    version: int
    values: Older


def every_tenant(db: Database) -> dict[str, int]:
    """Return every brand that this installation ever had, also those whose file is gone: their keys are kept too."""
    with db.installation() as session:
        rows = session.execute(text("SELECT slug, id FROM tenant ORDER BY slug")).all()
    return {slug: tenant_id for slug, tenant_id in rows}  # noqa: C416 - rows are no pairs to the type checker


def brand_state(room: Keyroom, tenant_id: int, purpose: Purpose) -> BrandState:
    """Say under which data keys a brand's values lie."""
    newest = room.vaults[purpose].newest(tenant_id)
    counts = [count_older(room.db, tenant_id, column, newest) for column in columns_of(purpose)]
    return BrandState(newest, Older(sum(one.values for one in counts), sum(one.older for one in counts)))


def rotate_brand(room: Keyroom, tenant_id: int, slug: str, *, resume: bool, told: Told) -> Resealed:
    """Begin new data keys for a brand and bring everything under them; `resume` only does the second.

    `told` hears how many values were moved since it last did. Who seals under the older key for the next minutes is
    caught up with by another run with `resume`.
    """
    done = Resealed()
    for purpose, vault in room.vaults.items():
        if not resume and vault.newest(tenant_id):
            vault.rotate(tenant_id)
        done += reseal(room.db, vault, tenant_id, purpose, told=told)
    if not resume:
        kept = room.secrets.rekey(slug)
        told(kept)
        done += Resealed(moved=kept)
    _recorded(room, tenant_id, "vault.data_keys_rotated", {"moved": done.moved, "broken": done.broken})
    return done


def rotate_master(
    room: Keyroom,
    tenants: Mapping[str, int],
    *,
    turn: bool = True,
    former: Mapping[Purpose, KeyEncryptionStore] | None = None,
) -> Rewrapped:
    """Turn the keys that wrap all others, and wrap everything by the new ones; `former` stores open what was theirs."""
    done = Rewrapped()
    for purpose, store in room.stores.items():
        if turn and store.newest():
            store.turn()
        rewrap = Rewrap(room.db, store, purpose, (former or {}).get(purpose))
        done += rewrap.installation_keys()
        for tenant_id in tenants.values():
            done += rewrap.data_keys(tenant_id)
        if purpose is Purpose.IDENTITY:
            done += _rewrap_secrets(room, rewrap)
    for tenant_id in tenants.values():
        _recorded(room, tenant_id, "vault.master_rotated", {"wrapped": done.moved})
    return done


def count_master(room: Keyroom, purpose: Purpose, tenant_ids: Iterable[int]) -> Older:
    """Count a purpose's wrapped keys, and those that its newest key-encryption key has not wrapped."""
    return count_wrapped(room.db, room.stores[purpose], purpose, list(tenant_ids))


def require_none_older(room: Keyroom, tenant_ids: Iterable[int]) -> None:
    """Raise `ConfigError` while anything is wrapped by an older key."""
    left = {purpose: count_master(room, purpose, tenant_ids).older for purpose in room.stores}
    if any(left.values()):
        found = ", ".join(f"{count} of {purpose}" for purpose, count in left.items())
        raise ConfigError(f"older keys are still needed: {found}; run copydesk vault rotate-master first")


def _rewrap_secrets(room: Keyroom, rewrap: Rewrap) -> Rewrapped:
    moved = [room.secrets.rewrap(slug, rewrap.wrapped) for slug in room.secrets.slugs()]
    return Rewrapped(sum(moved), len(moved) - sum(moved))


def _recorded(room: Keyroom, tenant_id: int, act: str, after: Mapping[str, int]) -> None:
    with room.db.tenant(tenant_id) as session:
        record(session, tenant_id, OPERATOR, act, f"tenant:{tenant_id}", at=room.clock.now(), after=after)

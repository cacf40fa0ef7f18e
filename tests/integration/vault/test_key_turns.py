"""Both levels of keys are turned while a reader opens keys all the time, and nothing ever fails to open."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import copydesk
import pytest
from copydesk.audit import read_entries
from copydesk.db import metadata
from copydesk.kernel import ConfigError, SystemClock, Unavailable
from copydesk.trading import KeyKind
from copydesk.vault import FileKeyStore, KeyRing, MemoryKeyStore, PostgresDataKeys, SealBroken, Vault
from copydesk.vault.rotation import BATCH, Resealed
from copydesk.vault.sealed_columns import SEALED_COLUMNS
from copydesk.vault.turns import (
    brand_state,
    count_master,
    every_tenant,
    require_none_older,
    rotate_brand,
    rotate_master,
)
from openbao_server import KeyServer
from sqlalchemy import LargeBinary, text
from vault_site import EXCHANGE, IDENTITY, Site, vault_site

# What is stored as bytes and is no sealed value: digests, public halves, short-lived challenges, wrapped keys.
NOT_SEALED = {
    ("brand_file", "data"),  # What a brand shows to everybody.
    ("data_key", "wrapped"),
    ("key_intake", "sealed"),  # To the intake's pair, whose versions all go on opening.
    ("passkey", "credential_id"),
    ("passkey", "public_key"),
    ("recovery_code", "salt"),
    ("recovery_code", "digest"),
    ("factor_challenge", "value"),
    ("strategy_invite", "digest"),
}
MANY = BATCH + 20


@pytest.fixture
def site(database_url: str, owner_url: str, tmp_path: Path) -> Iterator[Site]:
    with vault_site(database_url, owner_url, tmp_path, accounts=3) as site:
        yield site


def unheard(moved: int) -> None:
    del moved


def test_a_reader_opens_every_key_all_the_time_while_both_levels_turn(
    database_url: str, owner_url: str, tmp_path: Path
) -> None:
    """The reader keeps nothing: each round asks database, data keys and key file anew, for a few accounts in turn."""
    stopped, failures, rounds = threading.Event(), [], [0]
    with vault_site(database_url, owner_url, tmp_path, accounts=MANY) as site:
        expected = site.expected("ours")

        def read() -> None:
            while not stopped.is_set():
                some = list(expected)[rounds[0] * 7 % MANY :][:7]
                keys = KeyRing(site.db, site.vault()).credentials(site.tenants["ours"], some)
                failures.extend(one for one in some if one not in keys or keys[one].secret != expected[one])
                rounds[0] += 1

        reader = threading.Thread(target=read)
        reader.start()
        try:
            for _ in range(2):
                done = rotate_brand(site.room, site.tenants["ours"], "ours", resume=False, told=unheard)
                assert (done.moved, done.broken) == (3 * MANY, 0)
                assert rotate_master(site.room, site.tenants).broken == 0
        finally:
            stopped.set()
            reader.join()
        assert failures == []
        assert rounds[0] > 10
        assert site.opened("ours") == expected
        state = brand_state(site.room, site.tenants["ours"], EXCHANGE)
        assert (state.version, state.values.values, state.values.older) == (3, 3 * MANY, 0)


def test_one_brands_turn_leaves_the_others_alone(site: Site) -> None:
    rotate_brand(site.room, site.tenants["ours"], "ours", resume=False, told=unheard)
    assert brand_state(site.room, site.tenants["theirs"], EXCHANGE).version == 1
    assert site.opened("theirs") == site.expected("theirs")


def test_a_turn_that_was_cut_short_is_resumed_without_new_keys(site: Site) -> None:
    ours = site.tenants["ours"]
    site.vault().rotate(ours)
    before = brand_state(site.room, ours, EXCHANGE)
    assert (before.version, before.values.older) == (2, 9)
    assert rotate_brand(site.room, ours, "ours", resume=True, told=unheard).moved == 9
    after = brand_state(site.room, ours, EXCHANGE)
    assert (after.version, after.values.older) == (2, 0)
    assert rotate_brand(site.room, ours, "ours", resume=True, told=unheard).moved == 0


def test_what_a_process_sealed_under_the_older_key_meanwhile_is_caught_up_with(site: Site) -> None:
    ours, busy = site.tenants["ours"], site.vault()
    busy.seal(ours, 1, "api_key", "so that it holds the first version")
    rotate_brand(site.room, ours, "ours", resume=False, told=unheard)
    late = busy.seal(ours, site.accounts["ours"][0], "api_secret", "changed by its owner")
    with site.db.tenant(ours) as session:
        session.execute(
            text("UPDATE account SET sealed_secret = :late WHERE id = :id"),
            {"late": late, "id": site.accounts["ours"][0]},
        )
    assert rotate_brand(site.room, ours, "ours", resume=True, told=unheard).moved == 1
    assert site.opened("ours")[site.accounts["ours"][0]] == "changed by its owner"


def test_a_value_that_does_not_open_stays_and_is_counted(site: Site) -> None:
    ours, one = site.tenants["ours"], site.accounts["ours"][0]
    with site.db.tenant(ours) as session:
        session.execute(text("UPDATE account SET sealed_key = sealed_secret WHERE id = :id"), {"id": one})
    assert rotate_brand(site.room, ours, "ours", resume=False, told=unheard) == Resealed(moved=8, broken=1)
    assert one not in site.opened("ours")


def test_second_factors_phones_and_mails_turn_with_the_brand(site: Site) -> None:
    """Each row that a purpose seals is visited, whichever package it belongs to."""
    ours, vault = site.tenants["ours"], site.room.vaults[IDENTITY]
    with site.db.tenant(ours) as session:
        mail = session.execute(
            text(
                "INSERT INTO mail (tenant_id, kind, recipient, locale, facts, state, queued_at, due_at) "
                "VALUES (:ours, 'verify_email', 'a@x.invalid', 'en', '{}', 'waiting', now(), now()) RETURNING id"
            ),
            {"ours": ours},
        ).scalar_one()
        sealed = vault.seal(ours, mail, "mail.facts", "a link")
        session.execute(text("UPDATE mail SET sealed_facts = :sealed WHERE id = :id"), {"sealed": sealed, "id": mail})
    rotate_brand(site.room, ours, "ours", resume=False, told=unheard)
    with site.db.tenant(ours) as session:
        now = session.execute(text("SELECT sealed_facts FROM mail WHERE id = :id"), {"id": mail}).scalar_one()
    assert now != sealed
    assert site.vault(IDENTITY).open(ours, mail, "mail.facts", now) == "a link"
    assert brand_state(site.room, ours, IDENTITY).version == 2


def test_brands_secrets_get_a_new_key_and_stay_the_same(site: Site) -> None:
    site.room.secrets.set("ours", "smtp_password", "hunter2")
    before = (site.folder / "secrets" / "ours.json").read_text()
    rotate_brand(site.room, site.tenants["ours"], "ours", resume=False, told=unheard)
    after = (site.folder / "secrets" / "ours.json").read_text()
    assert after != before
    assert site.room.secrets.get("ours", "smtp_password") == "hunter2"
    rotate_master(site.room, site.tenants)
    assert (site.folder / "secrets" / "ours.json").read_text() != after
    assert site.room.secrets.get("ours", "smtp_password") == "hunter2"


def test_after_a_turn_of_the_master_older_keys_can_be_dropped(site: Site) -> None:
    site.room.intake.ready()
    rotate_master(site.room, every_tenant(site.db))
    held = site.room.stores[EXCHANGE]
    assert isinstance(held, FileKeyStore)
    # Brands of other tests on this database were wrapped by other files.
    assert count_master(site.room, EXCHANGE, site.tenants.values()).older == 0
    require_none_older(site.room, site.tenants.values())
    assert held.drop_older() == [1]
    assert site.opened("ours") == site.expected("ours")


def test_older_master_keys_that_are_needed_are_not_dropped(site: Site) -> None:
    site.room.stores[EXCHANGE].turn()
    with pytest.raises(ConfigError, match="run copydesk vault rotate-master first"):
        require_none_older(site.room, site.tenants.values())


def test_keys_move_from_the_key_files_to_a_key_server(site: Site, key_server: KeyServer) -> None:
    server = {purpose: key_server.key_store(f"moved-{purpose}") for purpose in (EXCHANGE, IDENTITY)}
    room = replace(site.room, stores=server)
    assert rotate_master(room, site.tenants, former=site.room.stores).moved >= 2
    assert rotate_master(room, site.tenants, turn=False).moved == 0
    by_server = Vault(server[EXCHANGE], PostgresDataKeys(site.db))
    assert site.opened("ours", vault=by_server) == site.expected("ours")
    with pytest.raises(SealBroken):
        site.vault().open(site.tenants["ours"], 1, "api_key", b"\x01\x00\x00\x00\x01" + bytes(40))
    assert site.opened("ours") == {}


def test_while_the_key_server_is_away_a_ring_hands_out_what_it_held(site: Site) -> None:
    """A position must be closed all the same; a key that was never held has to wait."""

    class Away(MemoryKeyStore):
        away = False

        def unwrap(self, wrapped: bytes, *, context: bytes) -> bytes:
            if self.away:
                raise Unavailable("the key server gives no answer")
            return super().unwrap(wrapped, context=context)

    class Hand(SystemClock):
        seconds = 0.0

        def monotonic(self) -> float:
            return self.seconds

    ours, clock, store = site.tenants["ours"], Hand(), Away()
    server = {EXCHANGE: store, IDENTITY: MemoryKeyStore()}
    room = replace(site.room, stores=server)
    rotate_master(room, site.tenants, former=site.room.stores)
    ring = KeyRing(site.db, Vault(store, PostgresDataKeys(site.db), clock=clock), clock=clock)
    held = ring.credentials(ours, site.accounts["ours"][:2])
    store.away = True
    clock.seconds += 3_600
    assert ring.credentials(ours, site.accounts["ours"][:2]) == held
    assert {(key.tenant_id, key.kind) for key in held.values()} == {(ours, KeyKind.HMAC)}
    fresh = KeyRing(site.db, Vault(store, PostgresDataKeys(site.db), clock=clock), clock=clock)
    with pytest.raises(Unavailable):
        fresh.credentials(ours, site.accounts["ours"])


def test_each_turn_is_in_the_brands_record(site: Site) -> None:
    ours = site.tenants["ours"]
    rotate_brand(site.room, ours, "ours", resume=False, told=unheard)
    rotate_master(site.room, site.tenants)
    with site.db.tenant(ours) as session:
        acts = {entry.act for entry in read_entries(session, ours)}
    assert acts == {"vault.data_keys_rotated", "vault.master_rotated"}


def test_every_column_of_bytes_is_known_to_the_rotation_or_said_to_be_none_of_its_business() -> None:
    for declaring in sorted(Path(copydesk.__file__).parent.glob("**/tables.py")):
        import_module(
            ".".join(("copydesk", *declaring.relative_to(Path(copydesk.__file__).parent).with_suffix("").parts))
        )
    stored = {
        (table.name, column.name)
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary) and "tenant_id" in table.columns and not column.name.endswith("_hash")
    }
    listed = {(column.table, column.column) for column in SEALED_COLUMNS}
    assert listed <= stored
    assert stored - listed == NOT_SEALED

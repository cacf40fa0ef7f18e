"""A whole brand moves from one installation to another as one file: nothing is left behind, and nobody reads along."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest
from copydesk.audit import read_entries
from copydesk.audit.notary import Brand
from copydesk.audit.signing import PublicKey
from copydesk.audit.verify import verify
from copydesk.db import metadata
from copydesk.kernel import ConfigError, CopydeskError, InvalidInput, NotFound, Refused, utc_now
from copydesk.keys.connect import opened_text
from copydesk.parcel import (
    Address,
    Arrival,
    Manifest,
    ParcelBroken,
    PassphraseWrong,
    erase_tenant,
    export_tenant,
    import_tenant,
    try_import,
    verify_parcel,
)
from copydesk.parcel.catalog import APART
from copydesk.parcel.settle import FOREIGN_HASHES
from copydesk.stack import APP_ROLE, OWNER_ROLE, PostgresServer
from copydesk.tenancy.revision_store import read_overrides
from copydesk.vault import IntakePlace
from copydesk.vault.sealed_columns import SEALED_COLUMNS
from parcel_world import INTAKE_SECRET, MARKET, PANEL, PASSPHRASE, SECRET, SMTP_SECRET, House, build, furnish
from sqlalchemy.exc import IntegrityError

# Hashes of what they hash alone: they hold in any installation.
PORTABLE_HASHES = {"token_hash", "password_hash", "hash", "code_hash", "endpoint_hash"}


@dataclass(frozen=True)
class World:
    """Where aurora is at home, a house with boreal only, and aurora packed."""

    home: House
    other: House
    file: Path
    manifest: Manifest
    account: int
    intake: int


@pytest.fixture(scope="module")
def world(
    postgres_server: PostgresServer,
    database_url: str,
    owner_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("parcels")
    with psycopg.connect(postgres_server.url(OWNER_ROLE, "postgres"), autocommit=True) as server:
        server.execute("CREATE DATABASE parcels_elsewhere TEMPLATE copydesk_template STRATEGY file_copy")
    (folder / "home").mkdir()
    (folder / "other").mkdir()
    home = build(folder / "home", ("aurora", "boreal"), database_url=database_url, owner_url=owner_url)
    there = postgres_server.url(APP_ROLE, "parcels_elsewhere")
    owned = postgres_server.url(OWNER_ROLE, "parcels_elsewhere")
    other = build(folder / "other", ("boreal",), database_url=there, owner_url=owned)
    assert set(other.runtime.tenant_ids) == {"boreal"}
    account, intake = furnish(home)
    file = folder / "aurora.parcel"
    manifest = export_tenant(home.stock, "aurora", PASSPHRASE, file, at=utc_now())
    yield World(home, other, file, manifest, account, intake)
    home.runtime.close()
    other.runtime.close()
    with psycopg.connect(postgres_server.url(OWNER_ROLE, "postgres"), autocommit=True) as server:
        server.execute("DROP DATABASE parcels_elsewhere (FORCE)")


@pytest.fixture(scope="module")
def arrival(world: World) -> Arrival:
    """Aurora after its arrival in the other house."""
    return import_tenant(world.other.stock, world.file, PASSPHRASE, at=utc_now())


def test_a_parcel_holds_rows_of_every_table_that_has_a_tenant(world: World) -> None:
    tables = set(world.home.count(world.home.number("aurora") or 0))
    assert set(world.manifest.rows) == tables - APART
    assert all(count > 0 for count in world.manifest.rows.values())


def test_a_parcel_shows_no_secret_and_is_its_owners_alone(world: World) -> None:
    content = world.file.read_bytes()
    for secret in (SECRET, INTAKE_SECRET, SMTP_SECRET, "aurora", "text"):
        assert secret.encode() not in content
    assert world.file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in world.file.parent.glob(".*")] == []


def test_a_parcel_is_judged_without_an_installation(world: World) -> None:
    assert verify_parcel(world.file, PASSPHRASE) == world.manifest


def refused(world: World, file: Path, passphrase: str = PASSPHRASE, **address: object) -> CopydeskError:
    """Return why a parcel does not come in, and see that nothing was written."""
    before = (world.other.number("aurora"), sorted(world.other.root.rglob("*")))
    with pytest.raises(CopydeskError) as error:
        import_tenant(world.other.stock, file, passphrase, address=Address(**address), at=utc_now())  # type: ignore[arg-type]
    assert (world.other.number("aurora"), sorted(world.other.root.rglob("*"))) == before
    return error.value


def damaged(world: World, tmp_path: Path, *, flip: int | None = None, cut: int | None = None) -> Path:
    content = bytearray(world.file.read_bytes())
    if flip is not None:
        content[flip] ^= 1
    path = tmp_path / "damaged.parcel"
    path.write_bytes(content[:cut])
    return path


def test_a_wrong_passphrase_opens_nothing(world: World) -> None:
    found = refused(world, world.file, "another passphrase")
    assert isinstance(found, PassphraseWrong)
    assert "passphrase does not open" in str(found)


@pytest.mark.parametrize("place", [0, 20, 30, 40, 50, 70, -1, -40])
def test_one_flipped_bit_anywhere_is_found(world: World, tmp_path: Path, place: int) -> None:
    assert isinstance(refused(world, damaged(world, tmp_path, flip=place)), ParcelBroken | PassphraseWrong)


@pytest.mark.parametrize("length", [0, 10, 59, 60, 500, -1, -17])
def test_a_cut_file_is_found(world: World, tmp_path: Path, length: int) -> None:
    assert isinstance(refused(world, damaged(world, tmp_path, cut=length)), ParcelBroken | PassphraseWrong)


def test_a_file_that_is_not_there_and_one_that_is_none_are_told_apart(world: World, tmp_path: Path) -> None:
    (tmp_path / "letter.parcel").write_text("Dear reader, " * 100)
    assert isinstance(refused(world, tmp_path / "nothing.parcel"), NotFound)
    assert "does not begin as one" in str(refused(world, tmp_path / "letter.parcel"))


def test_another_revision_of_the_database_is_refused_by_name(world: World) -> None:
    move = "UPDATE alembic_version SET version_num = %s"
    with psycopg.connect(world.other.owner_url) as connection:
        connection.execute(move, ["9999"])
    try:
        said = str(refused(world, world.file))
    finally:
        with psycopg.connect(world.other.owner_url) as connection:
            connection.execute(move, [world.manifest.head.revision])
    assert f"revision {world.manifest.head.revision}" in said
    assert "9999" in said


def test_a_name_or_host_that_is_taken_is_refused(world: World) -> None:
    assert "there is a brand boreal here already" in str(refused(world, world.file, slug="boreal"))
    assert "--slug: expected lower-case" in str(refused(world, world.file, slug="../dawn"))
    taken = str(refused(world, world.file, slug="dawn", hosts=("boreal.localhost",)))
    assert "boreal.localhost" in taken
    assert isinstance(refused(world, world.file, hosts=("not a host",)), ConfigError)


def test_a_rehearsal_writes_nothing(world: World) -> None:
    if world.other.number("aurora") is None:
        rehearsed = try_import(world.other.stock, world.file, PASSPHRASE)
        assert (rehearsed.fresh, rehearsed.rows) == (True, world.manifest.rows)
        assert world.other.number("aurora") is None


def test_prices_of_the_brands_markets_travel_and_points_find_their_room(world: World, arrival: Arrival) -> None:
    query = "SELECT place, symbol, CAST(px AS text) FROM mark_minute"
    with psycopg.connect(world.other.owner_url) as there:
        assert there.execute(query).fetchall() == [(*MARKET, "1.250000000000000000")]
        grains = there.execute("SELECT DISTINCT grain FROM performance_point ORDER BY 1").fetchall()
    assert grains == [("minute",), ("text",)]
    assert arrival.rows["performance_point"] == 2


def test_every_row_arrives_under_the_brands_new_number(world: World, arrival: Arrival) -> None:
    before, after = world.home.count(world.home.number("aurora") or 0), world.other.count(arrival.tenant_id)
    assert arrival.tenant_id == world.other.number("aurora")
    assert {name: count for name, count in before.items() if name not in APART} == arrival.rows
    assert {name: count for name, count in after.items() if name not in APART} == arrival.rows
    assert after["audit_entry"] == before["audit_entry"] + 1
    assert after["crowd_version"] == 1


def test_values_arrive_to_the_last_digit(world: World, arrival: Arrival) -> None:
    query = "SELECT qty, px, planned_at, reason_facts FROM copy WHERE tenant_id = %s"
    found = []
    for house, number in ((world.home, world.home.number("aurora")), (world.other, arrival.tenant_id)):
        with psycopg.connect(house.owner_url) as connection:
            found.append(connection.execute(query, [number]).fetchall())
    assert found[0] == found[1] != []


def test_sealed_keys_open_there_and_what_did_not_open_before_does_not_now(world: World, arrival: Arrival) -> None:
    opened = world.other.runtime.keys.credentials(arrival.tenant_id, [world.account, 7])
    assert opened[world.account].secret == SECRET
    assert 7 not in opened
    # One value of each sealed column, and one key on its way in, were never sealed at all.
    assert arrival.broken == len(SEALED_COLUMNS) + 1


def test_a_key_on_its_way_in_opens_there(world: World, arrival: Arrival) -> None:
    query = "SELECT user_id, sealed FROM key_intake WHERE tenant_id = %s AND id = %s"
    with psycopg.connect(world.other.owner_url) as connection:
        row = connection.execute(query, [arrival.tenant_id, world.intake]).fetchone()
    assert row is not None
    place = IntakePlace(arrival.tenant_id, world.intake, row[0], 0, "okx", "lab")
    assert opened_text(world.other.runtime.intake_opener.open(place, row[1])).secret == INTAKE_SECRET


def test_folder_and_secrets_arrive(world: World, arrival: Arrival) -> None:
    assert world.other.runtime.secrets.get("aurora", "smtp_password") == SMTP_SECRET
    for path in (world.home.root / "tenants" / "aurora").iterdir():
        assert (world.other.root / "tenants" / "aurora" / path.name).read_bytes() == path.read_bytes()
    assert [path.name for path in (world.other.root / "tenants").glob(".*")] == []


def test_a_brand_arrives_suspended(world: World, arrival: Arrival) -> None:
    with psycopg.connect(world.other.owner_url) as connection:
        row = connection.execute("SELECT status FROM tenant WHERE id = %s", [arrival.tenant_id]).fetchone()
    assert row == ("suspended",)


def test_who_operated_the_other_installation_does_not_operate_this_one(world: World, arrival: Arrival) -> None:
    query = "SELECT role, status FROM user_account WHERE tenant_id = %s AND email LIKE '%%@x.invalid' ORDER BY role"
    with psycopg.connect(world.other.owner_url) as connection:
        rows = connection.execute(query, [arrival.tenant_id]).fetchall()
    assert rows == [("follower", "active"), ("operator", "blocked")]


@pytest.mark.parametrize(
    ("spoil", "mend"),
    [
        ("UPDATE sign_in SET id = 9000000000000000000", "UPDATE sign_in SET id = 7"),
        ("UPDATE tenant SET status = 'odd' WHERE slug = 'aurora'", "UPDATE tenant SET status = 'active'"),
    ],
)
def test_a_parcel_that_would_harm_other_brands_is_refused_whole(
    world: World, arrival: Arrival, tmp_path: Path, spoil: str, mend: str
) -> None:
    file = tmp_path / "hostile.parcel"
    with psycopg.connect(world.home.owner_url) as connection:
        connection.execute(spoil)
    try:
        export_tenant(world.home.stock, "aurora", PASSPHRASE, file, at=utc_now())
    finally:
        with psycopg.connect(world.home.owner_url) as connection:
            connection.execute(mend)
    before = last_sign_in(world)
    with pytest.raises(ParcelBroken, match=r"no number that we give|no standing that a brand has"):
        import_tenant(world.other.stock, file, PASSPHRASE, address=Address("dusk", ("d.test",)), at=utc_now())
    assert (world.other.number("dusk"), last_sign_in(world)) == (None, before)


def last_sign_in(world: World) -> int:
    """Return the last number that the other house has given to a sign-in."""
    with psycopg.connect(world.other.owner_url) as connection:
        row = connection.execute("SELECT last_value FROM sign_in_id_seq").fetchone()
    assert row is not None
    return int(row[0])


def test_what_its_panel_has_set_holds_there(world: World, arrival: Arrival) -> None:
    with world.other.runtime.db.tenant(arrival.tenant_id) as session:
        assert read_overrides(session).values == PANEL


def test_its_record_verifies_there_and_names_the_one_that_it_came_with(world: World, arrival: Arrival) -> None:
    runtime = world.other.runtime
    with runtime.db.tenant(arrival.tenant_id) as session:
        lines = list(runtime.notary.export(session, Brand(arrival.tenant_id, "aurora"), at=utc_now()))
        newest = read_entries(session, arrival.tenant_id, limit=1)[0]
    assert verify(lines, [runtime.notary.public]).findings == ()
    assert (newest.act, newest.after and newest.after["from_hash"]) == ("tenant.imported", world.manifest.audit_hash)
    kept = next((world.other.root / "var" / "audit" / "arrived").glob("aurora-*.jsonl"))
    public = PublicKey.parse(kept.with_suffix(".public").read_text())
    report = verify(kept.read_bytes().splitlines(keepends=True), [public])
    assert (report.findings, report.entries) == ((), world.manifest.audit_seq)


def test_new_rows_get_numbers_behind_those_that_arrived(world: World, arrival: Arrival) -> None:
    add = (
        "INSERT INTO user_account (tenant_id, email, display_name, role) VALUES (%s, 'n', 'n', 'follower') RETURNING id"
    )
    with psycopg.connect(world.other.owner_url) as connection:
        row = connection.execute(add, [arrival.tenant_id]).fetchone()
        highest = connection.execute("SELECT max(id) FROM user_account").fetchone()
        connection.rollback()
    assert row == highest


def test_the_same_parcel_a_second_time_changes_nothing(world: World, arrival: Arrival) -> None:
    before = world.other.count(arrival.tenant_id)
    again = import_tenant(world.other.stock, world.file, PASSPHRASE, at=utc_now())
    assert (again.fresh, again.tenant_id) == (False, arrival.tenant_id)
    assert world.other.count(arrival.tenant_id) == before


def test_a_folder_that_never_got_to_its_place_is_put_there_by_a_second_run(world: World, arrival: Arrival) -> None:
    folder = world.other.root / "tenants" / "aurora"
    written = (folder / "tenant.yaml").read_bytes()
    shutil.rmtree(folder)
    assert import_tenant(world.other.stock, world.file, PASSPHRASE, at=utc_now()).fresh is False
    assert (folder / "tenant.yaml").read_bytes() == written


def test_who_does_not_own_the_schema_is_refused_at_once(world: World) -> None:
    app = replace(world.other.stock, owner_url=world.other.runtime.require("DATABASE_URL"))
    with pytest.raises(ConfigError, match="connects as copydesk_app, which does not own the schema"):
        import_tenant(app, world.file, PASSPHRASE, at=utc_now())
    with pytest.raises(ConfigError, match="does not own"):
        erase_tenant(app.owner_url, 1)
    with pytest.raises(ConfigError, match="DATABASE_OWNER_URL refuses"):
        erase_tenant("postgresql://nobody@127.0.0.1:1/none", 1)


def test_nothing_stays_of_a_brand_whose_rows_do_not_come_in(world: World, arrival: Arrival) -> None:
    # Another brand's strategy has the same address, which no index of ours minds.
    add = "CREATE UNIQUE INDEX in_the_way ON strategy (slug)"
    with psycopg.connect(world.other.owner_url) as connection:
        connection.execute(add)
    before = sorted(world.other.root.rglob("*"))
    try:
        with pytest.raises(IntegrityError):
            import_tenant(world.other.stock, world.file, PASSPHRASE, address=Address("dusk", ("d.test",)), at=utc_now())
    finally:
        with psycopg.connect(world.other.owner_url) as connection:
            connection.execute("DROP INDEX in_the_way")
    assert sorted(world.other.root.rglob("*")) == before
    assert world.other.number("dusk") is None
    assert world.other.runtime.secrets.names("dusk") == ()


def test_a_brand_comes_under_another_name_and_host_beside_the_first(world: World, arrival: Arrival) -> None:
    address = Address("dawn", ("dawn.localhost", "www.dawn.localhost"), active=True)
    dawn = import_tenant(world.other.stock, world.file, PASSPHRASE, address=address, at=utc_now())
    assert dawn.tenant_id != arrival.tenant_id
    with world.other.runtime.db.tenant(dawn.tenant_id) as session:
        # Hosts that the panel had set have given way; what else it has set holds.
        assert read_overrides(session).values == {"replication.slippage_bps_max": 33}
    written = (world.other.root / "tenants" / "dawn" / "tenant.yaml").read_text()
    assert "hosts: [dawn.localhost, www.dawn.localhost]" in written
    assert world.other.runtime.keys.credentials(dawn.tenant_id, [world.account])[world.account].secret == SECRET
    erased = erase_tenant(world.other.owner_url, dawn.tenant_id)
    assert erased.rows["audit_entry"] == world.manifest.audit_seq + 2
    assert set(world.other.count(dawn.tenant_id).values()) == {0}
    assert world.other.number("dawn") is None
    assert world.other.count(arrival.tenant_id)["account"] == arrival.rows["account"]
    assert erase_tenant(world.other.owner_url, dawn.tenant_id).rows == {}


def test_packing_refuses_what_it_cannot_pack(world: World, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        export_tenant(world.home.stock, "nobody", PASSPHRASE, tmp_path / "n.parcel", at=utc_now())
    with pytest.raises(InvalidInput, match="12 characters"):
        export_tenant(world.home.stock, "aurora", "short", tmp_path / "n.parcel", at=utc_now())
    with pytest.raises(Refused, match="exists already"):
        export_tenant(world.home.stock, "aurora", PASSPHRASE, world.file, at=utc_now())
    assert list(tmp_path.iterdir()) == []


def test_every_hash_is_known_to_hold_elsewhere_or_is_forgotten_on_arrival() -> None:
    hashes = {
        (table.name, column.name)
        for table in metadata.tables.values()
        for column in table.columns
        if column.name.endswith("hash") and "tenant_id" in table.columns
    }
    assert {place for place in hashes if place[1] not in PORTABLE_HASHES} == set(FOREIGN_HASHES)

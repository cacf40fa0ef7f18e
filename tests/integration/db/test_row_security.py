"""Nothing of one brand reaches another: every tenant table, every statement, asked as the wrong brand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest
from copydesk.db import Database, metadata, tenant_tables
from copydesk.kernel import ConfigError
from copydesk.tenancy import ensure_tenant
from sqlalchemy import CursorResult, Executable, Table, func, select
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session
from tenant_rows import fill, ordered_tenant_tables, row_of

TABLES = [pytest.param(table, id=table.name) for table in ordered_tenant_tables()]
# Of an append-only table the application's role may change and delete nothing, whoever's it is.
CHANGEABLE = [param for param in TABLES if not param.values[0].info.get("append_only")]
APPEND_ONLY = [param for param in TABLES if param.values[0].info.get("append_only")]


@dataclass(frozen=True)
class Brands:
    db: Database
    ours: int
    theirs: int


@pytest.fixture(scope="module")
def brands(database_url: str) -> Iterator[Brands]:
    db = Database.connect(database_url, pool_size=1)
    with db.installation() as session:
        ids = [ensure_tenant(session, slug) for slug in ("ours", "theirs")]
    for tenant_id in ids:
        with db.tenant(tenant_id) as session:
            fill(session, tenant_id)
    yield Brands(db, *ids)
    db.dispose()


def touched(session: Session, statement: Executable) -> int:
    """Run a statement and return how many rows it reached."""
    result = session.execute(statement)
    assert isinstance(result, CursorResult)
    return result.rowcount


def test_the_walk_covers_every_table_with_a_brand() -> None:
    assert {table.name for table in ordered_tenant_tables()} == set(tenant_tables())
    assert len(tenant_tables()) >= 15


@pytest.mark.parametrize("table", TABLES)
def test_a_brand_reads_its_own_rows_only(brands: Brands, table: Table) -> None:
    with brands.db.tenant(brands.ours) as session:
        assert [row.tenant_id for row in session.execute(table.select())] == [brands.ours]
        theirs = select(func.count()).select_from(table).where(table.c.tenant_id == brands.theirs)
        assert session.execute(theirs).scalar_one() == 0


@pytest.mark.parametrize("table", CHANGEABLE)
def test_a_brand_changes_and_deletes_no_row_of_another(brands: Brands, table: Table) -> None:
    theirs = table.c.tenant_id == brands.theirs
    last = list(table.columns)[-1]
    with brands.db.tenant(brands.theirs) as session:
        before = session.execute(table.select()).all()
    with brands.db.tenant(brands.ours) as session:
        assert touched(session, table.update().where(theirs).values({last.name: last})) == 0
        assert touched(session, table.update().where(theirs).values(tenant_id=brands.ours)) == 0
        assert touched(session, table.delete().where(theirs)) == 0
    with brands.db.tenant(brands.theirs) as session:
        assert session.execute(table.select()).all() == before != []


@pytest.mark.parametrize("table", TABLES)
def test_a_brand_writes_no_row_into_another(brands: Brands, table: Table) -> None:
    with (
        pytest.raises(ProgrammingError, match="row-level security"),
        brands.db.tenant(brands.ours) as session,
    ):
        session.execute(table.insert().values(row_of(table, brands.theirs)))


@pytest.mark.parametrize("table", CHANGEABLE)
def test_a_brand_moves_no_row_into_another(brands: Brands, table: Table) -> None:
    with (
        pytest.raises(ProgrammingError, match="row-level security"),
        brands.db.tenant(brands.ours) as session,
    ):
        session.execute(table.update().values(tenant_id=brands.theirs))


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_nobody_changes_or_deletes_a_row_of_the_record(brands: Brands, table: Table) -> None:
    for statement in (table.update().values(hash="another"), table.delete()):
        with pytest.raises(ProgrammingError, match="permission denied"), brands.db.tenant(brands.ours) as session:
            session.execute(statement)
    with brands.db.tenant(brands.ours) as session:
        assert len(session.execute(table.select()).all()) == 1


def test_the_record_is_append_only_for_the_applications_role() -> None:
    assert [param.id for param in APPEND_ONLY] == ["audit_checkpoint", "audit_entry"]


@pytest.mark.parametrize("table", TABLES)
def test_a_session_without_a_brand_sees_nothing_and_writes_nothing(brands: Brands, table: Table) -> None:
    with brands.db.installation() as session:
        assert session.execute(select(func.count()).select_from(table)).scalar_one() == 0
    with pytest.raises(ProgrammingError, match="row-level security"), brands.db.installation() as session:
        session.execute(table.insert().values(row_of(table, brands.ours)))


@pytest.mark.parametrize("table", CHANGEABLE)
def test_a_session_without_a_brand_deletes_nothing(brands: Brands, table: Table) -> None:
    with brands.db.installation() as session:
        assert touched(session, table.delete()) == 0


def test_a_brand_does_not_linger_on_a_pooled_connection(brands: Brands) -> None:
    table = metadata.tables["account"]
    with brands.db.tenant(brands.ours) as session:
        assert session.execute(select(func.count()).select_from(table)).scalar_one() == 1
    with brands.db.installation() as session:
        assert session.execute(select(func.count()).select_from(table)).scalar_one() == 0


def test_a_reference_never_crosses_brands(brands: Brands) -> None:
    for table in ordered_tenant_tables():
        for key in table.foreign_key_constraints:
            if key.referred_table.name != "tenant":
                assert key.column_keys[0] == "tenant_id", f"{table.name} refers to {key.referred_table.name}"


# A table counts as protected when row-level security is on, binds even its owner, and has the one policy.
_UNPROTECTED = """
    SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
    WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace AND NOT (
        c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (
            SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polcmd = '*' AND p.polpermissive
              AND pg_get_expr(p.polqual, p.polrelid) LIKE '%app.tenant%'
              AND pg_get_expr(p.polwithcheck, p.polrelid) LIKE '%app.tenant%')
        AND (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid) = 1)
    ORDER BY c.relname
"""


def unprotected(connection: psycopg.Connection) -> list[str]:
    """Name every table with a `tenant_id` that does not hold brands apart."""
    return [name for (name,) in connection.execute(_UNPROTECTED)]


def test_every_table_with_a_brand_is_under_forced_row_level_security(owner_url: str) -> None:
    with psycopg.connect(owner_url) as connection:
        assert unprotected(connection) == []


_POLICY = (
    "CREATE POLICY own ON forgotten USING (tenant_id = current_setting('app.tenant')::int) "
    "WITH CHECK (tenant_id = current_setting('app.tenant')::int)"
)


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        ([], True),
        (["ALTER TABLE forgotten ENABLE ROW LEVEL SECURITY", _POLICY], True),
        (["ALTER TABLE forgotten ENABLE ROW LEVEL SECURITY", "ALTER TABLE forgotten FORCE ROW LEVEL SECURITY"], True),
        (
            [
                "ALTER TABLE forgotten ENABLE ROW LEVEL SECURITY",
                "ALTER TABLE forgotten FORCE ROW LEVEL SECURITY",
                _POLICY,
                "CREATE POLICY hole ON forgotten USING (true)",
            ],
            True,
        ),
        (
            [
                "ALTER TABLE forgotten ENABLE ROW LEVEL SECURITY",
                "ALTER TABLE forgotten FORCE ROW LEVEL SECURITY",
                _POLICY,
            ],
            False,
        ),
    ],
    ids=["plain", "not forced", "no policy", "second policy", "protected"],
)
def test_a_table_that_lacks_protection_is_found(owner_url: str, statements: list[str], found: bool) -> None:
    with psycopg.connect(owner_url) as connection:
        connection.execute("CREATE TABLE forgotten (tenant_id int, id int)")
        for statement in statements:
            connection.execute(statement)
        assert unprotected(connection) == (["forgotten"] if found else [])
        connection.rollback()


def test_the_applications_role_owns_nothing_and_cannot_bypass(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        role = connection.execute(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
        assert role == (False, False, False, False)
        owned = "SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole"
        assert connection.execute(owned).fetchone() == (0,)
        member = (
            "SELECT count(*) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member WHERE rolname = current_user"
        )
        assert connection.execute(member).fetchone() == (0,)


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE account DISABLE ROW LEVEL SECURITY",
        "DROP POLICY own_rows ON account",
        "CREATE TABLE mine (id int)",
        "TRUNCATE account CASCADE",
        "SET ROLE copydesk_owner",
        "DELETE FROM tenant",
        "UPDATE tenant SET slug = 'x'",
        "DELETE FROM alembic_version",
    ],
)
def test_the_applications_role_may_not_change_the_rules(database_url: str, statement: str) -> None:
    with psycopg.connect(database_url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)


# What the role could put before the real table, so that a function of the owner runs what the role wrote.
_SHADOW = """
    CREATE TEMP TABLE switch_version (version bigint);
    INSERT INTO switch_version VALUES (0);
    CREATE FUNCTION pg_temp.caught() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'ran as %', current_user; END $$;
    CREATE TRIGGER caught BEFORE UPDATE ON switch_version FOR EACH ROW EXECUTE FUNCTION pg_temp.caught();
"""


def test_a_function_of_the_owner_runs_nothing_that_the_role_put_before_a_table(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(_SHADOW)
        connection.execute(
            "INSERT INTO installation_switch (reach, stops, reason, author) VALUES ('all', 'opens', 'test', 'test')"
        )
        assert connection.execute("SELECT version FROM pg_temp.switch_version").fetchone() == (0,)
        connection.rollback()


def test_every_function_that_runs_as_the_owner_looks_in_the_schema_first(owner_url: str) -> None:
    query = """
        SELECT proname, coalesce(array_to_string(proconfig, ';'), '') FROM pg_proc
        WHERE prosecdef AND pronamespace = 'public'::regnamespace
    """
    with psycopg.connect(owner_url) as connection:
        found = connection.execute(query).fetchall()
    assert found
    assert {settings for _, settings in found} == {"search_path=pg_catalog, public, pg_temp"}


def test_switching_row_level_security_off_is_an_error_and_no_way_around(database_url: str, brands: Brands) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("SET row_security = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM account")


def test_a_superuser_is_refused_with_one_sentence_that_names_the_remedy(owner_url: str) -> None:
    db = Database.connect(owner_url, pool_size=1)
    with pytest.raises(ConfigError) as refusal:
        db.require_safe_role()
    db.dispose()
    assert str(refusal.value) == (
        "DATABASE_URL connects as copydesk_owner, which bypasses row-level security; "
        "use a role without SUPERUSER and BYPASSRLS, such as copydesk_app"
    )


def test_a_server_that_is_not_there_is_named_in_one_sentence(free_port: int) -> None:
    db = Database.connect(f"postgresql://copydesk_app@127.0.0.1:{free_port}/copydesk", pool_size=1)
    with pytest.raises(ConfigError, match="PostgreSQL at DATABASE_URL refuses: ") as refusal:
        db.require_safe_role()
    db.dispose()
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("url", ["mysql://x", "copydesk", "", "redis://localhost"])
def test_an_address_that_is_not_postgresql_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="DATABASE_URL must start with postgresql://"):
        Database.connect(url)

"""Migrations and models say the same; arrays travel whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from copydesk.db import (
    array_literal,
    create_db_engine,
    metadata,
    moment_array,
    number_array,
    word_array,
)
from copydesk.db.migrate import head_revision, migrate
from copydesk.kernel import ConfigError
from copydesk.trading import OrderStatus
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tenant_rows import ordered_tenant_tables


def test_migrations_build_exactly_what_the_models_declare(owner_url: str) -> None:
    assert ordered_tenant_tables()
    engine = create_db_engine(owner_url, pool_size=1)
    with engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_migrating_a_migrated_database_changes_nothing(owner_url: str) -> None:
    assert migrate(owner_url) == head_revision()


def test_migrations_name_a_server_that_is_not_there(free_port: int) -> None:
    with pytest.raises(ConfigError, match="migrations could not reach PostgreSQL: "):
        migrate(f"postgresql://copydesk_owner@127.0.0.1:{free_port}/copydesk")


def test_money_is_numeric_and_time_has_a_zone_in_every_table(owner_url: str) -> None:
    query = (
        "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public' "
        "AND data_type IN ('real', 'double precision', 'money', 'timestamp without time zone')"
    )
    with psycopg.connect(owner_url) as connection:
        assert connection.execute(query).fetchall() == []


# Text as people and exchanges write it, and what would break a careless writer of arrays.
texts = st.lists(
    st.one_of(
        st.none(),
        st.sampled_from(["", "NULL", "null", '"', "\\", "{", "}", ",", "a,b", " ", "'", "€", "nulled", '\\"']),
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12),
    ),
    max_size=6,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts)
def test_any_texts_travel_whole_as_an_array(array_reader: psycopg.Connection, values: list[str | None]) -> None:
    assert array_reader.execute("SELECT CAST(%s AS text[])", [array_literal(values)]).fetchone() == (values,)


@pytest.fixture(scope="module")
def array_reader(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url) as connection:
        yield connection


@pytest.mark.parametrize(
    ("kind", "writer", "values"),
    [
        ("numeric[]", number_array, [Decimal("0.000000000000000001"), None, Decimal(-3), Decimal("1E+3")]),
        ("boolean[]", number_array, [True, False, None]),
        ("timestamptz[]", moment_array, [datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC), None]),
        ("timestamptz[]", moment_array, [datetime(2026, 3, 1, tzinfo=UTC)]),
        ("text[]", word_array, ["filled", None, OrderStatus.IN_FLIGHT]),
        ("text[]", word_array, []),
    ],
)
def test_what_needs_no_quoting_travels_as_well(
    array_reader: psycopg.Connection, kind: str, writer: Callable[[list[object]], str], values: list[object]
) -> None:
    array_reader.execute("SET TIME ZONE 'UTC'")
    assert array_reader.execute(f"SELECT CAST(%s AS {kind})", [writer(values)]).fetchone() == (values,)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("numeric[]", [Decimal("0.000000000000000001"), None, Decimal(-3), Decimal("1E+3")]),
        ("bigint[]", [2**62, None, -1]),
        ("boolean[]", [True, False, None]),
        ("timestamptz[]", [datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC), None]),
        ("bigint[]", []),
    ],
)
def test_numbers_and_moments_travel_exactly(array_reader: psycopg.Connection, kind: str, values: list[object]) -> None:
    array_reader.execute("SET TIME ZONE 'UTC'")
    assert array_reader.execute(f"SELECT CAST(%s AS {kind})", [array_literal(values)]).fetchone() == (values,)

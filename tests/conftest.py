"""Servers for every test that wants them: a real PostgreSQL and Redis per session (and per xdist worker)."""

from __future__ import annotations

import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
import redis
from copydesk.db.migrate import migrate
from copydesk.stack import APP_ROLE, OWNER_ROLE, PostgresServer, RedisServer, Stack, embedded_stack
from hypothesis import settings

# No timed verdicts: machines are shared. The same examples every time: a red run means a changed program.
settings.register_profile("copydesk", deadline=None, derandomize=True)
settings.load_profile("copydesk")

_PROJECT = Path(__file__).parents[1]
_TEMPLATE = "copydesk_template"
# What fails in milliseconds runs before what takes minutes.
_ORDER = ("unit", "properties", "tidy", "wire", "contract", "cli", "integration", "web", "simulation")
# The longest of the last folder begin first, or one of them would end alone, long after the others. A file of one test
# is given out together with the next one, which is a short one here.
_LONGEST = (
    "test_resting",
    "test_cross_resting",
    "test_cross_faults",
    "test_every_failpoint",
    "test_order_limits_live",
    "test_fault_selection",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the fast folders first; within a folder the order stays, but for the longest files."""
    tests = Path(__file__).parent

    def rank(item: pytest.Item) -> tuple[int, int]:
        folder, name = item.path.relative_to(tests).parts[0], item.path.stem
        place = _ORDER.index(folder) if folder in _ORDER else len(_ORDER)
        return place, _LONGEST.index(name) if name in _LONGEST else len(_LONGEST)

    items.sort(key=rank)


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Embedded servers in a directory of this session's own; a short path, for the sockets' sake."""
    root = Path(tempfile.mkdtemp(prefix="copydesk-test-"))
    try:
        with embedded_stack(root, durable=False) as running:
            yield running
    finally:
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server(stack: Stack) -> PostgresServer:
    """A PostgreSQL whose template database is migrated once."""
    assert stack.postgres is not None
    run_sql(stack.postgres, f"CREATE DATABASE {_TEMPLATE}")
    migrate(stack.postgres.url(OWNER_ROLE, _TEMPLATE))
    return stack.postgres


@pytest.fixture(scope="module")
def database_name(postgres_server: PostgresServer, request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh migrated database for this test module."""
    name = "test_" + request.module.__name__.rpartition(".")[2][-40:].lower()
    run_sql(postgres_server, f"DROP DATABASE IF EXISTS {name} (FORCE)")
    run_sql(postgres_server, f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE} STRATEGY file_copy")
    yield name
    run_sql(postgres_server, f"DROP DATABASE {name} (FORCE)")


@pytest.fixture(scope="module")
def database_url(postgres_server: PostgresServer, database_name: str) -> str:
    """The module's database as the application connects to it: bound by row-level security."""
    return postgres_server.url(APP_ROLE, database_name)


@pytest.fixture(scope="module")
def owner_url(postgres_server: PostgresServer, database_name: str) -> str:
    """The module's database as its owner; no row-level security holds here."""
    return postgres_server.url(OWNER_ROLE, database_name)


@pytest.fixture(scope="session")
def redis_server(stack: Stack) -> RedisServer:
    """The session's Redis, for tests that stop it or start it again."""
    assert stack.redis is not None
    return stack.redis


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The session's Redis, emptied for this test."""
    if not redis_server.alive:
        redis_server.start()
    with closing(redis.Redis.from_url(redis_server.url)) as client:
        client.flushall()
    return redis_server.url


@pytest.fixture
def free_port() -> int:
    """A port of loopback that nothing listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run_sql(server: PostgresServer, statement: str) -> None:
    """Run one statement outside any transaction, as the owner."""
    with psycopg.connect(server.url(OWNER_ROLE, "postgres"), autocommit=True) as connection:
        connection.execute(statement)


@pytest.fixture
def shipped_brands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str, redis_url: str) -> Path:
    """The shipped brands as the current folder, with the session's servers in the environment."""
    for name in ("tenants", "config"):
        shutil.copytree(_PROJECT / name, tmp_path / name)
    for theme in ("core", "aurora", "obsidian"):
        (tmp_path / "themes" / theme).mkdir(parents=True)
        shutil.copy(_PROJECT / "themes" / theme / "theme.yaml", tmp_path / "themes" / theme)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)
    return tmp_path

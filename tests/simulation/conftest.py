"""One PostgreSQL and one Redis for all fault tests, a desk of its own for each file."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import psycopg
import pytest
import redis
from copydesk.db import migrate
from copydesk.stack import APP_ROLE, OWNER_ROLE, Stack, embedded_stack
from simulation_desk import Desk
from simulation_stage import Script, open_desk

_HEALED: dict[str, float] = {}
_failed = pytest.StashKey[bool]()


@pytest.fixture(scope="session")
def servers() -> Iterator[tuple[Stack, Path]]:
    """Servers that these tests may kill; the directory stays when a test failed, for its journal."""
    root = Path(tempfile.mkdtemp(prefix="copydesk-sim-"))
    with embedded_stack(root / "servers", durable=False) as stack:
        yield stack, root
    if not any(root.glob("*/failed")):
        shutil.rmtree(root, ignore_errors=True)


class Theater:
    """Open a file's desk when first wanted, and another one after a test has failed on it."""

    def __init__(self, stack: Stack, root: Path, module: ModuleType) -> None:
        self._stack = stack
        self._root = root
        self._name = module.__name__.rpartition(".")[2]
        self._script = Script(followers=module.FOLLOWERS, south_age_ms=getattr(module, "SOUTH_AGE_MS", 20_000))
        self._opened = 0
        self._desk: Desk | None = None
        self._open = ExitStack()

    def desk(self) -> Desk:
        if self._desk is None:
            self._opened += 1
            stack = self._fresh_database(f"{self._name}_{self._opened}")
            root = self._root / f"{self._name}-{self._opened}"
            root.mkdir(parents=True)
            self._desk = self._open.enter_context(open_desk(stack, root, self._script))
        return self._desk

    def condemn(self) -> None:
        """Close a desk on which a test failed and keep its files."""
        assert self._desk is not None
        (self._desk.roles.log_dir.parent / "failed").touch()
        self.close()

    def close(self) -> None:
        self._open.close()
        self._desk = None

    def _fresh_database(self, name: str) -> Stack:
        self._stack.heal()
        assert self._stack.postgres is not None
        with psycopg.connect(self._stack.postgres.url(OWNER_ROLE, "postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        with closing(redis.Redis.from_url(self._stack.redis_url)) as client:
            client.flushall()
        owner = self._stack.postgres.url(OWNER_ROLE, name)
        migrate(owner)
        return replace(self._stack, owner_url=owner, database_url=self._stack.postgres.url(APP_ROLE, name))


@pytest.fixture(scope="module")
def theater(servers: tuple[Stack, Path], request: pytest.FixtureRequest) -> Iterator[Theater]:
    stack, root = servers
    opened = Theater(stack, root, request.module)
    yield opened
    opened.close()


@pytest.fixture
def desk(theater: Theater, request: pytest.FixtureRequest) -> Iterator[Desk]:
    """The file's desk: no fault in force, everything calm, every position of the last test closed."""
    opened = theater.desk()
    opened.exchange.heal()
    yield opened
    opened.exchange.heal()
    _HEALED.update(opened.heal_s)
    if request.node.stash.get(_failed, False):
        theater.condemn()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if report.when == "call":
        item.stash[_failed] = report.failed
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how long each fault took to heal."""
    if _HEALED:
        terminalreporter.section("time to heal")
        for what, took_s in _HEALED.items():
            terminalreporter.line(f"{took_s:6.1f} s  {what}")

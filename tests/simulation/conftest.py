"""One PostgreSQL and one Redis for all fault tests; files that want the same script share a desk."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import redis
from copydesk.db.migrate import migrate
from copydesk.stack import APP_ROLE, OWNER_ROLE, Stack, embedded_stack
from copydesk.venues.budgets import begin_anew
from cross_desk import CrossDesk
from cross_stage import CrossScript, open_cross
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
    """Open a desk when first wanted, and another one for another script or after a test has failed."""

    def __init__(self, stack: Stack, root: Path) -> None:
        self._stack = stack
        self._root = root
        self._opened = 0
        self._desk: Desk | CrossDesk | None = None
        self._script: Script | CrossScript = Script()
        self._open = ExitStack()

    def desk(self, script: Script | CrossScript) -> Desk | CrossDesk:
        if self._desk is None or self._script != script:
            self.close()
            self._opened += 1
            stack = self._fresh_database(f"desk_{self._opened}")
            root = self._root / f"desk-{self._opened}"
            root.mkdir(parents=True)
            self._script = script
            opening = open_desk(stack, root, script) if isinstance(script, Script) else open_cross(stack, root)
            self._desk = self._open.enter_context(opening)
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
        begin_anew(self._stack.redis_url)  # The desk's exchange is new too: nobody has used any of its limits.
        owner = self._stack.postgres.url(OWNER_ROLE, name)
        migrate(owner)
        return replace(self._stack, owner_url=owner, database_url=self._stack.postgres.url(APP_ROLE, name))


@pytest.fixture(scope="session")
def theater(servers: tuple[Stack, Path]) -> Iterator[Theater]:
    opened = Theater(*servers)
    yield opened
    opened.close()


@pytest.fixture
def desk(theater: Theater, request: pytest.FixtureRequest) -> Iterator[Desk | CrossDesk]:
    """The desk of the file's `SCRIPT`: no fault in force, every position of the last test closed."""
    opened = theater.desk(getattr(request.module, "SCRIPT", Script()))
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

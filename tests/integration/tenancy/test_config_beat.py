"""Each process tells which configuration it runs, and a directory says what it could not ask."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from copydesk.bootstrap import Runtime
from copydesk.bootstrap.beat import CONFIG_KEY, FRESH_S, ConfigBeat, RunningConfig, running_configs
from copydesk.cli.status import config_finding
from copydesk.db import Database
from copydesk.kernel import Unavailable
from copydesk.tenancy import DatabaseOverrides
from redis import Redis


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as client:
        yield client


def test_a_role_that_looks_tells_its_configuration(shipped_brands: Path, redis: Redis) -> None:
    (shipped_brands / "themes" / "obsidian").mkdir(exist_ok=True)
    runtime = Runtime(role="relay")
    try:
        runtime.directory.refresh()
        (told,) = running_configs(redis)
        assert (told.role, told.hash) == ("relay", runtime.directory.revision_hash)
        assert runtime.directory.overrides_problem() == ""
    finally:
        runtime.close()


def test_a_command_tells_nothing(shipped_brands: Path, redis: Redis) -> None:
    runtime = Runtime()
    runtime.directory.refresh()
    runtime.close()
    assert running_configs(redis) == []


def test_who_fell_silent_is_left_out(redis: Redis) -> None:
    ConfigBeat("web", lambda: redis).tell("abc")
    for role, age_s in (("late", FRESH_S + 1), ("gone", 100)):
        redis.hset(CONFIG_KEY, f"{role}:7", json.dumps({"hash": "old", "at": time.time() - age_s}))
    assert [one.role for one in running_configs(redis)] == ["web"]
    assert {os_name(name) for name in redis.hkeys(CONFIG_KEY)} == {"web", "late"}


def test_nobody_waits_for_a_redis_that_is_away(free_port: int) -> None:
    client = Redis.from_url(f"redis://127.0.0.1:{free_port}", socket_connect_timeout=0.2)
    ConfigBeat("web", lambda: client).tell("abc")


def test_status_says_whether_all_run_the_same() -> None:
    same = [RunningConfig("relay", 1, "abc", 0.1), RunningConfig("web", 2, "abc", 3.0)]
    assert config_finding([]).ok
    assert config_finding(same).said == "all 2 processes run the same configuration abc"
    differs = config_finding([*same, RunningConfig("web", 3, "xyz", 1.0)])
    assert not differs.ok
    assert "web (process 3) runs xyz" in differs.said


def test_a_database_that_is_away_is_named_in_one_line(free_port: int) -> None:
    db = Database.connect(f"postgresql://copydesk_app@127.0.0.1:{free_port}/copydesk")
    for ask in (DatabaseOverrides(lambda: db).heads, lambda: DatabaseOverrides(lambda: db).values(1)):
        with pytest.raises(Unavailable, match="what panels have set is not known: ") as away:
            ask()
        assert "\n" not in str(away.value)
    db.dispose()


def os_name(field: bytes) -> str:
    return field.decode().partition(":")[0]

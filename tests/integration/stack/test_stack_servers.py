"""The embedded servers on real data: durable, private, restartable, plain about what stops them."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
import redis
from copydesk.kernel import ConfigError
from copydesk.stack import OWNER_ROLE, PostgresServer, RedisServer, Stack, VarDir, embedded_stack


@pytest.fixture
def var(tmp_path: Path) -> VarDir:
    directory = VarDir(tmp_path / "var")
    directory.prepare()
    return directory


def ask(url: str, query: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query).fetchone()
    return row[0] if row else None


def do(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


def test_a_second_start_finds_the_data_of_the_first(tmp_path: Path) -> None:
    with embedded_stack(tmp_path / "var") as stack:
        do(stack.owner_url, "CREATE TABLE note (text text); INSERT INTO note VALUES ('kept')")
        with closing(redis.Redis.from_url(stack.redis_url)) as client:
            client.set("note", "kept")
    with embedded_stack(tmp_path / "var") as stack:
        assert ask(stack.owner_url, "SELECT text FROM note") == "kept"
        with closing(redis.Redis.from_url(stack.redis_url)) as client:
            assert client.get("note") == b"kept"


def test_the_servers_promise_durability(tmp_path: Path) -> None:
    with embedded_stack(tmp_path / "var") as stack:
        assert ask(stack.database_url, "SHOW fsync") == "on"
        assert ask(stack.database_url, "SHOW synchronous_commit") == "on"
        assert ask(stack.database_url, "SHOW listen_addresses") == ""
        with closing(redis.Redis.from_url(stack.redis_url)) as client:
            assert client.config_get("appendonly") == {"appendonly": "yes"}


def test_the_application_role_owns_nothing_and_bypasses_nothing(stack: Stack) -> None:
    assert stack.postgres is not None
    query = "SELECT rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
    assert ask(stack.database_url, query) is False
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        do(stack.database_url, "CREATE TABLE mine (id int)")


def test_a_pid_file_whose_number_is_someone_elses_is_removed(var: VarDir) -> None:
    server = PostgresServer(var, durable=False)
    server.start()
    server.stop()
    (var.postgres / "postmaster.pid").write_text(f"{os.getpid()}\n{var.postgres}\n0\n5432\n\n\n0 0\nready   \n")
    server.start()
    server.stop()


def test_a_crashed_postgres_starts_again_with_what_was_committed(var: VarDir) -> None:
    server = PostgresServer(var)
    server.start()
    do(server.owner_url, "CREATE TABLE note (text text); INSERT INTO note VALUES ('kept')")
    server.kill()
    server.start()
    assert ask(server.owner_url, "SELECT text FROM note") == "kept"
    server.stop()


def test_servers_left_by_a_killed_run_make_way_for_the_next(var: VarDir) -> None:
    left = PostgresServer(var, durable=False), RedisServer(var)
    for server in left:
        server.start()
    successor = PostgresServer(var, durable=False), RedisServer(var)
    for server in successor:
        server.start()
    assert [server.alive for server in left] == [False, False]
    assert ask(successor[0].url(OWNER_ROLE), "SELECT 1") == 1
    for server in successor:
        server.stop()


def test_a_crashed_redis_starts_again_over_its_stale_socket(var: VarDir) -> None:
    server = RedisServer(var)
    server.start()
    server.kill()
    server.start()
    assert server.alive
    server.stop()


def test_heal_starts_again_what_has_ended(tmp_path: Path) -> None:
    with embedded_stack(tmp_path / "var", durable=False) as stack:
        assert stack.redis is not None
        stack.redis.kill()
        assert stack.heal() == ["Redis"]
        assert stack.heal() == []


def test_a_data_directory_has_one_holder_at_a_time(tmp_path: Path) -> None:
    named = {"database_url": "postgresql://elsewhere/copydesk", "redis_url": "redis://elsewhere"}
    refused = pytest.raises(ConfigError, match=f"process {os.getpid()}")
    with embedded_stack(tmp_path / "var", **named), refused, embedded_stack(tmp_path / "var", **named):
        pass


def test_named_servers_are_used_and_none_is_started(tmp_path: Path) -> None:
    named = {"database_url": "postgresql://elsewhere/copydesk", "redis_url": "redis://elsewhere"}
    with embedded_stack(tmp_path / "var", **named) as stack:
        assert (stack.postgres, stack.redis) == (None, None)
        assert stack.owner_url == stack.database_url == named["database_url"]
    assert not (tmp_path / "var" / "postgres").exists()


def test_spoiled_data_give_one_line_with_the_servers_own_reason(tmp_path: Path) -> None:
    with embedded_stack(tmp_path / "var", durable=False):
        pass
    (tmp_path / "var" / "postgres" / "PG_VERSION").write_text("9.6\n")
    with pytest.raises(ConfigError) as refusal, embedded_stack(tmp_path / "var"):
        pass
    assert "incompatible" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="choose another --var"), embedded_stack(tmp_path / "file" / "var"):
        pass


def test_a_path_too_deep_for_a_socket_gets_a_short_one(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    with embedded_stack(deep, durable=False) as stack:
        assert ask(stack.database_url, "SELECT 1") == 1
        sockets = stack.var.sockets
    assert not sockets.is_relative_to(deep)

"""The fixtures that every integration test builds on: migrated, bound by row-level security, empty."""

from __future__ import annotations

from contextlib import closing

import psycopg
import redis
from copydesk.db import Database
from copydesk.db.migrate import current_revision, head_revision


def test_a_module_gets_a_database_at_the_newest_revision(owner_url: str) -> None:
    assert current_revision(owner_url) == head_revision()


def test_the_application_connects_with_a_role_that_row_level_security_binds(database_url: str) -> None:
    db = Database.connect(database_url)
    db.require_safe_role()
    db.dispose()


def test_the_applications_role_may_read_what_migrations_made(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM tenant").fetchone() == (0,)


def test_redis_is_empty_at_the_start_of_each_test(redis_url: str) -> None:
    with closing(redis.Redis.from_url(redis_url)) as client:
        assert client.dbsize() == 0
        client.set("left", "behind")


def test_redis_is_empty_again_in_the_next_test(redis_url: str) -> None:
    with closing(redis.Redis.from_url(redis_url)) as client:
        assert client.dbsize() == 0

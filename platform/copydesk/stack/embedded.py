"""Servers for one run: those the operator names, embedded ones for the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from copydesk.stack.paths import VarDir
from copydesk.stack.postgres import PostgresServer
from copydesk.stack.redis import RedisServer

Say = Callable[[str], None]


@dataclass(frozen=True)
class Stack:
    """Addresses of a running stack; `owner_url` is for migrations only and is never given to a role."""

    var: VarDir
    database_url: str
    owner_url: str
    redis_url: str
    postgres: PostgresServer | None = field(default=None, repr=False)
    redis: RedisServer | None = field(default=None, repr=False)

    def heal(self) -> list[str]:
        """Start again each embedded server that has ended; returns their names."""
        healed = []
        for name, server in (("PostgreSQL", self.postgres), ("Redis", self.redis)):
            if server is not None and not server.alive:
                server.start()
                healed.append(name)
        return healed


def _quiet(_line: str) -> None:
    return None


def _unchecked() -> None:
    return None


@contextmanager
def embedded_stack(
    var_dir: Path,
    *,
    database_url: str = "",
    owner_url: str = "",
    redis_url: str = "",
    durable: bool = True,
    say: Say = _quiet,
    preflight: Callable[[], None] = _unchecked,
) -> Iterator[Stack]:
    """Start what no address is given for, under `var_dir`, and stop it at the end.

    One process holds a `var_dir` at a time. With `database_url` but no `owner_url`, migrations run as its user.
    `preflight` runs once the directory is ours and before any server starts; it may refuse by raising.
    Raises ConfigError with one sentence; whatever had been started by then is stopped first.
    """
    var = VarDir(var_dir.resolve())
    var.prepare()
    with ExitStack() as cleanup:
        cleanup.enter_context(var.locked())
        cleanup.callback(var.discard_sockets)
        preflight()
        postgres = None if database_url else PostgresServer(var, durable=durable)
        redis = None if redis_url else RedisServer(var)
        if postgres is not None:
            say(f"starting PostgreSQL on {var.postgres}")
            cleanup.callback(postgres.stop)
            postgres.start()
        if redis is not None:
            say(f"starting Redis on {var.redis}")
            cleanup.callback(redis.stop)
            redis.start()
        yield Stack(
            var=var,
            database_url=postgres.url() if postgres else database_url,
            owner_url=postgres.owner_url if postgres else owner_url or database_url,
            redis_url=redis.url if redis else redis_url,
            postgres=postgres,
            redis=redis,
        )

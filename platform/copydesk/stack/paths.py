"""Where the embedded stack keeps its data, logs and sockets, and the lock that makes it one owner's."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from copydesk.kernel import ConfigError

# A Unix socket's path holds 107 bytes on Linux and 103 on macOS (unix(7)); our longest name takes 20 of them.
_SOCKET_DIR_BYTES_MAX = 80


@dataclass(frozen=True)
class VarDir:
    """Name every place under one data directory."""

    root: Path

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def redis(self) -> Path:
        return self.root / "redis"

    @property
    def log(self) -> Path:
        return self.root / "log"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def sockets(self) -> Path:
        """Return `run`, or a directory of our own under the temporary one where `run` is too deep for a socket."""
        if len(os.fsencode(self.run)) <= _SOCKET_DIR_BYTES_MAX:
            return self.run
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"copydesk-{os.geteuid()}-{digest}"

    def prepare(self) -> None:
        """Create the directories; one sentence where this user may not."""
        try:
            for path in (self.root, self.log, self.run):
                path.mkdir(parents=True, exist_ok=True)
            self.sockets.mkdir(mode=0o711, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"cannot create {error.filename}: {error.strerror}; choose another --var") from error
        if self.sockets.stat().st_uid != os.geteuid():
            raise ConfigError(f"{self.sockets} belongs to another user; remove it or choose a shorter --var")

    def discard_sockets(self) -> None:
        """Remove the sockets' directory where it is not under the data directory."""
        if self.sockets != self.run:
            shutil.rmtree(self.sockets, ignore_errors=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the directory for this process; the kernel frees it when the process ends, however it ends."""
        with (self.run / "stack.lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                holder = lock.read().strip() or "unknown"
                raise ConfigError(
                    f"copydesk already runs on {self.root} (process {holder}); stop it or choose another --var"
                ) from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield

"""Starting, watching and stopping child processes so that none outlives us."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from copydesk.kernel import ConfigError

_LOG_BYTES_MAX = 10_000_000


def leash(signal_name: str) -> list[str]:
    """Return the command prefix that makes the kernel signal a child when we die, even by SIGKILL.

    Uses `setpriv` of util-linux; elsewhere there is no such prefix and only an orderly end stops children.
    The kernel watches the thread that starts the child (prctl(2), PR_SET_PDEATHSIG), so start from a lasting one.
    """
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    return [setpriv, f"--pdeathsig={signal_name}"] if setpriv else []


def rotate(log: Path) -> None:
    """Move a long log aside, once, before it is appended to."""
    if log.exists() and log.stat().st_size > _LOG_BYTES_MAX:
        log.replace(log.with_name(log.name + ".1"))


def spawn(command: Sequence[str], log: Path, *, env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start a command in its own session, so that a terminal's Ctrl-C reaches only us; output goes to `log`."""
    rotate(log)
    with log.open("ab") as output:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=env, cwd="/", start_new_session=True
        )


def stop(process: subprocess.Popen[bytes], *, first: signal.Signals = signal.SIGTERM, patience_s: float = 15) -> None:
    """End a process: ask, wait, then kill it with its whole process group."""
    if process.poll() is not None:
        return
    process.send_signal(first)
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until(condition: Callable[[], bool], *, patience_s: float, poll_s: float = 0.01) -> bool:
    """Poll a condition until it holds; False where it did not in time."""
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(poll_s)
    return True


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Tell whether nobody listens there now; OSError where we could not listen for another reason."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return False
    return True


def port_answers(port: int, host: str = "127.0.0.1") -> bool:
    """Tell whether a server accepts connections there."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def require_free_port(port: int, option: str, host: str = "127.0.0.1") -> None:
    """Refuse a port that something else holds or that we may not have, naming the option that changes it."""
    try:
        free = port_is_free(port, host)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigError(f"cannot listen on {host} port {port}: {reason}; choose another with {option}") from error
    if not free:
        raise ConfigError(f"port {port} on {host} is in use; stop what holds it or choose another with {option}")


@dataclass
class Daemon:
    """A running server: its process, its name for messages, and where in its log this run began."""

    process: subprocess.Popen[bytes]
    name: str
    log: Path
    log_start: int

    @classmethod
    def start(cls, name: str, command: Sequence[str], log: Path) -> Daemon:
        """Start a server's command, remembering where its log stands."""
        rotate(log)
        log_start = log.stat().st_size if log.exists() else 0
        return cls(spawn(command, log), name, log, log_start)

    def wait_ready(self, ready: Callable[[], bool], *, patience_s: float = 30) -> None:
        """Wait for the server; where it ended or stays mute, stop it and quote its own last complaint."""
        if wait_until(lambda: self.process.poll() is not None or ready(), patience_s=patience_s) and self.alive:
            return
        why = "ended" if not self.alive else f"did not answer within {patience_s:.0f} s"
        self.stop()
        raise ConfigError(f"{self.name} {why}: {self.complaint()} (see {self.log})")

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def stop(self, first: signal.Signals = signal.SIGTERM) -> None:
        stop(self.process, first=first)

    def complaint(self) -> str:
        """Return the line of this run's log that says what went wrong, as well as we can tell."""
        with self.log.open("rb") as log:
            log.seek(self.log_start)
            lines = [line.strip() for line in log.read().decode(errors="replace").splitlines() if line.strip()]
        loud = [
            line for line in lines if any(word in line for word in ("FATAL", "PANIC", "rror", "Can't", "Could not"))
        ]
        return (loud or lines or ["it said nothing"])[-1]

"""The desk's roles as processes that faults may kill and freeze, and that a keeper starts again at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from copydesk.stack import ROLES, RoleOptions, spawn, stop
from copydesk.stack.process import leash

# The second replicator takes over at once what the first one leaves; the roles are otherwise those of one machine.
KEPT = ("listener", "replicator", "replicator-2", "relay")
_LOOK_S = 0.02
# A role that cannot live is not started more often than this.
_SHORT_LIFE_S = 0.5


class Roles:
    """Start the roles, and start again whichever ends; by process id, never by name."""

    def __init__(self, options: RoleOptions, environment: Mapping[str, str], log_dir: Path) -> None:
        self._options = options
        self._environment = dict(environment)
        self._log_dir = log_dir
        self._lock = threading.Lock()
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._started: dict[str, float] = {}
        self._ended = threading.Event()
        self._begun = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self.restarts = 0

    def start(self) -> None:
        """Start every role, and keep them."""
        self._keeper.start()
        self._begun.wait()

    def kill(self, name: str) -> None:
        """End a role as a power cut would."""
        self._signal(name, signal.SIGKILL)

    def freeze(self, name: str) -> None:
        """Stop a role in its tracks."""
        self._signal(name, signal.SIGSTOP)

    def thaw_all(self) -> None:
        """Let every role go on that stands still, by whoever it was stopped."""
        for name in KEPT:
            self._signal(name, signal.SIGCONT)

    def pid(self, name: str) -> int:
        """Return the number of the process that is the role now."""
        with self._lock:
            return self._running[name].pid

    def stop(self) -> None:
        """End every role and keep none."""
        self._ended.set()
        self._keeper.join()
        for process in self._running.values():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in self._running.values():
            stop(process, patience_s=5)

    def _signal(self, name: str, number: signal.Signals) -> None:
        with self._lock, suppress(ProcessLookupError):
            process = self._running[name]
            if process.poll() is None:
                os.kill(process.pid, number)

    def _keep(self) -> None:
        """Start what is missing until the end of the run: the kernel ends children with the thread that made them."""
        for name in KEPT:
            self._start(name)
        self._begun.set()
        while not self._ended.wait(_LOOK_S):
            for name in KEPT:
                rested = time.monotonic() - self._started[name] > _SHORT_LIFE_S
                if rested and self._running[name].poll() is not None:
                    self.restarts += 1
                    self._start(name)

    def _start(self, name: str) -> None:
        role = next(role for role in ROLES if role.name == name.partition("-")[0])
        with self._lock:
            command = [*leash("KILL"), *role.argv(self._options)]
            self._started[name] = time.monotonic()
            self._running[name] = spawn(command, self._log_dir / f"{name}.log", env=self._environment)


def lab_command(lab_dir: Path, seed: int) -> list[str]:
    """Return the command of a lab on free ports, held still and deep enough for every follower."""
    ports = [part for kind in ("rest", "ws", "control") for part in (f"--{kind}-port", "0")]
    places = ["--data-dir", str(lab_dir), "--token-file", str(lab_dir / "token")]
    return [*leash("KILL"), sys.executable, "-m", "copydesk.venues.lab", *ports, "--seed", str(seed), *places]

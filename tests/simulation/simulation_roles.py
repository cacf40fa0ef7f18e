"""The desk's roles as processes of our own: started, killed and frozen by process id, never by name."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from copydesk.stack import ROLES, RoleOptions, spawn, stop, wait_until


@dataclass
class RoleBook:
    """Hold every process of one desk. A second replicator has a name of its own, such as "replicator-2"."""

    options: RoleOptions
    environment: Mapping[str, str]
    log_dir: Path
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, *, dies_at: str = "") -> None:
        """Start a role under a name, perhaps with a failpoint; the kernel ends it should this test process die."""
        role = next(role for role in ROLES if role.name == name.partition("-")[0])
        self.launch(name, role.argv(self.options), {"COPYDESK_FAILPOINT": dies_at} if dies_at else {})

    def launch(self, name: str, command: list[str], more: Mapping[str, str] = MappingProxyType({})) -> None:
        """Start a command under a name, with the environment of all roles and `more`."""
        assert name not in self._running, f"{name} runs already"
        setpriv = shutil.which("setpriv")
        leash = [setpriv, "--pdeathsig=KILL"] if setpriv else []
        self._running[name] = spawn([*leash, *command], self.log(name), env={**self.environment, **more})

    def kill(self, name: str) -> None:
        """End a process as a power cut would."""
        process = self._running.pop(name)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

    def freeze(self, name: str) -> None:
        """Stop a process in its tracks, and return once it really stands still."""
        process = self._running[name]
        os.kill(process.pid, signal.SIGSTOP)
        stands = Path(f"/proc/{process.pid}/stat")
        assert wait_until(lambda: stands.read_text().rpartition(")")[2].split()[0] == "T", patience_s=5)

    def thaw(self, name: str) -> None:
        os.kill(self._running[name].pid, signal.SIGCONT)

    def pid(self, name: str) -> int:
        return self._running[name].pid

    def await_end(self, name: str) -> None:
        """Wait until a process has ended by itself, and forget it."""
        assert wait_until(lambda: name in self.ended(), patience_s=30, poll_s=0.02), self.tail(name)
        self.stop(name)

    def ended(self) -> list[str]:
        """Return the names of processes that ended by themselves."""
        return [name for name, process in self._running.items() if process.poll() is not None]

    def stop(self, name: str) -> None:
        stop(self._running.pop(name), patience_s=5)

    def stop_all(self) -> None:
        """End everything: asked together, so that the slowest decides how long it takes."""
        for process in self._running.values():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for name in list(self._running):
            self.stop(name)

    def tail(self, name: str) -> str:
        """Return the last lines of a process's log, for a failure's sake."""
        return "".join(self.log(name).read_text(errors="replace").splitlines(keepends=True)[-60:])

    def log(self, name: str) -> Path:
        return self.log_dir / f"{name}.log"

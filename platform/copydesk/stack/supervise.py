"""One supervised process per role: starts them, restarts what falls, leaves none behind.

The work is done by `supervisor`, whose configuration file we generate; this module starts and ends its
daemon and reads process states over its Unix socket. No secret enters the file: roles inherit the environment.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from xmlrpc.client import Fault, ServerProxy

from copydesk.kernel import ConfigError
from copydesk.stack.paths import VarDir
from copydesk.stack.process import leash, port_answers, spawn, stop, wait_until
from copydesk.stack.roles import Role, RoleOptions

# Restarts wait one second longer each time, up to this many seconds.
_RESTARTS_MAX = 30
_LOG_SIZE_MAX = "10MB"
_LOGS_KEPT = 3
# A machine that is busy with other work still gets there.
_READY_PATIENCE_S = 120
_STOP_PATIENCE_S = 10


@dataclass(frozen=True)
class RoleState:
    """What supervisor says of one role; `state` is one of its words (STARTING, RUNNING, BACKOFF, FATAL …)."""

    name: str
    state: str
    pid: int


class Supervisor:
    """Own the processes of the chosen roles for one run."""

    def __init__(self, var: VarDir, roles: Sequence[Role], options: RoleOptions) -> None:
        self._var = var
        self._roles = tuple(roles)
        self._options = options
        self._socket = var.sockets / "roles.sock"
        self._process: subprocess.Popen[bytes] | None = None
        self._pids: dict[str, int] = {}

    def start(self, env: Mapping[str, str]) -> None:
        """Start every role with this environment and wait until all run and serve.

        Raises ConfigError with the role's own last words where one does not stay up; then nothing runs.
        """
        config = self._var.run / "roles.conf"
        config.write_text(self.config_text())
        command = [*leash("TERM"), sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(config)]
        self._process = spawn(command, self._var.log / "supervisord.out", env=dict(env))
        failed: list[str] = []

        def settled() -> bool:
            failed[:] = [role.name for role in self.states() if role.state in {"BACKOFF", "FATAL", "EXITED"}]
            return not self.alive or bool(failed) or self._all_ready()

        in_time = wait_until(settled, patience_s=_READY_PATIENCE_S, poll_s=0.1)
        if failed or not in_time or not self.alive:
            running = {role.name for role in self.states() if role.state == "RUNNING"}
            slow = [role.name for role in self._roles if role.name not in running or not self._serves(role)]
            told = self._why(failed, slow if self.alive else [])
            self.stop()
            raise ConfigError(told)
        self._pids = {role.name: role.pid for role in self.states()}

    def stop(self) -> None:
        """End every role and the daemon; roles get SIGTERM, and SIGKILL with all their children when they linger."""
        if self._process is not None:
            stop(self._process, patience_s=_STOP_PATIENCE_S + 5)
            self._process = None

    def kill(self, name: str) -> None:
        """End a role as a power cut would, and leave it ended; only fault tests and measurements want this."""
        pid = next(state.pid for state in self.states() if state.name == name)
        os.kill(pid, signal.SIGSTOP)  # It must not get to end in order, as whoever lets go of it asks it to.
        self._call("stopProcess", f"roles:{name}", False)
        os.kill(pid, signal.SIGKILL)

    def start_again(self, name: str) -> None:
        """Start a role that was ended, and return once it runs."""
        wait_until(lambda: any(one.name == name and one.state == "STOPPED" for one in self.states()), patience_s=5)
        self._call("startProcess", f"roles:{name}", True)

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def states(self) -> list[RoleState]:
        """Ask supervisor for the state of every role; empty while it does not answer."""
        found = self._call("getAllProcessInfo")
        return [RoleState(info["name"], info["statename"], info["pid"]) for info in found or []]

    def watch(self) -> list[str]:
        """Return one line for each role that was restarted since the last call; revives what supervisor gave up."""
        lines = []
        for role in self.states():
            if role.state == "FATAL":
                self._call("startProcess", f"roles:{role.name}", False)
            if role.state == "RUNNING" and role.pid != self._pids.get(role.name):
                lines.append(f"{role.name} ended and was started again (see {self._log(role.name)})")
                self._pids[role.name] = role.pid
        return lines

    def config_text(self) -> str:
        """Write supervisor's configuration for the chosen roles."""
        sections: dict[str, dict[str, object]] = {
            "unix_http_server": {"file": self._socket, "chmod": "0700"},
            "supervisord": {
                "logfile": self._var.log / "supervisord.log",
                "logfile_maxbytes": _LOG_SIZE_MAX,
                "logfile_backups": _LOGS_KEPT,
                "pidfile": self._var.run / "supervisord.pid",
            },
            "rpcinterface:supervisor": {
                "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
            },
            "group:roles": {"programs": ",".join(role.name for role in self._roles)},
        }
        if os.geteuid() == 0:
            sections["supervisord"]["user"] = "root"
        for role in self._roles:
            sections[f"program:{role.name}"] = self._program(role)
        return "".join(
            f"[{name}]\n"
            + "".join(f"{key} = {str(value).replace('%', '%%')}\n" for key, value in values.items())
            + "\n"
            for name, values in sections.items()
        )

    def _program(self, role: Role) -> dict[str, object]:
        return {
            "command": shlex.join([*leash("TERM"), *role.argv(self._options)]),
            "directory": self._options.root,
            "autorestart": "true",
            "startsecs": 1,
            "startretries": _RESTARTS_MAX,
            "stopsignal": "TERM",
            "stopwaitsecs": _STOP_PATIENCE_S,
            "stopasgroup": "true",
            "killasgroup": "true",
            "redirect_stderr": "true",
            "stdout_logfile": self._log(role.name),
            "stdout_logfile_maxbytes": _LOG_SIZE_MAX,
            "stdout_logfile_backups": _LOGS_KEPT,
        }

    def _all_ready(self) -> bool:
        states = self.states()
        running = len(states) >= len(self._roles) and all(role.state == "RUNNING" for role in states)
        return running and all(self._serves(role) for role in self._roles)

    def _serves(self, role: Role) -> bool:
        return all(port_answers(getattr(self._options, name), role.host(self._options)) for name, _ in role.ports)

    def _call(self, method: str, *arguments: object) -> Any:
        from supervisor.xmlrpc import SupervisorTransport  # type: ignore[import-untyped]

        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        try:
            # The address is unused: the transport speaks to the socket.
            with ServerProxy("http://localhost", transport=transport) as proxy:
                return getattr(cast(Any, proxy).supervisor, method)(*arguments)
        except (OSError, Fault):
            return None
        finally:
            transport.close()

    def _log(self, role: str) -> Path:
        return self._var.log / f"{role}.log"

    def _why(self, failed: list[str], slow: list[str]) -> str:
        names = failed or slow
        if not names:
            return f"the supervisor of the roles did not start (see {self._var.log / 'supervisord.out'})"
        log = self._log(names[0])
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()] if log.exists() else []
        trouble = "did not stay up" if failed else f"is not ready after {_READY_PATIENCE_S} seconds"
        return f"{names[0]} {trouble}: {lines[-1] if lines else 'it said nothing'} (see {log})"

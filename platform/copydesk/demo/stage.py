"""Put the demo on stage: servers, roles, lab, seeded brands the traders' program; stopped at the end."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from copydesk.bootstrap import Runtime
from copydesk.db.migrate import migrate
from copydesk.demo.cast import TRADERS, trader_account
from copydesk.demo.lab_control import LabControl
from copydesk.demo.scene import Scene, play
from copydesk.demo.seed import seed_demo
from copydesk.kernel import Unavailable
from copydesk.stack import (
    ROLES,
    Role,
    RoleOptions,
    Stack,
    Supervisor,
    embedded_stack,
    lab_token,
    require_free_ports,
    role_environment,
    spawn,
    stop,
    wait_until,
)
from copydesk.venues.budgets import begin_anew

Say = Callable[[str], None]
_WATCH_S = 60.0


@dataclass(frozen=True)
class Script:
    """How a performance goes: market time per wall time, seconds between a spot trader's orders, followers per brand.

    `seed` decides the lab's prices and what the traders do.
    """

    speed: float = 60.0
    pace_s: float = 4.0
    followers: int = 50
    seed: int = 7


@dataclass(frozen=True)
class Stage:
    """A demo that is running. `traders` is the process that places the leaders' orders, `control` the lab's address."""

    stack: Stack
    supervisor: Supervisor
    runtime: Runtime
    traders: subprocess.Popen[bytes]
    lab_dir: Path
    control: str

    def perform(self, scene: Scene, *, patience_s: float, say: Say) -> None:
        """Let prices move against a follower with a stop of its own, once it holds enough or is waited for no more."""
        with LabControl(self.control, lab_token(self.lab_dir)) as lab:
            play(lab, scene, patience_s=patience_s, say=say)


def demo_roles(script: Script) -> tuple[Role, ...]:
    """Return every role, the lab with the script's speed."""
    lab = next(role for role in ROLES if role.name == "lab")
    fast = Role("lab", (*lab.command, "--speed", str(script.speed), "--seed", str(script.seed)), ports=lab.ports)
    return (fast, *(role for role in ROLES if role.name != "lab"))


@contextmanager
def staged(options: RoleOptions, environ: Mapping[str, str], script: Script, say: Say) -> Iterator[Stage]:
    """Run the whole demo for as long as the block lasts."""
    roles = demo_roles(script)
    preflight = partial(require_free_ports, roles, options)
    with embedded_stack(
        options.var_dir,
        database_url=environ.get("DATABASE_URL", ""),
        owner_url=environ.get("DATABASE_OWNER_URL", ""),
        redis_url=environ.get("REDIS_URL", ""),
        say=say,
        preflight=preflight,
    ) as stack:
        lab_dir = options.var_dir / "lab"
        token = lab_token(lab_dir)
        if not environ.get("REDIS_URL"):
            begin_anew(stack.redis_url)
        say(f"database is at revision {migrate(stack.owner_url)}")
        environment = role_environment(environ, stack, options)
        supervisor = Supervisor(stack.var, roles, options)
        runtime = Runtime(environment)
        try:
            say(f"starting {', '.join(role.name for role in roles)}")
            supervisor.start(environment)
            seats = options.var_dir / "demo" / "traders.json"
            with LabControl(environment["COPYDESK_LAB_CONTROL"], token) as lab:
                seed_demo(runtime, lab, seats, say, followers=script.followers)
                _await_watch(lab)
            traders = _spawn_traders(stack, environment, seats, script)
            try:
                yield Stage(stack, supervisor, runtime, traders, lab_dir, environment["COPYDESK_LAB_CONTROL"])
            finally:
                stop(traders)
        finally:
            runtime.close()
            supervisor.stop()


def _await_watch(lab: LabControl) -> None:
    """Wait until the desk listens to every trader's account; raises Unavailable when it does not come to that."""
    deaf = [trader_account(slug, trader) for slug, cast in TRADERS.items() for trader in cast]

    def heard() -> bool:
        deaf[:] = [account for account in deaf if not lab.view(account)["streams"]]
        return not deaf

    if not wait_until(heard, patience_s=_WATCH_S, poll_s=0.2):
        raise Unavailable(f"within {_WATCH_S:.0f} s nobody listens to {', '.join(deaf)}; see var/log/listener.log")


def _spawn_traders(
    stack: Stack, environment: Mapping[str, str], seats: Path, script: Script
) -> subprocess.Popen[bytes]:
    """Start the traders' program with nothing of the platform in its environment."""
    command = [
        sys.executable,
        "-m",
        "copydesk.demo",
        str(seats),
        "--pace",
        str(script.pace_s),
        "--seed",
        str(script.seed),
    ]
    command += ["--rest", environment["COPYDESK_LAB_REST"], "--stream", environment["COPYDESK_LAB_STREAM"]]
    bare = {"PATH": environment.get("PATH", ""), "PYTHONUNBUFFERED": "1"}
    return spawn(command, stack.var.log / "traders.log", env=bare)

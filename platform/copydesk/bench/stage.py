"""The stage of a measurement: servers, the lab and the roles as processes of their own, on settings of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from redis import Redis
from rq import Queue, Worker

from copydesk.bench.crowd import LEADER, seed
from copydesk.bench.installation import Settings, raise_file_limit, write_installation
from copydesk.bench.leader import Leader, open_leader
from copydesk.bench.load import LIGHT, PX, Load, Plan
from copydesk.bench.plain import Follower, Way
from copydesk.bootstrap import Runtime
from copydesk.db.migrate import migrate
from copydesk.demo.lab_control import LabControl
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
from copydesk.stack.process import leash, port_answers
from copydesk.venues.budgets import begin_anew
from copydesk.venues.lab import open_authority

Say = Callable[[str], None]
HOST = "127.0.0.1"
_ROLES = ("listener", "replicator", "relay")
_QUEUE = "replicate"
_READY_S = 90
# A replicator opens its followers' keys before it serves, at least so many in a second.
_OPENED_PER_S = 100
_DEPTH_MAX = 1_000
_DEPTH_FOR = 20


@dataclass(frozen=True)
class Bench:
    """A running stage with everybody subscribed. `way` is how plain clients reach the same lab."""

    load: Load
    runtime: Runtime
    supervisor: Supervisor
    stack: Stack
    options: RoleOptions
    environment: dict[str, str]
    lab: LabControl
    leader: Leader
    crowd: list[Follower]
    way: Way

    def pid(self, role: str) -> int:
        """Return the process of a role."""
        return next(state.pid for state in self.supervisor.states() if state.name == role)

    def await_replicators(self, count: int) -> None:
        """Wait until so many replicators have opened their keys and connections, and serve."""
        with Redis.from_url(self.stack.redis_url) as redis:
            queue = Queue(_QUEUE, connection=redis)
            patience_s = _READY_S + self.load.followers // _OPENED_PER_S
            if not wait_until(lambda: len(Worker.all(queue=queue)) == count, patience_s=patience_s, poll_s=0.1):
                raise Unavailable(f"{count} replicators are not ready within {patience_s} s; see log/replicator.log")


@contextmanager
def staged(
    plan: Plan, options: RoleOptions, environ: Mapping[str, str], say: Say, *, settings: Settings | None = None
) -> Iterator[Bench]:
    """Run a stage for as long as the block lasts; `settings` go over those of the installation in `options.root`.

    Roles start when everybody has subscribed, so they are warm as after any restart of a desk.
    """
    raise_file_limit()
    # No site runs here: the port of its live events is the lab's under TLS.
    roles = _roles(plan, options.live_port)
    with ExitStack() as cleanup:
        preflight = partial(require_free_ports, roles, options)
        stack = cleanup.enter_context(embedded_stack(options.var_dir, say=say, preflight=preflight))
        own = replace(options, root=write_installation(options, plan.load, settings or {}))
        lab_dir = options.var_dir / "lab"
        token = lab_token(lab_dir)
        migrate(stack.owner_url)
        begin_anew(stack.redis_url)
        plainly = role_environment(environ, stack, own)
        environment = plainly | (_secured(lab_dir, options.live_port) if plan.tls else {})
        cleanup.callback(stop, _start_lab(roles[0], own, stack, environment))
        lab = cleanup.enter_context(LabControl(environment["COPYDESK_LAB_CONTROL"], token))
        _still(lab, plan.load)
        runtime = Runtime(environment)
        cleanup.callback(runtime.close)
        say(f"opening {plan.load.followers} follower accounts")
        key, crowd = seed(runtime, lab, plan.load, say)
        supervisor = Supervisor(stack.var, roles[1:], own)
        cleanup.callback(supervisor.stop)
        supervisor.start(environment)
        way = Way(
            environment["COPYDESK_LAB_REST"],
            environment["COPYDESK_LAB_STREAM"],
            token,
            plan.load.market,
            environment["SSL_CERT_FILE"] if plan.tls else "",
        )
        leader = open_leader(plan.load, key, plainly["COPYDESK_LAB_REST"], plainly["COPYDESK_LAB_STREAM"])
        bench = Bench(plan.load, runtime, supervisor, stack, own, environment, lab, leader, crowd, way)
        bench.await_replicators(1)
        _await_listener(bench)
        yield bench


def _roles(plan: Plan, tls_port: int) -> tuple[Role, ...]:
    """Return the roles that run, first the lab in its mode."""
    words = (*(("--light",) if plan.engine == LIGHT else ()), *(("--tls-port", str(tls_port)) if plan.tls else ()))
    lab = next(role for role in ROLES if role.name == "lab")
    return (replace(lab, command=(*lab.command, *words)), *(role for role in ROLES if role.name in _ROLES))


def _start_lab(role: Role, options: RoleOptions, stack: Stack, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    log = stack.var.log / "lab.log"
    process = spawn([*leash("KILL"), *role.argv(options)], log, env=environment)
    ports = [getattr(options, name) for name, _ in role.ports]
    done = wait_until(
        lambda: process.poll() is not None or all(map(port_answers, ports)), patience_s=_READY_S, poll_s=0.1
    )
    if not done or process.poll() is not None:
        stop(process)
        raise Unavailable(f"the lab does not start: {log.read_text().strip().rpartition(chr(10))[2]}")
    return process


def _await_listener(bench: Bench) -> None:
    if not wait_until(lambda: bool(bench.lab.view(f"{LEADER}:0")["streams"]), patience_s=_READY_S, poll_s=0.1):
        raise Unavailable("nobody listens to the leader; see log/listener.log")


def _secured(lab_dir: Path, port: int) -> dict[str, str]:
    """Return the environment that leads roles to the lab's TLS port, and has them trust its authority alone."""
    authority = open_authority(lab_dir)
    return {
        "COPYDESK_LAB_REST": f"https://{HOST}:{port}",
        "COPYDESK_LAB_STREAM": f"wss://{HOST}:{port}",
        "SSL_CERT_FILE": str(authority.ca_file),
    }


def _still(lab: LabControl, load: Load) -> None:
    """Hold all prices, one of them at a round figure, and have the house quote enough for everybody."""
    lab.call("POST", "speed", {"speed": 0})
    lab.call("POST", "marks", {"symbol": "BTCUSDT", "px": str(PX)})
    lab.call("POST", "depth", {"factor": str(min(max(load.followers // _DEPTH_FOR, 1), _DEPTH_MAX))})

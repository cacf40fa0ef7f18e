"""Whether the running installation serves a brand: asks its own sites as a browser would, until they do."""

from __future__ import annotations

import json
from collections.abc import Callable
from configparser import RawConfigParser
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException

from redis.exceptions import RedisError

from copydesk.bootstrap import Runtime
from copydesk.bootstrap.beat import RunningConfig, running_configs
from copydesk.cli import show
from copydesk.cli.surroundings import ports_of
from copydesk.cli.tenant_ground import is_embedded, register, servers_answer
from copydesk.stack import VarDir, wait_until
from copydesk.tenancy import Tenant
from copydesk.tenancy.model import TenantStatus

PATIENCE_S = 10.0
_ASK_S = 4.0
_AGAIN_S = 0.1
# Every process of the sites looks for itself: one answer would only tell of one of them.
_IN_A_ROW = 4
_NOBODY = 0


@dataclass(frozen=True)
class Door:
    """Where the sites listen."""

    host: str
    port: int

    def address(self, host: str) -> str:
        """Return a brand's address as it is typed into a browser on this machine."""
        return f"http://{host}:{self.port}/"

    def status(self, host: str) -> int:
        """Return the status of a brand's first page, 0 where nobody listens."""
        return self._asked(host, "/")[0]

    def configured(self, host: str) -> str:
        """Return the hash of the configuration that a process of the sites has for a host; nothing for no brand's."""
        status, body = self._asked(host, "/health")
        try:
            told = json.loads(body) if status else {}
        except ValueError:
            return ""
        return str(told.get("config", "")) if isinstance(told, dict) else ""

    def _asked(self, host: str, path: str) -> tuple[int, bytes]:
        connection = HTTPConnection(self.host, self.port, timeout=_ASK_S)
        try:
            connection.request("GET", path, headers={"Host": f"{host}:{self.port}", "Connection": "close"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, HTTPException):
            return _NOBODY, b""
        finally:
            connection.close()


@dataclass(frozen=True)
class Arrival:
    """How far a brand has come: its addresses, whether sites run at all, whether they serve it, and words for it."""

    urls: tuple[str, ...]
    running: bool
    served: bool
    lines: tuple[str, ...]


def find_door(runtime: Runtime, port: int | None = None) -> Door:
    """Return where the sites of this installation should be: as told, as `copydesk up` wrote down, or as usual."""
    if port is not None:
        return Door("127.0.0.1", port)
    config = RawConfigParser()
    config.read(VarDir(runtime.places.var).run / "roles.conf")
    line = config.get("program:web", "command", fallback="")
    words, ports = line.split(), ports_of(line)
    host = words[words.index("--host") + 1] if "--host" in words[:-1] else "127.0.0.1"
    local = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - nothing is bound here
    return Door(local, int(ports[0]) if ports else 8000)


def arrive(runtime: Runtime, tenant: Tenant, port: int | None, *, dry_run: bool = False) -> Arrival:
    """Register a brand where the servers are up, and wait until the running sites serve it as it is configured."""
    reason = servers_answer(runtime)
    if not reason and not dry_run:
        register(runtime, tenant)
    door = find_door(runtime, port)
    urls = tuple(map(door.address, tenant.hosts))
    if reason or door.status("localhost") == _NOBODY:
        why = f" ({reason})" if reason and not is_embedded(runtime) else ""
        said = f"the installation is not running{why}: the brand is served from its start on"
        return Arrival(urls, False, False, (said,))
    host = tenant.hosts[0]
    with show.progress(f"waiting until the sites serve {host}"):
        served = _in_a_row(lambda: door.configured(host) == tenant.revision_hash) and _shows(door, tenant)
    if not served:
        said = f"within {PATIENCE_S:.0f} s the sites do not serve {host} as configured: see `copydesk status`"
        return Arrival(urls, True, False, (said,))
    return Arrival(urls, True, True, tuple(f"served at {url}" for url in urls))


def await_others(runtime: Runtime) -> list[RunningConfig]:
    """Wait until every process that tells its configuration runs this one; return who does not in time."""
    wanted = runtime.directory.revision_hash
    others: list[RunningConfig] = []

    def agreed() -> bool:
        with suppress(RedisError):
            others[:] = [one for one in running_configs(runtime.redis) if one.hash != wanted]
        return not others

    wait_until(agreed, patience_s=PATIENCE_S, poll_s=_AGAIN_S)
    return others


def await_farewell(runtime: Runtime, host: str, port: int | None) -> bool:
    """Wait until no process of the sites serves a host any more."""
    door = find_door(runtime, port)
    return _in_a_row(lambda: not door.configured(host))


def _shows(door: Door, tenant: Tenant) -> bool:
    """Tell whether a brand's first page is there; that of a suspended one says so instead."""
    return door.status(tenant.hosts[0]) == (503 if tenant.status is TenantStatus.SUSPENDED else 200)


def _in_a_row(holds: Callable[[], bool]) -> bool:
    row = 0

    def settled() -> bool:
        nonlocal row
        row = row + 1 if holds() else 0
        return row >= _IN_A_ROW

    return wait_until(settled, patience_s=PATIENCE_S, poll_s=_AGAIN_S)

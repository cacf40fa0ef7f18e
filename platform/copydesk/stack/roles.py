"""The roles of an installation, as data: what each runs, and which ports it serves."""

from __future__ import annotations

import secrets
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from copydesk.kernel import ConfigError
from copydesk.stack.embedded import Stack
from copydesk.stack.process import require_free_port

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class RoleOptions:
    """What the operator chose for this run; roles work in `root`, where tenants/, themes/ and config/ lie."""

    root: Path
    var_dir: Path
    host: str = LOOPBACK
    port: int = 8000
    live_port: int = 8001
    lab_port: int = 8010
    lab_ws_port: int = 8011
    lab_control_port: int = 8012

    def names(self) -> dict[str, str]:
        """Return the words that a role's command may refer to."""
        return {name: str(getattr(self, name)) for name in self.__dataclass_fields__}


@dataclass(frozen=True)
class Role:
    """One long-running process: `command` in terms of `RoleOptions`, `ports` as (option field, flag) pairs.

    A `local` role listens on loopback whatever host the sites are on.
    """

    name: str
    command: tuple[str, ...]
    ports: tuple[tuple[str, str], ...] = ()
    wanted: bool = True
    local: bool = False

    def host(self, options: RoleOptions) -> str:
        """Return the address that the role's ports are on."""
        return LOOPBACK if self.local else options.host

    def argv(self, options: RoleOptions) -> list[str]:
        """Fill in the command for this run."""
        names = options.names() | {"python": sys.executable, "copydesk": str(_console_script())}
        return [word.format(**names) for word in self.command]


_SERVE = ("--host", "{host}", "--port")
ROLES = (
    Role(
        "lab",
        (
            *("{python}", "-m", "copydesk.venues.lab", "--rest-port", "{lab_port}", "--ws-port", "{lab_ws_port}"),
            *("--control-port", "{lab_control_port}"),
            *("--data-dir", "{var_dir}/lab", "--token-file", "{var_dir}/lab/token"),
        ),
        ports=(
            ("lab_port", "--lab-port"),
            ("lab_ws_port", "--lab-ws-port"),
            ("lab_control_port", "--lab-control-port"),
        ),
        wanted=False,
        local=True,
    ),
    Role("web", ("{copydesk}", "web", *_SERVE, "{port}", "--live-port", "{live_port}"), ports=(("port", "--port"),)),
    Role("live", ("{copydesk}", "live", *_SERVE, "{live_port}"), ports=(("live_port", "--live-port"),)),
    Role("listener", ("{copydesk}", "listen")),
    Role("replicator", ("{copydesk}", "work", "replicate")),
    Role("relay", ("{copydesk}", "relay")),
    Role("risk", ("{copydesk}", "risk")),
    Role("worker", ("{copydesk}", "work", "default", "--port", "{port}")),
)


def select_roles(only: Sequence[str] = (), *, lab: bool = False) -> tuple[Role, ...]:
    """Choose roles by name, or all that every installation runs; `lab` adds the simulated exchange."""
    known = {role.name for role in ROLES}
    unknown = sorted(set(only) - known)
    if unknown:
        raise ConfigError(f"--only names an unknown role {unknown[0]!r}; expected some of {', '.join(sorted(known))}")
    return tuple(role for role in ROLES if (role.name in only if only else role.wanted) or (lab and role.name == "lab"))


def role_environment(
    environ: Mapping[str, str], stack: Stack, options: RoleOptions, *, lab: bool = True
) -> dict[str, str]:
    """Return what the roles inherit: where servers and files are, and never the owner's address.

    `lab` tells them of the simulated exchange of this run; otherwise the installation's settings say where one is.
    """
    found = {name: value for name, value in environ.items() if name != "DATABASE_OWNER_URL"} | {
        "DATABASE_URL": stack.database_url,
        "REDIS_URL": stack.redis_url,
        "COPYDESK_ROOT": str(options.root),
        "COPYDESK_VAR": str(options.var_dir),
        "PYTHONUNBUFFERED": "1",
    }
    if lab:
        found["COPYDESK_LAB_REST"] = f"http://{LOOPBACK}:{options.lab_port}"
        found["COPYDESK_LAB_STREAM"] = f"ws://{LOOPBACK}:{options.lab_ws_port}"
        found["COPYDESK_LAB_CONTROL"] = f"http://{LOOPBACK}:{options.lab_control_port}"
    return found


def lab_token(lab_dir: Path) -> str:
    """Return the token of the lab's control interface, made on first use and readable by its owner only.

    It is written beside its place and moved there, so that a cut never leaves an empty one.
    """
    path = lab_dir / "token"
    if not (path.exists() and path.read_text().strip()):
        lab_dir.mkdir(parents=True, exist_ok=True)
        fresh = lab_dir / "token.new"
        fresh.unlink(missing_ok=True)
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_hex(24))
        fresh.replace(path)
    return path.read_text().strip()


def require_free_ports(roles: Sequence[Role], options: RoleOptions) -> None:
    """Refuse to start while something else holds a port that a chosen role serves."""
    for role in roles:
        for name, flag in role.ports:
            require_free_port(getattr(options, name), flag, role.host(options))


def _console_script() -> Path:
    return Path(sysconfig.get_path("scripts")) / "copydesk"

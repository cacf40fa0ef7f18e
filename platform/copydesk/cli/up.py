"""`copydesk up`: the whole installation as one supervised process tree."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import click

from copydesk.cli.installation import Installation, declared_settings, open_installation, with_installation
from copydesk.cli.options import PORT
from copydesk.db import sqlalchemy_url
from copydesk.db.migrate import migrate
from copydesk.kernel import ConfigError
from copydesk.stack import (
    Role,
    RoleOptions,
    Stack,
    Supervisor,
    embedded_stack,
    lab_token,
    require_free_ports,
    require_redis,
    role_environment,
    select_roles,
)
from copydesk.tenancy import Tenant, load_tenant, tenant_files
from copydesk.venues.budgets import begin_anew

_WATCH_S = 1.0
_REDIS_SCHEMES = ("redis", "rediss", "unix")
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@click.command("up")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address that the sites listen on.")
@click.option("--port", default=8000, show_default=True, type=PORT, help="Port of the sites.")
@click.option("--live-port", default=8001, show_default=True, type=PORT, help="Port of live events.")
@click.option("--lab/--no-lab", default=False, help="Run the simulated exchange too.")
@click.option("--lab-port", default=8010, show_default=True, type=PORT, help="Port of the lab's REST.")
@click.option("--lab-ws-port", default=8011, show_default=True, type=PORT, help="Port of the lab's streams.")
@click.option("--lab-control-port", default=8012, show_default=True, type=PORT, help="Port of the lab's control.")
@click.option("--only", default="", metavar="ROLES", help="Run these roles, separated by commas, instead of all.")
@with_installation
def command(only: str, lab: bool, root: Path, var: Path | None, **chosen: Any) -> None:
    """Run the whole installation as one supervised process tree.

    DATABASE_URL and REDIS_URL name servers to use; without them real ones are started on the data directory.
    Ctrl-C ends everything; the data stay for the next start.

    \b
    Examples:
      copydesk up --lab
      copydesk up --only web,live --port 8080
    """
    installation = open_installation(root, var)
    names = [name.strip() for name in only.split(",") if name.strip()]
    options = RoleOptions(root=installation.root.resolve(), var_dir=installation.var.resolve(), **chosen)
    run_roles(select_roles(names, lab=lab), options, os.environ, brand_urls(installation, options.port))


def run_roles(
    roles: Sequence[Role], options: RoleOptions, environ: Mapping[str, str], urls: Iterable[str] = ()
) -> None:
    """Run servers and roles until a signal to end comes; nothing of them is left when this returns or raises.

    `urls` are lines to print once everything answers.
    """
    with interruptible():
        try:
            _run(roles, options, environ, urls)
        except KeyboardInterrupt:
            _say("stopped")


def require_addresses(environ: Mapping[str, str]) -> None:
    """Refuse an address that no server can have, before anything is started; never quote it, it may hold a password."""
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL"):
        if environ.get(name):
            sqlalchemy_url(environ[name], name=name)
    scheme = environ.get("REDIS_URL", "").partition("://")[0]
    if scheme and scheme not in _REDIS_SCHEMES:
        raise ConfigError("REDIS_URL must start with redis://, rediss:// or unix://")


def _run(roles: Sequence[Role], options: RoleOptions, environ: Mapping[str, str], urls: Iterable[str]) -> None:
    require_addresses(environ)
    with embedded_stack(
        options.var_dir,
        database_url=environ.get("DATABASE_URL", ""),
        owner_url=environ.get("DATABASE_OWNER_URL", ""),
        redis_url=environ.get("REDIS_URL", ""),
        say=_say,
        preflight=partial(require_free_ports, roles, options),
    ) as stack:
        supervisor = Supervisor(stack.var, roles, options)
        lab = any(role.name == "lab" for role in roles)
        if lab:
            lab_token(options.var_dir / "lab")
        require_redis(stack.redis_url)
        if not environ.get("REDIS_URL"):
            begin_anew(stack.redis_url)
        _say("migrating the database")
        _say(f"database is at revision {migrate(stack.owner_url)}")
        _say(f"starting {', '.join(role.name for role in roles)}")
        try:
            supervisor.start(role_environment(environ, stack, options, lab=lab))
            for line in urls:
                _say(line)
            _say("ready; Ctrl-C ends everything")
            _watch(stack, supervisor)
        finally:
            _say("stopping")
            supervisor.stop()


def _watch(stack: Stack, supervisor: Supervisor) -> None:
    while supervisor.alive:
        for name in stack.heal():
            _say(f"{name} ended and was started again")
        for line in supervisor.watch():
            _say(line)
        time.sleep(_WATCH_S)
    raise ConfigError(f"the supervisor of the roles ended (see {stack.var.log / 'supervisord.log'})")


def brand_urls(installation: Installation, port: int) -> Iterator[str]:
    """Name each brand's address; a brand whose file is wrong gets the command that explains it."""
    settings = declared_settings()
    for file in tenant_files(installation.tenants):
        tenant = load_tenant(file, themes_dir=installation.themes, settings=settings)
        if isinstance(tenant, Tenant):
            yield f"  {tenant.config.brand.name}: http://{tenant.hosts[0]}:{port}/"
        else:
            slug = file.parent.name
            yield f"  {slug} is not served: its file is wrong, see `copydesk tenant check {slug}`"


@contextmanager
def interruptible() -> Iterator[None]:
    """Turn the first signal to end into KeyboardInterrupt, and ignore further ones, so that clean-up completes."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before: dict[signal.Signals, Callable[[int, FrameType | None], object] | int | None] = {}
    for wanted in _SIGNALS:
        before[wanted] = signal.signal(wanted, interrupt)
    try:
        yield
    finally:
        for wanted, handler in before.items():
            signal.signal(wanted, handler)


def _say(line: str) -> None:
    click.echo(line, err=True)

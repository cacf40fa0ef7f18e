"""`copydesk tenant secret`: what a brand's file refers to as `secret:<name>`. Values go in, and never come out."""

from __future__ import annotations

import sys

import click

from copydesk.audit import OPERATOR, record
from copydesk.bootstrap import Runtime
from copydesk.cli import show
from copydesk.cli.brand import on_installation
from copydesk.cli.installation import print_json, tenant_file
from copydesk.cli.options import SLUG
from copydesk.cli.tenant_brand import registered
from copydesk.cli.tenant_ground import servers_answer
from copydesk.kernel import InvalidInput, NotFound, utc_now
from copydesk.tenancy.values import dotted

_DRY_RUN = click.option("--dry-run", is_flag=True, help="Say what would be stored; ask for nothing.")


@click.group("secret")
def command() -> None:
    """Store what a brand's file refers to as `secret:<name>`.

    \b
    Examples:
      copydesk tenant secret list aurora
      copydesk tenant secret set aurora smtp_password < password.txt
    """


@command.command("set")
@SLUG
@click.argument("name")
@_DRY_RUN
@on_installation
def set_secret(runtime: Runtime, slug: str, name: str, dry_run: bool, as_json: bool) -> int:
    """Store a secret; its value is asked for, or read from standard input, and never an argument.

    The value that is stored already changes nothing.

    \b
    Examples:
      copydesk tenant secret set aurora smtp_password
      copydesk tenant secret set aurora smtp_password < password.txt
    """
    return _store(runtime, slug, name, rotates=False, dry_run=dry_run, as_json=as_json)


@command.command("rotate")
@SLUG
@click.argument("name")
@_DRY_RUN
@on_installation
def rotate(runtime: Runtime, slug: str, name: str, dry_run: bool, as_json: bool) -> int:
    """Replace a secret that is stored by a new value, and say which keys use it from now on.

    \b
    Examples:
      copydesk tenant secret rotate aurora smtp_password
      copydesk tenant secret rotate aurora smtp_password --dry-run
    """
    if name not in runtime.secrets.names(slug):
        tenant_file(runtime.places, slug)
        raise NotFound(f"{slug} has no secret {name} to replace: copydesk tenant secret set {slug} {name} stores one")
    return _store(runtime, slug, name, rotates=True, dry_run=dry_run, as_json=as_json)


@command.command("list")
@SLUG
@on_installation
def list_secrets(runtime: Runtime, slug: str, as_json: bool) -> int:
    """List a brand's secrets by name, what refers to each, and which are missing; never their values.

    \b
    Examples:
      copydesk tenant secret list aurora
      copydesk tenant secret list aurora --json
    """
    tenant_file(runtime.places, slug)
    names, used = runtime.secrets.names(slug), _used(runtime, slug)
    missing = sorted(used.keys() - set(names))
    rows = [(f"secret:{name}", "stored", used.get(name, ["nothing refers to it"])) for name in names]
    rows += [(f"secret:{name}", "missing", used[name]) for name in missing]
    if rows:
        show.table(("secret", "state", "used by"), rows, err=as_json)
    else:
        click.echo(f"{slug} has no stored secrets", err=True)
    if as_json:
        print_json({"tenant": slug, "names": names, "missing": missing, "used_by": used})
    return 0


def _store(runtime: Runtime, slug: str, name: str, *, rotates: bool, dry_run: bool, as_json: bool) -> int:
    tenant_file(runtime.places, slug)
    used = _used(runtime, slug).get(name, [])
    users = ", ".join(used) or "nothing in its file yet"
    if dry_run:
        click.echo(f"would store secret:{name} for {slug}; used by {users}", err=as_json)
        changed = False
    else:
        value = _asked_value(name)
        changed = runtime.secrets.get(slug, name) != value
        if changed:
            runtime.secrets.set(slug, name, value)
            _note(runtime, slug, name)
        verb = "replaced" if rotates else "stored"
        said = (
            f"{verb} secret:{name} for {slug}" if changed else f"secret:{name} of {slug} has that value; nothing to do"
        )
        click.echo(f"{said}; used by {users}", err=as_json)
    if as_json:
        print_json({"tenant": slug, "name": name, "changed": changed, "dry_run": dry_run, "used_by": used})
    return 0


def _note(runtime: Runtime, slug: str, name: str) -> None:
    """Write into the brand's record that a secret was stored, where the database is up: a first one may come before."""
    number = None if servers_answer(runtime) else registered(runtime, slug)
    if number is not None:
        with runtime.db.tenant(number) as session:
            record(session, number, OPERATOR, "secret.stored", f"secret:{name}", at=utc_now())


def _used(runtime: Runtime, slug: str) -> dict[str, list[str]]:
    """Return which keys of the brand refer to each secret, as it is configured now."""
    tenant = runtime.directory.by_slug(slug)
    used: dict[str, list[str]] = {}
    for where, name in tenant.config.secret_references() if tenant else ():
        used.setdefault(name, []).append(dotted(where))
    return used


def _asked_value(name: str) -> str:
    if sys.stdin.isatty():
        return str(click.prompt(f"Value of secret:{name}", hide_input=True, confirmation_prompt=True, err=True))
    value = sys.stdin.read().removesuffix("\n").removesuffix("\r")
    if not value:
        raise InvalidInput(f"expected the value of {name} on standard input, found nothing")
    return value

"""`copydesk audit`: list, sign, export and verify a brand's record of who did what."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import click

from copydesk.audit import Entry, read_entries
from copydesk.audit.findings import Report
from copydesk.audit.model import fields_of
from copydesk.audit.notary import Brand
from copydesk.audit.signing import PublicKey
from copydesk.audit.verify import verify as judge
from copydesk.bootstrap import Runtime
from copydesk.cli.brand import brand_id, on_brand, on_installation
from copydesk.cli.installation import print_json
from copydesk.kernel import ConfigError, InvalidInput, utc_now

_PATH = click.Path(path_type=Path, dir_okay=False)
_SHOWN_MAX = 10_000


@click.group("audit")
def command() -> None:
    """Export and verify the record of who did what: append-only, each line chained to the one before.

    \b
    Examples:
      copydesk audit list --tenant aurora --limit 20
      copydesk audit export --tenant aurora --out aurora.jsonl
      copydesk audit verify aurora.jsonl --key audit-public.txt
    """


@command.command("list")
@click.option("--limit", type=click.IntRange(1, _SHOWN_MAX), default=50, show_default=True, help="How many, newest.")
@click.option("--act", default="", metavar="NAME", help='Only this act, or with a point at its end, as "key.", a kind.')
@click.option("--user", type=int, help="Only what this user did, by number.")
@click.option("--subject", default="", help='Only what was done to this, as "user:17".')
@on_brand
def list_(runtime: Runtime, tenant: str, limit: int, act: str, user: int | None, subject: str, as_json: bool) -> None:
    """Show the newest entries, the newest first.

    \b
    Examples:
      copydesk audit list --tenant aurora --act key. --limit 200
      copydesk audit list --tenant aurora --user 17 --json
    """
    number = brand_id(runtime, tenant)
    with runtime.db.tenant(number) as session:
        found = read_entries(session, number, limit=limit, act=act, user_id=user, subject=subject)
    for entry in found:
        click.echo(_line(entry), err=as_json)
    if not found:
        click.echo("the record has no such entry", err=True)
    if as_json:
        print_json({"tenant": tenant, "entries": [fields_of(entry) | {"hash": entry.hash} for entry in found]})


@command.command("export")
@click.option("--out", type=_PATH, required=True, help='Where to write it; "-" is standard output.')
@on_brand
def export(runtime: Runtime, tenant: str, out: Path, as_json: bool) -> None:
    """Write a brand's whole record as JSON lines, with its checkpoints and a signed end.

    \b
    Examples:
      copydesk audit export --tenant aurora --out aurora.jsonl
      copydesk audit export --tenant aurora --out - | gzip > aurora.jsonl.gz
    """
    if as_json and str(out) == "-":
        raise InvalidInput("--json and --out - both want standard output: give --out a file")
    number, count = brand_id(runtime, tenant), 0
    with _written(out) as file, runtime.db.tenant(number) as session:
        for line in runtime.notary.export(session, Brand(number, tenant), at=utc_now()):
            file.write(line)
            count += 1
    told = {"tenant": tenant, "file": str(out), "lines": count, "key_id": runtime.notary.public.key_id}
    click.echo(f"{count} lines written to {out}, signed with key {told['key_id']}", err=True)
    if as_json:
        print_json(told)


@command.command("checkpoint")
@click.option("--tenant", help="Only this brand, by its slug.")
@on_installation
def checkpoint(runtime: Runtime, tenant: str | None, as_json: bool) -> None:
    """Sign the newest entry of every brand; the relay does so every hour by itself.

    \b
    Examples:
      copydesk audit checkpoint
      copydesk audit checkpoint --tenant aurora --json
    """
    slugs = [tenant] if tenant else sorted(runtime.tenant_ids)
    signed = {}
    for slug in slugs:
        brand = Brand(brand_id(runtime, slug), slug)
        with runtime.db.tenant(brand.tenant_id) as session:
            made = runtime.notary.checkpoint(session, brand, at=utc_now())
        signed[slug] = made and {"number": made.number, "seq": made.seq, "hash": made.hash}
        said = f"checkpoint {made.number} signs entry {made.seq}" if made else "nothing new to sign"
        click.echo(f"{slug}: {said}", err=as_json)
    if as_json:
        print_json({"checkpoints": signed})


@command.command("key")
@on_installation
def key(runtime: Runtime, as_json: bool) -> None:
    """Print the public key that `verify` needs; give it to whoever checks exports, and keep a copy elsewhere.

    \b
    Example:
      copydesk audit key > audit-public.txt
    """
    public = runtime.notary.public
    if as_json:
        print_json({"key_id": public.key_id, "public": public.text})
    else:
        click.echo(public.text)


@command.command("verify")
@click.argument("file", type=click.File("rb"))
@click.option("--key", "keys", multiple=True, required=True, metavar="PUB", help="Public key: a file, or its text.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line of output.")
def verify(file: BinaryIO, keys: tuple[str, ...], as_json: bool) -> int:
    """Judge an export by itself, without database and private key; exit 1 if anything is wrong, and say where.

    After the signing key was replaced, give the old and the new one.

    \b
    Examples:
      copydesk audit verify aurora.jsonl --key audit-public.txt
      gunzip -c aurora.jsonl.gz | copydesk audit verify - --key audit-public.txt --json
    """
    report = judge(file, [public for text in keys for public in _public_keys(text)])
    for finding in report.findings:
        click.echo(finding.says, err=as_json)
    click.echo(_verdict(report), err=as_json)
    if as_json:
        found = [finding.plain() for finding in report.findings]
        counted = {"entries": report.entries, "checkpoints": report.checkpoints, "last_seq": report.last_seq}
        print_json({"ok": report.ok, "tenant": report.tenant, **counted, "findings": found})
    return 0 if report.ok else 1


def _public_keys(text: str) -> list[PublicKey]:
    """Read keys from a file, one a line, or take the text itself for one."""
    path = Path(text)
    try:
        lines = path.read_text(encoding="ascii", errors="replace").splitlines() if path.is_file() else [text]
    except OSError as error:
        raise ConfigError(f"the public key {path} cannot be read: {error.strerror}") from None
    found = [PublicKey.parse(line) for line in lines if line.strip()]
    if not found:
        raise InvalidInput(f"expected a public key in {path}, found an empty file")
    return found


@contextmanager
def _written(out: Path) -> Iterator[BinaryIO]:
    """Give a file for its owner only; a draft takes its place when all of it is written."""
    if str(out) == "-":
        yield sys.stdout.buffer
        return
    draft = out.with_name(f".{out.name}.draft")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            yield file
        draft.replace(out)
    except OSError as error:
        raise ConfigError(f"{out} cannot be written: {error.strerror}") from None


def _line(entry: Entry) -> str:
    actor = entry.actor
    who = str(actor.kind) if actor.user_id is None else f"{actor.kind} {actor.user_id}"
    session = f" session {actor.session_id}" if actor.session_id else ""
    return f"{entry.seq} {_minute(entry.at)} {who}{session} {actor.ip or '-'} {entry.act} {entry.subject}"


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _verdict(report: Report) -> str:
    whose = f"record of {report.tenant}" if report.tenant else "record of an unknown brand"
    counted = f"{report.entries} entries, {report.checkpoints} checkpoints"
    if report.ok:
        return f"{whose}: {counted}; every line is as it was written"
    count = len(report.findings)
    return f"{whose}: {counted}; {count} finding{'s' * (count != 1)}"

"""`copydesk statement`: what a period did to one person's money, as PDF, CSV or JSON."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from copydesk.audit import OPERATOR, record
from copydesk.bootstrap import Runtime
from copydesk.cli.brand import brand_id, on_brand
from copydesk.cli.installation import print_json
from copydesk.cli.web import SiteRuntime
from copydesk.kernel import InvalidInput, utc_now
from copydesk.statements import Period, Statement, document, period_between, period_named, read_statement
from copydesk.tenancy import Tenant
from copydesk.web import create_app
from copydesk.web.catalogs import LANGUAGES
from copydesk.web.statement_files import FileKind, statement_bytes

_DAY = click.DateTime(["%Y-%m-%d"])
_FORMATS = [str(kind) for kind in FileKind]


@click.command("statement")
@click.option("--user", "user_id", type=click.IntRange(1, 2**63 - 1), required=True, help="The person, by number.")
@click.option("--period", "name", help="2026, 2026-Q1 or 2026-02.")
@click.option("--from", "first", type=_DAY, help="The first day (UTC), instead of a period.")
@click.option("--to", "last", type=_DAY, help="The last day (UTC), which belongs to it.")
@click.option("--format", "kind", type=click.Choice(_FORMATS), default="pdf", show_default=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Where to write it [default: the screen].")
@click.option("--locale", type=click.Choice(LANGUAGES), help="The language of its words [default: the brand's first].")
@click.option("--bom", is_flag=True, help="Begin CSV with the mark that older spreadsheets need.")
@on_brand
def command(
    runtime: Runtime,
    tenant: str,
    user_id: int,
    name: str | None,
    first: datetime | None,
    last: datetime | None,
    kind: str,
    out: Path | None,
    locale: str | None,
    bom: bool,
    as_json: bool,
) -> int:
    """Write a person's statement: each subscription and strategy of theirs, to the last digit.

    That it was written stands in the brand's record.

    \b
    Examples:
      copydesk statement --tenant aurora --user 17 --period 2026-02 --out february.pdf
      copydesk statement --tenant aurora --user 17 --from 2026-01-01 --to 2026-03-31 --format csv --out q1.csv
      copydesk statement --tenant aurora --user 17 --period 2026 --json
    """
    period = _period(name, first, last)
    if out is None and kind == FileKind.PDF and not as_json:
        raise click.UsageError("A PDF goes into a file: name it with --out.")
    with runtime.db.tenant(brand_id(runtime, tenant)) as session:
        brand = runtime.directory.by_slug(tenant)
        assert brand is not None, "a brand with a number is in the directory"
        found = read_statement(session, brand, user_id, period, now=utc_now())
        what = {"period": period.name, "kind": "json" if out is None and as_json else kind}
        record(*(session, session.tenant_id, OPERATOR, "statement.read", f"user:{user_id}"), at=utc_now(), after=what)
    if out is None and as_json:
        print_json(document(found))
        return 0
    written = _written(runtime, brand, found, FileKind(kind), locale=locale, bom=bom)
    if out is None:
        click.echo(written, nl=False)
        return 0
    try:
        out.write_bytes(written)
    except OSError as error:
        raise InvalidInput(f"--out: {out} cannot be written: {error.strerror}.") from None
    click.echo(f"{out}: {period.name} of user {user_id}, {len(written)} bytes", err=as_json)
    if as_json:
        print_json({"file": str(out), "bytes": len(written), "period": period.name, "user": user_id})
    return 0


def _period(name: str | None, first: datetime | None, last: datetime | None) -> Period:
    if name is not None and first is None and last is None:
        return period_named(name)
    if name is None and first is not None and last is not None:
        return period_between(first.date(), last.date())
    raise InvalidInput("Expected --period, or --from and --to.")


def _written(
    runtime: Runtime, brand: Tenant, found: Statement, kind: FileKind, *, locale: str | None, bom: bool
) -> bytes:
    """Write it as the brand's site would, in one of the languages of the product."""
    app = create_app(SiteRuntime(runtime, "http://{host}", "http://{host}"))
    host = brand.hosts[0]
    with app.test_request_context(base_url=f"http://{host}"):
        app.extensions["copydesk_sites"].enter(brand, locale or brand.config.locale_default, host)
        return statement_bytes(found, kind, brand, bom=bom)

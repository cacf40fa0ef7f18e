"""`copydesk tenant doctor`: try everything that a brand needs, live, and say what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import click

from copydesk.bootstrap import Runtime
from copydesk.bootstrap.clinic import case_of
from copydesk.cli.brand import on_installation
from copydesk.cli.doctor_site import site_checks
from copydesk.cli.installation import print_json
from copydesk.cli.show import table
from copydesk.doctor import CHECKS, Case, Check, Level, Result, examine, fail
from copydesk.kernel import InvalidInput, NotFound
from copydesk.web.catalogs import LANGUAGES

_COLUMNS = ("", "check", "about", "found", "remedy")


@click.command("doctor")
@click.argument("slug", required=False)
@click.option("--all", "every", is_flag=True, help="Every brand.")
@click.option("--mail", "mail_to", default="", metavar="ADDRESS", help="Send a test letter there, too.")
@click.option("--only", default="", metavar="CHECKS", help="Run these checks, separated by commas, instead of all.")
@click.option("--problems", is_flag=True, help="Show warnings and failures alone.")
@on_installation
def command(
    runtime: Runtime, slug: str | None, every: bool, mail_to: str, only: str, problems: bool, as_json: bool
) -> int:
    """Try everything that a brand needs, live; each finding has its remedy. Exits 1 where anything fails.

    Hosts, TLS, mail, payments, identity checks, exchanges and broker ids, vault, secrets, lanes, owner, languages,
    legal texts, colors, logo and record of each brand; database, Redis, outgoing addresses, disk and backups once.
    Checks run beside each other, each with a deadline. Warnings are listed and leave the exit code alone.

    \b
    Examples:
      copydesk tenant doctor aurora
      copydesk tenant doctor aurora --mail me@example.com
      copydesk tenant doctor --all --problems --json
    """
    checks = _chosen((*CHECKS, *site_checks(runtime)), only)
    found = [(brand, one) for brand, one in _invalid(runtime) if every or brand == slug]
    for place, brand in enumerate(_brands(runtime, slug, every=every)):
        case = case_of(runtime, brand, catalogs=frozenset(LANGUAGES), mail_to=mail_to)
        found += [(brand, one) for one in _examined(case, checks, first=place == 0)]
    shown = [one for one in found if not problems or one[1].level in (Level.WARN, Level.FAIL)]
    _show(shown, err=as_json, named=every)
    failed = any(one.level is Level.FAIL for _, one in found)
    if as_json:
        counts = {str(level): sum(one.level is level for _, one in found) for level in Level}
        print_json({"ok": not failed, **counts, "checks": [{"tenant": brand, **one.plain()} for brand, one in shown]})
    return 1 if failed else 0


def _examined(case: Case, checks: Sequence[Check], *, first: bool) -> list[Result]:
    """Ask about one brand; about the whole installation only with the first one."""
    return examine(case, [check for check in checks if first or not check.whole])


def _invalid(runtime: Runtime) -> list[tuple[str, Result]]:
    """Tell of files that are wrong: such a brand is not served, or goes by what was last right."""
    told = []
    for error in runtime.directory.problems():
        brand = Path(error.file).parent.name
        remedy = f"Correct it: copydesk tenant check {brand} tells of every error."
        told.append((brand, replace(fail(error.key or "file", str(error), remedy), check="file")))
    return told


def _brands(runtime: Runtime, slug: str | None, *, every: bool) -> list[str]:
    if every == (slug is not None):
        raise InvalidInput("expected a brand or --all, one of them")
    found = [tenant.slug for tenant in runtime.directory.all()]
    if slug is None:
        return found
    if slug not in found:
        raise NotFound(f"there is no brand {slug} with a valid file: see copydesk tenant check {slug}")
    return [slug]


def _chosen(checks: Sequence[Check], only: str) -> list[Check]:
    names = {name.strip() for name in only.split(",") if name.strip()}
    unknown = sorted(names - {check.name for check in checks})
    if unknown:
        known = ", ".join(check.name for check in checks)
        raise InvalidInput(f"--only names an unknown check {unknown[0]!r}; expected some of {known}")
    return [check for check in checks if not names or check.name in names]


def _show(found: Iterable[tuple[str, Result]], *, err: bool, named: bool) -> None:
    """Draw the table; the brand stands before each line where there are several."""
    rows = [(str(one.level), brand, one.check, one.about, one.found, one.remedy) for brand, one in found]
    if named:
        table(("", "brand", *_COLUMNS[1:]), rows, err=err)
    else:
        table(_COLUMNS, [(row[0], *row[2:]) for row in rows], err=err)

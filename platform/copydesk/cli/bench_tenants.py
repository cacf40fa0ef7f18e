"""`copydesk bench tenants`: what many brands in one installation cost, beside a single one."""

from __future__ import annotations

import os
from pathlib import Path

import click

from copydesk.bench.bars import TENANT_BARS, verdicts
from copydesk.cli.bench_fanout import print_figures, run_folder
from copydesk.cli.installation import print_json, with_root

_TENANTS_MAX, _PAGES_MAX = 2_000, 20_000


@click.command("tenants")
@click.option("--tenants", default=200, show_default=True, type=click.IntRange(2, _TENANTS_MAX), help="Brands.")
@click.option(
    "--pages", default=600, show_default=True, type=click.IntRange(20, _PAGES_MAX), help="Pages asked of each site."
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as one line of JSON.")
@with_root
def tenants(root: Path, tenants: int, pages: int, as_json: bool) -> None:
    """Start a site of many brands beside one of a single brand, and compare start-up, memory and pages.

    \b
    Examples:
      copydesk bench tenants --json
      copydesk bench tenants --tenants 50 --pages 200
    """
    from copydesk.bench.tenants import TenantsPlan, run_tenants
    from copydesk.cli.up import interruptible

    with run_folder(root) as options, interruptible():
        plan = TenantsPlan(tenants, pages)
        figures = run_tenants(plan, options, os.environ, lambda line: click.echo(line, err=True))
    figures |= {"bars": [verdict._asdict() for verdict in verdicts(figures, TENANT_BARS)]}
    if as_json:
        print_json(figures)
    else:
        print_figures(f"{tenants} brands in one installation", figures)

"""`copydesk bench signin`: how long sign-ins take in a flood of them, and whether other visitors notice."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path

import click

from copydesk.bench.bars import SIGN_IN_BARS, verdicts
from copydesk.bootstrap import Runtime
from copydesk.cli.bench_fanout import print_figures, run_folder
from copydesk.cli.installation import print_json, with_root
from copydesk.cli.options import PORT, Number
from copydesk.cli.roles import role
from copydesk.cli.web import SiteRuntime
from copydesk.identity.port import Hashing

_RATE_MAX, _SECONDS_MAX = 1_000, 600
_PLAIN = "plain-site"


class PlainSite(SiteRuntime):
    """A site that checks each password in the request's own thread."""

    @cached_property
    def hashing(self) -> Hashing:  # type: ignore[override]
        from copydesk.bench.signin import InlineHasher

        return InlineHasher()


@click.command("signin")
@click.option("--rate", default=40.0, show_default=True, type=Number(1, _RATE_MAX), help="Sign-ins a second.")
@click.option("--seconds", default=20.0, show_default=True, type=Number(1, _SECONDS_MAX), help="How long the flood is.")
@click.option("--plain/--no-plain", default=True, help="Also let the flood meet a site that checks passwords inline.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as one line of JSON.")
@with_root
def signin(root: Path, rate: float, seconds: float, plain: bool, as_json: bool) -> None:
    """Flood a real site on loopback with sign-ins, half of them right, and visit pages besides. Ends by itself.

    \b
    Examples:
      copydesk bench signin --json
      copydesk bench signin --rate 20 --seconds 5 --no-plain
    """
    from copydesk.bench.signin import SignInPlan, run_sign_ins
    from copydesk.cli.up import interruptible

    plan = SignInPlan(rate, seconds, plain)
    with run_folder(root) as options, interruptible():
        figures = run_sign_ins(plan, options, os.environ, ("bench", _PLAIN), _say)
    figures |= {"bars": [verdict._asdict() for verdict in verdicts(figures, SIGN_IN_BARS)]}
    if as_json:
        print_json(figures)
    else:
        print_figures(f"{rate:g} sign-ins a second for {seconds:g} s", figures)


@click.command(_PLAIN, hidden=True)
@click.option("--port", required=True, type=PORT, help="Port to listen on.")
def plain_site(port: int) -> None:
    """Serve the sites, with passwords checked inline: what `bench signin` holds ours against.

    \b
    Example:
      copydesk bench plain-site --port 8009
    """
    from copydesk.web import serve_sites

    host, workers = "127.0.0.1", 2
    with role("web"):
        serve_sites(lambda: PlainSite(Runtime(), "http://{host}:1"), host=host, port=port, workers=workers)


def _say(line: str) -> None:
    click.echo(line, err=True)

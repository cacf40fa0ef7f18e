"""`copydesk accounts`: look at the key of an exchange account before anyone relies on it."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import asdict
from pathlib import Path

import click

from copydesk.bootstrap import Runtime
from copydesk.cli.installation import open_installation, print_json, with_installation
from copydesk.kernel import InvalidInput
from copydesk.trading import Credentials, Environment
from copydesk.venues import EXCHANGES, KeyVerdict, Venue, key_verdict
from copydesk.web.words import exchange_name, words

_NAMES = ("API key", "secret", "passphrase")
_LINE_LEN_MAX = 1024
_RIGHTS = (
    ("can_read", "read"),
    ("can_trade", "trade spot"),
    ("can_trade_perpetuals", "trade perpetuals"),
    ("can_transfer", "transfer"),
    ("can_withdraw", "withdraw"),
)


@click.group("accounts")
def command() -> None:
    """Look at the key of an exchange account before anyone relies on it.

    \b
    Example:
      copydesk accounts check --venue okx
    """


@command.command("check")
@click.option("--venue", required=True, type=click.Choice(list(EXCHANGES)), help="The exchange that the key is of.")
@click.option(
    "--environment",
    default=Environment.LIVE.value,
    show_default=True,
    type=click.Choice([environment.value for environment in Environment]),
    help="The real exchange, or the simulated one.",
)
@click.option("--egress", default="", metavar="ADDRESS", help="Ask from this one of `venues.egress`; else as usual.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line of standard output.")
@with_installation
def check(venue: str, environment: str, egress: str, as_json: bool, root: Path, var: Path | None) -> int:
    """Say whether a key may be used for copying, and if not what to change; exit 1 if not. Changes nothing.

    Key, secret and, where the exchange has one, passphrase are asked for, or read as lines of standard input.

    \b
    Examples:
      copydesk accounts check --venue binance
      copydesk accounts check --venue okx --environment lab --json < key.txt
      copydesk accounts check --venue bybit --egress 203.0.113.5
    """
    credentials = _asked_credentials()
    places = open_installation(root, var)
    runtime = Runtime({**os.environ, "COPYDESK_ROOT": str(places.root), "COPYDESK_VAR": str(places.var)})
    try:
        verdict = asyncio.run(_verdict(runtime.venue(venue, Environment(environment), egress=egress), credentials))
    finally:
        runtime.close()
    _show(venue, environment, verdict, as_json=as_json)
    return 0 if verdict.denial is None else 1


async def _verdict(venue: Venue, credentials: Credentials) -> KeyVerdict:
    try:
        return await key_verdict(venue, credentials)
    finally:
        await venue.aclose()


def _show(venue: str, environment: str, verdict: KeyVerdict, *, as_json: bool) -> None:
    denial, scope, said = verdict
    rights = [] if scope is None else [text for name, text in _RIGHTS if getattr(scope, name)]
    sentence = words(denial, {"exchange": venue, "message": said})
    click.echo(sentence or f"Accepted: this key of {exchange_name(venue)} may {', '.join(rights)}.", err=as_json)
    if scope is not None and not scope.ip_bound:
        click.echo(f"It is not bound to addresses: bind it at {exchange_name(venue)} to this site's.", err=as_json)
    if as_json:
        lists = {} if scope is None else {"unknown": sorted(scope.unknown), "named": sorted(scope.named)}
        shown = None if scope is None else asdict(scope) | lists
        told = {"venue": venue, "environment": environment, "ok": denial is None, "reason": denial}
        print_json({**told, "sentence": sentence, "rights": shown})


def _asked_credentials() -> Credentials:
    """Read key, secret and passphrase, never from arguments: those are seen by every user of the machine."""
    if sys.stdin.isatty():
        texts = [str(click.prompt(name, default="", hide_input=True, show_default=False, err=True)) for name in _NAMES]
    else:
        texts = [sys.stdin.readline(_LINE_LEN_MAX).strip() for _ in _NAMES]
    api_key, secret, passphrase = texts
    for name, text in zip(_NAMES, (api_key, secret), strict=False):
        if not text:
            raise InvalidInput(f"expected the {name} on a line of standard input, found nothing")
    return Credentials(0, api_key, secret, passphrase)

"""`copydesk lab accounts` and `copydesk lab keys`: who may trade on the lab, with what."""

from __future__ import annotations

from typing import Any, TextIO

import click

from copydesk.cli.installation import print_json
from copydesk.cli.lab_client import AS_JSON, VENUE, pairs, show, with_lab
from copydesk.demo.lab_control import LabControl

RIGHTS = ("read", "trade", "perp", "withdraw", "transfer", "margin", "other")


@click.group("accounts")
def accounts() -> None:
    """Open accounts, fund their wallets, see what they hold.

    \b
    Examples:
      copydesk lab accounts open ada --venue okx --balance USDT=10000
      copydesk lab accounts list --venue okx
    """


@accounts.command("list")
@click.option("--venue", type=VENUE, help="Of this exchange only.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000), help="At most so many.")
@click.option("--offset", default=0, show_default=True, type=click.IntRange(0), help="After so many.")
@AS_JSON
@with_lab
def list_accounts(lab: LabControl, as_json: bool, **wanted: Any) -> None:
    """Show accounts with money, positions and open orders.

    \b
    Examples:
      copydesk lab accounts list
      copydesk lab accounts list --venue bybit --json
    """
    answer = lab.call("GET", "accounts", {name: value for name, value in wanted.items() if value is not None})
    rows = [
        (a["account"], a["venue"], a["trading"], a["futures"]["equity"], _positions(a), a["open_orders"])
        for a in answer["accounts"]
    ]
    show(as_json, answer, ("account", "exchange", "trading", "futures equity", "positions", "open orders"), rows)


def _positions(account: dict[str, Any]) -> str:
    return ", ".join(f"{p['symbol']} {p['qty']} at {p['entry_px']}" for p in account["positions"])


@accounts.command("open")
@click.argument("account")
@click.option("--venue", type=VENUE, default="binance", show_default=True, help="Exchange.")
@click.option("--balance", "balances", multiple=True, metavar="ASSET=QTY", help="Money to begin with; may be repeated.")
@AS_JSON
@with_lab
def open_account(lab: LabControl, account: str, venue: str, balances: tuple[str, ...], as_json: bool) -> None:
    """Open an account; its name is new in the whole lab.

    \b
    Examples:
      copydesk lab accounts open ada
      copydesk lab accounts open ada --venue bybit --balance USDT=10000 --balance BTC=1
    """
    answer = lab.call("POST", "accounts", {"account": account, "venue": venue, "balances": pairs(balances)})
    _say(as_json, answer, f"{account} is open on {venue}")


@accounts.command("fund")
@click.argument("account")
@click.argument("asset")
@click.argument("qty")
@click.option(
    "--wallet",
    type=click.Choice(["trading", "futures", "funding"]),
    default="trading",
    show_default=True,
    help="Where.",
)
@AS_JSON
@with_lab
def fund(lab: LabControl, account: str, asset: str, qty: str, wallet: str, as_json: bool) -> None:
    """Add money from outside to a wallet; a negative quantity (after --) takes it out.

    \b
    Examples:
      copydesk lab accounts fund ada USDT 5000 --wallet futures
      copydesk lab accounts fund ada -- USDT -100
    """
    answer = lab.call("POST", "deposits", {"account": account, "asset": asset, "qty": qty, "wallet": wallet})
    _say(as_json, answer, f"{account} has {qty} {asset} more in its {wallet} wallet")


@click.group("keys")
def keys() -> None:
    """Issue API keys, change and revoke them.

    \b
    Examples:
      copydesk lab keys issue ada
      copydesk lab keys list --account ada
    """


@keys.command("list")
@click.option("--venue", type=VENUE, help="Of this exchange only.")
@click.option("--account", help="Of this account only.")
@AS_JSON
@with_lab
def list_keys(lab: LabControl, as_json: bool, **wanted: Any) -> None:
    """Show keys and what they may do; secrets are shown once, when a key is issued.

    \b
    Example:
      copydesk lab keys list --account ada --json
    """
    answer = lab.call("GET", "keys", {name: value for name, value in wanted.items() if value})
    rows = [
        (k["apiKey"], k["account"], k["venue"], k["permissions"], k["ips"], k["expires_ms"]) for k in answer["keys"]
    ]
    show(as_json, answer, ("key", "account", "exchange", "may", "addresses", "expires (epoch ms)"), rows)


@keys.command("issue")
@click.argument("account")
@click.option("--may", "permissions", multiple=True, type=click.Choice(RIGHTS), help="A right; may be repeated.")
@click.option("--ip", "ips", multiple=True, help="An address that the key is bound to; may be repeated.")
@click.option("--expires-ms", type=int, help="When it ends, in epoch milliseconds.")
@click.option(
    "--public-key", type=click.File(), help="PEM file of a public key, whose holder signs instead of sharing a secret."
)
@AS_JSON
@with_lab
def issue_key(lab: LabControl, as_json: bool, public_key: TextIO | None, **wanted: Any) -> None:
    """Issue a key; without --may it may read and trade spot and perpetuals.

    \b
    Examples:
      copydesk lab keys issue ada
      copydesk lab keys issue ada --may read --may withdraw --ip 203.0.113.7
      copydesk lab keys issue ada --public-key ours.pem
    """
    wanted["public_key"] = None if public_key is None else public_key.read()
    answer = lab.call("POST", "keys", {name: value for name, value in wanted.items() if value not in (None, ())})
    names = ("apiKey", "secret", "passphrase")
    show(as_json, answer, ("part", "value"), [(name, answer[name]) for name in names if answer[name]])


@keys.command("change")
@click.argument("api_key")
@click.option("--may", "permissions", multiple=True, type=click.Choice(RIGHTS), help="All rights from now on.")
@click.option("--ip", "ips", multiple=True, help="All addresses from now on.")
@click.option("--expires-ms", type=int, help="When it ends, in epoch milliseconds.")
@AS_JSON
@with_lab
def change_key(lab: LabControl, api_key: str, as_json: bool, **wanted: Any) -> None:
    """Replace the rights, addresses or end of a key; what is not named stays.

    \b
    Example:
      copydesk lab keys change vmPUZE6mv9SD --may read
    """
    fields = {name: value for name, value in wanted.items() if value not in (None, ())}
    _say(as_json, lab.call("PATCH", "keys", {"apiKey": api_key, **fields}), "the key is changed")


@keys.command("revoke")
@click.argument("api_key")
@AS_JSON
@with_lab
def revoke_key(lab: LabControl, api_key: str, as_json: bool) -> None:
    """Delete a key.

    \b
    Example:
      copydesk lab keys revoke vmPUZE6mv9SD
    """
    answer = lab.call("DELETE", "keys", {"apiKey": api_key})
    _say(as_json, answer, "the key is revoked" if answer["revoked"] else "there is no such key")


def _say(as_json: bool, answer: dict[str, Any], sentence: str) -> None:
    if as_json:
        print_json(answer)
    else:
        click.echo(sentence)

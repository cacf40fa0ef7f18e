"""`copydesk lab faults` and `copydesk lab journal`: what goes wrong, and what happened."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import click

from copydesk.cli.installation import print_json
from copydesk.cli.lab_client import AS_JSON, VENUE, pairs, show, with_lab
from copydesk.demo.lab_control import LabControl
from copydesk.kernel import InvalidInput
from copydesk.venues.lab import KINDS

FOLLOW_S = 0.25
PAGE_LEN = 1000
_HEAD = ("seq", "at_ms", "venue", "kind", "account")


@click.group("faults")
def faults() -> None:
    """Script faults: requests, fills, streams, whole exchanges, prices.

    \b
    Examples:
      copydesk lab faults kinds
      copydesk lab faults add delay delay_ms=300 venue=okx every=3
      copydesk lab faults lift
    """


@faults.command("kinds")
@AS_JSON
@with_lab
def list_kinds(lab: LabControl, as_json: bool) -> None:
    """Show every fault by name, with its fields.

    \b
    Example:
      copydesk lab faults kinds --json
    """
    answer = lab.call("GET", "faults/kinds")
    rows = [(k["harm"], k["scope"], k["help"], list(k["fields"])) for k in answer["kinds"]]
    show(as_json, answer, ("fault", "concerns", "what happens", "fields"), rows)


@faults.command("list")
@AS_JSON
@with_lab
def list_faults(lab: LabControl, as_json: bool) -> None:
    """Show the faults in force and how often each has hit.

    \b
    Example:
      copydesk lab faults list
    """
    answer = lab.call("GET", "faults")
    fixed = ("id", "harm", "seen", "hits")
    rows = [
        (f["id"], f["harm"], f["hits"], {name: value for name, value in f.items() if name not in fixed and value})
        for f in answer["faults"]
    ]
    show(as_json, answer, ("id", "fault", "hits", "fields"), rows)


@faults.command("add")
@click.argument("harm", type=click.Choice([str(harm) for harm in KINDS]))
@click.argument("fields", nargs=-1, metavar="[FIELD=VALUE]...")
@AS_JSON
@with_lab
def add_fault(lab: LabControl, harm: str, fields: tuple[str, ...], as_json: bool) -> None:
    """Put a fault in force; `copydesk lab faults kinds` lists the fields.

    \b
    Examples:
      copydesk lab faults add execute_then_drop method=POST path=/api/v3/order times=1
      copydesk lab faults add status status=429 venue=bybit probability=0.1
      copydesk lab faults add maintenance venue=bitget
    """
    answer = lab.call("POST", "faults", {"harm": harm, **{name: _value(v) for name, v in pairs(fields).items()}})
    if as_json:
        print_json(answer)
    elif KINDS[next(known for known in KINDS if known == harm)].lasts:
        click.echo(f"{harm} is in force until copydesk lab faults lift {answer['id']}")
    else:
        click.echo(f"{harm} is done")


def _value(text: str) -> Any:
    """Read numbers, true, false and null as such, anything else as text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return text if isinstance(value, dict | list) else value


@faults.command("lift")
@click.argument("fault_id", type=int, required=False)
@AS_JSON
@with_lab
def lift_faults(lab: LabControl, fault_id: int | None, as_json: bool) -> None:
    """Lift one fault by its number, or all.

    \b
    Examples:
      copydesk lab faults lift 3
      copydesk lab faults lift
    """
    answer = lab.call("DELETE", "faults", {} if fault_id is None else {"id": fault_id})
    if as_json:
        print_json(answer)
    else:
        click.echo(f"{answer['cleared']} lifted")


@click.command("journal")
@click.option("--venue", type=VENUE, help="Of this exchange.")
@click.option("--account", help="Of this account.")
@click.option("--kind", help="Of this kind: request, order, execution, account, mark, fault.")
@click.option("--since", metavar="TIME", help="From this ISO time on, UTC unless it says otherwise.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="The last so many.")
@click.option("--follow", "-f", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@AS_JSON
@with_lab
def journal(lab: LabControl, since: str | None, limit: int, follow: bool, as_json: bool, **wanted: str | None) -> None:
    """Show what happened on the lab; with --json one object a line.

    \b
    Examples:
      copydesk lab journal --kind execution --account ada
      copydesk lab journal --venue okx --follow --json
    """
    fields: dict[str, Any] = {name: value for name, value in wanted.items() if value}
    if since is not None:
        fields["since_ms"] = _since_ms(since)
    answer = lab.call("GET", "journal", {**fields, "limit": limit})
    _print(answer["records"], as_json)
    while follow:
        after = answer["next"]
        answer = lab.call("GET", "journal", {**fields, "limit": PAGE_LEN, "after": after})
        _print(answer["records"], as_json)
        if answer["next"] == after:
            time.sleep(FOLLOW_S)


def _since_ms(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f"--since: expected a time such as 2026-03-01T12:00, found {text!r}") from error
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _print(records: list[dict[str, Any]], as_json: bool) -> None:
    for record in records:
        if as_json:
            print_json(record)
            continue
        at = datetime.fromtimestamp(record["at_ms"] / 1000, UTC).strftime("%H:%M:%S.%f")[:-3]
        rest = " ".join(f"{name}={value}" for name, value in record.items() if name not in _HEAD and value is not None)
        click.echo(
            f"{record['seq']:>8} {at} {record['venue']:<10} {record['kind']:<9} {record.get('account', '')} {rest}"
        )

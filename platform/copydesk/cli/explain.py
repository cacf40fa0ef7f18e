"""`copydesk explain`: everything about one follower's copies of one signal."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import click

from copydesk.bootstrap import Runtime
from copydesk.cli.brand import brand_id, on_brand
from copydesk.cli.installation import print_json
from copydesk.kernel import decimal_text
from copydesk.replication import CopyTold, Explanation, explanation_of, last_signal, whereabouts_of
from copydesk.trading import Instrument
from copydesk.web.decisions import absence_words, purpose_words, sized_words
from copydesk.web.explanation import Section, told
from copydesk.web.speaking import LOCALES, speaking
from copydesk.web.words import words

# What a row's number can be in PostgreSQL.
_ID = click.IntRange(1, 2**63 - 1)


@click.command("explain")
@click.argument("subscription", type=_ID, required=False)
@click.argument("signal", type=_ID, required=False)
@click.option("--last", type=_ID, metavar="SUBSCRIPTION", help="The newest signal of this subscription instead.")
@click.option(
    "--rules", "with_rules", is_flag=True, help="Ask the follower's exchange for its step and minima of today."
)
@click.option(
    "--locale", type=click.Choice(LOCALES), default="en", show_default=True, help="The language of the words."
)
@on_brand
def command(
    runtime: Runtime,
    tenant: str,
    subscription: int | None,
    signal: int | None,
    last: int | None,
    with_rules: bool,
    locale: str,
    as_json: bool,
) -> int:
    """Explain why a follower's copies of one signal are as they are, from the trader's fill to the last execution.

    \b
    Examples:
      copydesk explain 17 4021 --tenant aurora
      copydesk explain --last 17 --tenant aurora --locale de
      copydesk explain 17 4021 --tenant aurora --rules --json
    """
    if (last is None) == (subscription is None) or (signal is None) != (subscription is None):
        raise click.UsageError("Name a subscription and a signal, or --last and a subscription.")
    with runtime.db.tenant(brand_id(runtime, tenant)) as session:
        which = (subscription, signal) if last is None else (last, last_signal(session, last))
        found = explanation_of(session, *map(int, which))  # type: ignore[arg-type]
    rules = asyncio.run(_rules(runtime, found)) if with_rules else None
    with speaking(locale):
        for line in _lines(told(found, rules)):
            click.echo(line, err=as_json)
        if as_json:
            print_json(_document(found, rules))
    return 0


async def _rules(runtime: Runtime, found: Explanation) -> Instrument | None:
    """Read the instrument as the follower's exchange lists it; raises `Unavailable` where it cannot be asked."""
    where = whereabouts_of(found.follower.shard)
    venue = runtime.venue(where.venue, where.environment, egress=where.egress)
    try:
        return (await venue.instruments()).get(found.move.fact.symbol)
    finally:
        await venue.aclose()


def _lines(sections: Sequence[Section]) -> list[str]:
    lines: list[str] = []
    for section in sections:
        width = max((len(label) for label, _ in section.rows), default=0)
        lines += [section.title, *(f"  {label:<{width}}  {said}" for label, said in section.rows), ""]
    return lines[:-1]


def _document(found: Explanation, rules: Instrument | None) -> dict[str, Any]:
    """Put an explanation in plain JSON: decimals as text, moments as ISO 8601, each sentence beside its facts."""
    absence = found.absence
    document: dict[str, Any] = {
        "signal": _plain(found.move),
        "together": [move.signal_id for move in found.together],
        "whole": _plain(found.whole),
        "equity_share": _plain(found.equity_share),
        "kept_share": _plain(found.kept_share),
        "ratio": _plain(found.ratio),
        "subscription": _plain(found.follower),
        "handover": _plain(found.handover),
        "copies": [_copy(copy, found.move.fact.symbol) for copy in found.copies],
        "absence": None,
        "unplaced": None,
        "rules": _plain(rules),
    }
    if absence is not None:
        document["absence"] = {"reason": absence, "sentence": absence_words(absence, found.joined_into)}
    if found.unplaced is not None:
        denial, facts = found.unplaced
        document["unplaced"] = {"reason": str(denial), "facts": facts, "sentence": words(denial, facts)}
    return document


def _copy(copy: CopyTold, symbol: str) -> dict[str, Any]:
    shown: dict[str, Any] = _plain(copy)
    if copy.decision is not None:
        shown["decision"] |= {"sizing": copy.decision.sizing, "sentence": sized_words(copy.decision, symbol)}
    return shown | {
        "purpose": purpose_words(copy.leg, copy.decision, symbol) or None,
        "fills": [_plain(fill._asdict()) for fill in copy.fills],
        "sentence": words(copy.reason, copy.facts),
    }


def _plain(value: Any) -> Any:
    match value:
        case Decimal():
            return decimal_text(value)
        case datetime():
            return value.isoformat()
        case Mapping():
            return {name: _plain(item) for name, item in value.items()}
        case _ if is_dataclass(value) and not isinstance(value, type):
            return _plain(asdict(value))
        case _:
            return value

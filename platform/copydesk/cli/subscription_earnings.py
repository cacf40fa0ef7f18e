"""`copydesk subscriptions earnings`: what subscriptions have earned, book by book, to the last digit."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import click

from copydesk.bootstrap import Runtime
from copydesk.cli.brand import brand_id, on_brand
from copydesk.cli.installation import print_json
from copydesk.kernel import decimal_text
from copydesk.replication import (
    SubscriptionEarnings,
    SubscriptionLine,
    account_place,
    read_earnings,
    subscription_lines,
    whereabouts_of,
)

Prices = Mapping[str, Decimal]


@click.command("earnings")
@click.argument("subscription", type=int, required=False)
@click.option("--strategy", help="Only of this strategy, by its slug.")
@click.option("--ended", is_flag=True, help="Also of those that have ended.")
@click.option("--at-market", is_flag=True, help="Count positions at the exchange's price of now, not at cost.")
@on_brand
def earnings(
    runtime: Runtime,
    tenant: str,
    subscription: int | None,
    strategy: str | None,
    ended: bool,
    at_market: bool,
    as_json: bool,
) -> int:
    """Tell what subscriptions have earned since they began: realized, fees and funding, by book and in all.

    \b
    Examples:
      copydesk subscriptions earnings 17 --tenant aurora --at-market
      copydesk subscriptions earnings --tenant aurora --strategy steady --ended --json
    """
    with runtime.db.tenant(brand_id(runtime, tenant)) as session:
        lines = subscription_lines(
            session, strategy_slug=strategy, ended=ended or subscription is not None, number=subscription
        )
        found = read_earnings(session, [line.id for line in lines])
        shards = {line.id: account_place(session, line.account_id).shard for line in lines}
    asked = {shards[line.id] for line in lines if any(book.earnings.qty for book in found[line.id].books)}
    prices = asyncio.run(_prices(runtime, sorted(asked))) if at_market else {}
    told = [(line, found[line.id], prices.get(shards[line.id], {})) for line in lines]
    for row in told:
        for said in _lines(*row):
            click.echo(said, err=as_json)
    if as_json:
        print_json({"subscriptions": [_document(*row) for row in told]})
    return 0


async def _prices(runtime: Runtime, shards: Sequence[str]) -> dict[str, Prices]:
    """Return public prices by shard; raises `Unavailable` where an exchange cannot be asked."""
    found: dict[str, Prices] = {}
    for shard in shards:
        where = whereabouts_of(shard)
        venue = runtime.venue(where.venue, where.environment, egress=where.egress)
        try:
            found[shard] = await venue.prices()
        finally:
            await venue.aclose()
    return found


def _lines(line: SubscriptionLine, found: SubscriptionEarnings, prices: Prices) -> Iterator[str]:
    net = ", ".join(f"{_signed(amount)} {currency}" for currency, amount in found.net(prices).items()) or "0"
    yield f"{line.id} {line.strategy_slug} account {line.account_id} {line.state}: {net}"
    for symbol, side, book in found.books:
        fees = "".join(f", fee {decimal_text(fee)} {currency}" for currency, fee in book.fees.items())
        held = f", holds {decimal_text(book.qty)} for {decimal_text(book.cost)}" if book.qty else ""
        open_ = f", open {_signed(book.unrealized(prices[symbol]))}" if book.qty and symbol in prices else ""
        yield f"  {symbol} {side} realized {_signed(book.realized)}{open_}{fees}{held}"
    for (symbol, currency), amount in found.funding.items():
        yield f"  {symbol} funding {_signed(amount)} {currency}"


def _document(line: SubscriptionLine, found: SubscriptionEarnings, prices: Prices) -> dict[str, Any]:
    return {
        "id": line.id,
        "strategy_slug": line.strategy_slug,
        "account_id": line.account_id,
        "state": line.state,
        "net": {currency: decimal_text(amount) for currency, amount in found.net(prices).items()},
        "books": [
            {
                "symbol": symbol,
                "position_side": side,
                "qty": decimal_text(book.qty),
                "cost": decimal_text(book.cost),
                "realized": decimal_text(book.realized),
                "unrealized": decimal_text(book.unrealized(prices[symbol])) if symbol in prices else None,
                "fees": {currency: decimal_text(fee) for currency, fee in book.fees.items()},
            }
            for symbol, side, book in found.books
        ],
        "funding": [
            {"symbol": symbol, "currency": currency, "amount": decimal_text(amount)}
            for (symbol, currency), amount in found.funding.items()
        ],
    }


def _signed(amount: Decimal) -> str:
    return f"+{decimal_text(amount)}" if amount > 0 else decimal_text(amount)

"""`copydesk strategies whatif`: what copying a strategy would have come to."""

from __future__ import annotations

from decimal import Decimal

import click

from copydesk.bootstrap import Runtime
from copydesk.cli.brand import brand_id, on_brand
from copydesk.cli.installation import print_json
from copydesk.kernel import InvalidInput, Unavailable, utc_now
from copydesk.marks import Listings
from copydesk.performance.whatif_past import Wanted, markets_at, read_past, read_terms, subject_of
from copydesk.risk.profiles import Profile
from copydesk.trading import SizePolicy, SizingMode
from copydesk.web.speaking import speaking
from copydesk.web.what_if_words import Told, act_words, caveats, enough_words, skipped_rows, summary
from copydesk.whatif import AMOUNT_MAX, Result, plain, replay


@click.command("whatif")
@click.argument("strategy")
@click.option(
    "--amount", default="500", show_default=True, help="What the follower allocates, in the brand's currency."
)
@click.option(
    "--sizing",
    type=click.Choice([mode.value for mode in SizingMode]),
    default=SizingMode.EQUITY_RATIO.value,
    show_default=True,
    help="How the size of a copy follows from the trader's.",
)
@click.option("--value", help="The factor, ratio, amount or quantity that the sizing needs.")
@click.option(
    "--policy",
    type=click.Choice([policy.value for policy in SizePolicy]),
    default=SizePolicy.SKIP.value,
    show_default=True,
    help="What becomes of copies that are smaller than the exchange takes.",
)
@click.option(
    "--profile", type=click.Choice([profile.value for profile in Profile]), help="The follower's risk profile."
)
@click.option("--days", type=click.IntRange(1, 3650), default=90, show_default=True, help="How far back.")
@on_brand
def command(runtime: Runtime, tenant: str, strategy: str, as_json: bool, **asked: str | int | None) -> int:
    """Replay a strategy's past through one follower's own amount, sizing, fees and limits.

    The sizes and refusals are those of the planner that copies for real. Instruments are taken as the listener last
    read them.

    \b
    Examples:
      copydesk strategies whatif steady --tenant aurora --amount 500
      copydesk strategies whatif steady --tenant aurora --amount 2000 --profile balanced --days 30 --json
      copydesk strategies whatif steady --tenant aurora --sizing fixed_notional --value 25 --policy round_up
    """
    result, told = _replayed(runtime, tenant, strategy, _wanted(**asked))  # type: ignore[arg-type]
    with speaking("en"):
        for line in _lines(result, told):
            click.echo(line, err=as_json)
    if as_json:
        print_json(plain(result))
    return 0


def _wanted(*, amount: str, sizing: str, value: str | None, policy: str, profile: str | None, days: int) -> Wanted:
    return Wanted(
        _number("amount", amount),
        SizingMode(sizing),
        None if value is None else _number("value", value),
        SizePolicy(policy),
        None if profile is None else Profile(profile),
        days,
    )


def _number(name: str, text: str) -> Decimal:
    try:
        number = Decimal(text)
    except ArithmeticError:
        number = Decimal(0)
    if not (number.is_finite() and 0 < number <= AMOUNT_MAX):
        raise InvalidInput(f"--{name}: expected a number above zero, found {text!r}", code=name)
    return number


def _replayed(runtime: Runtime, tenant: str, slug: str, wanted: Wanted) -> tuple[Result, Told]:
    """Read and replay; raises NotFound where there is no such strategy, Unavailable while no rules are known."""
    tenant_id = brand_id(runtime, tenant)
    brand = runtime.tenant(tenant_id)
    with runtime.db.tenant(tenant_id) as session:
        subject = subject_of(session, slug)
        listed = Listings(runtime.hasty_redis).read(subject.place, markets_at(brand, subject.place))
        if listed is None:
            raise Unavailable(f"What {subject.place} takes is not known: the listener has not read it yet.")
        past = read_past(session, brand, subject, listed, days=wanted.days, now=utc_now())
        terms = read_terms(session, brand, subject, wanted, past)
    return replay(past, terms), Told(wanted.days, subject.venue, terms, past.perpetual)


def _lines(result: Result, told: Told) -> list[str]:
    skipped = [f"  {orders} × {why}" for why, orders, _ in skipped_rows(result)]
    acts = [f"  {act.at:%Y-%m-%d %H:%M} UTC {act_words(act)}" for act in result.acts]
    enough = enough_words(result)
    lines = [*summary(result), *([enough] if enough else [])]
    lines += ["not copied:", *skipped] if skipped else []
    lines += ["limits reached:", *acts] if acts else []
    return [*lines, "", *caveats(result, told)]

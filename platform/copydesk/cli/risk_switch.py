"""`copydesk risk switch`: throw, confirm, lift and list kill switches, with what each would do shown before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any, TypeVar

import click

from copydesk.bootstrap import Runtime
from copydesk.cli.brand import brand_id, on_installation
from copydesk.cli.installation import print_json
from copydesk.cli.switch_desk import Named, SwitchDesk, as_if_thrown, preview_json
from copydesk.kernel import decimal_text
from copydesk.replication import SwitchPreview
from copydesk.risk import Stops, ThrownSwitch
from copydesk.risk.switches import confirm, lift, read_switches, throw

_F = TypeVar("_F", bound=Callable[..., Any])

_WHOSE = (
    click.option("--tenant", help="The brand, by its slug."),
    click.option("--platform", is_flag=True, help="The platform's switch, over all brands or over the one named."),
)
_BY = click.option("--by", required=True, metavar="NAME", help="Who does it.")
_DRY_RUN = click.option("--dry-run", is_flag=True, help="Only show what it would reach; changes nothing.")
_YES = click.option("--yes", is_flag=True, help="Do not ask.")


def _with(*options: Callable[[_F], _F]) -> Callable[[_F], _F]:
    def add(command: _F) -> _F:
        for option in reversed(options):
            command = option(command)
        return command

    return add


@click.group("switch")
def switch() -> None:
    """Kill switches: stop what opens everywhere within a quarter of a second, or close what is held besides.

    Closing orders are never stopped. Over all brands closing takes two people: until a second one confirms, opens stop.

    \b
    Examples:
      copydesk risk switch on --tenant aurora --all --stops all --reason "key leak" --by Mara --dry-run
      copydesk risk switch on --platform --exchange binance-live --reason "outage" --by Mara
      copydesk risk switch confirm 3 --by Omar
      copydesk risk switch off 3 --platform --by Omar
    """


@switch.command("on")
@_with(
    *_WHOSE,
    click.option("--exchange", help='One exchange environment, as "binance-live".'),
    click.option("--instrument", help='One instrument, as "BTC/USDT:USDT".'),
    click.option("--strategy", help="One strategy, by its slug; with --tenant."),
    click.option("--all", "everything", is_flag=True, help="All of the brand, or of the platform."),
    click.option(
        "--stops",
        type=click.Choice([stops.value for stops in Stops]),
        default=Stops.OPENS.value,
        show_default=True,
        help="What opens; or all, so that what is held is closed at market besides.",
    ),
    click.option("--reason", required=True, help="Why; followers are told."),
    _BY,
    _DRY_RUN,
    _YES,
)
@on_installation
def on(
    runtime: Runtime, stops: str, reason: str, by: str, dry_run: bool, yes: bool, as_json: bool, **named: Any
) -> int:
    """Throw a switch. Whom it reaches, what they hold and what closing may cost is shown before.

    \b
    Examples:
      copydesk risk switch on --tenant aurora --strategy steady --reason "odd trades" --by Mara
      copydesk risk switch on --platform --all --stops all --reason "breach" --by Mara --dry-run --json
    """
    desk = SwitchDesk(runtime, Named(**named))
    new = desk.new(Stops(stops), reason, by)
    wanted = as_if_thrown(new, desk.tenant_id)
    preview = desk.preview(wanted)
    _show(preview, wanted, as_json=as_json)
    if dry_run or not (yes or agreed("Throw the switch?")):
        if as_json:
            print_json({"ok": dry_run, "dry_run": dry_run, "preview": preview_json(preview)})
        return 0 if dry_run else 1
    with desk.session() as session:
        thrown = throw(session, new, desk.known())
    desk.carry_out(thrown)
    click.echo(f"Switch {thrown.id} is on. {_done(thrown)}", err=as_json)
    if as_json:
        print_json({"ok": True, "dry_run": False, "switch": switch_json(thrown), "preview": preview_json(preview)})
    return 0


@switch.command("confirm")
@_with(click.argument("number", type=int), _BY, _DRY_RUN, _YES)
@on_installation
def confirm_(runtime: Runtime, number: int, by: str, dry_run: bool, yes: bool, as_json: bool) -> int:
    """Agree, as the second person, that a switch of the platform closes what is held.

    \b
    Example:
      copydesk risk switch confirm 3 --by Omar
    """
    desk = SwitchDesk(runtime, Named(None, platform=True))
    with desk.session() as session:
        found = [one for one in read_switches(session) if one.id == number]
    preview = desk.preview(found[0]) if found else SwitchPreview()
    for line in preview_lines(preview):
        click.echo(line, err=as_json)
    if found and (dry_run or not (yes or agreed("Close all of this?"))):
        if as_json:
            print_json({"ok": dry_run, "dry_run": dry_run, "preview": preview_json(preview)})
        return 0 if dry_run else 1
    with desk.session() as session:
        confirmed = confirm(session, number, by)
    desk.carry_out(confirmed)
    click.echo(f"Switch {number} is confirmed by {by}. {_done(confirmed)}", err=as_json)
    if as_json:
        print_json({"ok": True, "dry_run": False, "switch": switch_json(confirmed), "preview": preview_json(preview)})
    return 0


@switch.command("off")
@_with(click.argument("number", type=int), *_WHOSE, _BY)
@on_installation
def off(runtime: Runtime, number: int, tenant: str | None, platform: bool, by: str, as_json: bool) -> int:
    """Lift a switch: the next trades open again. What was stopped or closed stays as it is.

    \b
    Examples:
      copydesk risk switch off 3 --tenant aurora --by Mara
      copydesk risk switch off 4 --platform --by Mara --json
    """
    desk = SwitchDesk(runtime, Named(None if platform else tenant, platform=platform))
    with desk.session() as session:
        lifted = lift(session, number, by)
    desk.carry_out(lifted)
    click.echo(f"Switch {number} is lifted. Subscriptions that it disarmed are resumed by their owners.", err=as_json)
    if as_json:
        print_json({"ok": True, "switch": switch_json(lifted)})
    return 0


@switch.command("list")
@_with(*_WHOSE, click.option("--lifted", is_flag=True, help="Also those that were lifted."))
@on_installation
def list_(runtime: Runtime, tenant: str | None, platform: bool, lifted: bool, as_json: bool) -> int:
    """List switches that are on: the platform's and every brand's, or only those named.

    \b
    Examples:
      copydesk risk switch list
      copydesk risk switch list --tenant aurora --lifted --json
    """
    found: list[ThrownSwitch] = []
    if platform or not tenant:
        with runtime.db.installation() as session:
            found += read_switches(session, lifted=lifted)
    brands = [brand_id(runtime, tenant)] if tenant else [] if platform else list(runtime.tenant_ids.values())
    for number in brands:
        with runtime.db.tenant(number) as session:
            found += read_switches(session, lifted=lifted)
    slugs = {number: slug for slug, number in runtime.tenant_ids.items()}
    for one in found:
        click.echo(_line(one, slugs), err=as_json)
    if as_json:
        print_json({"switches": [switch_json(one, slugs) for one in found]})
    return 0


def agreed(question: str) -> bool:
    """Ask on standard error, where a look ahead in JSON does not get mixed up with it; no is the default."""
    return click.confirm(question, default=False, err=True)


def preview_lines(preview: SwitchPreview) -> Iterator[str]:
    """Say whom a stop reaches, what they hold by instrument, and what closing it may cost."""
    yield (
        f"Reaches {preview.followers} followers with {preview.subscriptions} subscriptions, "
        f"{preview.positions} positions and {preview.resting} resting orders that open."
    )
    for one in preview.exposed:
        worth = "not known" if one.notional is None else f"{decimal_text(one.notional)} {one.currency}"
        slips = "not known"
        if one.slippage_bps is not None:
            cost = "" if one.slippage is None else f", about {decimal_text(one.slippage)} {one.currency}"
            slips = f"{decimal_text(one.slippage_bps)} bps{cost}"
        sides = f"long {decimal_text(one.long_qty)}, short {decimal_text(one.short_qty)}"
        yield f"  {one.exchange} {one.symbol}: {one.positions} positions, {sides}, worth {worth}; slippage {slips}"


def switch_json(one: ThrownSwitch, slugs: dict[int, str] | None = None) -> dict[str, Any]:
    """Return what is printed of a switch; `closes` tells whether what is held is closed by it."""
    told = asdict(one) | {"closes": one.closes}
    return told | ({"tenant": slugs.get(one.tenant_id or 0)} if slugs else {})


def _show(preview: SwitchPreview, wanted: ThrownSwitch, *, as_json: bool) -> None:
    for line in preview_lines(preview):
        click.echo(line, err=as_json)
    if wanted.needs_two:
        click.echo("Closing over all brands takes a second person: until then only opens stop.", err=as_json)


def _done(one: ThrownSwitch) -> str:
    if one.closes:
        return "Nothing opens, and what is held is being closed."
    if one.needs_two:
        return f"Nothing opens. To close as well, another person runs: copydesk risk switch confirm {one.id} --by NAME"
    return "Nothing opens; closing orders still go through."


def _line(one: ThrownSwitch, slugs: dict[int, str]) -> str:
    whose = "platform" if one.tenant_id is None else slugs.get(one.tenant_id, str(one.tenant_id))
    about = f" {one.subject}" if one.subject else ""
    second = f", confirmed by {one.confirmed_by}" if one.confirmed_by else ""
    waits = ", waits for a second person" if one.needs_two and not one.confirmed_by else ""
    over = f", lifted {one.lifted_at:%Y-%m-%d %H:%M} UTC by {one.lifted_by}" if one.lifted_at else ""
    return (
        f"{one.id} {whose} {one.reach}{about} stops {one.stops} since {one.at:%Y-%m-%d %H:%M} UTC by {one.author}"
        f"{second}{waits}{over}: {one.reason}"
    )

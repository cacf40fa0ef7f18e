"""`copydesk tenant suspend` and `resume`: a brand out of service, and back. Closing orders go through all the while."""

from __future__ import annotations

import click

from copydesk.audit import OPERATOR, record
from copydesk.bootstrap import Runtime
from copydesk.cli.brand import on_installation
from copydesk.cli.installation import print_json
from copydesk.cli.options import SLUG
from copydesk.cli.switch_desk import Named, SwitchDesk
from copydesk.cli.tenant_brand import DRY_RUN, configured, number_of
from copydesk.kernel import InvalidInput, utc_now
from copydesk.risk import Reach, Stops, ThrownSwitch
from copydesk.risk.switches import NewSwitch, lift, read_switches, throw
from copydesk.tenancy import Tenant, tenant_ids
from copydesk.tenancy.model import TenantStatus
from copydesk.tenancy.store import set_standing

# By this name we know the switch again that a suspension has thrown; one that somebody else threw stays.
AUTHOR = "tenant suspend"
_REASON_MAX = 200


@click.command("suspend")
@SLUG
@click.option("--reason", required=True, help="Why; staff of the brand see it, visitors do not.")
@DRY_RUN
@on_installation
def suspend(runtime: Runtime, slug: str, reason: str, dry_run: bool, as_json: bool) -> int:
    """Take a brand out of service: visitors are told that it pauses, and nothing opens any more.

    Followers still sign in, see what they hold, and close it; closing orders of traders are copied. The stop is a kill
    switch of the platform, which the brand itself cannot lift.

    \b
    Examples:
      copydesk tenant suspend aurora --reason "invoice 2026-114 is open"
      copydesk tenant suspend aurora --reason "moves to another installation" --dry-run
    """
    why = " ".join(reason.split())
    if not why or len(why) > _REASON_MAX:
        raise InvalidInput(f"reason: expected 1 to {_REASON_MAX} characters, found {len(why)}")
    tenant, number = configured(runtime, slug), number_of(runtime, slug)
    switch = _switch_of(runtime, number)
    changed = switch is None or (tenant.status, tenant.suspend_reason) != (TenantStatus.SUSPENDED, why)
    if changed and not dry_run:
        stop_opens(runtime, number, why)
        _stand(runtime, tenant, number, TenantStatus.SUSPENDED, why)
    said = {
        True: "suspended; nothing opens, closing orders still go through",
        False: "suspended already; nothing to do",
    }
    return _done(tenant, said[changed], TenantStatus.SUSPENDED, changed=changed, dry_run=dry_run, as_json=as_json)


@click.command("resume")
@SLUG
@DRY_RUN
@on_installation
def resume(runtime: Runtime, slug: str, dry_run: bool, as_json: bool) -> int:
    """Take a suspended brand back into service; the next trades open again.

    Kill switches that somebody threw besides stay on: `copydesk risk switch list` names them.

    \b
    Examples:
      copydesk tenant resume aurora
      copydesk tenant resume aurora --dry-run --json
    """
    tenant, number = configured(runtime, slug), number_of(runtime, slug)
    switch = _switch_of(runtime, number)
    ours = switch is not None and switch.author == AUTHOR
    changed = ours or tenant.status is not TenantStatus.ACTIVE
    if changed and not dry_run:
        _stand(runtime, tenant, number, TenantStatus.ACTIVE, "")
        take_stop_back(runtime, number)
    said = {True: "back in service", False: "in service already; nothing to do"}
    return _done(tenant, said[changed], TenantStatus.ACTIVE, changed=changed, dry_run=dry_run, as_json=as_json)


def _switch_of(runtime: Runtime, number: int) -> ThrownSwitch | None:
    """Return the platform's switch that stops what a brand opens, if one is on."""
    with runtime.db.installation() as session:
        return next(
            (
                one
                for one in read_switches(session)
                if (one.reach, one.subject, one.stops) == (Reach.TENANT, str(number), Stops.OPENS)
            ),
            None,
        )


def stop_opens(runtime: Runtime, number: int, why: str) -> None:
    """Throw the platform's switch that stops whatever a brand would open; one that is on already is enough."""
    if _switch_of(runtime, number) is not None:
        return
    desk = SwitchDesk(runtime, Named(None, platform=True))
    new = NewSwitch(Reach.TENANT, str(number), Stops.OPENS, f"the brand is suspended: {why}", AUTHOR)
    with desk.session() as session:
        thrown = throw(session, new, desk.known()._replace(brands=[number]))
    desk.carry_out(thrown)


def take_stop_back(runtime: Runtime, number: int) -> None:
    """Lift the switch that `stop_opens` threw; one that somebody threw stays."""
    switch = _switch_of(runtime, number)
    if switch is None or switch.author != AUTHOR:
        return
    desk = SwitchDesk(runtime, Named(None, platform=True))
    with desk.session() as session:
        lifted = lift(session, switch.id, AUTHOR)
    desk.carry_out(lifted)


def lift_orphaned(runtime: Runtime) -> None:
    """Lift what `stop_opens` threw for brands that are not registered any more."""
    with runtime.db.installation() as session:
        known = {str(number) for number in tenant_ids(session).values()}
        for one in read_switches(session):
            if one.reach is Reach.TENANT and one.author == AUTHOR and one.subject not in known:
                lift(session, one.id, AUTHOR)


def _stand(runtime: Runtime, tenant: Tenant, number: int, status: TenantStatus, why: str) -> None:
    with runtime.db.tenant(number) as session:
        if not set_standing(session, number, status, why):
            return
        at, subject = utc_now(), f"tenant:{tenant.slug}"
        if status is TenantStatus.SUSPENDED:
            record(session, number, OPERATOR, "tenant.suspended", subject, at=at, after={"reason": why})
        else:
            record(
                session, number, OPERATOR, "tenant.resumed", subject, at=at, before={"reason": tenant.suspend_reason}
            )


def _done(tenant: Tenant, said: str, status: TenantStatus, *, changed: bool, dry_run: bool, as_json: bool) -> int:
    would = "would be " if changed and dry_run else "is "
    click.echo(f"{tenant.slug} {would}{said}", err=as_json)
    if as_json:
        told = {"tenant": tenant.slug, "changed": changed and not dry_run, "dry_run": dry_run}
        print_json(told | {"status": tenant.status if dry_run else status})
    return 0

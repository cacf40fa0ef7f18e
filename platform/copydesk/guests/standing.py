"""Reads of demo accounts: how far one has come, and what is left to do before somebody goes live."""

from __future__ import annotations

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from copydesk.guests.model import Checklist, DemoCopy, DemoState, DemoStep
from copydesk.guests.tables import GuestDemo
from copydesk.identity import User
from copydesk.kernel import NotFound
from copydesk.keys import IntakeState
from copydesk.keys.store import intake_of
from copydesk.risk.model import Scope
from copydesk.risk.service import profile_chosen
from copydesk.risk.store import LimitOwner, limits_set
from copydesk.tenancy import Tenant
from copydesk.trading import Environment
from copydesk.vault import Account

_STEPS = {IntakeState.ACCEPTED: DemoStep.READY, IntakeState.REFUSED: DemoStep.FAILED}
_COPIES = text(
    """
    SELECT s.id AS subscription_id, t.slug AS strategy_slug, t.name AS strategy_name, s.allocation, s.sizing_mode,
           s.sizing_value, s.size_policy, s.leverage_max, s.copies, s.created_at AS since, f.tracking_difference,
           f.net_result, f.as_of
    FROM subscription s JOIN strategy t ON t.tenant_id = s.tenant_id AND t.id = s.strategy_id
    LEFT JOIN subscription_figures f ON f.tenant_id = s.tenant_id AND f.subscription_id = s.id
    WHERE s.account_id = :account_id AND s.state <> 'ended' ORDER BY s.id
    """
)


def demo_state(session: Session, user_id: int) -> DemoState | None:
    """Return how far a person's demo account has come; None for who never had one."""
    intake_id = session.scalar(select(GuestDemo.intake_id).where(GuestDemo.user_id == user_id))
    if intake_id is None:
        return None
    intake = intake_of(session, user_id, intake_id)
    step = _STEPS.get(intake.state, DemoStep.OPENING)
    return DemoState(step, intake.venue, intake.account_id if step is DemoStep.READY else None, intake.reason)


def demo_copies(session: Session, account_id: int) -> tuple[DemoCopy, ...]:
    """Return what a demo account copies, with how far it stays behind or ahead of the traders so far."""
    rows = session.execute(_COPIES, {"account_id": account_id}).all()
    return tuple(DemoCopy(**row._mapping, profile=_profile(session, row.subscription_id)) for row in rows)


def _profile(session: Session, subscription_id: int) -> str:
    chosen = profile_chosen(limits_set(session, LimitOwner(Scope.SUBSCRIPTION, subscription_id)))
    return "" if chosen is None else str(chosen)


def checklist(session: Session, tenant: Tenant, user_id: int, *, factor: bool) -> Checklist:
    """Return what is left before somebody copies with an account of their own; `factor` says that they have a second.

    Raises `NotFound` for who never had a demo account.
    """
    state = demo_state(session, user_id)
    if state is None:
        raise NotFound("There is no demo account.")
    person = session.execute(select(User.email_verified_at, User.guest_until).where(User.id == user_id)).one()
    live = any(place.environment is Environment.LIVE for place in tenant.config.exchanges)
    copies = demo_copies(session, state.account_id) if state.account_id is not None else ()
    return Checklist(
        verified=person.email_verified_at is not None and person.guest_until is None,
        factor=factor,
        live=live,
        account_id=_own_account(session, user_id, live=live, demo_id=state.account_id),
        copies=copies,
    )


def _own_account(session: Session, user_id: int, *, live: bool, demo_id: int | None) -> int | None:
    """Return the newest usable account that is not the demo's."""
    wanted = Environment.LIVE if live else Environment.LAB
    mine = select(Account.id).where(
        Account.user_id == user_id,
        Account.environment == str(wanted),
        Account.sealed_key.is_not(None),
        Account.status == "active",
        Account.id != (demo_id or 0),
    )
    return session.scalar(mine.order_by(Account.id.desc()).limit(1))

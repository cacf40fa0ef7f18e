"""What is done about a kill switch in a brand, and an owner's "stop everything and close"; both by `close_books`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text

from copydesk.db import TenantSession, number_array
from copydesk.kernel import NotFound
from copydesk.replication.flattening import StopReason, close_books, close_instrument
from copydesk.replication.rest_rows import recall_orders
from copydesk.risk import Reach, ThrownSwitch
from copydesk.risk.switches import Subjects
from copydesk.trading import Denial

# Whom a switch reaches, by its reach; of an instrument whoever holds it, or has an order of it resting.
REACHED: Mapping[Reach, str] = {
    Reach.ALL: "true",
    Reach.TENANT: "true",
    Reach.EXCHANGE: "a.venue || '-' || a.environment = :subject",
    Reach.STRATEGY: "CAST(s.strategy_id AS text) = :subject",
    Reach.INSTRUMENT: (
        "(EXISTS (SELECT 1 FROM book b WHERE b.tenant_id = s.tenant_id AND b.subscription_id = s.id "
        "AND b.symbol = :subject AND (b.qty <> 0 OR b.target_qty <> 0)) "
        "OR EXISTS (SELECT 1 FROM resting_order r WHERE r.tenant_id = s.tenant_id AND r.subscription_id = s.id "
        "AND r.symbol = :subject AND r.state <> 'done'))"
    ),
}
_SUBSCRIPTIONS = """
    SELECT s.id FROM subscription s JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    WHERE s.state <> 'ended' AND {reached} ORDER BY s.id
"""
_IDS = {reach: text(_SUBSCRIPTIONS.format(reached=reached)) for reach, reached in REACHED.items()}
_OF_ACCOUNT = text("SELECT id FROM account WHERE id = :id")
_OF_USER = text("SELECT id FROM account WHERE user_id = :id ORDER BY id")
_COPYING = text(
    "SELECT id FROM subscription WHERE account_id = ANY(CAST(:ids AS bigint[])) AND state <> 'ended' ORDER BY id"
)
# Whose positions are being closed does not stop that by pausing.
_TO_PAUSE = text(
    """
    SELECT id FROM subscription
    WHERE id = ANY(CAST(:ids AS bigint[])) AND state IN ('synced', 'catching_up', 'out_of_sync')
      AND coalesce(state_reason, '') NOT IN ('stopped_by_switch', 'stopped_by_owner')
    ORDER BY id FOR UPDATE
    """
)
_PAUSE = text("UPDATE subscription SET state = 'paused', state_reason = NULL WHERE id = ANY(CAST(:ids AS bigint[]))")
_IN_USE = text(
    """
    SELECT ARRAY(SELECT DISTINCT venue || '-' || environment FROM account),
           ARRAY(SELECT symbol FROM book UNION SELECT symbol FROM leader_book),
           ARRAY(SELECT id FROM strategy)
    """
)


@dataclass(frozen=True)
class Stopped:
    """Subscriptions that were stopped: wake these lanes, so that closing begins at once."""

    subscription_ids: tuple[int, ...]
    shards: tuple[str, ...]


def concerns(switch: ThrownSwitch, tenant_id: int) -> bool:
    """Tell whether a switch reaches anything of a brand."""
    if switch.tenant_id is not None:
        return switch.tenant_id == tenant_id
    return switch.reach is not Reach.TENANT or switch.subject == str(tenant_id)


def reached_subscriptions(session: TenantSession, switch: ThrownSwitch) -> list[int]:
    """Return the subscriptions of this brand that a switch reaches."""
    if not concerns(switch, session.tenant_id):
        return []
    return list(session.execute(_IDS[switch.reach], {"subject": switch.subject}).scalars())


def carry_out(session: TenantSession, switch: ThrownSwitch) -> Stopped:
    """Do what a switch asks for in this brand, once thrown, confirmed or lifted; as often as anybody likes.

    Resting orders that open are recalled, or placed again after the lift. Where it closes, whom it reaches is disarmed
    and every book of theirs closed; of an instrument only its books.
    """
    ids = reached_subscriptions(session, switch)
    if not switch.closes:
        shards = recall_orders(session, *ids)
    elif switch.reach is Reach.INSTRUMENT:
        shards = close_instrument(session, ids, switch.subject)
    else:
        shards = close_books(session, ids, StopReason.SWITCH, Denial.STOPPED_BY_SWITCH)
    return Stopped(tuple(ids), tuple(shards))


def in_use(session: TenantSession) -> Subjects:
    """Return what of this brand a switch may name: exchanges and instruments that are used, strategies."""
    exchanges, instruments, strategies = session.execute(_IN_USE).one()
    return Subjects(exchanges, instruments, strategies)


def copying(session: TenantSession, *, user_id: int | None = None, account_id: int | None = None) -> list[int]:
    """Return the subscriptions of a user, or of one account. Raises NotFound."""
    assert (user_id is None) is not (account_id is None), "a user or an account"
    query, number = (_OF_USER, user_id) if account_id is None else (_OF_ACCOUNT, account_id)
    accounts = session.execute(query, {"id": number}).scalars().all()
    if not accounts:
        raise NotFound(f"user {user_id} has no account" if account_id is None else f"there is no account {account_id}")
    return list(session.execute(_COPYING, {"ids": list(accounts)}).scalars())


def stop_everything(session: TenantSession, *, user_id: int | None = None, account_id: int | None = None) -> Stopped:
    """Stop every subscription of a user, or of one account, and close all that they hold. Raises NotFound.

    Each stays disarmed until its owner resumes it.
    """
    ids = copying(session, user_id=user_id, account_id=account_id)
    shards = close_books(session, ids, StopReason.OWNER, Denial.SUBSCRIPTION_DISARMED)
    return Stopped(tuple(ids), tuple(shards))


def pause_everything(session: TenantSession, *, user_id: int) -> Stopped:
    """Pause every subscription of a user that runs: nothing new is opened, closes follow their leaders.

    What was stopped, is paused already or is leaving stays as it is. Raises NotFound for a user without an account.
    """
    ids = copying(session, user_id=user_id)
    paused = session.execute(_TO_PAUSE, {"ids": number_array(ids)}).scalars().all()
    if paused:
        session.execute(_PAUSE, {"ids": number_array(paused)})
    return Stopped(tuple(paused), tuple(recall_orders(session, *paused)))
